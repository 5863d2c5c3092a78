//! Doc comments as HTML: what stands in backticks and has an entry becomes a link to it.

use std::collections::BTreeMap;

use pulldown_cmark::{CowStr, Event, Parser, html};

/// Turns Markdown into HTML.
pub(crate) struct Markdown {
    addresses: BTreeMap<String, String>,
}

impl Markdown {
    /// Links names to their `addresses`.
    pub(crate) fn linking(addresses: BTreeMap<String, String>) -> Self {
        Self { addresses }
    }

    /// `text` as HTML. What looks like HTML in it is text: a doc comment writes `<host>` and means it.
    pub(crate) fn html(&self, text: &str) -> String {
        let event = |event: Event<'_>| match event {
            Event::Html(it) | Event::InlineHtml(it) => Event::Text(it.into_string().into()),
            Event::Code(code) => self.code(&code),
            other => other.into_static(),
        };
        let mut out = String::new();
        html::push_html(&mut out, Parser::new(text).map(event));
        out
    }

    fn code(&self, code: &str) -> Event<'static> {
        let name = code.trim_end_matches("()");
        match self.addresses.get(name) {
            Some(address) => {
                let mut escaped = String::new();
                html::push_html(&mut escaped, std::iter::once(Event::Code(CowStr::from(code))));
                Event::InlineHtml(format!("<a href=\"{address}\">{escaped}</a>").into())
            }
            None => Event::Code(code.to_owned().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_backticks_leads_to_its_entry_and_html_is_text() {
        let addresses = BTreeMap::from([("varnish::cache".to_owned(), "v.html#c".to_owned())]);
        let html = Markdown::linking(addresses).html("Call `varnish::cache()`, not `<b>`, for <host>.");
        assert_eq!(
            html.trim(),
            "<p>Call <a href=\"v.html#c\"><code>varnish::cache()</code></a>, not <code>&lt;b&gt;</code>, for &lt;host&gt;.</p>"
        );
    }
}
