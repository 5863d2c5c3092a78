//! The resource graph.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Address, Resource};

/// Resources and what each one needs. Acyclic by construction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Resource>", into = "Vec<Resource>")]
pub struct Graph {
    // Invariant: a resource comes after everything it needs; among equals the order of addresses decides.
    resources: Vec<Resource>,
}

/// Some resources need each other, or need what is not there.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Cycle {
    /// Each needs the next, the last needs the first.
    #[error("these resources need each other: {}", path(.0))]
    Loop(Vec<Address>),
    /// `.0` needs `.1`, which is not in the graph.
    #[error("{0} needs {1}, which is not declared")]
    Missing(Address, Address),
}

fn path(cycle: &[Address]) -> String {
    cycle.iter().chain(cycle.first()).map(Address::to_string).collect::<Vec<_>>().join(" → ")
}

impl Graph {
    /// Orders `resources` so that each comes after what it needs.
    ///
    /// # Errors
    /// When that is impossible.
    pub fn new(resources: impl IntoIterator<Item = Resource>) -> Result<Self, Cycle> {
        let mut waiting: BTreeMap<Address, Resource> =
            resources.into_iter().map(|it| (it.address.clone(), it)).collect();
        let mut missing: BTreeMap<Address, usize> = BTreeMap::new();
        let mut dependants: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
        for (address, resource) in &waiting {
            let needs = resource.all_needs();
            if let Some(need) = needs.iter().find(|it| !waiting.contains_key(*it)) {
                return Err(Cycle::Missing(address.clone(), need.clone()));
            }
            missing.insert(address.clone(), needs.len());
            for need in needs {
                dependants.entry(need).or_default().push(address.clone());
            }
        }
        let mut ready: BTreeSet<Address> =
            missing.iter().filter(|(_, n)| **n == 0).map(|(address, _)| address.clone()).collect();
        let mut ordered = Vec::with_capacity(waiting.len());
        while let Some(address) = ready.pop_first() {
            for dependant in dependants.remove(&address).into_iter().flatten() {
                let left = missing.get_mut(&dependant).expect("every resource was counted");
                *left -= 1;
                if *left == 0 {
                    ready.insert(dependant);
                }
            }
            ordered.extend(waiting.remove(&address));
        }
        match waiting.is_empty() {
            true => Ok(Self { resources: ordered }),
            false => Err(Cycle::Loop(find_loop(&waiting))),
        }
    }

    /// The resources, each after what it needs.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The resource at `address`.
    pub fn get(&self, address: &Address) -> Option<&Resource> {
        self.resources.iter().find(|it| it.address == *address)
    }
}

/// One loop among resources that all need another of them.
fn find_loop(waiting: &BTreeMap<Address, Resource>) -> Vec<Address> {
    let mut seen: Vec<Address> = Vec::new();
    let mut at = waiting.keys().next().expect("something waits").clone();
    loop {
        if let Some(start) = seen.iter().position(|it| *it == at) {
            return seen.split_off(start);
        }
        let next = waiting[&at].all_needs().into_iter().find(|it| waiting.contains_key(it));
        seen.push(at);
        at = next.expect("what waits needs something that waits");
    }
}

impl TryFrom<Vec<Resource>> for Graph {
    type Error = Cycle;

    fn try_from(resources: Vec<Resource>) -> Result<Self, Cycle> {
        Self::new(resources)
    }
}

impl From<Graph> for Vec<Resource> {
    fn from(graph: Graph) -> Self {
        graph.resources
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lifecycle, Origin};

    fn resource(name: &str, needs: &[&str]) -> Resource {
        let address = |it: &str| format!("local.test.{it}").parse().unwrap();
        Resource {
            address: address(name),
            inputs: BTreeMap::new(),
            needs: needs.iter().map(|it| address(it)).collect(),
            lifecycle: Lifecycle::default(),
            origin: Origin::default(),
        }
    }

    #[test]
    fn each_comes_after_what_it_needs() {
        let graph = Graph::new([resource("a", &["c"]), resource("b", &[]), resource("c", &["b"])]).unwrap();
        let order: Vec<_> = graph.resources().iter().map(|it| it.address.name.as_str()).collect();
        assert_eq!(order, ["b", "c", "a"]);
    }

    #[test]
    fn a_loop_is_shown_whole() {
        let err =
            Graph::new([resource("a", &["b"]), resource("b", &["a"]), resource("c", &["a"])]).unwrap_err();
        assert_eq!(
            err.to_string(),
            "these resources need each other: local.test.a → local.test.b → local.test.a"
        );
    }

    #[test]
    fn a_need_that_is_not_declared_is_named() {
        let err = Graph::new([resource("a", &["b"])]).unwrap_err();
        assert_eq!(err.to_string(), "local.test.a needs local.test.b, which is not declared");
    }
}
