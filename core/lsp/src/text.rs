//! Positions as editors count them (lines from 0, columns in UTF-16 units), and places of files as they name them.

use std::path::{Path, PathBuf};

use lsp_types::{Position, Range, Uri};
use mops_eval::{Cursor, Token, tokens};
use mops_model::{SourceId, Span};

/// One text with its lines and tokens.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) content: String,
    pub(crate) tokens: Vec<Token>,
    /// The first byte of each line.
    lines: Vec<usize>,
}

impl Text {
    pub(crate) fn new(content: String) -> Self {
        let lines = std::iter::once(0).chain(content.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { tokens: tokens(SourceId(0), &content), lines, content }
    }

    /// What is open at byte `offset`.
    pub(crate) fn cursor(&self, offset: usize) -> Cursor<'_> {
        Cursor::new(&self.content, &self.tokens, offset)
    }

    /// The byte at `position`; a column behind the end of its line is that end.
    pub(crate) fn offset(&self, position: Position) -> usize {
        let Some(start) = self.lines.get(position.line as usize) else { return self.content.len() };
        let line = self.content[*start..].split('\n').next().unwrap_or("");
        let mut units = position.character as usize;
        for (at, c) in line.char_indices() {
            if units == 0 {
                return start + at;
            }
            units = units.saturating_sub(c.len_utf16());
        }
        start + line.len()
    }

    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let before = self.content.get(self.lines[line]..offset).unwrap_or("");
        Position { line: number(line), character: number(before.encode_utf16().count()) }
    }

    pub(crate) fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start as usize), end: self.position(span.end as usize) }
    }

    /// Replaces what is in `range`, or everything.
    pub(crate) fn change(&self, range: Option<Range>, with: &str) -> Self {
        match range {
            None => Self::new(with.to_owned()),
            Some(range) => {
                let (start, end) = (self.offset(range.start), self.offset(range.end));
                Self::new(format!("{}{with}{}", &self.content[..start], &self.content[end.max(start)..]))
            }
        }
    }
}

fn number(it: usize) -> u32 {
    u32::try_from(it).unwrap_or(u32::MAX)
}

/// The file that `uri` names; none for what is no file.
pub(crate) fn path_of(uri: &Uri) -> Option<PathBuf> {
    let encoded = uri.as_str().strip_prefix("file://")?;
    let path = &encoded[encoded.find('/')?..];
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match digits.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            Some(_) | None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

/// How editors name the file at `path`, which is absolute.
pub(crate) fn uri_of(path: &Path) -> Option<Uri> {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"/-._~".contains(&it);
    let encode = |it: u8| if is_plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") };
    let encoded: String = path.to_str()?.bytes().map(encode).collect();
    format!("file://{encoded}").parse().ok()
}

#[cfg(test)]
mod tests {
    //! Columns are UTF-16 units, paths survive.

    use std::path::Path;

    use lsp_types::Position;

    use super::{Text, path_of, uri_of};

    #[test]
    fn columns_count_utf16_units() {
        let text = Text::new("a\n\"é𝄞\" x".to_owned());
        let x = text.content.find('x').unwrap();
        assert_eq!(text.position(x), Position { line: 1, character: 6 });
        assert_eq!(text.offset(Position { line: 1, character: 6 }), x);
        assert_eq!(text.offset(Position { line: 1, character: 99 }), text.content.len());
    }

    #[test]
    fn a_path_with_blanks_survives() {
        let path = Path::new("/tmp/my shop/ü.rhai");
        assert_eq!(path_of(&uri_of(path).unwrap()).as_deref(), Some(path));
    }
}
