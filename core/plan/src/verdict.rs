//! What customers will notice, in one line.

use mops_model::{Address, Catalog, Loses};
use serde::Serialize;

use crate::{Action, Change, Intent};

/// What customers will notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// In one line, without a period.
    pub line: String,
    /// The worst that they lose.
    pub worst: Loses,
    /// The first change that deletes data: once it is made there is no way back.
    pub last_way_back: Option<Address>,
}

/// Judges `changes`.
pub(crate) fn verdict(changes: &[Change], catalog: &Catalog, intent: Intent) -> Verdict {
    let worst = changes.iter().flat_map(|it| &it.consequences).map(|it| it.loses).max().unwrap_or_default();
    let deletes_data = |it: &&Change| match it.action {
        Action::Delete | Action::Replace => {
            catalog.get(&it.address.kind).is_some_and(|schema| schema.holds_data)
        }
        Action::Create | Action::Update | Action::Move { .. } => false,
    };
    let last_way_back = changes.iter().find(deletes_data).map(|it| it.address.clone());
    let line = match (intent, &last_way_back) {
        _ if changes.is_empty() => "nothing changes".to_owned(),
        (Intent::Destroy, None) => "the site is gone afterwards".to_owned(),
        (Intent::Destroy, Some(_)) => "the site is gone afterwards, and its data with it".to_owned(),
        (Intent::Apply | Intent::Rollback, Some(address)) => format!("data is lost: {address} is deleted"),
        (Intent::Apply | Intent::Rollback, None) => said(worst).to_owned(),
    };
    Verdict { line, worst, last_way_back }
}

fn said(worst: Loses) -> &'static str {
    match worst {
        Loses::Nothing => "nobody will notice",
        Loses::Cache => "pages are slower until the cache is warm again",
        Loses::Requests => "requests are lost for a moment",
        Loses::Sessions => "sessions are lost: people are logged out, guests' carts are gone",
    }
}
