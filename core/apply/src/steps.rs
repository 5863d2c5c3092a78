//! A plan as single calls and what each waits for. A replacement is two: its deletion and its creation.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::Address;
use mops_plan::{Action, Change, Plan};

/// Which half of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Half {
    /// What goes.
    Remove,
    /// What comes or changes.
    Make,
}

/// Names a step.
pub(crate) type StepId = (Address, Half);

/// What has not begun yet.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    waiting: BTreeMap<StepId, Step>,
    dependants: BTreeMap<StepId, BTreeSet<StepId>>,
}

#[derive(Debug)]
struct Step {
    action: Action,
    waits_for: BTreeSet<StepId>,
    // How many steps must follow one another after this one, at least.
    remaining: usize,
}

impl Steps {
    /// The steps of a plan, moves excepted.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut steps = Self::default();
        for change in &plan.changes {
            for (half, waits_for) in halves(change) {
                let step = Step { action: change.action.clone(), waits_for, remaining: 0 };
                steps.waiting.insert((change.address.clone(), half), step);
            }
        }
        let known: BTreeSet<StepId> = steps.waiting.keys().cloned().collect();
        for (id, step) in &mut steps.waiting {
            step.waits_for.retain(|it| known.contains(it));
            for need in &step.waits_for {
                steps.dependants.entry(need.clone()).or_default().insert(id.clone());
            }
        }
        steps.measure();
        steps
    }

    /// Takes the steps that wait for nothing, at most `room`, the longest remaining path first.
    pub(crate) fn take_ready(&mut self, room: usize) -> Vec<(StepId, Action)> {
        let mut ready: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, it)| it.waits_for.is_empty())
            .map(|(id, it)| (it.remaining, id.clone()))
            .collect();
        ready.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.cmp(b)));
        ready.truncate(room);
        let mut take = |id: StepId| self.waiting.remove(&id).map(|step| (id, step.action));
        ready.into_iter().filter_map(|(_, id)| take(id)).collect()
    }

    /// Whether `id` has not begun yet.
    pub(crate) fn is_waiting(&self, id: &StepId) -> bool {
        self.waiting.contains_key(id)
    }

    /// Nothing waits for `id` any more.
    pub(crate) fn done(&mut self, id: &StepId) {
        for dependant in self.dependants.remove(id).into_iter().flatten() {
            if let Some(step) = self.waiting.get_mut(&dependant) {
                step.waits_for.remove(id);
            }
        }
    }

    /// Takes everything that waits for `id`, however indirectly.
    pub(crate) fn take_dependants(&mut self, id: &StepId) -> Vec<StepId> {
        let mut taken = Vec::new();
        let mut open = vec![id.clone()];
        while let Some(id) = open.pop() {
            for dependant in self.dependants.remove(&id).into_iter().flatten() {
                if self.waiting.remove(&dependant).is_some() {
                    taken.push(dependant.clone());
                    open.push(dependant);
                }
            }
        }
        taken
    }

    /// Takes everything that is left.
    pub(crate) fn take_all(&mut self) -> Vec<StepId> {
        std::mem::take(&mut self.waiting).into_keys().collect()
    }

    /// Computes what remains after each step, the last steps first.
    fn measure(&mut self) {
        let mut open: BTreeMap<StepId, usize> = self
            .waiting
            .keys()
            .map(|id| (id.clone(), self.dependants.get(id).map_or(0, BTreeSet::len)))
            .collect();
        let mut ends: Vec<StepId> = open.iter().filter(|(_, n)| **n == 0).map(|(id, _)| id.clone()).collect();
        while let Some(id) = ends.pop() {
            let step = &self.waiting[&id];
            let remaining = step.remaining + 1;
            for need in step.waits_for.clone() {
                let needed = self.waiting.get_mut(&need).expect("only known steps are waited for");
                needed.remaining = needed.remaining.max(remaining);
                let left = open.get_mut(&need).expect("every step was counted");
                *left -= 1;
                if *left == 0 {
                    ends.push(need);
                }
            }
        }
    }
}

/// The steps of a change, each with what it waits for; some of that may not exist.
fn halves(change: &Change) -> Vec<(Half, BTreeSet<StepId>)> {
    let made = || change.needs.iter().map(|it| (it.clone(), Half::Make));
    // What is replaced or deleted has a half that removes; what is only updated has one that makes. A replacement's
    // own making is not waited for: it comes after this.
    let gone = || change.after.iter().map(|it| (it.clone(), Half::Remove));
    let let_go = || change.after.iter().map(|it| (it.clone(), Half::Make));
    match change.action {
        Action::Create | Action::Update => vec![(Half::Make, made().collect())],
        Action::Delete => vec![(Half::Remove, gone().chain(let_go()).collect())],
        Action::Replace => {
            let removed = (change.address.clone(), Half::Remove);
            vec![(Half::Remove, gone().collect()), (Half::Make, made().chain([removed]).collect())]
        }
        Action::Move { .. } => Vec::new(),
    }
}
