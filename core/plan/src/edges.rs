//! Which change waits for which.
//!
//! Making follows the needs of the wanted graph; deleting follows the recorded needs backwards. A plain deletion also
//! waits until what used the resource has been updated; a replacement's deletion cannot, because that update waits for
//! the replacement.
//!
//! **Invariant:** no change waits for itself, however long the way.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{Address, Graph, State};

use crate::{Action, Change};

/// Fills in `needs` and `after` of every change.
pub(crate) fn connect(changes: &mut [Change], wanted: &Graph, recorded: &State) {
    let made = addresses(changes, |it| matches!(it, Action::Create | Action::Update | Action::Replace));
    let updated = addresses(changes, |it| matches!(it, Action::Update));
    let replaced = addresses(changes, |it| matches!(it, Action::Replace));
    let deleted = addresses(changes, |it| matches!(it, Action::Delete | Action::Replace));
    let dependants = dependants(recorded);
    let early = downstream(&replaced, &dependants);
    let wanted_needs: BTreeMap<_, _> =
        wanted.resources().iter().map(|it| (&it.address, it.all_needs())).collect();
    for change in changes {
        let address = &change.address;
        let used_by = || dependants.get(address).into_iter().flatten();
        let gone_first = || used_by().filter(|it| deleted.contains(*it)).cloned();
        let let_go_first = || used_by().filter(|it| updated.contains(*it)).cloned();
        let made_first =
            || wanted_needs.get(address).into_iter().flatten().filter(|it| made.contains(*it)).cloned();
        match change.action {
            Action::Create | Action::Update => change.needs = made_first().collect(),
            Action::Replace => {
                change.needs = made_first().collect();
                change.after = gone_first().collect();
            }
            Action::Delete if early.contains(address) => change.after = gone_first().collect(),
            Action::Delete => change.after = gone_first().chain(let_go_first()).collect(),
            Action::Move { .. } => (),
        }
    }
}

fn addresses(changes: &[Change], is_meant: impl Fn(&Action) -> bool) -> BTreeSet<Address> {
    changes.iter().filter(|it| is_meant(&it.action)).map(|it| it.address.clone()).collect()
}

/// What needs each resource, as recorded.
fn dependants(recorded: &State) -> BTreeMap<Address, BTreeSet<Address>> {
    let mut dependants: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for (address, it) in &recorded.resources {
        for need in &it.needs {
            dependants.entry(need.clone()).or_default().insert(address.clone());
        }
    }
    dependants
}

/// `from` and everything that needs one of them, however indirectly.
fn downstream(
    from: &BTreeSet<Address>,
    dependants: &BTreeMap<Address, BTreeSet<Address>>,
) -> BTreeSet<Address> {
    let mut found = from.clone();
    let mut open: Vec<Address> = from.iter().cloned().collect();
    while let Some(address) = open.pop() {
        for dependant in dependants.get(&address).into_iter().flatten() {
            if found.insert(dependant.clone()) {
                open.push(dependant.clone());
            }
        }
    }
    found
}

/// The recorded addresses among `unwanted`, each before what it needed.
pub(crate) fn deletion_order(unwanted: &BTreeSet<Address>, recorded: &State) -> Vec<Address> {
    let dependants = dependants(recorded);
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for address in unwanted {
        visit(address, unwanted, &dependants, &mut seen, &mut order);
    }
    order
}

fn visit(
    address: &Address,
    unwanted: &BTreeSet<Address>,
    dependants: &BTreeMap<Address, BTreeSet<Address>>,
    seen: &mut BTreeSet<Address>,
    order: &mut Vec<Address>,
) {
    if !unwanted.contains(address) || !seen.insert(address.clone()) {
        return;
    }
    for dependant in dependants.get(address).into_iter().flatten() {
        visit(dependant, unwanted, dependants, seen, order);
    }
    order.push(address.clone());
}
