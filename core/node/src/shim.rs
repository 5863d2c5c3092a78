//! The exec shim: a small step between the supervisor and a daemon.
//!
//! What must happen in the child before the daemon's program runs happens here, in a program of its own, so that
//! nothing runs between fork and exec.
//!
//! **Invariant:** privileges are dropped before the parent-death signal is set: a change of user clears it
//! (`prctl(2)`, `PR_SET_PDEATHSIG`).

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

use nix::{
    sys::{
        prctl,
        signal::{SigSet, Signal},
        stat::{Mode, umask},
    },
    unistd::{self, Gid, Uid},
};
use serde::{Deserialize, Serialize};

use crate::Account;

/// Where programs are looked for; the only variable a daemon is given besides its own.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the shim is told, as JSON on its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Who the daemon runs as; none: whoever runs the shim.
    pub(crate) account: Option<Account>,
    /// The process whose end is the daemon's end.
    pub(crate) parent: u32,
    /// The working directory.
    pub(crate) directory: PathBuf,
    /// The program, by its full path.
    pub(crate) program: PathBuf,
    /// What it is called, and its arguments.
    pub(crate) command: Vec<String>,
    /// Its environment, besides `PATH`.
    pub(crate) environment: BTreeMap<String, String>,
}

/// Becomes the daemon that standard input describes. Returns only when it cannot: then the reason stands on standard
/// error and the code is 127.
pub fn daemon_main() -> ExitCode {
    let Err(err) = become_daemon();
    match writeln!(io::stderr(), "mops: {err}") {
        Ok(()) => ExitCode::from(127),
        // Nobody listens: the code alone has to do.
        Err(_) => ExitCode::from(126),
    }
}

fn become_daemon() -> io::Result<std::convert::Infallible> {
    let mut json = Vec::new();
    io::stdin().read_to_end(&mut json)?;
    let spec: Spec = serde_json::from_slice(&json)?;
    // Whatever whoever started the supervisor has: what a daemon writes looks the same everywhere.
    umask(Mode::from_bits_truncate(0o022));
    unistd::dup2_stdin(File::open("/dev/null")?)?;
    if let Some(account) = &spec.account {
        let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
        unistd::setgroups(&[gid])?;
        unistd::setresgid(gid, gid, gid)?;
        unistd::setresuid(uid, uid, uid)?;
    }
    // A blocked signal stays blocked across exec: what the supervisor waits for, a daemon must hear.
    SigSet::empty().thread_set_mask()?;
    prctl::set_pdeathsig(Some(Signal::SIGTERM))?;
    if unistd::getppid().as_raw().cast_unsigned() != spec.parent {
        return Err(io::Error::other("the supervisor is gone"));
    }
    let (name, arguments) =
        spec.command.split_first().ok_or_else(|| io::Error::other("the command is empty"))?;
    let err = Command::new(&spec.program)
        .arg0(name)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .envs(&spec.environment)
        .current_dir(&spec.directory)
        .exec();
    Err(io::Error::new(err.kind(), format!("{}: {err}", spec.program.display())))
}
