//! Scripts in an editor, over the language server protocol: diagnostics as one types, completion, hover, definitions,
//! formatting.
//!
//! **Invariant:** nothing has an effect: scripts are evaluated, never planned or applied; buffers are changed by the
//! editor only.
//! **Invariant:** what a script may call is what evaluation checks; nothing is known here that is not known there.

mod complete;
mod define;
mod diagnose;
mod hover;
mod manual;
mod offered;
mod symbols;
mod text;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use lsp_server::{Connection, ExtractError, Message, Notification, ProtocolError, Request, Response};
use lsp_types::{
    CompletionOptions, CompletionParams, CompletionResponse, DidChangeTextDocumentParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentFormattingParams, GotoDefinitionParams, GotoDefinitionResponse, HoverParams,
    HoverProviderCapability, OneOf, Position, Range, SaveOptions, ServerCapabilities,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
    TextEdit, Uri,
};
use mops_eval::format;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use thiserror::Error;

pub use offered::{Around, Workspace};

use crate::{
    complete::complete,
    define::Places,
    diagnose::{Disk, Job, Worker},
    hover::hover,
    offered::Scripts,
    text::{Text, path_of},
};

/// Why a conversation with an editor ended before its time.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The editor does not keep to the protocol.
    #[error("the editor does not keep to the language server protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// What definitions lead to cannot be written.
    #[error("the pages that definitions lead to cannot be written: {0}")]
    Pages(io::Error),
    /// What was said is no message, or nobody listens.
    #[error("the editor cannot be talked to: {0}")]
    Io(#[from] io::Error),
}

/// Serves an editor over stdin and stdout until it says that it is done, or is gone.
///
/// # Errors
/// When pages cannot be written, or the editor does not keep to the protocol.
pub fn serve_stdio(workspace: &dyn Workspace) -> Result<(), ServeError> {
    let (connection, threads) = Connection::stdio();
    serve(&connection, workspace)?;
    // The threads end when nobody can send any more.
    drop(connection);
    threads.join()?;
    Ok(())
}

/// Serves an editor over `connection`, as [`serve_stdio`] does.
///
/// # Errors
/// When pages cannot be written, or the editor does not keep to the protocol.
pub fn serve(connection: &Connection, workspace: &dyn Workspace) -> Result<(), ServeError> {
    let scripts = Mutex::new(Scripts::new(workspace).map_err(ServeError::Pages)?);
    let capabilities = serde_json::to_value(capabilities()).expect("capabilities are plain data");
    match connection.initialize(capabilities) {
        Ok(_) => (),
        // An editor that went away before it said anything has nothing to complain about.
        Err(err) if err.channel_is_disconnected() => return Ok(()),
        Err(err) => return Err(err.into()),
    }
    let sender = connection.sender.clone();
    let send = move |message| {
        // An editor that is gone closes stdin as well: the loop below ends.
        let _is_sent = sender.send(message).is_ok();
    };
    thread::scope(|scope| {
        let (jobs, waiting) = mpsc::channel();
        let of_worker = &scripts;
        scope.spawn(move || {
            let worker = Worker {
                workspace,
                scripts: of_worker,
                send: &send,
                read: BTreeMap::new(),
                folders: BTreeMap::new(),
                inputs: Mutex::default(),
            };
            worker.work(&waiting);
        });
        Server { open: BTreeMap::new(), pages: workspace.pages(), scripts: &scripts, jobs }.serve(connection)
    })
}

fn capabilities() -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
        ..TextDocumentSyncOptions::default()
    };
    let triggers = [":", "\"", "{", " ", ","].map(str::to_owned).to_vec();
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(triggers),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

/// One conversation.
struct Server<'a> {
    open: BTreeMap<PathBuf, Text>,
    /// The folder that definitions of mops itself lead to.
    pages: &'a Path,
    scripts: &'a Mutex<Scripts>,
    jobs: mpsc::Sender<Job>,
}

