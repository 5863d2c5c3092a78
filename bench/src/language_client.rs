//! An editor with one script open, for measuring `mops lsp`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::Outcome;

/// An editor that has `shop.rhai` of one folder open; its server ends with it.
pub(crate) struct Editor {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    uri: String,
    requests: u64,
}

impl Editor {
    /// Starts the server of `program` in `folder`.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn start(program: &Path, folder: &Path) -> Outcome<Self> {
        let mut child = Command::new(program)
            .arg("lsp")
            .current_dir(folder)
            .env("XDG_DATA_HOME", folder.join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("the server's stdin is missing")?;
        let stdout = child.stdout.take().ok_or("the server's stdout is missing")?;
        let uri = format!("file://{}/shop.rhai", folder.display());
        let mut editor = Self { child, stdin, stdout: BufReader::new(stdout), uri, requests: 0 };
        editor.ask("initialize", &json!({ "capabilities": {} }))?;
        editor.tell("initialized", &json!({}))?;
        Ok(editor)
    }

    /// Opens the script with this text, and waits until it was evaluated.
    ///
    /// # Errors
    /// When the server is gone.
    pub(crate) fn open(&mut self, text: &str) -> Outcome<()> {
        let document = json!({ "uri": self.uri, "languageId": "rhai", "version": 1, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": document }))?;
        self.diagnostics()?;
        Ok(())
    }

    /// Writes `text` instead of the line `number`, counted from 0.
    ///
    /// # Errors
    /// When the server is gone.
    pub(crate) fn change(&mut self, number: usize, text: &str) -> Outcome<()> {
        let end = json!({ "line": number, "character": 1_000 });
        let range = json!({ "start": { "line": number, "character": 0 }, "end": end });
        let document = json!({ "uri": self.uri, "version": 2 });
        let changes = json!([{ "range": range, "text": text }]);
        self.tell("textDocument/didChange", &json!({ "textDocument": document, "contentChanges": changes }))
    }

    /// The next diagnostics of the script.
    ///
    /// # Errors
    /// When the server is gone.
    pub(crate) fn diagnostics(&mut self) -> Outcome<Value> {
        loop {
            let message = self.receive()?;
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics" && params["uri"] == self.uri.as_str() {
                return Ok(params["diagnostics"].clone());
            }
        }
    }

    /// What may stand at `position`.
    ///
    /// # Errors
    /// When the server is gone, or answers with an error.
    pub(crate) fn completion(&mut self, position: &Value) -> Outcome<Value> {
        let params = json!({ "textDocument": { "uri": self.uri }, "position": position });
        self.ask("textDocument/completion", &params)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let mut message = self.receive()?;
            if message["id"] != id {
                continue;
            }
            return match &message["error"] {
                Value::Null => Ok(message["result"].take()),
                error => Err(format!("{method}: {error}").into()),
            };
        }
    }

    fn tell(&mut self, method: &str, params: &Value) -> Outcome<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> Outcome<()> {
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        Ok(self.stdin.flush()?)
    }

    fn receive(&mut self) -> Outcome<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line)? == 0 {
                return Err("mops lsp ended".into());
            }
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", it)) => length = it.parse()?,
                Some(_) => (),
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stdout.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // One that has ended already is none to be ended.
        let _is_running = self.child.kill().is_ok();
        let _is_waited_for = self.child.wait().is_ok();
    }
}
