//! Samples inside the day, drawn so that the P95 of a local day's samples is that of the daily series.

use crate::clock::{CELL_SECONDS, CELLS, LocalDay, ZoneDays};
use crate::daily::Layers;
use crate::effects::Effects;
use crate::events::Course;
use crate::layers::DayShape;
use crate::noise::{self, Mixer, Quad};
use crate::scenario::Scenario;
use crate::telemetry::TruthSeries;
use fleetcast_numeric::{Stream, math, quantile_of_sorted};

/// The quantile that makes the daily series.
const P95: f64 = 0.95;
/// Seconds over which a day's correction rises from nothing at midnight.
const RISE_SECONDS: f64 = 1_800.0;
/// Load, as a share of the base, below which a day's level is not told apart from nothing.
const NOTHING: f64 = 1e-6;

/// What the samples of one server have before each day is brought to its P95: the logarithm of the
/// day's shape by local time, and the noise inside the day.
pub(crate) struct Inside {
    /// Per metric, the logarithm of the day factor in each cell of local time.
    log_shape: [Vec<f64>; 4],
    /// Correlated standard normal noise, per sample.
    standard: Vec<Quad>,
    /// Scale of the noise, per metric.
    sigma: Quad,
}

impl Inside {
    /// `stream` must differ between steps: an hourly series is its own draw, not the mean of a finer one.
    pub(crate) fn new(
        scenario: &Scenario,
        archetype: usize,
        (phase_hours, noise_factor): (f64, f64),
        stream: Stream,
        (n, step_s): (usize, i64),
    ) -> Self {
        let profile = &scenario.archetypes[archetype].profile;
        let intraday = &scenario.raw.intraday;
        let shape = DayShape::new(&profile.raw.day, intraday.window_edge_minutes / 60.0);
        let cells: Vec<f64> = (0..CELLS)
            .map(|cell| math::ln(shape.at((cell as i64 * CELL_SECONDS) as f64 / 3600.0, phase_hours)))
            .collect();
        let log_shape = scenario.raw.day_loading.array().map(|loading| cells.iter().map(|log| loading * log).collect());
        let sigma = noise::intraday_variation(intraday.std_percent, noise_factor).map(noise::log_std);
        let mut standard = vec![[0.0; 4]; n];
        if sigma.iter().any(|sigma| *sigma > 0.0) {
            noise::intraday_driver(intraday, step_s as f64 / 86_400.0).add(stream, 1.0, &mut standard);
            let mixer = Mixer::new(&profile.correlation());
            standard.iter_mut().for_each(|value| *value = mixer.mix(*value));
        }
        Self { log_shape, standard, sigma }
    }

    /// Logarithms of shape x noise of one metric on one day.
    fn logs(&self, metric: usize, day: &LocalDay, step_s: i64, into: &mut Vec<f64>) {
        into.clear();
        let (shape, sigma) = (&self.log_shape[metric], self.sigma[metric]);
        into.extend((0..day.n).map(|j| shape[day.cell(j, step_s)] + sigma * self.standard[day.offset + j][metric]));
    }
}

