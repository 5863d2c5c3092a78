//! The comparison itself: moves, then what is wanted, then what no longer is.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{Address, Attribute, Graph, Need, Recorded, Resource, Schema, State, Unresolved, Value};

use crate::{
    Action, AttributeChange, Change, Forces, Intent, Plan, Refusal, Shown, Situation, consequences, edges,
    verdict::verdict,
};

pub(crate) fn plan(wanted: &Graph, recorded: &State, situation: &Situation<'_>) -> Plan {
    let nothing = Graph::default();
    let wanted = match situation.intent {
        Intent::Apply | Intent::Rollback => wanted,
        Intent::Destroy => &nothing,
    };
    let (recorded, moves) = after_moves(recorded, wanted, situation);
    let mut planning = Planning {
        wanted,
        recorded: &recorded,
        situation,
        anew: BTreeSet::new(),
        changes: moves,
        kept: BTreeSet::new(),
        refused: Vec::new(),
    };
    for resource in wanted.resources() {
        planning.wanted(resource);
    }
    planning.unwanted();
    let Planning { mut changes, kept, refused, .. } = planning;
    edges::connect(&mut changes, wanted, &recorded);
    let verdict = verdict(&changes, situation.catalog, situation.intent);
    Plan { changes, kept: kept.into_iter().collect(), refused, verdict }
}

struct Planning<'a> {
    wanted: &'a Graph,
    recorded: &'a State,
    situation: &'a Situation<'a>,
    // What is created or replaced: its outputs are not known.
    anew: BTreeSet<Address>,
    changes: Vec<Change>,
    kept: BTreeSet<Address>,
    refused: Vec<Refusal>,
}

/// The record with every resource under the address that it has now. Where something stands already, nothing moves.
fn after_moves(recorded: &State, wanted: &Graph, situation: &Situation<'_>) -> (State, Vec<Change>) {
    let mut state = recorded.clone();
    let mut changes = Vec::new();
    for it in situation.moves {
        if situation.intent == Intent::Destroy || !state.rename(&it.from, &it.to) {
            continue;
        }
        let declared = wanted.get(&it.to).map(|resource| resource.origin.clone());
        let origin = declared.unwrap_or_else(|| state.resources[&it.to].origin.clone());
        changes.push(Change { origin, ..bare(&it.to, Action::Move { from: it.from.clone() }) });
    }
    (state, changes)
}

