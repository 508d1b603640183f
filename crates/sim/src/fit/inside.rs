//! The time of day, and what is random inside the day.

use super::days::{local_times, metric_of};
use super::{FitOptions, SHAPE_DAYS};
use crate::layers::DayShape;
use crate::profile;
use fleetcast_core::{History, Panel};
use fleetcast_numeric::{math, quantile};

/// Half-hours of a day, in which its shape is measured.
const SLOTS: usize = 48;
/// Steps longer than this do not show the inside of a day.
const LONGEST_STEP: i64 = 3_600;
/// A sample so many robust standard deviations over its day's course is a spike.
const SPIKE: f64 = 5.0;

/// What is inside the days, per metric.
pub(super) struct Inside {
    /// The mean course of a day; `None` when it cannot be seen.
    course: [Option<Course>; 4],
    /// What is random about it.
    pub(super) noise: [Option<Noise>; 4],
    /// Why it cannot be seen.
    pub(super) reason: Option<String>,
}

/// The noise inside the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Noise {
    /// Standard deviation of the logarithm, spikes left out: of a typical server.
    pub(super) log_std: f64,
    /// Its spread over servers, as a logarithm.
    pub(super) spread: f64,
    /// Share of the variance that is independent from sample to sample.
    pub(super) burst_share: f64,
    /// E-folding time of the rest, minutes.
    pub(super) timescale_minutes: f64,
    /// Spikes a day of a typical server.
    pub(super) spikes_per_day: f64,
    /// Mean logarithm of their factor, of a typical server.
    pub(super) spike_log_mean: f64,
    /// Spread of their number over servers, as a logarithm.
    pub(super) spikes_spread: f64,
}

/// The mean course of a day over half-hours.
struct Course {
    /// Mean hour of the samples of each half-hour that has any.
    hours: Vec<f64>,
    /// Mean logarithm there, with mean 0.
    logs: Vec<f64>,
    /// Place of each half-hour among them.
    place: [usize; SLOTS],
}

/// Logarithms of one series less the mean of their day, with the slot of each.
struct Deviations {
    /// Hour of the day of each.
    hours: Vec<f64>,
    values: Vec<f64>,
    days: f64,
}

impl Inside {
    pub(super) fn new(panel: &Panel, options: &FitOptions) -> Self {
        let mut inside = Self { course: [const { None }; 4], noise: [None; 4], reason: None };
        let step = panel.histories().first().map_or(86_400, |h| h.timeline().step().as_seconds());
        if step > LONGEST_STEP {
            inside.reason = Some(format!("samples are {} minutes apart, a day's shape needs 60 or less", step / 60));
            return inside;
        }
        for metric in 0..4 {
            let of_metric = panel.histories().iter().filter(|h| metric_of(h) == Some(metric));
            let series: Vec<Deviations> = of_metric.map(|h| Deviations::of(h, options, step)).collect();
            let days: f64 = series.iter().map(|one| one.days).fold(0.0, f64::max);
            if days < SHAPE_DAYS as f64 {
                continue;
            }
            let course = Course::of(&series);
            inside.noise[metric] = noise(&series, &course, step);
            inside.course[metric] = Some(course);
        }
        if inside.course.iter().all(Option::is_none) {
            inside.reason = Some(format!("no series has {SHAPE_DAYS} whole days"));
        }
        inside
    }

    /// The day of a profile that comes nearest to the course of a metric, with its sum of squares left.
    pub(super) fn day(&self, metric: usize) -> Option<profile::Day> {
        let course = self.course[metric].as_ref()?;
        let mut best: Option<(f64, profile::Day)> = None;
        for start in 0..24 {
            for length in 2..=16 {
                let day = profile::Day {
                    window_start_hour: f64::from(start),
                    window_end_hour: f64::from((start + length) % 24),
                    ..profile::Day::default()
                };
                let (miss, day) = fitted(course, day);
                if best.as_ref().is_none_or(|(least, _)| miss < *least) {
                    best = Some((miss, day));
                }
            }
        }
        best.map(|(_, day)| day)
    }

