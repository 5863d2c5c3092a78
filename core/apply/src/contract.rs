//! What every provider must do, as a test that runs against any of them.

use std::collections::BTreeMap;

use mops_model::{Address, Graph, Recorded, Resource, State};

use crate::{Inputs, Observed, Provider};

/// Makes everything in `graph`, reads, makes again, updates, removes it twice, makes it anew and leaves nothing behind.
///
/// # Panics
/// When the provider breaks a law or refuses; the message says which.
pub async fn check(provider: &dyn Provider, graph: &Graph) {
    let made = create_all(provider, graph).await;
    what_was_made_is_read(provider, &made).await;
    assert_eq!(create_all(provider, graph).await, made, "creating what exists adopts it");
    updating_without_a_change_changes_nothing(provider, &made).await;
    delete_all(provider, graph, &made).await;
    assert_eq!(read(provider, &made).await, BTreeMap::new(), "what was deleted is gone");
    delete_all(provider, graph, &made).await;
    let again = create_all(provider, graph).await;
    what_was_made_is_read(provider, &again).await;
    delete_all(provider, graph, &again).await;
}

async fn create_all(provider: &dyn Provider, graph: &Graph) -> State {
    let mut state = State::default();
    for resource in graph.resources() {
        let address = &resource.address;
        let inputs = inputs(resource, &state);
        let outputs =
            provider.create(address, &inputs).await.unwrap_or_else(|it| panic!("create {address}: {it}"));
        let recorded = Recorded {
            inputs,
            outputs,
            needs: resource.all_needs(),
            lifecycle: resource.lifecycle,
            origin: resource.origin.clone(),
        };
        state.resources.insert(address.clone(), recorded);
    }
    state
}

fn inputs(resource: &Resource, state: &State) -> Inputs {
    let output = |address: &Address, attribute: &str| state.output(address, attribute).cloned();
    let resolve = |value: &mops_model::Value| {
        value.resolve(&output).unwrap_or_else(|it| panic!("an input of {}: {it}", resource.address))
    };
    resource.inputs.iter().map(|(name, value)| (name.clone(), resolve(value))).collect()
}

async fn read(provider: &dyn Provider, state: &State) -> BTreeMap<Address, Observed> {
    let asked = state.resources.iter().map(|(address, it)| (address.clone(), Some(it.clone()))).collect();
    provider.read(&asked).await.expect("what is on record can be read")
}

async fn what_was_made_is_read(provider: &dyn Provider, made: &State) {
    let observed = |it: &Recorded| Observed { inputs: it.inputs.clone(), outputs: it.outputs.clone() };
    let expected: BTreeMap<_, _> =
        made.resources.iter().map(|(address, it)| (address.clone(), observed(it))).collect();
    assert_eq!(read(provider, made).await, expected, "what was made is read as it was made");
}

async fn updating_without_a_change_changes_nothing(provider: &dyn Provider, made: &State) {
    for (address, it) in &made.resources {
        let outputs = provider.update(address, it, &it.inputs).await;
        let outputs = outputs.unwrap_or_else(|it| panic!("update {address}: {it}"));
        assert_eq!(outputs, it.outputs, "an update without a change keeps the outputs of {address}");
    }
    what_was_made_is_read(provider, made).await;
}

async fn delete_all(provider: &dyn Provider, graph: &Graph, made: &State) {
    for resource in graph.resources().iter().rev() {
        let address = &resource.address;
        let deleted = provider.delete(address, &made.resources[address]).await;
        deleted.unwrap_or_else(|it| panic!("delete {address}: {it}"));
    }
}