impl Planning<'_> {
    fn wanted(&mut self, resource: &Resource) {
        let address = &resource.address;
        let inputs = self.known_inputs(resource);
        let Some(old) = self.recorded.resources.get(address) else {
            self.anew.insert(address.clone());
            let change = self.create(resource, &inputs);
            self.changes.push(change);
            return;
        };
        let attributes = self.differences(resource, old, &inputs);
        if attributes.is_empty() {
            return;
        }
        let replaces = attributes.iter().any(|it| it.forces == Forces::Replacement);
        let is_named = self.situation.may_delete.contains(address);
        let holds_data = self.schema(address).is_some_and(|it| it.holds_data);
        let is_precious = holds_data || resource.lifecycle.protect;
        match self.situation.intent {
            Intent::Rollback if !is_named && (holds_data || replaces && is_precious) => {
                self.kept.insert(address.clone());
                return;
            }
            Intent::Apply if replaces && is_precious && !is_named => {
                self.refused.push(refusal(address, "replaced", holds_data));
                return;
            }
            Intent::Apply | Intent::Rollback | Intent::Destroy => (),
        }
        let change = match replaces {
            true => self.replace(resource, old, &inputs, attributes),
            false => Change {
                consequences: consequences::of_update(&old.inputs, &inputs, self.situation.closures),
                attributes,
                origin: resource.origin.clone(),
                ..bare(address, Action::Update)
            },
        };
        if replaces {
            self.anew.insert(address.clone());
        }
        self.changes.push(change);
    }

    fn create(&self, resource: &Resource, inputs: &BTreeMap<String, Shown>) -> Change {
        let attributes = inputs.iter().map(|(name, value)| AttributeChange {
            name: name.clone(),
            old: None,
            new: Some(self.shown(&resource.address, name, value.clone())),
            forces: Forces::Update,
        });
        Change {
            attributes: attributes.collect(),
            consequences: consequences::of_create(self.situation.closures.named_by(&known(inputs))),
            origin: resource.origin.clone(),
            ..bare(&resource.address, Action::Create)
        }
    }

    fn replace(
        &self,
        resource: &Resource,
        old: &Recorded,
        inputs: &BTreeMap<String, Shown>,
        attributes: Vec<AttributeChange>,
    ) -> Change {
        let forcing = attributes.iter().filter(|it| it.forces == Forces::Replacement);
        let reason = |it: &AttributeChange| match it.new {
            Some(Shown::Unknown) => {
                format!(
                    "`{}` may change (it is known after apply), and it cannot be changed in place",
                    it.name
                )
            }
            Some(Shown::Known(_) | Shown::Hidden) | None => {
                format!("`{}` changed, and it cannot be changed in place", it.name)
            }
        };
        let closures = self.situation.closures;
        Change {
            reasons: forcing.map(reason).collect(),
            consequences: consequences::of_replace(
                closures.named_by(&old.inputs),
                closures.named_by(&known(inputs)),
            ),
            attributes,
            origin: resource.origin.clone(),
            ..bare(&resource.address, Action::Replace)
        }
    }

    /// What is on record and not wanted: deleted, unless that is refused or it is kept.
    fn unwanted(&mut self) {
        let unwanted: BTreeSet<Address> =
            self.recorded.resources.keys().filter(|it| self.wanted.get(it).is_none()).cloned().collect();
        let spared = unwanted.iter().filter(|it| self.is_spared(it)).chain(&self.kept).cloned().collect();
        let spared = with_needs(spared, &unwanted, self.recorded);
        for address in edges::deletion_order(&unwanted, self.recorded) {
            let old = &self.recorded.resources[&address];
            if !spared.contains(&address) {
                self.changes.push(self.delete(&address, old));
                continue;
            }
            match self.situation.intent {
                Intent::Rollback => {
                    self.kept.insert(address);
                }
                Intent::Apply if self.is_spared(&address) => {
                    let holds_data = self.schema(&address).is_some_and(|it| it.holds_data);
                    self.refused.push(refusal(&address, "deleted", holds_data));
                }
                Intent::Apply | Intent::Destroy => (),
            }
        }
    }

    /// Whether deleting it takes more than leaving it out of the script.
    fn is_spared(&self, address: &Address) -> bool {
        let old = &self.recorded.resources[address];
        let is_precious = old.lifecycle.protect || self.schema(address).is_some_and(|it| it.holds_data);
        match self.situation.intent {
            Intent::Apply | Intent::Rollback => is_precious && !self.situation.may_delete.contains(address),
            Intent::Destroy => false,
        }
    }

    /// Whether a node goes and others of its group stay.
    fn has_others(&self, old: &Recorded) -> bool {
        let group = old.inputs.get("group");
        group.is_some() && self.wanted.resources().iter().any(|it| it.inputs.get("group") == group)
    }

    fn delete(&self, address: &Address, old: &Recorded) -> Change {
        let reason = match (self.situation.intent, old.origin.place.as_str()) {
            (Intent::Destroy, _) => "everything is removed".to_owned(),
            (Intent::Rollback, _) => "the older generation does not have it".to_owned(),
            (Intent::Apply, "") => "no longer needed".to_owned(),
            (Intent::Apply, place) => format!("no longer declared at {place}"),
        };
        let closure = self.situation.closures.named_by(&old.inputs);
        Change {
            reasons: vec![reason],
            consequences: match self.has_others(old) {
                true => consequences::of_retirement(closure),
                false => consequences::of_delete(closure),
            },
            origin: old.origin.clone(),
            ..bare(address, Action::Delete)
        }
    }

    /// Every input with the outputs of others filled in, as far as those will stay what they are.
    fn known_inputs(&self, resource: &Resource) -> BTreeMap<String, Shown> {
        let output = |address: &Address, attribute: &str| match self.anew.contains(address) {
            true => None,
            false => self.recorded.output(address, attribute).cloned(),
        };
        let known = |value: &Value| match value.resolve(&output) {
            Ok(value) => Shown::Known(value),
            // What cannot be written is said when it is applied, with the value that then is there.
            Err(Unresolved::Unknown { .. } | Unresolved::NotText { .. } | Unresolved::Unencodable(_)) => {
                Shown::Unknown
            }
        };
        resource.inputs.iter().map(|(name, value)| (name.clone(), known(value))).collect()
    }

    fn differences(
        &self,
        resource: &Resource,
        old: &Recorded,
        inputs: &BTreeMap<String, Shown>,
    ) -> Vec<AttributeChange> {
        let names: BTreeSet<_> = old.inputs.keys().chain(inputs.keys()).collect();
        let mut found = Vec::new();
        for name in names {
            let attribute = self.schema(&resource.address).and_then(|it| it.input(name));
            let was = old.inputs.get(name).map(|it| Shown::Known(it.clone()));
            let shall = inputs.get(name).cloned();
            let default = attribute.and_then(default).map(|it| Shown::Known(it.clone()));
            if was.as_ref().or(default.as_ref()) == shall.as_ref().or(default.as_ref()) {
                continue;
            }
            found.push(AttributeChange {
                name: name.clone(),
                old: was.map(|it| self.shown(&resource.address, name, it)),
                new: shall.map(|it| self.shown(&resource.address, name, it)),
                forces: match attribute.is_some_and(|it| it.replaces) {
                    true => Forces::Replacement,
                    false => Forces::Update,
                },
            });
        }
        if old.lifecycle.protect != resource.lifecycle.protect {
            found.push(AttributeChange {
                name: "lifecycle.protect".to_owned(),
                old: Some(Shown::Known(old.lifecycle.protect.into())),
                new: Some(Shown::Known(resource.lifecycle.protect.into())),
                forces: Forces::Update,
            });
        }
        found
    }

    fn schema(&self, address: &Address) -> Option<&Schema> {
        self.situation.catalog.get(&address.kind)
    }

    /// A value as it may be shown.
    fn shown(&self, address: &Address, name: &str, value: Shown) -> Shown {
        match self.schema(address).and_then(|it| it.input(name)).is_some_and(|it| it.sensitive) {
            true => Shown::Hidden,
            false => value,
        }
    }
}

