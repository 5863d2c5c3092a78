//! Runs a script, and the files that it imports where it imports them.
//!
//! **Invariant:** each file runs once, whoever imports it.
//! **Invariant:** a closure runs with the functions and imports of the file it stands in, wherever it is called.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use rhai::{
    AST, Dynamic, Engine, EvalAltResult, Module, ModuleResolver, NativeCallContext, Position, Scope, Shared,
};

use crate::{
    engine::stub,
    handle::{Handle, Raised},
    load::{locate, refusal},
    marks,
    run::Run,
    sources::SourceError,
};

/// What was read before anything runs.
pub(crate) struct Files {
    /// The script and what it imports, by path.
    pub(crate) trees: BTreeMap<String, AST>,
    /// Functions that are missing in a file and called, by path.
    pub(crate) stubs: BTreeMap<String, BTreeSet<(String, usize)>>,
}

type Owners = Arc<Mutex<BTreeMap<String, Shared<Module>>>>;

/// Runs the script at `path`, whose tree and whose imports' trees are `files`.
pub(crate) fn execute(
    engine: Engine,
    run: &Arc<Run>,
    path: &str,
    files: Files,
    missing_variables: BTreeSet<String>,
) -> Result<(), Box<EvalAltResult>> {
    let (engine, resolver, script) = prepared(engine, run, path, files, missing_variables);
    resolver.evaluate(&engine, path, &script).map(|_| ())
}

/// Runs the script at `path` for what its last statement gives, and when it ended; its variables are left in `scope`.
pub(crate) fn answer(
    engine: Engine,
    run: &Arc<Run>,
    path: &str,
    files: Files,
    missing_variables: BTreeSet<String>,
    scope: &mut Scope<'_>,
) -> Result<(Dynamic, Instant), Box<EvalAltResult>> {
    let (engine, _resolver, script) = prepared(engine, run, path, files, missing_variables);
    let given = engine.eval_ast_with_scope(scope, &script)?;
    Ok((given, Instant::now()))
}

/// The engine that imports with the resolver, and the script's tree.
fn prepared(
    mut engine: Engine,
    run: &Arc<Run>,
    path: &str,
    files: Files,
    missing_variables: BTreeSet<String>,
) -> (Engine, Arc<Resolver>, AST) {
    let owners = Owners::default();
    escaped_closures(&mut engine, &owners);
    #[expect(deprecated, reason = "Rhai marks what may change as deprecated; the version is pinned")]
    engine.on_var(move |name, _, context| {
        let is_missing = missing_variables.contains(name) && context.scope().get(name).is_none();
        Ok(is_missing.then(|| Dynamic::from(Handle::Broken)))
    });
    let script = files.trees.get(path).cloned().unwrap_or_default();
    let resolver = Resolver {
        run: Arc::clone(run),
        files,
        owners,
        modules: Mutex::default(),
        open: Mutex::new(vec![path.to_owned()]),
    };
    let resolver = Arc::new(resolver);
    engine.set_module_resolver(Imports(Arc::clone(&resolver)));
    (engine, resolver, script)
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
        let call =
            NativeCallContext::new_with_all_fields(context.engine(), name, None, &global, Position::NONE);
        let mut values: Vec<Dynamic> = arguments.iter().map(|it| (**it).clone()).collect();
        let mut values: Vec<&mut Dynamic> = values.iter_mut().collect();
        call.call_fn_raw(name, false, false, &mut values).map(Some)
    });
}

/// Answers `import` at run time.
struct Resolver {
    run: Arc<Run>,
    files: Files,
    owners: Owners,
    modules: Mutex<BTreeMap<String, Shared<Module>>>,
    /// The files that are being evaluated, each imported by the one before it.
    open: Mutex<Vec<String>>,
}

struct Imports(Arc<Resolver>);

impl ModuleResolver for Imports {
    fn resolve(
        &self,
        engine: &Engine,
        importer: Option<&str>,
        path: &str,
        at: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        self.0.import(engine, importer.unwrap_or(""), path, at)
    }
}

impl Resolver {
    fn import(
        &self,
        engine: &Engine,
        importer: &str,
        path: &str,
        at: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let raise = |code, message, help: &str| {
            Raised { code, message, help: Some(help.to_owned()) }.into_error(at).into()
        };
        let refuse = |err| {
            let (message, help) = refusal(path, &err);
            raise("eval::path", message, &help)
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
        let ast = match self.files.trees.get(&file) {
            Some(ast) => ast.clone(),
            None => self
                .read(engine, &file)
                .map_err(refuse)?
                .map_err(|err| EvalAltResult::ErrorInModule(file.clone(), err, at))?,
        };
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(file.clone());
        let module = self.evaluate(engine, &file, &ast);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let module = module.map_err(|err| EvalAltResult::ErrorInModule(file.clone(), err, at))?;
        self.modules.lock().unwrap_or_else(PoisonError::into_inner).insert(file, Shared::clone(&module));
        Ok(module)
    }

    /// A file whose path only the running script knew: it is read without a check beforehand.
    fn read(&self, engine: &Engine, file: &str) -> Result<Result<AST, Box<EvalAltResult>>, SourceError> {
        let text = self.run.text(file)?;
        let source = self.run.state().texts.add(file, &text);
        let parsed = marks::compile(engine, &self.run, source, &Scope::new(), &text)
            .or_else(|_| engine.compile_with_scope(&Scope::new(), &text));
        Ok(parsed
            .map(|mut ast| {
                ast.set_source(file);
                ast
            })
            .map_err(Into::into))
    }

    fn evaluate(&self, engine: &Engine, file: &str, ast: &AST) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let mut module = Module::eval_ast_as_new(Scope::new(), ast, engine)?;
        module.set_id(file);
        if let Some(functions) = self.files.stubs.get(file) {
            stub(&mut module, functions);
        }
        let module: Shared<Module> = module.into();
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for function in ast.iter_functions().filter(|it| it.name.starts_with("anon$")) {
            owners.insert(function.name.to_owned(), Shared::clone(&module));
        }
        Ok(module)
    }
}
