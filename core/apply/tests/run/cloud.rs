//! The world that the tests change.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use mops_apply::{
    Applied, Cancellation, End, Inputs, Journal, Observed, Observer, Operation, Outputs, Provider, Refused,
    Resumed, World, apply, refresh, resume,
};
use mops_model::{
    Address, Attribute, Catalog, Field, Graph, Kind, Lifecycle, Move, Need, Origin, Recorded, Resource,
    Schema, Source, State, Text, Value,
};
use mops_plan::{Closures, Intent, Plan, Situation, plan};
use tokio::sync::Notify;

/// A cloud of things that have a size, which can be changed, and a zone, which cannot. Each gives an `id` of its own.
#[derive(Default)]
pub(crate) struct Cloud {
    pub(crate) inner: Mutex<Inner>,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) things: BTreeMap<Address, Observed>,
    pub(crate) journal: Vec<Vec<u8>>,
    pub(crate) calls: Vec<String>,
    pub(crate) told: Vec<String>,
    /// How many things were ever made.
    pub(crate) made: usize,
    /// How many calls ran at once, at most.
    pub(crate) at_once: usize,
    pub(crate) refuses: BTreeSet<Address>,
    /// After so many events it is as if the process were killed.
    pub(crate) events_left: Option<usize>,
    pub(crate) cancel_after: Option<(usize, Cancellation)>,
    running: usize,
    dead: bool,
    died: Arc<Notify>,
}

impl Cloud {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// A point at which the process may be killed; then it never returns.
    async fn event(&self) {
        let is_dead = self.inner().event();
        if is_dead {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
    }

    async fn call(
        &self,
        verb: &str,
        address: &Address,
        effect: impl FnOnce(&mut Inner) -> Outputs,
    ) -> Result<Outputs, Refused> {
        {
            let mut inner = self.inner();
            inner.running += 1;
            inner.at_once = inner.at_once.max(inner.running);
        }
        self.event().await;
        let outputs = {
            let mut inner = self.inner();
            inner.running -= 1;
            inner.calls.push(format!("{verb} {}", address.name));
            if let Some((calls, cancellation)) = &inner.cancel_after
                && inner.calls.len() >= *calls
            {
                cancellation.request();
            }
            match inner.refuses.contains(address) {
                true => return Err(Refused::new(format!("no {verb} today"))),
                false => effect(&mut inner),
            }
        };
        self.event().await;
        Ok(outputs)
    }
}

impl Inner {
    /// Whether the process is dead by now.
    fn event(&mut self) -> bool {
        match &mut self.events_left {
            Some(0) => {
                self.dead = true;
                self.died.notify_one();
            }
            Some(left) => *left -= 1,
            None => (),
        }
        self.dead
    }

    fn make(&mut self, address: &Address, inputs: &Inputs) -> Outputs {
        let made = &mut self.made;
        let thing = self.things.entry(address.clone()).or_insert_with(|| {
            *made += 1;
            let id = format!("{}#{made}", address.name);
            Observed { inputs: Inputs::new(), outputs: [("id".to_owned(), Value::text(id))].into() }
        });
        thing.inputs = inputs.clone();
        thing.outputs.clone()
    }
}

#[async_trait]
impl Provider for Cloud {
    async fn read(
        &self,
        wanted: &BTreeMap<Address, Option<Recorded>>,
    ) -> Result<BTreeMap<Address, Observed>, Refused> {
        let inner = self.inner();
        let found = wanted.keys().filter_map(|it| Some((it.clone(), inner.things.get(it)?.clone())));
        Ok(found.collect())
    }

    async fn create(&self, address: &Address, inputs: &Inputs) -> Result<Outputs, Refused> {
        self.call("create", address, |inner| inner.make(address, inputs)).await
    }

    async fn update(
        &self,
        address: &Address,
        recorded: &Recorded,
        inputs: &Inputs,
    ) -> Result<Outputs, Refused> {
        assert_eq!(recorded.inputs.get("zone"), inputs.get("zone"), "a zone cannot be changed in place");
        self.call("update", address, |inner| inner.make(address, inputs)).await
    }

    async fn rename(&self, from: &Address, to: &Address, recorded: &Recorded) -> Result<Outputs, Refused> {
        let mut inner = self.inner();
        if let Some(thing) = inner.things.remove(from) {
            inner.things.insert(to.clone(), thing);
        }
        Ok(recorded.outputs.clone())
    }

    async fn delete(&self, address: &Address, _: &Recorded) -> Result<(), Refused> {
        let remove = |inner: &mut Inner| {
            inner.things.remove(address);
            Outputs::new()
        };
        self.call("delete", address, remove).await.map(drop)
    }
}

impl Journal for Cloud {
    fn append(&self, entries: &[Vec<u8>]) -> io::Result<()> {
        let mut inner = self.inner();
        if !inner.event() {
            inner.journal.extend_from_slice(entries);
        }
        inner.event();
        Ok(())
    }
}

impl Observer for Cloud {
    fn started(&self, address: &Address, operation: Operation) {
        self.inner().told.push(format!("{operation} {}", address.name));
    }
    fn finished(&self, address: &Address, operation: Operation) {
        self.inner().told.push(format!("{operation} {}: done", address.name));
    }
    fn unchanged(&self, address: &Address) {
        self.inner().told.push(format!("{}: unchanged", address.name));
    }
    fn failed(&self, address: &Address, operation: Operation, refused: &Refused) {
        self.inner().told.push(format!("{operation} {}: {refused}", address.name));
    }
    fn skipped(&self, address: &Address) {
        self.inner().told.push(format!("{}: skipped", address.name));
    }
}

/// A site: its cloud, and the state that its head holds.
#[derive(Default)]
pub(crate) struct Site {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) head: State,
    pub(crate) cancellation: Cancellation,
}

