//! A plan on a screen: the verdict first, then what changes, the worst first, then the counts.

use std::{cmp::Reverse, collections::BTreeMap};

use mops_model::{Closure, Digest, Loses, Text, Value};
use mops_plan::{Action, Change, Closures, Effect, Forces, Plan, Shown};

use super::{BOLD, DIM, GREEN, RED, YELLOW, diff, styled};

/// What a plan is shown with.
pub(crate) struct View<'a> {
    /// The closures that changes name.
    pub(crate) closures: &'a Closures,
    /// The texts of rendered files, by digest.
    pub(crate) texts: &'a dyn Fn(&Digest) -> Option<Text>,
    /// Where each file and daemon was asked for.
    pub(crate) origins: &'a BTreeMap<String, String>,
}

/// Changes of one kind that differ only in name are folded from this many on.
const FOLD: usize = 3;
/// The widest column of addresses.
const WIDTH: usize = 44;

/// The plan as text, without the line that says where it is.
pub(crate) fn plan(plan: &Plan, view: &View<'_>) -> String {
    if plan.is_empty() && plan.kept.is_empty() && plan.refused.is_empty() {
        return plan.counts().to_string();
    }
    let mut lines = Vec::new();
    let mut folded: BTreeMap<(char, &str), Vec<&Change>> = BTreeMap::new();
    let mut shown: Vec<&Change> = Vec::new();
    for change in &plan.changes {
        match is_plain(change) {
            true => folded.entry((change.action.sign(), &change.address.kind)).or_default().push(change),
            false => shown.push(change),
        }
    }
    shown.sort_by_key(|it| Reverse(worst(it)));
    let mut told: Vec<Vec<String>> = Vec::new();
    for change in shown {
        let detail = detail(change, view);
        lines.push(head(change));
        match told.contains(&detail) && !detail.is_empty() {
            true => lines.push(format!("      {}", styled(DIM, "like the one above"))),
            false => lines.extend(detail.clone()),
        }
        told.push(detail);
    }
    for ((_, kind), changes) in folded {
        match changes.len() < FOLD {
            true => lines.extend(changes.iter().map(|it| head(it))),
            false => lines.push(fold(kind, &changes)),
        }
    }
    for address in &plan.kept {
        lines.push(format!(
            "  {} {address}  {}",
            styled(DIM, "="),
            styled(DIM, "kept: it holds data or is protected")
        ));
    }
    for refusal in &plan.refused {
        lines.push(format!("  {} {}  {}", styled(RED, "!"), refusal.address, refusal.why));
        lines.push(format!("      help: {}", refusal.help));
    }
    lines.push(String::new());
    lines.push(plan.counts().to_string());
    lines.join("\n")
}

/// Whether a change is told by its address alone.
fn is_plain(change: &Change) -> bool {
    matches!(change.action, Action::Create | Action::Delete) && change.consequences.is_empty()
}

fn worst(change: &Change) -> Loses {
    change.consequences.iter().map(|it| it.loses).max().unwrap_or_default()
}

fn head(change: &Change) -> String {
    let address = format!("{:<WIDTH$}", change.address.to_string());
    let place = match change.origin.place.as_str() {
        "" => String::new(),
        place => styled(DIM, place),
    };
    let moved = match &change.action {
        Action::Move { from } => format!("{from} "),
        Action::Create | Action::Update | Action::Replace | Action::Delete => String::new(),
    };
    format!("  {moved}{} {address}  {place}", sign(&change.action)).trim_end().to_owned()
}

fn fold(kind: &str, changes: &[&Change]) -> String {
    let names: Vec<&str> = changes.iter().map(|it| it.address.name.as_str()).collect();
    let list = match names.len() > 4 {
        true => format!("{}, … {}", names[..2].join(", "), names[names.len() - 1]),
        false => names.join(", "),
    };
    format!(
        "  {} {:<WIDTH$}  {}",
        sign(&changes[0].action),
        format!("{kind} × {}", changes.len()),
        styled(DIM, list)
    )
}

fn sign(action: &Action) -> String {
    let style = match action {
        Action::Create => GREEN,
        Action::Update | Action::Move { .. } => YELLOW,
        Action::Replace | Action::Delete => RED,
    };
    styled(style, action)
}

fn detail(change: &Change, view: &View<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(consequences(change).into_iter().map(|it| format!("      {}", styled(BOLD, it))));
    for reason in &change.reasons {
        lines.push(format!("      {reason}"));
    }
    if change.action == Action::Update || change.action == Action::Replace {
        for attribute in &change.attributes {
            let closures = (closure(attribute.old.as_ref(), view), closure(attribute.new.as_ref(), view));
            match closures {
                (Some(old), Some(new)) => lines.extend(files(old, new, view)),
                _ => lines.extend(values(
                    &attribute.name,
                    attribute.old.as_ref(),
                    attribute.new.as_ref(),
                    attribute.forces,
                )),
            }
        }
    }
    lines
}

