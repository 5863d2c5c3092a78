//! Whether a daemon is ready.
//!
//! **Invariant:** a probe ends within [`PATIENCE`], whatever the daemon does; a command has the patience of a job.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};

use crate::{
    Layout,
    fill::{FilledDaemon, FilledReady},
    job::Job,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a ready daemon is asked whether it still is.
const HEALTH: Duration = Duration::from_secs(5);
/// The same when a program has to run for it: a broker's takes a second of a processor.
const HEALTH_BY_COMMAND: Duration = Duration::from_mins(1);

impl FilledReady {
    /// How long a daemon that is ready is left alone.
    pub(crate) fn pause(&self) -> Duration {
        match self {
            Self::Http { .. } | Self::Port(_) | Self::Socket(_) | Self::Running => HEALTH,
            Self::Command(_) => HEALTH_BY_COMMAND,
        }
    }
}

/// Asks once; the error says what is missing.
pub(crate) fn probe(layout: &Layout, daemon: &FilledDaemon) -> Result<(), String> {
    match &daemon.ready {
        FilledReady::Http { address, path } => {
            let status = get(*address, path).map_err(|err| format!("GET http://{address}{path}: {err}"))?;
            match status < 400 {
                true => Ok(()),
                false => Err(format!("GET http://{address}{path} answers {status}")),
            }
        }
        FilledReady::Port(address) => match TcpStream::connect_timeout(address, PATIENCE) {
            Ok(_) => Ok(()),
            Err(err) => Err(format!("{address}: {err}")),
        },
        FilledReady::Socket(path) => match UnixStream::connect(path) {
            Ok(_) => Ok(()),
            Err(err) => Err(format!("{path}: {err}")),
        },
        FilledReady::Command(command) => Job::start(layout, command, &daemon.environment)
            .map_err(|err| err.to_string())
            .and_then(Job::finish)
            .map_err(|said| format!("{}: {said}", command.join(" "))),
        FilledReady::Running => Ok(()),
    }
}

/// The status with which `GET path` is answered.
fn get(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let host = address.ip();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: mops\r\nConnection: close\r\n\r\n")?;
    // `HTTP/1.1 200`: the status ends at byte 12 (RFC 9112, 4).
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head)?;
    let status = std::str::from_utf8(&head[9..]).ok().filter(|_| head.starts_with(b"HTTP/1."));
    status
        .and_then(|it| it.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}
