//! Made-up telemetry into a lake or into files.

use crate::differences;
use crate::oracle::{self, oracles};
use crate::store::{self, RunRecord};
use crate::{Context, Error, Result, profiles};
use fleetcast_lake::{
    Column, FilesSpec, Frame, Lake, Mode, Partition, Table, TableFiles, TableFormat, daily_frame, metrics_frame,
    servers_frame,
};
use fleetcast_numeric::stream::stable_hash;
use fleetcast_sim::{Event, Fleet, FleetSpec, METRICS, Profile, SampleStep, ServerTelemetry, Workspace};
use jiff::civil::{Date, date};
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What a generator is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateOptions {
    /// Servers in the fleet.
    pub n_servers: usize,
    /// First local date.
    pub start: Date,
    /// Days.
    pub days: usize,
    /// Time between samples.
    pub step: SampleStep,
    /// Seed.
    pub seed: u64,
    /// Name of a built-in scenario, or a TOML file.
    pub scenario: String,
    /// A profile in place of the built-in one of the same name.
    pub profile: Option<PathBuf>,
    /// Only these servers; all of them when empty.
    pub only: Vec<String>,
    /// Names of those of [`GENERATED_TABLES`] that are wanted; all of them when empty. A lake always has
    /// its servers and metrics, and of the tables that are not wanted no row.
    pub tables: Vec<String>,
    /// Days at whose end an oracle says what could be known of the days after.
    pub oracle_cutoffs: Vec<Date>,
    /// Days after each cutoff that it speaks of.
    pub oracle_horizon_days: usize,
    /// What to change in a second fleet of the same seed, which the first is compared with: `KEY=VALUE` of
    /// the scenario, or a TOML file with such keys.
    pub changes: Vec<String>,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            n_servers: 200,
            start: date(2022, 1, 1),
            days: 1095,
            step: SampleStep::Day,
            seed: 42,
            scenario: "enterprise".to_owned(),
            profile: None,
            only: Vec::new(),
            tables: Vec::new(),
            oracle_cutoffs: Vec::new(),
            oracle_horizon_days: 180,
            changes: Vec::new(),
        }
    }
}

/// What was generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// Servers.
    pub n_servers: usize,
    /// Rows of samples: one server at one time, with every metric.
    pub n_rows: usize,
    /// Level shifts and other events planted.
    pub n_events: usize,
}

/// Rows that one part of a table has at most: few files for a small fleet, bounded memory for a large one.
const PART_ROWS: usize = 120_000;

/// The fleet that `options` describe.
///
/// # Errors
/// When the scenario, the profile or the size makes no sense.
pub fn fleet(options: &GenerateOptions) -> Result<Fleet> {
    let mut scenario = profiles::scenario(&options.scenario)?;
    if let Some(file) = &options.profile {
        scenario = scenario.with_profile(Profile::from_toml(&profiles::read(file)?, &file.display().to_string())?);
    }
    let GenerateOptions { n_servers, start, days, step, seed, .. } = *options;
    Ok(Fleet::new(scenario, FleetSpec { n_servers, start, days, step, seed })?)
}

/// Indices of the servers to generate.
fn members(fleet: &Fleet, only: &[String]) -> Result<Vec<usize>> {
    if only.is_empty() {
        return Ok((0..fleet.len()).collect());
    }
    let found = only.iter().map(|id| {
        fleet.index_of(id).ok_or_else(|| {
            let known: Vec<String> = (0..fleet.len()).map(|i| fleet.server(i).server_id().to_owned()).collect();
            Error::Core(fleetcast_core::Error::UnknownName {
                kind: "server".to_owned(),
                found: id.clone(),
                nearest: fleetcast_core::nearest(id, known.iter().map(String::as_str)).to_owned(),
                known: format!("the {} servers of this fleet, such as {}", known.len(), known[0]),
            })
        })
    });
    let mut indices = found.collect::<Result<Vec<usize>>>()?;
    indices.sort_unstable();
    indices.dedup();
    Ok(indices)
}

/// Generates a fleet into the lake in `folder`, in one change; a lake that is not there is made.
///
/// # Errors
/// As [`generate_into`]; the folder is then as it was.
pub fn generate_lake(folder: &Path, options: &GenerateOptions, context: &Context) -> Result<Generated> {
    let is_new = !folder.exists();
    let generated = Lake::create(folder).map_err(Error::from).and_then(|lake| generate_into(&lake, options, context));
    if generated.is_err() && is_new {
        // The reason for the failure is worth more to the user than a folder that could not be removed.
        let _ = std::fs::remove_dir_all(folder);
    }
    generated
}

