//! Forecasting methods, one module each, and joint paths.
//!
//! Every method implements [`fleetcast_core::Model`]; [`named`] finds one by the name it has in tables
//! and on the command line, [`all`] gives the whole line-up, [`members`] those that `auto` weighs up.
//! [`paths`] turns quantiles into joint futures.

mod arima;
mod boosted;
pub mod calendar_ridge;
mod diagnose;
mod ets;
mod level_shape;
mod line_up;
mod mstl;
mod naive;
pub mod paths;
mod pooled;
pub mod prophet;
mod random_forest;
mod ranking;
mod season;
mod seasonal_mean;
mod seasonal_naive;
mod steps;
mod stl;
mod theta;
mod var;

pub use arima::{Arima, ArimaFit, Estimates};
pub use boosted::Boosted;
pub use calendar_ridge::{CalendarRidge, CalendarRidgeFit, Component, Explanation};
pub use diagnose::{Diagnosis, Test};
pub use ets::{Ets, EtsFit};
pub use level_shape::LevelShape;
pub use line_up::{MEMBERS, NAMES, Settings, all, members, named};
pub use mstl::Mstl;
pub use naive::Naive;
pub use pooled::Pooled;
pub use prophet::Prophet;
pub use random_forest::RandomForest;
pub use seasonal_mean::SeasonalMean;
pub use seasonal_naive::SeasonalNaive;
pub use theta::Theta;
pub use var::Var;
