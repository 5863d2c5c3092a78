//! The process that a third party's library is opened in: guards on, library open, then one answer for each request.
//!
//! **Invariant:** it does not outlive whoever started it, whatever the library is doing then.

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::ExitCode,
};

use mops_plugin::{door, model::Diagnostic};
use nix::sys::{prctl, signal::Signal};
use serde::{Deserialize, Serialize};

use crate::{
    frame,
    guard::{self, Guard},
    open::Opened,
};

/// What this process is told first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The process that gives it.
    pub(crate) parent: u32,
    /// What messages call the library.
    pub(crate) name: String,
    /// The copy that is opened.
    pub(crate) path: PathBuf,
    /// The symbol of its door.
    pub(crate) symbol: String,
}

/// What this process says before it answers anything.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Greeting {
    /// The library is open, within these guards.
    Open(Vec<Guard>),
    /// It is not.
    Refused(Box<Diagnostic>),
}

/// Opens the library that standard input names and answers the requests that follow, until standard input ends.
///
/// # Errors
/// Never to the caller: whoever started it reads the reason from the other end of the pipe, or sees it end.
pub fn plugin_main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    prctl::set_pdeathsig(Some(Signal::SIGKILL))?;
    let (mut input, mut output) = streams()?;
    let Some(order) = frame::read(&mut input)? else { return Ok(()) };
    let order: Order = serde_json::from_slice(&order)?;
    if std::os::unix::process::parent_id() != order.parent {
        // Whoever started it was gone before the kernel was told to say so.
        return Ok(());
    }
    let mut guards = guard::before_opening(&order.path);
    let opened = Opened::at(&order.name, &order.path, &order.symbol);
    if guards.contains(&Guard::Seccomp) && !guard::after_opening() {
        guards.retain(|it| *it != Guard::Seccomp);
    }
    let (greeting, opened) = match opened {
        Ok(opened) => (Greeting::Open(guards), Some(opened)),
        Err(refused) => (Greeting::Refused(Box::new(refused)), None),
    };
    frame::write(&mut output, &serde_json::to_vec(&greeting)?)?;
    let Some(opened) = opened else { return Ok(()) };
    while let Some(request) = frame::read(&mut input)? {
        let answer = opened.call(&request);
        match answer.len() > frame::LONGEST {
            true => frame::write(&mut output, &door::bug("its answer is longer than 64 MiB"))?,
            false => frame::write(&mut output, &answer)?,
        }
    }
    Ok(())
}

/// The two ends of the pipes, moved away from standard input and output, which become those of nobody: what a library
/// prints must not stand between frames.
fn streams() -> io::Result<(File, File)> {
    let input = nix::unistd::dup(io::stdin())?;
    let output = nix::unistd::dup(io::stdout())?;
    let nowhere: OwnedFd = File::options().read(true).write(true).open(Path::new("/dev/null"))?.into();
    nix::unistd::dup2_stdin(&nowhere)?;
    nix::unistd::dup2_stdout(&nowhere)?;
    Ok((input.into(), output.into()))
}
