//! What a change means for what runs on a node.

use std::fmt;

use mops_model::{Loses, Name};
use serde::Serialize;

/// What a change means for something that runs on a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Consequence {
    /// What it happens to.
    pub subject: Subject,
    /// What happens.
    pub effect: Effect,
    /// What customers lose by it.
    pub loses: Loses,
}

/// What something happens to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A daemon.
    Daemon(Name),
    /// A tree of files, such as the release.
    Tree(Name),
    /// The node's files, whichever of them use what changed.
    Files,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// New files are put in place; nothing has to be told.
    SwitchFiles,
    /// Holes are filled anew; whoever reads a file that differs is told.
    Refill,
    /// It takes new files while it runs.
    Reload,
    /// It stops and starts.
    Restart,
    /// It is started.
    Start,
    /// It is stopped for good.
    Stop,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon(name) | Self::Tree(name) => name.fmt(f),
            Self::Files => f.pad("files"),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SwitchFiles => "gets new files",
            Self::Refill => "are filled anew",
            Self::Reload => "reloads",
            Self::Restart => "restarts",
            Self::Start => "starts",
            Self::Stop => "stops",
        })
    }
}
