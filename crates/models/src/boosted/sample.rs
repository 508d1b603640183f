//! Which origins and steps ahead of which series the trees learn from.

use super::booster::Table;
use super::days::Days;
use super::features::{Lengths, MOST_METRICS, N_COLUMNS, Shown, Subject, Unit};
use super::past::Past;
use fleetcast_core::{History, Panel};
use fleetcast_numeric::Stream;
use jiff::civil::DateTime;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Rows of a panel of many series, and the bounds on those of one.
const MOST_ROWS: usize = 32_000;
const ROWS_OF_A_SERIES: (usize, usize) = (8, 800);
/// Share of the origins that are looked at as if the series had begun later, and the units of a series before an origin
/// below which there is nothing far away to forget.
const FORGETFUL: f64 = 0.2;
const UNITS_TO_FORGET: usize = 13;
/// Steps ahead that are looked at from one origin.
const STEPS_OF_AN_ORIGIN: usize = 8;
/// Seasonal changes beyond which a target counts as this far: a series that woke up must not speak for all.
const FARTHEST: f64 = 20.0;
/// Keys of everything that is drawn: a method has no seed of its own.
const KEY: u64 = 0x626f_6f73;

/// A panel cut at a time, with the numbers of its archetypes and metrics.
pub(super) struct Cut<'a> {
    pub(super) histories: Vec<History>,
    /// Where each server's series stand.
    servers: Vec<Vec<usize>>,
    archetypes: BTreeMap<&'a str, f32>,
    metrics: BTreeMap<String, usize>,
    panel: &'a Panel,
    pub(super) lengths: &'a Lengths,
    pub(super) days: &'a Days,
    pub(super) shown: Shown,
}

impl<'a> Cut<'a> {
    /// The steps of `histories` up to and with `cutoff`; series that begin later are left out.
    pub(super) fn new(
        panel: &'a Panel,
        histories: &[&History],
        cutoff: DateTime,
        (lengths, days, shown): (&'a Lengths, &'a Days, Shown),
    ) -> Self {
        let cut = |history: &&History| {
            let length = history.timeline().index_of(cutoff)?.saturating_add(1);
            history.prefix(length.min(history.len()))
        };
        let histories: Vec<History> = histories.iter().filter_map(cut).collect();
        let mut servers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, history) in histories.iter().enumerate() {
            servers.entry(&history.id().server_id).or_default().push(at);
        }
        let servers = servers.into_values().collect();
        let mut archetypes: BTreeMap<&str, f32> =
            panel.servers().iter().filter_map(|server| Some((server.archetype.as_deref()?, 0.0))).collect();
        archetypes.values_mut().enumerate().for_each(|(number, value)| *value = number as f32);
        let mut metrics: BTreeMap<String, usize> =
            panel.histories().iter().map(|history| (history.metric().name().to_owned(), 0)).collect();
        metrics.values_mut().enumerate().for_each(|(number, value)| *value = number);
        Self { histories, servers, archetypes, metrics, panel, lengths, days, shown }
    }

    /// Calls `visit` with each series of a server as a subject, and with the server's metrics at an origin.
    fn visit_server<R>(&self, server: &[usize], mut visit: impl FnMut(usize, &Subject, &Metrics) -> R) -> Vec<R> {
        let pasts: Vec<Past> = server.iter().map(|&at| Past::new(&self.histories[at], &self.lengths.seasons)).collect();
        let metrics = Metrics { cut: self, server, pasts: &pasts };
        let subject = |(&at, past): (&usize, _)| {
            let history = &self.histories[at];
            let known = self.panel.server(&history.id().server_id).and_then(|server| server.archetype.as_deref());
            let number = self.metrics.get(history.metric().name()).map_or(f32::NAN, |&number| number as f32);
            let subject = Subject {
                past,
                timeline: history.timeline(),
                lengths: self.lengths,
                days: self.days,
                bounds: history.bounds(),
                archetype: known.and_then(|name| self.archetypes.get(name).copied()).unwrap_or(f32::NAN),
                metric: number,
                shown: self.shown,
                first: 0,
            };
            visit(at, &subject, &metrics)
        };
        server.iter().zip(&pasts).map(subject).collect()
    }

    /// Rows to learn from: `share` of the usual number.
    pub(super) fn table(&self, share: f64) -> Table {
        let of_a_series = ROWS_OF_A_SERIES.1.min(MOST_ROWS / self.histories.len().max(1)).max(ROWS_OF_A_SERIES.0);
        let n_rows = (of_a_series as f64 * share) as usize;
        let parts: Vec<Table> = (self.servers.par_iter())
            .map(|server| {
                let mut table = Table::default();
                self.visit_server(server, |at, subject, metrics| {
                    add_rows(&self.histories[at], subject, metrics, n_rows, &mut table);
                });
                table
            })
            .collect();
        let mut table = Table::default();
        for part in parts {
            table.features.extend(part.features);
            table.target.extend(part.target);
            table.censored.extend(part.censored);
            table.half.extend(part.half);
        }
        table
    }

    /// About how many times something different was seen: neighbouring steps of a series tell nearly the same.
    pub(super) fn n_spells(&self) -> f64 {
        let steps: usize = self.histories.iter().map(History::len).sum();
        (3 * steps) as f64 / self.lengths.horizon as f64
    }

    /// Unit and features of every series at its last observed step; `None` for one that only repeats itself.
    pub(super) fn origins(&self) -> Vec<Option<Origin>> {
        let made: Vec<Vec<(usize, Option<Origin>)>> = (self.servers.par_iter())
            .map(|server| {
                self.visit_server(server, |at, subject, metrics| {
                    let t = last_observed(&self.histories[at]);
                    let origin = Unit::at(subject.past, self.lengths, t).map(|unit| {
                        let mut row = Vec::with_capacity(N_COLUMNS);
                        subject.put_origin(&unit, t, &metrics.at(&self.histories[at], t), &mut row);
                        Origin { t, unit, row, archetype: subject.archetype, metric: subject.metric }
                    });
                    (at, origin)
                })
            })
            .collect();
        let mut origins = vec![None; self.histories.len()];
        for (at, origin) in made.into_iter().flatten() {
            origins[at] = origin;
        }
        origins
    }
}

