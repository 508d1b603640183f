//! Forecasts become an outlook per server: will it be too full, when and why; who behaves alike; who has
//! too little to do; and which size each server should have, in dollars.
//!
//! Every answer is a row of `fleetcast-core`'s [`Outlook`](fleetcast_core::Outlook). What cannot be
//! judged keeps its row, with the reason.

mod bottleneck;
mod candidate;
mod class;
mod costs;
mod days;
mod error;
mod group;
mod hours;
mod lead;
mod limits;
mod load;
mod measures;
mod packing;
mod passage;
mod pool;
mod price_list;
mod prices;
pub mod proof;
mod retire;
mod risk;
mod seen;
mod series;
mod size;
mod underused;
mod waiting;
pub mod what_if;
mod year;

pub use bottleneck::bottleneck;
pub use candidate::{Candidate, Excuse};
pub use class::{Classification, classify};
pub use costs::Costs;
pub use error::{Error, Result};
pub use group::groups;
pub use hours::{HOURS, HighDay, tell_hours};
pub use lead::{LeadTime, Tier};
pub use limits::{Limits, RetireRule, UnderusedRule};
pub use packing::{Packing, Shared, Tenant, pack};
pub use pool::{PoolPaths, pool_weight};
pub use prices::{Architecture, HOURS_PER_MONTH, InstanceType, PriceBook};
pub use risk::{RISK_HORIZONS, risks, unknown_risks};
pub use seen::Seen;
pub use series::SeriesOutlook;
pub use size::{Sizing, recommend, size};
pub use waiting::most_utilisation;
