//! The example application of `scripts/release`, answered by the real PHP.
//!
//! **Invariant:** the real programs run; a missing one fails the test that needs it.
#![expect(clippy::disallowed_methods, reason = "the tests lay the release out for real programs")]
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

const RELEASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/release");
const ROUTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/router.php");

/// A program that is stopped when it is no longer needed.
struct Running {
    child: Child,
    port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Runs `program` with a free port in place of `PORT`, and waits until it listens there.
fn start(program: &str, arguments: &[&str]) -> Running {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let arguments = arguments.iter().map(|it| it.replace("PORT", &port.to_string()));
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running { child: command.spawn().unwrap(), port };
    for _ in 0..250 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return running;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{program} does not listen within 5 s");
}

/// The release behind PHP's own web server; `options` are keys of php.ini.
fn serve(release: &Path, options: &[&str]) -> Running {
    let pages = release.join("pub");
    let mut arguments: Vec<&str> = options.iter().flat_map(|it| ["-d", it]).collect();
    arguments.extend(["-S", "127.0.0.1:PORT", "-t", pages.to_str().unwrap(), ROUTER]);
    start("php8.2", &arguments)
}

fn ask(server: &Running, line: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let request = format!(
        "{line} HTTP/1.0\r\nHost: acme.de\r\n{form}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains("<b>Warning</b>") && !answer.contains("<b>Fatal"), "{answer}");
    answer
}

fn get(server: &Running, path: &str) -> String {
    ask(server, &format!("GET {path}"), "", "")
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    head.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(": "))
}

/// A copy of the release with this `env.php`.
fn with_env(env: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied =
        Command::new("cp").arg("-r").arg(format!("{RELEASE}/.")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    fs::write(folder.path().join("app/etc/env.php"), format!("<?php return {env};")).unwrap();
    folder
}

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|it| it == "php" || it == "phtml")
            || path.ends_with("bin/magento")
        {
            found.push(path);
        }
    }
}

#[test]
fn every_script_is_php() {
    let mut found = Vec::new();
    scripts(Path::new(RELEASE), &mut found);
    assert!(found.len() > 10);
    for script in found {
        let lint = Command::new("php8.2").arg("-l").arg(&script).output().unwrap();
        assert!(lint.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&lint.stdout));
    }
}

#[test]
fn a_page_says_what_magento_says() {
    let server = serve(Path::new(RELEASE), &[]);
    let page = get(&server, "/p1");
    assert_eq!(header(&page, "Cache-Control"), Some("max-age=86400, public, s-maxage=86400"));
    assert_eq!(header(&page, "X-Magento-Tags"), Some("cat_p_1,cat_p,store"));
    assert!(header(&page, "Set-Cookie").unwrap().starts_with("PHPSESSID="));
    assert!(page.contains("<td>de (website)</td>"));
    assert_ne!(header(&page, "X-Nonce"), header(&get(&server, "/p1"), "X-Nonce"));
    assert!(header(&get(&server, "/bigtags"), "X-Magento-Tags").unwrap().len() > 30_000);
    assert_eq!(header(&get(&server, "/p1?ttl=5"), "Cache-Control"), Some("max-age=5, public, s-maxage=5"));
}

#[test]
fn each_kind_of_request_has_its_status_and_its_caching() {
    let server = serve(Path::new(RELEASE), &[]);
    let never = "max-age=0, must-revalidate, no-cache, no-store";
    let kept = "max-age=86400, public, s-maxage=86400";
    for (path, wanted, caching) in [
        ("/", 200, kept),
        ("/catalogsearch/result/?q=bag", 200, kept),
        ("/checkout/cart/", 200, never),
        ("/admin/dashboard", 200, never),
        ("/customer/section/load/?sections=cart", 200, never),
        ("/customer/section/load/?sections=secrets", 400, never),
        ("/stores/store/switch/?___store=de", 302, never),
        ("/private-page", 200, "private, max-age=600"),
        ("/r301", 301, kept),
        ("/e503", 503, kept),
        ("/no-such-page", 404, kept),
        ("/rest/V1/products", 200, never),
        ("/graphql?query=%7Bproducts%7D", 200, kept),
        ("/graphql?query=mutation", 200, never),
    ] {
        let answer = get(&server, path);
        assert_eq!((status(&answer), header(&answer, "Cache-Control")), (wanted, Some(caching)), "{path}");
    }
}

