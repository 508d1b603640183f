//! The scenario: what a fleet is made of, and which layers its load has.

use crate::events::settings as settings_of_events;
use crate::keys::{self, SCENARIO};
use crate::settings::{self, PerMetric, Source};
use crate::{Error, Profile, Result};
use fleetcast_core::{Calendar, HolidaySet, Shape, Zone};
use jiff::civil::{Date, Weekday};
use serde::Deserialize;

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
    /// All of its settings, as they were read.
    pub(crate) table: toml::Table,
    pub(crate) calendar: Calendar,
    pub(crate) archetypes: Vec<Archetype>,
    pub(crate) regions: Vec<Region>,
    /// All hardware, also what no mix names: servers may be resized to it.
    pub(crate) all_shapes: Vec<Shape>,
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
    /// Its own bank holidays, and the fleet's fiscal year.
    pub(crate) calendar: Calendar,
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
    pub(crate) incidents: settings_of_events::Incidents,
    pub(crate) outages: settings_of_events::Outages,
    pub(crate) resizes: settings_of_events::Resizes,
    pub(crate) churn: settings_of_events::Churn,
    pub(crate) collector: settings_of_events::Collector,
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
    holidays_count_as: String,
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
    pub(crate) shared_by_fleet: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intraday {
    pub(crate) std_percent: PerMetric,
    pub(crate) timescale_minutes: f64,
    pub(crate) burst_share: f64,
    pub(crate) window_edge_minutes: f64,
    pub(crate) spikes_per_day: f64,
    pub(crate) spike_log_mean: f64,
    pub(crate) spike_loading: PerMetric,
    pub(crate) hourly_job_share: f64,
    pub(crate) hourly_job_log_mean: f64,
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
    pub(crate) day_log_std: f64,
    pub(crate) week_log_std: f64,
    pub(crate) intraday_log_std: f64,
    pub(crate) burst_logit_std: f64,
    pub(crate) spikes_log_std: f64,
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
    /// Those of the scenario's calendar when it names none of its own.
    holidays: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) business_unit: String,
    pub(crate) criticality: String,
    /// Factor on the growth of its servers; 1 when it is not given.
    pub(crate) growth_factor: Option<f64>,
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

impl RawShape {
    fn shape(&self) -> Shape {
        Shape {
            instance_type: Some(self.instance_type.clone()),
            vcpu: Some(self.vcpu),
            memory_gib: Some(self.memory_gib),
            disk_mb_per_s: Some(self.disk_mb_per_s),
            network_mbit_per_s: Some(self.network_mbit_per_s),
        }
    }
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
        Self::from_toml(Self::built_in_toml(name)?, name)
    }

    /// Reads a scenario; a key that the text does not give is that of `enterprise`, a list is replaced
    /// as a whole. `source` names the text in errors.
    ///
    /// # Errors
    /// What is wrong, where, and what would do.
    pub fn from_toml(text: &str, source: &str) -> Result<Self> {
        let (_, enterprise) = Source::read(ENTERPRISE, "enterprise", SCENARIO)?;
        let (source, given) = Source::read(text, source, SCENARIO)?;
        Self::from_table(settings::merged(enterprise, given), &source)
    }

    /// A scenario of settings that are complete and of which each is in its range.
    pub(crate) fn from_table(table: toml::Table, source: &Source) -> Result<Self> {
        let raw: Raw = source.fill(table.clone())?;
        raw.check(source)?;
        Self::assemble(raw, table, source)
    }

    /// The file of the built-in scenario called `name`, with what each number means.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest.
    pub fn built_in_toml(name: &str) -> Result<&'static str> {
        match name {
            "enterprise" => Ok(ENTERPRISE),
            "walkthrough" => Ok(WALKTHROUGH),
            _ => Err(Error::name("scenarios", "scenario", name, &Self::NAMES)),
        }
    }

    /// The JSON Schema of a scenario file (draft 2020-12): the keys, types and ranges that
    /// [`Scenario::from_toml`] checks.
    pub fn json_schema() -> String {
        let enterprise: toml::Table = toml::from_str(ENTERPRISE).expect("the built-in scenario is TOML");
        keys::json_schema("Fleetcast scenario", SCENARIO, &enterprise)
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

    /// The day of the week whose factor a date has: its own, or that of all holidays.
    pub(crate) fn day_class(&self, calendar: &Calendar, date: Date) -> Weekday {
        if !calendar.is_holiday(date) {
            return date.weekday();
        }
        match self.raw.calendar.holidays_count_as.as_str() {
            "monday" => Weekday::Monday,
            "tuesday" => Weekday::Tuesday,
            "wednesday" => Weekday::Wednesday,
            "thursday" => Weekday::Thursday,
            "friday" => Weekday::Friday,
            "saturday" => Weekday::Saturday,
            // The keys allow the seven days only.
            _ => Weekday::Sunday,
        }
    }

    /// Quarter ends and holidays its load follows.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    fn assemble(raw: Raw, table: toml::Table, source: &Source) -> Result<Self> {
        let calendar = raw.calendar_of(&raw.calendar.holidays)?;
        let archetypes =
            raw.mix.iter().enumerate().map(|(at, mix)| raw.archetype(at, mix, source)).collect::<Result<_>>()?;
        let regions = raw
            .regions
            .iter()
            .map(|region| {
                let zone = Zone::named(&region.timezone)?;
                let holidays = region.holidays.as_ref().unwrap_or(&raw.calendar.holidays);
                let calendar = raw.calendar_of(holidays)?;
                Ok(Region { share: region.share, name: region.name.clone(), zone, calendar })
            })
            .collect::<Result<_>>()?;
        let all_shapes = raw.shapes.iter().map(RawShape::shape).collect();
        Ok(Self { raw, table, calendar, archetypes, regions, all_shapes })
    }
}