/// Generates a fleet into a lake, in one change.
///
/// # Errors
/// [`Error::Nothing`] when the lake has telemetry that was not generated.
pub fn generate_into(lake: &Lake, options: &GenerateOptions, context: &Context) -> Result<Generated> {
    let started = (context.now)();
    store::check_generated(lake)?;
    let tables = chosen_tables(options)?;
    let fleet = fleet(options)?;
    let members = members(&fleet, &options.only)?;
    let oracles = if tables.contains(&Table::Oracle) { oracles(&fleet, options)? } else { Vec::new() };
    let changed = if tables.contains(&Table::Differences) { differences::changed(&fleet, options)? } else { None };
    context.progress.begin("generating telemetry", members.len());
    let change = lake.begin()?;
    let sink = |table: Table, frame: &Frame, part: usize| Ok(change.write_part(table, frame, &Mode::Replace, part)?);
    let generated = each_part(&fleet, &members, (&tables, Order::Time), context, &sink)?;
    // What a table said of another fleet would be wrong of this one; these two may say nothing.
    let stale = |table: &Table| [Table::Oracle, Table::Differences].contains(table) || !tables.contains(table);
    GENERATED_TABLES.into_iter().filter(stale).try_for_each(|table| change.clear(table))?;
    oracle::write(&oracles, &members, context, &sink)?;
    differences::write(&fleet, changed.as_ref(), &members, context, &sink)?;
    write_inventory(&fleet, &members, &sink)?;
    let run_id = format!("{:016x}", stable_hash(format!("generate {options:?}").as_bytes()));
    store::write_run(
        lake,
        &change,
        &RunRecord::of_telemetry(run_id, "generate", options.seed, started, context),
        None,
    )?;
    change.commit()?;
    context.progress.end();
    Ok(generated)
}

/// Servers that one part of their table has at most.
const PART_SERVERS: usize = 4_096;

/// Writes what is known of servers and metrics.
fn write_inventory(fleet: &Fleet, members: &[usize], sink: Sink) -> Result<()> {
    for (part, members) in members.chunks(PART_SERVERS).enumerate() {
        let servers: Vec<_> = members.iter().map(|&index| fleet.server(index)).collect();
        sink(Table::Servers, &servers_frame(&servers)?, part)?;
    }
    let metrics: Vec<_> = fleet.metrics().iter().map(|metric| metric.as_ref().clone()).collect();
    sink(Table::Metrics, &metrics_frame(&metrics)?, 0)
}

/// Tables of a generated fleet, in the order of a reader.
pub const GENERATED_TABLES: [Table; 9] = [
    Table::Servers,
    Table::Metrics,
    Table::Samples,
    Table::Daily,
    Table::Truth,
    Table::Events,
    Table::TruthCrossings,
    Table::Oracle,
    Table::Differences,
];

/// What files a fleet is generated into.
#[derive(Clone, Debug, PartialEq)]
pub struct FilesOptions {
    /// The folder; what it holds already stays, but for files of an earlier generation.
    pub folder: PathBuf,
    /// Form of the files.
    pub format: TableFormat,
    /// How the rows are spread over files.
    pub partition: Partition,
}

/// Generates a fleet into files, one per table or one per table and month.
///
/// # Errors
/// [`Error::Setting`] when the format cannot be spread over months; when a table is not known, or a file
/// cannot be written. Files are complete or not there.
pub fn generate_files(files: &FilesOptions, options: &GenerateOptions, context: &Context) -> Result<Generated> {
    if files.partition != Partition::None && !files.format.can_be_spread() {
        return Err(Error::Setting {
            key: "--partition".to_owned(),
            found: format!("month for {}, which is read as one stream", files.format),
            allowed: "none, or the format csv, parquet or ipc".to_owned(),
        });
    }
    let tables = chosen_tables(options)?;
    let fleet = fleet(options)?;
    let members = members(&fleet, &options.only)?;
    let oracles = if tables.contains(&Table::Oracle) { oracles(&fleet, options)? } else { Vec::new() };
    let changed = if tables.contains(&Table::Differences) { differences::changed(&fleet, options)? } else { None };
    context.progress.begin("generating telemetry", members.len());
    let spec = FilesSpec {
        format: files.format,
        partition: files.partition,
        tables: tables.clone(),
        metrics: fleet.metrics().iter().map(|metric| metric.as_ref().clone()).collect(),
        start: options.start,
    };
    let describe = |id: &str| fleet.index_of(id).map(|index| fleet.server(index));
    let written = TableFiles::create(&files.folder, spec, &describe)?;
    let sink = |table: Table, frame: &Frame, part: usize| Ok(written.write_part(table, frame, part)?);
    // The backfill of Prometheus takes each series in the order of time only, and each time once.
    let order = if files.format == TableFormat::OpenMetrics { Order::Time } else { Order::Delivery };
    let generated = each_part(&fleet, &members, (&tables, order), context, &sink)?;
    oracle::write(&oracles, &members, context, &sink)?;
    differences::write(&fleet, changed.as_ref(), &members, context, &sink)?;
    write_inventory(&fleet, &members, &sink)?;
    written.finish()?;
    context.progress.end();
    Ok(generated)
}

