//! Lays out a tree of brackets.
//!
//! **Invariant:** a line that fits stays as it was broken by whoever wrote it, so that formatting twice changes nothing.

use std::collections::BTreeSet;

use super::{
    gap::{Place, gap},
    tree::{Group, Leaf, Node, Shape},
};
use crate::lexer::TokenKind;

/// Columns of a line.
pub(crate) const WIDTH: usize = 110;
/// Columns of one step to the right.
const STEP: usize = 4;
/// Words whose block ends a statement.
const BLOCK_WORDS: [&str; 10] = ["if", "for", "while", "loop", "do", "fn", "private", "switch", "try", "{"];
/// What a statement goes on with after its block.
const ON: [&str; 12] = ["else", "catch", ".", "?.", ";", ",", "=", "==", "!=", "&&", "||", "??"];

/// A group that was kept on one line, and how deep and on which line it stands.
struct Flat {
    at: usize,
    line: usize,
    depth: usize,
}

/// Writes lines.
pub(crate) struct Printer {
    out: String,
    /// Groups that are broken because a line would be too long.
    broken: BTreeSet<usize>,
    flat: Vec<Flat>,
    depth: usize,
    /// Steps that the line being written is indented by.
    indent: usize,
    last: Option<(Last, Place)>,
    must_break: bool,
}

/// The last token written; its text is kept because it decides about blanks.
struct Last {
    kind: TokenKind,
    text: String,
}

/// The script `nodes` as text.
pub(crate) fn print(nodes: &[Node<'_>]) -> String {
    let mut text = String::new();
    for (i, statement) in statements(nodes).into_iter().enumerate() {
        if i > 0 && statement.nodes.first().is_some_and(|it| it.breaks() > 1) {
            text.push('\n');
        }
        text.push_str(&statement_text(&statement));
        text.push('\n');
    }
    text
}

/// One statement of the script with what it contains, its long lines broken where they can be.
fn statement_text(statement: &Entry<'_, '_>) -> String {
    let mut broken = BTreeSet::new();
    loop {
        let mut printer = Printer {
            out: String::new(),
            broken: broken.clone(),
            flat: Vec::new(),
            depth: 0,
            indent: 0,
            last: None,
            must_break: false,
        };
        printer.entry(statement);
        let is_long =
            |line: usize| printer.out.split('\n').nth(line).is_some_and(|it| it.chars().count() > WIDTH);
        let long = printer.flat.iter().filter(|it| is_long(it.line));
        let outermost = long.min_by_key(|it| (it.line, it.depth, usize::MAX - it.at)).map(|it| it.at);
        match outermost {
            Some(group) => broken.insert(group),
            None => return printer.out,
        };
    }
}

/// A statement of a block, or a value of a list, with its comments.
struct Entry<'a, 'b> {
    nodes: Vec<&'b Node<'a>>,
    /// Whether a comma stood after it.
    has_comma: bool,
    /// Comments after it on its line.
    after: Vec<&'b Node<'a>>,
}

impl<'a, 'b> Entry<'a, 'b> {
    /// A comment on lines of its own.
    fn alone(comment: &'b Node<'a>) -> Self {
        Self { nodes: vec![comment], has_comma: false, after: Vec::new() }
    }

    fn is_comment(&self) -> bool {
        self.nodes.iter().all(|it| it.is_comment())
    }
}

/// Splits the inside of a block: after each `;`, and after a block that ends its statement.
fn statements<'a, 'b>(nodes: &'b [Node<'a>]) -> Vec<Entry<'a, 'b>> {
    let mut entries: Vec<Entry<'a, 'b>> = Vec::new();
    let mut current: Vec<&Node<'a>> = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        if node.is_comment() && current.is_empty() {
            match entries.last_mut() {
                Some(last) if node.breaks() == 0 => last.after.push(node),
                Some(_) | None => entries.push(Entry::alone(node)),
            }
            continue;
        }
        current.push(node);
        let next = nodes[i + 1..].iter().find(|it| !it.is_comment());
        let starts_block = BLOCK_WORDS.contains(&current[0].first().text);
        let is_do = current[0].is("do");
        let goes_on = next
            .is_some_and(|it| ON.contains(&it.first().text) || (is_do && (it.is("while") || it.is("until"))));
        if node.is(";") || (starts_block && node.is_block() && !goes_on) {
            let nodes = std::mem::take(&mut current);
            entries.push(Entry { nodes, has_comma: false, after: Vec::new() });
        }
    }
    if !current.is_empty() {
        entries.push(Entry { nodes: current, has_comma: false, after: Vec::new() });
    }
    entries
}

