//! `mops logs`.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use mops_local::LogFile;
use mops_store::Entry;

use crate::{
    failure::Failure,
    line::Line,
    show::{DIM, styled},
};

/// How often a log that is followed is looked at.
const PAUSE: Duration = Duration::from_millis(200);
/// How much of the end of a log is read for its last lines, in bytes.
const TAIL: u64 = 256 * 1024;

/// A log that is being shown.
struct Shown {
    label: String,
    log: LogFile,
    at: u64,
}

/// Shows the last `lines` lines of each log of `name`: a daemon, a role or a node; of all without one.
pub(crate) fn logs(line: &Line<'_>, name: Option<&str>, lines: usize) -> Result<(), Failure> {
    show(line, name, lines).map(drop)
}

/// The same, and goes on showing what is said.
pub(crate) fn follow(line: &Line<'_>, name: Option<&str>, lines: usize) -> Result<(), Failure> {
    let mut shown = show(line, name, lines)?;
    loop {
        for it in &mut shown {
            it.more()?;
        }
        std::thread::sleep(PAUSE);
    }
}

fn show(line: &Line<'_>, name: Option<&str>, lines: usize) -> Result<Vec<Shown>, Failure> {
    let all = mops_local::logs(line.place())
        .map_err(|err| Failure::io("read the logs in", &line.place().data, &err))?;
    let head = line.head()?;
    let (meant, others): (Vec<LogFile>, Vec<LogFile>) =
        all.into_iter().partition(|it| name.is_none_or(|name| is_meant(it, name, head.as_ref())));
    if meant.is_empty() {
        let mut known: Vec<String> =
            others.iter().flat_map(|it| [it.node.to_string(), it.name.clone()]).collect();
        known.sort();
        known.dedup();
        let failure = Failure::new(format!("there is no log of `{}`", name.unwrap_or("anything")));
        return Err(match known.is_empty() {
            true => failure,
            false => failure.help(format!("there are logs of {}", known.join(", "))),
        });
    }
    let mut shown: Vec<Shown> = meant.into_iter().map(Shown::new).collect();
    for it in &mut shown {
        it.tail(lines)?;
    }
    Ok(shown)
}

/// Whether `name` means this log: its daemon, its node, the node's group, or a role of the group.
fn is_meant(log: &LogFile, name: &str, head: Option<&Entry>) -> bool {
    let has_role = || {
        let node = head?
            .generation
            .graph
            .resources()
            .iter()
            .find(|it| it.address.kind == "local.node" && it.address.name == log.node)?;
        let mops_model::Value::List(roles) = node.inputs.get("roles")? else { return None };
        Some(roles.iter().any(|it| it.as_text() == Some(name)))
    };
    log.name == name || log.node.as_str() == name || has_role() == Some(true)
}

impl Shown {
    fn new(log: LogFile) -> Self {
        let label = styled(DIM, format!("{}/{} |", log.node, log.name));
        Self { label, log, at: 0 }
    }

    /// The last lines.
    fn tail(&mut self, lines: usize) -> Result<(), Failure> {
        let length = self.open()?.metadata().map_err(|err| self.failure(&err))?.len();
        self.at = length.saturating_sub(TAIL);
        let text = self.read()?;
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].iter().for_each(|it| self.print(it));
        Ok(())
    }

    /// What was said since.
    fn more(&mut self) -> Result<(), Failure> {
        let text = self.read()?;
        text.lines().for_each(|it| self.print(it));
        Ok(())
    }

    fn read(&mut self) -> Result<String, Failure> {
        let mut file = self.open()?;
        let length = file.metadata().map_err(|err| self.failure(&err))?.len();
        // A log that became shorter was begun anew.
        self.at = if length < self.at { 0 } else { self.at };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.at)).map_err(|err| self.failure(&err))?;
        file.read_to_end(&mut bytes).map_err(|err| self.failure(&err))?;
        // A line that is not finished is shown when it is.
        let whole = bytes.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
        self.at += whole as u64;
        Ok(String::from_utf8_lossy(&bytes[..whole]).into_owned())
    }

    fn open(&self) -> Result<File, Failure> {
        File::open(&self.log.path).map_err(|err| self.failure(&err))
    }

    fn print(&self, text: &str) {
        anstream::println!("{} {text}", self.label);
    }

    fn failure(&self, err: &std::io::Error) -> Failure {
        Failure::io("read", &self.log.path, err)
    }
}
