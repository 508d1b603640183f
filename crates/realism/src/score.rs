//! The scorecard: every score in its order.

use crate::card::{Line, Outcome, Scorecard};
use crate::correlation::{self, Between};
use crate::distance::{kolmogorov, sorted, wasserstein};
use crate::judge::{Halves, Set, Side, halves, judge};
use crate::nearest::Distances;
use crate::sample::{Pair, Samples, Track};
use crate::track::{self, Tail};
use crate::transfer::{self, Problems};
use crate::window::{self, FIGURES};
use crate::{Result, classifier, spectrum};
use fleetcast_core::Panel;
use fleetcast_numeric::math;
use rayon::prelude::*;

/// Stretches per server that the classifier learns from or is tested on.
const STRETCHES: usize = 8;
/// A server-day whose P95 is at or over this share of the capacity counts as full, in %.
const FULL_PERCENT: f64 = 80.0;

/// How a scorecard is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seed of the halves, the trees and the permutations.
    pub seed: u64,
    /// Halves of the real servers that are drawn for the null.
    pub draws: usize,
    /// Permutations behind the classifier's p-value.
    pub permutations: usize,
    /// Trees of the classifier.
    pub trees: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 42, draws: 100, permutations: 99, trees: 50 }
    }
}

/// Scores synthetic telemetry against real telemetry.
///
/// Both panels have the same step; times are UTC at steps below a day. Metrics are matched by name, those
/// of one side alone are left out. Series are cut to one length, values rounded as the real ones are.
///
/// # Errors
/// When the steps differ, no metric is common, or a side has fewer than four servers.
pub fn scorecard(real: &Panel, synthetic: &Panel, settings: &Settings) -> Result<Scorecard> {
    let samples = Samples::new(real, synthetic)?;
    let mut lines = Vec::new();
    let mut notes = samples.notes.clone();
    for pair in &samples.pairs {
        let draws = halves(pair.real.len(), pair.synthetic.len(), settings.draws, settings.seed);
        let card = Card { samples: &samples, pair, draws: &draws, settings };
        card.marginals(&mut lines);
        card.memory(&mut lines);
        card.tails(&mut lines);
        card.servers(&mut lines, &mut notes);
    }
    metrics_together(&samples, settings, &mut lines);
    classified(&samples, settings, &mut lines, &mut notes);
    Ok(Scorecard {
        step_seconds: samples.step_seconds,
        length: samples.length,
        servers: samples.pairs.iter().map(|p| (p.metric.clone(), p.real.len(), p.synthetic.len())).collect(),
        lines,
        notes,
    })
}

/// Figures of every server of both sides.
struct Figures<T> {
    real: Vec<T>,
    synthetic: Vec<T>,
}

impl<T: Send> Figures<T> {
    fn of(pair: &Pair, figure: impl Fn(&Track) -> T + Sync) -> Self {
        let side = |tracks: &[Track]| tracks.par_iter().map(&figure).collect();
        Self { real: side(&pair.real), synthetic: side(&pair.synthetic) }
    }

    fn each<'a>(&'a self, set: Set<'a>) -> impl Iterator<Item = &'a T> {
        let side = match set.side {
            Side::Real => &self.real,
            Side::Synthetic => &self.synthetic,
        };
        set.members.iter().map(move |server| &side[*server])
    }
}

/// The scores of one metric.
struct Card<'a> {
    samples: &'a Samples,
    pair: &'a Pair,
    draws: &'a [Halves],
    settings: &'a Settings,
}

