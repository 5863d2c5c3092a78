//! Why a command did not do what it was asked.

use std::{fmt, io, path::Path};

use mops_apply::Refused;
use mops_model::Diagnostic;
use mops_store::StoreError;

/// Why a command did not do what it was asked, for people: what, all that was said, and the way out.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    detail: Option<String>,
    help: Option<String>,
    code: u8,
}

impl Failure {
    /// The script or the world said no.
    pub(crate) const REFUSED: u8 = 1;
    /// Someone else moved the head.
    pub(crate) const MOVED: u8 = 3;
    /// Cancelled with Ctrl-C.
    pub(crate) const CANCELLED: u8 = 130;
    /// Cancelled with SIGTERM.
    pub(crate) const TERMINATED: u8 = 143;

    /// A failure in one line.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), detail: None, help: None, code: Self::REFUSED }
    }

    /// `verb` failed on `path`.
    pub(crate) fn io(verb: &str, path: &Path, err: &io::Error) -> Self {
        Self::new(format!("cannot {verb} {}: {err}", path.display()))
    }

    /// What is wrong has been said already, at its place in the script.
    pub(crate) fn told() -> Self {
        Self::new("")
    }

    /// What is left to say, if anything is.
    pub(crate) fn to_say(&self) -> Option<String> {
        (!self.message.is_empty()).then(|| self.to_string())
    }

    /// The store failed.
    pub(crate) fn store(err: &StoreError) -> Self {
        Self::new(err.to_string())
    }

    /// A provider said no.
    pub(crate) fn refused(refused: &Refused) -> Self {
        Self {
            message: refused.message.clone(),
            detail: refused.detail.clone(),
            help: refused.help.clone(),
            code: Self::REFUSED,
        }
    }

    /// The same as a mistake without a place, for whoever shows nothing else.
    pub(crate) fn into_diagnostic(self, code: &str) -> Diagnostic {
        let message = match self.detail {
            Some(detail) => format!("{}\n{detail}", self.message),
            None => self.message,
        };
        let found = Diagnostic::error(code, message);
        match self.help {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// Adds all that was said.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Ends the program with `code`.
    pub(crate) fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// What the program ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for line in self.detail.iter().flat_map(|it| it.trim_end().lines()) {
            write!(f, "\n  | {line}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}
