//! What is promised about speed, measured: `make bench`, or `mops-bench TOPIC…` for some topics.
//!
//! A topic is one file in `topics/`. Each prints a table and leaves a JSON file in `target/bench`, and a plot where
//! something varies.
//!
//! **Invariant:** a figure is the median of five, beside the best of them; what it is compared with was measured in the
//! same run.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads and writes files")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table is what it is for")]

mod language_client;
mod measure;
mod place;
mod plot;
mod report;
mod shop;
mod topics;

use std::process::ExitCode;

use place::Place;
use topics::{TOPICS, Topic};

/// What a measurement comes to, or why there is none.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: &[String]) -> Outcome<()> {
    let topics = chosen(wanted)?;
    let place = Place::find()?;
    for topic in topics {
        let report = (topic.measure)(&place)?;
        println!("{}", report.table(topic));
        for file in report.write(topic, &place.results)? {
            println!("  {}", file.display());
        }
        println!();
    }
    Ok(())
}

/// The topics that are wanted; all when none is named.
fn chosen(wanted: &[String]) -> Outcome<Vec<&'static Topic>> {
    if wanted.is_empty() {
        return Ok(TOPICS.iter().collect());
    }
    let find = |name: &String| {
        let names = || TOPICS.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
        TOPICS
            .iter()
            .find(|it| it.name == name)
            .ok_or_else(|| format!("there is no topic `{name}`; the topics are {}", names()).into())
    };
    wanted.iter().map(find).collect()
}
