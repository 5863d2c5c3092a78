//! How a script came to a call that is wrong: through which functions, and with which values.
//!
//! Rhai knows the functions that are running only while a debugger watches, and then copies what each call is given: a
//! list that grows would take time by its square. So a script runs without one; where a mistake was found inside a
//! function, it runs once more, watched, and short scripts only. Scripts are pure: the second run finds the same.

use std::{collections::BTreeMap, sync::Arc};

use mops_model::Diagnostic;
use rhai::{AST, Dynamic, Engine, NativeCallContext, Position, debugger::DebuggerCommand};

use crate::{
    Evaluated, Wrong,
    given::Given,
    library, plain,
    run::{Run, State},
};

/// The most steps of a script that is watched.
const STEPS: u64 = 50_000;
/// The most calls that are shown for a mistake.
const SHOWN: usize = 4;
/// The longest value that is shown, in bytes.
const LONGEST: usize = 40;

/// Whether the functions that are running are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Watch {
    /// They are not.
    #[default]
    Off,
    /// They are.
    On,
}

/// The names of the arguments of a script's functions, by file, name and number of arguments.
pub(crate) type Signatures = BTreeMap<(String, String, usize), Vec<String>>;

/// One call of a script's function.
pub(crate) struct Step {
    /// The file that calls.
    path: String,
    at: Position,
    /// What it is given: `country = "pl"`.
    given: String,
}

/// `first`, with the way to each mistake that `again`, the same evaluation watched, knows.
pub(crate) fn with_chains(
    first: Result<Evaluated, Wrong>,
    again: impl FnOnce() -> Result<Evaluated, Wrong>,
) -> Result<Evaluated, Wrong> {
    let mut first = match first {
        Ok(right) => return Ok(right),
        Err(wrong) => wrong,
    };
    let key = |it: &Diagnostic| (it.code.clone(), it.message.clone(), it.labels.first().cloned());
    if let Err(watched) = again()
        && first.diagnostics.iter().map(key).eq(watched.diagnostics.iter().map(key))
    {
        first.diagnostics = watched.diagnostics;
    }
    Err(first)
}

/// Has `engine` note which functions are running.
pub(crate) fn watch(engine: &mut Engine) {
    engine.set_max_operations(STEPS);
    #[expect(deprecated, reason = "Rhai marks what may change as deprecated; the version is pinned")]
    engine.register_debugger(|_, debugger| debugger, |_, _, _, _, _| Ok(DebuggerCommand::Continue));
}

/// The names of the arguments of every function in `trees`.
pub(crate) fn signatures(trees: &BTreeMap<String, AST>) -> Signatures {
    let of = |(path, tree): (&String, &AST)| {
        let path = path.clone();
        let functions = tree.iter_functions().map(move |it| {
            let names: Vec<String> = it.params.iter().map(ToString::to_string).collect();
            ((path.clone(), it.name.to_owned(), names.len()), names)
        });
        functions.collect::<Vec<_>>()
    };
    trees.iter().flat_map(of).collect()
}

/// The calls that led to the one of `context`, the innermost first.
pub(crate) fn chain(run: &Run, state: &State, context: &NativeCallContext<'_>) -> Vec<Step> {
    if run.watch == Watch::Off {
        return Vec::new();
    }
    let mut path = run.script.clone();
    let mut steps = Vec::new();
    for frame in context.global_runtime_state().debugger().call_stack() {
        let callee = frame.source.as_ref().map_or_else(|| run.script.clone(), ToString::to_string);
        let key = (callee.clone(), frame.fn_name.to_string(), frame.args.len());
        let Some(names) = state.signatures.get(&key) else { continue };
        let given = names.iter().zip(&frame.args).map(|(name, it)| format!("{name} = {}", shown(it)));
        steps.push(Step { path, at: frame.pos, given: given.collect::<Vec<_>>().join(", ") });
        path = callee;
    }
    steps.reverse();
    steps
}

impl State {
    /// Shows `steps` with each mistake that was found since there were `before`.
    pub(crate) fn show_chain(&mut self, before: usize, steps: &[Step]) {
        let labels: Vec<_> = steps
            .iter()
            .map(|it| (self.at(self.source(Some(&it.path)), it.at), it))
            .filter(|(span, _)| !library::holds(&self.texts, span.source))
            .map(|(span, it)| match it.given.is_empty() {
                true => (span, "called from here".to_owned()),
                false => (span, format!("called with {}", it.given)),
            })
            .take(SHOWN)
            .collect();
        self.findings.show(before, &labels);
    }
}

fn shown(value: &Dynamic) -> String {
    let mut given = Given::default();
    let plain = plain::plain(value, "", &mut given);
    let is_known = given.unknown.is_empty() && plain.texts().iter().all(|it| it.as_literal().is_some());
    match serde_json::to_string(&plain) {
        Ok(text) if is_known && text.len() <= LONGEST => text,
        Ok(_) | Err(_) => "…".to_owned(),
    }
}

/// `run` once more, from the beginning and watched.
pub(crate) fn watched(run: &Run) -> Arc<Run> {
    Arc::new(Run {
        table: run.table.clone(),
        catalog: run.catalog.clone(),
        parameters: run.parameters.clone(),
        environment: run.environment.clone(),
        reader: run.reader.clone(),
        folder: run.folder.clone(),
        script: run.script.clone(),
        watch: Watch::On,
        placing: crate::marks::Placing::default(),
        state: std::sync::Mutex::default(),
    })
}
