//! What an ingest did, found and suspects.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What was read from one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FileReport {
    /// The file.
    pub file: PathBuf,
    /// How its rows are arranged: `long`, `wide` or `daily`.
    pub layout: &'static str,
    /// Its columns and what they were taken for.
    pub columns: Vec<(String, String)>,
    /// Columns that were not read.
    pub ignored: Vec<String>,
    /// Its rows.
    pub n_rows: usize,
    /// Cells without a value, left out.
    pub n_empty: usize,
    /// Infinite values, left out.
    pub n_infinite: usize,
    /// Points at a time that the series had already; the last one stayed.
    pub n_duplicates: usize,
    /// Those of them whose values differed.
    pub n_conflicting: usize,
    /// Points earlier than the one before them.
    pub n_out_of_order: usize,
    /// Values above 100 % or below 0 %, kept as they are.
    pub n_beyond_percent: usize,
    /// Times a counter began anew.
    pub n_resets: usize,
    /// Whether times came without an offset and were read in the zone below.
    pub is_naive: bool,
    /// The zone of times without an offset.
    pub timezone: String,
    /// The first and the last time, as text.
    pub span: Option<(String, String)>,
    /// Points of each metric, by its name in the lake.
    pub points: BTreeMap<String, usize>,
    /// What looks wrong and was not guessed at.
    pub suspicions: Vec<String>,
    #[serde(skip)]
    seen: Option<(i64, i64)>,
    #[serde(skip)]
    percent: BTreeMap<String, Percent>,
    #[serde(skip)]
    counters: BTreeMap<String, (usize, usize)>,
    #[serde(skip)]
    is_daily: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Percent {
    n: usize,
    largest: f64,
}

/// A metric that came with an ingest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricReport {
    /// Its name in the lake.
    pub metric: String,
    /// Its unit, empty when nobody said.
    pub unit: String,
    /// Its capacity for the whole fleet, in its unit.
    pub capacity: Option<f64>,
    /// Whether the lake did not have it before.
    pub is_new: bool,
}

/// What an ingest did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct IngestReport {
    /// The files, in the order given.
    pub files: Vec<FileReport>,
    /// The metrics that came.
    pub metrics: Vec<MetricReport>,
    /// Servers the lake did not have before.
    pub new_servers: Vec<String>,
    /// Rows of `samples` that are new.
    pub n_inserted: usize,
    /// Rows of `samples` that were corrected.
    pub n_replaced: usize,
    /// Rows that the lake had already.
    pub n_unchanged: usize,
    /// Rows of `daily` that are new.
    pub n_days_inserted: usize,
    /// Rows of `daily` whose values changed.
    pub n_days_replaced: usize,
}

impl FileReport {
    pub(crate) fn of(file: &Path, layout: &'static str, columns: Vec<(String, String)>, ignored: Vec<String>) -> Self {
        Self { file: file.to_owned(), layout, columns, ignored, ..Self::default() }
    }

    pub(crate) fn rows(&mut self, times: &[i64], is_daily: bool) {
        self.n_rows += times.len();
        self.is_daily = is_daily;
        let low = times.iter().copied().chain(self.seen.map(|seen| seen.0)).min();
        let high = times.iter().copied().chain(self.seen.map(|seen| seen.1)).max();
        self.seen = low.zip(high);
    }

    pub(crate) fn metric(&mut self, name: &str, n_points: usize) {
        *self.points.entry(name.to_owned()).or_default() += n_points;
    }

    /// Counts values beyond 0 to 100, and remembers the largest of those whose unit was not converted.
    pub(crate) fn look_at_percent(&mut self, name: &str, values: &[f64], as_written: bool) {
        self.n_beyond_percent += values.iter().filter(|v| **v > 100.0 || **v < 0.0).count();
        if as_written {
            let seen = self.percent.entry(name.to_owned()).or_default();
            seen.n += values.len();
            seen.largest = values.iter().copied().fold(seen.largest, f64::max);
        }
    }

    /// Remembers a series that hardly ever falls and hardly ever stands still.
    pub(crate) fn suspect_counter(&mut self, name: &str, values: &[f64]) {
        const FEW: usize = 20;
        if values.len() < FEW {
            return;
        }
        let steps = values.windows(2);
        let (mut rises, mut falls) = (0, 0);
        steps.for_each(|pair| {
            rises += usize::from(pair[1] > pair[0]);
            falls += usize::from(pair[1] < pair[0]);
        });
        let seen = self.counters.entry(name.to_owned()).or_default();
        seen.1 += 1;
        seen.0 += usize::from(rises * 10 >= values.len() * 8 && falls * 50 <= values.len());
    }

    pub(crate) fn finish(&mut self) {
        let show = |at: i64| match self.is_daily {
            true => crate::batch::date_of(at as i32).to_string(),
            false => jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string()),
        };
        self.span = self.seen.map(|(low, high)| (show(low), show(high)));
        for (name, seen) in &self.percent {
            if seen.n >= 100 && seen.largest > 0.0 && seen.largest <= 1.0 {
                self.suspicions.push(format!(
                    "no value of `{name}` is above {}: if they are fractions and not per cent, say `unit = \"fraction\"` below `[metrics.{name}]` in `--map`",
                    seen.largest
                ));
            }
        }
        for (name, (suspects, all)) in &self.counters {
            if suspects * 2 > *all {
                self.suspicions.push(format!(
                    "`{name}` only ever grows: if it counts up, say `counter = true` below `[metrics.{name}]` in `--map`, and its rate is kept"
                ));
            }
        }
    }
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} rows, {}", self.file.display(), self.n_rows, self.layout)?;
        for (column, role) in &self.columns {
            writeln!(f, "  {column} -> {role}")?;
        }
        if !self.ignored.is_empty() {
            writeln!(f, "  not read: {}", self.ignored.join(", "))?;
        }
        if let Some((first, last)) = &self.span {
            writeln!(f, "  from {first} to {last}")?;
        }
        if self.is_naive {
            writeln!(f, "  times without an offset were read as {}", self.timezone)?;
        }
        let counted = [
            (self.n_empty, "cells without a value left out"),
            (self.n_infinite, "infinite values left out"),
            (self.n_out_of_order, "points out of order put in order"),
            (self.n_duplicates, "points at a time that was there already, the last one kept"),
            (self.n_conflicting, "of them with another value"),
            (self.n_beyond_percent, "values above 100 % or below 0 % kept as they are"),
            (self.n_resets, "resets of counters"),
        ];
        for (count, what) in counted.iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "  {count} {what}")?;
        }
        self.suspicions.iter().try_for_each(|suspicion| writeln!(f, "  suspicious: {suspicion}"))
    }
}

impl fmt::Display for IngestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| write!(f, "{file}"))?;
        for metric in &self.metrics {
            let unit = if metric.unit.is_empty() { "no unit" } else { &metric.unit };
            let new = if metric.is_new { ", new" } else { "" };
            match metric.capacity {
                Some(capacity) => writeln!(f, "metric {}: {unit}, capacity {capacity}{new}", metric.metric)?,
                None => writeln!(f, "metric {}: {unit}, no capacity{new}", metric.metric)?,
            }
        }
        if !self.new_servers.is_empty() {
            writeln!(f, "{} new servers", self.new_servers.len())?;
        }
        writeln!(
            f,
            "samples: {} new, {} corrected, {} as before; days: {} new, {} corrected",
            self.n_inserted, self.n_replaced, self.n_unchanged, self.n_days_inserted, self.n_days_replaced
        )
    }
}
