//! Sources in memory, plugins for tests, and diagnostics as a person reads them.

use std::collections::BTreeMap;

use mops_eval::{Evaluated, Failed, InputFound, SourceError, Sources, World, eval};
use mops_model::{
    Attribute, Catalog, Digest, Entry, Field, Input, InputKind, Kind, Listing, Name, Need, Schema, Selector,
    Size,
};
use mops_plugin::{Calls, Function, Manifest};
use schemars::JsonSchema;
use serde::Deserialize;

/// Files by path; a folder is what files lie in.
pub(crate) struct Files(pub(crate) BTreeMap<&'static str, &'static str>);

impl Sources for Files {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        self.0.get(path).map(|it| (*it).to_owned()).ok_or_else(|| SourceError::Missing(path.to_owned()))
    }

    fn input(&self, path: &str) -> Result<InputFound, SourceError> {
        let input = |digest, kind, text| Input { path: path.to_owned(), digest, kind, text };
        if let Some(text) = self.0.get(path) {
            let digest = Digest::of(text.as_bytes());
            return Ok(InputFound {
                input: input(digest, InputKind::File, Some((*text).to_owned())),
                listing: None,
            });
        }
        let within = self
            .0
            .iter()
            .filter_map(|(file, text)| Some((file.strip_prefix(path)?.strip_prefix('/')?, text)));
        let entry = |text: &str| Entry::File { digest: Digest::of(text.as_bytes()), executable: false };
        let listing = Listing(within.map(|(file, text)| (file.to_owned(), entry(text))).collect());
        match listing.0.is_empty() {
            true => Err(SourceError::Missing(path.to_owned())),
            false => Ok(InputFound {
                input: input(listing.digest(), InputKind::Folder, None),
                listing: Some(listing),
            }),
        }
    }
}

/// Caches pages.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Cache {
    /// Memory of the storage.
    #[serde(default = "memory")]
    #[schemars(extend("x-min" = "64M"))]
    memory: Size,
    /// Images.
    images: Option<Images>,
}

/// Images.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Images {
    /// Whether they become WebP.
    #[serde(default)]
    webp: bool,
}

/// Limits requests.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Limit {
    /// Its name.
    name: String,
    /// How fast.
    rate: mops_model::Rate,
    #[serde(flatten)]
    selector: Selector,
}

/// Adds VCL.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Vcl {
    /// Where.
    place: String,
    /// What.
    #[schemars(extend("format" = "file"))]
    text: serde_json::Value,
}

/// Caches in memory.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Redis {
    /// Memory.
    memory: Size,
}

fn memory() -> Size {
    Size::mebibytes(1024)
}

/// Plugins for tests.
pub(crate) fn manifests() -> Vec<Manifest> {
    let per_name = || Calls::OncePer("name".to_owned());
    vec![
        Manifest::new("varnish", "Caches pages.")
            .function(Function::new::<Cache>("cache", Calls::Implied, "varnish::cache(#{});"))
            .function(
                Function::new::<Vcl>("vcl", Calls::Any, "varnish::vcl(\"recv\", path(\"a.vcl\"));")
                    .arguments(&["place", "text"]),
            ),
        Manifest::new("redis", "Caches.").function(Function::new::<Redis>(
            "cache",
            Calls::Once,
            "redis::cache(#{ memory: \"1G\" });",
        )),
        Manifest::new("geo-throttling", "Limits.").function(
            Function::new::<Limit>("limit", per_name(), "geo_throttling::limit(\"a\", #{ rate: \"1/1s\" });")
                .arguments(&["name"]),
        ),
    ]
}

/// One resource type, with an input and an output.
pub(crate) fn catalog() -> Catalog {
    let field = Field {
        name: "range".to_owned(),
        kind: Kind::Int { min: Some(1), max: None },
        need: Need::Optional,
        doc: String::new(),
    };
    Catalog::new([Schema {
        kind: "local.port".to_owned(),
        doc: "A port.".to_owned(),
        inputs: vec![Attribute { field, replaces: false, sensitive: false }],
        outputs: BTreeMap::from([("number".to_owned(), "The port.".to_owned())]),
        holds_data: false,
    }])
}

/// Evaluates `script` as `shop.rhai`, with `release/index.php` and `a.vcl` beside it.
pub(crate) fn run(script: &'static str) -> Result<Evaluated, Failed> {
    run_with(script, &[], &[])
}

/// Evaluates `script` with more files beside it, and with parameters.
pub(crate) fn run_with(
    script: &'static str,
    files: &[(&'static str, &'static str)],
    parameters: &[(&str, &str)],
) -> Result<Evaluated, Failed> {
    let always = [
        ("shop.rhai", script),
        ("release/index.php", "<?php"),
        ("a.vcl", "# vcl"),
        ("websites.csv", "name,host\npl,acme.pl\n"),
        ("websites.json", r#"[{ "name": "pl", "hosts": ["acme.pl"] }]"#),
    ];
    let sources = Files(always.into_iter().chain(files.iter().copied()).collect());
    let (manifests, catalog) = (manifests(), catalog());
    let world = World {
        manifests: manifests.iter().collect(),
        catalog: &catalog,
        parameters: parameters.iter().map(|(key, it)| ((*key).to_owned(), (*it).to_owned())).collect(),
        environment: Name::literal("local"),
    };
    Ok(eval("shop.rhai", &sources, &world)?)
}

/// What is wrong with `body` after a right call to `site`, as `code at place «token»: message (help)`.
pub(crate) fn wrong(body: &str) -> Vec<String> {
    wrong_with(body, &[])
}

/// The same with more files.
pub(crate) fn wrong_with(body: &str, files: &[(&'static str, &'static str)]) -> Vec<String> {
    let script: &'static str = Box::leak(format!("{SITE}\n{body}").into_boxed_str());
    shown(&run_with(script, files, &[]).expect_err("the script is wrong"))
}

/// The site of a script that is right: `body` after a right call to `site`.
pub(crate) fn right(body: &str) -> mops_model::Site {
    let script: &'static str = Box::leak(format!("{SITE}\n{body}").into_boxed_str());
    match run(script) {
        Ok(it) => it.site,
        Err(failed) => panic!("{:#?}", shown(&failed)),
    }
}

const SITE: &str = r#"site("acme", #{ magento: #{ version: "2.4.6", release: path("release") } });"#;

/// Each diagnostic on one line.
pub(crate) fn shown(failed: &Failed) -> Vec<String> {
    let texts: Vec<_> = failed.texts.texts().collect();
    let line = |it: &mops_model::Diagnostic| {
        let mut line = it.code.clone();
        for label in &it.labels {
            let text = texts[usize::from(label.span.source.0)].2;
            let token = &text[label.span.start as usize..label.span.end as usize];
            line = format!("{line} at {} «{token}»", failed.texts.place(label.span));
        }
        line = format!("{line}: {}", it.message);
        match &it.help {
            Some(help) => format!("{line} ({help})"),
            None => line,
        }
    };
    failed.diagnostics.iter().map(line).collect()
}
