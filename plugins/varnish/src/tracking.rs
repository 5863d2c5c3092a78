//! Parameters of the query that only scripts in the browser read.

use mops_plugin::model::{Diagnostic, nearest};

use crate::{options::StripParams, paths::escape};

/// The parameters that are taken out unless a script says otherwise.
const USUAL: &str = include_str!("../data/tracking-parameters.txt");

/// Parameters that Magento or its shops read: taking one out shows people the wrong page.
const NEEDED: [&str; 15] = [
    "p",
    "q",
    "product_list_order",
    "product_list_dir",
    "product_list_limit",
    "product_list_mode",
    "price",
    "color",
    "size",
    "___store",
    "___from_store",
    "SID",
    "uenc",
    "id",
    "token",
];

/// A regular expression of every parameter to take out, with its value: whole names only, whatever the value is.
///
/// # Errors
/// Names that are none, that nobody may take out, or that are not among the usual ones and cannot be left in.
pub(crate) fn pattern(options: &StripParams) -> Result<String, Vec<Diagnostic>> {
    let usual: Vec<&str> = USUAL.lines().filter(|it| !it.is_empty() && !it.starts_with('#')).collect();
    let mut wrong = Vec::new();
    for (i, name) in options.add.iter().enumerate() {
        wrong.extend(refuse(name).map(|it| it.at_option(format!("strip_params.add[{i}]"))));
    }
    for (i, name) in options.remove.iter().enumerate().filter(|(_, it)| !usual.contains(&it.as_str())) {
        let unknown = Diagnostic::error("varnish::strip-params", format!("`{name}` is not taken out anyway"));
        let help = match nearest(name, usual.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("those that are taken out: {}", usual.join(", ")),
        };
        wrong.push(unknown.at_option(format!("strip_params.remove[{i}]")).help(help));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut names: Vec<&str> =
        usual.into_iter().filter(|it| !options.remove.iter().any(|not| not == it)).collect();
    names.extend(options.add.iter().map(String::as_str));
    let names: Vec<String> = names.into_iter().map(|it| escape(it).replace(r"\*", "[^=&]*")).collect();
    Ok(format!("(?<=[?&])(?:{})(?:=[^&]*)?(?:&|$)", names.join("|")))
}

fn refuse(name: &str) -> Option<Diagnostic> {
    let is_name = !name.is_empty() && name.chars().all(|it| it.is_ascii_graphic() && !"?&=#\"".contains(it));
    if !is_name {
        return Some(
            Diagnostic::error("varnish::strip-params", format!("{name:?} is no name of a parameter"))
                .help("write a name, with `*` for any characters: \"utm_*\""),
        );
    }
    let needed = NEEDED.iter().find(|it| matches(name, it))?;
    let message = format!("`{name}` would take out `{needed}`, which Magento reads");
    Some(Diagnostic::error("varnish::strip-params", message).help("name the parameter more exactly"))
}

/// Whether the name `pattern` with its stars means `name`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(i, _)| i).chain([rest.len()]).any(|i| matches(tail, &rest[i..]))
        }),
    }
}