impl Card<'_> {
    fn line(&self, score: &str, meaning: &'static str, outcome: Outcome) -> Line {
        Line { score: score.to_owned(), metric: self.pair.metric.clone(), meaning, outcome }
    }

    fn distance(&self, why: &str, score: impl Fn(Set<'_>, Set<'_>) -> f64 + Sync) -> Outcome {
        judge(self.draws, true, why, score)
    }

    /// The distance of a figure's distribution over servers.
    fn spread(&self, why: &str, figure: impl Fn(&Track) -> f64 + Sync) -> Outcome {
        let figures = Figures::of(self.pair, figure);
        self.distance(why, |a, b| wasserstein(&sorted(figures.each(a).copied()), &sorted(figures.each(b).copied())))
    }

    fn marginals(&self, lines: &mut Vec<Line>) {
        let quantiles = Figures::of(self.pair, track::quantiles);
        let pooled = |set: Set<'_>| sorted(quantiles.each(set).flatten().copied());
        let none = "no values";
        let w1 = self.distance(none, |a, b| wasserstein(&pooled(a), &pooled(b)));
        lines.push(self.line("marginal W1", "distance of the values of all servers, in the metric's unit", w1));
        let ks = self.distance(none, |a, b| kolmogorov(&pooled(a), &pooled(b)));
        lines.push(self.line("marginal KS", "largest difference of the shares below a value", ks));
        let per_day = self.samples.per_day();
        let full = Figures::of(self.pair, |track| track::days_over(track, per_day, FULL_PERCENT));
        let share = |set: Set<'_>| {
            let (over, days) = full.each(set).fold((0, 0), |(over, days), day| (over + day.0, days + day.1));
            over as f64 / days as f64
        };
        if self.pair.is_percent {
            let outcome = self.distance(none, |a, b| (share(a) - share(b)).abs());
            lines.push(self.line("days over 80 %", "difference of the shares of server-days", outcome));
        }
    }

    /// Autocorrelation, seasons, spectrum.
    fn memory(&self, lines: &mut Vec<Line>) {
        let (per_day, length, step) = (self.samples.per_day(), self.samples.length, self.samples.step_seconds);
        let hour = (3_600 / step).max(1) as usize;
        let mut lags = vec![1, 3, hour, 6 * hour, per_day, 7 * per_day];
        lags.retain(|lag| 3 * lag <= length);
        lags.sort_unstable();
        lags.dedup();
        let memories = Figures::of(self.pair, |t| {
            lags.iter().map(|lag| track::autocorrelation(&t.values, *lag)).collect::<Vec<f64>>()
        });
        let outcome = self.distance("every series is constant", |a, b| {
            let at = |set: Set<'_>, k: usize| sorted(memories.each(set).map(|memory| memory[k]));
            (0..lags.len()).map(|k| wasserstein(&at(a, k), &at(b, k))).sum::<f64>() / lags.len() as f64
        });
        lines.push(self.line("ACF", "distance of the autocorrelations, mean over lags", outcome));
        let why = if per_day < 4 { "the step is too long to show days" } else { "shorter than three days" };
        let outcome = self.spread(why, |t| track::daily_strength(t, per_day));
        lines.push(self.line("daily strength", "distance of the shares that every day repeats", outcome));
        let outcome = self.spread("shorter than two weeks", |t| track::weekly_strength(t, per_day));
        lines.push(self.line("weekly strength", "distance of the shares that every week repeats", outcome));
        let spectra = Figures::of(self.pair, |t| spectrum::log_spectrum(&t.values, length));
        let mean = |set: Set<'_>, band: usize| {
            math::mean(&spectra.each(set).map(|s| s[band]).collect::<Vec<f64>>()).unwrap_or(f64::NAN)
        };
        let outcome = self.distance("every series is constant", |a, b| {
            let gaps: Vec<f64> = (0..spectrum::BANDS).map(|band| mean(a, band) - mean(b, band)).collect();
            math::sqrt(math::mean(&gaps.iter().map(|gap| gap * gap).collect::<Vec<f64>>()).unwrap_or(f64::NAN))
        });
        lines.push(self.line("log spectrum", "distance of the mean power per octave band, in dB", outcome));
    }

    fn tails(&self, lines: &mut Vec<Line>) {
        let step = self.samples.step_seconds;
        let tails = Figures::of(self.pair, |t| Tail::of(t, step));
        let mut add = |score: &str, meaning: &'static str, figure: fn(&Tail) -> f64| {
            let outcome = self.distance("every series is constant", |a, b| {
                wasserstein(&sorted(tails.each(a).map(figure)), &sorted(tails.each(b).map(figure)))
            });
            lines.push(self.line(score, meaning, outcome));
        };
        add("variation", "distance of standard deviation / mean", |t| t.variation);
        add("P95 / mean", "distance of the ratio", |t| t.p95_over_mean);
        add("skewness", "distance of asinh(skewness)", |t| t.skewness);
        add("kurtosis", "distance of ln(kurtosis)", |t| t.log_kurtosis);
        add("burst length", "distance of ln(minutes in a row above the own P95)", |t| t.log_burst_minutes);
        add("jumps", "distance of P99 of the change per step / standard deviation", |t| t.jump);
    }

    /// What several servers show together.
    fn servers(&self, lines: &mut Vec<Line>, notes: &mut Vec<String>) {
        let step = self.samples.step_seconds;
        let pairs = Figures {
            real: vec![Between::new(&self.pair.real, step, self.settings.seed)],
            synthetic: vec![Between::new(&self.pair.synthetic, step, self.settings.seed)],
        };
        let of = |set: Set<'_>| {
            let side = if set.side == Side::Real { &pairs.real } else { &pairs.synthetic };
            sorted(side[0].among(set.members))
        };
        let why = "no two servers were seen at the same time";
        let outcome = self.distance(why, |a, b| wasserstein(&of(a), &of(b)));
        lines.push(self.line("cross-server", "distance of the rank correlations of residuals of two servers", outcome));

        let problems = Figures {
            real: vec![Problems::new(&self.pair.real, step)],
            synthetic: vec![Problems::new(&self.pair.synthetic, step)],
        };
        // A third of the first half is the test; the rest of it is the real teacher.
        let outcome = judge(self.draws, false, "too few steps to learn from", |first, other| {
            let (test, control) = first.members.split_at(first.members.len().div_ceil(3));
            let teacher = if other.side == Side::Real { &problems.real } else { &problems.synthetic };
            let taught = &other.members[..control.len().min(other.members.len())];
            transfer::ratio((&teacher[0], taught), (&problems.real[0], control), (&problems.real[0], test))
        });
        let meaning = "forecast error on real servers, taught by synthetic / by real ones";
        lines.push(self.line("train synthetic, test real", meaning, outcome));

        let distances = Distances::new(&self.pair.real, &self.pair.synthetic, step);
        let outcome = judge(self.draws, false, "no hours", |first, other| distances.median(first.members, other));
        lines.push(self.line("nearest real", "distance to the nearest real series, in the metric's unit", outcome));
        let (copies, n) = (distances.copies(), self.pair.synthetic.len());
        notes.push(format!("{}: {copies} of {n} synthetic series are copies of a real one", self.pair.metric));
    }
}

