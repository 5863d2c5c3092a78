//! A crate to begin a plugin with: the one in `scripts/custom-plugin`, under another name.

use std::path::{Path, PathBuf};

use mops_model::Name;

use crate::failure::Failure;

/// The files of the crate that others are made after, with the name `acme-banner` in them.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("../../../scripts/custom-plugin/acme-banner/Cargo.toml")),
    ("README.md", include_str!("../../../scripts/custom-plugin/acme-banner/README.md")),
    (".gitignore", include_str!("../../../scripts/custom-plugin/acme-banner/.gitignore")),
    ("src/lib.rs", include_str!("../../../scripts/custom-plugin/acme-banner/src/lib.rs")),
    ("templates/notice.vcl", include_str!("../../../scripts/custom-plugin/acme-banner/templates/notice.vcl")),
    ("tests/notice.rs", include_str!("../../../scripts/custom-plugin/acme-banner/tests/notice.rs")),
];
/// How that crate names the SDK.
const SDK: &str = "mops-plugin = { path = \"../../../core/plugin\" }";
/// The SDK in the source that this program was built from.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin");

/// Where a new crate takes the SDK, the crate `mops-plugin`, from.
pub(crate) enum Sdk {
    /// A folder.
    Folder(PathBuf),
    /// The registry, in the version of this program.
    Registry,
}

impl Sdk {
    /// The SDK in `folder`; without one, in the source that this program was built from if it is still there, else in the
    /// registry.
    ///
    /// # Errors
    /// When there is no crate in `folder`.
    pub(crate) fn find(folder: Option<&Path>) -> Result<Self, Failure> {
        let crate_in =
            |folder: &Path| folder.join("Cargo.toml").canonicalize().ok()?.parent().map(Path::to_owned);
        match folder {
            Some(folder) => crate_in(folder).map(Self::Folder).ok_or_else(|| {
                Failure::new(format!("there is no crate in {}", folder.display()))
                    .help("name the folder core/plugin in the source of mops")
            }),
            None => Ok(crate_in(Path::new(SOURCE)).map_or(Self::Registry, Self::Folder)),
        }
    }

    fn dependency(&self) -> String {
        match self {
            Self::Folder(folder) => format!("mops-plugin = {{ path = {:?} }}", folder.display().to_string()),
            Self::Registry => format!("mops-plugin = {:?}", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// The files of a new crate that becomes the plugin `name`, by path.
pub(crate) fn files(name: &Name, sdk: &Sdk) -> impl Iterator<Item = (&'static str, String)> {
    let name = name.as_str().replace('_', "-");
    let capitals = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>();
    let underscores = name.replace('-', "_");
    let dependency = sdk.dependency();
    FILES.into_iter().map(move |(path, text)| {
        let text = text.replace(SDK, &dependency);
        let text = text.replace("AcmeBanner", &capitals).replace("acme_banner", &underscores);
        (path, text.replace("acme-banner", &name))
    })
}