#[test]
fn the_cookie_that_splits_the_cache_follows_the_context() {
    let server = serve(Path::new(RELEASE), &[]);
    let first = ask(&server, "GET /p1", "Cookie: PHPSESSID=wholesale\r\n", "");
    let cookie = header(&first, "Set-Cookie").unwrap().split(';').next().unwrap();
    assert!(cookie.starts_with("X-Magento-Vary="));
    let again = ask(&server, "GET /p1", &format!("Cookie: PHPSESSID=wholesale; {cookie}\r\n"), "");
    assert_eq!(header(&again, "Set-Cookie"), None);
    let guest = ask(&server, "GET /p1", &format!("Cookie: PHPSESSID=guest; {cookie}\r\n"), "");
    assert!(header(&guest, "Set-Cookie").unwrap().starts_with("X-Magento-Vary=deleted"));
}

#[test]
fn two_nodes_share_the_sessions_that_redis_holds() {
    let redis = start(
        "redis-server",
        &["--port", "PORT", "--bind", "127.0.0.1", "--save", "", "--requirepass", "key"],
    );
    let path = format!("session.save_path=\"tcp://127.0.0.1:{}?auth=key\"", redis.port);
    let nodes = [(); 2].map(|()| serve(Path::new(RELEASE), &["session.save_handler=redis", &path]));
    let counts: Vec<bool> = [(0, 1), (1, 2), (0, 3)]
        .into_iter()
        .map(|(node, count)| {
            let answer = ask(&nodes[node], "GET /session", "Cookie: PHPSESSID=anna\r\n", "");
            answer.contains(&format!("\"count\": {count},")) && answer.contains("\"handler\": \"redis\"")
        })
        .collect();
    assert_eq!(counts, [true, true, true]);
    let login = ask(
        &nodes[0],
        "POST /customer/account/loginPost",
        "Cookie: PHPSESSID=anna\r\n",
        "login[username]=anna",
    );
    assert_eq!(status(&login), 302);
    let section =
        ask(&nodes[1], "GET /customer/section/load/?sections=customer", "Cookie: PHPSESSID=anna\r\n", "");
    assert!(section.contains("\"fullname\": \"anna\""), "{section}");
}

#[test]
fn a_path_prefix_and_the_front_name_come_from_env_php() {
    let release = with_env(
        "['backend' => ['frontName' => 'backoffice'],
          'system' => ['websites' => ['de' => ['web' => ['secure' => ['base_url' => 'https://acme.de/b2b/']]]]]]",
    );
    let server = serve(release.path(), &[]);
    assert!(get(&server, "/").contains("href=\"/b2b/p1\""));
    assert_eq!(status(&get(&server, "/backoffice/")), 200);
    assert_eq!(status(&get(&server, "/admin/")), 404);
}

#[test]
fn cleaning_a_tag_sends_the_form_of_purge_that_magento_sends() {
    let cache = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = cache.local_addr().unwrap().port();
    let release = with_env(&format!("['http_cache_hosts' => [['host' => '127.0.0.1', 'port' => '{port}']]]"));
    let heard = thread::spawn(move || {
        let (mut stream, _) = cache.accept().unwrap();
        let mut heard = [0; 4096];
        let length = stream.read(&mut heard).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        String::from_utf8(heard[..length].to_vec()).unwrap()
    });
    let magento = release.path().join("bin/magento");
    let cleaned =
        Command::new("php8.2").arg(magento).args(["cache:clean", "cat_p_1", "store"]).output().unwrap();
    assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stdout));
    let heard = heard.join().unwrap();
    assert!(heard.starts_with("PURGE / HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("X-Magento-Tags-Pattern: ((^|,)cat_p_1(,|$))|((^|,)store(,|$))\r\n"), "{heard}");
}

#[test]
fn a_consumer_ends_by_itself_when_it_is_asked_to() {
    let mut consumer = Command::new("php8.2")
        .args([
            &format!("{RELEASE}/bin/magento"),
            "queue:consumers:start",
            "exportProcessor",
            "--single-thread",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = consumer.stdout.take().unwrap();
    let mut first = [0; 64];
    assert!(said.read(&mut first).unwrap() > 0, "it says that it waits");
    let told = Command::new("kill").arg(consumer.id().to_string()).status().unwrap();
    assert!(told.success() && consumer.wait().unwrap().success());
}
