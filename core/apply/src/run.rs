//! The run itself: what is ready begins, what is finished is recorded, until nothing is left.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{Address, Graph, Recorded, Resource, State, Unresolved};
use mops_plan::{Action, Plan};
use tokio::task::{JoinError, JoinSet};

use crate::{
    Applied, End, Inputs, Operation, Outputs, Refused, World,
    journal::Entry,
    steps::{Half, StepId, Steps},
};

/// How many calls run at once, at most.
const AT_ONCE: usize = 16;

/// Carries out `plan`, which leads from `state` to `graph`.
///
/// Independent changes go at once, the longest remaining path first. A failure stops what depends on it. When a stop is
/// requested nothing new begins and what runs is awaited.
pub async fn apply(plan: &Plan, state: State, graph: &Graph, world: &World<'_>) -> Applied {
    let mut run = Run {
        graph: graph.resources().iter().map(|it| (&it.address, it)).collect(),
        world,
        steps: Steps::new(plan),
        running: JoinSet::new(),
        batch: Batch::default(),
        applied: Applied {
            state,
            done: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            end: End::Complete,
        },
    };
    run.moves(plan).await;
    run.carry_out().await;
    run.take_over_what_is_unchanged(plan);
    run.applied
}

struct Run<'a> {
    graph: BTreeMap<&'a Address, &'a Resource>,
    world: &'a World<'a>,
    steps: Steps,
    running: JoinSet<Outcome>,
    batch: Batch,
    applied: Applied,
}

/// What goes to the journal together, and what happens once it is there.
#[derive(Default)]
struct Batch {
    entries: Vec<Vec<u8>>,
    news: Vec<News>,
    calls: Vec<(StepId, Call)>,
}

/// What an observer is told.
enum News {
    Finished(Address, Operation),
    Unchanged(Address),
    Failed(Address, Operation, Refused),
    Skipped(Address),
}

/// One call of a provider.
enum Call {
    Create { planned: Recorded },
    Update { recorded: Recorded, planned: Recorded },
    Delete { recorded: Recorded },
}

/// What came of a call.
struct Outcome {
    id: StepId,
    operation: Operation,
    result: Result<Became, Refused>,
}

/// What a resource became.
enum Became {
    Made(Recorded),
    Gone,
}

