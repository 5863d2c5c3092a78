//! A shop of this machine's: what `varnish::cache` comes to, filled and written to a folder of its own.

pub(crate) mod shop;

use std::{fs, path::Path};

use mops_plugin::{
    Context, Contribution, Lowered, Plugin, Slots,
    model::{Bindings, Facts, Name, SecretError, Secrets, Text, Value, Website},
    slot::{Slot, Snippet, Vcl},
    testing,
};
use mops_varnish::Varnish;

/// Compiles VCL to C without optimising: a third of the time.
pub(crate) const COMPILER: &str = "cc_command=exec gcc -O0 -fPIC -shared -pthread -o %o %s";

/// A site with two websites on one host, one of them behind `/b2b`, and `backoffice` as the admin path.
pub(crate) fn context() -> Context {
    let b2b = Website { path: "/b2b".to_owned(), ..testing::website("b2b", "acme.test") };
    let mut context = testing::context(vec![testing::website("main", "acme.test"), b2b]);
    let magento = [("admin_path".to_owned(), Value::text("backoffice"))];
    context.site.options.insert("magento".to_owned(), Value::Record(magento.into()));
    context
}

/// What `varnish::cache` with `options`, written as JSON, comes to.
pub(crate) fn lowered(options: &str, slots: &Slots) -> Lowered {
    let call = testing::call(&Varnish, "cache", options).unwrap_or_else(|err| panic!("{options}: {err:?}"));
    Varnish.lower(&call, &context(), slots).unwrap_or_else(|err| panic!("{options}: {err:#?}"))
}

/// VCL of the user's own: place, text.
pub(crate) fn snippets(snippets: &[(&str, &str)]) -> Slots {
    let snippet = |(place, text): &(&str, &str)| {
        let origin = format!("vcl/{place}.vcl");
        Vcl(Snippet { place: (*place).to_owned(), text: (*text).to_owned(), origin }).contribution()
    };
    let given: Vec<Contribution> = snippets.iter().map(snippet).collect();
    Slots([(Vcl::NAME.to_owned(), given)].into())
}

/// Writes every file of `lowered` into `folder`, filled for an edge at 127.0.0.1 with application nodes on `ports`.
pub(crate) fn write(lowered: &Lowered, folder: &Path, ports: &[u16]) {
    write_for(lowered, folder, folder, ports);
}

/// The same for a node that keeps its temporary files elsewhere.
#[expect(clippy::disallowed_methods, reason = "a test plays the node, which writes files")]
pub(crate) fn write_for(lowered: &Lowered, tmp: &Path, folder: &Path, ports: &[u16]) {
    let here = facts(&[("address", "127.0.0.1"), ("tmp", &tmp.display().to_string())]);
    let app = |(i, port): (usize, &u16)| {
        let (index, port) = ((i + 1).to_string(), port.to_string());
        facts(&[("index", &index), ("address", "127.0.0.1"), ("port.app-nginx.http", &port)])
    };
    let roles = [(Name::literal("app"), ports.iter().enumerate().map(app).collect())].into();
    let bindings = Bindings { here, roles, ..Bindings::default() };
    for file in &lowered.files {
        let path = folder.join("files").join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bindings.fill(&file.text, &NoSecrets).unwrap()).unwrap();
    }
}

/// `text` as a node fills it that knows these facts.
pub(crate) fn fill(text: &Text, known: &[(&str, &str)]) -> String {
    Bindings { here: facts(known), ..Bindings::default() }.fill(text, &NoSecrets).unwrap()
}

fn facts(facts: &[(&str, &str)]) -> Facts {
    facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn fetch(&self, name: &Name) -> Result<String, SecretError> {
        panic!("the cache needs no secret, least of all {name}")
    }

    fn version(&self, name: &Name) -> Result<mops_plugin::model::Digest, SecretError> {
        panic!("the cache needs no secret, least of all {name}")
    }
}