impl Raw {
    /// The calendar of a place with these bank holidays.
    fn calendar_of(&self, holidays: &[String]) -> Result<Calendar> {
        let sets: Vec<HolidaySet> =
            holidays.iter().map(|name| HolidaySet::named(name)).collect::<fleetcast_core::Result<_>>()?;
        Ok(Calendar::new(self.calendar.fiscal_year_start_month, &sets, Vec::new())?)
    }

    fn archetype(&self, at: usize, mix: &Mix, source: &Source) -> Result<Archetype> {
        let known: Vec<&str> = self.shapes.iter().map(|shape| shape.instance_type.as_str()).collect();
        let shape = |(number, name): (usize, &String)| {
            let found = self.shapes.iter().find(|shape| shape.instance_type == *name);
            let found = found.ok_or_else(|| {
                let near = fleetcast_core::nearest(name, known.iter().copied()).to_owned();
                source.name_error(&format!("mix[{at}].shapes[{number}]"), name, near, known.join(", "))
            })?;
            Ok(found.shape())
        };
        Ok(Archetype {
            share: mix.share,
            profile: Profile::named(&mix.profile)?,
            shapes: mix.shapes.iter().enumerate().map(shape).collect::<Result<_>>()?,
        })
    }

    /// What the keys allow one by one and yet cannot be.
    fn check(&self, source: &Source) -> Result<()> {
        self.noise.check(source)?;
        self.incidents.check(source)?;
        unique(source, "calendar.holidays", "", self.calendar.holidays.iter().map(String::as_str))?;
        for (at, region) in self.regions.iter().enumerate() {
            let names = region.holidays.iter().flatten().map(String::as_str);
            unique(source, &format!("regions[{at}].holidays"), "", names)?;
        }
        unique(source, "mix", ".profile", self.mix.iter().map(|mix| mix.profile.as_str()))?;
        unique(source, "regions", ".name", self.regions.iter().map(|region| region.name.as_str()))?;
        unique(source, "services", ".name", self.services.iter().map(|service| service.name.as_str()))?;
        unique(source, "shapes", ".instance_type", self.shapes.iter().map(|shape| shape.instance_type.as_str()))
    }
}

/// Refuses a list in which two entries have one name.
fn unique<'a>(source: &Source, list: &str, key: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = Vec::new();
    for (at, name) in names.enumerate() {
        if let Some(first) = seen.iter().position(|known| *known == name) {
            let (one, other) = (format!("{list}[{first}]{key}"), format!("{list}[{at}]{key}"));
            let fault = format!("`{other}` is \"{name}\", as `{one}` is already; each may stand once");
            return Err(source.contradiction(&other, fault));
        }
        seen.push(name);
    }
    Ok(())
}

impl Noise {
    /// Whether the residual is normal, not log-normal.
    pub(crate) fn is_normal(&self) -> bool {
        self.law == "normal"
    }

    fn check(&self, source: &Source) -> Result<()> {
        let (times, shares) = (&self.timescales_days, &self.timescale_shares);
        if times.len() != shares.len() {
            let fault = format!(
                "`noise.timescales_days` has {} times and `noise.timescale_shares` {} shares; each time needs its share",
                times.len(),
                shares.len()
            );
            return Err(source.contradiction("noise.timescale_shares", fault));
        }
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(source.range("noise.timescale_shares", format!("{sum} in sum"), "1 in sum"));
        }
        let variance = self.wild_day_share * self.wild_day_scale * self.wild_day_scale;
        if variance >= 1.0 {
            let fault = format!(
                "`noise.wild_day_share` times the square of `noise.wild_day_scale` is {variance}; it must be below 1, \
                 the whole variance"
            );
            return Err(source.contradiction("noise.wild_day_scale", fault));
        }
        let shared = self.shared_by_pool + self.shared_by_service + self.shared_by_region + self.shared_by_fleet;
        // Four decimal shares that make 1 may be a little over it in binary.
        if shared > 1.0 + 1e-9 {
            let fault = format!(
                "`noise.shared_by_pool`, `shared_by_service`, `shared_by_region` and `shared_by_fleet` are {shared} in \
                 sum; they are shares of one variance and may be 1 at most"
            );
            return Err(source.contradiction("noise.shared_by_pool", fault));
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
