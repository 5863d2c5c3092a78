//! What the supervisor answers.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
};

use mops_model::{Digest, Name, SecretError, Secrets};
use mops_node::{ActivationError, Objects};

use crate::{
    protocol::{Answer, Given, Hello, Line, PROTOCOL, Reply, Request},
    supervisor::{Supervisor, Work, closure, say},
};

/// Serves one connection.
pub(crate) fn serve(supervisor: &Supervisor, line: Line) {
    if let Err(err) = converse(supervisor, line) {
        // A program that was killed hangs up: that is no news.
        if err.kind() != io::ErrorKind::UnexpectedEof {
            say(&format!("a connection: {err}"));
        }
    }
}

/// The other side of a connection, from which objects and secrets are had while something is done for it.
#[derive(Clone)]
pub(crate) struct Wants(Arc<Mutex<Line>>);

fn converse(supervisor: &Supervisor, mut line: Line) -> io::Result<()> {
    let hello: Hello = line.hear()?;
    line.say(&Hello { protocol: PROTOCOL, pid: std::process::id() })?;
    if hello.protocol != PROTOCOL {
        return Ok(());
    }
    let request = line.hear()?;
    let wants = Wants(Arc::new(Mutex::new(line)));
    let ends = matches!(request, Request::Shutdown);
    let answer = match request {
        Request::Activate { node, closure, bindings } => {
            let activated = activate(supervisor, &node, &closure, *bindings, &wants);
            let swept = activated.and_then(|it| supervisor.sweep().map(|()| it));
            swept.map_or_else(|err| Answer::Failed(err.to_string()), Answer::Activated)
        }
        Request::Status => {
            supervisor.status().map_or_else(|err| Answer::Failed(err.to_string()), Answer::Status)
        }
        Request::Stop(name) => match supervisor.stop(&name) {
            Ok(()) => Answer::Done,
            Err(err) => Answer::Failed(err.to_string()),
        },
        Request::Shutdown => Answer::Done,
    };
    wants.line().say(&Reply::Answer(Box::new(answer)))?;
    if ends {
        supervisor.shut_down();
    }
    Ok(())
}

fn activate(
    supervisor: &Supervisor,
    node: &Name,
    digest: &Digest,
    bindings: mops_model::Bindings,
    wants: &Wants,
) -> io::Result<Result<mops_node::Activated, ActivationError>> {
    let closure = closure(wants, digest)?;
    let (done, ended) = mpsc::channel();
    supervisor.activate(node, Work { closure, bindings, wants: wants.clone(), done })?;
    ended.recv().map_err(|_| io::Error::other(format!("the thread of `{node}` is gone")))
}

impl Wants {
    fn line(&self) -> MutexGuard<'_, Line> {
        // Whoever panicked with it has left the connection unusable: the next line on it says so.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Objects for Wants {
    fn get(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        let mut line = self.line();
        line.say(&Reply::Object(*digest))?;
        let bytes = match line.hear()? {
            Given::Bytes(length) => line.take(length)?,
            Given::Refused(why) => return Err(io::Error::other(why)),
            Given::Value(_) => return Err(io::Error::other("a value came where an object was wanted")),
        };
        match Digest::of(&bytes) == *digest {
            true => Ok(bytes),
            false => {
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("the object {digest} is damaged")))
            }
        }
    }
}

impl Secrets for Wants {
    fn fetch(&self, name: &Name) -> Result<String, SecretError> {
        let refuse = |why: String| SecretError { name: name.clone(), why };
        let mut line = self.line();
        line.say(&Reply::Secret(name.clone())).map_err(|err| refuse(err.to_string()))?;
        match line.hear().map_err(|err| refuse(err.to_string()))? {
            Given::Value(value) => Ok(value),
            Given::Refused(why) => Err(refuse(why)),
            Given::Bytes(_) => Err(refuse("bytes came where a value was wanted".to_owned())),
        }
    }

    fn version(&self, name: &Name) -> Result<Digest, SecretError> {
        Err(SecretError { name: name.clone(), why: "a node compares files, not versions".to_owned() })
    }
}
