//! Whether two texts are the same script, whatever their layout.
//!
//! **Invariant:** texts that Rhai reads as different programs are never the same; a wrong answer errs that way.

use std::{collections::BTreeMap, panic::resume_unwind, thread};

use rhai::{AST, Engine, OptimizationLevel, ParseError};

use crate::STACK;

/// What Rhai calls closures: this and a hash, which depends on where they stand.
const CLOSURE: &str = "anon$";
/// Digits of the hash.
const HASH: usize = 16;

/// Whether `one` and `other` are read as the same program: the same statements and functions with the same
/// documentation, wherever they stand. Texts with a syntax error mean nothing, and are never the same.
///
/// # Panics
/// When no thread can be started.
pub fn same_meaning(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_owned(), other.to_owned());
    with_stack(move || match (parse(&one), parse(&other)) {
        (Ok(one), Ok(other)) => shape(&one) == shape(&other),
        (Err(_), _) | (_, Err(_)) => false,
    })
}

/// What Rhai refuses in `text`, if anything.
pub(crate) fn syntax_error(text: &str) -> Option<ParseError> {
    let text = text.to_owned();
    with_stack(move || parse(&text).err())
}

/// Nested expressions need more stack than a thread has by default.
fn with_stack<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().stack_size(STACK).spawn(job).expect("a thread can be started");
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

fn parse(text: &str) -> Result<AST, ParseError> {
    // Closures are named by hash: the seed is the one that evaluation sets.
    let _is_first = rhai::config::hashing::set_hashing_seed(Some(crate::SEED)).is_ok();
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_expr_depths(256, 128);
    engine.compile(text)
}

/// The tree in words, without places and without the names of closures: instead of its name stands the closure.
fn shape(ast: &AST) -> String {
    let whole = without_places(&format!("{ast:?}"));
    let mut functions: Vec<String> = ast
        .iter_functions()
        .map(|it| format!("{:?} {} {:?} {:?}", it.access, it.name, it.params, it.comments))
        .filter(|it| !it.contains(CLOSURE))
        .collect();
    functions.sort();
    let (main, closures) = apart(&whole);
    format!("{}\n{functions:?}", inlined(&main, &closures, 0))
}

/// The parts of a printed tree: what is no closure, in a fixed order, and each closure by its name.
fn apart(whole: &str) -> (String, BTreeMap<&str, &str>) {
    let mut main = Vec::new();
    let mut closures = BTreeMap::new();
    for part in fields(whole) {
        match part.strip_prefix(CLOSURE).and_then(|it| it.get(HASH..)) {
            Some(body) => drop(closures.insert(&part[..CLOSURE.len() + HASH], body)),
            None => main.push(part),
        }
    }
    main.sort_unstable();
    (main.join("\n"), closures)
}

/// The fields of the outermost structure: what stands between commas outside of all inner brackets and texts.
fn fields(whole: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    let mut quote = Quote::default();
    for (at, c) in whole.char_indices() {
        if quote.is_within(c) {
            continue;
        }
        match c {
            '(' | '[' | '{' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            ')' | ']' | '}' if depth == 1 => {
                fields.push(whole[start..at].trim());
                return fields;
            }
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 1 => {
                fields.push(whole[start..at].trim());
                start = at + 1;
            }
            _ => (),
        }
    }
    fields
}

/// Puts each closure in the place of its name. They nest as deep as their text does, which Rhai bounds.
fn inlined(text: &str, closures: &BTreeMap<&str, &str>, depth: usize) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(CLOSURE) {
        result.push_str(&rest[..at]);
        let name = rest.get(at..at + CLOSURE.len() + HASH);
        match name.and_then(|it| closures.get(it)).filter(|_| depth < 256) {
            Some(body) => {
                result.push_str(&inlined(body, closures, depth + 1));
                rest = &rest[at + CLOSURE.len() + HASH..];
            }
            None => {
                result.push_str(CLOSURE);
                rest = &rest[at + CLOSURE.len()..];
            }
        }
    }
    result + rest
}

/// Takes away `12:34` and `12:34-56` outside of texts: nothing else is printed so.
fn without_places(printed: &str) -> String {
    let mut result = String::with_capacity(printed.len());
    let mut quote = Quote::default();
    let mut rest = printed;
    while let Some(c) = rest.chars().next() {
        let is_text = quote.is_within(c);
        let after_word = result.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let place = if is_text || after_word || !c.is_ascii_digit() { 0 } else { place_length(rest) };
        match place {
            0 => {
                result.push(c);
                rest = &rest[c.len_utf8()..];
            }
            length => rest = &rest[length..],
        }
    }
    result
}

/// The length of a place at the start of `text`; 0 when there is none.
fn place_length(text: &str) -> usize {
    let digits = |at: usize| text[at..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - at);
    let mut at = digits(0);
    if !text[at..].starts_with(':') || digits(at + 1) == 0 {
        return 0;
    }
    at += 1 + digits(at + 1);
    if text[at..].starts_with('-') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
        if text[at..].starts_with(':') && digits(at + 1) > 0 {
            at += 1 + digits(at + 1);
        }
    }
    at
}

/// Follows quotes in what Rust prints.
#[derive(Default)]
struct Quote {
    open: Option<char>,
    escaped: bool,
}

impl Quote {
    /// Whether `c`, which comes next, belongs to a quoted text.
    fn is_within(&mut self, c: char) -> bool {
        match self.open {
            None if matches!(c, '"' | '\'') => self.open = Some(c),
            None => return false,
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if c == '\\' => self.escaped = true,
            Some(open) if c == open => self.open = None,
            Some(_) => (),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    //! Which texts are the same script.

    use super::same_meaning;

    #[test]
    fn layout_and_comments_do_not_matter() {
        assert!(same_meaning(
            "let a = [1, |x| x + 1];f(a)",
            "// A\nlet a = [\n  1,\n  |x| x + 1,\n];\n\nf( a )"
        ));
        assert!(same_meaning("f(|| h()); g(|| k());", "f(||\n\n\nh());\ng(||\n    k());"));
        assert!(same_meaning("fn a() { 1 } fn b() { 2 }", "fn b() { 2 }\nfn a() { 1 }"));
    }

    #[test]
    fn values_names_and_order_matter() {
        let pairs = [
            ("f(\"1:2\")", "f(\"1:3\")"),
            ("f(12)", "f(1)"),
            ("f('1')", "f('2')"),
            ("f(); g();", "g(); f();"),
            ("[1].map(|x| x + 1)", "[1].map(|x| x + 2)"),
            ("f(|| [|x| x, |y| 2])", "f(|| [|y| 2, |x| x])"),
            ("1 - 1", "1; -1"),
            ("/// A\nfn a() { 1 }", "/// B\nfn a() { 1 }"),
            ("let a = 1;", "let a = ;"),
            ("switch x { 1 => 2, 3 => 4 }", "switch x { 3 => 2, 1 => 4 }"),
        ];
        for (one, other) in pairs {
            assert!(!same_meaning(one, other), "{one} is {other}");
            assert_eq!(same_meaning(one, one), !one.contains("= ;"), "{one}");
        }
    }
}
