//! The reference as a site, and a site as a picture, in a real browser.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::shop::{Shop, mops, scripts, text};

#[test]
fn the_reference_searches_in_a_browser_without_a_server() {
    let folder = written();
    let page = browse(&format!("file://{}/index.html?q=grace", folder.path().display()));
    let results = between(&page, "<ol id=\"results\"", "</ol>");
    let first = between(results, "<a href=\"", "</a>");
    assert!(first.starts_with("plugin-varnish.html#varnish::cache.grace\""), "{results}");
    assert!(!results.contains("hidden"), "{results}");
}

#[test]
fn a_search_for_what_is_not_there_says_so() {
    let folder = written();
    let page = browse(&format!("file://{}/commands.html?q=kubernetes", folder.path().display()));
    assert!(between(&page, "<ol id=\"results\"", "</ol>").contains("Nothing has this"), "{page}");
}

#[test]
fn every_link_of_the_reference_leads_somewhere() {
    let folder = written();
    let pages: Vec<(String, String)> = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "html"))
        .map(|it| (it.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(it).unwrap()))
        .collect();
    let leads = |from: &str, link: &str| {
        let (page, anchor) = link.split_once('#').unwrap_or((link, ""));
        let page = if page.is_empty() { from } else { page };
        let text = pages.iter().find(|(name, _)| name == page).map(|(_, text)| text);
        text.is_some_and(|it| anchor.is_empty() || it.contains(&format!("id=\"{anchor}\"")))
    };
    let mut broken = Vec::new();
    for (name, text) in &pages {
        let links = text.split("<a ").skip(1).filter_map(|it| it.split("href=\"").nth(1)?.split('"').next());
        // A doc comment may name its source; no page needs it.
        let ours = links.filter(|it| !it.starts_with("https://"));
        broken.extend(ours.filter(|it| !leads(name, it)).map(|it| format!("{name}: {it}")));
    }
    assert_eq!(broken, [] as [String; 0]);
}

#[test]
fn a_click_on_a_role_shows_its_daemons_and_files() {
    let shop = Shop::new(&fs::read_to_string(scripts().join("full.rhai")).unwrap());
    let drawn = shop.folder().join("shop.html");
    shop.must(&["graph", "shop.rhai", "--format", "html", "--out", drawn.to_str().unwrap()]);
    // The address is what a click writes.
    let page = browse(&format!("file://{}#group%20edge", drawn.display()));
    let edge = between(&page, "<section data-key=\"group edge\"", "</section>");
    let app = between(&page, "<section data-key=\"group app\"", "</section>");
    assert!(!edge.starts_with(" hidden"), "{edge}");
    assert!(app.starts_with(" hidden"), "{app}");
    assert!(edge.contains("varnish/default.vcl"), "{edge}");
    assert!(edge.contains("vcl 4.1;"), "{edge}");
}

#[test]
fn pictures_name_every_role_and_every_flow() {
    let shop = Shop::new(&fs::read_to_string(scripts().join("full.rhai")).unwrap());
    let draw = |format: &str| shop.must(&["graph", "shop.rhai", "--format", format]);
    let svg = draw("svg");
    for shown in ["acme.pl", "edge-nginx", "2 to 8 nodes", "10.20.0.0", "purge 6082", "redis 6380"] {
        assert!(svg.contains(shown), "{shown}: {svg}");
    }
    assert!(draw("dot").contains("\"group-app\" -> \"edge-varnish\" [label=\"purge 6082\"];"));
    assert!(draw("mermaid").contains("group-edge -->|\"http 8080\"| app-app-nginx"));
}

/// The reference, written into a folder.
fn written() -> TempDir {
    let folder = tempfile::Builder::new().prefix("mops-docs-").tempdir().unwrap();
    let output = mops(folder.path(), &["docs", "--out", "."]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    folder
}

/// The page at `address` as the browser has it after its scripts have run.
fn browse(address: &str) -> String {
    let profile = tempfile::Builder::new().prefix("mops-browser-").tempdir().unwrap();
    let dump = profile.path().join("page.html");
    let mut browser = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--dump-dom", address])
        .stdout(fs::File::create(&dump).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromium is installed: `make test` installs it");
    let began = Instant::now();
    while browser.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_mins(1) {
            browser.kill().unwrap();
            panic!("the browser does not end; so far: {}", read(&dump));
        }
        thread::sleep(Duration::from_millis(20));
    }
    read(&dump)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let after = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}")).1;
    after.split_once(end).unwrap_or_else(|| panic!("no {end} in {after}")).0
}
