//! Realistic fleet telemetry whose truth is known: a scenario and a seed become samples.
//!
//! A [`Scenario`] says what a fleet is made of: profiles ([`Profile`]) in some mix, regions, services,
//! and which layers their load has. A [`Fleet`] is a scenario with a size, a start, a length, a step
//! and a seed; [`Fleet::generate`] gives one server's samples with the truth they were made from.
//!
//! The primary process of a server and metric is the daily P95 of its demand,
//!
//! ```text
//! demand   = base x growth x week x season x noise x events
//! observed = what the capacity leaves of it
//! ```
//!
//! and finer samples are drawn conditional on it: the P95 of a local day's samples is the value of the
//! daily series. A series is a function of scenario, seed and server id alone: the same at any thread
//! count, in any order, for any subset; a longer run begins with the shorter one, and the first servers
//! of a larger fleet are the smaller fleet.
//!
//! ```
//! use fleetcast_sim::{Fleet, FleetSpec, SampleStep, Scenario};
//!
//! let spec = FleetSpec { n_servers: 3, start: jiff::civil::date(2022, 1, 1), days: 30, step: SampleStep::Day, seed: 42 };
//! let fleet = Fleet::new(Scenario::named("enterprise")?, spec)?;
//! let telemetry = fleet.generate(0);
//! assert_eq!(telemetry.observed[0].len(), 30);
//! # Ok::<(), fleetcast_sim::Error>(())
//! ```

mod anchors;
mod change;
mod clock;
mod correlation;
mod daily;
mod driver;
mod effects;
mod error;
mod events;
mod fit;
mod fleet;
mod intraday;
mod keys;
mod layer;
mod layers;
mod membership;
mod noise;
mod oracle;
mod profile;
mod profile_text;
mod scenario;
mod settings;
mod spec;
mod spikes;
mod tail;
mod telemetry;
mod workspace;

pub use change::Difference;
pub use correlation::RepairedCell;
pub use error::{Error, Result};
pub use fit::{Fit, FitOptions, fit};
pub use fleet::Fleet;
pub use layer::{Iter, Layer};
pub use oracle::{Futures, Oracle, OracleSeries, OracleSpec, ServerOracle};
pub use profile::Profile;
pub use scenario::Scenario;
pub use spec::{FleetSpec, SampleStep};
pub use telemetry::{DailyTelemetry, Delivery, Event, METRICS, ServerTelemetry, TrueCrossing, TruthSeries};
pub use workspace::Workspace;

/// Version of the bytes: the same scenario, [`FleetSpec`] and seed give the same bits as long as it is the same.
pub const FORMAT_VERSION: u32 = 1;
