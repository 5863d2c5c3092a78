//! What is sound of a site whose script has mistakes.

use std::collections::BTreeSet;

use crate::{Name, Site};

/// What is sound of a site whose script has mistakes, and what it lacks because of them: plugins are asked about the one,
/// and what they say of the other is a consequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Everything that was declared without a mistake. Where the call to `site` is wrong, its name is made up and it has
    /// no options.
    pub site: Site,
    /// What was declared with one.
    pub missing: Missing,
}

/// What a site lacks because the script that declares it has mistakes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Whether `site` itself was called wrongly, or not at all.
    pub site: bool,
    /// The websites whose declarations are wrong.
    pub websites: BTreeSet<Name>,
    /// The roles whose declarations are wrong.
    pub roles: BTreeSet<Name>,
    /// The functions that were called wrongly, each with its plugin before it.
    pub calls: BTreeSet<(Name, Name)>,
    /// Whether anything else may be missing: the script did not run to its end, or calls what does not exist.
    pub anything: bool,
}
