//! Inputs made from others: texts by their tokens, messages by their bytes.

use mops_eval::tokens;
use mops_model::SourceId;
use proptest::prelude::*;

/// The longest input that is made.
const LONGEST: usize = 256 << 10;

/// A place in a sequence of any length: its fraction of 65,536.
type At = u16;

/// One change to a sequence.
#[derive(Clone, Debug)]
enum Change {
    Remove(At, u8),
    Repeat(At, u8, u8),
    Swap(At, At),
    /// Puts a word in.
    Insert(At, At),
    /// Puts a word in the place of another.
    Replace(At, At),
    /// Puts in a piece of another input.
    Splice(At, At, At, u8),
    /// Puts in a word many times.
    Nest(At, At, u16),
    Bytes(At, Vec<u8>),
    Cut(At),
    /// Puts another of its kind in the place of a piece, from another input.
    Kin(At, At, At),
    /// Puts in a whole line of another input.
    Line(At, At, At),
}

/// What inputs are made from.
pub(crate) struct Material<T> {
    /// Whole inputs.
    pub(crate) inputs: Vec<Vec<T>>,
    /// What is put in.
    pub(crate) words: Vec<Vec<T>>,
    /// What is put in many times.
    pub(crate) openers: Vec<Vec<T>>,
}

/// What an input is a sequence of.
pub(crate) trait Piece: Clone + std::fmt::Debug {
    /// Any bytes as such a sequence.
    fn of(bytes: &[u8]) -> Vec<Self>;

    /// Adds its bytes to `bytes`.
    fn write(&self, bytes: &mut Vec<u8>);

    /// Whether the two may often stand for each other.
    fn is_kin(&self, other: &Self) -> bool;

    /// Whether a line ends with it.
    fn ends_line(&self) -> bool;
}

impl Piece for String {
    fn of(bytes: &[u8]) -> Vec<Self> {
        vec![Self::from_utf8_lossy(bytes).into_owned()]
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }

    fn is_kin(&self, other: &Self) -> bool {
        let kind = |it: &Self| match it.chars().next() {
            Some(c) if c.is_alphabetic() => 'a',
            Some(c) if c.is_ascii_digit() => '0',
            Some(c) if c.is_whitespace() => ' ',
            Some(c) => c,
            None => ' ',
        };
        kind(self) == kind(other)
    }

    fn ends_line(&self) -> bool {
        self.contains('\n')
    }
}

impl Piece for u8 {
    fn of(bytes: &[u8]) -> Vec<Self> {
        bytes.to_vec()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self);
    }

    /// Headers of one kind have their upper bits in common; so have letters.
    fn is_kin(&self, other: &Self) -> bool {
        self >> 4 == other >> 4
    }

    fn ends_line(&self) -> bool {
        false
    }
}

/// The tokens of a script.
pub(crate) fn words(text: &str) -> Vec<String> {
    tokens(SourceId(0), text)
        .iter()
        .map(|it| text[it.span.start as usize..it.span.end as usize].to_owned())
        .collect()
}

/// Inputs made from `material` by up to eight changes each; the simplest is the first input as it stands.
pub(crate) fn inputs<T: Piece>(material: &Material<T>) -> impl Strategy<Value = Vec<u8>> {
    (any::<At>(), prop::collection::vec(change(), 0..9)).prop_map(|(first, changes)| {
        let mut parts = material.inputs[place(material.inputs.len(), first)].clone();
        for change in changes {
            apply(&mut parts, change, material);
        }
        let mut bytes = Vec::new();
        for part in &parts {
            part.write(&mut bytes);
        }
        bytes.truncate(LONGEST);
        bytes
    })
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<At>;
    // What keeps the form of an input gets further with it than what breaks it.
    prop_oneof![
        24 => (at(), at(), at()).prop_map(|(at, input, from)| Change::Kin(at, input, from)),
        12 => (at(), at(), at()).prop_map(|(at, input, from)| Change::Line(at, input, from)),
        1 => (at(), 1_u8..9).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at(), 1_u8..17, 1_u8..40).prop_map(|(at, count, times)| Change::Repeat(at, count, times)),
        1 => (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        1 => (at(), at()).prop_map(|(at, word)| Change::Insert(at, word)),
        1 => (at(), at()).prop_map(|(at, word)| Change::Replace(at, word)),
        1 => (at(), at(), at(), 1_u8..65)
            .prop_map(|(at, input, from, count)| Change::Splice(at, input, from, count)),
        1 => (at(), at(), 1_u16..3_000).prop_map(|(at, word, depth)| Change::Nest(at, word, depth)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..17)).prop_map(|(at, bytes)| Change::Bytes(at, bytes)),
        1 => at().prop_map(Change::Cut),
    ]
}

fn apply<T: Piece>(parts: &mut Vec<T>, change: Change, material: &Material<T>) {
    if parts.is_empty() {
        parts.extend(T::of(b" "));
    }
    let index = |at| place(parts.len(), at);
    let range = |at, count: u8| index(at)..(index(at) + usize::from(count)).min(parts.len());
    let one = |words: &[Vec<T>], at| words[place(words.len(), at)].clone();
    let (range, more) = match change {
        Change::Remove(at, count) => (range(at, count), Vec::new()),
        Change::Repeat(at, count, times) => {
            (index(at)..index(at), again(&parts[range(at, count)], times.into()))
        }
        Change::Swap(at, other) => {
            let (at, other) = (index(at), index(other));
            parts.swap(at, other);
            return;
        }
        Change::Insert(at, word) => (index(at)..index(at), one(&material.words, word)),
        Change::Replace(at, word) => (range(at, 1), one(&material.words, word)),
        Change::Splice(at, input, from, count) => {
            let input = &material.inputs[place(material.inputs.len(), input)];
            let piece = input[place(input.len(), from)..].iter().take(usize::from(count));
            (index(at)..index(at), piece.cloned().collect())
        }
        Change::Nest(at, opener, depth) => {
            (index(at)..index(at), again(&one(&material.openers, opener), depth.into()))
        }
        Change::Bytes(at, bytes) => (index(at)..index(at), T::of(&bytes)),
        Change::Cut(at) => (index(at)..parts.len(), Vec::new()),
        Change::Kin(at, input, from) => {
            let input = &material.inputs[place(material.inputs.len(), input)];
            let kin = input[place(input.len(), from)..].iter().find(|it| it.is_kin(&parts[index(at)]));
            (range(at, 1), vec![kin.unwrap_or(&parts[index(at)]).clone()])
        }
        Change::Line(at, input, from) => {
            let input = &material.inputs[place(material.inputs.len(), input)];
            let at = after_line(parts, index(at));
            let from = after_line(input, place(input.len(), from));
            (at..at, input[from..after_line(input, from)].to_vec())
        }
    };
    parts.splice(range, more);
}

/// Where the line that the piece at `at` belongs to has ended.
fn after_line<T: Piece>(pieces: &[T], at: usize) -> usize {
    let rest = &pieces[at..];
    at + rest.iter().position(T::ends_line).map_or(rest.len(), |it| it + 1)
}

fn again<T: Clone>(pieces: &[T], times: usize) -> Vec<T> {
    pieces.iter().cycle().take(pieces.len() * times).cloned().collect()
}

fn place(length: usize, at: At) -> usize {
    length * usize::from(at) / (usize::from(At::MAX) + 1)
}
