//! A real Varnish, started by the command that the plugin says, in front of an application that a test makes up.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mops_plugin::{Lowered, Slots, model::Text};
use tempfile::TempDir;

use super::{COMPILER, fill, lowered, write};

/// One request, as the application or Varnish gets it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// One answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Varnish in front of an application.
pub(crate) struct Shop {
    /// What the application was asked, health checks excepted.
    pub(crate) asked: Arc<Mutex<Vec<Request>>>,
    /// Where Varnish is.
    pub(crate) http: u16,
    /// Where it takes purges.
    pub(crate) purge: u16,
    /// Where the application is.
    app: u16,
    varnishd: Child,
    pub(crate) folder: TempDir,
}

/// A page that Magento says is public for `age` seconds.
pub(crate) fn page(age: u32, body: &str) -> Answer {
    let public = format!("max-age={age}, public, s-maxage={age}");
    Answer { status: 200, body: body.to_owned(), ..Answer::default() }
        .with("Content-Type", "text/html; charset=UTF-8")
        .with("Cache-Control", &public)
        .with("Set-Cookie", "PHPSESSID=new; path=/")
}

/// An answer with nothing but a status.
pub(crate) fn status(status: u16) -> Answer {
    Answer { status, ..page(86400, "") }
}

/// A connection that is closed without an answer.
pub(crate) fn hang_up() -> Answer {
    Answer::default()
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl Answer {
    /// This with one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Hit or miss.
    pub(crate) fn mark(&self) -> &str {
        self.header("X-Magento-Cache-Debug").unwrap_or("none")
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Shop {
    /// Starts the cache with `options` in front of an application that answers with `answer`.
    pub(crate) fn start(options: &str, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let (app, asked) = application(answer);
        Self::in_front_of(options, &[app], asked)
    }

    /// The same in front of two nodes, each of which answers in its own way; only the first says what it was asked.
    pub(crate) fn start_two(
        options: &str,
        one: impl Fn(&Request) -> Answer + Send + Sync + 'static,
        other: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (app, asked) = application(one);
        Self::in_front_of(options, &[app, application(other).0], asked)
    }

    fn in_front_of(options: &str, apps: &[u16], asked: Arc<Mutex<Vec<Request>>>) -> Self {
        let (http, purge) = (free_port(), free_port());
        let folder = tempfile::tempdir().unwrap();
        let lowered = lowered(options, &Slots::default());
        write(&lowered, folder.path(), apps);
        let mut varnishd = command(&lowered, folder.path(), http, purge)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs varnishd: apt-get install varnish varnish-modules");
        let since = Instant::now();
        let ready = || exchange(http, "GET", "/mops-ready", &[]).is_ok_and(|it| it.status == 200);
        while !ready() {
            if varnishd.try_wait().unwrap().is_some() || since.elapsed() > Duration::from_secs(20) {
                varnishd.kill().unwrap();
                let mut said = String::new();
                varnishd.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("varnishd does not start: {said}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        let shop = Self { asked, http, purge, app: apps[0], varnishd, folder };
        while shop.admin(&["backend.list"]).matches("healthy").count() <= apps.len() {
            assert!(since.elapsed() < Duration::from_secs(20), "{}", shop.admin(&["backend.list"]));
            thread::sleep(Duration::from_millis(20));
        }
        shop
    }

    /// What the TLS edge asks for a visitor at 127.0.0.1.
    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", url, headers)
    }

    /// What somebody else of the machine asks at one of the ports, who is not the TLS edge; the status.
    pub(crate) fn ask_from(address: &str, port: u16, words: &[&str], headers: &[(&str, &str)]) -> String {
        let headers = headers.iter().flat_map(|(name, value)| ["-H".to_owned(), format!("{name}: {value}")]);
        let done = Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--interface", address])
            .args(words)
            .args(headers)
            .arg(format!("http://127.0.0.1:{port}/asked-by-{address}"))
            .output()
            .expect("this test needs curl");
        String::from_utf8(done.stdout).unwrap()
    }

    /// The same with another method.
    pub(crate) fn ask(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
        let usual = [("Host", "acme.test"), ("X-Real-IP", "127.0.0.1"), ("X-Forwarded-Proto", "https")];
        let given = |name: &str| headers.iter().any(|(it, _)| *it == name);
        let mut all: Vec<_> = usual.into_iter().filter(|(it, _)| !given(it)).collect();
        all.extend(headers);
        exchange(self.http, method, url, &all).unwrap()
    }

    /// What Magento asks to forget.
    pub(crate) fn forget(&self, pattern: &str, headers: &[(&str, &str)]) -> Answer {
        let tags = [("Host", "127.0.0.1"), ("X-Magento-Tags-Pattern", pattern)];
        exchange(self.purge, "PURGE", "/", &[&tags, headers].concat()).unwrap()
    }

    /// The URLs that the application was asked for since the last time.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        self.asked.lock().unwrap().drain(..).map(|it| it.url).collect()
    }

    /// Writes what `options` come to into a folder of new files, in front of the application and of `more` nodes.
    pub(crate) fn new_files(&self, options: &str, more: &[u16]) -> TempDir {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let ports = [&[self.app], more].concat();
        let lowered = lowered(options, &Slots::default());
        super::write_for(&lowered, self.folder.path(), folder.path(), &ports);
        folder
    }

    /// Runs one step of a reload with new files.
    pub(crate) fn reload(step: &str, files: &TempDir) -> Output {
        let files = files.path().join("files");
        Command::new("sh")
            .arg(files.join("varnish/reload.sh"))
            .arg(step)
            .env("MOPS_FILES", files)
            .output()
            .unwrap()
    }

    /// Asks Varnish's own command line.
    pub(crate) fn admin(&self, words: &[&str]) -> String {
        let work = self.folder.path().join("varnish");
        let done = Command::new("varnishadm").arg("-n").arg(work).args(words).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let pid = self.varnishd.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        let stopped = asked.is_ok_and(|it| it.success()) && self.varnishd.wait().is_ok();
        assert!(stopped || thread::panicking(), "varnishd {pid} still runs");
    }
}

fn command(lowered: &Lowered, folder: &Path, http: u16, purge: u16) -> Command {
    let daemon = &lowered.daemons["edge"]["varnish"];
    let folder = folder.display().to_string();
    let (http, purge) = (http.to_string(), purge.to_string());
    let facts = [
        ("address", "127.0.0.1"),
        ("tmp", &*folder),
        ("current", &*folder),
        ("port.varnish.http", &*http),
        ("port.varnish.purge", &*purge),
    ];
    let words: Vec<String> = daemon.command.iter().map(|it: &Text| fill(it, &facts)).collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["-p", COMPILER]);
    command
}

/// A port that nobody listens on, and that no other test of this run gets.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// An application at a port of its own; what it was asked.
fn application(
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> (u16, Arc<Mutex<Vec<Request>>>) {
    let port = free_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            thread::spawn(move || serve(stream.unwrap(), &log, &*answer));
        }
    });
    (port, asked)
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Answer) {
    let Some((first, headers)) = head(&mut BufReader::new(&stream)) else { return };
    let request = Request { url: first.split(' ').nth(1).unwrap().to_owned(), headers };
    let answer = match request.url.as_str() {
        "/health_check.php" => Answer { status: 200, ..Answer::default() },
        _ => {
            log.lock().unwrap().push(request.clone());
            answer(&request)
        }
    };
    if answer.status == 0 {
        return;
    }
    let mut head = vec![format!("HTTP/1.1 {} Status", answer.status), "Connection: close".to_owned()];
    head.extend(answer.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    head.push(format!("Content-Length: {}\r\n\r\n{}", answer.body.len(), answer.body));
    stream.write_all(head.join("\r\n").as_bytes()).unwrap();
}

fn head(reader: &mut impl BufRead) -> Option<(String, Vec<(String, String)>)> {
    let mut lines = reader.lines().map_while(Result::ok).map(|it| it.trim_end().to_owned());
    let first = lines.next()?;
    let header =
        |line: String| line.split_once(':').map(|(name, it)| (name.to_owned(), it.trim().to_owned()));
    Some((first, lines.by_ref().take_while(|it| !it.is_empty()).filter_map(header).collect()))
}

/// One request over a connection of its own.
pub(crate) fn exchange(
    port: u16,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut head_lines = vec![format!("{method} {url} HTTP/1.1"), "Connection: close".to_owned()];
    head_lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    stream.write_all(format!("{}\r\n\r\n", head_lines.join("\r\n")).as_bytes())?;
    let mut reader = BufReader::new(stream);
    let (first, headers) = head(&mut reader).ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status =
        first.split(' ').nth(1).and_then(|it| it.parse().ok()).ok_or(std::io::ErrorKind::InvalidData)?;
    let mut body = String::new();
    reader.read_to_string(&mut body)?;
    Ok(Answer { status, headers, body })
}
