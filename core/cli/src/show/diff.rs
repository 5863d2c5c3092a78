//! Differences between rendered files, line by line.

use similar::{ChangeTag, TextDiff};

use super::{GREEN, RED, styled};

/// Lines shown around a change.
const AROUND: usize = 1;
/// The longest difference shown, in lines; `--json` has all of it.
const LONGEST: usize = 40;

/// The lines that differ between `old` and `new`, indented by `indent`.
pub(crate) fn lines(old: &str, new: &str, indent: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(old, new);
    let mut shown = Vec::new();
    for (i, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if i > 0 {
            shown.push(format!("{indent}  …"));
        }
        for change in group.iter().flat_map(|it| diff.iter_changes(it)) {
            let line = change.value().trim_end_matches('\n');
            shown.push(match change.tag() {
                ChangeTag::Equal => format!("{indent}  {line}"),
                ChangeTag::Delete => format!("{indent}{}", styled(RED, format!("- {line}"))),
                ChangeTag::Insert => format!("{indent}{}", styled(GREEN, format!("+ {line}"))),
            });
        }
    }
    let rest = shown.len().saturating_sub(LONGEST);
    if rest > 0 {
        shown.truncate(LONGEST);
        shown.push(format!("{indent}  … and {rest} more lines"));
    }
    shown
}