    /// How much of the leading metric's course another follows, 0 to 1.
    pub(super) fn loading(&self, metric: usize, leader: usize) -> Option<f64> {
        let (own, led) = (&self.course[metric].as_ref()?.logs, &self.course[leader].as_ref()?.logs);
        let norm: f64 = led.iter().map(|v| v * v).sum();
        if own.len() != led.len() || norm < 1e-9 {
            return None;
        }
        Some((own.iter().zip(led).map(|(a, b)| a * b).sum::<f64>() / norm).clamp(0.0, 1.0))
    }
}

/// The amplitude and the factor that come nearest to a course for a given window, by Gauss-Newton steps;
/// the squares that are left.
fn fitted(course: &Course, mut day: profile::Day) -> (f64, profile::Day) {
    let logs = |amplitude: f64, factor: f64| {
        let candidate = profile::Day { wave_amplitude_percent: 100.0 * amplitude, window_factor: factor, ..day };
        let shape = DayShape::new(&candidate, 0.5);
        let logs: Vec<f64> = course.hours.iter().map(|hour| math::ln(shape.at(*hour, 0.0))).collect();
        centred(logs)
    };
    let (mut amplitude, mut factor) = (0.15, 1.1);
    let step = 1e-4;
    for _ in 0..8 {
        let here = logs(amplitude, factor);
        let slope = |there: Vec<f64>| -> Vec<f64> { there.iter().zip(&here).map(|(a, b)| (a - b) / step).collect() };
        let (by_wave, by_window) = (slope(logs(amplitude + step, factor)), slope(logs(amplitude, factor + step)));
        let rest: Vec<f64> = course.logs.iter().zip(&here).map(|(c, h)| c - h).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (aa, ab, bb) = (dot(&by_wave, &by_wave), dot(&by_wave, &by_window), dot(&by_window, &by_window));
        let (ra, rb) = (dot(&by_wave, &rest), dot(&by_window, &rest));
        let determinant = aa * bb - ab * ab;
        if determinant.abs() < 1e-12 {
            break;
        }
        amplitude = (amplitude + (ra * bb - rb * ab) / determinant).clamp(0.0, 0.94);
        factor = (factor + (rb * aa - ra * ab) / determinant).clamp(0.15, 10.0);
    }
    let miss = course.logs.iter().zip(logs(amplitude, factor)).map(|(c, h)| (c - h) * (c - h)).sum();
    (day.wave_amplitude_percent, day.window_factor) = (100.0 * amplitude, factor);
    (miss, day)
}

fn slot_of(hour: f64) -> usize {
    ((hour * SLOTS as f64 / 24.0) as usize).min(SLOTS - 1)
}

fn centred(mut logs: Vec<f64>) -> Vec<f64> {
    let mean = math::mean(&logs).unwrap_or(0.0);
    logs.iter_mut().for_each(|log| *log -= mean);
    logs
}

impl Deviations {
    fn of(history: &History, options: &FitOptions, step: i64) -> Self {
        let (values, times) = (history.values(), local_times(history, options));
        let per_day = (86_400 / step) as usize;
        let mut found = Self { hours: Vec::new(), values: Vec::new(), days: 0.0 };
        let mut start = 0;
        while start < values.len() {
            let end = (start..values.len()).find(|at| times[*at].0 != times[start].0).unwrap_or(values.len());
            let logs: Vec<f64> =
                values[start..end].iter().map(|v| if *v > 1e-3 { math::ln(*v) } else { f64::NAN }).collect();
            let known = logs.iter().filter(|log| !log.is_nan()).count();
            if 5 * known >= 4 * per_day {
                // The median: a spike does not move the level of its day.
                let level = quantile(&logs, 0.5).unwrap_or(0.0);
                found.hours.extend(times[start..end].iter().map(|time| time.1));
                found.values.extend(logs.iter().map(|log| log - level));
                found.days += 1.0;
            }
            start = end;
        }
        found
    }
}

