//! Samples inside the day, drawn so that the P95 of a local day's samples is that of the daily series.

use crate::clock::{CELL_SECONDS, CELLS, LocalDay, ZoneDays};
use crate::daily::Layers;
use crate::effects::{Effects, Rhythm};
use crate::events::Course;
use crate::layers::DayShape;
use crate::noise::{self, Columns, Mixer, Quad};
use crate::scenario::Scenario;
use crate::spikes::Spikes;
use crate::tail::{Changed, DayP95, Tail};
use crate::telemetry::TruthSeries;
use crate::{Layer, Workspace};
use fleetcast_numeric::{Stream, math, wide};
use std::sync::Arc;

/// Load, as a share of the base, below which a day's level is not told apart from nothing.
const NOTHING: f64 = 1e-6;

/// What the samples of one server have before each day is brought to its P95: the day's shape by local
/// time, and the noise inside the day.
pub(crate) struct Inside {
    /// Per metric, the logarithm of the day factor in each cell of local time, and the factor.
    log_shape: [Vec<f64>; 4],
    shape: [Arc<Vec<f64>>; 4],
    /// Cell of the first sample of most days, and what their samples have: logarithm and reciprocal of the
    /// factor.
    plain_start: usize,
    plain_logs: [Vec<f64>; 4],
    plain_reciprocals: [Vec<f64>; 4],
    /// Correlated standard normal noise, per sample; empty where there is none.
    standard: Columns,
    /// Scale of the noise, per metric.
    sigma: Quad,
}

impl Inside {
    /// `stream` must differ between steps: an hourly series is its own draw, not the mean of a finer one.
    pub(crate) fn new(
        scenario: &Scenario,
        archetype: usize,
        rhythm: &Rhythm,
        stream: Stream,
        (n, step_s, plain_start): (usize, i64, usize),
        memory: &mut Workspace,
    ) -> Self {
        let profile = &scenario.archetypes[archetype].profile;
        let intraday = &scenario.raw.intraday;
        let shape = DayShape::new(&profile.raw.day, intraday.window_edge_minutes / 60.0);
        let mut cells: Vec<f64> =
            (0..CELLS).map(|cell| shape.at((cell as i64 * CELL_SECONDS) as f64 / 3600.0, rhythm.phase_hours)).collect();
        wide::ln(&mut cells);
        let loadings = scenario.raw.day_loading.array().map(|loading| loading * rhythm.day_factor);
        let log_shape = loadings.map(|loading| cells.iter().map(|log| loading * log).collect::<Vec<f64>>());
        let shape = log_shape.each_ref().map(|logs| {
            let mut factors = logs.clone();
            wide::exp(&mut factors);
            Arc::new(factors)
        });
        let sigma = noise::intraday_variation(intraday.std_percent, rhythm.noise_factor).map(noise::log_std);
        let mut standard = Columns::default();
        if sigma.iter().any(|sigma| *sigma > 0.0) {
            standard = std::array::from_fn(|_| memory.filled(n, 0.0));
            noise::intraday_driver(intraday, rhythm.burst_logit, step_s as f64 / 86_400.0).add(
                stream,
                1.0,
                &mut standard,
            );
            Mixer::new(&profile.correlation()).mix(None, &mut standard);
            Spikes::new(intraday, rhythm, stream, step_s).each(n, |sample, logs| {
                for m in (0..4).filter(|m| sigma[*m] > 0.0) {
                    standard[m][sample] += logs[m] / sigma[m];
                }
            });
        }
        let apart = (step_s / CELL_SECONDS) as usize;
        let plain = |cells: &[f64]| cells[plain_start..].iter().step_by(apart).copied().collect::<Vec<f64>>();
        Self {
            plain_start,
            plain_logs: log_shape.each_ref().map(|cells| plain(cells)),
            plain_reciprocals: shape.each_ref().map(|cells| plain(cells).into_iter().map(f64::recip).collect()),
            log_shape,
            shape,
            standard,
            sigma,
        }
    }

    /// Gives its memory back.
    pub(crate) fn end(self, memory: &mut Workspace) {
        self.standard.into_iter().for_each(|column| memory.give(column));
    }

    /// Whether the samples of a day lie where those of most days do.
    fn is_plain(&self, day: &LocalDay) -> bool {
        day.plain_start() == Some(self.plain_start) && day.n == self.plain_logs[0].len()
    }

    /// Appends the logarithms of shape x noise of one metric on one day.
    fn logs(&self, metric: usize, day: &LocalDay, step_s: i64, into: &mut Vec<f64>) {
        let first = into.len();
        if self.is_plain(day) {
            into.extend_from_slice(&self.plain_logs[metric]);
        } else {
            into.extend((0..day.n).map(|j| self.log_shape[metric][day.cell(j, step_s)]));
        }
        if let Some(noise) = self.standard[metric].get(day.offset..day.offset + day.n) {
            let sigma = self.sigma[metric];
            into[first..].iter_mut().zip(noise).for_each(|(log, z)| *log += sigma * z);
        }
    }
}