/// The tables asked for, of those that there are.
fn chosen_tables(options: &GenerateOptions) -> Result<Vec<Table>> {
    let names = &options.tables;
    // Tables that answer a question which nobody asked, and the flag that asks it.
    let mut unasked = Vec::new();
    unasked.extend(options.oracle_cutoffs.is_empty().then_some((Table::Oracle, "--oracle DATE")));
    unasked.extend(options.changes.is_empty().then_some((Table::Differences, "--change KEY=VALUE")));
    let there = || GENERATED_TABLES.into_iter().filter(|table| unasked.iter().all(|(of, _)| of != table));
    if names.is_empty() {
        return Ok(there().collect());
    }
    if let Some((table, flag)) = unasked.iter().find(|(table, _)| names.iter().any(|name| name == table.name())) {
        return Err(Error::Setting {
            key: "--tables".to_owned(),
            found: format!("{table}, which answers a question that was not asked"),
            allowed: format!("named together with {flag}"),
        });
    }
    let known: Vec<&str> = there().map(Table::name).collect();
    let chosen = names.iter().map(|name| {
        there().find(|table| table.name() == name).ok_or_else(|| {
            Error::Core(fleetcast_core::Error::UnknownName {
                kind: "table of a generated fleet".to_owned(),
                found: name.clone(),
                nearest: fleetcast_core::nearest(name, known.iter().copied()).to_owned(),
                known: known.join(", "),
            })
        })
    });
    let mut chosen = chosen.collect::<Result<Vec<_>>>()?;
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// Generates a fleet and throws it away: the generator's own speed.
///
/// # Errors
/// When the options make no sense.
pub fn generate_nothing(options: &GenerateOptions, context: &Context) -> Result<Generated> {
    let fleet = fleet(options)?;
    let members = members(&fleet, &options.only)?;
    context.progress.begin("generating telemetry", members.len());
    let told = Mutex::new(Told::default());
    let generated = members.par_iter().map_init(Workspace::default, |memory, &index| {
        if context.progress.interrupted() {
            return Err(Error::Interrupted);
        }
        let mut telemetry = fleet.generate_in(memory, index);
        context.progress.advance(1);
        let events = std::mem::take(&mut telemetry.events);
        let n_rows = telemetry.ts_ms.len();
        memory.take_back(telemetry);
        // A thread that panicked while it held the lock left the set whole: ids are only added.
        let n_events = told.lock().unwrap_or_else(PoisonError::into_inner).fresh(events).len();
        Ok((n_rows, n_events))
    });
    let sum = |(rows, events), (more_rows, more_events)| Ok((rows + more_rows, events + more_events));
    let (n_rows, n_events) = generated.try_reduce(|| (0, 0), sum)?;
    context.progress.end();
    Ok(Generated { n_servers: members.len(), n_rows, n_events })
}

/// Where the tables of a part go: table, rows, number of the part.
pub(crate) type Sink<'a> = &'a (dyn Fn(Table, &Frame, usize) -> Result<()> + Sync);

/// Generates the servers part by part; parts are numbered, so it does not matter which is done first.
/// Tables that nobody wants are not made.
fn each_part(
    fleet: &Fleet,
    members: &[usize],
    (wanted, order): (&[Table], Order),
    context: &Context,
    sink: Sink,
) -> Result<Generated> {
    let samples_per_day = 86_400 / fleet.spec().step.seconds() as usize;
    let rows_per_server = fleet.spec().days * samples_per_day;
    let servers_per_part = (PART_ROWS / rows_per_server.max(1)).clamp(1, 512);
    let numbered: Vec<(usize, &[usize])> = members.chunks(servers_per_part).enumerate().collect();
    let (mut n_rows, mut n_events) = (0, 0);
    let mut told = Told::default();
    let memories: Mutex<Vec<Workspace>> = Mutex::default();
    // A thread that panicked while it held the lock left the list whole: entries are only moved.
    let idle = || memories.lock().unwrap_or_else(PoisonError::into_inner);
    // Wave by wave, so that parts end in about the order in which a file needs them.
    for wave in numbered.chunks(2 * rayon::current_num_threads()) {
        if context.progress.interrupted() {
            return Err(Error::Interrupted);
        }
        let done: Vec<Result<(usize, Vec<Event>)>> = wave
            .par_iter()
            .map(|&(part, indices)| {
                let mut memory = idle().pop().unwrap_or_default();
                let mut servers: Vec<ServerTelemetry> =
                    indices.iter().map(|&index| fleet.generate_in(&mut memory, index)).collect();
                // In the order of the tables' keys: sorting servers is cheaper than sorting their rows.
                servers.sort_by(|a, b| a.server.server_id().cmp(b.server.server_id()));
                context.progress.advance(servers.len());
                write_part(&servers, part, (wanted, order), sink)?;
                let events = servers.iter_mut().flat_map(|s| std::mem::take(&mut s.events)).collect();
                let n_rows = servers.iter().map(|s| s.ts_ms.len()).sum();
                servers.into_iter().for_each(|server| memory.take_back(server));
                idle().push(memory);
                Ok((n_rows, events))
            })
            .collect();
        for (result, &(part, _)) in done.into_iter().zip(wave) {
            let (rows, events) = result?;
            let events = told.fresh(events);
            n_rows += rows;
            n_events += events.len();
            if wanted.contains(&Table::Events) {
                sink(Table::Events, &events_frame(&events)?, part)?;
            }
        }
    }
    Ok(Generated { n_servers: members.len(), n_rows, n_events })
}

/// The events of more than one server that have been told: each of the servers tells them.
#[derive(Default)]
struct Told {
    /// Two hashes of each id, because a fleet has more events than there is memory for their names.
    ids: HashSet<[u64; 2]>,
}

impl Told {
    /// The events of a part that no part before it has told, each once, in the order of their ids.
    fn fresh(&mut self, mut events: Vec<Event>) -> Vec<Event> {
        events.sort_by(|a, b| a.event_id.cmp(&b.event_id));
        events.dedup_by(|a, b| a.event_id == b.event_id);
        let id = |event: &Event| {
            let name = event.event_id.as_bytes();
            [stable_hash(name), stable_hash(&[name, b" again"].concat())]
        };
        events.retain(|event| event.scope == "server" || self.ids.insert(id(event)));
        events
    }
}

/// The order in which samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// By time, each once: what comes late stands in its place, and what comes twice is there once.
    Time,
    /// As a collector delivers them.
    Delivery,
}