/// Splits the inside of a list at its commas; a case that ends with a block needs none.
fn values<'a, 'b>(group: &'b Group<'a>) -> Vec<Entry<'a, 'b>> {
    let mut entries: Vec<Entry<'a, 'b>> = Vec::new();
    let mut current: Vec<&Node<'a>> = Vec::new();
    let mut after_arrow = false;
    for (i, node) in group.inner.iter().enumerate() {
        if node.is_comment() && current.is_empty() {
            match entries.last_mut() {
                Some(last) if node.breaks() == 0 => last.after.push(node),
                Some(_) | None => entries.push(Entry::alone(node)),
            }
            continue;
        }
        if node.is(",") {
            entries.push(split(std::mem::take(&mut current), true));
            continue;
        }
        current.push(node);
        let has_comma_next =
            group.inner[i + 1..].iter().find(|it| !it.is_comment()).is_some_and(|it| it.is(","));
        if group.shape == Shape::Cases && after_arrow && node.is_block() && !has_comma_next {
            entries.push(split(std::mem::take(&mut current), false));
        }
        after_arrow = node.is("=>");
    }
    if !current.is_empty() {
        entries.push(split(current, false));
    }
    entries
}

/// Comments between a value and its comma stand after the comma.
fn split<'a, 'b>(mut nodes: Vec<&'b Node<'a>>, has_comma: bool) -> Entry<'a, 'b> {
    let end = nodes.iter().rposition(|it| !it.is_comment()).map_or(0, |it| it + 1);
    let after = nodes.split_off(end);
    Entry { nodes, has_comma, after }
}

