//! The whole of Fleetcast as one function per stage, in the order a person would say them.
//!
//! ```text
//! let telemetry = telemetry(&lake, &config)?;                 // daily P95 per series, with gaps
//! let backtested = backtest(&mut runs, &line_up, &windows)?;  // how the methods did on the past
//! let forecasts = forecast_auto(&mut runs, &line_up, reach)?; // calibrated quantiles and joint paths
//! let plan = plan(&telemetry, &forecasts, &config)?;          // risks, groups, sizes
//! let report = report(&lake, &config)?;                       // from the tables the others left
//! ```
//!
//! What the command line and other faces share lives here; they decide nothing.

pub mod backtest;
pub mod components;
pub mod config;
pub mod consolidate;
mod context;
pub mod decisions;
pub mod demo;
pub mod diagnose;
mod differences;
mod error;
pub mod explain;
pub mod export;
pub mod fit;
pub mod forecast;
pub mod generate;
mod hours;
pub mod ingest;
pub mod line_up;
mod oracle;
pub mod pictures;
pub mod plan;
mod pools;
mod prices;
pub mod profiles;
mod progress;
pub mod realism;
pub mod report;
pub mod review;
pub mod run;
pub mod series;
mod stamp;
mod store;
mod tables;
pub mod telemetry;
pub mod what_if;

pub use config::Config;
pub use context::Context;
pub use error::{Error, Result};
pub use progress::{Progress, Silent};

pub use fleetcast_backtest::{Comparison, ModelForecasts, ModelScores, Seconds};
pub use fleetcast_lake as lake;
pub use fleetcast_realism::{Line, Outcome, Scorecard, Verdict};
pub use fleetcast_sim as sim;