impl Site {
    /// A run that nothing stops.
    pub(crate) async fn complete(&mut self, wanted: &Graph) {
        assert_eq!(self.run(wanted).await.map(|it| it.end), Some(End::Complete));
    }

    /// Everything a run does; nothing comes back when it was killed.
    pub(crate) async fn run(&mut self, wanted: &Graph) -> Option<Applied> {
        self.run_with(wanted, &[], Intent::Apply).await
    }

    pub(crate) async fn run_with(
        &mut self,
        wanted: &Graph,
        moves: &[Move],
        intent: Intent,
    ) -> Option<Applied> {
        let state = self.refreshed(wanted).await;
        let plan = planned(wanted, &state, moves, intent);
        let cloud = Arc::clone(&self.cloud);
        let world = World {
            provider: cloud.clone(),
            journal: &*cloud,
            observer: &*cloud,
            cancellation: self.cancellation.clone(),
        };
        let died = Arc::clone(&cloud.inner().died);
        let applied = tokio::select! {
            biased;
            () = died.notified() => None,
            applied = apply(&plan, state, wanted, &world) => Some(applied),
        };
        let mut inner = self.cloud.inner();
        let applied = applied.filter(|_| !inner.dead);
        (inner.dead, inner.events_left, inner.running, inner.died) = (false, None, 0, Arc::default());
        if let Some(applied) = &applied
            && applied.end == End::Complete
        {
            self.head = applied.state.clone();
            inner.journal.clear();
        }
        applied
    }

    pub(crate) async fn refreshed(&self, wanted: &Graph) -> State {
        let entries = self.cloud.inner().journal.clone();
        let resumed: Resumed = resume(self.head.clone(), &entries).unwrap();
        refresh(resumed, wanted, &*self.cloud).await.unwrap()
    }

    /// The record is what exists, what exists is what is wanted, and nothing is left to do.
    pub(crate) async fn assert_converged(&self, wanted: &Graph, hint: &str) {
        let inner = |state: &State| -> BTreeMap<Address, Observed> {
            let look = |it: &Recorded| Observed { inputs: it.inputs.clone(), outputs: it.outputs.clone() };
            state.resources.iter().map(|(address, it)| (address.clone(), look(it))).collect()
        };
        assert_eq!(inner(&self.head), self.cloud.inner().things, "record and world differ: {hint}");
        let addresses: BTreeSet<_> = wanted.resources().iter().map(|it| &it.address).collect();
        assert_eq!(self.head.resources.keys().collect::<BTreeSet<_>>(), addresses, "{hint}");
        let state = self.refreshed(wanted).await;
        assert_eq!(
            planned(wanted, &state, &[], Intent::Apply).changes,
            [],
            "something is left to do: {hint}"
        );
    }
}

pub(crate) fn planned(wanted: &Graph, state: &State, moves: &[Move], intent: Intent) -> Plan {
    let situation = Situation {
        catalog: &catalog(),
        closures: &Closures::default(),
        moves,
        intent,
        may_delete: &BTreeSet::new(),
    };
    plan(wanted, state, &situation)
}

fn catalog() -> Catalog {
    let input = |name: &str, replaces| Attribute {
        field: Field { name: name.to_owned(), kind: Kind::Any, need: Need::Optional, doc: String::new() },
        replaces,
        sensitive: false,
    };
    Catalog::new([Schema {
        kind: "cloud.thing".to_owned(),
        doc: "A thing".to_owned(),
        inputs: vec![input("size", false), input("zone", true), input("uses", false)],
        outputs: [("id".to_owned(), "Its id".to_owned())].into(),
        holds_data: false,
    }])
}

pub(crate) fn address(name: &str) -> Address {
    format!("cloud.thing.{name}").parse().unwrap()
}

/// A thing of a size in a zone, which uses the ids of others.
pub(crate) fn thing(name: &str, size: i64, zone: &str, uses: &[&str]) -> Resource {
    let id = |it: &&str| {
        Value::Text(Text::hole(Source::Output { address: address(it), attribute: "id".to_owned() }))
    };
    Resource {
        address: address(name),
        inputs: [
            ("size".to_owned(), Value::Int(size)),
            ("zone".to_owned(), Value::text(zone)),
            ("uses".to_owned(), Value::List(uses.iter().map(id).collect())),
        ]
        .into(),
        needs: Vec::new(),
        lifecycle: Lifecycle::default(),
        origin: Origin::default(),
    }
}

pub(crate) fn graph(resources: impl IntoIterator<Item = Resource>) -> Graph {
    Graph::new(resources).unwrap()
}
