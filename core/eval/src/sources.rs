//! How an evaluation reads: through a port, so that it stays pure and what it read can be named.
//!
//! The evaluation runs on a thread of its own; whoever started it answers its questions on the first thread, so that a
//! `Sources` may borrow.

use std::sync::mpsc::{Receiver, Sender, channel};

use mops_model::{Input, Listing};
use thiserror::Error;

/// Reads files and folders beside the script.
pub trait Sources: Send + Sync {
    /// The text of the file at `path`, which is relative to the root and written with `/`. The same path gives the same
    /// text throughout an evaluation.
    ///
    /// # Errors
    /// When there is no such text, or it is outside the root.
    fn read(&self, path: &str) -> Result<String, SourceError>;

    /// What the file or folder at `path` holds, by digest.
    ///
    /// # Errors
    /// When there is no such file or folder, or it is outside the root.
    fn input(&self, path: &str) -> Result<InputFound, SourceError>;
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFound {
    /// Its digest, and its text if it is a small text.
    pub input: Input,
    /// Of a folder: every file in it.
    pub listing: Option<Listing>,
}

/// Why something cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SourceError {
    /// It is not there.
    #[error("there is no file or folder `{0}`")]
    Missing(String),
    /// It is not below the root, or a link leads out.
    #[error("`{0}` is outside the script's folder")]
    Outside(String),
    /// It is no UTF-8 text.
    #[error("`{0}` is no UTF-8 text")]
    NotText(String),
    /// The system refused, in its own words.
    #[error("`{path}` cannot be read: {why}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// What the system said.
        why: String,
    },
}

/// Asks whoever started the evaluation.
#[derive(Clone)]
pub(crate) struct Reader(Sender<Question>);

pub(crate) enum Question {
    Text(String, Sender<Result<String, SourceError>>),
    Input(String, Sender<Result<InputFound, SourceError>>),
}

impl Reader {
    pub(crate) fn new() -> (Self, Receiver<Question>) {
        let (ask, asked) = channel();
        (Self(ask), asked)
    }

    pub(crate) fn read(&self, path: &str) -> Result<String, SourceError> {
        self.ask(path, |answer| Question::Text(path.to_owned(), answer))
    }

    pub(crate) fn input(&self, path: &str) -> Result<InputFound, SourceError> {
        self.ask(path, |answer| Question::Input(path.to_owned(), answer))
    }

    fn ask<T>(
        &self,
        path: &str,
        question: impl FnOnce(Sender<Result<T, SourceError>>) -> Question,
    ) -> Result<T, SourceError> {
        let gone = || SourceError::Unreadable { path: path.to_owned(), why: "nobody answers".to_owned() };
        let (answer, answered) = channel();
        self.0.send(question(answer)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

/// Answers until nobody can ask any more.
pub(crate) fn answer(questions: &Receiver<Question>, sources: &dyn Sources) {
    for question in questions {
        // Who asked and went away needs no answer: the evaluation was ended by a panic, which its thread reports.
        let _gone = match question {
            Question::Text(path, answer) => answer.send(sources.read(&path)).is_err(),
            Question::Input(path, answer) => answer.send(sources.input(&path)).is_err(),
        };
    }
}

/// `path` as seen from the folder `base`, with `.` and `..` resolved.
///
/// # Errors
/// When it is absolute or leads out of the root.
pub(crate) fn join(base: &str, path: &str) -> Result<String, SourceError> {
    let outside = || SourceError::Outside(path.to_owned());
    if path.starts_with('/') {
        return Err(outside());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => (),
            ".." => parts.pop().map(|_| ()).ok_or_else(outside)?,
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The folder that `path` is in.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