/// The samples of one metric of one server over the first `n_days`, with their layers. `daily` has one
/// day more: the level of a day's evening leads to that of the next.
pub(crate) fn samples(
    inside: &Inside,
    metric: usize,
    (daily, course): (&Layers, &Course),
    zone: &ZoneDays,
    n_days: usize,
) -> TruthSeries {
    let mut lasting = vec![1.0; zone.days.len()];
    course.lasting(metric, &mut lasting);
    let levels = levels(inside, metric, (daily, course, &lasting), zone);
    let n = zone.n_samples(n_days);
    let mut truth = TruthSeries { base: daily.base, ..TruthSeries::default() };
    for series in [&mut truth.growth, &mut truth.week, &mut truth.season, &mut truth.event] {
        series.reserve(n);
    }
    let mut day_values = DayValues::default();
    for (number, day) in zone.days[..n_days].iter().enumerate() {
        inside.logs(metric, day, zone.step_s, &mut day_values.logs);
        course.inside(metric, number, day, zone.step_s, &mut day_values.pulses);
        let around = [levels[number.saturating_sub(1)], levels[number], levels[number + 1]];
        day_values.bring_to(daily.demand[number], around, day, zone.step_s);
        let repeat = |series: &mut Vec<f64>, value: f64| series.resize(series.len() + day.n, value);
        repeat(&mut truth.growth, daily.growth[number]);
        repeat(&mut truth.week, daily.week[number]);
        repeat(&mut truth.season, daily.season[number]);
        repeat(&mut truth.event, lasting[number]);
        let level = daily.base * daily.growth[number] * daily.week[number] * daily.season[number] * lasting[number];
        for (j, &log) in day_values.logs.iter().enumerate() {
            let factor = math::exp(inside.log_shape[metric][day.cell(j, zone.step_s)]);
            let demand = if daily.demand[number] > 0.0 { math::exp(log) } else { 0.0 };
            truth.day.push(factor);
            truth.noise.push(demand / (level * factor));
            truth.demand.push(demand);
        }
        let first = truth.demand.len() - day.n;
        for (&(j, pulse), &plain) in day_values.pulses.iter().zip(&day_values.plain) {
            let factor = math::exp(pulse);
            truth.event[first + j] *= factor;
            if daily.noise[number] > 0.0 {
                truth.noise[first + j] = math::exp(plain) / (level * truth.day[first + j]);
            }
        }
    }
    truth
}

/// Per day, the logarithm of demand P95 / P95 of shape x noise: the level its samples would have if they
/// knew nothing of their neighbours. What passes within the day is not part of its level; on a day that
/// the server is down the level is that of the demand it would have.
fn levels(
    inside: &Inside,
    metric: usize,
    (daily, course, lasting): (&Layers, &Course, &[f64]),
    zone: &ZoneDays,
) -> Vec<f64> {
    let mut logs = Vec::with_capacity(CELLS);
    let mut pulses = Vec::new();
    let level = |(number, day): (usize, &LocalDay)| {
        inside.logs(metric, day, zone.step_s, &mut logs);
        let mut demand = daily.demand[number];
        if daily.event[number] > 0.0 {
            course.inside(metric, number, day, zone.step_s, &mut pulses);
            pulses.iter().for_each(|&(j, pulse)| logs[j] += pulse);
        } else {
            let expected = daily.base * daily.growth[number] * daily.week[number] * daily.season[number];
            demand = expected * daily.noise[number] * lasting[number];
        }
        logs.sort_unstable_by(f64::total_cmp);
        let own = if logs.is_empty() { 0.0 } else { quantile_of_sorted(&logs, P95) };
        math::ln(demand.max(NOTHING * daily.base)) - own
    };
    zone.days.iter().enumerate().map(level).collect()
}

/// One day's samples while they are brought to the day's P95.
#[derive(Default)]
struct DayValues {
    logs: Vec<f64>,
    /// Weight of the correction: 0 at both midnights, 1 from half an hour away.
    weights: Vec<f64>,
    scratch: Vec<(f64, f64)>,
    /// What passing events do to some of the samples, as logarithms.
    pulses: Vec<(usize, f64)>,
    /// The logarithms of those samples had nothing happened.
    plain: Vec<f64>,
}

impl DayValues {
    /// Adds the level, straight from noon to noon, and the correction that makes the P95 `demand`.
    ///
    /// The correction is nothing at midnight, so there is no seam, and it looks at this day alone, so a
    /// longer run begins with the shorter one.
    fn bring_to(&mut self, demand: f64, levels: [f64; 3], day: &LocalDay, step_s: i64) {
        self.plain.clear();
        self.plain.extend(self.pulses.iter().map(|&(j, _)| self.logs[j]));
        for &(j, pulse) in &self.pulses {
            self.logs[j] += pulse;
        }
        self.weights.clear();
        for (j, log) in self.logs.iter_mut().enumerate() {
            let elapsed = (day.first_s - day.start_s + j as i64 * step_s) as f64;
            let left = day.length_s as f64 - elapsed;
            self.weights.push((elapsed.min(left) / RISE_SECONDS).min(1.0));
            *log += level_at(elapsed / day.length_s as f64, levels);
        }
        let mut correction = 0.0;
        if demand > 0.0 && !self.logs.is_empty() {
            correction = self.correction(math::ln(demand));
            for (log, weight) in self.logs.iter_mut().zip(&self.weights) {
                *log += correction * weight;
            }
        }
        for (&(j, _), plain) in self.pulses.iter().zip(&mut self.plain) {
            let elapsed = (day.first_s - day.start_s + j as i64 * step_s) as f64;
            *plain += level_at(elapsed / day.length_s as f64, levels) + correction * self.weights[j];
        }
    }

