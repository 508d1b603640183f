//! Real telemetry into the lake: CSV and Parquet, long or wide, irregular as it is.

mod cells;
mod collect;
mod layout;
mod map;
mod report;
mod servers;
pub(crate) mod source;
mod telemetry;
mod units;

pub use report::{FileReport, IngestReport, MetricReport};
pub use telemetry::Telemetry;

use crate::daily::{days_of_track, merge_into, zone_of, zones};
use crate::lake::Lake;
use crate::tracks::{Track, Tracks};
use crate::{Change, Error, Mode, Result, Table, metrics_frame, servers_frame};
use cells::Clock;
use collect::Gathered;
use fleetcast_core::{Metric, Server, Zone};
use map::Map;
use rayon::prelude::*;
use source::Source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Format of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileFormat {
    /// Parquet where the name ends in `.parquet`, CSV otherwise.
    #[default]
    ByName,
    /// CSV, plain or gzipped, separated by commas, semicolons, tabs or bars.
    Csv,
    /// Parquet.
    Parquet,
}

/// Which files to ingest, and what to know about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IngestRequest {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Their format.
    pub format: FileFormat,
    /// A TOML file that says which column is what.
    pub map: Option<PathBuf>,
    /// A CSV file of servers, with columns as in [`Table::Servers`].
    pub servers: Option<PathBuf>,
    /// Capacity of metrics that are no percentages, in their units.
    pub capacities: BTreeMap<String, f64>,
    /// Zone of times without an offset, and of servers that are new; the map's, or UTC, when `None`.
    pub timezone: Option<String>,
}

impl Lake {
    /// Brings telemetry into `samples`, `daily`, `servers` and `metrics`, all or nothing.
    ///
    /// Rows are merged by server and time, so the same file twice changes nothing and a corrected row
    /// replaces. A day of `daily` is taken anew where samples of it came. What was found and guessed
    /// is in the report; what looks wrong is reported and not guessed at.
    ///
    /// # Errors
    /// The first file, row and column that cannot be understood, with what would do; the lake is then
    /// as it was.
    pub fn ingest(&self, request: &IngestRequest) -> Result<IngestReport> {
        let map = request.map.as_deref().map(Map::read).transpose()?.unwrap_or_default();
        let zone = match request.timezone.as_deref().or(map.timezone.as_deref()) {
            Some(name) => Zone::named(name)?,
            None => Zone::utc(),
        };
        let mut report = IngestReport::default();
        let known = self.metrics()?;
        let mut gathered = Gathered::new(known.clone());
        for file in &request.files {
            report.files.push(read_file(file, request.format, &map, &zone, &mut gathered)?);
        }
        let change = self.begin()?;
        let metrics = self.put_metrics(&change, &known, &gathered, &map, request)?;
        let servers = self.put_servers(&change, &gathered, &map, &zone, request, &mut report)?;
        let came = metrics.into_iter().filter(|m| gathered.came.iter().any(|came| came == m.name()));
        report.metrics = came
            .map(|m| MetricReport {
                is_new: known.iter().all(|k| k.name() != m.name()),
                unit: m.unit().to_string(),
                capacity: m.capacity(),
                metric: m.name().to_owned(),
            })
            .collect();
        self.put_rows(&change, gathered, &servers, &mut report)?;
        change.commit()?;
        Ok(report)
    }

    fn put_metrics(
        &self,
        change: &Change,
        known: &[Metric],
        gathered: &Gathered,
        map: &Map,
        request: &IngestRequest,
    ) -> Result<Vec<Metric>> {
        let mut metrics = gathered.metrics.clone();
        let mapped = map.metrics.iter().filter_map(|(raw, said)| Some((collect::lake_name(raw, said), said.capacity?)));
        let given = request.capacities.iter().map(|(name, capacity)| (name.clone(), *capacity));
        for (name, capacity) in mapped.chain(given) {
            let Some(metric) = metrics.get_mut(&name) else {
                let names: Vec<&str> = gathered.metrics.keys().map(String::as_str).collect();
                return Err(Error::unknown("metric", &name, "`--capacity`", &names));
            };
            if !(capacity.is_finite() && capacity > 0.0) {
                return Err(fleetcast_core::Error::OutOfRange {
                    what: format!("capacity of {name}"),
                    found: capacity.to_string(),
                    allowed: "above 0, in the metric's unit".to_owned(),
                }
                .into());
            }
            *metric = metric.clone().with_capacity(Some(capacity));
        }
        let metrics: Vec<Metric> = metrics.into_values().collect();
        let same = metrics.len() == known.len()
            && metrics
                .iter()
                .zip(known)
                .all(|(a, b)| (a.name(), a.unit(), a.capacity()) == (b.name(), b.unit(), b.capacity()));
        if !same {
            change.write(Table::Metrics, &metrics_frame(&metrics)?, &Mode::Replace)?;
        }
        Ok(metrics)
    }

