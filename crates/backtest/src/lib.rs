//! Rolling-origin evaluation: forecasts at past cutoffs, scores, weights and calibration, over any `&dyn Model`.
//!
//! [`Runs`] keeps what each model forecast at each past cutoff, so that a backtest, the validation of
//! [`Auto`] inside each of its windows and the last fit share the same work:
//!
//! ```text
//! let mut runs = Runs::new(&panel, horizon)?;
//! let backtest = backtest(&mut runs, &[], Some(&auto), &windows)?;
//! let scores = backtest.scores(&panel, season_length, &Slice::standard(&panel, horizon));
//! let fleet = auto.forecast_fleet(runs, reach)?;
//! ```

mod auto;
mod backtest;
mod calibrate;
mod combined;
mod curve;
mod dependence;
mod error;
mod learn;
mod plan;
mod prepare;
mod prune;
mod run;
mod scores;
mod slice;
mod spread;
mod tally;
#[cfg(test)]
mod testing;
mod together;
mod validation;
mod weights;

pub use auto::{Auto, AutoSettings, Draw};
pub use backtest::{Backtest, ModelForecasts, Row, Timing, backtest};
pub use calibrate::Calibration;
pub use combined::{AutoFitted, AutoForecast, Fleet, Weight};
pub use error::{Error, Result};
pub use run::{Clock, Run, Runs, Seconds};
pub use scores::{Comparison, ModelScores, ScoreSettings};
pub use slice::Slice;
