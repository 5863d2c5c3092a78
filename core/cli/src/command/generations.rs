//! `mops generations`.

use mops_store::Entry;

use crate::{
    failure::Failure,
    line::Line,
    show::{self, BOLD, DIM, styled},
};

/// Lists the generations of a site, newest first.
pub(crate) fn generations(line: &Line<'_>) -> Result<(), Failure> {
    let store = line.store()?;
    let entries = mops_store::history(&**store).map_err(|err| Failure::store(&err))?;
    for (i, entry) in entries.iter().enumerate() {
        let current = if i == 0 { styled(BOLD, "*") } else { " ".to_owned() };
        anstream::println!("{current} {}", row(entry));
    }
    Ok(())
}

fn row(entry: &Entry) -> String {
    let resources = show::count(entry.generation.state.resources.len(), "resource");
    let when = styled(DIM, when(entry.record.at));
    format!(
        "{:>4}  {when}  {:<20}  {:<14}  {}",
        entry.generation.number, entry.record.by, resources, entry.record.command
    )
}

/// A time for people, in UTC: `2026-11-23 06:45:08`.
pub(crate) fn when(at: i64) -> String {
    match jiff::Timestamp::from_second(at) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => format!("{at} s"),
    }
}
