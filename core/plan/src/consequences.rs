//! Compares what a node runs with what it shall run.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{Artifact, Closure, Daemon, Loses, Name, OnChange, Reload, Value};

use crate::{Closures, Consequence, Effect, Shown, Subject};

/// The input of a node that says what apply learned.
const BINDINGS: &str = "bindings";

type Inputs = BTreeMap<String, Value>;

/// What starts on a node that is made.
pub(crate) fn of_create(new: Option<&Closure>) -> Vec<Consequence> {
    all(new, Effect::Start, |_| Loses::Nothing)
}

/// What stops on a node that goes.
pub(crate) fn of_delete(old: Option<&Closure>) -> Vec<Consequence> {
    all(old, Effect::Stop, |it| it.restart_loses)
}

/// What stops on a node whose group goes on without it: the others take over.
pub(crate) fn of_retirement(old: Option<&Closure>) -> Vec<Consequence> {
    all(old, Effect::Stop, |_| Loses::Nothing)
}

/// What restarts on a node that is made anew.
pub(crate) fn of_replace(old: Option<&Closure>, new: Option<&Closure>) -> Vec<Consequence> {
    let lost =
        |name: &Name| old.and_then(|it| it.daemons.get(name)).map_or(Loses::Nothing, |it| it.restart_loses);
    let mut found = all(new, Effect::Restart, |it| it.restart_loses);
    for it in &mut found {
        if let Subject::Daemon(name) = &it.subject {
            it.loses = lost(name);
        }
    }
    let new_daemons: BTreeSet<_> = new.iter().flat_map(|it| it.daemons.keys()).collect();
    let stopped = of_delete(old).into_iter();
    found.extend(
        stopped.filter(|it| !matches!(&it.subject, Subject::Daemon(name) if new_daemons.contains(name))),
    );
    found
}

/// What changes on a node that stays. `wanted` is what is known of the new inputs.
pub(crate) fn of_update(
    old: &Inputs,
    wanted: &BTreeMap<String, Shown>,
    closures: &Closures,
) -> Vec<Consequence> {
    let known = |name: &str| match wanted.get(name) {
        Some(Shown::Known(value)) => Some(value),
        Some(Shown::Unknown | Shown::Hidden) | None => None,
    };
    let new_inputs: Inputs =
        known("closure").map(|it| ("closure".to_owned(), it.clone())).into_iter().collect();
    let old_closure = closures.named_by(old);
    let new_closure = closures.named_by(&new_inputs);
    let mut found = match (old_closure, new_closure) {
        (Some(old), Some(new)) => between(old, new),
        (None, new) => of_create(new),
        (Some(_), None) => Vec::new(),
    };
    if let Some(running) = new_closure.or(old_closure)
        && wanted.contains_key(BINDINGS)
        && known(BINDINGS) != old.get(BINDINGS)
    {
        of_bindings(old.get(BINDINGS), known(BINDINGS), running, &mut found);
    }
    found.sort();
    found
}

/// One consequence for each daemon of a closure.
fn all(closure: Option<&Closure>, effect: Effect, loses: impl Fn(&Daemon) -> Loses) -> Vec<Consequence> {
    let daemons = closure.into_iter().flat_map(|it| &it.daemons);
    daemons
        .map(|(name, daemon)| Consequence {
            subject: Subject::Daemon(name.clone()),
            effect,
            loses: loses(daemon),
        })
        .collect()
}

/// What becomes of each daemon and tree when a node goes from one closure to another.
fn between(old: &Closure, new: &Closure) -> Vec<Consequence> {
    let mut found = Vec::new();
    for (name, daemon) in &new.daemons {
        let became = match old.daemons.get(name) {
            None => Some((Effect::Start, Loses::Nothing)),
            Some(was) if must_restart(was, daemon) => Some((Effect::Restart, was.restart_loses)),
            Some(was) => by_files(old, new, name).and_then(|it| by_on_change(it, was, daemon)),
        };
        let subject = Subject::Daemon(name.clone());
        found.extend(became.map(|(effect, loses)| Consequence { subject, effect, loses }));
    }
    for (name, daemon) in old.daemons.iter().filter(|(name, _)| !new.daemons.contains_key(*name)) {
        let subject = Subject::Daemon(name.clone());
        found.push(Consequence { subject, effect: Effect::Stop, loses: daemon.restart_loses });
    }
    for (name, _) in new.trees.iter().filter(|(name, tree)| old.trees.get(*name) != Some(tree)) {
        let subject = Subject::Tree(name.clone());
        found.push(Consequence { subject, effect: Effect::SwitchFiles, loses: Loses::Nothing });
    }
    found
}

fn must_restart(old: &Daemon, new: &Daemon) -> bool {
    old.command != new.command || old.environment != new.environment || old.listens != new.listens
}

/// The most that a changed file of the daemon asks for.
fn by_files(old: &Closure, new: &Closure, daemon: &Name) -> Option<OnChange> {
    let files = |closure: &Closure| -> BTreeMap<String, Artifact> {
        closure
            .files
            .iter()
            .filter(|(_, it)| it.daemon == *daemon)
            .map(|(path, it)| (path.clone(), it.clone()))
            .collect()
    };
    let (old, new) = (files(old), files(new));
    let differs = |path: &&String| {
        let look = |it: &Artifact| (it.text, it.executable);
        old.get(*path).map(look) != new.get(*path).map(look)
    };
    let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let asked = |path: &String| new.get(path).or_else(|| old.get(path)).map(|it| it.on_change);
    paths.into_iter().filter(differs).filter_map(asked).max()
}

fn by_on_change(on_change: OnChange, old: &Daemon, new: &Daemon) -> Option<(Effect, Loses)> {
    let restart = Some((Effect::Restart, old.restart_loses));
    match (on_change, &new.reload) {
        (OnChange::None, _) => Some((Effect::SwitchFiles, Loses::Nothing)),
        (OnChange::Reload, Reload::Signal(_) | Reload::Commands { .. }) => {
            Some((Effect::Reload, Loses::Nothing))
        }
        (OnChange::Reload, Reload::Restart) | (OnChange::Restart, _) => restart,
    }
}

/// What new bindings do: a daemon that shall listen elsewhere restarts; for the rest, files are filled anew.
fn of_bindings(old: Option<&Value>, new: Option<&Value>, running: &Closure, found: &mut Vec<Consequence>) {
    found.push(Consequence { subject: Subject::Files, effect: Effect::Refill, loses: Loses::Nothing });
    let here =
        |bindings: Option<&Value>| bindings.and_then(|it| it.as_record()?.get("here")?.as_record().cloned());
    let (Some(old), Some(new)) = (here(old), here(new)) else { return };
    let changed: Vec<_> =
        old.iter().filter(|(fact, value)| new.get(*fact) != Some(value)).map(|it| it.0).collect();
    for (name, daemon) in &running.daemons {
        let own = format!("port.{name}.");
        let moves = changed.iter().any(|it| *it == "address" || it.starts_with(&own));
        let subject = Subject::Daemon(name.clone());
        let is_said = found.iter().any(|it| it.subject == subject && it.effect > Effect::Reload);
        if moves && !is_said {
            found.retain(|it| it.subject != subject);
            found.push(Consequence { subject, effect: Effect::Restart, loses: daemon.restart_loses });
        }
    }
}
