//! A shop of a test's own: a copy of the example, run by the real program, and removed again whatever happens.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use tempfile::TempDir;
use walkdir::WalkDir;

/// A folder with a script and what it needs; `mops destroy` runs when it is dropped.
pub(crate) struct Shop {
    folder: TempDir,
}

/// What a website answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Shop {
    /// A copy of `scripts/`, with `script` as `shop.rhai`.
    pub(crate) fn new(script: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("mops-").tempdir().unwrap();
        for entry in WalkDir::new(scripts()).into_iter().filter_entry(|it| it.file_name() != ".mops") {
            let entry = entry.unwrap();
            let to = folder.path().join(entry.path().strip_prefix(scripts()).unwrap());
            match entry.file_type().is_dir() {
                true => fs::create_dir_all(to).unwrap(),
                false => drop(fs::copy(entry.path(), to).unwrap()),
            }
        }
        let shop = Self { folder };
        shop.write(script);
        shop
    }

    /// The example shop as it stands.
    pub(crate) fn example() -> Self {
        Self::new(&fs::read_to_string(scripts().join("shop.rhai")).unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Changes the script.
    pub(crate) fn write(&self, script: &str) {
        fs::write(self.folder.path().join("shop.rhai"), script).unwrap();
    }

    /// Replaces a piece of the script by another.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.folder.path().join("shop.rhai");
        let script = fs::read_to_string(path).unwrap();
        assert!(script.contains(from), "the script has no {from:?}");
        self.write(&script.replace(from, to));
    }

    /// Runs `mops` in its folder.
    pub(crate) fn mops(&self, arguments: &[&str]) -> Output {
        mops(self.folder.path(), arguments)
    }

    /// Runs `mops` in its folder; it must end with 0.
    #[track_caller]
    pub(crate) fn must(&self, arguments: &[&str]) -> String {
        let output = self.mops(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "mops {}: {}\n{out}\n{err}", arguments.join(" "), output.status);
        out
    }

    /// Applies the script.
    #[track_caller]
    pub(crate) fn apply(&self) -> String {
        self.must(&["script", "shop.rhai", "--yes"])
    }

    /// The URL of a website, as the status tells it.
    pub(crate) fn url(&self, website: &str) -> String {
        let status = self.status();
        let url = status["outputs"][format!("url.{website}")].as_str();
        url.unwrap_or_else(|| panic!("no URL of {website} in {status}")).to_owned()
    }

    /// The status as JSON, whatever it says.
    pub(crate) fn status(&self) -> serde_json::Value {
        let output = self.mops(&["status", "--json"]);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|err| panic!("{err}: {}\n{}", text(&output.stdout), text(&output.stderr)))
    }

    /// Asks a website for `path`, as a browser would, with more arguments for curl.
    pub(crate) fn get(&self, website: &str, path: &str, more: &[&str]) -> Answer {
        let url = format!("{}{}", self.url(website).trim_end_matches('/'), path);
        curl(&url, &self.authority(), more)
    }

    /// The certificate of the authority that signs local certificates.
    pub(crate) fn authority(&self) -> String {
        self.status()["authority"].as_str().unwrap().to_owned()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let output = self.mops(&["destroy", "--yes"]);
        let sites = fs::read_dir(self.folder.path().join(".mops/local"));
        let has_site = sites.is_ok_and(|mut it| it.next().is_some());
        let is_gone = !has_site || output.status.success() || thread::panicking();
        assert!(is_gone, "destroy: {}\n{}", text(&output.stdout), text(&output.stderr));
    }
}

/// Runs `mops` in `folder`, with the one secret that the examples name.
pub(crate) fn mops(folder: &Path, arguments: &[&str]) -> Output {
    let secret = ("MOPS_SECRET_FEED_TOKEN", "a token of the test");
    Command::new(program()).args(arguments).env(secret.0, secret.1).current_dir(folder).output().unwrap()
}

/// Asks `url` with curl.
pub(crate) fn curl(url: &str, authority: &str, more: &[&str]) -> Answer {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--max-time", "20", "--cacert", authority])
        .args(more)
        .arg(url)
        .output()
        .unwrap();
    let answer = text(&output.stdout);
    assert!(output.status.success(), "curl {url}: {}", text(&output.stderr));
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = headers.split_whitespace().nth(1).and_then(|it| it.parse().ok()).unwrap();
    Answer { status, headers: headers.to_lowercase(), body: body.to_owned() }
}

impl Answer {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.headers.lines().find_map(|it| it.strip_prefix(&prefix)).map(str::trim)
    }
}

/// The folder of the example scripts.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts")
}

/// The program under test, built before the tests.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("mops");
    assert!(program.exists(), "{} is not built: run `make test`", program.display());
    program
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until something holds, for ten seconds at most.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}: not within ten seconds");
}