impl Course {
    /// The mean course over all series; each counts by its days.
    fn of(series: &[Deviations]) -> Self {
        let (mut hours, mut logs, mut counts) = ([0.0; SLOTS], [0.0; SLOTS], [0.0; SLOTS]);
        for one in series {
            for (hour, value) in one.hours.iter().zip(&one.values).filter(|(_, value)| !value.is_nan()) {
                let slot = slot_of(*hour);
                hours[slot] += hour;
                logs[slot] += value;
                counts[slot] += 1.0;
            }
        }
        let mut course = Self { hours: Vec::new(), logs: Vec::new(), place: [0; SLOTS] };
        for slot in 0..SLOTS {
            if counts[slot] > 0.0 {
                course.hours.push(hours[slot] / counts[slot]);
                course.logs.push(logs[slot] / counts[slot]);
            }
            // At hour step every other half-hour is empty, and nothing asks for it.
            course.place[slot] = course.hours.len().saturating_sub(1);
        }
        course.logs = centred(course.logs);
        course
    }

    fn at(&self, hour: f64) -> f64 {
        self.logs[self.place[slot_of(hour)]]
    }
}

fn noise(series: &[Deviations], course: &Course, step: i64) -> Option<Noise> {
    let minutes = step as f64 / 60.0;
    let hour = (3_600 / step) as usize;
    let (mut logs, mut first, mut later, mut rates, mut sizes) = (vec![], vec![], vec![], vec![], vec![]);
    for one in series.iter().filter(|one| one.days >= SHAPE_DAYS as f64) {
        let rest: Vec<f64> = one.values.iter().zip(&one.hours).map(|(v, hour)| v - course.at(*hour)).collect();
        let absolute: Vec<f64> = rest.iter().map(|v| v.abs()).collect();
        let scale = 1.4826 * quantile(&absolute, 0.5).unwrap_or(0.0);
        if scale < 1e-4 {
            continue;
        }
        let is_spike = |v: &f64| *v > SPIKE * scale;
        let spikes: Vec<f64> = rest.iter().copied().filter(is_spike).collect();
        rates.push(spikes.len() as f64 / one.days);
        sizes.extend(math::mean(&spikes));
        let calm: Vec<f64> = rest.iter().map(|v| if is_spike(v) { f64::NAN } else { *v }).collect();
        let std = math::standard_deviation(&calm).unwrap_or(scale);
        logs.push(math::ln(std));
        let memory = |lag: usize| {
            let products: Vec<f64> = calm.iter().zip(calm.iter().skip(lag)).map(|(a, b)| a * b).collect();
            math::mean(&products).unwrap_or(0.0) / (std * std)
        };
        first.push(memory(1));
        later.push(memory(hour.max(2)));
    }
    let log_rates: Vec<f64> = rates.iter().filter(|rate| **rate > 0.0).map(|rate| math::ln(*rate)).collect();
    let log_std = math::exp(math::mean(&logs)?);
    let (first, later) = (math::mean(&first)?.clamp(0.02, 0.98), math::mean(&later)?.clamp(0.01, 0.97));
    // A mixture of white noise and one AR(1): the fall from the first lag to the later one tells its time.
    let apart = (hour.max(2) - 1) as f64 * minutes;
    let timescale_minutes = (apart / math::ln(first / later.min(0.98 * first))).clamp(minutes, 10_000.0);
    let slow = (first * math::exp(minutes / timescale_minutes)).min(1.0);
    Some(Noise {
        log_std,
        spread: math::standard_deviation(&logs).unwrap_or(0.0),
        burst_share: 1.0 - slow,
        timescale_minutes,
        spikes_per_day: quantile(&rates, 0.5)?,
        spike_log_mean: quantile(&sizes, 0.5).unwrap_or(0.0),
        spikes_spread: math::standard_deviation(&log_rates).unwrap_or(0.0),
    })
}
