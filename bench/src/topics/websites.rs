//! A script with many websites: evaluation and lowering.

use std::time::Duration;

use crate::{
    Outcome,
    measure::{Times, whole},
    place::Place,
    report::{Line, Plot, Report},
    shop::{Workshop, many_websites},
};

/// How many websites; the aim is said for a thousand.
const COUNTS: [u32; 4] = [100, 300, 1_000, 3_000];
const AIM: (u32, Duration) = (1_000, Duration::from_millis(500));

/// One stage, over the numbers of websites.
struct Stage {
    name: &'static str,
    times: Vec<(u32, Times)>,
}

/// Measures [`COUNTS`].
///
/// # Errors
/// When the example is wrong.
pub(crate) fn measure(place: &Place) -> Outcome<Report> {
    let folder = tempfile::tempdir()?;
    let workshop = Workshop::new(&place.scripts, &folder.path().join("cache.json"))?;
    let mut stages = ["evaluation", "lowering", "both"].map(|name| Stage { name, times: Vec::new() });
    for count in COUNTS {
        let text = many_websites(&place.scripts, count as usize)?;
        let site = workshop.evaluate(&text)?;
        let times = [
            whole(|| workshop.evaluate(&text))?,
            whole(|| workshop.lower(&site))?,
            whole(|| workshop.lower(&workshop.evaluate(&text)?))?,
        ];
        for (stage, times) in stages.iter_mut().zip(times) {
            stage.times.push((count, times));
        }
    }
    let mut report = Report::default();
    for stage in &stages {
        stage.rows(&mut report);
    }
    let lines = stages.iter().map(|it| Line {
        name: it.name.to_owned(),
        points: it.times.iter().map(|(count, times)| (f64::from(*count), times.median)).collect(),
    });
    report.plot = Some(Plot { over: "websites", lines: lines.collect() });
    Ok(report)
}

impl Stage {
    /// Its rows: against the fewest websites, where a ratio equal to that of the numbers is linear.
    fn rows(&self, report: &mut Report) {
        let fewest = self.times.first().copied();
        for (count, times) in &self.times {
            let row = report.row(format!("{}, {count} websites", self.name), *times);
            if let Some((least, peer)) = fewest.filter(|(least, _)| least != count) {
                row.against(format!("{least} websites, of {} times as many", count / least), peer);
            }
            if self.name == "both" && *count == AIM.0 {
                row.aim(AIM.1);
            }
        }
    }
}
