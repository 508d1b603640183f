//! Two panels brought to comparable series: the same metrics, step, length and resolution of values.

use crate::judge::Side;
use crate::{Error, Result};
use fleetcast_core::{History, Panel};
use fleetcast_numeric::math;
use jiff::civil::{DateTime, date};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Servers either side must have of a metric.
pub(crate) const FEWEST_SERVERS: usize = 4;
/// A series is cut where nothing was observed for so many steps; shorter gaps are bridged in a straight line.
const LONGEST_GAP: usize = 12;
/// Shortest series that says anything.
const SHORTEST: usize = 24;

/// One series without gaps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Track {
    pub(crate) server: Arc<str>,
    /// Number of its first step, counted from the first day of 1970.
    pub(crate) first: i64,
    pub(crate) values: Vec<f64>,
}

/// The series of one metric on both sides, in order of their servers.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) metric: String,
    pub(crate) is_percent: bool,
    pub(crate) real: Vec<Track>,
    pub(crate) synthetic: Vec<Track>,
}

/// Everything that is compared.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    pub(crate) step_seconds: i64,
    pub(crate) length: usize,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) notes: Vec<String>,
}

impl Pair {
    pub(crate) fn of(&self, side: Side) -> &[Track] {
        match side {
            Side::Real => &self.real,
            Side::Synthetic => &self.synthetic,
        }
    }
}

impl Samples {
    /// Steps in a day, 1 at day step.
    pub(crate) fn per_day(&self) -> usize {
        (86_400 / self.step_seconds).max(1) as usize
    }

    pub(crate) fn new(real: &Panel, synthetic: &Panel) -> Result<Self> {
        let step_seconds = step_of(real, synthetic)?;
        let (in_real, in_synthetic) = (metrics(real), metrics(synthetic));
        let common: Vec<&str> = in_real.intersection(&in_synthetic).copied().collect();
        if common.is_empty() {
            let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
            return Err(Error::NoCommonMetric { real: list(&in_real), synthetic: list(&in_synthetic) });
        }
        let mut samples = Self { step_seconds, length: 0, pairs: Vec::new(), notes: Vec::new() };
        for metric in common {
            let sides = [real, synthetic].map(|panel| tracks(panel, metric, step_seconds));
            let [real_tracks, synthetic_tracks] = sides;
            let is_percent = histories(synthetic, metric).any(|h| h.metric().bounds().is_some());
            samples.pairs.push(Pair {
                metric: metric.to_owned(),
                is_percent,
                real: real_tracks,
                synthetic: synthetic_tracks,
            });
        }
        samples.cut();
        samples.pairs.iter_mut().for_each(|pair| round(pair, &mut samples.notes));
        samples.check()?;
        Ok(samples)
    }

    /// Cuts every series to one length, and leaves out those that are shorter than half of it: strengths
    /// and correlations of short series are larger by chance.
    fn cut(&mut self) {
        for pair in &mut self.pairs {
            let length = median_length(&pair.real).min(median_length(&pair.synthetic));
            self.length = self.length.max(length);
            for (side, tracks) in [("real", &mut pair.real), ("synthetic", &mut pair.synthetic)] {
                let before = tracks.len();
                tracks.retain(|track| track.values.len() >= (length / 2).max(SHORTEST));
                tracks.iter_mut().for_each(|track| track.values.truncate(length));
                if tracks.len() < before {
                    self.notes.push(format!(
                        "{}: {} of {before} {side} series have no stretch of {} steps without a long gap and are left out",
                        pair.metric,
                        before - tracks.len(),
                        (length / 2).max(SHORTEST)
                    ));
                }
            }
        }
    }

    /// Metrics with too few servers go; one must stay.
    fn check(&mut self) -> Result<()> {
        let few = |pair: &Pair| {
            let sides = [("real", pair.real.len()), ("synthetic", pair.synthetic.len())];
            sides.into_iter().find(|(_, n)| *n < FEWEST_SERVERS)
        };
        if let Some((side, found)) =
            self.pairs.first().filter(|_| self.pairs.iter().all(|p| few(p).is_some())).and_then(few)
        {
            let metric = self.pairs[0].metric.clone();
            return Err(Error::FewServers { side, metric, found, needed: FEWEST_SERVERS });
        }
        for pair in self.pairs.iter().filter(|pair| few(pair).is_some()) {
            self.notes.push(format!("{}: fewer than {FEWEST_SERVERS} servers on a side, not compared", pair.metric));
        }
        self.pairs.retain(|pair| few(pair).is_none());
        Ok(())
    }
}

fn step_of(real: &Panel, synthetic: &Panel) -> Result<i64> {
    let step = |panel: &Panel| panel.histories().first().map_or(86_400, |h| h.timeline().step().as_seconds());
    let (real, synthetic) = (step(real), step(synthetic));
    if real == synthetic { Ok(real) } else { Err(Error::Steps { real, synthetic }) }
}