/// What is known of a series at the step that it is forecast from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) t: usize,
    pub(super) unit: Unit,
    pub(super) row: Vec<f32>,
    pub(super) archetype: f32,
    pub(super) metric: f32,
}

/// The last step with an observation; the last of all when there is none.
pub(super) fn last_observed(history: &History) -> usize {
    history.values().iter().rposition(|v| !v.is_nan()).unwrap_or(history.len() - 1)
}

/// The series of one server.
struct Metrics<'a> {
    cut: &'a Cut<'a>,
    server: &'a [usize],
    pasts: &'a [Past],
}

impl Metrics<'_> {
    /// Each metric, by its number, with the step it is at when `history` is at `t`.
    fn at(&self, history: &History, t: usize) -> Vec<Option<(&Past, usize)>> {
        let mut found = vec![None; MOST_METRICS];
        if !self.cut.shown.other_metrics || self.server.len() < 2 {
            return found;
        }
        let time = history.timeline().at(t);
        for (&at, past) in self.server.iter().zip(self.pasts) {
            let other = &self.cut.histories[at];
            let number = self.cut.metrics.get(other.metric().name()).copied().unwrap_or(MOST_METRICS);
            let step = other.timeline().index_of(time).map(|step| step.min(other.len() - 1));
            if let (Some(slot), Some(step)) = (found.get_mut(number), step) {
                *slot = Some((past, step));
            }
        }
        found
    }
}

/// The same series, now and then as if it had begun later than it did: what comes back every quarter is then learned
/// from the calendar too, for the sake of series that are too young to have seen it.
fn forgetful<'a>(subject: &Subject<'a>, t: usize, chance: Stream) -> Subject<'a> {
    let chance = chance.child("memory");
    let forgets = t >= UNITS_TO_FORGET * subject.lengths.unit && chance.uniform(0) < FORGETFUL;
    let first = if forgets { (chance.uniform(1) * (t + 1) as f64) as usize } else { 0 };
    Subject { first, ..*subject }
}

/// Adds about `n_rows` rows of one series: origins at random, from each of them steps ahead spread over the horizon.
fn add_rows(history: &History, subject: &Subject, metrics: &Metrics, n_rows: usize, table: &mut Table) {
    let (first, n) = (subject.lengths.least(), history.len());
    // The last origin has one step ahead of it.
    let Some(n_origins) = (n - 1).checked_sub(first).filter(|&n| n > 0) else { return };
    let stream = Stream::new(KEY, &[&history.id().to_string()]);
    let drawn = n_rows.div_ceil(STEPS_OF_AN_ORIGIN).min(2 * n_origins);
    let mut row = Vec::with_capacity(N_COLUMNS);
    // Runs of steps fall into one half or the other, the same for all metrics of a server: what moved them together
    // must not be learned from one and judged on another.
    let halves = Stream::new(KEY, &["halves", &history.id().server_id]);
    for draw in 0..drawn {
        let chance = stream.child_number(draw as u64);
        let place = (draw as f64 + chance.uniform(0)) / drawn as f64;
        let t = first + ((place * n_origins as f64) as usize).min(n_origins - 1);
        let Some(unit) = Unit::at(subject.past, subject.lengths, t) else { continue };
        let subject = &forgetful(subject, t, chance);
        row.clear();
        subject.put_origin(&unit, t, &metrics.at(history, t), &mut row);
        let known = row.len();
        let reach = subject.lengths.horizon.min(n - 1 - t);
        for part in 0..STEPS_OF_AN_ORIGIN {
            let place = (part as f64 + chance.uniform(1 + part as u64)) / STEPS_OF_AN_ORIGIN as f64;
            let ahead = 1 + ((place * reach as f64) as usize).min(reach - 1);
            let value = history.values()[t + ahead];
            if value.is_nan() {
                continue;
            }
            row.truncate(known);
            subject.put_step(&unit, t, ahead, &mut row);
            table.features.extend_from_slice(&row);
            let target = (value - subject.base(&unit, t, t + ahead)) / unit.scale;
            table.target.push(target.clamp(-FARTHEST, FARTHEST) as f32);
            table.censored.push(history.is_censored(t + ahead));
            table.half.push(halves.block(((t + ahead) / (2 * subject.lengths.horizon)) as u64)[0] & 1 == 1);
        }
    }
}