fn default(attribute: &Attribute) -> Option<&Value> {
    match &attribute.field.need {
        Need::Default(value) => Some(value),
        Need::Required | Need::Optional => None,
    }
}

/// The inputs whose values are known.
fn known(inputs: &BTreeMap<String, Shown>) -> BTreeMap<String, Value> {
    let known = inputs.iter().filter_map(|(name, it)| match it {
        Shown::Known(value) => Some((name.clone(), value.clone())),
        Shown::Unknown | Shown::Hidden => None,
    });
    known.collect()
}

/// `spared`, and what among `unwanted` they need, however indirectly: it stays as long as they do.
fn with_needs(
    spared: BTreeSet<Address>,
    unwanted: &BTreeSet<Address>,
    recorded: &State,
) -> BTreeSet<Address> {
    let mut open: Vec<Address> = spared.iter().cloned().collect();
    let mut all = spared;
    while let Some(address) = open.pop() {
        for need in &recorded.resources[&address].needs {
            if unwanted.contains(need) && all.insert(need.clone()) {
                open.push(need.clone());
            }
        }
    }
    all
}

fn refusal(address: &Address, done: &str, holds_data: bool) -> Refusal {
    let why = match holds_data {
        true => "it holds data",
        false => "it is protected",
    };
    Refusal {
        address: address.clone(),
        why: format!("{address} would be {done}, and {why}"),
        help: format!("keep it in the script, or allow it by name: --allow-delete {address}"),
    }
}

/// A change with nothing but what it is.
fn bare(address: &Address, action: Action) -> Change {
    Change {
        address: address.clone(),
        action,
        attributes: Vec::new(),
        reasons: Vec::new(),
        origin: mops_model::Origin::default(),
        needs: Vec::new(),
        after: Vec::new(),
        consequences: Vec::new(),
    }
}