fn metrics(panel: &Panel) -> BTreeSet<&str> {
    panel.histories().iter().map(|h| h.id().metric.as_ref()).collect()
}

fn histories<'a>(panel: &'a Panel, metric: &str) -> impl Iterator<Item = &'a History> {
    panel.histories().iter().filter(move |h| h.id().metric.as_ref() == metric)
}

fn tracks(panel: &Panel, metric: &str, step_seconds: i64) -> Vec<Track> {
    histories(panel, metric).filter_map(|history| track(history, step_seconds)).collect()
}

/// The longest stretch of a history without a long gap.
fn track(history: &History, step_seconds: i64) -> Option<Track> {
    let values = history.values();
    let (mut best, mut start, mut last) = (0..0, None, 0);
    for at in (0..values.len()).filter(|at| !values[*at].is_nan()) {
        let from = match start {
            Some(from) if at - last <= LONGEST_GAP => from,
            _ => at,
        };
        (start, last) = (Some(from), at);
        if at + 1 - from > best.len() {
            best = from..at + 1;
        }
    }
    if best.len() < SHORTEST {
        return None;
    }
    let epoch: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);
    let first = history.timeline().at(best.start).duration_since(epoch).as_secs().div_euclid(step_seconds);
    Some(Track { server: history.id().server_id.clone(), first, values: bridged(&values[best]) })
}

/// Values with straight lines over their gaps; the first and the last are none.
fn bridged(values: &[f64]) -> Vec<f64> {
    let mut out = values.to_vec();
    let mut last = 0;
    for at in 1..out.len() {
        if out[at].is_nan() {
            continue;
        }
        let (from, to) = (out[last], out[at]);
        let steps = (at - last) as f64;
        for (step, value) in out[last..at].iter_mut().enumerate() {
            *value = from + (to - from) * step as f64 / steps;
        }
        last = at;
    }
    out
}

fn median_length(tracks: &[Track]) -> usize {
    let mut lengths: Vec<usize> = tracks.iter().map(|track| track.values.len()).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

/// Rounds both sides to the decimals in which the real values are recorded: full precision would give
/// synthetic values away, and says nothing about the load.
fn round(pair: &mut Pair, notes: &mut Vec<String>) {
    const MOST_DECIMALS: i32 = 5;
    let is_recorded_in = |decimals: &i32| {
        let unit = math::pow(10.0, f64::from(*decimals));
        let (mut whole, mut n) = (0usize, 0usize);
        for value in pair.real.iter().flat_map(|track| track.values.iter().step_by(7)) {
            whole += usize::from((value * unit - (value * unit).round()).abs() < 1e-6);
            n += 1;
        }
        n > 0 && whole as f64 >= 0.9 * n as f64
    };
    let Some(decimals) = (0..MOST_DECIMALS).find(is_recorded_in) else { return };
    let unit = math::pow(10.0, f64::from(decimals));
    for track in pair.real.iter_mut().chain(&mut pair.synthetic) {
        track.values.iter_mut().for_each(|value| *value = (*value * unit).round() / unit);
    }
    notes.push(format!(
        "{}: both sides are rounded to {decimals} decimals, as the real values are recorded",
        pair.metric
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{Metric, SeriesId, Step, Timeline};

    fn history(values: Vec<f64>) -> History {
        let first = date(2024, 1, 1).at(1, 0, 0, 0);
        let metric = Arc::new(Metric::named("cpu"));
        History::new(SeriesId::new("a", "cpu"), metric, Timeline::new(first, Step::HOUR), values).unwrap()
    }

    #[test]
    fn the_longest_stretch_is_kept_and_its_gaps_bridged() {
        let mut values = vec![1.0; 30];
        values.extend(vec![f64::NAN; 20]);
        values.extend((0..40).map(f64::from));
        values[60] = f64::NAN;
        let track = track(&history(values), 3_600).unwrap();
        assert_eq!((track.values.len(), track.values[10]), (40, 10.0));
        // 1 January 2024 is day 19,723.
        assert_eq!(track.first, 19_723 * 24 + 1 + 50);
        assert!(super::track(&history(vec![1.0; 5]), 3_600).is_none());
    }

    #[test]
    fn values_are_rounded_as_the_real_ones_are() {
        let track = |values: Vec<f64>| Track { server: "a".into(), first: 0, values };
        let mut pair = Pair {
            metric: "cpu".into(),
            is_percent: true,
            real: vec![track((0..50).map(|i| f64::from(i) * 0.5).collect())],
            synthetic: vec![track(vec![1.2345, 7.0])],
        };
        let mut notes = Vec::new();
        round(&mut pair, &mut notes);
        assert_eq!(pair.synthetic[0].values, [1.2, 7.0]);
        assert!(notes[0].contains("1 decimals"));
    }
}
