//! The engine: what the language offers, its limits, the functions of mops.
//!
//! **Invariant:** a script reads no clock, sleeps never, and is bounded by a count of operations, so that the same
//! script ends the same way on every machine. Wall time is only a net.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use mops_model::Diagnostic;
use rhai::{
    Dynamic, Engine, EvalAltResult, FuncRegistration, Module, NativeCallContext, OptimizationLevel, Position,
    RhaiFunc, Shared,
    packages::{
        BasicArrayPackage, BasicMapPackage, BasicMathPackage, BitFieldPackage, CorePackage, LogicPackage,
        MoreStringPackage, Package,
    },
};

use crate::{
    check::Stubs,
    handle::{self, Handle, Raised},
    marks,
    run::Run,
};

/// Operations that a script may take: a shop takes thousands.
const OPERATIONS: u64 = 10_000_000;
/// Seconds after which a script is ended, whatever it counts.
const DEADLINE: Duration = Duration::from_secs(30);
/// Elements of a list or map, those of nested ones included.
const ELEMENTS: usize = 1_000_000;

/// An engine with everything but the functions of plugins, whose modules are there by name only.
pub(crate) fn engine(run: &Arc<Run>) -> Engine {
    let mut engine = Engine::new_raw();
    CorePackage::new().register_into_engine(&mut engine);
    BitFieldPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_strict_variables(true);
    engine.disable_symbol("eval");
    // Without them text is compared by our function, which knows values that are known later.
    engine.set_fast_operators(false);
    limits(&mut engine);
    forbid(&mut engine);
    handle::register(&mut engine, run);
    marks::register(&mut engine, run);
    printed(&mut engine, run);
    for callee in run.table.globals.values() {
        for count in callee.arity() {
            let (run, it) = (Arc::clone(run), Arc::clone(callee));
            engine.register_raw_fn(
                callee.shown.as_str(),
                vec![TypeId::of::<Dynamic>(); count],
                move |context, arguments| Ok(run.call(&it, &context, arguments)),
            );
        }
    }
    for module in run.table.modules.keys() {
        engine.register_static_module(module.as_str(), Module::new().into());
    }
    engine
}

/// The names of Rhai's own functions.
pub(crate) fn natives(engine: &Engine, run: &Run) -> BTreeSet<String> {
    let named = engine.collect_fn_metadata(None, |it| Some(it.metadata.name.to_string()), true);
    let words =
        ["Fn", "call", "curry", "is_shared", "type_of", "is_def_fn", "is_def_var", "print", "debug", "throw"];
    let is_name =
        |it: &String| it.starts_with(|c: char| c.is_alphabetic()) && !run.table.globals.contains_key(it);
    named.into_iter().filter(is_name).chain(words.map(str::to_owned)).collect()
}

fn limits(engine: &mut Engine) {
    engine.set_max_operations(OPERATIONS);
    engine.set_max_call_levels(512);
    engine.set_max_expr_depths(256, 128);
    engine.set_max_string_size(16 << 20);
    // Rhai measures a container at each push as soon as any size is bounded, text too; nested containers double with
    // each step, so that the count of operations alone does not bound memory.
    engine.set_max_array_size(ELEMENTS);
    engine.set_max_map_size(ELEMENTS);
    engine.set_max_functions(10_000);
    engine.set_max_modules(1_000);
    engine.set_max_variables(10_000);
    let start = Instant::now();
    engine.on_progress(move |count| {
        (count.trailing_zeros() >= 12 && start.elapsed() > DEADLINE).then(|| Dynamic::from("deadline"))
    });
}

/// What a script prints is a warning: it is seen, and never mixed with results.
fn printed(engine: &mut Engine, run: &Arc<Run>) {
    let told = Arc::clone(run);
    engine.on_print(move |text| told.state().findings.push(Diagnostic::warning("eval::printed", text)));
    let told = Arc::clone(run);
    engine.on_debug(move |text, source, at| {
        let mut state = told.state();
        let span = state.at(state.source(source), at);
        state.findings.push(Diagnostic::warning("eval::printed", text).at(span, "printed here"));
    });
}

