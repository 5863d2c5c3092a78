//! `mops lsp`, spoken to as an editor does.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    shop::program,
    third_party::{processes, zoo},
};

const SHOP: &str = "site(\"acme\", #{});\nwebsite(\"pl\", #{ hosts: [\"acme.pl\"] });\n";

/// An editor with one folder.
struct Editor {
    folder: TempDir,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    requests: u64,
}

impl Editor {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("mops editor ü ").tempdir().unwrap();
        let mut child = Command::new(program())
            .arg("lsp")
            .current_dir(folder.path())
            .env("XDG_DATA_HOME", folder.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut editor = Self { folder, child, stdin, stdout, requests: 0 };
        let answer = editor.ask("initialize", &json!({ "capabilities": {} }));
        assert_eq!(answer["capabilities"]["textDocumentSync"]["change"], 2);
        editor.tell("initialized", &json!({}));
        editor
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn uri(&self, name: &str) -> String {
        let folder = self.folder.path().to_str().unwrap().replace(' ', "%20").replace('ü', "%C3%BC");
        format!("file://{folder}/{name}")
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.stdin.as_mut().unwrap(), "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert_eq!(message["error"], Value::Null);
                return message["result"].clone();
            }
        }
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.stdout.read_line(&mut line).unwrap(), 0, "the server is gone");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", it)) => length = it.parse().unwrap(),
                Some(_) => (),
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stdout.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn open(&mut self, name: &str, text: &str) {
        let document = json!({ "uri": self.uri(name), "languageId": "rhai", "version": 1, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    /// Replaces what is in `range`, or everything.
    fn change(&mut self, name: &str, range: Option<Value>, text: &str) {
        let change = match range {
            Some(range) => json!({ "range": range, "text": text }),
            None => json!({ "text": text }),
        };
        let document = json!({ "uri": self.uri(name), "version": 2 });
        self.tell("textDocument/didChange", &json!({ "textDocument": document, "contentChanges": [change] }));
    }

    /// The next diagnostics of a file.
    fn diagnostics(&mut self, name: &str) -> Vec<Value> {
        let uri = self.uri(name);
        loop {
            let message = self.receive();
            if message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri {
                return message["params"]["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    /// Asks about the place of `before`'s end in `text`, the whole buffer.
    fn about(&mut self, method: &str, name: &str, text: &str, before: &str) -> Value {
        let offset = text.find(before).unwrap() + before.len();
        let line = text[..offset].matches('\n').count();
        let column = text[..offset].rsplit('\n').next().unwrap().encode_utf16().count();
        let params = json!({
            "textDocument": { "uri": self.uri(name) },
            "position": { "line": line, "character": column },
        });
        self.ask(&format!("textDocument/{method}"), &params)
    }

    /// The next diagnostics of a file: the code and the range of each.
    fn told(&mut self, name: &str) -> Vec<(String, Value)> {
        let told = self.diagnostics(name);
        told.iter().map(|it| (it["code"].as_str().unwrap().to_owned(), it["range"].clone())).collect()
    }

    /// Pins what the scripts on the disk name.
    fn locks(&self) {
        let output = Command::new(program())
            .args(["plugin", "lock"])
            .current_dir(self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The processes of libraries.
    fn libraries(&self) -> Vec<u32> {
        processes().iter().filter(|it| it.parent == self.child.id()).map(|it| it.id).collect()
    }

    fn labels(&mut self, text: &str, before: &str) -> Vec<String> {
        let items = self.about("completion", "shop.rhai", text, before);
        items.as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap().to_owned()).collect()
    }

    /// Where a definition is: the file, and the line.
    fn definition(&mut self, name: &str, text: &str, before: &str) -> (String, u64) {
        let found = self.about("definition", name, text, before);
        let uri = found["uri"].as_str().unwrap_or_else(|| panic!("{before}: {found}"));
        (uri.rsplit('/').next().unwrap().to_owned(), found["range"]["start"]["line"].as_u64().unwrap())
    }

    fn ends(mut self) -> Option<i32> {
        self.stdin = None;
        self.child.wait().unwrap().code()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

fn range(line: u64, start: u64, end: u64) -> Value {
    json!({ "start": { "line": line, "character": start }, "end": { "line": line, "character": end } })
}

#[test]
fn mistakes_are_told_at_their_utf16_columns_and_go_when_they_are_mended() {
    let mut editor = Editor::new();
    let wrong = format!("{SHOP}let a = \"𝄞\"; role(\"app\", #{{ colour: a }});\n");
    editor.open("shop.rhai", &wrong);
    let told = editor.diagnostics("shop.rhai");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["range"], range(2, 29, 35));
    assert_eq!(told[0]["code"], "eval::unknown-option");
    editor.change("shop.rhai", Some(range(2, 26, 40)), "#{ min: 2 }");
    assert_eq!(editor.diagnostics("shop.rhai"), [] as [Value; 0]);
}

#[test]
fn a_mistake_in_an_imported_buffer_is_told_there() {
    let mut editor = Editor::new();
    fs::write(editor.path("limits.rhai"), "fn login() { role(\"app\", #{ min: 2 }) }").unwrap();
    let script = format!("import \"./limits\" as limits;\n{SHOP}limits::login();\n");
    editor.open("shop.rhai", &script);
    assert_eq!(editor.diagnostics("shop.rhai"), [] as [Value; 0]);
    editor.open("limits.rhai", "fn login() { role(\"app\", #{ mni: 2 }) }");
    let told = editor.diagnostics("limits.rhai");
    assert_eq!(told.iter().map(|it| it["range"].clone()).collect::<Vec<_>>(), [range(0, 28, 31)]);
    assert_eq!(editor.definition("shop.rhai", &script, "limits::lo"), ("limits.rhai".to_owned(), 0));
}

#[test]
fn completion_knows_options_values_functions_and_names() {
    let mut editor = Editor::new();
    let shop = format!("{SHOP}let grace = \"3d\";\n");
    editor.open("shop.rhai", &shop);
    assert_eq!(editor.diagnostics("shop.rhai"), [] as [Value; 0]);
    let begun = format!(
        "{shop}varnish::cache(#{{ memory: \"4G\", ;\nvarnish::;\nwebsite(\"b2b\", #{{ run_type: \";\nrole(\"new\", #{{ shares: \"\n"
    );
    editor.change("shop.rhai", None, &begun);
    let options = editor.labels(&begun, "\"4G\", ");
    assert!(options.contains(&"grace".to_owned()) && !options.contains(&"memory".to_owned()), "{options:?}");
    assert!(editor.labels(&begun, "varnish::;".trim_end_matches(';')).contains(&"vcl".to_owned()));
    assert_eq!(editor.labels(&begun, "run_type: \""), ["website", "store"]);
    assert!(editor.labels(&begun, "shares: \"").contains(&"persistent".to_owned()));
    let names = editor.labels(&shop, &shop);
    assert!(names.contains(&"grace".to_owned()) && names.contains(&"varnish".to_owned()), "{names:?}");
}

#[test]
fn hover_says_what_an_option_may_be_and_is_without_one() {
    let mut editor = Editor::new();
    let shop = format!("{SHOP}varnish::cache(#{{ memory: \"64M\" }});\n");
    editor.open("shop.rhai", &shop);
    let said = |editor: &mut Editor, before: &str| {
        let hover = editor.about("hover", "shop.rhai", &shop, before);
        hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
    };
    let option = said(&mut editor, "#{ mem");
    assert!(option.starts_with("**memory**: a size such as \"4G\""), "{option}");
    let function = said(&mut editor, "varnish::ca");
    assert!(function.contains("varnish::cache(#{…})") && function.contains("- **grace**"), "{function}");
    assert!(said(&mut editor, "web").contains("website(name, #{…})"));
}

#[test]
fn definitions_are_in_the_script_the_library_and_the_manual() {
    let mut editor = Editor::new();
    let shop = format!(
        "import \"std/profiles\" as profiles;\n{SHOP}fn half(x) {{\n    let y = x / 2;\n    y\n}}\nlet de = website(\"de\", #{{ hosts: [\"acme.de\"] }});\noutput(\"half\", half(4));\noutput(\"de\", de);\nvarnish::cache(#{{ memory: \"64M\" }});\nthrottling::limit(\"a\", #{{ on: \"pl\", rate: \"1/1s\" }});\n"
    );
    editor.open("shop.rhai", &shop);
    editor.diagnostics("shop.rhai");
    let script = |line| ("shop.rhai".to_owned(), line);
    assert_eq!(editor.definition("shop.rhai", &shop, "output(\"half\", ha"), script(3));
    assert_eq!(editor.definition("shop.rhai", &shop, "    y\n".trim_end()), script(4));
    assert_eq!(editor.definition("shop.rhai", &shop, "output(\"de\", d"), script(7));
    assert_eq!(editor.definition("shop.rhai", &shop, "std/prof").0, "profiles.rhai");
    assert_eq!(editor.definition("shop.rhai", &shop, "varnish::ca").0, "varnish.md");
    let (page, line) = editor.definition("shop.rhai", &shop, "cache(#{ mem");
    let manual = fs::read_to_string(editor.path("data/mops/editor").join(page)).unwrap();
    assert!(manual.lines().nth(usize::try_from(line).unwrap()).unwrap().starts_with("### memory: "));
}

#[test]
fn a_third_partys_plugin_is_known_as_any_other() {
    let mut editor = Editor::new();
    fs::copy(zoo(), editor.path("libzoo.so")).unwrap();
    let shop = format!("plugin(\"./libzoo.so\");\n{SHOP}zoo::animal(\"tame\");\n");
    fs::write(editor.path("shop.rhai"), &shop).unwrap();
    editor.locks();
    editor.open("shop.rhai", &shop);
    assert_eq!(editor.diagnostics("shop.rhai"), [] as [Value; 0]);
    assert_eq!(editor.labels(&shop, "zoo::"), ["animal"]);
    assert!(editor.labels(&shop, "animal(\"").contains(&"panics".to_owned()));
    let hover = editor.about("hover", "shop.rhai", &shop, "zoo::ani");
    assert!(hover["contents"]["value"].as_str().unwrap().contains("zoo::animal(how)"), "{hover}");
    let (page, line) = editor.definition("shop.rhai", &shop, "zoo::ani");
    let manual = fs::read_to_string(editor.path("data/mops/editor").join(page)).unwrap();
    assert_eq!(manual.lines().nth(usize::try_from(line).unwrap()), Some("## zoo::animal(how)"));
    editor.change("shop.rhai", None, &shop.replace("tame", "wild"));
    assert_eq!(editor.told("shop.rhai"), [("eval::wrong-value".to_owned(), range(3, 12, 18))]);
}

#[test]
fn a_library_that_cannot_be_used_is_told_where_it_is_named_and_the_rest_goes_on() {
    let mut editor = Editor::new();
    fs::copy(zoo(), editor.path("libzoo.so")).unwrap();
    let shop = format!(
        "plugin(\"./libzoo.so\");\nplugin(\"./libgone.so\");\n{SHOP}zoo::animal(\"tame\");\nrole(\"app\", #{{ mni: 2 }});\n"
    );
    fs::write(editor.path("shop.rhai"), &shop).unwrap();
    editor.open("shop.rhai", &shop);
    let unpinned = ("plugin::unpinned".to_owned(), range(0, 7, 20));
    let gone = ("plugin::missing".to_owned(), range(1, 7, 21));
    let option = ("eval::unknown-option".to_owned(), range(5, 15, 18));
    assert_eq!(editor.told("shop.rhai"), [option.clone(), unpinned, gone.clone()]);
    let mended = shop.replace("plugin(\"./libgone.so\");", "");
    fs::write(editor.path("shop.rhai"), &mended).unwrap();
    editor.locks();
    editor.change("shop.rhai", None, &shop);
    assert_eq!(editor.told("shop.rhai"), [option.clone(), gone]);
    assert_eq!(editor.labels(&shop, "zoo::"), ["animal"]);
    editor.change("shop.rhai", None, &mended);
    assert_eq!(editor.told("shop.rhai"), [option]);
}

#[test]
fn a_library_is_opened_once_while_one_types() {
    let mut editor = Editor::new();
    fs::copy(zoo(), editor.path("libzoo.so")).unwrap();
    let shop = format!("plugin(\"./libzoo.so\");\n{SHOP}");
    fs::write(editor.path("shop.rhai"), &shop).unwrap();
    editor.locks();
    editor.open("shop.rhai", &shop);
    editor.diagnostics("shop.rhai");
    let opened = editor.libraries();
    assert_eq!(opened.len(), 1);
    for count in 1..10 {
        editor.change("shop.rhai", None, &format!("{shop}zoo::animal(\"{}", "t".repeat(count)));
        assert_ne!(editor.diagnostics("shop.rhai"), [] as [Value; 0]);
    }
    assert_eq!(editor.libraries(), opened);
}

#[test]
fn a_buffer_is_formatted() {
    let mut editor = Editor::new();
    editor.open("shop.rhai", "let a=1;");
    let params = json!({
        "textDocument": { "uri": editor.uri("shop.rhai") },
        "options": { "tabSize": 4, "insertSpaces": true },
    });
    let edits = editor.ask("textDocument/formatting", &params);
    assert_eq!(edits[0]["newText"], "let a = 1;\n");
}

#[test]
fn it_ends_when_it_is_told_to_and_when_the_editor_is_gone() {
    let mut editor = Editor::new();
    editor.ask("shutdown", &Value::Null);
    editor.tell("exit", &Value::Null);
    assert_eq!(editor.ends(), Some(0));
    assert_eq!(Editor::new().ends(), Some(0));
}

/// A line that is half written: whole evaluations
/// run beside what is asked meanwhile.
#[test]
fn a_workspace_of_five_thousand_lines_is_answered_while_one_types() {
    let mut editor = Editor::new();
    let mut script = SHOP.to_owned();
    for file in 0..4 {
        let function = |it: i32| {
            let limit = format!("throttling::limit(`f{file}-{it}`, #{{ path: `^/x{it}`, rate: rate }})");
            format!("fn limit_{it}(rate) {{\n    {limit};\n}}\n")
        };
        let functions: Vec<String> = (0..400).map(function).collect();
        fs::write(editor.path(&format!("limits{file}.rhai")), functions.concat()).unwrap();
        script =
            format!("import \"./limits{file}\" as limits{file};\n{script}limits{file}::limit_1(\"1/1s\");\n");
    }
    let website = |it: i32| format!("website(\"w{it}\", #{{ hosts: [\"w{it}.example\"] }});\n");
    script.push_str(&(0..200).map(website).collect::<Vec<_>>().concat());
    editor.open("shop.rhai", &script);
    assert_eq!(editor.diagnostics("shop.rhai"), [] as [Value; 0]);
    let last = u64::try_from(script.lines().count()).unwrap();
    let place = json!({ "textDocument": { "uri": editor.uri("shop.rhai") }, "position": { "line": last, "character": 17 } });
    for _ in 0..20 {
        editor.change("shop.rhai", Some(range(last, 0, 99)), "varnish::cache(#{ ");
        assert_ne!(editor.diagnostics("shop.rhai"), [] as [Value; 0]);
        assert_ne!(editor.ask("textDocument/completion", &place), json!([]));
    }
}
