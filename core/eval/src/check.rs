//! What a text says wrong before it runs: unknown functions, the number of arguments, options.
//!
//! **Invariant:** what is found here is found in the same words when it runs, so that nothing is told twice.
//! **Invariant:** a call to what does not exist becomes a *stub*, so that the script runs on and shows its other
//! mistakes.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{Diagnostic, SourceId, Span, Text, nearest};
use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use crate::{
    findings::Findings,
    given::{Places, diagnostic},
    handle::BROKEN,
    literal::Literals,
    table::{Callee, Table},
    texts::SourceTexts,
};

/// Where calls stand, by text, line and column.
pub(crate) type Index = BTreeMap<(SourceId, Option<usize>, Option<usize>), Places>;

/// Functions that do not exist and are called, each by its name and number of arguments.
#[derive(Default)]
pub(crate) struct Stubs {
    /// Without a module.
    pub(crate) globals: BTreeSet<(String, usize)>,
    /// In modules of plugins, and modules that do not exist.
    pub(crate) modules: BTreeMap<String, BTreeSet<(String, usize)>>,
    /// In imported files.
    pub(crate) files: BTreeMap<String, BTreeSet<(String, usize)>>,
}

impl Stubs {
    /// Whether everything that is called exists.
    pub(crate) fn is_empty(&self) -> bool {
        self.globals.is_empty() && self.modules.is_empty() && self.files.is_empty()
    }
}

/// An imported file and its functions, each with its number of arguments.
pub(crate) struct Offer {
    pub(crate) file: String,
    pub(crate) functions: BTreeSet<(String, usize)>,
}

/// What is known besides the table while one text is checked.
pub(crate) struct Known<'a> {
    pub(crate) table: &'a Table,
    /// Functions of Rhai itself.
    pub(crate) natives: &'a BTreeSet<String>,
    /// Imported files by alias; none where the import is computed.
    pub(crate) imports: BTreeMap<String, Option<Offer>>,
    /// Modules that do not exist and were told.
    pub(crate) missing_modules: &'a BTreeSet<String>,
}

/// What a check finds.
pub(crate) struct Found<'a> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) index: &'a mut Index,
    pub(crate) stubs: &'a mut Stubs,
}

/// Checks every call in `ast`.
pub(crate) fn check(ast: &AST, source: SourceId, texts: &SourceTexts, known: &Known<'_>, found: Found<'_>) {
    let own = ast.iter_functions().map(|it| (it.name.to_owned(), it.params.len())).collect();
    let own_names = ast.iter_functions().map(|it| it.name.to_owned()).collect();
    let mut pass = Pass { source, texts, known, found, own, own_names, variables: variables(ast) };
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at))) => {
                pass.call(call, *at);
            }
            Some(ASTNode::Expr(Expr::StringConstant(text, at))) => pass.text(text, *at),
            _ => (),
        }
        true
    });
    pass.shadows();
}

/// Names that may hold a function: variables, loop variables and parameters.
fn variables(ast: &AST) -> BTreeSet<String> {
    let mut names: BTreeSet<String> =
        ast.iter_functions().flat_map(|it| it.params).map(ToString::to_string).collect();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        match path.last() {
            Some(ASTNode::Stmt(Stmt::Var(it, _, _))) => names.extend([it.0.name.to_string()]),
            Some(ASTNode::Stmt(Stmt::For(it, _))) => {
                names.extend([it.0.name.to_string()]);
            }
            _ => (),
        }
        true
    });
    names
}

struct Pass<'a> {
    source: SourceId,
    texts: &'a SourceTexts,
    known: &'a Known<'a>,
    found: Found<'a>,
    own: BTreeSet<(String, usize)>,
    own_names: BTreeSet<String>,
    variables: BTreeSet<String>,
}

