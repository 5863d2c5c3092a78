//! Every script of the tree, and the way to evaluate one among the others.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use mops_eval::{InputFound, SourceError, Sources};
use mops_lower::{Lowering, World};
use mops_model::{Catalog, Diagnostic, Digest, Entry, Environment, Input, InputKind, Listing, Name, Sound};
use mops_plugin::{Linked, Registry};
use walkdir::WalkDir;

/// What the script under test is called.
pub(crate) const SCRIPT: &str = "fuzzed.rhai";

/// Every plugin of the workspace.
pub(crate) const PLUGINS: [Linked; 11] = [
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
];

/// The files beside the scripts of the tree, by path.
pub(crate) struct Corpus {
    files: BTreeMap<String, String>,
    catalog: Catalog,
}

/// What came of one script.
pub(crate) struct Outcome {
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The text of each source that a diagnostic may point into.
    pub(crate) texts: Vec<String>,
    pub(crate) lowering: Option<Lowering>,
}

impl Corpus {
    pub(crate) fn read() -> Self {
        let mut files = BTreeMap::new();
        for folder in ["tests/wrong", "scripts"] {
            let texts = below(folder).filter_map(|path| {
                let text = fs::read_to_string(root().join(folder).join(&path)).ok()?;
                Some((path, text))
            });
            files.extend(texts);
        }
        Self { files, catalog: mops_local::catalog() }
    }

    /// Every script: examples, wrong ones, the standard library.
    pub(crate) fn scripts(&self) -> Vec<String> {
        let is_script = |path: &str| Path::new(path).extension().is_some_and(|it| it == "rhai");
        let scripts = self.files.iter().filter(|(path, _)| is_script(path));
        let library = below("stdlib").map(|it| fs::read_to_string(root().join("stdlib").join(it)).unwrap());
        scripts.map(|(_, text)| text.clone()).chain(library).collect()
    }

    /// The example called `name`.
    pub(crate) fn script(&self, name: &str) -> &str {
        &self.files[name]
    }

    /// Evaluates and lowers `text`, with what plugins have against it when it is wrong.
    pub(crate) fn outcome(&self, text: &str, registry: &Registry) -> Outcome {
        let among = Among { corpus: self, text };
        let world = mops_eval::World {
            manifests: registry.manifests().collect(),
            catalog: &self.catalog,
            parameters: BTreeMap::new(),
            environment: Name::literal("local"),
        };
        match mops_eval::eval(SCRIPT, &among, &world) {
            Ok(right) => {
                let secrets = right.site.secrets.keys().map(|it| (it.clone(), Digest::of(b""))).collect();
                let world =
                    World { environment: &Environment::local(), catalog: &self.catalog, secrets: &secrets };
                let (lowering, diagnostics) = match mops_lower::lower(&right.site, registry, &world) {
                    Ok(lowering) => (Some(lowering), Vec::new()),
                    Err(wrong) => (None, wrong),
                };
                let diagnostics = diagnostics.into_iter().chain(right.warnings).collect();
                Outcome { diagnostics, texts: owned(&right.texts), lowering }
            }
            Err(wrong) => {
                assert!(wrong.diagnostics.iter().any(Diagnostic::is_error), "nothing says what is wrong");
                let more = wrong.sound.iter().flat_map(|it| self.mistakes(it, registry));
                let diagnostics = wrong.diagnostics.iter().cloned().chain(more).collect();
                Outcome { diagnostics, texts: owned(&wrong.texts), lowering: None }
            }
        }
    }

    fn mistakes(&self, sound: &Sound, registry: &Registry) -> Vec<Diagnostic> {
        let secrets = BTreeMap::new();
        let world = World { environment: &Environment::local(), catalog: &self.catalog, secrets: &secrets };
        mops_lower::mistakes(sound, registry, &world)
    }
}

fn owned(texts: &mops_eval::SourceTexts) -> Vec<String> {
    texts.texts().map(|(_, _, text)| text.to_owned()).collect()
}

/// The script under test among the other files.
struct Among<'a> {
    corpus: &'a Corpus,
    text: &'a str,
}

impl Sources for Among<'_> {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        match path {
            SCRIPT => Ok(self.text.to_owned()),
            path => self.corpus.files.get(path).cloned().ok_or_else(|| SourceError::Missing(path.to_owned())),
        }
    }

    fn input(&self, path: &str) -> Result<InputFound, SourceError> {
        let input = |digest, kind, text| Input { path: path.to_owned(), digest, kind, text };
        if let Some(text) = self.corpus.files.get(path) {
            let digest = Digest::of(text.as_bytes());
            return Ok(InputFound {
                input: input(digest, InputKind::File, Some(text.clone())),
                listing: None,
            });
        }
        let entry = |text: &String| Entry::File { digest: Digest::of(text.as_bytes()), executable: false };
        let within = self.corpus.files.iter().filter_map(|(file, text)| {
            Some((file.strip_prefix(path)?.strip_prefix('/')?.to_owned(), entry(text)))
        });
        let listing = Listing(within.collect());
        match listing.0.is_empty() {
            true => Err(SourceError::Missing(path.to_owned())),
            false => {
                let input = input(listing.digest(), InputKind::Folder, None);
                Ok(InputFound { input, listing: Some(listing) })
            }
        }
    }
}

fn below(folder: &str) -> impl Iterator<Item = String> {
    let folder = root().join(folder);
    let entries = WalkDir::new(&folder).sort_by_file_name().into_iter();
    let visible = entries.filter_entry(|it| it.file_name() != ".mops").map(Result::unwrap);
    let paths = visible
        .filter(|it| it.file_type().is_file())
        .map(move |it| it.path().strip_prefix(&folder).unwrap().to_str().unwrap().to_owned());
    paths.collect::<Vec<_>>().into_iter()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
