//! How far made-up telemetry is from real telemetry, score by score.
//!
//! [`scorecard`] compares two panels of series at the same step. Every score is a distance between two
//! sets of servers, and none is read by itself: the same distance between two random halves of the real
//! servers, drawn many times, is what no generator can be expected to beat. The halves are of servers,
//! never of rows: rows of one server resemble each other, so that halves of rows would look alike whatever
//! the data.
//!
//! A score the data cannot show (no second metric, less than two weeks) says so in place of a number.
//!
//! Esteban, Hyland & Rätsch (2017), arXiv:1706.02633 (train on synthetic, test on real); Lopez-Paz &
//! Oquab (2017), "Revisiting classifier two-sample tests", ICLR.

mod card;
mod classifier;
mod correlation;
mod distance;
mod error;
mod forest;
mod judge;
mod nearest;
mod sample;
mod score;
mod spectrum;
mod track;
mod transfer;
mod window;

pub use card::{Line, Outcome, Scorecard, Shown, Verdict};
pub use error::{Error, Result};
pub use judge::{Halves, halves, judged};
pub use score::{Settings, scorecard};
