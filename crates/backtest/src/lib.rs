//! Rolling-origin evaluation: forecasts at past cutoffs, scores, weights and calibration, over any `&dyn Model`.
//!
//! [`Runs`] keeps what each model forecast at each past cutoff, so that a backtest, the validation of
//! [`Auto`] inside each of its windows and the last fit share the same work:
//!
//! ```text
//! let mut runs = Runs::new(&panel, horizon)?;
//! let backtest = backtest(&mut runs, &[], Some(&auto), &windows)?;
//! let scores = backtest.scores(&panel, season_length, &Slice::standard(&panel, horizon));
//! let fleet = auto.fit_runs(&mut runs);
//! ```

mod auto;
mod backtest;
mod calibrate;
mod curve;
mod dependence;
mod error;
mod learn;
mod plan;
mod run;
mod scores;
mod slice;
mod spread;
mod tally;
#[cfg(test)]
mod testing;
mod validation;
mod weights;

pub use auto::{Auto, AutoFitted, AutoSettings, Draw, FleetFit, Weight};
pub use backtest::{Backtest, ModelForecasts, Row, Timing, backtest};
pub use calibrate::Calibration;
pub use error::{Error, Result};
pub use run::{Clock, Run, Runs, Seconds};
pub use scores::{Comparison, ModelScores, ScoreSettings};
pub use slice::Slice;

/// Probabilities of the internal forecasts: every 2.5 % and the tails that planning needs.
pub const QUANTILE_GRID: [f64; 45] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.275, 0.3, 0.325, 0.35, 0.375,
    0.4, 0.425, 0.45, 0.475, 0.5, 0.525, 0.55, 0.575, 0.6, 0.625, 0.65, 0.675, 0.7, 0.725, 0.75, 0.775, 0.8, 0.825,
    0.85, 0.875, 0.9, 0.925, 0.95, 0.975, 0.99, 0.995, 0.999,
];
