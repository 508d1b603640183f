//! The vocabulary of Fleetcast: the nouns that pass between stages, with their invariants, and the two
//! traits of a forecasting method.
//!
//! Nothing here reads a file, a clock or a random number, and nothing here knows Arrow: every stage
//! depends on this crate, so it stays small and quick to build.

mod calendar;
mod error;
mod forecast;
mod history;
mod metric;
mod model;
mod outlook;
mod panel;
mod paths;
mod scores;
mod server;
mod timeline;
mod windows;

pub use calendar::{Calendar, HolidaySet, UserEvent, Weekday};
pub use error::{Error, Result, nearest};
pub use forecast::{Forecast, QUANTILE_GRID, REPORTED_QUANTILES, SCORED_QUANTILES, check_quantiles};
pub use history::{History, SeriesId};
pub use metric::{Bounds, Metric, Unit};
pub use model::{Fitted, Future, Model};
pub use outlook::{
    Action, Bottleneck, CrossingDates, Group, Lead, Outlook, PoolRisk, Recommendation, Risk, RiskClass, RiskState,
    ServerOutlook,
};
pub use panel::Panel;
pub use paths::{Dependence, Paths, Shared};
pub use scores::Scores;
pub use server::{Server, Shape, Zone};
pub use timeline::{Step, Timeline};
pub use windows::{Window, Windows};
