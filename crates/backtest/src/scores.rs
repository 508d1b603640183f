//! Scores of a backtest, equal to those of the exchange format's reference program on the same points.

use crate::tally::{N_SCORES, Tally, tallies};
use crate::{Backtest, Slice};
use fleetcast_core::{Panel, Scores};
use fleetcast_numeric::{Stream, quantile_of_sorted};
use rayon::prelude::*;

/// How scores are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreSettings {
    /// Steps in a season: errors are scaled by the mean change over one.
    pub season_length: usize,
    /// Bootstrap samples of series for the intervals; 0 for none.
    pub resamples: usize,
    /// Seed of those samples.
    pub seed: u64,
}

impl ScoreSettings {
    /// Intervals from 400 samples.
    pub fn new(season_length: usize) -> Self {
        Self { season_length, resamples: 400, seed: 0 }
    }
}

/// Scores of one model on one slice, with the ends of their 95 % bootstrap intervals over series.
///
/// With one series, or no resamples, the ends are `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelScores {
    /// The model.
    pub model: String,
    /// Name of the slice.
    pub slice: String,
    /// The scores.
    pub scores: Scores,
    /// Lower ends.
    pub low: Scores,
    /// Upper ends.
    pub high: Scores,
}

/// One score of a model divided by that of another on the same points, with its 95 % bootstrap interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The model.
    pub model: String,
    /// The model it is compared with.
    pub base: String,
    /// Name of the slice.
    pub slice: String,
    /// Name of the score, as in [`Scores::named`].
    pub score: &'static str,
    /// The model's score / the base's: below 1 is better for errors and losses.
    pub ratio: f64,
    /// Ends of the interval, resampling series; `None` with fewer than two series.
    pub interval: Option<(f64, f64)>,
}

/// Scores that are errors or losses: their ratio to another model's means something.
const COMPARED: [&str; 10] =
    ["mae", "rmse", "mase", "rmsse", "nd", "wql", "scaled_crps", "pinball_95", "peak_mae", "peak_mase"];

impl Backtest {
    /// Scores of every model on every slice that has points, slices in their order.
    ///
    /// Only the series and windows that every model forecast are scored, so that all are judged on the
    /// same points; steps without an actual are left out. `panel` is the one that was backtested.
    pub fn scores(&self, panel: &Panel, slices: &[Slice], settings: &ScoreSettings) -> Vec<ModelScores> {
        let tallied: Vec<Vec<Vec<Tally>>> =
            slices.par_iter().map(|slice| tallies(self, panel, slice, settings.season_length)).collect();
        let models = self.models();
        let rows = slices.iter().zip(&tallied).flat_map(|(slice, by_model)| {
            by_model.iter().zip(models).filter(|(series, _)| !series.is_empty()).map(move |row| (slice, row))
        });
        let rows: Vec<_> = rows.collect();
        rows.par_iter()
            .map(|(slice, (series, model))| {
                let (low, high) = intervals(series, settings);
                let (model, slice) = (model.name().to_owned(), slice.name().to_owned());
                ModelScores { model, slice, scores: Tally::sum(series.iter()).scores(), low, high }
            })
            .collect()
    }

    /// Every model but `base` compared with it on one slice; empty when `base` is not a model of it.
    pub fn compare(&self, panel: &Panel, slice: &Slice, base: &str, settings: &ScoreSettings) -> Vec<Comparison> {
        let tallied = tallies(self, panel, slice, settings.season_length);
        let Some(at) = self.models().iter().position(|m| m.name() == base) else {
            return Vec::new();
        };
        let others = self.models().iter().zip(&tallied).filter(|(m, _)| m.name() != base);
        others
            .flat_map(|(model, series)| {
                let whole = ratios(&Tally::sum(series.iter()), &Tally::sum(tallied[at].iter()));
                let samples = resample(series.len(), settings)
                    .into_iter()
                    .map(|drawn| ratios(&drawn.sum(series), &drawn.sum(&tallied[at])))
                    .collect::<Vec<_>>();
                let compared = whole.into_iter().zip(COMPARED).enumerate();
                compared.filter_map(move |(k, (ratio, score))| {
                    let interval = middle_95(samples.iter().filter_map(|sample| sample[k]).collect());
                    let (model, base) = (model.name().to_owned(), base.to_owned());
                    Some(Comparison { model, base, slice: slice.name().to_owned(), score, ratio: ratio?, interval })
                })
            })
            .collect()
    }
}

fn ratios(model: &Tally, base: &Tally) -> [Option<f64>; COMPARED.len()] {
    let (model, base) = (model.scores().named(), base.scores().named());
    COMPARED.map(|name| {
        let at = model.iter().position(|(score, _)| *score == name)?;
        let (above, below) = (model[at].1?, base[at].1?);
        (below > 0.0).then(|| above / below)
    })
}

fn intervals(series: &[Tally], settings: &ScoreSettings) -> (Scores, Scores) {
    let samples: Vec<Scores> =
        resample(series.len(), settings).into_iter().map(|drawn| drawn.sum(series).scores()).collect();
    let (mut low, mut high) = ([None; N_SCORES], [None; N_SCORES]);
    for k in 0..N_SCORES {
        let values = samples.iter().filter_map(|s| s.named()[k].1).collect();
        (low[k], high[k]) = middle_95(values).unzip();
    }
    let whole = Tally::sum(series.iter()).scores();
    let (n_series, n_points) = (whole.n_series, whole.n_points);
    (from_values(low, n_series, n_points), from_values(high, n_series, n_points))
}

/// The 2.5 % and 97.5 % quantiles.
fn middle_95(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    (!values.is_empty()).then(|| (quantile_of_sorted(&values, 0.025), quantile_of_sorted(&values, 0.975)))
}

/// One bootstrap sample: how often each series was drawn.
struct Drawn(Vec<u32>);

impl Drawn {
    fn sum(&self, series: &[Tally]) -> Tally {
        let mut sum = Tally::default();
        for (tally, &times) in series.iter().zip(&self.0) {
            sum.add(tally, times);
        }
        sum
    }
}

/// Bootstrap samples of series (Efron & Tibshirani 1993, "An introduction to the bootstrap"): whole
/// series are drawn, because the errors of one hang together.
fn resample(n_series: usize, settings: &ScoreSettings) -> Vec<Drawn> {
    if n_series < 2 {
        return Vec::new();
    }
    let stream = Stream::new(settings.seed, &["bootstrap"]);
    (0..settings.resamples as u64)
        .map(|sample| {
            let (stream, mut times) = (stream.child_number(sample), vec![0; n_series]);
            for draw in 0..n_series as u64 {
                times[stream.below(draw, n_series as u64) as usize] += 1;
            }
            Drawn(times)
        })
        .collect()
}

/// Scores from their values in the order of [`Scores::named`].
pub(crate) fn from_values(values: [Option<f64>; N_SCORES], n_series: usize, n_points: usize) -> Scores {
    let [mae, rmse, smape, mase, rmsse, nd, wql, scaled_crps, coverage_90, coverage_80, rest @ ..] = values;
    let [under_95, width_90_relative, pinball_95, peak_mae, peak_mase, peak_bias, peak_under_95] = rest;
    Scores {
        n_series,
        n_points,
        mae,
        rmse,
        smape,
        mase,
        rmsse,
        nd,
        wql,
        scaled_crps,
        coverage_90,
        coverage_80,
        under_95,
        width_90_relative,
        pinball_95,
        peak_mae,
        peak_mase,
        peak_bias,
        peak_under_95,
    }
}
