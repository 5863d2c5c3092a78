//! The engine: what the language offers, its limits, the functions of mops.
//!
//! **Invariant:** a script reads no clock, sleeps never, and is bounded by a count of operations, so that the same
//! script ends the same way on every machine. Wall time is only a net.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rhai::{
    AST, Dynamic, Engine, EvalAltResult, FuncRegistration, Module, ModuleResolver, NativeCallContext, OptimizationLevel,
    Position, RhaiFunc, Scope, Shared,
    packages::{
        BasicArrayPackage, BasicMapPackage, BasicMathPackage, BitFieldPackage, CorePackage, LogicPackage,
        MoreStringPackage, Package,
    },
};

use crate::{
    check::Stubs,
    handle::{self, Handle, Raised},
    load::{locate, refusal},
    run::Run,
};

/// Operations that a script may take: a shop takes thousands.
const OPERATIONS: u64 = 10_000_000;
/// Seconds after which a script is ended, whatever it counts.
const DEADLINE: Duration = Duration::from_secs(30);
/// Elements that a single call may put into a list.
const ELEMENTS: usize = 1_000_000;

type Owners = Arc<Mutex<BTreeMap<String, Shared<Module>>>>;

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
    for callee in run.table.globals.values() {
        for count in callee.arity() {
            let (run, it) = (Arc::clone(run), Arc::clone(callee));
            engine.register_raw_fn(callee.shown.as_str(), vec![TypeId::of::<Dynamic>(); count], move |context, arguments| {
                run.call(&it, &context, arguments)
            });
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
    let words = ["Fn", "call", "curry", "is_shared", "type_of", "is_def_fn", "is_def_var", "print", "debug", "throw"];
    let is_name = |it: &String| it.starts_with(|c: char| c.is_alphabetic()) && !run.table.globals.contains_key(it);
    named.into_iter().filter(is_name).chain(words.map(str::to_owned)).collect()
}

fn limits(engine: &mut Engine) {
    engine.set_max_operations(OPERATIONS);
    engine.set_max_call_levels(512);
    engine.set_max_expr_depths(256, 128);
    engine.set_max_string_size(16 << 20);
    engine.set_max_functions(10_000);
    engine.set_max_modules(1_000);
    engine.set_max_variables(10_000);
    let start = Instant::now();
    engine.on_progress(move |count| (count & 0xfff == 0 && start.elapsed() > DEADLINE).then(|| Dynamic::from("deadline")));
}

/// Takes away what waits, and bounds what allocates without counting.
fn forbid(engine: &mut Engine) {
    fn asleep(context: &NativeCallContext<'_>) -> Result<(), Box<EvalAltResult>> {
        let (message, help) = ("a script cannot sleep".to_owned(), Some("a script declares; nothing happens while it runs".to_owned()));
        Err(Raised { code: "eval::unknown-function", message, help }.into_error(context.call_position()))
    }
    engine.register_fn("sleep", |context: NativeCallContext<'_>, _: i64| asleep(&context));
    engine.register_fn("sleep", |context: NativeCallContext<'_>, _: f64| asleep(&context));
    engine.register_fn(
        "pad",
        |context: NativeCallContext<'_>, list: &mut rhai::Array, length: i64, value: Dynamic| -> Result<(), Box<EvalAltResult>> {
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
            |context: NativeCallContext<'_>, list: &mut rhai::Array, more: rhai::Array| -> Result<(), Box<EvalAltResult>> {
                bounded(&context, list.len() + more.len())?;
                list.extend(more);
                Ok(())
            },
        );
    }
    engine.register_fn(
        "+",
        |context: NativeCallContext<'_>, mut list: rhai::Array, more: rhai::Array| -> Result<rhai::Array, Box<EvalAltResult>> {
            bounded(&context, list.len() + more.len())?;
            list.extend(more);
            Ok(list)
        },
    );
}

fn bounded(context: &NativeCallContext<'_>, count: usize) -> Result<(), Box<EvalAltResult>> {
    match count > ELEMENTS {
        true => Err(EvalAltResult::ErrorDataTooLarge("a list of more than a million".to_owned(), context.call_position()).into()),
        false => Ok(()),
    }
}

/// Gives the engine the functions of plugins, and a stub for each function that was found missing.
pub(crate) fn offer(engine: &mut Engine, run: &Arc<Run>, stubs: Stubs) {
    let mut modules: BTreeMap<String, Module> = run.table.modules.keys().map(|it| (it.clone(), Module::new())).collect();
    for (name, functions) in &run.table.modules {
        let Some(module) = modules.get_mut(name) else { continue };
        for (function, callee) in functions {
            for count in callee.arity() {
                let (run, it) = (Arc::clone(run), Arc::clone(callee));
                let call = move |context: NativeCallContext<'_>, arguments: &mut [&mut Dynamic]| run.call(&it, &context, arguments);
                set(module, function, count, call);
            }
        }
    }
    for (module, name, count) in stubs {
        let broken = |_: NativeCallContext<'_>, _: &mut [&mut Dynamic]| Ok(Dynamic::from(Handle::Broken));
        match module {
            None => {
                engine.register_raw_fn(name, vec![TypeId::of::<Dynamic>(); count], broken);
            }
            Some(module) => set(modules.entry(module).or_default(), &name, count, broken),
        }
    }
    for (name, module) in modules {
        engine.register_static_module(name, module.into());
    }
}

