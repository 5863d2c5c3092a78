//! How long things take.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::Outcome;

/// How often everything is measured.
const ROUNDS: usize = 5;

/// How long one thing took, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Times {
    /// The median of five.
    pub(crate) median: f64,
    /// The shortest of five: what it takes when nothing else runs.
    pub(crate) best: f64,
    /// The longest of five.
    pub(crate) worst: f64,
}

impl Times {
    /// Of five durations.
    fn of(mut all: [Duration; ROUNDS]) -> Self {
        all.sort();
        let micros = |it: Duration| it.as_secs_f64() * 1e6;
        Self { median: micros(all[ROUNDS / 2]), best: micros(all[0]), worst: micros(all[ROUNDS - 1]) }
    }

    /// How many times as long as `peer`.
    pub(crate) fn against(self, peer: Self) -> f64 {
        self.median / peer.median
    }
}

/// Measures `once`, which says itself how long it took: once to warm up, then five times.
///
/// # Errors
/// Its first error.
pub(crate) fn five(mut once: impl FnMut() -> Outcome<Duration>) -> Outcome<Times> {
    once()?;
    let mut all = [Duration::ZERO; ROUNDS];
    for time in &mut all {
        *time = once()?;
    }
    Ok(Times::of(all))
}

/// Measures `once` from beginning to end.
///
/// # Errors
/// Its first error.
pub(crate) fn whole<T>(mut once: impl FnMut() -> Outcome<T>) -> Outcome<Times> {
    five(|| {
        let began = Instant::now();
        let made = black_box(once()?);
        let took = began.elapsed();
        // What it takes to free is not what is measured.
        drop(made);
        Ok(took)
    })
}

/// Measures the mean of `count` calls of `once`.
///
/// # Errors
/// Its first error.
pub(crate) fn each<T>(count: u32, mut once: impl FnMut() -> Outcome<T>) -> Outcome<Times> {
    five(|| {
        let began = Instant::now();
        for _ in 0..count {
            black_box(once()?);
        }
        Ok(began.elapsed() / count)
    })
}

/// Measures the time that 99 of 100 of `count` calls of `once` do not exceed.
///
/// # Errors
/// Its first error.
pub(crate) fn percentile_99<T>(count: usize, mut once: impl FnMut() -> Outcome<T>) -> Outcome<Times> {
    five(|| {
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            let began = Instant::now();
            black_box(once()?);
            all.push(began.elapsed());
        }
        all.sort();
        Ok(all[(count * 99).div_ceil(100) - 1])
    })
}
