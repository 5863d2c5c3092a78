//! What the program and a site's supervisor say to each other over its socket: lines of JSON.
//!
//! The program opens with [`Hello`] and hears one; then it asks once. While the supervisor works it may want an object
//! or a secret; what it wants is answered by a line and, for an object, its bytes. Its last line is the [`Answer`].
//!
//! **Invariant:** both sides compare [`PROTOCOL`] before anything else is said.
//! **Invariant:** a secret travels when it is wanted and is written nowhere.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
};

use mops_model::{Bindings, Digest, Name};
use mops_node::{Activated, ActivationError, NodeStatus};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Changes whenever a line changes its meaning.
pub(crate) const PROTOCOL: u32 = 1;
/// The longest object that is accepted, in bytes.
const MOST: u64 = 1 << 32;

/// The first line of either side.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u32,
    pub(crate) pid: u32,
}

/// What the program asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// That a node uses a closure.
    Activate { node: Name, closure: Digest, bindings: Box<Bindings> },
    /// How everything is.
    Status,
    /// That a node stops and is forgotten.
    Stop(Name),
    /// That every node stops, and the supervisor ends.
    Shutdown,
}

/// What the supervisor says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// It wants the bytes of an object.
    Object(Digest),
    /// It wants the value of a secret.
    Secret(Name),
    /// It is done.
    Answer(Box<Answer>),
}

/// The end of what was asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// The node uses the closure, or says why not.
    Activated(Result<Activated, ActivationError>),
    /// How every node is.
    Status(BTreeMap<Name, NodeStatus>),
    /// It was done.
    Done,
    /// It could not be done.
    Failed(String),
}

/// What the program gives when something is wanted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Given {
    /// So many bytes follow.
    Bytes(u64),
    /// A value.
    Value(String),
    /// It is not to be had.
    Refused(String),
}

/// One connection.
pub(crate) struct Line(BufReader<UnixStream>);

impl Line {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self(BufReader::new(stream))
    }

    /// Waits for the other side however long it takes.
    pub(crate) fn wait_long(&self) -> io::Result<()> {
        self.0.get_ref().set_read_timeout(None)
    }

    /// The process on the other side, even when it says nothing.
    pub(crate) fn peer(&self) -> io::Result<i32> {
        Ok(getsockopt(self.0.get_ref(), PeerCredentials)?.pid())
    }

    pub(crate) fn say(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.0.get_mut().write_all(&line)
    }

    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other side hung up")),
            _ => Ok(serde_json::from_str(&line)?),
        }
    }

    pub(crate) fn give(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.say(&Given::Bytes(bytes.len() as u64))?;
        self.0.get_mut().write_all(bytes)
    }

    pub(crate) fn take(&mut self, length: u64) -> io::Result<Vec<u8>> {
        if length > MOST {
            return Err(io::Error::other(format!("an object of {length} bytes is too large")));
        }
        let mut bytes = Vec::new();
        (&mut self.0).take(length).read_to_end(&mut bytes)?;
        match bytes.len() as u64 == length {
            true => Ok(bytes),
            false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other side hung up")),
        }
    }
}