/// Takes away what waits or ends, and bounds what allocates without counting.
fn forbid(engine: &mut Engine) {
    fn refuse(context: &NativeCallContext<'_>, what: &str) -> Result<(), Box<EvalAltResult>> {
        let help = Some("a script declares; nothing happens while it runs".to_owned());
        let message = format!("a script cannot {what}");
        Err(Raised { code: "eval::unknown-function", message, help }
            .into_error(context.call_position())
            .into())
    }
    engine.register_fn("sleep", |context: NativeCallContext<'_>, _: i64| refuse(&context, "sleep"));
    engine.register_fn("sleep", |context: NativeCallContext<'_>, _: f64| refuse(&context, "sleep"));
    engine.register_fn("exit", |context: NativeCallContext<'_>| refuse(&context, "exit"));
    engine.register_fn("exit", |context: NativeCallContext<'_>, _: Dynamic| refuse(&context, "exit"));
    engine.register_fn(
        "pad",
        |context: NativeCallContext<'_>,
         list: &mut rhai::Array,
         length: i64,
         value: Dynamic|
         -> Result<(), Box<EvalAltResult>> {
            let length = usize::try_from(length).unwrap_or(0);
            bounded(&context, length)?;
            if length > list.len() {
                list.resize(length, value);
            }
            Ok(())
        },
    );
    for name in ["append", "+="] {
        engine.register_fn(
            name,
            |context: NativeCallContext<'_>,
             list: &mut rhai::Array,
             more: rhai::Array|
             -> Result<(), Box<EvalAltResult>> {
                bounded(&context, list.len() + more.len())?;
                list.extend(more);
                Ok(())
            },
        );
    }
    engine.register_fn(
        "+",
        |context: NativeCallContext<'_>,
         mut list: rhai::Array,
         more: rhai::Array|
         -> Result<rhai::Array, Box<EvalAltResult>> {
            bounded(&context, list.len() + more.len())?;
            list.extend(more);
            Ok(list)
        },
    );
}

fn bounded(context: &NativeCallContext<'_>, count: usize) -> Result<(), Box<EvalAltResult>> {
    match count > ELEMENTS {
        true => Err(EvalAltResult::ErrorDataTooLarge(
            "a list of more than a million".to_owned(),
            context.call_position(),
        )
        .into()),
        false => Ok(()),
    }
}

/// Gives the engine the functions of plugins, and a stub for each function that was found missing.
pub(crate) fn offer(engine: &mut Engine, run: &Arc<Run>, stubs: &Stubs) {
    let mut modules: BTreeMap<String, Module> =
        run.table.modules.keys().map(|it| (it.clone(), Module::new())).collect();
    for (name, functions) in &run.table.modules {
        let Some(module) = modules.get_mut(name) else { continue };
        for (function, callee) in functions {
            for count in callee.arity() {
                let (run, it) = (Arc::clone(run), Arc::clone(callee));
                let call = move |context: NativeCallContext<'_>, arguments: &mut [&mut Dynamic]| {
                    Ok(run.call(&it, &context, arguments))
                };
                set(module, function, count, call);
            }
        }
    }
    for (name, count) in &stubs.globals {
        engine.register_raw_fn(name.as_str(), vec![TypeId::of::<Dynamic>(); *count], |_, _| {
            Ok(Dynamic::from(Handle::Broken))
        });
    }
    for (module, functions) in &stubs.modules {
        let module = modules.entry(module.clone()).or_default();
        stub(module, functions);
    }
    for (name, module) in modules {
        engine.register_static_module(name, module.into());
    }
}

/// Gives `module` functions whose absence was told.
pub(crate) fn stub(module: &mut Module, functions: &BTreeSet<(String, usize)>) {
    for (name, count) in functions {
        set(module, name, *count, |_, _| Ok(Dynamic::from(Handle::Broken)));
    }
}

fn set(
    module: &mut Module,
    name: &str,
    count: usize,
    call: impl Fn(NativeCallContext<'_>, &mut [&mut Dynamic]) -> Result<Dynamic, Box<EvalAltResult>>
    + Send
    + Sync
    + 'static,
) {
    let func = RhaiFunc::Method {
        func: Shared::new(move |context: Option<NativeCallContext<'_>>, arguments: &mut [&mut Dynamic]| {
            let context = context.ok_or_else(|| {
                Box::new(EvalAltResult::ErrorFunctionNotFound(String::new(), Position::NONE))
            })?;
            call(context, arguments)
        }),
        has_context: true,
        is_pure: true,
        is_volatile: true,
    };
    FuncRegistration::new(name).set_into_module_raw(module, vec![TypeId::of::<Dynamic>(); count], func);
}