fn write_part(servers: &[ServerTelemetry], part: usize, (wanted, order): (&[Table], Order), sink: Sink) -> Result<()> {
    let [samples, daily, truth, crossings] =
        [Table::Samples, Table::Daily, Table::Truth, Table::TruthCrossings].map(|table| wanted.contains(&table));
    if samples || daily {
        let frame = samples_frame(servers, &Rows::collected)?;
        if daily {
            let days = match daily_of(servers)? {
                Some(days) => days,
                None => daily_frame(&frame, &servers.iter().map(|s| s.server.clone()).collect::<Vec<_>>())?,
            };
            sink(Table::Daily, &days, part)?;
        }
        let is_disturbed = order == Order::Delivery && servers.iter().any(|s| !s.deliveries.is_empty());
        if samples && is_disturbed {
            sink(Table::Samples, &samples_frame(servers, &|s| Rows::These(s.delivered_rows()))?, part)?;
        } else if samples {
            sink(Table::Samples, &frame, part)?;
        }
    }
    if truth {
        sink(Table::Truth, &truth_frame(servers)?, part)?;
    }
    if crossings {
        sink(Table::TruthCrossings, &crossings_frame(servers)?, part)?;
    }
    Ok(())
}

/// Which samples of a server go into a table, in their order there.
enum Rows {
    All(usize),
    These(Vec<usize>),
}

