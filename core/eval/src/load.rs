//! Texts become syntax trees: each once, checked as it is read, together with the files that it imports.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{Diagnostic, SourceId, Span};
use rhai::{AST, ASTNode, Engine, Expr, Module, ParseErrorType, Position, Scope, Stmt};

use crate::{
    check::{self, Known, Offer, Stubs},
    library, marks,
    run::{Run, State},
    sources::{SourceError, folder_of, join},
    syntax,
};

/// The longest text: 16 MiB.
const LONGEST: usize = 16 << 20;
/// The most files that an evaluation reads.
const MOST: usize = 1_000;

/// Reads the script and everything it imports.
pub(crate) struct Loader<'a> {
    pub(crate) run: &'a Run,
    pub(crate) engine: &'a mut Engine,
    pub(crate) natives: BTreeSet<String>,
    pub(crate) files: BTreeMap<String, AST>,
    pub(crate) stubs: Stubs,
    /// Modules and variables that do not exist and were told.
    pub(crate) missing_modules: BTreeSet<String>,
    pub(crate) missing_variables: BTreeSet<String>,
    /// The files that are being read, each imported by the one before it.
    pub(crate) open: Vec<String>,
    /// Where each of them but the first is imported.
    chain: Vec<Span>,
    pub(crate) has_syntax_errors: bool,
}

impl<'a> Loader<'a> {
    /// A loader that has read nothing. `natives` are the functions that every script may call.
    pub(crate) fn new(run: &'a Run, engine: &'a mut Engine, natives: BTreeSet<String>) -> Self {
        Self {
            run,
            engine,
            natives,
            files: BTreeMap::new(),
            stubs: Stubs::default(),
            missing_modules: BTreeSet::new(),
            missing_variables: BTreeSet::new(),
            open: Vec::new(),
            chain: Vec::new(),
            has_syntax_errors: false,
        }
    }

    /// Reads the file at `path`; what is wrong is among the findings. `importer` is the place of its import.
    pub(crate) fn load(&mut self, path: &str, importer: Option<Span>) {
        if let Some(at) = self.open.iter().position(|it| it == path) {
            let mut cycle = self.open[at..].to_vec();
            cycle.push(path.to_owned());
            self.has_syntax_errors = true;
            self.tell(
                "eval::import-cycle",
                format!("files import each other: {}", cycle.join(" -> ")),
                importer,
                "move what both need to a third file",
            );
            return;
        }
        if self.files.contains_key(path) {
            return;
        }
        if self.files.len() + self.open.len() >= MOST {
            self.has_syntax_errors = true;
            self.tell(
                "eval::limit-modules",
                "more than 1,000 files are imported".to_owned(),
                importer,
                "import fewer",
            );
            return;
        }
        let text = match self.run.text(path) {
            Ok(text) if text.len() > LONGEST => {
                Err((path.to_owned() + " is longer than 16 MiB", "eval::limit-text"))
            }
            Ok(text) => Ok(text),
            Err(err) => Err((err.to_string(), "eval::path")),
        };
        let text = match text {
            Ok(text) => text,
            Err((message, code)) => {
                self.has_syntax_errors = true;
                self.tell(code, message, importer, "paths are relative to the script's folder");
                return;
            }
        };
        let source = self.run.state().texts.add(path, &text);
        self.chain.extend(importer);
        self.open.push(path.to_owned());
        let parsed = self.parse(source, path, &text);
        let imports = parsed.as_ref().map(|(ast, _)| self.imports(ast, source, path));
        self.open.pop();
        if importer.is_some() {
            self.chain.pop();
        }
        let (Some((ast, running)), Some(imports)) = (parsed, imports) else { return };
        let known = Known {
            table: &self.run.table,
            natives: &self.natives,
            imports,
            missing_modules: &self.missing_modules,
        };
        let mut guard = self.run.state();
        let State { texts, findings, index, .. } = &mut *guard;
        let found = check::Found { findings, index, stubs: &mut self.stubs };
        check::check(&ast, source, texts, &known, found);
        self.files.insert(path.to_owned(), running);
    }

