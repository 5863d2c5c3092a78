//! The program `mops`: wires the stages together and decides how things look.
//!
//! **Invariant:** results go to stdout, everything else to stderr. The exit code is 0 when it is done, 1 when the script
//! or the world said no, 2 for a bad command line (and for pending changes under `--detailed-exitcode`), 3 when someone
//! else moved the head, 130 or 143 when it was cancelled, 255 when mops has a bug.

mod args;
mod ask;
mod command;
mod failure;
mod line;
mod outside;
mod plugins;
mod ports;
mod project;
mod repl;
mod scaffold;
mod secrets;
mod show;

use std::{
    panic,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};

use args::{Arguments, Color, Command, Plugin};
use command::{
    destroy::{History, destroy},
    docs::docs,
    explain::explain,
    fmt::{Change, fmt},
    generations::generations,
    logs,
    lsp::lsp,
    plugin,
    repl::repl,
    rollback::rollback,
    script::{ExitCodes, Form, Script},
    status::status,
};
use failure::Failure;
use line::{Consent, Line};
use outside::Outside;
use project::Project;

/// What the program ends with when it has a bug.
const BUG: u8 = 255;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.command {
        Command::Acme { config, folder } => return mops_acme::acme_main(config, folder, Outside::clock),
        Command::Daemon => return mops_node::daemon_main(),
        Command::Supervise => return mops_local::supervise_main(),
        Command::PluginProcess => return mops_load::plugin_main(),
        _ => (),
    }
    anstream::ColorChoice::write_global(match arguments.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    });
    panic::set_hook(Box::new(|bug| match unprinted(bug.payload()) {
        Some(why) => anstream::eprintln!("error: {why}"),
        None => anstream::eprintln!(
            "error: mops has a bug: {bug}\nhelp: report it with the command and the script; nothing that was recorded is lost"
        ),
    }));
    match panic::catch_unwind(|| run(&arguments)) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(failure)) => {
            if let Some(said) = failure.to_say() {
                anstream::eprintln!("{said}");
            }
            ExitCode::from(failure.exit_code())
        }
        Err(bug) if unprinted(&*bug).is_some() => ExitCode::from(Failure::REFUSED),
        Err(_) => ExitCode::from(BUG),
    }
}

/// What the standard library says when it panics because stdout is full or gone: that is no bug.
fn unprinted(panic: &(dyn std::any::Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<String>().map(String::as_str)?;
    text.starts_with("failed printing to").then_some(text)
}

#[tokio::main]
async fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let outside = Outside::read();
    let here = arguments.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let project = |folder: &Path| {
        let project = Project::open(folder, &arguments.env, outside.shelf()?)?;
        Ok::<_, Failure>(project.for_site(arguments.site.clone()))
    };
    match &arguments.command {
        Command::Script { script, yes, allow_delete } => {
            let project = project(&folder_of(&here, &script.path))?;
            Script::open(&project, script)?.apply(&outside, consent(*yes), allow_delete).await?;
        }
        Command::Check { script } => {
            let project = project(&folder_of(&here, &script.path))?;
            Script::open(&project, script)?.check()?;
        }
        Command::Plan { script, json, detailed_exitcode } => {
            let project = project(&folder_of(&here, &script.path))?;
            let form = if *json { Form::Json } else { Form::Screen };
            let codes = if *detailed_exitcode { ExitCodes::Detailed } else { ExitCodes::Plain };
            return Script::open(&project, script)?.plan(&outside, form, codes).await;
        }
        Command::Repl { path, parameters } => {
            let project = project(&path.as_ref().map_or_else(|| here.clone(), |it| folder_of(&here, it)))?;
            return repl(&project, &outside, path.as_deref(), parameters).await;
        }
        Command::Status { json } => {
            let project = project(&here)?;
            return status(&open(&project, &outside)?, if *json { Form::Json } else { Form::Screen });
        }
        Command::Logs { name, follow, lines } => {
            let project = project(&here)?;
            let line = open(&project, &outside)?;
            match follow {
                true => logs::follow(&line, name.as_deref(), *lines)?,
                false => logs::logs(&line, name.as_deref(), *lines)?,
            }
        }
        Command::Generations => {
            let project = project(&here)?;
            generations(&open(&project, &outside)?)?;
        }
        Command::Rollback { number, yes } => {
            let project = project(&here)?;
            rollback(&open(&project, &outside)?, *number, consent(*yes)).await?;
        }
        Command::Destroy { yes, purge } => {
            let project = project(&here)?;
            let history = if *purge { History::Purged } else { History::Kept };
            destroy(&open(&project, &outside)?, consent(*yes), history).await?;
        }
        Command::Graph { script, format, out } => {
            let project = project(&folder_of(&here, &script.path))?;
            let out = out.as_ref().map(|it| here.join(it));
            Script::open(&project, script)?.graph(*format, out.as_deref())?;
        }
        Command::Explain { words, why: None, parameters: _ } => {
            let (words, script) = named_script(words);
            let folder = script.map_or_else(|| here.clone(), |it| folder_of(&here, it));
            explain(&project(&folder)?, &words, script)?;
        }
        Command::Explain { words, why: Some(option), parameters } => {
            let [path] = words.as_slice() else {
                return Err(Failure::new("--why is about one script")
                    .help(format!("write mops explain --why {option} shop.rhai")));
            };
            let script = args::Script { path: PathBuf::from(path), parameters: parameters.clone() };
            let project = project(&folder_of(&here, &script.path))?;
            Script::open(&project, &script)?.why(option)?;
        }
        Command::Docs { out, path } => {
            let folder = path.as_ref().map_or_else(|| here.clone(), |it| folder_of(&here, it));
            docs(&project(&folder)?, &here.join(out), path.as_deref())?;
        }
        Command::Plugin { command } => match command {
            Plugin::New { name, sdk } => plugin::new(&here, name, sdk.as_deref())?,
            Plugin::List => plugin::list(&project(&here)?)?,
            Plugin::Lock => plugin::lock(&project(&here)?)?,
        },
        Command::Fmt { files, check } => {
            fmt(&here, files, if *check { Change::Named } else { Change::Written })?;
        }
        Command::Lsp => lsp(&project(&here)?, outside.pages())?,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Arguments::command(), "mops", &mut std::io::stdout());
        }
        Command::Acme { .. } | Command::Supervise | Command::Daemon | Command::PluginProcess => {
            unreachable!("they have been taken care of")
        }
    }
    Ok(0)
}

/// The site that a command without a script means.
fn open<'a>(project: &'a Project, outside: &Outside) -> Result<Line<'a>, Failure> {
    Line::open(project, project.only_site()?, outside)
}

/// What is to be explained, and the script among it: no name ends like one.
fn named_script(words: &[String]) -> (Vec<&str>, Option<&Path>) {
    match words.split_last() {
        Some((last, rest)) if Path::new(last).extension().is_some_and(|it| it == "rhai") => {
            (rest.iter().map(String::as_str).collect(), Some(Path::new(last)))
        }
        Some(_) | None => (words.iter().map(String::as_str).collect(), None),
    }
}

/// The folder of a script.
fn folder_of(here: &Path, script: &Path) -> PathBuf {
    match script.parent() {
        Some(parent) => here.join(parent),
        None => here.to_owned(),
    }
}

fn consent(yes: bool) -> Consent {
    if yes { Consent::Given } else { Consent::Asked }
}