impl Rows {
    /// Those that were collected: a row without any value is not there.
    fn collected(server: &ServerTelemetry) -> Self {
        // A metric that is never missing tells it without a look at each row.
        let is_whole = |series: &Vec<f64>| !series.iter().any(|value| value.is_nan());
        if server.observed.iter().any(is_whole) {
            return Self::All(server.ts_ms.len());
        }
        Self::These(server.collected_rows().collect())
    }

    fn len(&self) -> usize {
        match self {
            Self::All(n) => *n,
            Self::These(rows) => rows.len(),
        }
    }

    /// Appends the values of these rows to a column.
    fn extend<T: Copy, U>(&self, column: &mut Vec<U>, values: &[T], convert: impl Fn(T) -> U) {
        match self {
            Self::All(_) => column.extend(values.iter().map(|&value| convert(value))),
            Self::These(rows) => column.extend(rows.iter().map(|&row| convert(values[row]))),
        }
    }
}

/// A column of the servers' ids, each as often as it has rows. All columns of samples are filled server by
/// server: an iterator over the rows of all would look at every row whether the server is done.
fn ids(servers: &[ServerTelemetry], n_rows: impl Fn(usize) -> usize) -> Column {
    let mut column = Vec::with_capacity((0..servers.len()).map(&n_rows).sum());
    for (at, server) in servers.iter().enumerate() {
        let id: Arc<str> = server.server.server_id().into();
        column.extend(std::iter::repeat_n(Some(id), n_rows(at)));
    }
    Column::Text(column)
}

/// What was collected.
fn samples_frame(servers: &[ServerTelemetry], rows_of: &dyn Fn(&ServerTelemetry) -> Rows) -> Result<Frame> {
    let rows: Vec<Rows> = servers.iter().map(rows_of).collect();
    let n_rows = rows.iter().map(Rows::len).sum();
    let mut times = Vec::with_capacity(n_rows);
    servers.iter().zip(&rows).for_each(|(s, rows)| rows.extend(&mut times, &s.ts_ms, Some));
    let mut frame =
        Frame::new().with("server_id", ids(servers, |at| rows[at].len()))?.with("ts", Column::Time(times))?;
    for (metric, name) in METRICS.iter().enumerate() {
        let mut values = Vec::with_capacity(n_rows);
        servers.iter().zip(&rows).for_each(|(s, rows)| rows.extend(&mut values, &s.observed[metric], |value| value));
        frame = frame.with(name, Column::Float(values))?;
    }
    Ok(frame)
}

/// Daily rows of servers generated at day step; `None` at finer steps.
fn daily_of(servers: &[ServerTelemetry]) -> Result<Option<Frame>> {
    let Some(days) = servers.iter().map(|s| s.daily.as_ref()).collect::<Option<Vec<_>>>() else { return Ok(None) };
    let n_rows = days.iter().map(|d| d.dates.len()).sum();
    let (mut dates, mut n_samples) = (Vec::with_capacity(n_rows), Vec::with_capacity(n_rows));
    for (server, daily) in servers.iter().zip(&days) {
        dates.extend(daily.dates.iter().map(|date| Some(*date)));
        // A day of which nothing was collected keeps its row.
        n_samples.extend((0..server.ts_ms.len()).map(|row| Some(i64::from(server.is_collected(row)))));
    }
    let mut frame = Frame::new()
        .with("server_id", ids(servers, |at| servers[at].ts_ms.len()))?
        .with("date", Column::Date(dates))?
        .with("n_samples", Column::Int(n_samples))?;
    for (metric, name) in METRICS.iter().enumerate() {
        let column = |of: &dyn Fn(&fleetcast_sim::DailyTelemetry) -> &[Vec<f64>; 4]| {
            let mut values = Vec::with_capacity(n_rows);
            days.iter().for_each(|d| values.extend_from_slice(&of(d)[metric]));
            Column::Float(values)
        };
        frame = frame
            .with(&format!("{name}_p95"), column(&|d| &d.p95))?
            .with(&format!("{name}_mean"), column(&|d| &d.mean))?
            .with(&format!("{name}_max"), column(&|d| &d.max))?;
    }
    Ok(Some(frame))
}