impl Pass<'_> {
    fn call(&mut self, call: &FnCallExpr, at: Position) {
        if call.is_operator_call() || call.name.starts_with("anon$") {
            return;
        }
        let module = (!call.namespace.is_empty()).then(|| call.namespace.to_string());
        let span = self.span(call, at);
        let is_own = module.is_none() && self.own_names.contains(call.name.as_str());
        match self.known.table.get(module.as_deref(), &call.name).cloned() {
            Some(callee) if !is_own => self.offered(&callee, call, at, span),
            _ => self.others(module.as_deref(), call, span),
        }
    }

    fn offered(&mut self, callee: &Callee, call: &FnCallExpr, at: Position, span: Span) {
        if !callee.arity().contains(&call.args.len()) {
            let message = match call.args.len() {
                0 => format!("`{}` needs arguments", callee.shown),
                count => format!("`{}` does not take {}", callee.shown, arguments(count)),
            };
            self.told(
                Diagnostic::error("eval::arity", message)
                    .at(span, "called here")
                    .help(format!("write {}", callee.signature())),
                call,
            );
            return;
        }
        let literals = Literals { texts: self.texts, source: self.source };
        let (given, places) = literals.given(callee, call, span);
        for mismatch in given.check(callee) {
            self.found.findings.push(diagnostic(callee, &mismatch, &places));
        }
        self.found.index.insert((self.source, at.line(), at.position()), places);
    }

    /// A call to what mops does not offer: a function of the script, of an imported file, of Rhai, or nothing.
    fn others(&mut self, module: Option<&str>, call: &FnCallExpr, span: Span) {
        let Some(module) = module else { return self.unqualified(call, span) };
        if module == "global" || self.known.missing_modules.contains(module) {
            self.stub(call);
            return;
        }
        let names: Vec<(String, usize)> =
            match (self.known.table.modules.get(module), self.known.imports.get(module)) {
                (_, Some(None)) | (None, None) => return,
                (_, Some(Some(offer)))
                    if offer.functions.contains(&(call.name.to_string(), call.args.len())) =>
                {
                    return;
                }
                (_, Some(Some(offer))) => offer.functions.iter().cloned().collect(),
                (Some(functions), None) => functions.keys().map(|it| (it.clone(), usize::MAX)).collect(),
            };
        self.unknown(&format!("{module}::"), call, span, &names);
    }

    fn unqualified(&mut self, call: &FnCallExpr, span: Span) {
        let name = call.name.as_str();
        let count = call.args.len();
        let is_known = self.own.contains(&(name.to_owned(), count))
            || self.known.natives.contains(name)
            || self.variables.contains(name);
        if !is_known {
            let globals = self.known.table.globals.keys().map(|it| (it.clone(), usize::MAX));
            let natives = self.known.natives.iter().map(|it| (it.clone(), usize::MAX));
            let names: Vec<_> = self.own.iter().cloned().chain(globals).chain(natives).collect();
            self.unknown("", call, span, &names);
        }
    }

    fn unknown(&mut self, module: &str, call: &FnCallExpr, span: Span, names: &[(String, usize)]) {
        let name = call.name.as_str();
        let arities: Vec<String> =
            names.iter().filter(|it| it.0 == name).map(|it| it.1.to_string()).collect();
        if !arities.is_empty() {
            let message = format!("`{module}{name}` does not take {}", arguments(call.args.len()));
            let help = match arities.as_slice() {
                [one] if one == "1" => "it takes one argument".to_owned(),
                several => format!("it takes {} arguments", several.join(" or ")),
            };
            return self
                .told(Diagnostic::error("eval::arity", message).at(span, "called here").help(help), call);
        }
        let found =
            Diagnostic::error("eval::unknown-function", format!("there is no function `{module}{name}`"))
                .at(span, "unknown function");
        let help = match nearest(name, names.iter().map(|it| it.0.as_str())) {
            Some(near) => format!("did you mean `{module}{near}`?"),
            None => match self.elsewhere(name) {
                elsewhere if !elsewhere.is_empty() => format!("did you mean {}?", elsewhere.join(" or ")),
                _ if module.is_empty() => {
                    "functions of a plugin are called as `plugin::function(…)`".to_owned()
                }
                _ => {
                    let names: Vec<_> = names.iter().map(|it| format!("`{module}{}`", it.0)).collect();
                    format!("its functions are {}", names.join(", "))
                }
            },
        };
        self.told(found.help(help), call);
    }

    /// The functions called `name` in modules.
    fn elsewhere(&self, name: &str) -> Vec<String> {
        let modules = self.known.table.modules.values();
        modules.filter_map(|it| it.get(name)).map(|it| format!("`{}`", it.shown)).collect()
    }

    fn told(&mut self, found: Diagnostic, call: &FnCallExpr) {
        self.found.findings.push(found);
        self.stub(call);
    }

    fn stub(&mut self, call: &FnCallExpr) {
        let stub = (call.name.to_string(), call.args.len());
        let module = call.namespace.to_string();
        let stubs = match self.known.imports.get(&module) {
            _ if call.namespace.is_empty() => &mut self.found.stubs.globals,
            Some(Some(offer)) => self.found.stubs.files.entry(offer.file.clone()).or_default(),
            Some(None) | None => self.found.stubs.modules.entry(module).or_default(),
        };
        stubs.insert(stub);
    }

    /// A function of the script's own would silently stand before that of mops.
    fn shadows(&mut self) {
        let text = self.texts.text(self.source);
        for name in self.own.iter().map(|it| &it.0).filter(|it| self.known.table.globals.contains_key(*it)) {
            let start = text.find(&format!("fn {name}")).map_or(0, |it| it + "fn ".len());
            let span = crate::texts::span(self.source, start, start + name.len());
            let found =
                Diagnostic::error("eval::duplicate", format!("`{name}` is a function of mops already"));
            self.found.findings.push(found.at(span, "declared again here").help("give it another name"));
        }
    }

    fn text(&mut self, text: &str, at: Position) {
        if Text::is_marked(text) || text.contains(BROKEN) {
            let message = "text cannot hold the private-use characters U+E000 to U+E002";
            let span = self.texts.token(self.source, at);
            self.found.findings.push(
                Diagnostic::error("eval::reserved-character", message)
                    .at(span, "here")
                    .help("mops marks values with them; take them away"),
            );
        }
    }

    /// The name of the function, its module before it.
    fn span(&self, call: &FnCallExpr, at: Position) -> Span {
        let name = self.texts.token(self.source, at);
        match call.namespace.is_empty() {
            true => name,
            false => {
                let start = self.texts.token(self.source, call.namespace.position());
                let text = self.texts.text(self.source);
                let from = start.start as usize;
                let end = text[from..]
                    .find(call.name.as_str())
                    .map_or(name.end as usize, |it| from + it + call.name.len());
                crate::texts::span(self.source, from, end)
            }
        }
    }
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "one argument".to_owned(),
        count => format!("{count} arguments"),
    }
}
