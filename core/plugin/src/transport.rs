//! The way to a plugin.

use mops_model::Diagnostic;

use crate::{Plugin, door};

/// The way to a plugin: linked into the program, loaded into it, or in a process of its own. A script cannot tell which.
pub trait Transport: Send + Sync {
    /// What messages call the plugin before it has told its name: the path of its library.
    fn origin(&self) -> String;

    /// Takes a request of [`door::encode`] to the plugin and brings its answer back.
    ///
    /// # Errors
    /// Why no answer comes, with what to do: then none will come any more.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Diagnostic>;
}

/// A plugin that is linked into the program. It is asked through the same bytes as a loaded one.
pub struct Linked(pub &'static dyn Plugin);

impl Transport for Linked {
    fn origin(&self) -> String {
        "a plugin of this program".to_owned()
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        Ok(door::serve(self.0, request))
    }
}
