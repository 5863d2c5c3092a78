//! The prompt: on a pipe, and on a terminal with a person's keys.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use rexpect::{ReadUntil, process::WaitStatus, session::PtySession};

use crate::{
    shop::{Shop, program, text},
    third_party::{keep_only, zoo},
};

const SHOP: &str = r#"site("prompted", #{ magento: #{ version: "2.4.6", release: path("release") } });
website("pl", #{ hosts: ["acme.pl", "www.acme.pl"] });
varnish::cache(#{ memory: "64M" });
"#;

#[test]
fn a_pipe_gets_values_on_stdout_and_mistakes_on_stderr() {
    let shop = Shop::example();
    let output = piped(&shop, &[], "1 +\n2\nlet a = [\"pl\"];\na\nnothing\na.len()\n");
    assert_eq!(text(&output.stdout), "3\n[\"pl\"]\n1\n");
    let said = text(&output.stderr);
    assert!(said.contains("there is no variable `nothing`") && said.contains("input 4:1"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_pipe_that_is_right_ends_with_zero_and_applies_nothing() {
    let shop = Shop::new(SHOP);
    let asked = ":site\n:graph\n:plan\n:why varnish.cache\n:doc varnish::cache\n:type 1 + 1\n";
    let output = piped(&shop, &["shop.rhai"], asked);
    let said = text(&output.stdout);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in [
        "acme.pl, www.acme.pl  shop.rhai:2",
        "local.node.app-1  ← ",
        "prompted · local · this machine · no generation yet",
        "varnish.cache.memory = \"64M\"\n  shop.rhai:3",
        "the default of varnish::cache",
        "a number",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert!(!shop.folder().join(".mops/local").exists());
}

#[test]
fn a_plan_of_inputs_is_compared_with_what_is_recorded() {
    let shop = Shop::new(SHOP);
    shop.apply();
    let input = "resource(\"local.password\", \"extra\", #{ length: 20 })\n:plan\n";
    let output = piped(&shop, &["shop.rhai"], input);
    let said = text(&output.stdout);
    assert!(said.contains("generation 1") && said.contains("+ local.password.extra"), "{said}");
    assert!(said.contains("input 1:1") && said.ends_with("1 to create\n"), "{said}");
}

#[test]
fn a_library_comes_with_the_script_or_the_input_that_names_it() {
    let shop = Shop::new(&format!("plugin(\"./libzoo.so\");\n{SHOP}"));
    keep_only(shop.folder());
    fs::write(shop.folder().join("plain.rhai"), SHOP).unwrap();
    fs::copy(zoo(), shop.folder().join("libzoo.so")).unwrap();
    let unpinned = piped(&shop, &["shop.rhai"], "1 + 1\n");
    assert_eq!((text(&unpinned.stdout).as_str(), unpinned.status.code()), ("2\n", Some(1)));
    assert!(text(&unpinned.stderr).contains("shop.rhai:1:8"), "{}", text(&unpinned.stderr));
    shop.must(&["plugin", "lock"]);

    let asked = "zoo::animal(\"tame\");\n:why zoo.animal\n:plan\n";
    let loaded = piped(&shop, &[], &format!(":load shop.rhai\n{asked}"));
    assert_eq!((text(&loaded.stderr).as_str(), loaded.status.code()), ("", Some(0)));
    assert!(text(&loaded.stdout).contains("zoo.animal.how = \"tame\""), "{}", text(&loaded.stdout));
    let named = piped(&shop, &["plain.rhai"], &format!("plugin(\"./libzoo.so\")\n{asked}:reload\n"));
    assert_eq!((text(&named.stderr).as_str(), named.status.code()), ("", Some(0)));
    let unnamed = piped(&shop, &["shop.rhai"], &format!(":load plain.rhai\n{asked}"));
    assert!(text(&unnamed.stderr).contains("there is no plugin or import `zoo`"));
    let gone = piped(&shop, &["plain.rhai"], "plugin(\"./libgone.so\")\n:type varnish::cache\n");
    assert!(text(&gone.stderr).contains("this input:1:8"), "{}", text(&gone.stderr));
    assert_eq!(text(&gone.stdout), "varnish::cache(#{…})\n");
}

#[test]
fn a_secret_is_never_shown() {
    let shop = Shop::example();
    let output = piped(&shop, &[], "secret(\"feed-token\")\n[`Bearer ${secret(\"feed-token\")}`]\n");
    assert_eq!(text(&output.stdout), "‹secret(feed-token)›\n[\"Bearer ‹secret(feed-token)›\"]\n");
}

#[test]
fn a_command_that_does_not_exist_suggests_the_nearest() {
    let output = piped(&Shop::example(), &[], ":plam\n");
    assert!(text(&output.stderr).contains("did you mean :plan?"), "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_command_without_what_it_takes_says_what_to_write() {
    let output = piped(&Shop::example(), &[], ":doc\n:why\n:type\n:load\n");
    let said = text(&output.stderr);
    for written in [":doc NAME", ":why OPTION", ":type EXPRESSION", ":load SCRIPT"] {
        assert!(said.contains(&format!("help: write {written}\n")), "{said}");
    }
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("", Some(1)));
}

#[test]
fn the_help_at_the_prompt_fits_into_80_columns() {
    let said = text(&piped(&Shop::example(), &[], ":help\n").stdout);
    assert!(said.contains(":load SCRIPT"), "{said}");
    let wide: Vec<&str> = said.lines().filter(|it| it.chars().count() > 80).collect();
    assert_eq!(wide, [] as [&str; 0]);
}

#[test]
fn the_prompt_completes_what_is_begun() {
    let shop = Shop::example();
    let mut terminal = Terminal::start(&shop);
    terminal.prompts();
    terminal.keys("varn\t");
    terminal.sees("varnish::");
    terminal.keys("cac\t#{ \t");
    terminal.sees("grace: ");
    terminal.cancels();
    terminal.keys(":pl\t");
    terminal.sees(":plan");
    terminal.cancels();
    terminal.leaves();
}

#[test]
fn an_open_bracket_waits_for_the_next_line() {
    let shop = Shop::example();
    let mut terminal = Terminal::start(&shop);
    terminal.prompts();
    terminal.keys("fn price(it) {\r");
    terminal.sees("    | ");
    terminal.enters("it * 2\r}");
    terminal.enters("price(2100)");
    terminal.sees("4200");
    terminal.leaves();
}

#[test]
fn ctrl_c_forgets_a_line_and_ends_a_loop() {
    let shop = Shop::example();
    let mut terminal = Terminal::start(&shop);
    terminal.prompts();
    terminal.keys("let x = 7;");
    terminal.cancels();
    terminal.enters("x");
    terminal.sees("there is no variable `x`");
    // As long as the bound of steps allows: each call counts little and takes long.
    terminal.enters("let text = \"\"; for i in 0..100000 { text.pad(50000, \"x\"); text = \"\"; }");
    thread::sleep(Duration::from_millis(300));
    terminal.keys("\x03");
    terminal.sees("cancelled; nothing was changed");
    terminal.leaves();
}

#[test]
fn inputs_of_the_last_time_are_remembered() {
    let shop = Shop::example();
    let mut terminal = Terminal::start(&shop);
    terminal.enters("6 * 7");
    terminal.sees("42");
    terminal.leaves();
    let history = shop.folder().join("data/mops/repl-history");
    assert_eq!(fs::read_to_string(&history).unwrap(), "6 * 7\n");
    assert_eq!(fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);
    let mut again = Terminal::start(&shop);
    again.enters("\x1b[A");
    again.sees("42");
    again.leaves();
}

/// The aim is 50 ms, which a debug build keeps while nothing else runs (10 to 20 ms); the bound allows for a busy machine.
fn piped(shop: &Shop, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program())
        .arg("repl")
        .args(arguments)
        .current_dir(shop.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// `mops repl` on a pseudo-terminal of 100 columns, with a data folder of its own.
struct Terminal {
    session: PtySession,
    /// Whether the prompt came after the last keys that end a line.
    is_ready: bool,
}

/// How a program asks a terminal where the cursor is: the prompt does so when it is about to read keys.
const WHERE: &str = "\x1b[6n";

impl Terminal {
    #[track_caller]
    fn start(shop: &Shop) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "stty rows 40 cols 100; exec \"$0\" repl --color never"])
            .arg(program())
            .current_dir(shop.folder())
            .env("XDG_DATA_HOME", shop.folder().join("data"))
            .env("TERM", "xterm");
        let session = rexpect::session::spawn_command(command, Some(20_000)).unwrap();
        Self { session, is_ready: false }
    }

    /// Writes a line at the prompt.
    #[track_caller]
    fn enters(&mut self, line: &str) {
        self.prompts();
        self.keys(&format!("{line}\r"));
        self.is_ready = false;
    }

    fn keys(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    /// Waits until the screen shows `what`.
    #[track_caller]
    fn sees(&mut self, what: &str) {
        loop {
            let needles = [WHERE, what].map(|it| ReadUntil::String(it.to_owned()));
            let (before, found) = self.session.exp_any(needles.into()).unwrap_or_else(|err| panic!("{err}"));
            if found == what && what != WHERE {
                return;
            }
            self.keys("\x1b[1;1R");
            self.is_ready = true;
            if what == WHERE || before.contains(what) {
                return;
            }
        }
    }

    /// Waits for the prompt.
    #[track_caller]
    fn prompts(&mut self) {
        if !self.is_ready {
            self.sees(WHERE);
        }
    }

    /// Presses Ctrl-C at the prompt.
    #[track_caller]
    fn cancels(&mut self) {
        self.prompts();
        self.keys("\x03");
        self.is_ready = false;
        self.prompts();
    }

    /// Presses Ctrl-D at an empty prompt.
    #[track_caller]
    fn leaves(mut self) {
        self.prompts();
        self.keys("\x04");
        self.session.exp_eof().unwrap_or_else(|err| panic!("{err}"));
        let status = self.session.process().wait().unwrap();
        assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    }
}