/// The samples of one metric of one server over the first `n_days`, with their layers. `daily` has one
/// day more: the level of a day's evening leads to that of the next.
pub(crate) fn samples(
    inside: &Inside,
    metric: usize,
    (daily, course): (&Layers, &Course),
    (zone, n_days): (&ZoneDays, usize),
    (p95, memory): (&mut DayP95, &mut Workspace),
) -> TruthSeries {
    let mut lasting = memory.filled(zone.days.len(), 1.0);
    course.lasting(metric, &mut lasting);
    let mut logs = memory.room(zone.n_samples(zone.days.len()));
    zone.days.iter().for_each(|day| inside.logs(metric, day, zone.step_s, &mut logs));
    let (levels, targets) = levels(&logs, metric, (daily, course, &lasting), zone, p95);
    let mut changed = Vec::new();
    for (number, day) in zone.days[..n_days].iter().enumerate() {
        course.inside(metric, number, day, zone.step_s, &mut p95.pulses);
        let around = [levels[number.saturating_sub(1)], levels[number], levels[number + 1]];
        let target = (daily.demand[number] > 0.0).then_some(targets[number]);
        p95.lay_level(target, around, day, zone.step_s, &mut logs[day.offset..day.offset + day.n], &mut changed);
    }
    logs.truncate(zone.n_samples(n_days));
    p95.bring_all(&zone.days[..n_days], zone.step_s, &mut logs, &mut changed);
    wide::exp(&mut logs);
    let mut truth = repeated_layers(inside, metric, daily, zone, n_days);
    (truth.demand, truth.noise) = (logs, memory.room(zone.n_samples(n_days)));
    lay_noise(&mut truth, inside, metric, (daily, &lasting), zone, n_days);
    lay_events(&mut truth, &changed, lasting, (daily, course.touches(metric)), zone, n_days);
    truth
}

/// The layers that hold for a whole day, and the day's own.
fn repeated_layers(inside: &Inside, metric: usize, daily: &Layers, zone: &ZoneDays, n_days: usize) -> TruthSeries {
    let rows = zone.day_rows(n_days);
    let repeated = |layer: &Layer| match layer.as_slice() {
        Some(_) => Layer::repeated(Arc::clone(layer.values()), Arc::clone(&rows)),
        None => Layer::repeated(Arc::new(layer.iter().copied().collect()), Arc::clone(&rows)),
    };
    TruthSeries {
        base: daily.base,
        growth: repeated(&daily.growth),
        week: repeated(&daily.week),
        season: repeated(&daily.season),
        event: repeated(&daily.event),
        day: Layer::repeated(Arc::clone(&inside.shape[metric]), zone.cell_rows(n_days)),
        ..TruthSeries::default()
    }
}

/// The residual: what the demand has besides the other layers. A day without demand has none.
fn lay_noise(
    truth: &mut TruthSeries,
    inside: &Inside,
    metric: usize,
    (daily, lasting): (&Layers, &[f64]),
    zone: &ZoneDays,
    n_days: usize,
) {
    for (number, day) in zone.days[..n_days].iter().enumerate() {
        let demand = &mut truth.demand[day.offset..day.offset + day.n];
        if daily.demand[number] <= 0.0 {
            demand.fill(0.0);
        }
        let level = daily.base * daily.growth[number] * daily.week[number] * daily.season[number] * lasting[number];
        if inside.is_plain(day) {
            let share = 1.0 / level;
            let reciprocals = &inside.plain_reciprocals[metric];
            truth.noise.extend(demand.iter().zip(reciprocals).map(|(demand, shape)| *demand * (share * *shape)));
        } else {
            let shape = |j: usize| inside.shape[metric][day.cell(j, zone.step_s)];
            truth.noise.extend(demand.iter().enumerate().map(|(j, demand)| *demand / (level * shape(j))));
        }
    }
}

/// What passing events did to single samples is theirs, and not the residual's.
fn lay_events(
    truth: &mut TruthSeries,
    changed: &[Changed],
    lasting: Vec<f64>,
    (daily, is_touched): (&Layers, bool),
    zone: &ZoneDays,
    n_days: usize,
) {
    if !is_touched {
        return;
    }
    let rows = zone.day_rows(n_days);
    let mut event: Vec<f64> = rows.iter().map(|day| lasting[*day as usize]).collect();
    for change in changed {
        event[change.at] *= math::exp(change.pulse);
        let number = rows[change.at] as usize;
        if daily.noise[number] > 0.0 {
            let level = daily.base * daily.growth[number] * daily.week[number] * daily.season[number] * lasting[number];
            truth.noise[change.at] = math::exp(change.plain) / (level * truth.day[change.at]);
        }
    }
    truth.event = event.into();
}

