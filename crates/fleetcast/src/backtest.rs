//! How the methods did on the past.

use crate::line_up::LineUp;
use crate::{Context, Result};
use fleetcast_backtest::{Backtest, Comparison, ModelScores, Runs, ScoreSettings, Slice};
use fleetcast_core::{Model, Windows};

/// Forecasts at past cutoffs and their scores.
pub struct Backtested {
    /// What was forecast.
    pub backtest: Backtest,
    /// Scores by model and slice.
    pub scores: Vec<ModelScores>,
    /// Every model against the baseline, with bootstrap intervals over series.
    pub comparisons: Vec<Comparison>,
}

/// Forecasts from past cutoffs by every method of `line_up`, and scores it.
///
/// # Errors
/// When the horizons of `runs`, `windows` and `auto` differ.
pub fn backtest(
    runs: &mut Runs,
    line_up: &LineUp,
    windows: &Windows,
    seed: u64,
    context: &Context,
) -> Result<Backtested> {
    context.progress.begin("backtesting", 0);
    let others: Vec<&dyn Model> = line_up.others.iter().map(AsRef::as_ref).collect();
    let backtest = fleetcast_backtest::backtest(runs, &others, line_up.auto.as_ref(), windows)?;
    context.progress.begin("scoring", 0);
    let settings = ScoreSettings { seed, ..ScoreSettings::new(line_up.season_length) };
    let scores = backtest.scores(runs.panel(), &Slice::standard(runs.panel(), windows.horizon), &settings);
    let comparisons = backtest.compare(runs.panel(), &Slice::all(), crate::line_up::BASELINE, &settings);
    Ok(Backtested { backtest, scores, comparisons })
}
