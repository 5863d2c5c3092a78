//! `mops destroy`: removes everything that a site made, and its data; its history stays unless it is purged.

use std::{fs, time::Instant};

use mops_plan::Intent;

use crate::{
    failure::Failure,
    line::{Consent, Line, Wanted, closing},
};

/// Whether the history goes, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum History {
    /// It stays.
    Kept,
    /// It goes.
    Purged,
}

/// Removes everything that a site made.
pub(crate) async fn destroy(line: &Line<'_>, consent: Consent, history: History) -> Result<(), Failure> {
    line.refuse_if_protected()?;
    let lease = line.site().lease("mops destroy")?;
    let wanted = Wanted::default();
    let planned = line.plan(&wanted, Intent::Destroy).await?;
    anstream::println!("{}", line.show(&planned, &wanted));
    if !planned.plan.is_empty() {
        Line::agreed(&planned, consent, "Remove all of it, data included?")?;
        let began = Instant::now();
        let generation = line.apply(planned, wanted, "destroy").await?;
        anstream::println!("{}", closing(&generation, began));
    }
    mops_local::destroy(line.place()).map_err(|err| Failure::refused(&err))?;
    drop(lease);
    if history == History::Purged {
        let folder = &line.site().path;
        fs::remove_dir_all(folder).map_err(|err| Failure::io("remove", folder, &err))?;
        anstream::println!("the history of {} is gone, too", line.site().name);
    }
    Ok(())
}