impl Server<'_> {
    fn serve(mut self, connection: &Connection) -> Result<(), ServeError> {
        for message in &connection.receiver {
            match message {
                Message::Request(request) => {
                    match connection.handle_shutdown(&request) {
                        Ok(false) => (),
                        Ok(true) => return Ok(()),
                        Err(err) if err.channel_is_disconnected() => return Ok(()),
                        Err(err) => return Err(err.into()),
                    }
                    let response = self.answer(request);
                    if connection.sender.send(response.into()).is_err() {
                        return Ok(());
                    }
                }
                Message::Notification(notification) => self.hear(notification),
                // Nothing is asked of the editor.
                Message::Response(_) => (),
            }
        }
        Ok(())
    }

    fn answer(&self, request: Request) -> Response {
        let id = request.id.clone();
        let answered = match request.method.as_str() {
            "textDocument/completion" => ask(request, |it: CompletionParams| {
                let at = it.text_document_position;
                self.at(&at.text_document.uri, at.position, |path, text, offset| {
                    let scripts = self.scripts();
                    let site = scripts.known_of(path).map(|it| &it.site);
                    let offers = &scripts.offered_to(path).offers;
                    Some(CompletionResponse::Array(complete(text, offset, offers, site)))
                })
            }),
            "textDocument/hover" => ask(request, |it: HoverParams| {
                let at = it.text_document_position_params;
                self.at(&at.text_document.uri, at.position, |path, text, offset| {
                    hover(text, offset, &self.scripts().offered_to(path).offers)
                })
            }),
            "textDocument/definition" => ask(request, |it: GotoDefinitionParams| {
                let at = it.text_document_position_params;
                self.at(&at.text_document.uri, at.position, |path, text, offset| {
                    self.define(path, text, offset).map(GotoDefinitionResponse::Scalar)
                })
            }),
            "textDocument/formatting" => ask(request, |it: DocumentFormattingParams| {
                self.at(&it.text_document.uri, Position::default(), |_, text, _| formatted(text))
            }),
            method => Err((lsp_server::ErrorCode::MethodNotFound, format!("there is no {method}"))),
        };
        match answered {
            Ok(result) => Response::new_ok(id, result),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        }
    }

    /// What `answer` says of the open buffer `uri`; nothing for one that is not open.
    fn at<T>(
        &self,
        uri: &Uri,
        position: Position,
        answer: impl FnOnce(&Path, &Text, usize) -> Option<T>,
    ) -> Option<T> {
        let path = path_of(uri)?;
        let text = self.open.get(&path)?;
        answer(&path, text, text.offset(position))
    }

    fn define(&self, path: &Path, text: &Text, offset: usize) -> Option<lsp_types::Location> {
        let scripts = self.scripts();
        #[expect(
            clippy::disallowed_methods,
            reason = "definitions lead to files that are not open in the editor"
        )]
        let read = |path: &Path| match self.open.get(path) {
            Some(text) => Some(text.clone()),
            None => fs::read(path).ok().and_then(|it| String::from_utf8(it).ok()).map(Text::new),
        };
        let (offered, known) = (scripts.offered_to(path), scripts.known_of(path));
        let places = Places { offered, folder: self.pages, path, known, read: &read };
        places.define(text, offset)
    }

    fn scripts(&self) -> MutexGuard<'_, Scripts> {
        // A panic while it was held is a bug that ends the program.
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&mut self, notification: Notification) {
        let method = notification.method.clone();
        let heard = match method.as_str() {
            "textDocument/didOpen" => told(notification, |it: DidOpenTextDocumentParams| {
                self.opened(&it.text_document.uri, it.text_document.text);
            }),
            "textDocument/didChange" => {
                told(notification, |it: DidChangeTextDocumentParams| self.changed(&it))
            }
            "textDocument/didSave" => told(notification, |it: DidSaveTextDocumentParams| {
                self.evaluate(&it.text_document.uri, Disk::Changed);
            }),
            "textDocument/didClose" => told(notification, |it: DidCloseTextDocumentParams| {
                path_of(&it.text_document.uri).and_then(|path| self.open.remove(&path));
                self.evaluate(&it.text_document.uri, Disk::Changed);
            }),
            _ => Some(()),
        };
        // A notification has no answer that could say what is wrong with it; the next one is understood again.
        let _is_understood = heard.is_some();
    }

    fn opened(&mut self, uri: &Uri, text: String) {
        if let Some(path) = path_of(uri) {
            self.open.insert(path, Text::new(text));
            self.evaluate(uri, Disk::Changed);
        }
    }

    fn changed(&mut self, it: &DidChangeTextDocumentParams) {
        let uri = &it.text_document.uri;
        if let Some(text) = path_of(uri).and_then(|path| self.open.get_mut(&path)) {
            for change in &it.content_changes {
                *text = text.change(change.range, &change.text);
            }
            self.evaluate(uri, Disk::Unchanged);
        }
    }

    fn evaluate(&self, uri: &Uri, disk: Disk) {
        if let Some(changed) = path_of(uri) {
            let open = self.open.iter().map(|(path, it)| (path.clone(), it.content.clone())).collect();
            self.jobs
                .send(Job { changed, open, disk })
                .expect("the worker lives as long as the conversation");
        }
    }
}

/// The edit that formats a buffer; none for one that is wrong, which diagnostics say.
fn formatted(text: &Text) -> Option<Vec<TextEdit>> {
    let new_text = format("", &text.content).ok()?;
    let range = Range { start: Position::default(), end: text.position(text.content.len()) };
    Some(vec![TextEdit { range, new_text }])
}

type Answered = Result<Json, (lsp_server::ErrorCode, String)>;

fn ask<P: DeserializeOwned, T: serde::Serialize>(request: Request, answer: impl FnOnce(P) -> T) -> Answered {
    let method = request.method.clone();
    match request.extract::<P>(&method) {
        Ok((_, params)) => Ok(serde_json::to_value(answer(params)).expect("an answer is plain data")),
        Err(ExtractError::JsonError { error, .. }) => {
            Err((lsp_server::ErrorCode::InvalidParams, error.to_string()))
        }
        Err(ExtractError::MethodMismatch(_)) => unreachable!("the method is its own"),
    }
}

/// None when the notification cannot be read.
fn told<P: DeserializeOwned>(notification: Notification, hear: impl FnOnce(P)) -> Option<()> {
    let method = notification.method.clone();
    notification.extract::<P>(&method).ok().map(hear)
}
