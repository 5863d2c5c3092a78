//! A small shop, lowered and filled: what a node would find on its disk.
#![expect(clippy::disallowed_methods, reason = "the test stands in for a node, which writes files")]

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
};

use mops_nginx::Nginx;
use mops_plugin::{
    Context, Contribution, Encoded, Linked, Lowered, Registry, Slots,
    model::{
        Bindings, Call, Diagnostic, Digest, Environment, Name, Options, SecretError, Secrets, Site, Text,
    },
    slot::Slot,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::running::NOBODY;

/// A shop of two websites on one host, one of them below a path, and a third with a host of its own.
pub(crate) struct Shop {
    websites: Json,
    options: BTreeMap<&'static str, Json>,
    slots: Slots,
}

/// One node that plays all roles, with its folders and facts.
pub(crate) struct Node {
    pub(crate) folder: TempDir,
    pub(crate) bindings: Bindings,
    pub(crate) lowered: BTreeMap<&'static str, Lowered>,
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn fetch(&self, name: &Name) -> Result<String, SecretError> {
        Err(SecretError { name: name.clone(), why: "a test has none".to_owned() })
    }

    fn version(&self, name: &Name) -> Result<Digest, SecretError> {
        self.fetch(name).map(|it| Digest::of(it.as_bytes()))
    }
}

pub(crate) fn website(name: &str, hosts: &[&str], more: &Json) -> Json {
    let mut website = json!({
        "name": name, "hosts": hosts, "run_code": name, "declared": declared(),
    });
    website.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    website
}

fn declared() -> Json {
    json!({ "span": { "source": 0, "start": 0, "end": 0 }, "keys": {}, "place": "" })
}

impl Default for Shop {
    fn default() -> Self {
        Self::of(&[
            website("pl", &["acme.pl", "www.acme.pl"], &json!({})),
            website("de", &["acme.de", "*.acme.de"], &json!({ "run_type": "store", "run_code": "de_de" })),
            website("b2b", &["acme.de"], &json!({ "path": "/b2b" })),
        ])
    }
}

impl Shop {
    pub(crate) fn of(websites: &[Json]) -> Self {
        Self { websites: json!(websites), options: BTreeMap::new(), slots: Slots::default() }
    }

    /// With options of `nginx::edge` or `nginx::app`.
    pub(crate) fn with(mut self, function: &'static str, options: Json) -> Self {
        self.options.insert(function, options);
        self
    }

    /// With what another service gives.
    pub(crate) fn given<T: Slot>(mut self, value: &T) -> Self {
        self.slots.0.entry(T::NAME.to_owned()).or_default().push(value.contribution());
        self
    }

    pub(crate) fn context(&self) -> Context {
        let role = |name: &str, tier: &str| json!({ "name": name, "tier": tier, "min": 1, "max": 1, "memory": "2G", "cpus": 1, "declared": declared() });
        let site: Site = serde_json::from_value(json!({
            "name": "acme", "options": {}, "declared": declared(), "websites": self.websites, "calls": [],
            "roles": [role("edge", "edge"), role("app", "app")], "daemons": [], "flows": [], "resources": [],
            "outputs": [], "moves": [], "secrets": {}, "inputs": [],
        }))
        .unwrap();
        let groups = site.groups();
        Context { site, groups, environment: Environment::local() }
    }

    pub(crate) fn lower(&self, function: &str) -> Result<Lowered, Vec<Diagnostic>> {
        let registry = Registry::new([Linked(&Nginx)]);
        let (context, slots) = (Encoded::of(&self.context()), Encoded::of(&self.slots));
        registry.lower(&self.call(&registry, function), &context, &slots)
    }

    pub(crate) fn contribute(
        &self,
        function: &str,
        options: Options,
    ) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        let registry = Registry::new([Linked(&Nginx)]);
        let call = Call { options, ..self.call(&registry, "edge") };
        registry
            .contribute(&Call { function: Name::literal(function), ..call }, &Encoded::of(&self.context()))
    }

    fn call(&self, registry: &Registry, function: &str) -> Call {
        let manifest = registry.manifest("nginx").unwrap();
        let function = manifest.get(function).unwrap();
        let mut call = manifest.implied_call(function);
        if let Some(options) = self.options.get(function.name.as_str()) {
            let given = mops_plugin::model::Value::of(options).unwrap().as_record().unwrap().clone();
            call.options = function.with_defaults(given);
        }
        assert_eq!(call.check(&function.kind()), []);
        call
    }

    /// Its node: files filled and written, certificates made, ports that are free.
    pub(crate) fn node(&self) -> Node {
        let folder = tempfile::Builder::new().prefix("mops-nginx").tempdir().unwrap();
        let lowered = ["edge", "app"].map(|it| (it, self.lower(it).unwrap()));
        let mut node = Node { bindings: Bindings::default(), lowered: lowered.into(), folder };
        let path = |it: &str| node.folder.path().join(it).to_str().unwrap().to_owned();
        let mut here: BTreeMap<String, String> = BTreeMap::from(
            [("run", "run"), ("log", "log"), ("tmp", "tmp"), ("data.media", "media"), ("current", "current")]
                .map(|(fact, folder)| (fact.to_owned(), path(folder))),
        );
        here.insert("address".to_owned(), "127.0.1.77".to_owned());
        here.insert("files".to_owned(), path("current/files"));
        for place in ["edge-nginx.http", "edge-nginx.https", "app-nginx.http", "varnish.http"] {
            here.insert(format!("port.{place}"), free_port().to_string());
        }
        for certificate in &node.lowered["edge"].certificates {
            let made = rcgen::generate_simple_self_signed(certificate.hosts.clone()).unwrap();
            for (fact, pem) in
                [("certificate", made.cert.pem()), ("certificate-key", made.signing_key.serialize_pem())]
            {
                let file = path(&format!("{fact}.{}.pem", certificate.name));
                fs::write(&file, pem).unwrap();
                here.insert(format!("{fact}.{}", certificate.name), file);
            }
        }
        for it in [
            "run",
            "log",
            "tmp",
            "media",
            "current/trees/release/pub/errors",
            "current/trees/release/pub/static",
        ] {
            fs::create_dir_all(node.folder.path().join(it)).unwrap();
        }
        for role in ["edge", "app"] {
            node.bindings.roles.insert(Name::literal(role), vec![here.clone()]);
        }
        node.bindings.here = here;
        node.write_files();
        node
    }
}

impl Node {
    fn write_files(&self) {
        for file in self.lowered.values().flat_map(|it| &it.files) {
            let path = self.folder.path().join("current/files").join(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, self.fill(&file.text)).unwrap();
        }
    }

    pub(crate) fn fill(&self, text: &Text) -> String {
        self.bindings.fill(text, &NoSecrets).unwrap()
    }

    pub(crate) fn fact(&self, name: &str) -> &str {
        &self.bindings.here[name]
    }

    /// A file of the release, or of the media.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Gives its folder to whom daemons run as.
    pub(crate) fn hand_over(&self) {
        if nix::unistd::Uid::effective().is_root() {
            own(self.folder.path());
        }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
}

fn own(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for it in fs::read_dir(path).unwrap() {
            own(&it.unwrap().path());
        }
    }
}

/// A port that nobody uses, below those that the kernel hands out, and that no other test of this run gets.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + u16::try_from(std::process::id() % 1_800).unwrap() * 10;
    loop {
        let port = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
