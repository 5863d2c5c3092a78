//! Tokens as a tree of brackets, which is all of the grammar that the formatter knows.

use crate::lexer::{Token, TokenKind};

/// A part of a script.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Leaf(Leaf<'a>),
    Group(Group<'a>),
}

/// A token, a comment, or a text with the values in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf<'a> {
    pub(crate) kind: TokenKind,
    pub(crate) text: &'a str,
    /// Line breaks before it.
    pub(crate) breaks: usize,
    /// Whether it touches what is before it.
    pub(crate) joined: bool,
}

/// What stands between two brackets, and the brackets.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) shape: Shape,
    /// Where it opens: what tells it from others.
    pub(crate) at: usize,
    pub(crate) open: Leaf<'a>,
    pub(crate) inner: Vec<Node<'a>>,
    pub(crate) close: Leaf<'a>,
}

/// What brackets mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `#{ key: value }`
    Map,
    /// `[value]` where a value may stand.
    Array,
    /// `[index]` after a value.
    Index,
    /// `(…)`
    Parentheses,
    /// `{ statements }`
    Block,
    /// `{ value => value }`
    Cases,
}

impl<'a> Node<'a> {
    /// Line breaks before it.
    pub(crate) fn breaks(&self) -> usize {
        match self {
            Self::Leaf(it) => it.breaks,
            Self::Group(it) => it.open.breaks,
        }
    }

    pub(crate) fn is_comment(&self) -> bool {
        matches!(self, Self::Leaf(it) if it.is_comment())
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self, Self::Leaf(it) if it.text == text && it.kind != TokenKind::Text)
    }

    pub(crate) fn is_block(&self) -> bool {
        matches!(self, Self::Group(it) if matches!(it.shape, Shape::Block | Shape::Cases))
    }

    /// Its first token.
    pub(crate) fn first(&self) -> Leaf<'a> {
        match self {
            Self::Leaf(it) => *it,
            Self::Group(it) => it.open,
        }
    }
}

impl Leaf<'_> {
    pub(crate) fn is_comment(&self) -> bool {
        match self.kind {
            TokenKind::LineComment | TokenKind::BlockComment | TokenKind::OpenComment => true,
            TokenKind::Space
            | TokenKind::Name
            | TokenKind::Keyword
            | TokenKind::Number
            | TokenKind::Text
            | TokenKind::OpenText
            | TokenKind::TextStart
            | TokenKind::TextMiddle
            | TokenKind::TextEnd
            | TokenKind::Operator
            | TokenKind::Unknown => false,
        }
    }

    /// Whether a value ends with it, so that an operator after it has two sides.
    pub(crate) fn ends_value(&self) -> bool {
        const VALUES: [&str; 14] = [
            "this",
            "true",
            "false",
            "Fn",
            "call",
            "curry",
            "debug",
            "eval",
            "is_def_fn",
            "is_def_var",
            "is_shared",
            "print",
            "type_of",
            "global",
        ];
        match self.kind {
            TokenKind::Name | TokenKind::Number | TokenKind::Text => true,
            TokenKind::Keyword => VALUES.contains(&self.text),
            TokenKind::Operator => matches!(self.text, ")" | "]" | "}"),
            TokenKind::Space
            | TokenKind::LineComment
            | TokenKind::BlockComment
            | TokenKind::OpenComment
            | TokenKind::OpenText
            | TokenKind::TextStart
            | TokenKind::TextMiddle
            | TokenKind::TextEnd
            | TokenKind::Unknown => false,
        }
    }
}

/// The tree of `tokens`; none when brackets do not match.
pub(crate) fn tree<'a>(text: &'a str, tokens: &[Token]) -> Option<Vec<Node<'a>>> {
    let mut leaves = leaves(text, tokens).into_iter().enumerate();
    let mut open: Vec<(Shape, usize, Leaf<'a>, Vec<Node<'a>>)> = Vec::new();
    let mut nodes: Vec<Node<'a>> = Vec::new();
    let mut last: Option<Leaf<'a>> = None;
    // For each open bracket: whether `switch` was read and its cases are to come.
    let mut switches = vec![false];
    for (at, leaf) in leaves.by_ref() {
        let is_operator = leaf.kind == TokenKind::Operator;
        let after_value = last.is_some_and(|it| it.ends_value());
        let shape = match leaf.text {
            _ if !is_operator => None,
            "#{" => Some(Shape::Map),
            "(" => Some(Shape::Parentheses),
            "?[" => Some(Shape::Index),
            "[" if after_value => Some(Shape::Index),
            "[" => Some(Shape::Array),
            "{" if switches.last().is_some_and(|it| *it) => Some(Shape::Cases),
            "{" => Some(Shape::Block),
            _ => None,
        };
        match (shape, leaf.text) {
            (Some(shape), _) => {
                if shape == Shape::Cases {
                    switches.pop();
                    switches.push(false);
                }
                switches.push(false);
                open.push((shape, at, leaf, std::mem::take(&mut nodes)));
            }
            (None, ")" | "]" | "}") if is_operator => {
                let (shape, at, opening, before) = open.pop()?;
                switches.pop();
                let inner = std::mem::replace(&mut nodes, before);
                nodes.push(Node::Group(Group { shape, at, open: opening, inner, close: leaf }));
            }
            (None, _) => {
                if leaf.text == "switch" && leaf.kind == TokenKind::Keyword {
                    switches.pop();
                    switches.push(true);
                }
                nodes.push(Node::Leaf(leaf));
            }
        }
        if !leaf.is_comment() {
            last = Some(leaf);
        }
    }
    open.is_empty().then_some(nodes)
}

/// The tokens without blanks, texts with values in them as one.
fn leaves<'a>(text: &'a str, tokens: &[Token]) -> Vec<Leaf<'a>> {
    let mut leaves = Vec::new();
    let (mut breaks, mut depth, mut start, mut joined) = (0, 0_usize, 0, false);
    for token in tokens {
        match token.kind {
            TokenKind::TextStart => {
                if depth == 0 {
                    start = token.span.start as usize;
                }
                depth += 1;
            }
            TokenKind::TextEnd => {
                depth -= 1;
                if depth == 0 {
                    let whole = &text[start..token.span.end as usize];
                    leaves.push(Leaf { kind: TokenKind::Text, text: whole, breaks, joined });
                    (breaks, joined) = (0, true);
                }
            }
            _ if depth > 0 => (),
            TokenKind::Space => {
                let blank = token.text(text);
                // A lone carriage return ends a line, too, as far as Rhai's comments go.
                breaks = blank.matches('\n').count().max(usize::from(blank.contains('\r')));
                joined = false;
            }
            kind => {
                leaves.push(Leaf { kind, text: token.text(text).trim_end(), breaks, joined });
                (breaks, joined) = (0, true);
            }
        }
    }
    leaves
}
