//! Programs that run through the exec shim: daemons, and commands that are waited for.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::{fs::fchown, process::CommandExt},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{Layout, process, program, shim::Spec};

/// How long a command may take; what checks, loads or asks is done within seconds.
const PATIENCE: Duration = Duration::from_mins(1);
/// How much of its output is shown.
const SHOWN: usize = 16 * 1024;

/// A command that runs, with its output kept.
pub(crate) struct Job {
    child: Child,
    output: File,
    began: Instant,
}

/// Starts `command` as the account; both outputs go to `output`. It leads a process group of its own.
pub(crate) fn launch(
    layout: &Layout,
    command: &[String],
    environment: &BTreeMap<String, String>,
    output: &File,
) -> io::Result<Child> {
    let name = command.first().ok_or_else(|| io::Error::other("the command is empty"))?;
    let program = program::find(name)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("`{name}` is not installed")))?;
    let spec = Spec {
        account: layout.account.clone(),
        parent: std::process::id(),
        directory: layout.tmp.clone(),
        program,
        command: command.to_vec(),
        environment: environment.clone(),
    };
    let mut child = Command::new(&layout.shim.program)
        .arg(&layout.shim.argument)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0)
        .spawn()
        .map_err(|err| io::Error::new(err.kind(), format!("{}: {err}", layout.shim.program.display())))?;
    let mut input = child.stdin.take().expect("it was asked for");
    input.write_all(&serde_json::to_vec(&spec)?)?;
    Ok(child)
}

impl Job {
    /// Starts a command.
    pub(crate) fn start(
        layout: &Layout,
        command: &[String],
        environment: &BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let output = tempfile::tempfile_in(&layout.tmp)?;
        if let Some(account) = &layout.account {
            // Programs that open /proc/self/fd/2 again may do so only as its owner.
            fchown(&output, Some(account.uid), Some(account.gid))?;
        }
        let child = launch(layout, command, environment, &output)?;
        Ok(Self { child, output, began: Instant::now() })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// What it said, when it did not end with 0 or not in time.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        let ended = self.wait();
        let said = self.said().unwrap_or_else(|err| format!("its output cannot be read: {err}"));
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) if said.is_empty() => Err(format!("it ended with {status} and said nothing")),
            Ok(_) => Err(said),
            Err(err) => Err(format!("{said}\n{err}").trim_start().to_owned()),
        }
    }

    fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if self.began.elapsed() > PATIENCE {
                let rows = process::table()?;
                let root = rows.iter().find(|it| it.identity.pid == self.child.id()).map(|it| it.identity);
                process::signal(root.into_iter().flat_map(|it| process::family(it, &rows)), Signal::SIGKILL)?;
                self.child.wait()?;
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not end within a minute"));
            }
            sleep(Duration::from_millis(2));
        }
    }

    /// The last of what it said.
    fn said(&mut self) -> io::Result<String> {
        tail(&mut self.output, 0)
    }
}

/// The last of what stands in `file` from the byte `from` on.
pub(crate) fn tail(file: &mut File, from: u64) -> io::Result<String> {
    let length = file.metadata()?.len();
    let start = from.min(length).max(length.saturating_sub(SHOWN as u64));
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
