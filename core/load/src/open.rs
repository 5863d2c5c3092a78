//! Opens a library in this process. With `mops_plugin::door` the only place with unsafe code.

use std::{mem, path::Path};

use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
use mops_plugin::{
    Transport,
    door::{self, Bytes, Door},
    model::Diagnostic,
};

use crate::Library;

/// A library that is open in this process, until the process ends: what has run once cannot be unloaded safely.
pub struct Opened {
    name: String,
    door: &'static Door,
}

impl Opened {
    /// Opens `library`, of which `cache` keeps a copy. It is trusted like this program; what is not trusted is opened as a
    /// [`Child`](crate::Child).
    ///
    /// # Errors
    /// When the system refuses it, or it was built for another mops.
    pub fn open(library: &Library, cache: &Path) -> Result<Self, Diagnostic> {
        let kept = library.keep(cache)?;
        Self::at(&library.name, &kept, library.symbol())
    }

    /// Opens the library at `path`, whose door is exported as `symbol`.
    pub(crate) fn at(name: &str, path: &Path, symbol: &str) -> Result<Self, Diagnostic> {
        let refused = |err: libloading::Error| {
            Diagnostic::error("plugin::refused", format!("the plugin library `{name}` does not open: {err}"))
                .help("build it on this system: it may need another version of a system library")
        };
        #[expect(unsafe_code, reason = "loading a library runs its initializers")]
        // SAFETY: whoever calls this trusts the library or runs in a process of its own that is given up with it. It is
        // never closed.
        let door = unsafe {
            let library =
                libloading::os::unix::Library::open(Some(path), RTLD_NOW | RTLD_LOCAL).map_err(refused)?;
            let door: *const Door = *library.get::<*const Door>(symbol).map_err(refused)?;
            mem::forget(library);
            door
        };
        #[expect(unsafe_code, reason = "reads the ABI number")]
        // SAFETY: the symbol's address is that of the door, whose first field is this number in every ABI.
        let abi = unsafe { door.cast::<u32>().read_unaligned() };
        if abi != door::ABI {
            let message =
                format!("the plugin library `{name}` speaks ABI {abi}, and this mops speaks {}", door::ABI);
            return Err(Diagnostic::error("plugin::wrong-abi", message)
                .help("build it with the mops-plugin crate of this version of mops"));
        }
        #[expect(unsafe_code, reason = "the door lives as long as its library, which is never closed")]
        // SAFETY: the number says that it is laid out like our `Door`.
        let door = unsafe { &*door };
        Ok(Self { name: name.to_owned(), door })
    }

    /// Asks it one request; the answer is copied and given back.
    pub(crate) fn call(&self, request: &[u8]) -> Vec<u8> {
        let answer = (self.door.call)(Bytes::lent(request));
        let copy = answer.as_slice().to_vec();
        (self.door.free)(answer);
        copy
    }
}

impl Transport for Opened {
    fn origin(&self) -> String {
        format!("the plugin library `{}`", self.name)
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        Ok(self.call(request))
    }
}
