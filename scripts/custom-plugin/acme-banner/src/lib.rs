//! A notice above the shop, such as "Deliveries pause on 24 December".
//!
//! `acme_banner::notice` has the cache send a header with every page that is meant, and the theme shows it. The header
//! is set on delivery: it changes at once, and no page is cached with it.

use std::collections::BTreeMap;

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots, Template,
    model::{Call, Diagnostic, Encoding},
    schemars::JsonSchema,
    serde::Deserialize,
    slot::{Slot, Snippet, Vcl},
};

/// The plugin `acme-banner`.
pub struct AcmeBanner;

mops_plugin::export_plugin!(AcmeBanner);

/// Sends the header `X-Notice` with every page that `path` means; the theme shows it.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "mops_plugin::serde")]
#[schemars(crate = "mops_plugin::schemars")]
struct Notice {
    /// What it says: one line without double quotes.
    text: String,
    /// The pages it is sent with: a regular expression of their paths.
    #[serde(default = "every_page")]
    #[schemars(extend("format" = "pattern"))]
    path: String,
}

fn every_page() -> String {
    "^/".to_owned()
}

const NOTICE: Template = Template {
    name: "acme-banner/notice.vcl",
    text: include_str!("../templates/notice.vcl"),
    encoding: Encoding::Vcl,
};

impl Plugin for AcmeBanner {
    fn manifest(&self) -> Manifest {
        let example = r#"acme_banner::notice(#{ text: "Deliveries pause on 24 December" });"#;
        Manifest::new("acme-banner", "A notice above the shop").function(Function::new::<Notice>(
            "notice",
            Calls::Once,
            example,
        ))
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        let notice: Notice = call.parse().expect("the options were checked against the manifest");
        if context.site.calls("varnish", "cache").next().is_none() {
            let wrong =
                Diagnostic::error("acme-banner::no-cache", "there is no cache that could send the notice");
            return Err(vec![wrong.help("call `varnish::cache(#{})` as well")]);
        }
        let values = BTreeMap::from([("text", notice.text), ("path", notice.path)]);
        let vcl = NOTICE.render(values).map_err(|wrong| vec![wrong.at_option("text")])?;
        let text = vcl.as_literal().expect("the template asks for nothing that is known later").to_owned();
        let snippet =
            Snippet { place: "deliver.last".to_owned(), text, origin: "acme-banner/notice.vcl".to_owned() };
        Ok(vec![Vcl(snippet).contribution()])
    }

    /// Everything it does is its contribution.
    fn lower(&self, _: &Call, _: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        Ok(Lowered::default())
    }
}