    /// The a for which the P95 of exp(log + a x weight) has the logarithm `target`: Newton's steps, kept
    /// inside a bracket, on a function that never falls.
    fn correction(&mut self, target: f64) -> f64 {
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        let mut a = 0.0;
        for _ in 0..200 {
            let (log_p95, slope) = self.log_p95(a);
            let miss = log_p95 - target;
            if miss.abs() < 2e-15 * target.abs().max(1.0) {
                break;
            }
            if miss < 0.0 {
                low = a
            } else {
                high = a
            }
            let newton = a - miss / slope.max(1e-3);
            let next = if newton > low && newton < high {
                newton
            } else if low.is_finite() && high.is_finite() {
                0.5 * (low + high)
            } else {
                a - miss.signum()
            };
            if next == a {
                break;
            }
            a = next;
        }
        a
    }

    /// Logarithm of the P95 at correction `a`, and its derivative.
    fn log_p95(&mut self, a: f64) -> (f64, f64) {
        self.scratch.clear();
        self.scratch.extend(self.logs.iter().zip(&self.weights).map(|(log, weight)| (log + a * weight, *weight)));
        let position = P95 * (self.scratch.len() - 1) as f64;
        let (below, share) = (position as usize, position - position.floor());
        let by_log = |x: &(f64, f64), y: &(f64, f64)| x.0.total_cmp(&y.0);
        let (_, &mut (low, low_weight), above) = self.scratch.select_nth_unstable_by(below, by_log);
        let &(high, high_weight) = above.iter().min_by(|x, y| by_log(x, y)).unwrap_or(&(low, low_weight));
        // Relative to the lower one, so that nothing overflows.
        let rise = math::exp(high - low);
        let sum = (1.0 - share) + share * rise;
        let slope = ((1.0 - share) * low_weight + share * rise * high_weight) / sum;
        (low + math::ln(sum), slope)
    }
}

/// The level at a share of the day: straight from noon to noon.
fn level_at(share: f64, levels: [f64; 3]) -> f64 {
    let share = share - 0.5;
    if share < 0.0 { levels[1] + (levels[0] - levels[1]) * -share } else { levels[1] + (levels[2] - levels[1]) * share }
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
            Inside::new(scenario, archetype, (0.0, noise), stream, (REFERENCE_DAYS * CELLS, CELL_SECONDS))
        });
        let mut logs = Vec::with_capacity(CELLS);
        let days = (0..REFERENCE_DAYS)
            .map(|number| {
                std::array::from_fn(|metric| {
                    std::array::from_fn(|noise| {
                        insides[noise].logs(metric, &day(number), CELL_SECONDS, &mut logs);
                        log_ratios(&mut logs)
                    })
                })
            })
            .collect();
        Self { days }
    }

    /// Per metric, a table of the pairs mean / P95 and maximum / P95 for a server whose noise is
    /// `noise_factor` times that of its profile.
    pub(crate) fn tables(&self, effects: &Effects) -> [Vec<[f64; 2]>; 4] {
        let between = (math::ln(effects.noise_factor / 0.5) / math::ln(4.0)).clamp(-0.5, 1.5);
        std::array::from_fn(|metric| {
            let ratio = |day: &[[[f64; 2]; 2]; 4]| {
                let [half, twice] = day[metric];
                let at = |k: usize| half[k] + (twice[k] - half[k]) * between;
                [math::exp(at(0).min(0.0)), math::exp(at(1).max(0.0))]
            };
            self.days.iter().map(ratio).collect()
        })
    }
}

/// Logarithms of mean / P95 and maximum / P95 of values given by their logarithms.
fn log_ratios(logs: &mut [f64]) -> [f64; 2] {
    logs.iter_mut().for_each(|log| *log = math::exp(*log));
    logs.sort_unstable_by(f64::total_cmp);
    let p95 = quantile_of_sorted(logs, P95);
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let highest = logs[logs.len() - 1];
    [math::ln(mean / p95), math::ln(highest / p95)]
}
