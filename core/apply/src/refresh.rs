//! Compares the record with the world before anything is planned.

use std::collections::BTreeMap;

use mops_model::{Address, Graph, Recorded, State};

use crate::{Observed, Outputs, Provider, Refused, Resumed};

/// What really exists of what is on record, and of what an unfinished run may have made.
///
/// What vanished leaves the state. What looks different is taken over as it looks, so that a plan shows how it drifted.
/// What an unfinished run made and nobody wants any more joins the state, so that it is deleted; what is still wanted
/// does not, so that creating it again adopts it and waits until it is usable.
///
/// # Errors
/// When the provider cannot be asked.
pub async fn refresh(resumed: Resumed, wanted: &Graph, provider: &dyn Provider) -> Result<State, Refused> {
    let Resumed { state, unfinished } = resumed;
    let mut asked: BTreeMap<Address, Option<Recorded>> =
        state.resources.into_iter().map(|(address, it)| (address, Some(it))).collect();
    for it in &unfinished {
        if wanted.get(&it.address).is_none() {
            asked.entry(it.address.clone()).or_insert(None);
        }
    }
    if asked.is_empty() {
        return Ok(State::default());
    }
    let mut found = provider.read(&asked).await?;
    let mut state = State::default();
    for (address, recorded) in asked {
        let Some(observed) = found.remove(&address) else { continue };
        let planned = || unfinished.iter().find(|it| it.address == address).and_then(|it| it.planned.clone());
        let recorded = match recorded.or_else(planned) {
            Some(recorded) => Recorded { inputs: observed.inputs, outputs: observed.outputs, ..recorded },
            None => unasked(observed),
        };
        state.resources.insert(address, recorded);
    }
    Ok(state)
}

/// The record of something of which nothing is known but that it is there.
fn unasked(observed: Observed) -> Recorded {
    let outputs: Outputs = observed.outputs;
    Recorded {
        inputs: observed.inputs,
        outputs,
        needs: Vec::new(),
        lifecycle: mops_model::Lifecycle::default(),
        origin: mops_model::Origin::default(),
    }
}