    fn put_servers(
        &self,
        change: &Change,
        gathered: &Gathered,
        map: &Map,
        zone: &Zone,
        request: &IngestRequest,
        report: &mut IngestReport,
    ) -> Result<Vec<Server>> {
        let known = self.servers()?;
        let mut servers: BTreeMap<String, Server> =
            known.iter().map(|server| (server.server_id().to_owned(), server.clone())).collect();
        for id in gathered.servers.iter().filter(|id| !servers.contains_key(id.as_ref())).collect::<Vec<_>>() {
            let mut server = Server::new(id)?;
            server.zone = zone.clone();
            servers.insert(id.to_string(), server);
        }
        if let Some(file) = &request.servers {
            report.files.push(servers::read(file, &map.servers, zone, &mut servers)?);
        }
        report.new_servers =
            servers.keys().filter(|id| known.iter().all(|k| k.server_id() != id.as_str())).cloned().collect();
        let servers: Vec<Server> = servers.into_values().collect();
        if servers != known {
            change.write(Table::Servers, &servers_frame(&servers)?, &Mode::Replace)?;
        }
        Ok(servers)
    }

    fn put_rows(
        &self,
        change: &Change,
        gathered: Gathered,
        servers: &[Server],
        report: &mut IngestReport,
    ) -> Result<()> {
        let mut days = gathered.daily;
        if !gathered.samples.is_empty() {
            let merged = merge_into(self, change, Table::Samples, &gathered.samples)?;
            report.n_inserted = merged.counts.inserted;
            report.n_replaced = merged.counts.replaced;
            report.n_unchanged = merged.counts.unchanged;
            let zones = zones(servers);
            let taken: Vec<(std::sync::Arc<str>, Track)> = merged
                .rows
                .par_iter()
                .map(|(id, track)| (id.clone(), days_of_track(track, zone_of(&zones, id))))
                .collect();
            for (id, track) in taken {
                // Where a day came both ways, its samples say more than its summary.
                let both = days.get(&id).unwrap_or(&Track::default()).merged_with(&track).0;
                days.insert(id, both);
            }
        }
        if !days.is_empty() {
            let merged = merge_into(self, change, Table::Daily, &filled(days))?;
            report.n_days_inserted = merged.counts.inserted;
            report.n_days_replaced = merged.counts.replaced;
        }
        Ok(())
    }
}

/// Days with a row for each day between the first and the last.
fn filled(days: Tracks) -> Tracks {
    let fill = |track: Track| {
        let (Some(first), Some(last)) = (track.times.first(), track.times.last()) else { return track };
        let times: Vec<i64> = (*first..=*last).collect();
        if times.len() == track.times.len() {
            return track;
        }
        let empty = Track { n_samples: vec![0; times.len()], times, columns: BTreeMap::new() };
        empty.merged_with(&track).0
    };
    days.into_iter().map(|(id, track)| (id, fill(track))).collect()
}

fn read_file(file: &Path, format: FileFormat, map: &Map, zone: &Zone, gathered: &mut Gathered) -> Result<FileReport> {
    let is_parquet = match format {
        FileFormat::Csv => false,
        FileFormat::Parquet => true,
        FileFormat::ByName => file.extension().is_some_and(|end| end.eq_ignore_ascii_case("parquet")),
    };
    let source = Source::open(file, is_parquet)?;
    let roles = layout::roles(file, &source.names, &source.numeric, map)?;
    let columns = roles.described(&source.names);
    let ignored =
        source.names.iter().filter(|name| columns.iter().all(|(column, _)| column != *name)).cloned().collect();
    let mut report = FileReport::of(file, roles.layout().name(), columns, ignored);
    report.timezone = zone.name().to_owned();
    if roles.server.is_none() {
        report
            .suspicions
            .push("no column names a server, so the file's name does; say which one does with `--map`".to_owned());
    }
    let clock = Clock::new(zone, map.time_format.clone());
    gathered.read(&source, &roles, &clock, map, &mut report)?;
    if report.points.contains_key("value") && map.metric.is_none() && roles.metric.is_none() {
        report.suspicions.push(
            "no column names the metric, so it is called `value`; name it with `metric = \"...\"` in `--map`"
                .to_owned(),
        );
    }
    report.finish();
    Ok(report)
}
