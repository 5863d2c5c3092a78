//! Selectors as nginx maps: a rule's variable `$…_means` is 1 for the requests that its selector means.
//!
//! **Invariant:** a path is matched decoded and below the website's prefix, so that neither another spelling nor another
//! website of the host evades a rule.

use mops_plugin::{
    Context, Template,
    model::{Cidr, Declared, Diagnostic, Encoding, Selector, Text},
};
use serde::Serialize;

const RULES: Template = Template {
    name: "nginx/rules.conf",
    text: include_str!("../templates/rules.conf"),
    encoding: Encoding::Nginx,
};

/// A selector as maps.
#[derive(Serialize)]
pub(crate) struct Rule {
    /// What its variables begin with.
    pub(crate) variable: String,
    title: String,
    conditions: Vec<Condition>,
    /// The conditions that must hold.
    all: Vec<&'static str>,
}

/// One condition; its variable is 1 when one of its values is met.
#[derive(Default, Serialize)]
struct Condition {
    name: &'static str,
    /// The variable that it looks at.
    of: &'static str,
    networks: Vec<Cidr>,
    exact: Vec<String>,
    patterns: Vec<String>,
    patterns_of_any_case: Vec<String>,
    /// The condition that decides when none is met.
    otherwise: Option<&'static str>,
}

/// The maps of `rules`.
///
/// # Errors
/// When a selector cannot stand in nginx's configuration.
pub(crate) fn render(rules: &[Rule]) -> Result<Text, Diagnostic> {
    #[derive(Serialize)]
    struct Values<'a> {
        rules: &'a [Rule],
    }
    RULES.render(Values { rules })
}

impl Rule {
    /// The rule called `title` in comments, whose variables begin with `variable`.
    ///
    /// # Errors
    /// When the selector names what no request passes.
    pub(crate) fn new(
        variable: String,
        title: &str,
        selector: &Selector,
        declared: &Declared,
        context: &Context,
    ) -> Result<Self, Diagnostic> {
        let mut conditions = Vec::new();
        let mut all = Vec::new();
        let mut must = |condition: Condition| {
            all.push(condition.name);
            conditions.push(condition);
        };
        let website = on(selector, declared, context)?;
        if let Some(name) = &website {
            must(Condition {
                name: "website",
                of: "website",
                exact: vec![name.clone()],
                ..Condition::default()
            });
        }
        if !selector.method.is_empty() {
            let exact = selector.method.clone();
            must(Condition { name: "method", of: "request_method", exact, ..Condition::default() });
        }
        if let Some(agent) = &selector.agent {
            let patterns_of_any_case = vec![agent.clone()];
            let of = "http_user_agent";
            must(Condition { name: "agent", of, patterns_of_any_case, ..Condition::default() });
        }
        if !selector.country.is_empty() {
            let exact = selector.country.clone();
            must(Condition { name: "country", of: "country", exact, ..Condition::default() });
        }
        if !selector.from.is_empty() {
            let networks = selector.from.clone();
            must(Condition { name: "from", networks, ..Condition::default() });
        }
        if let Some(path) = &selector.path {
            // Without a website, a path may be meant with a prefix or below one.
            let otherwise = website.is_none().then_some("full");
            let patterns = vec![path.clone()];
            must(Condition {
                name: "path",
                of: "path",
                patterns: patterns.clone(),
                otherwise,
                ..Condition::default()
            });
            if let Some(name) = otherwise {
                conditions.push(Condition { name, of: "full_path", patterns, ..Condition::default() });
            }
        }
        Ok(Self { variable, title: title.to_owned(), conditions, all })
    }
}

/// The website that `on` names, if it names one. Every request passes the edge and the application.
fn on(selector: &Selector, declared: &Declared, context: &Context) -> Result<Option<String>, Diagnostic> {
    let Some(on) = &selector.on else { return Ok(None) };
    match (context.site.website(on.as_str()), on.as_str()) {
        (Some(website), _) => Ok(Some(website.name.to_string())),
        (None, "edge" | "app") => Ok(None),
        (None, _) => Err(Diagnostic::error(
            "nginx::target",
            format!("`on`: `{on}` is no website, and requests do not pass it"),
        )
        .at(declared.of("on"), "here")
        .help("name a website, or leave `on` out")),
    }
}