    fn tell(&self, code: &str, message: String, place: Option<Span>, help: &str) {
        let found = Diagnostic::error(code, message).help(help);
        let found = match place {
            Some(span) => self.with_chain(found.at(span, "imported here")),
            None => found,
        };
        self.run.state().findings.push(found);
    }

    /// Shows how the file that is being read came to be read.
    fn with_chain(&self, found: Diagnostic) -> Diagnostic {
        self.chain.iter().rev().take(4).fold(found, |found, it| found.at(*it, "imported here"))
    }

    /// Parses until nothing undefined is left: Rhai tells the first undefined variable or module only, so that each is
    /// noted, pretended to exist, and the text parsed again.
    /// Returns the tree as it stands, and the one that is run.
    fn parse(&mut self, source: SourceId, path: &str, text: &str) -> Option<(AST, AST)> {
        if let Some(found) = syntax::open_comment(source, text) {
            self.run.state().findings.push(self.with_chain(found));
            self.has_syntax_errors = true;
            return None;
        }
        let mut pretended = Scope::new();
        loop {
            let err = match self.engine.compile_with_scope(&pretended, text) {
                Ok(mut ast) => {
                    ast.set_source(path);
                    // Without the places of its maps a text runs all the same.
                    let mut running = marks::compile(self.engine, self.run, source, &pretended, text)
                        .unwrap_or_else(|_| ast.clone());
                    running.set_source(path);
                    return Some((ast, running));
                }
                Err(err) => err,
            };
            let mut state = self.run.state();
            let span = state.at(source, err.position());
            match err.err_type() {
                ParseErrorType::VariableUndefined(_) if is_key_of_a_block(text, span) => {
                    let at = text[..span.start as usize].rfind('{').unwrap_or(0);
                    let brace = crate::texts::span(source, at, at + 1);
                    let found = Diagnostic::error("eval::syntax", "a map begins with `#{`");
                    state
                        .findings
                        .push(found.at(brace, "`#` is missing before this").help("write `#{ key: value }`"));
                    self.has_syntax_errors = true;
                    return None;
                }
                ParseErrorType::VariableUndefined(name) if syntax::opens_elsewhere(name) => {
                    let found = self.undefined_variable(name, text, span);
                    state.findings.push(self.with_chain(found));
                    self.has_syntax_errors = true;
                    return None;
                }
                ParseErrorType::VariableUndefined(name) if !pretended.contains(name) => {
                    let found = self.undefined_variable(name, text, span);
                    state.findings.push(found);
                    pretended.push_constant(name.as_str(), ());
                    self.missing_variables.insert(name.clone());
                }
                ParseErrorType::ModuleUndefined(name) if !self.missing_modules.contains(name) => {
                    let found = self.undefined_module(name, span);
                    state.findings.push(found);
                    self.engine.register_static_module(name.as_str(), Module::new().into());
                    self.missing_modules.insert(name.clone());
                }
                kind => {
                    let found = syntax::syntax(kind, err.position(), source, &state.texts);
                    state.findings.push(self.with_chain(found));
                    self.has_syntax_errors = true;
                    return None;
                }
            }
        }
    }

    fn undefined_variable(&self, name: &str, text: &str, span: Span) -> Diagnostic {
        let found = Diagnostic::error("eval::unknown-variable", format!("there is no variable `{name}`"))
            .at(span, "unknown variable");
        let words: BTreeSet<&str> = text
            .match_indices("let ")
            .chain(text.match_indices("const "))
            .filter_map(|(at, keyword)| {
                text[at + keyword.len()..].split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
            })
            .collect();
        if words.contains(name) {
            return match text.contains(&format!("const {name}")) {
                true => found.help(format!("functions see no variables of the file; write `global::{name}`")),
                false => found.help("it is not declared here: functions see no variables of the file; hand it over as an argument"),
            };
        }
        let help = match mops_model::nearest(name, words) {
            _ if syntax::elsewhere(name).is_some() => syntax::elsewhere(name).unwrap_or_default().to_owned(),
            Some(near) => format!("did you mean `{near}`?"),
            None if self.run.table.globals.contains_key(name) => format!("`{name}` is a function; call it"),
            None => format!("write \"{name}\" if it is text, or declare it with `let {name} = …;`"),
        };
        found.help(help)
    }