fn set(
    module: &mut Module,
    name: &str,
    count: usize,
    call: impl Fn(NativeCallContext<'_>, &mut [&mut Dynamic]) -> Result<Dynamic, Box<EvalAltResult>> + Send + Sync + 'static,
) {
    let func = RhaiFunc::Method {
        func: Shared::new(move |context: Option<NativeCallContext<'_>>, arguments: &mut [&mut Dynamic]| {
            let context = context.ok_or_else(|| Box::new(EvalAltResult::ErrorFunctionNotFound(String::new(), Position::NONE)))?;
            call(context, arguments)
        }),
        has_context: true,
        is_pure: true,
        is_volatile: true,
    };
    FuncRegistration::new(name).set_into_module_raw(module, vec![TypeId::of::<Dynamic>(); count], func);
}

/// Runs the script at `path`, whose tree and whose imports' trees are `files`.
pub(crate) fn execute(
    mut engine: Engine,
    run: &Arc<Run>,
    path: &str,
    files: BTreeMap<String, AST>,
    missing_variables: BTreeSet<String>,
) -> Result<(), Box<EvalAltResult>> {
    let owners = Owners::default();
    escaped_closures(&mut engine, &owners);
    #[expect(deprecated, reason = "Rhai marks what may change as deprecated; the version is pinned")]
    engine.on_var(move |name, _, context| {
        let is_missing = missing_variables.contains(name) && context.scope().get(name).is_none();
        Ok(is_missing.then(|| Dynamic::from(Handle::Broken)))
    });
    let script = files.get(path).cloned().unwrap_or_default();
    let resolver = Resolver { run: Arc::clone(run), files, owners, modules: Mutex::default(), open: Mutex::new(vec![path.to_owned()]) };
    let resolver = Arc::new(resolver);
    engine.set_module_resolver(Imports(Arc::clone(&resolver)));
    resolver.evaluate(&engine, path, &script).map(|_| ())
}

/// Rhai looks a closure up where it is called: one that left its file runs with that file's functions and imports.
fn escaped_closures(engine: &mut Engine, owners: &Owners) {
    let owners = Arc::clone(owners);
    #[expect(deprecated, reason = "Rhai marks what may change as deprecated; the version is pinned")]
    engine.on_missing_function(move |name, arguments, _, context| {
        if !name.starts_with("anon$") {
            return Ok(None);
        }
        let owner = owners.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let Some(owner) = owner else { return Ok(None) };
        let mut global = context.global_runtime_state().clone();
        if global.lib.iter().any(|it| Shared::ptr_eq(it, &owner)) {
            return Ok(None);
        }
        global.lib.clear();
        global.lib.push(owner);
        let call = NativeCallContext::new_with_all_fields(context.engine(), name, None, &global, Position::NONE);
        let mut values: Vec<Dynamic> = arguments.iter().map(|it| (**it).clone()).collect();
        let mut values: Vec<&mut Dynamic> = values.iter_mut().collect();
        call.call_fn_raw(name, false, false, &mut values).map(Some)
    });
}

/// Answers `import` at run time.
struct Resolver {
    run: Arc<Run>,
    files: BTreeMap<String, AST>,
    owners: Owners,
    modules: Mutex<BTreeMap<String, Shared<Module>>>,
    /// The files that are being evaluated, each imported by the one before it.
    open: Mutex<Vec<String>>,
}

struct Imports(Arc<Resolver>);

impl ModuleResolver for Imports {
    fn resolve(&self, engine: &Engine, importer: Option<&str>, path: &str, at: Position) -> Result<Shared<Module>, Box<EvalAltResult>> {
        self.0.import(engine, importer.unwrap_or(""), path, at)
    }
}

impl Resolver {
    fn import(&self, engine: &Engine, importer: &str, path: &str, at: Position) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let raise = |code, message, help: &str| Raised { code, message, help: Some(help.to_owned()) }.into_error(at);
        let refuse = |err| {
            let (message, help) = refusal(path, &err);
            raise("eval::path", message, help)
        };
        let file = locate(&self.run.folder, importer, path).map_err(refuse)?;
        if let Some(module) = self.modules.lock().unwrap_or_else(PoisonError::into_inner).get(&file) {
            return Ok(Shared::clone(module));
        }
        let cycle = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.iter().position(|it| *it == file).map(|from| open[from..].join(" -> "))
        };
        if let Some(cycle) = cycle {
            let message = format!("files import each other: {cycle} -> {file}");
            return Err(raise("eval::import-cycle", message, "move what both need to a third file"));
        }
        let ast = match self.files.get(&file) {
            Some(ast) => ast.clone(),
            None => self.read(engine, &file).map_err(refuse)?.map_err(|err| EvalAltResult::ErrorInModule(file.clone(), err, at))?,
        };
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(file.clone());
        let module = self.evaluate(engine, &file, &ast);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let module = module.map_err(|err| EvalAltResult::ErrorInModule(file.clone(), err, at))?;
        self.modules.lock().unwrap_or_else(PoisonError::into_inner).insert(file, Shared::clone(&module));
        Ok(module)
    }

    /// A file whose path only the running script knew: it is read without a check beforehand.
    fn read(&self, engine: &Engine, file: &str) -> Result<Result<AST, Box<EvalAltResult>>, crate::sources::SourceError> {
        let text = self.run.reader.read(file)?;
        self.run.state().texts.add(file, &text);
        let parsed = engine.compile_with_scope(&Scope::new(), &text);
        Ok(parsed.map(|mut ast| { ast.set_source(file); ast }).map_err(|err| err.into()))
    }

    fn evaluate(&self, engine: &Engine, file: &str, ast: &AST) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let mut module = Module::eval_ast_as_new(Scope::new(), ast, engine)?;
        module.set_id(file);
        let module: Shared<Module> = module.into();
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for function in ast.iter_functions().filter(|it| it.name.starts_with("anon$")) {
            owners.insert(function.name.to_owned(), Shared::clone(&module));
        }
        Ok(module)
    }
}
