//! What is wrong in a script, as plain data: the program decides how it looks.

use serde::{Deserialize, Serialize};

/// One source text of an evaluation: the script is 0, imported files follow in the order of their import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceId(pub u16);

/// A half-open byte range in one source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte of the range.
    pub start: u32,
    /// One past the last byte of the range.
    pub end: u32,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing later may run.
    Error,
    /// Worth saying, not worth stopping for.
    Warning,
}

/// A span with something to say about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label {
    /// Where to draw the underline.
    pub span: Span,
    /// What to write beside it.
    pub text: String,
}

/// One problem a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable, searchable name, such as `eval::unknown-option`.
    pub code: String,
    /// One line, no trailing period.
    pub message: String,
    /// Where it is; the first label is the primary one.
    pub labels: Vec<Label>,
    /// The option it is about, as a path of keys (`images.webp`), said by a plugin, which sees no spans; whoever
    /// called the plugin turns it into a label.
    pub option: Option<String>,
    /// What to try next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Starts an error with a stable code and a one-line message.
    pub fn error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.into(),
            message: message.into(),
            labels: Vec::new(),
            option: None,
            help: None,
        }
    }

    /// Starts a warning with a stable code and a one-line message.
    pub fn warning(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Points at a place in a source text.
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Points at an option of the call that a plugin was given.
    pub fn at_option(mut self, path: impl Into<String>) -> Self {
        self.option = Some(path.into());
        self
    }

    /// Says what to try next.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether nothing later may run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