impl Run<'_> {
    /// New addresses come before everything else, one after another. A provider that has renamed something and was cut
    /// off before it is on record finds it under its new address when it is asked to create it.
    async fn moves(&mut self, plan: &Plan) {
        for change in &plan.changes {
            let Action::Move { from } = &change.action else { continue };
            let to = &change.address;
            let Some(recorded) = self.applied.state.resources.get(from).cloned() else { continue };
            match self.world.provider.rename(from, to, &recorded).await {
                Ok(outputs) => {
                    self.applied.state.rename(from, to);
                    self.batch.entries.push(Entry::Moved { from: from.clone(), to: to.clone() }.to_bytes());
                    let moved = Recorded { outputs, ..self.applied.state.resources[to].clone() };
                    self.batch
                        .entries
                        .push(Entry::Made { address: to.clone(), recorded: moved.clone() }.to_bytes());
                    self.applied.state.resources.insert(to.clone(), moved);
                    self.applied.done.push(to.clone());
                }
                Err(refused) => self.applied.failed.push((to.clone(), refused)),
            }
        }
        if !self.applied.failed.is_empty() {
            let rest = self.steps.take_all();
            self.skip(rest);
        }
    }

    async fn carry_out(&mut self) {
        loop {
            self.begin_what_is_ready();
            self.commit();
            match self.running.join_next().await {
                Some(outcome) => self.settle(finished(outcome)),
                None => break,
            }
            while let Some(outcome) = self.running.try_join_next() {
                self.settle(finished(outcome));
            }
        }
        self.give_up_the_rest();
        self.commit();
    }

    fn begin_what_is_ready(&mut self) {
        if self.world.cancellation.is_requested() || matches!(self.applied.end, End::Unrecorded(_)) {
            return;
        }
        // What turns out unchanged makes more ready at once.
        loop {
            let room = AT_ONCE.saturating_sub(self.running.len() + self.batch.calls.len());
            let ready = self.steps.take_ready(room);
            if ready.is_empty() {
                return;
            }
            for (id, action) in ready {
                self.begin(id, &action);
            }
        }
    }

    fn begin(&mut self, id: StepId, action: &Action) {
        let (address, half) = &id;
        let recorded = self.applied.state.resources.get(address).cloned();
        let operation = match (half, action) {
            (Half::Remove, _) => Operation::Delete,
            (Half::Make, Action::Update) if recorded.is_some() => Operation::Update,
            (Half::Make, _) => Operation::Create,
        };
        let call = match (half, recorded) {
            (Half::Remove, Some(recorded)) => Call::Delete { recorded },
            (Half::Remove, None) => return self.settle(Outcome { id, operation, result: Ok(Became::Gone) }),
            (Half::Make, recorded) => match (self.planned(address), recorded) {
                (Err(refused), _) => return self.settle(Outcome { id, operation, result: Err(refused) }),
                (Ok(planned), Some(recorded)) if operation == Operation::Update => {
                    if recorded.inputs == planned.inputs {
                        return self.unchanged(&id, Recorded { outputs: recorded.outputs, ..planned });
                    }
                    Call::Update { recorded, planned }
                }
                (Ok(planned), _) => Call::Create { planned },
            },
        };
        let planned = call.planned().cloned();
        self.batch.entries.push(Entry::Intent { address: address.clone(), operation, planned }.to_bytes());
        self.batch.calls.push((id, call));
    }

    /// What will be on record once the resource at `address` is made, but for its outputs.
    fn planned(&self, address: &Address) -> Result<Recorded, Refused> {
        let resource = self.graph.get(address).expect("what a plan makes is in its graph");
        let output =
            |address: &Address, attribute: &str| self.applied.state.output(address, attribute).cloned();
        let resolve =
            |(name, value): (&String, &mops_model::Value)| Ok((name.clone(), value.resolve(&output)?));
        let inputs = resource.inputs.iter().map(resolve).collect::<Result<Inputs, Unresolved>>();
        Ok(Recorded {
            inputs: inputs.map_err(|it| Refused::new(it.to_string()))?,
            outputs: Outputs::new(),
            needs: resource.all_needs(),
            lifecycle: resource.lifecycle,
            origin: resource.origin.clone(),
        })
    }

    fn unchanged(&mut self, id: &StepId, recorded: Recorded) {
        self.batch.news.push(News::Unchanged(id.0.clone()));
        self.made(id, recorded);
    }

    fn made(&mut self, id: &StepId, recorded: Recorded) {
        let address = id.0.clone();
        self.batch
            .entries
            .push(Entry::Made { address: address.clone(), recorded: recorded.clone() }.to_bytes());
        self.applied.state.resources.insert(address.clone(), recorded);
        self.applied.done.push(address);
        self.steps.done(id);
    }

    /// Takes over what came of a call.
    fn settle(&mut self, outcome: Outcome) {
        let Outcome { id, operation, result } = outcome;
        let address = id.0.clone();
        match result {
            Ok(Became::Made(recorded)) => {
                self.batch.news.push(News::Finished(address, operation));
                self.made(&id, recorded);
            }
            Ok(Became::Gone) => {
                self.batch.entries.push(Entry::Removed { address: address.clone() }.to_bytes());
                self.applied.state.resources.remove(&address);
                self.steps.done(&id);
                // Of a replacement only the second half is told: then it is finished.
                if self.steps.is_waiting(&(address.clone(), Half::Make)) {
                    return;
                }
                self.batch.news.push(News::Finished(address.clone(), operation));
                self.applied.done.push(address);
            }
            Err(refused) => {
                let message = refused.message.clone();
                self.batch.entries.push(Entry::Refused { address: address.clone(), message }.to_bytes());
                self.batch.news.push(News::Failed(address.clone(), operation, refused.clone()));
                self.applied.failed.push((address, refused));
                let dependants = self.steps.take_dependants(&id);
                self.skip(dependants);
            }
        }
    }

    fn skip(&mut self, ids: Vec<StepId>) {
        for address in ids.into_iter().map(|it| it.0).collect::<BTreeSet<_>>() {
            let is_said = self.applied.skipped.contains(&address)
                || self.applied.failed.iter().any(|(failed, _)| *failed == address);
            if !is_said {
                self.batch.news.push(News::Skipped(address.clone()));
                self.applied.skipped.push(address);
            }
        }
    }

    /// Puts outcomes and intents on stable storage, tells the observer, and only then makes the calls.
    fn commit(&mut self) {
        let Batch { entries, news, calls } = std::mem::take(&mut self.batch);
        let written = match entries.is_empty() {
            true => Ok(()),
            false => self.world.journal.append(&entries),
        };
        let observer = self.world.observer;
        for it in news {
            match it {
                News::Finished(address, operation) => observer.finished(&address, operation),
                News::Unchanged(address) => observer.unchanged(&address),
                News::Failed(address, operation, refused) => observer.failed(&address, operation, &refused),
                News::Skipped(address) => observer.skipped(&address),
            }
        }
        if let Err(error) = written {
            self.applied.end = End::Unrecorded(error.to_string());
            self.skip(calls.into_iter().map(|(id, _)| id).collect());
            return;
        }
        for (id, call) in calls {
            observer.started(&id.0, call.operation());
            let provider = std::sync::Arc::clone(&self.world.provider);
            self.running.spawn(async move {
                let operation = call.operation();
                let result = call.make(&*provider, &id.0).await;
                Outcome { id, operation, result }
            });
        }
    }

    /// Whatever has not begun by now will not.
    fn give_up_the_rest(&mut self) {
        let rest = self.steps.take_all();
        let is_stopped =
            self.world.cancellation.is_requested() || matches!(self.applied.end, End::Unrecorded(_));
        if !is_stopped {
            let refused = || Refused::new("it waits for what waits for it");
            self.applied.failed.extend(rest.iter().map(|(address, _)| (address.clone(), refused())));
        }
        let is_cancelled = self.world.cancellation.is_requested() && !rest.is_empty();
        self.skip(rest);
        if matches!(self.applied.end, End::Complete) {
            self.applied.end = match (is_cancelled, self.applied.failed.is_empty()) {
                (true, _) => End::Cancelled,
                (false, true) => End::Complete,
                (false, false) => End::Failed,
            };
        }
    }

    /// What a script says about a resource without changing it: its place, and what must exist before it.
    fn take_over_what_is_unchanged(&mut self, plan: &Plan) {
        let is_move = |it: &Action| matches!(it, Action::Move { .. });
        let changed: BTreeSet<_> =
            plan.changes.iter().filter(|it| !is_move(&it.action)).map(|it| &it.address).collect();
        for (address, recorded) in &mut self.applied.state.resources {
            if let Some(resource) = self.graph.get(address).filter(|_| !changed.contains(address)) {
                recorded.needs = resource.all_needs();
                recorded.origin = resource.origin.clone();
            }
        }
    }
}

impl Call {
    fn operation(&self) -> Operation {
        match self {
            Self::Create { .. } => Operation::Create,
            Self::Update { .. } => Operation::Update,
            Self::Delete { .. } => Operation::Delete,
        }
    }

    fn planned(&self) -> Option<&Recorded> {
        match self {
            Self::Create { planned } | Self::Update { planned, .. } => Some(planned),
            Self::Delete { .. } => None,
        }
    }

    async fn make(self, provider: &dyn crate::Provider, address: &Address) -> Result<Became, Refused> {
        Ok(match self {
            Self::Create { planned } => {
                let outputs = provider.create(address, &planned.inputs).await?;
                Became::Made(Recorded { outputs, ..planned })
            }
            Self::Update { recorded, planned } => {
                let outputs = provider.update(address, &recorded, &planned.inputs).await?;
                Became::Made(Recorded { outputs, ..planned })
            }
            Self::Delete { recorded } => {
                provider.delete(address, &recorded).await?;
                Became::Gone
            }
        })
    }
}

/// What a call came to; a provider's panic is our bug and goes on.
fn finished(outcome: Result<Outcome, JoinError>) -> Outcome {
    outcome.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
