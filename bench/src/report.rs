//! What a topic found, as a table for people and as JSON.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use crate::{Outcome, measure::Times, plot, topics::Topic};

/// What a topic found.
#[derive(Default, Serialize)]
pub(crate) struct Report {
    /// In the order they were measured.
    pub(crate) rows: Vec<Row>,
    /// Where something varies.
    pub(crate) plot: Option<Plot>,
}

/// One thing that was measured.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// In microseconds.
    pub(crate) times: Times,
    /// What it is compared with, measured in the same run.
    pub(crate) peer: Option<Peer>,
    /// What the median should not exceed, in microseconds.
    pub(crate) aim: Option<f64>,
}

/// What something is compared with.
#[derive(Serialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    /// How many times as long it takes.
    pub(crate) ratio: f64,
}

/// Time over a number of things.
#[derive(Serialize)]
pub(crate) struct Plot {
    /// What there is a number of.
    pub(crate) over: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// One line of a plot.
#[derive(Serialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Numbers, each with its median in microseconds.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Report {
    /// Adds a row; what it returns is completed with a peer and an aim.
    pub(crate) fn row(&mut self, what: impl Into<String>, times: Times) -> &mut Row {
        self.rows.push(Row { what: what.into(), times, peer: None, aim: None });
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    /// The table.
    pub(crate) fn table(&self, topic: &Topic) -> String {
        let head = ["", "median", "best", "against", "aim"].map(str::to_owned);
        let rows: Vec<[String; 5]> = std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect();
        let width = |column: usize| rows.iter().map(|it| it[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4].map(width);
        let mut table = format!("{}: {}\n", topic.name, topic.about);
        for [what, median, best, against, aim] in &rows {
            let [first, second, third, fourth, _] = widths;
            let line =
                format!("  {what:first$}  {median:>second$}  {best:>third$}  {against:fourth$}  {aim}");
            table.push_str(line.trim_end());
            table.push('\n');
        }
        table
    }

    /// Writes the JSON file of `topic` and its plot into `folder`; returns what was written.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write(&self, topic: &Topic, folder: &Path) -> Outcome<Vec<PathBuf>> {
        let path = folder.join(format!("{}.json", topic.name));
        fs::write(&path, serde_json::to_string_pretty(self)?)?;
        let mut written = vec![path];
        if let Some(it) = &self.plot {
            let path = folder.join(format!("{}.svg", topic.name));
            fs::write(&path, plot::svg(topic.about, it)?)?;
            written.push(path);
        }
        Ok(written)
    }
}

impl Row {
    /// Compares it with `peer`.
    pub(crate) fn against(&mut self, name: impl Into<String>, peer: Times) -> &mut Self {
        self.peer = Some(Peer { name: name.into(), ratio: self.times.against(peer) });
        self
    }

    /// Says what its median should not exceed.
    pub(crate) fn aim(&mut self, aim: Duration) {
        self.aim = Some(aim.as_secs_f64() * 1e6);
    }

    fn cells(&self) -> [String; 5] {
        let against = self.peer.as_ref().map(|it| format!("{:.2} × {}", it.ratio, it.name));
        let aim = self.aim.map(|aim| match self.times.median <= aim {
            true => format!("≤ {}", shown(aim)),
            false => format!("≤ {} missed", shown(aim)),
        });
        [
            self.what.clone(),
            shown(self.times.median),
            shown(self.times.best),
            against.unwrap_or_default(),
            aim.unwrap_or_default(),
        ]
    }
}

/// Microseconds as a person reads them.
fn shown(micros: f64) -> String {
    match micros {
        it if it < 1e3 => format!("{it:.1} µs"),
        it if it < 1e6 => format!("{:.1} ms", it / 1e3),
        it => format!("{:.2} s", it / 1e6),
    }
}
