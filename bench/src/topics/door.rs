//! One call of a plugin: as plain Rust, linked, loaded into this process, and in a guarded process of its own.

use mops_load::{Child, Library, Opened};
use mops_model::Call;
use mops_plugin::{Context, Encoded, Linked, Plugin, Registry, Slots, Transport, testing};
use mops_zoo::Zoo;

use crate::{
    Outcome,
    measure::{Times, each},
    place::Place,
    report::{Line, Plot, Report},
    shop::wrong,
};

/// How many websites the site has that a call sees, and how many calls make one figure.
const COUNTS: [(u32, u32); 4] = [(1, 1_000), (10, 1_000), (100, 200), (1_000, 50)];
/// How a plugin is reached.
const WAYS: [&str; 4] = ["plain Rust", "linked", "loaded", "guarded"];
/// The way that loaded libraries are compared with.
const LINKED: usize = 1;

/// The plugin as each way reaches it.
struct Doors {
    linked: Registry,
    loaded: Registry,
    guarded: Registry,
}

/// Measures each way with each number of websites.
///
/// # Errors
/// When the zoo does not open or answer.
pub(crate) fn measure(place: &Place) -> Outcome<Report> {
    let cache = tempfile::tempdir()?;
    let library = Library::read("zoo", &place.library("mops_zoo")).map_err(|err| wrong(&[err]))?;
    let opened = Opened::open(&library, cache.path()).map_err(|err| wrong(&[err]))?;
    let child = Child::open(&place.program, &library, cache.path()).map_err(|err| wrong(&[err]))?;
    let doors = Doors {
        linked: Registry::new([Linked(&Zoo)]),
        loaded: asking(Box::new(opened))?,
        guarded: asking(Box::new(child))?,
    };
    let call = testing::call(&Zoo, "animal", r#"{ "how": "tame" }"#)
        .map_err(|err| format!("the zoo has no tame animal: {err:?}"))?;
    let mut report = Report::default();
    let mut lines = WAYS.map(|name| Line { name: name.to_owned(), points: Vec::new() });
    for (count, calls) in COUNTS {
        let websites = (0..count).map(|it| testing::website(&format!("w{it}"), &format!("w{it}.example")));
        let context = testing::context(websites.collect());
        let times = doors.times(&call, &context, calls)?;
        for ((name, times_of_way), line) in WAYS.iter().zip(times).zip(&mut lines) {
            line.points.push((f64::from(count), times_of_way.median));
            report
                .row(format!("{name}, {count} websites"), times_of_way)
                .against(WAYS[LINKED], times[LINKED]);
        }
    }
    report.plot = Some(Plot { over: "websites in the site", lines: lines.into() });
    Ok(report)
}

fn asking(transport: Box<dyn Transport>) -> Outcome<Registry> {
    let mut registry = Registry::new([]);
    registry.add(transport).map_err(|err| wrong(&[err]))?;
    Ok(registry)
}

impl Doors {
    fn times(&self, call: &Call, context: &Context, calls: u32) -> Outcome<[Times; 4]> {
        let slots = Slots::default();
        let (told, told_slots) = (Encoded::of(context), Encoded::of(&slots));
        let through = |registry: &Registry| {
            each(calls, || registry.lower(call, &told, &told_slots).map_err(|err| wrong(&err)))
        };
        Ok([
            each(calls, || Zoo.lower(call, context, &slots).map_err(|err| wrong(&err)))?,
            through(&self.linked)?,
            through(&self.loaded)?,
            through(&self.guarded)?,
        ])
    }
}