/// One line for each effect: `starts edge-nginx, varnish`.
fn consequences(change: &Change) -> Vec<String> {
    let mut alike: BTreeMap<(Reverse<Loses>, Effect), Vec<String>> = BTreeMap::new();
    for it in &change.consequences {
        alike.entry((Reverse(it.loses), it.effect)).or_default().push(it.subject.to_string());
    }
    let line = |((Reverse(loses), effect), subjects): ((Reverse<Loses>, Effect), Vec<String>)| {
        let loses = match loses {
            Loses::Nothing => "",
            Loses::Cache => " — cold cache",
            Loses::Requests => " — requests under way are lost",
            Loses::Sessions => " — sessions are lost",
        };
        format!("{}{loses}", done(effect, &subjects.join(", ")))
    };
    alike.into_iter().map(line).collect()
}

/// What a node does to some of its daemons or files.
fn done(effect: Effect, subjects: &str) -> String {
    match effect {
        Effect::Start => format!("starts {subjects}"),
        Effect::Stop => format!("stops {subjects}"),
        Effect::Reload => format!("reloads {subjects}"),
        Effect::Restart => format!("restarts {subjects}"),
        Effect::SwitchFiles => format!("switches to the new files of {subjects}"),
        Effect::Refill => "fills its files anew".to_owned(),
    }
}

fn closure<'a>(value: Option<&Shown>, view: &View<'a>) -> Option<&'a Closure> {
    match value? {
        Shown::Known(value) => view.closures.0.get(&value.as_text()?.parse().ok()?),
        Shown::Unknown | Shown::Hidden => None,
    }
}

/// What differs between the files of two closures.
fn files(old: &Closure, new: &Closure, view: &View<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut paths: Vec<&String> = old.files.keys().chain(new.files.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let text = |closure: &Closure| {
            closure.files.get(path).and_then(|it| (view.texts)(&it.text)).map(|it| it.to_string())
        };
        let (before, after) = (text(old), text(new));
        if before == after {
            continue;
        }
        let place = view.origins.get(path).filter(|it| !it.is_empty());
        let place = place.map(|it| styled(DIM, format!("  {it}"))).unwrap_or_default();
        match (before, after) {
            (Some(before), Some(after)) => {
                lines.push(format!("      {path}{place}"));
                lines.extend(diff::lines(&before, &after, "        "));
            }
            (None, Some(_)) => lines.push(format!("      {} {path}{place}", styled(GREEN, '+'))),
            (_, None) => lines.push(format!("      {} {path}", styled(RED, '-'))),
        }
    }
    for (name, daemon) in &new.daemons {
        let Some(before) = old.daemons.get(name).filter(|it| it.command != daemon.command) else { continue };
        let place = view.origins.get(name.as_str()).filter(|it| !it.is_empty());
        let place = place.map(|it| styled(DIM, format!("  {it}"))).unwrap_or_default();
        lines.push(format!("      command of {name}{place}"));
        lines.extend(words(&before.command, &daemon.command).into_iter().map(|it| format!("        {it}")));
    }
    lines
}

/// What differs between two commands, word by word.
fn words(old: &[Text], new: &[Text]) -> Vec<String> {
    let words = |command: &[Text]| command.iter().map(Text::to_string).collect::<Vec<_>>();
    let (old, new) = (words(old), words(new));
    let gone = old.iter().filter(|it| !new.contains(it)).map(|it| styled(RED, format!("- {it}")));
    let added = new.iter().filter(|it| !old.contains(it)).map(|it| styled(GREEN, format!("+ {it}")));
    gone.chain(added).collect()
}

/// What differs between two values, key by key.
fn values(name: &str, old: Option<&Shown>, new: Option<&Shown>, forces: Forces) -> Vec<String> {
    if matches!((old, new), (_, Some(Shown::Unknown)) | (Some(Shown::Unknown), _)) {
        return vec![format!("      {name}: known after apply")];
    }
    let (before, after) = (flat(name, old), flat(name, new));
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let consequence = match forces {
        Forces::Update => String::new(),
        Forces::Replacement => styled(RED, "  forces replacement"),
    };
    let said = |it: Option<&String>| it.cloned().unwrap_or_else(|| "nothing".to_owned());
    let differs = keys.into_iter().filter(|it| before.get(*it) != after.get(*it));
    differs
        .map(|key| format!("      {key}: {} → {}{consequence}", said(before.get(key)), said(after.get(key))))
        .collect()
}

fn flat(name: &str, value: Option<&Shown>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    match value {
        None => (),
        Some(Shown::Known(value)) => flatten(name, value, &mut found),
        Some(Shown::Unknown) => drop(found.insert(name.to_owned(), "known after apply".to_owned())),
        Some(Shown::Hidden) => drop(found.insert(name.to_owned(), "(hidden)".to_owned())),
    }
    found
}

fn flatten(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let shown = match value {
        Value::Record(record) => {
            for (key, it) in record {
                flatten(&format!("{path}.{key}"), it, found);
            }
            return;
        }
        Value::List(list) => {
            for (i, it) in list.iter().enumerate() {
                flatten(&format!("{path}[{i}]"), it, found);
            }
            return;
        }
        Value::Text(text) => short(&text.to_string()),
        Value::Bool(it) => it.to_string(),
        Value::Int(it) => it.to_string(),
        Value::Input(it) => format!("{} ({})", it.path, it.digest.short()),
    };
    found.insert(path.to_owned(), shown);
}

/// A digest by its first digits.
fn short(text: &str) -> String {
    match text.parse::<Digest>() {
        Ok(digest) => digest.short(),
        Err(_) => text.to_owned(),
    }
}
