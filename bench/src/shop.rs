//! Shops to measure with, and the way from their text to a graph.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use mops_eval::{Folder, InputFound, SourceError, Sources, World};
use mops_lower::{Lowering, lower};
use mops_model::{Catalog, Diagnostic, Digest, Environment, Name, Site};
use mops_plugin::{Linked, Registry};

use crate::Outcome;

/// The loop of `scripts/many-websites.rhai` that makes its table.
const LOOP: &str = "1..=199";

/// Every plugin of the program.
pub(crate) fn registry() -> Registry {
    Registry::new([
        Linked(&mops_baler::Baler),
        Linked(&mops_cdn::Cdn),
        Linked(&mops_elasticsuite::Elasticsuite),
        Linked(&mops_geo_redirects::GeoRedirects),
        Linked(&mops_magento::Magento),
        Linked(&mops_nginx::Nginx),
        Linked(&mops_php::Php),
        Linked(&mops_rabbitmq::Rabbitmq),
        Linked(&mops_redis::Redis),
        Linked(&mops_throttling::Throttling),
        Linked(&mops_varnish::Varnish),
    ])
}

/// The example of many websites, with `count` of them.
///
/// # Errors
/// When the example cannot be read, or no longer counts as it did.
pub(crate) fn many_websites(scripts: &Path, count: usize) -> Outcome<String> {
    let text = fs::read_to_string(scripts.join("many-websites.rhai"))?;
    if !text.contains(LOOP) {
        return Err(format!("scripts/many-websites.rhai has no loop over {LOOP} any more").into());
    }
    Ok(text.replace(LOOP, &format!("1..={}", count - 1)))
}

/// Writes a shop of about `lines` lines into `folder`, most of them functions in four files that it imports; returns the
/// text of `shop.rhai`.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn workspace(folder: &Path, lines: usize) -> Outcome<String> {
    const FILES: usize = 4;
    let websites = lines / 25;
    let functions = (lines - websites) / (3 * FILES);
    let mut shop = String::new();
    let mut calls = String::new();
    for file in 0..FILES {
        let mut text = String::new();
        for it in 0..functions {
            let limit = format!("throttling::limit(`f{file}-{it}`, #{{ path: `^/x{it}`, rate: rate }})");
            writeln!(text, "fn limit_{it}(rate) {{\n    {limit};\n}}")?;
        }
        fs::write(folder.join(format!("limits{file}.rhai")), text)?;
        writeln!(shop, "import \"./limits{file}\" as limits{file};")?;
        writeln!(calls, "limits{file}::limit_1(\"1/1s\");")?;
    }
    writeln!(shop, "site(\"acme\", #{{}});\n{calls}")?;
    for it in 0..websites {
        writeln!(shop, "website(\"w{it}\", #{{ hosts: [\"w{it}.example\"] }});")?;
    }
    fs::write(folder.join("shop.rhai"), &shop)?;
    Ok(shop)
}

/// What turns a text into a graph.
pub(crate) struct Workshop {
    registry: Registry,
    catalog: Catalog,
    sources: Folder,
}

impl Workshop {
    /// With every plugin linked; scripts stand in the folder `scripts`, digests of its files are kept at `cache`.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) fn new(scripts: &Path, cache: &Path) -> Outcome<Self> {
        let sources = Folder::open(scripts, cache)?;
        Ok(Self { registry: registry(), catalog: mops_local::catalog(), sources })
    }

    /// Evaluates `text`.
    ///
    /// # Errors
    /// When it is wrong.
    pub(crate) fn evaluate(&self, text: &str) -> Outcome<Site> {
        let world = World {
            manifests: self.registry.manifests().collect(),
            catalog: &self.catalog,
            parameters: BTreeMap::new(),
            environment: Name::literal("local"),
        };
        let script = Script { sources: &self.sources, text };
        let evaluated = mops_eval::eval(SCRIPT, &script, &world);
        evaluated.map(|it| it.site).map_err(|err| wrong(&err.diagnostics))
    }

    /// Lowers `site`.
    ///
    /// # Errors
    /// When plugins refuse it.
    pub(crate) fn lower(&self, site: &Site) -> Outcome<Lowering> {
        let secrets = site.secrets.keys().map(|it| (it.clone(), Digest::of(b""))).collect();
        let environment = Environment::local();
        let world =
            mops_lower::World { environment: &environment, catalog: &self.catalog, secrets: &secrets };
        lower(site, &self.registry, &world).map_err(|err| wrong(&err))
    }
}

/// The first of `diagnostics` as an error.
pub(crate) fn wrong(diagnostics: &[Diagnostic]) -> Box<dyn std::error::Error> {
    match diagnostics.first() {
        Some(it) => format!("{}: {}", it.code, it.message).into(),
        None => "refused without a reason".into(),
    }
}

const SCRIPT: &str = "shop.rhai";

/// A script of our own in the folder of the examples.
struct Script<'a> {
    sources: &'a Folder,
    text: &'a str,
}

impl Sources for Script<'_> {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        match path {
            SCRIPT => Ok(self.text.to_owned()),
            path => self.sources.read(path),
        }
    }

    fn input(&self, path: &str) -> Result<InputFound, SourceError> {
        self.sources.input(path)
    }
}
