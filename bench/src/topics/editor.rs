//! `mops lsp` over stdio: how soon mistakes are told after a change, and completions after a question.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Outcome,
    language_client::Editor,
    measure::{Times, five, percentile_99, whole},
    place::Place,
    report::{Line, Plot, Report},
    shop::workspace,
};

/// How many lines the workspace has; the aims are said for five thousand.
const LINES: [u32; 4] = [1_000, 2_500, 5_000, 10_000];
const AIMED: u32 = 5_000;
const COMPLETION: Duration = Duration::from_millis(10);
const DIAGNOSTICS: Duration = Duration::from_millis(50);
/// How many completions one figure is the 99th percentile of.
const QUESTIONS: usize = 200;
/// What is typed at the end of the script: a call whose options are asked for.
const TYPED: &str = "varnish::cache(#{ ";

/// Measures each workspace.
///
/// # Errors
/// When the server does not answer.
pub(crate) fn measure(place: &Place) -> Outcome<Report> {
    let mut report = Report::default();
    let mut lines =
        ["diagnostics", "completion, p99"].map(|name| Line { name: name.to_owned(), points: Vec::new() });
    for count in LINES {
        let folder = tempfile::tempdir()?;
        let text = workspace(folder.path(), count as usize)?;
        let anew = whole(|| checked(&place.program, folder.path()))?;
        let mut editor = Editor::start(&place.program, folder.path())?;
        editor.open(&text)?;
        let told = diagnostics(&mut editor, &text)?;
        let completed = completions(&mut editor, &text)?;
        let row = report.row(format!("diagnostics, {count} lines"), told);
        row.against("mops check", anew);
        if count == AIMED {
            row.aim(DIAGNOSTICS);
        }
        let row = report.row(format!("completion, p99, {count} lines"), completed);
        row.against("mops check", anew);
        if count == AIMED {
            row.aim(COMPLETION);
        }
        for (line, times) in lines.iter_mut().zip([told, completed]) {
            line.points.push((f64::from(count), times.median));
        }
    }
    report.plot = Some(Plot { over: "lines", lines: lines.into() });
    Ok(report)
}

/// The program from anew.
fn checked(program: &Path, folder: &Path) -> Outcome<()> {
    let status = Command::new(program)
        .args(["check", "shop.rhai"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err("mops check finds mistakes in a script without any".into()),
    }
}

/// From a change of one line to what is wrong with it.
fn diagnostics(editor: &mut Editor, text: &str) -> Outcome<Times> {
    let last = text.lines().count();
    let mut round = 0;
    five(|| {
        round += 1;
        let began = Instant::now();
        editor.change(last, &format!("role(\"app\", #{{ mni: {round} }});"))?;
        let told = editor.diagnostics()?;
        let took = began.elapsed();
        match told.as_array().map(Vec::len) {
            Some(1) => Ok(took),
            Some(_) | None => Err(format!("one mistake was to be told, and it was {told}").into()),
        }
    })
}

/// Completions of the options of a call that is being typed.
fn completions(editor: &mut Editor, text: &str) -> Outcome<Times> {
    let last = text.lines().count();
    editor.change(last, TYPED)?;
    editor.diagnostics()?;
    let place = json!({ "line": last, "character": TYPED.len() });
    percentile_99(QUESTIONS, || match editor.completion(&place)?.as_array() {
        Some(items) if !items.is_empty() => Ok(()),
        Some(_) | None => Err("no option is offered for varnish::cache".into()),
    })
}