fn truth_frame(servers: &[ServerTelemetry]) -> Result<Frame> {
    let rows: usize = servers.iter().map(|s| s.ts_ms.len() * METRICS.len()).sum();
    // In the order of the table's key, in which metrics stand by their names.
    let mut by_name: Vec<(Arc<str>, usize)> =
        METRICS.iter().enumerate().map(|(at, name)| (Arc::from(*name), at)).collect();
    by_name.sort();
    let mut ids = Vec::with_capacity(rows);
    let mut metrics = Vec::with_capacity(rows);
    let mut times = Vec::with_capacity(rows);
    let mut saturated = Vec::with_capacity(rows);
    let mut parts: [Vec<f64>; 8] = std::array::from_fn(|_| Vec::with_capacity(rows));
    for server in servers {
        let id: Arc<str> = server.server.server_id().into();
        for (at, &ts) in server.ts_ms.iter().enumerate() {
            for (name, metric) in &by_name {
                let t = &server.truth[*metric];
                ids.push(id.clone());
                metrics.push(name.clone());
                times.push(ts);
                saturated.push(t.saturated[at]);
                let row = [
                    t.growth[at],
                    t.week[at],
                    t.season[at],
                    t.day[at],
                    t.noise[at],
                    t.event[at],
                    t.demand[at],
                    t.observed[at],
                ];
                parts.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
        }
    }
    let mut frame = Frame::new()
        .with("server_id", ids)?
        .with("ts", Column::times(times))?
        .with("metric", metrics)?
        .with("saturated", saturated)?;
    let columns = ["growth", "week", "season", "day", "noise", "event", "demand", "observed"];
    for (name, values) in columns.iter().zip(parts) {
        frame = frame.with(name, values)?;
    }
    Ok(frame)
}

fn crossings_frame(servers: &[ServerTelemetry]) -> Result<Frame> {
    let rows: Vec<_> =
        servers.iter().flat_map(|s| s.crossings.iter().map(move |c| (s.server.server_id(), c))).collect();
    Ok(Frame::new()
        .with("server_id", rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())?
        .with("metric", rows.iter().map(|(_, c)| METRICS[c.metric]).collect::<Vec<_>>())?
        .with("threshold", rows.iter().map(|(_, c)| c.threshold).collect::<Vec<_>>())?
        .with("date", rows.iter().map(|(_, c)| c.date).collect::<Vec<_>>())?)
}

fn events_frame(events: &[Event]) -> Result<Frame> {
    let text = |of: &dyn Fn(&Event) -> String| events.iter().map(of).collect::<Vec<String>>();
    Ok(Frame::new()
        .with("event_id", text(&|e| e.event_id.clone()))?
        .with("type", text(&|e| e.event_type.to_owned()))?
        .with("scope", text(&|e| e.scope.to_owned()))?
        .with("scope_id", text(&|e| e.scope_id.clone()))?
        .with("start", Column::times(events.iter().map(|e| e.start_ms)))?
        .with("peak", Column::times(events.iter().map(|e| e.peak_ms)))?
        .with("end", Column::Time(events.iter().map(|e| e.end_ms).collect()))?
        .with("metric", events.iter().map(|e| e.metric).collect::<Vec<_>>())?
        .with("size", events.iter().map(|e| e.size).collect::<Vec<_>>())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_late_and_double_samples_as_they_are_delivered() {
        let options =
            GenerateOptions { n_servers: 2, days: 60, step: SampleStep::Minutes5, ..GenerateOptions::default() };
        let fleet = fleet(&options).unwrap();
        let servers = [fleet.generate(0), fleet.generate(1)];
        let by_time = samples_frame(&servers, &Rows::collected).unwrap();
        let delivered = samples_frame(&servers, &|s| Rows::These(s.delivered_rows())).unwrap();
        let repeats = servers.iter().flat_map(|s| &s.deliveries).filter(|delivery| delivery.is_repeat).count();
        assert!(repeats > 0);
        assert_eq!(delivered.rows(), by_time.rows() + repeats);
        let is_sorted = |frame: &Frame| frame.times("ts").unwrap()[..servers[0].collected_rows().count()].is_sorted();
        assert!(is_sorted(&by_time) && !is_sorted(&delivered));
    }

    #[test]
    fn a_server_that_is_not_in_the_fleet_is_named_with_its_neighbour() {
        let options = GenerateOptions { n_servers: 3, days: 10, ..GenerateOptions::default() };
        let fleet = fleet(&options).unwrap();
        let id = fleet.server(1).server_id().to_owned();
        assert_eq!(members(&fleet, std::slice::from_ref(&id)).unwrap(), [1]);
        let error = members(&fleet, &[format!("{id}x")]).unwrap_err().to_string();
        assert!(error.contains(&format!("did you mean `{id}`")), "{error}");
    }
}
