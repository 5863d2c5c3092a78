//! `mops repl`: declare a site line by line, ask what a script would do; nothing is ever applied.

use std::{
    io::{self, BufRead, IsTerminal},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mops_eval::{Folder, Session};

use crate::{
    failure::Failure,
    line::catalog,
    outside::Outside,
    plugins::Plugins,
    project::Project,
    repl::{Repl, Reply, line_editor, line_editor::Read},
    show::diagnostic::say,
};

/// Reads inputs until there are no more; returns what the program ends with. `path` is the script to begin with, in the
/// folder of `project`.
pub(crate) async fn repl(
    project: &Project,
    outside: &Outside,
    path: Option<&Path>,
    parameters: &[(String, String)],
) -> Result<u8, Failure> {
    let file = path.map(name_of).transpose()?;
    let cache = project.root.join(".mops").join("cache.json");
    let folder = Folder::open(&project.root, &cache).map_err(|err| Failure::io("read", &cache, &err))?;
    let folder = Arc::new(folder);
    let mut given = project.parameters.clone();
    given.extend(parameters.iter().cloned());
    // Those of a script come with it.
    let Plugins { registry, .. } = Plugins::of_project(project).or_told(say)?;
    let catalog = catalog();
    let world = mops_eval::World {
        manifests: registry.manifests().collect(),
        catalog: &catalog,
        parameters: given.clone(),
        environment: project.environment.name.clone(),
    };
    let session = Arc::new(Mutex::new(Session::new(&world, folder.clone())));
    let registry = Mutex::new(Arc::new(registry));
    let repl = Repl { project, outside, folder, catalog, parameters: given, registry, session };
    let loaded = match file {
        Some(file) => repl.load(file),
        None => Reply::Done,
    };
    match io::stdin().is_terminal() {
        true => on_terminal(&repl).await,
        false => on_pipe(&repl, loaded).await,
    }
}

fn name_of(path: &Path) -> Result<&str, Failure> {
    path.file_name()
        .and_then(|it| it.to_str())
        .ok_or_else(|| Failure::new(format!("{} is no script", path.display())))
}

/// A person writes: mistakes are told, and nothing else comes of them.
async fn on_terminal(repl: &Repl<'_>) -> Result<u8, Failure> {
    let interrupt = get(&repl.session).interrupt();
    let listening = tokio::spawn(async move {
        // At the prompt Ctrl-C is a key; while something is evaluated it is a signal.
        while tokio::signal::ctrl_c().await.is_ok() {
            interrupt.request();
        }
    });
    let mut editor = line_editor::LineEditor::new(&repl.session, repl.outside.history());
    anstream::println!("mops {}: :help says what can be asked, Ctrl-D leaves.", env!("CARGO_PKG_VERSION"));
    loop {
        match editor.read().map_err(|err| Failure::new(format!("cannot read from the terminal: {err}")))? {
            Read::Input(input) => match repl.take_last(&input).await {
                Reply::Leave => break,
                Reply::Done | Reply::Wrong | Reply::More => (),
            },
            Read::Cancelled => (),
            Read::Over => break,
        }
    }
    listening.abort();
    Ok(0)
}

/// Inputs come from a pipe: results go to stdout, and 1 says that one of them was wrong.
async fn on_pipe(repl: &Repl<'_>, loaded: Reply) -> Result<u8, Failure> {
    let mut has_failed = loaded == Reply::Wrong;
    let mut input = String::new();
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|err| Failure::new(format!("cannot read the input: {err}")))?;
        input.push_str(&line);
        match repl.take(&input).await {
            Reply::More => {
                input.push('\n');
                continue;
            }
            Reply::Wrong => has_failed = true,
            Reply::Leave => return Ok(u8::from(has_failed)),
            Reply::Done => (),
        }
        input.clear();
    }
    has_failed |= !input.is_empty() && repl.take_last(&input).await == Reply::Wrong;
    Ok(u8::from(has_failed))
}

/// The session, for a moment.
pub(crate) fn get(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    // A panic while it was held is a bug that ends the program.
    session.lock().unwrap_or_else(PoisonError::into_inner)
}
