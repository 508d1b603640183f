//! Telemetry as it is in files or in a lake, without taking it in.

use super::collect::Gathered;
use super::map::Map;
use super::{IngestRequest, read_file};
use crate::lake::Lake;
use crate::panel::series;
use crate::tracks::{self, Tracks};
use crate::{Error, Result, Table};
use fleetcast_core::{Metric, Panel, Step, Zone};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Samples of many servers, or their days where there are no samples.
#[derive(Clone, Debug)]
pub struct Telemetry {
    rows: Tracks,
    is_daily: bool,
    metrics: BTreeMap<String, Arc<Metric>>,
}

impl Telemetry {
    /// Reads files as [`Lake::ingest`] does, and keeps what it would put into `samples`; days that are
    /// already summarised, when the files hold nothing finer.
    ///
    /// # Errors
    /// As [`Lake::ingest`]; [`Error::EmptyFile`] when there is no value at all.
    pub fn read(request: &IngestRequest) -> Result<Self> {
        let map = request.map.as_deref().map(Map::read).transpose()?.unwrap_or_default();
        let zone = match request.timezone.as_deref().or(map.timezone.as_deref()) {
            Some(name) => Zone::named(name)?,
            None => Zone::utc(),
        };
        let mut gathered = Gathered::new(Vec::new());
        for file in &request.files {
            read_file(file, request.format, &map, &zone, &mut gathered)?;
        }
        let is_daily = gathered.samples.values().all(|track| track.times.is_empty());
        let rows = if is_daily { gathered.daily } else { gathered.samples };
        if rows.values().all(|track| track.times.is_empty()) {
            let file = request.files.first().cloned().unwrap_or_default();
            return Err(Error::EmptyFile { file });
        }
        Ok(Self::new(rows, is_daily, gathered.metrics.into_values()))
    }

    /// The samples of a lake; its days when it has no finer samples.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub fn of(lake: &Lake) -> Result<Self> {
        let of = |table: Table| -> Result<Tracks> {
            let snapshot = lake.store().snapshot(table)?;
            tracks::read(&snapshot, &snapshot.files, |_| true)
        };
        let samples = Self::new(of(Table::Samples)?, false, lake.metrics()?);
        if !samples.rows.is_empty() && samples.step_seconds() < Step::DAY.as_seconds() {
            return Ok(samples);
        }
        Ok(Self::new(of(Table::Daily)?, true, lake.metrics()?))
    }

    fn new(rows: Tracks, is_daily: bool, metrics: impl IntoIterator<Item = Metric>) -> Self {
        let metrics = metrics.into_iter().map(|metric| (metric.name().to_owned(), Arc::new(metric))).collect();
        Self { rows, is_daily, metrics }
    }

    /// Seconds between most neighbouring samples: the median.
    pub fn step_seconds(&self) -> i64 {
        if self.is_daily {
            return Step::DAY.as_seconds();
        }
        let mut steps: Vec<i64> =
            self.rows.values().flat_map(|track| track.times.windows(2).map(|pair| pair[1] - pair[0])).collect();
        steps.sort_unstable();
        // Rounded to seconds: a collector's clock is a little early or late.
        steps.get(steps.len() / 2).map_or(Step::DAY.as_seconds(), |ms| ((ms + 500) / 1000).max(1))
    }

    /// Its series at a step, the means of the samples within each; P95s of days where only days are known.
    ///
    /// # Errors
    /// When `step_seconds` is below 1, or finer than the days that are known.
    pub fn panel(&self, step_seconds: i64) -> Result<Panel> {
        let step = Step::seconds(step_seconds)?;
        if self.is_daily && step != Step::DAY {
            return Err(fleetcast_core::Error::OutOfRange {
                what: "step of telemetry that has days only".to_owned(),
                found: format!("{step_seconds} s"),
                allowed: "a day".to_owned(),
            }
            .into());
        }
        let suffix = if self.is_daily { "_p95" } else { "" };
        let histories = self
            .rows
            .par_iter()
            .map(|(id, track)| series(id, track, track.times.len(), suffix, step, &self.metrics))
            .collect::<Result<Vec<_>>>()?;
        Ok(Panel::new(Vec::new(), histories.into_iter().flatten().collect())?)
    }
}
