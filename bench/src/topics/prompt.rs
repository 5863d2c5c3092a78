//! `mops repl` from its start until it has answered an input, through a pipe.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Outcome, measure::five, place::Place, report::Report};

const AIM: Duration = Duration::from_millis(50);

/// Measures the prompt alone, and one that begins with a script, against a shell that answers the same.
///
/// # Errors
/// When one of them does not answer.
pub(crate) fn measure(place: &Place) -> Outcome<Report> {
    let shell = five(|| answers(Path::new("/bin/sh"), &[], &place.scripts, "echo $((40 + 2))"))?;
    let alone = five(|| answers(&place.program, &["repl"], &place.scripts, "40 + 2"))?;
    let shop = five(|| answers(&place.program, &["repl", "shop.rhai"], &place.scripts, "40 + 2"))?;
    let mut report = Report::default();
    report.row("sh", shell);
    report.row("mops repl", alone).against("sh", shell).aim(AIM);
    report.row("mops repl shop.rhai", shop).against("sh", shell).aim(AIM);
    Ok(report)
}

/// How long `program` takes to answer `input`, which comes to 42.
fn answers(program: &Path, arguments: &[&str], folder: &Path, input: &str) -> Outcome<Duration> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("its stdin is missing")?;
    let stdout = child.stdout.take().ok_or("its stdout is missing")?;
    writeln!(stdin, "{input}")?;
    stdin.flush()?;
    let mut lines = BufReader::new(stdout).lines();
    let answered = loop {
        match lines.next().transpose()? {
            Some(line) if line.trim() == "42" => break began.elapsed(),
            Some(_) => (),
            None => return Err(format!("{} did not answer", program.display()).into()),
        }
    };
    drop(stdin);
    child.wait()?;
    Ok(answered)
}