impl Printer {
    /// Statements of a block, a line each.
    fn statements(&mut self, nodes: &[Node<'_>], indent: usize) {
        for (i, entry) in statements(nodes).into_iter().enumerate() {
            self.line(indent, i > 0 && entry.nodes.first().is_some_and(|it| it.breaks() > 1));
            self.entry(&entry);
        }
    }

    fn entry(&mut self, entry: &Entry<'_, '_>) {
        self.nodes(&entry.nodes, self.indent + 1);
        self.comments(&entry.after);
    }

    /// Comments that stay on the line of what is before them.
    fn comments(&mut self, comments: &[&Node<'_>]) {
        for comment in comments {
            if let Node::Leaf(leaf) = comment {
                self.leaf(*leaf, Place::Plain);
            }
        }
    }

    /// The parts of one statement or value; breaks of lines stay, what follows them is indented by `indent`.
    fn nodes(&mut self, nodes: &[&Node<'_>], indent: usize) {
        let mut bars = 0;
        for (i, node) in nodes.iter().enumerate() {
            if i > 0 && node.breaks() > 0 && may_break(nodes[i - 1], node) {
                self.line(indent, false);
            }
            if self.must_break && i > 0 {
                self.line(indent, false);
            }
            match node {
                Node::Group(group) => self.group(group),
                Node::Leaf(leaf) => {
                    let place = self.place(*leaf, &mut bars);
                    self.leaf(*leaf, place);
                }
            }
        }
    }

    fn place(&self, leaf: Leaf<'_>, bars: &mut usize) -> Place {
        let last = self.last.as_ref().map(|(it, _)| Leaf {
            kind: it.kind,
            text: &it.text,
            breaks: 0,
            joined: false,
        });
        let after_value = last.is_some_and(|it| it.ends_value());
        match leaf.text {
            "|" if leaf.kind == TokenKind::Operator && *bars > 0 => {
                *bars -= 1;
                Place::CloseBar
            }
            "|" if leaf.kind == TokenKind::Operator && !after_value => {
                *bars += 1;
                Place::OpenBar
            }
            "+" | "-" | "!" if leaf.kind == TokenKind::Operator && !after_value => Place::Prefix,
            _ => Place::Plain,
        }
    }

    fn group(&mut self, group: &Group<'_>) {
        let base = self.indent;
        let is_broken = self.is_broken(group);
        self.leaf(group.open, Place::Plain);
        self.depth += 1;
        match group.shape {
            Shape::Block if is_broken => {
                self.statements(&group.inner, base + 1);
                self.line(base, false);
            }
            Shape::Map | Shape::Cases | Shape::Array if is_broken => {
                self.lines(group, base);
                self.line(base, false);
            }
            Shape::Block => self.nodes(&group.inner.iter().collect::<Vec<_>>(), base + 1),
            Shape::Map | Shape::Array => self.row(group),
            Shape::Cases | Shape::Index | Shape::Parentheses => {
                let is_first_below = group.inner.first().is_some_and(|it| it.breaks() > 0);
                if is_first_below {
                    self.line(base + 1, false);
                }
                self.nodes(&group.inner.iter().collect::<Vec<_>>(), base + 1);
                if self.must_break || (group.close.breaks > 0 && !group.inner.is_empty()) {
                    self.line(base, false);
                }
            }
        }
        self.depth -= 1;
        self.leaf(group.close, Place::Plain);
    }

    /// A value a line; of a list, as many a line as there were.
    fn lines(&mut self, group: &Group<'_>, base: usize) {
        let entries = values(group);
        let last = entries.iter().rposition(|it| !it.is_comment());
        let was_on_one_line = !is_open(group);
        for (i, entry) in entries.iter().enumerate() {
            let breaks = entry.nodes.first().map_or(0, |it| it.breaks());
            let stays = group.shape == Shape::Array && i > 0 && breaks == 0 && !was_on_one_line;
            if !stays || self.must_break {
                self.line(base + 1, i > 0 && breaks > 1);
            }
            self.nodes(&entry.nodes, base + 2);
            let adds_comma = group.shape != Shape::Cases && Some(i) == last;
            if entry.has_comma || (adds_comma && !entry.is_comment()) {
                self.comma();
            }
            self.comments(&entry.after);
        }
    }

    /// All values on one line, without a comma after the last.
    fn row(&mut self, group: &Group<'_>) {
        let entries = values(group);
        let count = entries.len();
        for (i, entry) in entries.iter().enumerate() {
            self.nodes(&entry.nodes, self.indent + 1);
            if i + 1 < count {
                self.comma();
            }
            self.comments(&entry.after);
        }
    }

    /// Whether a group takes several lines.
    fn is_broken(&mut self, group: &Group<'_>) -> bool {
        let must = match group.shape {
            Shape::Index | Shape::Parentheses => return false,
            Shape::Map | Shape::Cases => has_break(group),
            Shape::Array => is_open(group),
            Shape::Block => has_break(group) || has_statements(group),
        };
        let is_broken = !group.inner.is_empty() && (must || self.broken.contains(&group.at));
        if !is_broken && !group.inner.is_empty() {
            let line = self.out.matches('\n').count();
            self.flat.push(Flat { at: group.at, line, depth: self.depth });
        }
        is_broken
    }

    /// Begins a line.
    fn line(&mut self, indent: usize, blank: bool) {
        self.must_break = false;
        self.last = None;
        self.indent = indent;
        if self.out.is_empty() {
            return;
        }
        self.out.push_str(if blank { "\n\n" } else { "\n" });
        self.out.push_str(&" ".repeat(indent * STEP));
    }

    fn comma(&mut self) {
        self.leaf(Leaf { kind: TokenKind::Operator, text: ",", breaks: 0, joined: false }, Place::Plain);
    }

    fn leaf(&mut self, leaf: Leaf<'_>, place: Place) {
        if self.must_break {
            self.line(self.indent, false);
        }
        if let Some((last, last_place)) = &self.last {
            let before = Leaf { kind: last.kind, text: &last.text, breaks: 0, joined: false };
            if gap((before, *last_place), (leaf, place), leaf.joined) {
                self.out.push(' ');
            }
        }
        self.out.push_str(leaf.text);
        self.must_break = leaf.kind == TokenKind::LineComment;
        self.last = Some((Last { kind: leaf.kind, text: leaf.text.to_owned() }, place));
    }
}

/// Whether a break of the line between two parts of a statement stays.
fn may_break(before: &Node<'_>, node: &Node<'_>) -> bool {
    let joins = [";", ",", "else", "catch", "(", ")", "]", "::"].iter().any(|it| node.first().text == *it);
    before.is_comment() || !(joins || node.is_block())
}

/// Whether a line breaks anywhere between the brackets, or a comment needs one.
fn has_break(group: &Group<'_>) -> bool {
    let inside = |it: &Node<'_>| match it {
        Node::Leaf(leaf) => leaf.breaks > 0 || leaf.kind == TokenKind::LineComment,
        Node::Group(inner) => inner.open.breaks > 0 || has_break(inner) || has_statements(inner),
    };
    group.close.breaks > 0 || group.inner.iter().any(inside)
}

/// Whether a group takes several lines because of its statements.
fn has_statements(group: &Group<'_>) -> bool {
    group.shape == Shape::Block && statements(&group.inner).len() > 1
}

/// Whether a line breaks between the values of a list themselves.
fn is_open(group: &Group<'_>) -> bool {
    let is_comment = |it: &Node<'_>| matches!(it, Node::Leaf(leaf) if leaf.kind == TokenKind::LineComment);
    group.close.breaks > 0 || group.inner.iter().any(|it| it.breaks() > 0 || is_comment(it))
}
