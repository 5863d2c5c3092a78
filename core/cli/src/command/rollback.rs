//! `mops rollback`: an ordinary plan whose wanted side is an older generation. It reads nothing but stored objects.

use std::time::Instant;

use mops_model::{Closure, Digest};
use mops_plan::Intent;
use mops_store::{Entry, Store};

use crate::{
    failure::Failure,
    line::{Consent, Line, Wanted, closing},
};

/// Goes back to the generation `number`, or to the one before the newest.
pub(crate) async fn rollback(line: &Line<'_>, number: Option<u64>, consent: Consent) -> Result<(), Failure> {
    let lease = line.site().lease("mops rollback")?;
    let store = line.store()?;
    let history = mops_store::history(&**store).map_err(|err| Failure::store(&err))?;
    let target = target(&history, number)?;
    let number = target.generation.number;
    let closure = |digest: &Digest| -> Result<(Digest, Closure), Failure> {
        let bytes = store.get(digest).map_err(|err| Failure::store(&err))?;
        let closure = serde_json::from_slice(&bytes)
            .map_err(|err| Failure::new(format!("the closure {} cannot be read: {err}", digest.short())))?;
        Ok((*digest, closure))
    };
    let wanted = Wanted {
        graph: target.generation.graph.clone(),
        closures: target.generation.closures.iter().map(closure).collect::<Result<_, _>>()?,
        outputs: target.generation.outputs.clone(),
        sources: target.generation.sources.clone(),
        ..Wanted::default()
    };
    let planned = line.plan(&wanted, Intent::Rollback).await?;
    anstream::println!("{}", line.show(&planned, &wanted));
    if planned.plan.is_empty() {
        return line.close(planned, wanted, &format!("rollback {number}")).await;
    }
    Line::agreed(&planned, consent, &format!("Go back to generation {number}?"))?;
    let began = Instant::now();
    let generation = line.apply(planned, wanted, &format!("rollback {number}")).await?;
    anstream::println!("{}, as generation {number} was", closing(&generation, began));
    drop(lease);
    Ok(())
}

fn target(history: &[Entry], number: Option<u64>) -> Result<&Entry, Failure> {
    let known = || {
        let oldest = history.last().map_or(0, |it| it.generation.number);
        let newest = history.first().map_or(0, |it| it.generation.number);
        format!("there are {oldest} to {newest}; `mops generations` lists them")
    };
    match number {
        Some(number) => history
            .iter()
            .find(|it| it.generation.number == number)
            .ok_or_else(|| Failure::new(format!("there is no generation {number}")).help(known())),
        None => before_newest(history).ok_or_else(|| {
            Failure::new("there is no generation to go back to").help("this is the first one")
        }),
    }
}

/// The generation before the newest. After a rollback that is the one before what was rolled back to, so that a second
/// `mops rollback` goes one further back instead of forth again.
fn before_newest(history: &[Entry]) -> Option<&Entry> {
    let newest = history.first()?;
    let shown = match newest.record.command.strip_prefix("rollback ").and_then(|it| it.parse::<u64>().ok()) {
        Some(number) => number,
        None => newest.generation.number,
    };
    history.iter().find(|it| it.generation.number < shown)
}