/// Per day, the logarithm of demand P95 / P95 of shape x noise: the level its samples would have if they
/// knew nothing of their neighbours; and the logarithm of the demand P95. What passes within the day is not
/// part of its level; on a day that the server is down the level is that of the demand it would have.
fn levels(
    logs: &[f64],
    metric: usize,
    (daily, course, lasting): (&Layers, &Course, &[f64]),
    zone: &ZoneDays,
    p95: &mut DayP95,
) -> (Vec<f64>, Vec<f64>) {
    let least = NOTHING * daily.base;
    let plain = |number: usize| {
        let mut demand = daily.demand[number];
        if daily.event[number] <= 0.0 {
            let expected = daily.base * daily.growth[number] * daily.week[number] * daily.season[number];
            demand = expected * daily.noise[number] * lasting[number];
        }
        demand.max(least)
    };
    let mut levels: Vec<f64> = (0..zone.days.len()).map(plain).collect();
    wide::ln(&mut levels);
    let mut targets = daily.demand.clone();
    wide::ln(&mut targets);
    for (number, (day, level)) in zone.days.iter().zip(&mut levels).enumerate() {
        let samples = &logs[day.offset..day.offset + day.n];
        p95.pulses.clear();
        if daily.event[number] > 0.0 {
            course.inside(metric, number, day, zone.step_s, &mut p95.pulses);
        }
        *level -= p95.of_logs(samples);
    }
    (levels, targets)
}

/// Ratios of a day's mean and maximum to its P95, drawn from the same model of the day as finer samples.
#[derive(Clone, Debug)]
pub(crate) struct Ratios {
    /// Per reference day and metric: logarithms of mean / P95 and maximum / P95 at half and at twice the
    /// profile's noise.
    days: Vec<[[[f64; 2]; 2]; 4]>,
}

/// Reference days of an archetype.
const REFERENCE_DAYS: usize = 48;

impl Ratios {
    pub(crate) fn new(scenario: &Scenario, archetype: usize) -> Self {
        let day = |number: usize| LocalDay::plain(number * CELLS);
        let stream = Stream::new(0, &["reference days"]);
        let insides = [0.5, 2.0].map(|noise| {
            let size = (REFERENCE_DAYS * CELLS, CELL_SECONDS, 0);
            let spikes_per_day = scenario.raw.intraday.spikes_per_day;
            let rhythm = Rhythm { spikes_per_day, ..Rhythm::plain(noise) };
            Inside::new(scenario, archetype, &rhythm, stream, size, &mut Workspace::default())
        });
        // Without noise inside the day, all days are one.
        let is_quiet = insides.iter().all(|inside| inside.standard[0].is_empty());
        let n_days = if is_quiet { 1 } else { REFERENCE_DAYS };
        let (mut logs, mut tail) = (Vec::with_capacity(CELLS), Tail::default());
        let days = (0..n_days)
            .map(|number| {
                std::array::from_fn(|metric| {
                    std::array::from_fn(|noise| {
                        logs.clear();
                        insides[noise].logs(metric, &day(number), CELL_SECONDS, &mut logs);
                        log_ratios(&mut logs, &mut tail)
                    })
                })
            })
            .collect();
        Self { days }
    }

    /// Per metric, a table of mean / P95 and one of maximum / P95 for a server whose noise is
    /// `noise_factor` times that of its profile.
    pub(crate) fn tables(&self, effects: &Effects) -> [[Vec<f64>; 2]; 4] {
        let between = (math::ln(effects.rhythm.noise_factor / 0.5) / math::ln(4.0)).clamp(-0.5, 1.5);
        std::array::from_fn(|metric| {
            let table = |which: usize| {
                let ratio = |day: &[[[f64; 2]; 2]; 4]| {
                    let [half, twice] = day[metric].map(|noise| noise[which]);
                    let log = half + (twice - half) * between;
                    if which == 0 { log.min(0.0) } else { log.max(0.0) }
                };
                let mut table: Vec<f64> = self.days.iter().map(ratio).collect();
                wide::exp(&mut table);
                table
            };
            [table(0), table(1)]
        })
    }
}

/// Logarithms of mean / P95 and maximum / P95 of values given by their logarithms.
fn log_ratios(logs: &mut [f64], tail: &mut Tail) -> [f64; 2] {
    wide::exp(logs);
    let p95 = tail.p95(logs.iter().copied()).map_or(1.0, |between| between.value());
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let highest = logs.iter().fold(0.0, |most: f64, &value| if value > most { value } else { most });
    [math::ln(mean / p95), math::ln(highest / p95)]
}