/// Correlations between the metrics of one server, for every pair of metrics.
fn metrics_together(samples: &Samples, settings: &Settings, lines: &mut Vec<Line>) {
    let meaning = "distance of the rank correlations of residuals of two metrics";
    let mut add =
        |metric: String, outcome| lines.push(Line { score: "cross-metric".to_owned(), metric, meaning, outcome });
    if samples.pairs.len() < 2 {
        add("all".to_owned(), Outcome::NotShown("one metric is common, a pair needs two".to_owned()));
    }
    let per_day = samples.per_day();
    for (at, a) in samples.pairs.iter().enumerate() {
        for b in &samples.pairs[at + 1..] {
            let side = |side: Side| -> Vec<f64> {
                let both: Vec<(&Track, &Track)> =
                    a.of(side).iter().filter_map(|t| Some((t, find(b.of(side), t)?))).collect();
                both.par_iter().map(|(x, y)| correlation::of_metrics(x, y, per_day)).collect()
            };
            let (real, synthetic) = (side(Side::Real), side(Side::Synthetic));
            let draws = halves(real.len(), synthetic.len(), settings.draws, settings.seed);
            let figures = Figures { real, synthetic };
            let each = |set: Set<'_>| sorted(figures.each(set).copied());
            let outcome = judge(&draws, true, "no server was seen with both", |x, y| wasserstein(&each(x), &each(y)));
            add(format!("{} x {}", a.metric, b.metric), outcome);
        }
    }
}

fn find<'a>(tracks: &'a [Track], like: &Track) -> Option<&'a Track> {
    tracks.binary_search_by(|t| t.server.cmp(&like.server)).ok().map(|at| &tracks[at])
}

/// The classifier, on all common metrics at once.
fn classified(samples: &Samples, settings: &Settings, lines: &mut Vec<Line>, notes: &mut Vec<String>) {
    let per_day = samples.per_day();
    let side = |side: Side| -> Vec<classifier::Rows> {
        let servers: Vec<Vec<&Track>> = samples.pairs[0]
            .of(side)
            .iter()
            .filter_map(|t| samples.pairs.iter().map(|pair| find(pair.of(side), t)).collect())
            .collect();
        servers.par_iter().map(|tracks| window::of_server(tracks, per_day, STRETCHES)).collect()
    };
    let (real, synthetic) = (side(Side::Real), side(Side::Synthetic));
    let draws = halves(real.len(), synthetic.len(), settings.draws, settings.seed);
    let (outcome, accuracy) = classifier::test(&real, &synthetic, &draws, settings);
    if let Some(accuracy) = accuracy {
        notes.push(format!(
            "classifier: accuracy {accuracy:.3} on servers it had not seen, {} figures per stretch of {} steps",
            FIGURES * samples.pairs.len(),
            window::length(per_day).min(samples.length)
        ));
    }
    let metric = if samples.pairs.len() == 1 { samples.pairs[0].metric.clone() } else { "all".to_owned() };
    let meaning = "|accuracy - 0.5| of telling servers apart that were not learned from";
    lines.push(Line { score: "classifier".to_owned(), metric, meaning, outcome });
}