    fn undefined_module(&self, name: &str, span: Span) -> Diagnostic {
        let modules = &self.run.table.modules;
        let help = match mops_model::nearest(name, modules.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "the plugins are {}",
                modules.keys().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        Diagnostic::error("eval::unknown-module", format!("there is no plugin or import `{name}`"))
            .at(span, "unknown module")
            .help(help)
    }

    /// Reads the files that `ast` imports by a plain path, and says what each alias offers.
    fn imports(&mut self, ast: &AST, source: SourceId, importer: &str) -> BTreeMap<String, Option<Offer>> {
        let mut found = Vec::new();
        ast.walk(&mut |path: &[ASTNode<'_>]| {
            if let Some(ASTNode::Stmt(Stmt::Import(it, _))) = path.last() {
                let literal = match &it.0 {
                    Expr::StringConstant(path, at) => Some((path.to_string(), *at)),
                    _ => None,
                };
                found.push((it.1.name.to_string(), literal));
            }
            true
        });
        let mut imports = BTreeMap::new();
        for (alias, literal) in found {
            let offers = literal.and_then(|(path, at)| self.import(&path, at, source, importer));
            imports.insert(alias, offers);
        }
        imports
    }

    fn import(&mut self, path: &str, at: Position, source: SourceId, importer: &str) -> Option<Offer> {
        let span = self.run.state().at(source, at);
        match locate(&self.run.folder, importer, path) {
            Ok(file) => {
                self.load(&file, Some(span));
                let functions = self.files.get(&file)?.iter_functions();
                let public = functions.filter(|it| it.access == rhai::FnAccess::Public);
                let functions = public.map(|it| (it.name.to_owned(), it.params.len())).collect();
                Some(Offer { file, functions })
            }
            Err(err) => {
                self.has_syntax_errors = true;
                let (message, help) = refusal(path, &err);
                self.tell("eval::path", message, Some(span), &help);
                None
            }
        }
    }
}

/// Whether the word at `span` is a key in braces that lack their `#`.
fn is_key_of_a_block(text: &str, span: Span) -> bool {
    let (before, after) = (&text[..span.start as usize], text[span.end as usize..].trim_start());
    before.trim_end().ends_with('{') && after.starts_with(':') && !after.starts_with("::")
}

/// The file that `path` means when `importer` imports it: `./…` and `../…` are relative to the importer, anything else to
/// the script's folder; `std/…` is kept for the standard library.
pub(crate) fn locate(folder: &str, importer: &str, path: &str) -> Result<String, SourceError> {
    if path.starts_with("std/") {
        return match library::text(path) {
            Some(_) => Ok(path.to_owned()),
            None => Err(SourceError::Missing(path.to_owned())),
        };
    }
    let base = match path.starts_with("./") || path.starts_with("../") {
        true => folder_of(importer),
        false => folder,
    };
    let file = join(base, path)?;
    let has_extension = file.rsplit('/').next().is_some_and(|it| it.contains('.'));
    Ok(if has_extension { file } else { format!("{file}.rhai") })
}

/// Why `path` cannot be imported, and what to do.
pub(crate) fn refusal(path: &str, err: &SourceError) -> (String, String) {
    let help = match err {
        SourceError::Missing(_) if path.starts_with("std/") => {
            let message = format!("there is no module {path:?} in the standard library");
            let names = || library::library().map(|(name, _)| name);
            let help = match mops_model::nearest(path, names()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("its modules are {}", names().collect::<Vec<_>>().join(", ")),
            };
            return (message, help);
        }
        SourceError::Outside(_) => "copy or move it into the script's folder",
        SourceError::Missing(_) | SourceError::NotText(_) | SourceError::Unreadable { .. } => {
            "paths are relative to the script's folder, those with `./` to the importing file"
        }
    };
    (err.to_string(), help.to_owned())
}
