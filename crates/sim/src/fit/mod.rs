//! Learning a profile from real telemetry.
//!
//! The daily P95s of all servers are taken apart into the layers of the generator: a level per server,
//! growth, week and season in common, and a residual whose spread, tails, memory and correlations are
//! measured. Finer samples show the day. What a trace is too short to show keeps its default, and the
//! reason is written beside it.

mod common;
mod days;
mod inside;
mod residual;
mod text;

use crate::{Error, METRICS, Profile, Result};
use common::Common;
use days::Days;
use fleetcast_core::{Calendar, Panel, Zone};
use inside::Inside;
use residual::Residual;

/// Days from which growth can be told from a season.
const GROWTH_DAYS: usize = 365;
/// Days from which a peak at quarter ends can be told from chance: two of them.
const SEASON_DAYS: usize = 183;
/// Days from which weekdays can be told apart.
const WEEK_DAYS: usize = 14;
/// Days from which the memory of the residual and its spread can be told.
const NOISE_DAYS: usize = 7;
/// Days from which the time of day can be told.
const SHAPE_DAYS: usize = 3;

/// What is known beside the telemetry.
#[derive(Clone, Debug)]
pub struct FitOptions {
    /// Name of the profile.
    pub name: String,
    /// Quarter ends and holidays; holidays count as Sundays.
    pub calendar: Calendar,
    /// Whose days and hours the servers live in.
    pub zone: Zone,
}

/// What was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The profile.
    pub profile: Profile,
    /// The profile's file: what could not be learned has its default, with the reason beside it.
    pub profile_toml: String,
    /// A scenario's file, with what a scenario says of such servers in place of `enterprise`.
    pub scenario_toml: String,
    /// Keys that keep their default, each with the reason.
    pub refused: Vec<(String, String)>,
    /// Servers and days it was learned from.
    pub n_servers: usize,
    /// Days of the longest series.
    pub n_days: usize,
}

/// Learns a profile from the series of one kind of server: cpu, memory and network in %, disk_io in MB/s,
/// under the names of [`METRICS`], in UTC; other metrics are left out.
///
/// # Errors
/// [`Error::OutOfRange`] when the name is none, or no series has three days with load.
pub fn fit(panel: &Panel, options: &FitOptions) -> Result<Fit> {
    let days = Days::new(panel, options);
    let n_days = days.n_days;
    if days.series.is_empty() || n_days < SHAPE_DAYS {
        let found = format!("{} of three days of load", days.series.len());
        return Err(Error::range("the telemetry", "series", found, "at least one series of three days of load"));
    }
    let common: Vec<Option<Common>> = common::of_metrics(&days, options);
    let residual = Residual::new(&days, &common);
    let inside = Inside::new(panel, options);
    let learned = Learned { n_days, days: &days, common: &common, residual: &residual, inside: &inside };
    let mut refused = Vec::new();
    let profile_text = text::profile(&learned, options, &mut refused);
    let profile = Profile::from_toml(&profile_text, "the fitted profile")?;
    let scenario_toml = text::scenario(&learned, options, &mut refused);
    let profile_toml = text::annotated(&profile.to_toml(), &refused, learned.n_servers(), n_days);
    Ok(Fit { profile, profile_toml, scenario_toml, refused, n_servers: learned.n_servers(), n_days })
}

/// Everything that was learned.
struct Learned<'a> {
    n_days: usize,
    days: &'a Days,
    common: &'a [Option<Common>],
    residual: &'a Residual,
    inside: &'a Inside,
}

impl Learned<'_> {
    fn n_servers(&self) -> usize {
        self.days.n_servers
    }

    /// The metric on which week, season and day are learned: the first there is.
    fn leader(&self) -> Option<usize> {
        (0..METRICS.len()).find(|m| self.common[*m].is_some())
    }
}
