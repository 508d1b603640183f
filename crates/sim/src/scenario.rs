//! The scenario: what a fleet is made of, and which layers its load has.

use crate::settings::{self, PerMetric, check};
use crate::{Error, Profile, Result};
use fleetcast_core::{Calendar, HolidaySet, Shape, Zone};
use serde::Deserialize;
use toml::Value;

/// What a fleet is made of. Made from TOML; a file need give only what differs from `enterprise`.
///
/// ```
/// let mine = fleetcast_sim::Scenario::from_toml("name = 'calm'\n[noise]\nwild_day_share = 0.0", "calm.toml")?;
/// assert_eq!(mine.name(), "calm");
/// # Ok::<(), fleetcast_sim::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub(crate) raw: Raw,
    pub(crate) calendar: Calendar,
    pub(crate) archetypes: Vec<Archetype>,
    pub(crate) regions: Vec<Region>,
}

/// A profile and what runs it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Archetype {
    pub(crate) share: f64,
    pub(crate) profile: Profile,
    pub(crate) shapes: Vec<Shape>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Region {
    pub(crate) share: f64,
    pub(crate) name: String,
    pub(crate) zone: Zone,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    name: String,
    description: String,
    calendar: RawCalendar,
    pub(crate) season: Season,
    pub(crate) week_loading: PerMetric,
    pub(crate) season_loading: PerMetric,
    pub(crate) day_loading: PerMetric,
    pub(crate) noise: Noise,
    pub(crate) intraday: Intraday,
    pub(crate) effects: Effects,
    pub(crate) level_shifts: LevelShifts,
    pub(crate) saturation: Saturation,
    mix: Vec<Mix>,
    regions: Vec<RawRegion>,
    pub(crate) services: Vec<Service>,
    shapes: Vec<RawShape>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCalendar {
    fiscal_year_start_month: i8,
    holidays: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Season {
    pub(crate) year_end_excess_factor: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noise {
    law: String,
    pub(crate) timescales_days: Vec<f64>,
    pub(crate) timescale_shares: Vec<f64>,
    pub(crate) wild_day_share: f64,
    pub(crate) wild_day_scale: f64,
    pub(crate) shared_by_pool: f64,
    pub(crate) shared_by_service: f64,
    pub(crate) shared_by_region: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intraday {
    pub(crate) std_percent: PerMetric,
    pub(crate) timescale_minutes: f64,
    pub(crate) burst_share: f64,
    pub(crate) window_edge_minutes: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Effects {
    pub(crate) idle_share: f64,
    pub(crate) idle_median_factor: f64,
    pub(crate) idle_log_std: f64,
    pub(crate) busy_median_factor: f64,
    pub(crate) busy_log_std: f64,
    pub(crate) loading: PerMetric,
    pub(crate) median_factor: PerMetric,
    pub(crate) within_pool_log_std: f64,
    pub(crate) metric_log_std: f64,
    pub(crate) growth_mean_factor: f64,
    pub(crate) growth_std_factor: f64,
    pub(crate) season_log_std: f64,
    pub(crate) noise_log_std: f64,
    pub(crate) phase_std_hours: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LevelShifts {
    pub(crate) per_server_per_year: f64,
    pub(crate) per_pool_per_year: f64,
    pub(crate) log_std: f64,
    pub(crate) migration_share: f64,
    pub(crate) memory_only_share: f64,
    pub(crate) rolled_back_share: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saturation {
    law: String,
    pub(crate) knee_percent: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mix {
    profile: String,
    share: f64,
    shapes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegion {
    name: String,
    timezone: String,
    share: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) business_unit: String,
    pub(crate) criticality: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawShape {
    instance_type: String,
    vcpu: f64,
    memory_gib: f64,
    disk_mb_per_s: f64,
    network_mbit_per_s: f64,
}

const ENTERPRISE: &str = include_str!("../scenarios/enterprise.toml");
const WALKTHROUGH: &str = include_str!("../scenarios/walkthrough.toml");

impl Scenario {
    /// Names of the built-in scenarios.
    pub const NAMES: [&str; 2] = ["enterprise", "walkthrough"];

    /// The built-in scenario called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "enterprise" => Self::from_toml(ENTERPRISE, name),
            "walkthrough" => Self::from_toml(WALKTHROUGH, name),
            _ => Err(Error::name("scenarios", "scenario", name, &Self::NAMES)),
        }
    }

    /// Reads a scenario; a key that the text does not give is that of `enterprise`, a list is replaced
    /// as a whole. `source` names the text in errors.
    ///
    /// # Errors
    /// What is wrong, where, and what would do.
    pub fn from_toml(text: &str, source: &str) -> Result<Self> {
        let enterprise: Value = settings::parse(ENTERPRISE, "enterprise", &Value::Integer(0))?;
        let given: Value = settings::parse(text, source, &enterprise)?;
        let raw: Raw = settings::read(settings::merged(enterprise, given), text, source)?;
        raw.check(source)?;
        Self::assemble(raw, source)
    }

    /// The same scenario with all servers of one kind.
    pub fn with_profile(mut self, profile: Profile) -> Self {
        let like = self.archetypes.iter().position(|archetype| archetype.profile.name() == profile.name());
        let shapes = self.archetypes.swap_remove(like.unwrap_or(0)).shapes;
        self.archetypes = vec![Archetype { share: 1.0, profile, shapes }];
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.raw.name
    }

    /// What fleet it makes, in a sentence.
    pub fn description(&self) -> &str {
        &self.raw.description
    }

    /// Quarter ends and holidays its load follows.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    fn assemble(raw: Raw, source: &str) -> Result<Self> {
        let sets: Vec<HolidaySet> =
            raw.calendar.holidays.iter().map(|name| HolidaySet::named(name)).collect::<fleetcast_core::Result<_>>()?;
        let calendar = Calendar::new(raw.calendar.fiscal_year_start_month, &sets, Vec::new())?;
        let archetypes = raw.mix.iter().map(|mix| raw.archetype(mix, source)).collect::<Result<_>>()?;
        let regions = raw
            .regions
            .iter()
            .map(|region| {
                let zone = Zone::named(&region.timezone)?;
                Ok(Region { share: region.share, name: region.name.clone(), zone })
            })
            .collect::<Result<_>>()?;
        Ok(Self { raw, calendar, archetypes, regions })
    }
}

impl Raw {
    fn archetype(&self, mix: &Mix, source: &str) -> Result<Archetype> {
        let known: Vec<&str> = self.shapes.iter().map(|shape| shape.instance_type.as_str()).collect();
        let shape = |name: &String| {
            let found = self.shapes.iter().find(|shape| shape.instance_type == *name);
            let found = found.ok_or_else(|| Error::name(source, "shape", name, &known))?;
            Ok(Shape {
                instance_type: Some(found.instance_type.clone()),
                vcpu: Some(found.vcpu),
                memory_gib: Some(found.memory_gib),
                disk_mb_per_s: Some(found.disk_mb_per_s),
                network_mbit_per_s: Some(found.network_mbit_per_s),
            })
        };
        Ok(Archetype {
            share: mix.share,
            profile: Profile::named(&mix.profile)?,
            shapes: mix.shapes.iter().map(shape).collect::<Result<_>>()?,
        })
    }

    fn check(&self, source: &str) -> Result<()> {
        check(source, "season.year_end_excess_factor", self.season.year_end_excess_factor, 0.0..=10.0)?;
        self.week_loading.check(source, "week_loading", 0.0..=1.0)?;
        self.season_loading.check(source, "season_loading", 0.0..=1.0)?;
        self.day_loading.check(source, "day_loading", 0.0..=1.0)?;
        self.noise.check(source)?;
        self.intraday.check(source)?;
        self.effects.check(source)?;
        self.level_shifts.check(source)?;
        one_of(source, "saturation law", &self.saturation.law, &["hard", "smooth"])?;
        check(source, "saturation.knee_percent", self.saturation.knee_percent, 1.0..=100.0)?;
        self.check_lists(source)
    }

    fn check_lists(&self, source: &str) -> Result<()> {
        for (key, n) in [("mix", self.mix.len()), ("regions", self.regions.len()), ("services", self.services.len())] {
            if n == 0 {
                return Err(Error::range(source, key, "an empty list", "a list with at least one entry"));
            }
        }
        for (at, mix) in self.mix.iter().enumerate() {
            check(source, &format!("mix[{at}].share"), mix.share, 1e-6..=1e6)?;
            if mix.shapes.is_empty() {
                let key = format!("mix[{at}].shapes");
                return Err(Error::range(source, &key, "an empty list", "a list with at least one shape"));
            }
        }
        for (at, region) in self.regions.iter().enumerate() {
            check(source, &format!("regions[{at}].share"), region.share, 1e-6..=1e6)?;
        }
        for (at, shape) in self.shapes.iter().enumerate() {
            for (key, value) in [
                ("vcpu", shape.vcpu),
                ("memory_gib", shape.memory_gib),
                ("disk_mb_per_s", shape.disk_mb_per_s),
                ("network_mbit_per_s", shape.network_mbit_per_s),
            ] {
                check(source, &format!("shapes[{at}].{key}"), value, 1e-3..=1e9)?;
            }
        }
        Ok(())
    }
}

impl Noise {
    /// Whether the residual is normal, not log-normal.
    pub(crate) fn is_normal(&self) -> bool {
        self.law == "normal"
    }

    fn check(&self, source: &str) -> Result<()> {
        one_of(source, "noise law", &self.law, &["normal", "log-normal"])?;
        let (times, shares) = (&self.timescales_days, &self.timescale_shares);
        if times.is_empty() || times.len() != shares.len() || times.len() > 8 {
            let found = format!("{} times and {} shares", times.len(), shares.len());
            return Err(Error::range(source, "noise.timescales_days", found, "1 to 8 times with a share each"));
        }
        for (at, (&time, &share)) in times.iter().zip(shares).enumerate() {
            check(source, &format!("noise.timescales_days[{at}]"), time, 0.0..=3_650.0)?;
            check(source, &format!("noise.timescale_shares[{at}]"), share, 0.0..=1.0)?;
        }
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(Error::range(source, "noise.timescale_shares (sum)", sum, "1"));
        }
        check(source, "noise.wild_day_share", self.wild_day_share, 0.0..=0.5)?;
        check(source, "noise.wild_day_scale", self.wild_day_scale, 1.0..=10.0)?;
        let variance = self.wild_day_share * self.wild_day_scale * self.wild_day_scale;
        if variance >= 1.0 {
            let key = "noise.wild_day_share x wild_day_scale^2";
            return Err(Error::range(source, key, variance, "below 1, the whole variance"));
        }
        for (key, value) in [
            ("noise.shared_by_pool", self.shared_by_pool),
            ("noise.shared_by_service", self.shared_by_service),
            ("noise.shared_by_region", self.shared_by_region),
        ] {
            check(source, key, value, 0.0..=1.0)?;
        }
        let shared = self.shared_by_pool + self.shared_by_service + self.shared_by_region;
        check(source, "noise.shared_by_pool + shared_by_service + shared_by_region", shared, 0.0..=1.0)
    }
}

impl Intraday {
    fn check(&self, source: &str) -> Result<()> {
        self.std_percent.check(source, "intraday.std_percent", 0.0..=300.0)?;
        check(source, "intraday.timescale_minutes", self.timescale_minutes, 0.0..=100_000.0)?;
        check(source, "intraday.burst_share", self.burst_share, 0.0..=1.0)?;
        check(source, "intraday.window_edge_minutes", self.window_edge_minutes, 0.0..=360.0)
    }
}

impl Effects {
    fn check(&self, source: &str) -> Result<()> {
        self.loading.check(source, "effects.loading", 0.0..=1.0)?;
        self.median_factor.check(source, "effects.median_factor", 1e-3..=100.0)?;
        for (key, value, high) in [
            ("idle_share", self.idle_share, 1.0),
            ("idle_log_std", self.idle_log_std, 3.0),
            ("busy_log_std", self.busy_log_std, 3.0),
            ("within_pool_log_std", self.within_pool_log_std, 3.0),
            ("metric_log_std", self.metric_log_std, 3.0),
            ("growth_std_factor", self.growth_std_factor, 10.0),
            ("season_log_std", self.season_log_std, 3.0),
            ("noise_log_std", self.noise_log_std, 3.0),
            ("phase_std_hours", self.phase_std_hours, 12.0),
        ] {
            check(source, &format!("effects.{key}"), value, 0.0..=high)?;
        }
        check(source, "effects.idle_median_factor", self.idle_median_factor, 1e-3..=100.0)?;
        check(source, "effects.busy_median_factor", self.busy_median_factor, 1e-3..=100.0)?;
        check(source, "effects.growth_mean_factor", self.growth_mean_factor, -10.0..=10.0)
    }
}

impl LevelShifts {
    fn check(&self, source: &str) -> Result<()> {
        for (key, value, high) in [
            ("per_server_per_year", self.per_server_per_year, 50.0),
            ("per_pool_per_year", self.per_pool_per_year, 50.0),
            ("log_std", self.log_std, 2.0),
            ("migration_share", self.migration_share, 1.0),
            ("memory_only_share", self.memory_only_share, 1.0),
            ("rolled_back_share", self.rolled_back_share, 1.0),
        ] {
            check(source, &format!("level_shifts.{key}"), value, 0.0..=high)?;
        }
        Ok(())
    }
}

impl Saturation {
    /// Whether the load is clipped, not bent.
    pub(crate) fn is_hard(&self) -> bool {
        self.law == "hard"
    }
}

fn one_of(source: &str, kind: &str, found: &str, known: &[&str]) -> Result<()> {
    if known.contains(&found) { Ok(()) } else { Err(Error::name(source, kind, found, known)) }
}
