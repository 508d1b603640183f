//! The profile of a kind of server: the numbers that make a web server different from a database.

use crate::correlation::{self, Matrix};
use crate::settings::{self, PerMetric, check};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a kind of server does, in numbers. Made from TOML; see [`Profile::to_toml`] for the keys.
///
/// ```
/// let web = fleetcast_sim::Profile::named("web")?;
/// assert_eq!(web.base()[0], 35.0);
/// assert!(fleetcast_sim::Profile::from_toml("[base]\ncpu_percnt = 35", "mine.toml").is_err());
/// # Ok::<(), fleetcast_sim::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub(crate) raw: Raw,
    correlation: Matrix,
    repaired: Option<f64>,
}

/// The file as it is written. Every part has a default: the generic server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) base: Base,
    pub(crate) std_percent_of_base: Std,
    pub(crate) growth_percent_per_year: Growth,
    pub(crate) season: Season,
    pub(crate) correlation: Correlation,
    pub(crate) day: Day,
    pub(crate) week: Week,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Base {
    pub(crate) cpu_percent: f64,
    pub(crate) memory_percent: f64,
    pub(crate) disk_io_mb_per_s: f64,
    pub(crate) network_percent: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Std {
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
    pub(crate) disk_io: f64,
    pub(crate) network: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Growth {
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
    pub(crate) disk_io: f64,
    pub(crate) network: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Season {
    pub(crate) quarter_end_peak_factor: f64,
    pub(crate) mid_quarter_trough_factor: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Correlation {
    pub(crate) cpu_memory: f64,
    pub(crate) cpu_network: f64,
    pub(crate) memory_disk_io: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) matrix: Option<Matrix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repair: Option<String>,
}

/// The time of day: a wave, and a window in which the load is higher still.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Day {
    pub(crate) wave_amplitude_percent: f64,
    pub(crate) window_factor: f64,
    pub(crate) window_start_hour: f64,
    pub(crate) window_end_hour: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) centre_hour: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Week {
    pub(crate) monday_factor: f64,
    pub(crate) tuesday_factor: f64,
    pub(crate) wednesday_factor: f64,
    pub(crate) thursday_factor: f64,
    pub(crate) friday_factor: f64,
    pub(crate) saturday_factor: f64,
    pub(crate) sunday_factor: f64,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            name: "generic".to_owned(),
            description: "A server of no particular kind.".to_owned(),
            base: Base::default(),
            std_percent_of_base: Std::default(),
            growth_percent_per_year: Growth::default(),
            season: Season::default(),
            correlation: Correlation::default(),
            day: Day::default(),
            week: Week::default(),
        }
    }
}

impl Default for Base {
    fn default() -> Self {
        Self { cpu_percent: 25.0, memory_percent: 40.0, disk_io_mb_per_s: 15.0, network_percent: 20.0 }
    }
}

impl Default for Std {
    fn default() -> Self {
        Self { cpu: 8.0, memory: 6.0, disk_io: 12.0, network: 10.0 }
    }
}

impl Default for Growth {
    fn default() -> Self {
        Self { cpu: 12.0, memory: 18.0, disk_io: 9.0, network: 14.0 }
    }
}

impl Default for Season {
    fn default() -> Self {
        Self { quarter_end_peak_factor: 1.4, mid_quarter_trough_factor: 0.65 }
    }
}

impl Default for Correlation {
    fn default() -> Self {
        Self { cpu_memory: 0.75, cpu_network: 0.60, memory_disk_io: 0.40, matrix: None, repair: None }
    }
}

impl Default for Day {
    fn default() -> Self {
        Self {
            wave_amplitude_percent: 20.0,
            window_factor: 1.15,
            window_start_hour: 9.0,
            window_end_hour: 17.0,
            centre_hour: None,
        }
    }
}

impl Default for Week {
    fn default() -> Self {
        Self {
            monday_factor: 1.0,
            tuesday_factor: 1.0,
            wednesday_factor: 1.0,
            thursday_factor: 1.0,
            friday_factor: 1.0,
            saturday_factor: 0.7,
            sunday_factor: 0.65,
        }
    }
}

/// The built-in profiles and their files.
const BUILT_IN: [(&str, &str); 4] = [
    ("web", include_str!("../profiles/web.toml")),
    ("application", include_str!("../profiles/application.toml")),
    ("database", include_str!("../profiles/database.toml")),
    ("batch", include_str!("../profiles/batch.toml")),
];

impl Profile {
    /// Names of the built-in profiles.
    pub const NAMES: [&str; 4] = ["web", "application", "database", "batch"];

    /// The built-in profile called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest.
    pub fn named(name: &str) -> Result<Self> {
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((known, text)) => Self::from_toml(text, known),
            None => Err(Error::name("profiles", "profile", name, &Self::NAMES)),
        }
    }

    /// Reads a profile; what the text does not give is that of a generic server. `source` names the
    /// text in errors.
    ///
    /// # Errors
    /// What is wrong, where, and what would do: an unknown key, a number out of range, a matrix that is
    /// no correlation matrix, text that is not TOML.
    pub fn from_toml(text: &str, source: &str) -> Result<Self> {
        let raw: Raw = settings::parse(text, source, &known_keys())?;
        raw.check(source)?;
        let pairs = &raw.correlation;
        let named = correlation::chain(pairs.cpu_memory, pairs.cpu_network, pairs.memory_disk_io);
        let (matrix, repaired) = match pairs.matrix {
            None => (named, None),
            Some(matrix) if pairs.repair.is_some() => {
                let near = correlation::nearest(&matrix);
                let moved = (0..16).map(|k| (near[k / 4][k % 4] - matrix[k / 4][k % 4]).abs()).fold(0.0, f64::max);
                (near, Some(moved))
            }
            Some(matrix) => {
                correlation::check(&matrix, source)?;
                (matrix, None)
            }
        };
        Ok(Self { raw, correlation: matrix, repaired })
    }

    /// Its name: the archetype of its servers.
    pub fn name(&self) -> &str {
        &self.raw.name
    }

    /// What such a server does, in a sentence.
    pub fn description(&self) -> &str {
        &self.raw.description
    }

    /// Expected daily P95 on an ordinary weekday at the start: % of capacity, MB/s for disk.
    pub fn base(&self) -> [f64; 4] {
        let base = self.raw.base;
        [base.cpu_percent, base.memory_percent, base.disk_io_mb_per_s, base.network_percent]
    }

    /// Coefficient of variation of the residual of the daily P95, in %.
    pub fn std_percent_of_base(&self) -> [f64; 4] {
        let std = self.raw.std_percent_of_base;
        [std.cpu, std.memory, std.disk_io, std.network]
    }

    /// Growth in % per year.
    pub fn growth_percent_per_year(&self) -> [f64; 4] {
        let growth = self.raw.growth_percent_per_year;
        [growth.cpu, growth.memory, growth.disk_io, growth.network]
    }

    /// Factor on the last day of a quarter.
    pub fn quarter_end_peak_factor(&self) -> f64 {
        self.raw.season.quarter_end_peak_factor
    }

    /// Factor in the middle of a quarter.
    pub fn mid_quarter_trough_factor(&self) -> f64 {
        self.raw.season.mid_quarter_trough_factor
    }

    /// Correlation of the noise before saturation, in the order of [`crate::METRICS`].
    pub fn correlation(&self) -> [[f64; 4]; 4] {
        self.correlation
    }

    /// The largest change of a cell when `repair` was asked for; `None` when it was not.
    pub fn repaired_by(&self) -> Option<f64> {
        self.repaired
    }

    /// The hours of the day in which the load is highest: first hour and the hour it ends at.
    pub fn peak_window_hours(&self) -> (f64, f64) {
        (self.raw.day.window_start_hour, self.raw.day.window_end_hour)
    }

    /// Factors from Monday to Sunday; those of Monday to Friday have the mean 1.
    pub fn week(&self) -> [f64; 7] {
        let week = self.raw.week;
        [
            week.monday_factor,
            week.tuesday_factor,
            week.wednesday_factor,
            week.thursday_factor,
            week.friday_factor,
            week.saturday_factor,
            week.sunday_factor,
        ]
    }
}

impl Raw {
    fn check(&self, source: &str) -> Result<()> {
        let name_ok =
            !self.name.is_empty() && self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !name_ok {
            let allowed = "letters, digits, `-` and `_`, because server ids begin with it";
            return Err(Error::range(source, "name", format!("{:?}", self.name), allowed));
        }
        let base = self.base;
        for (key, value) in [
            ("base.cpu_percent", base.cpu_percent),
            ("base.memory_percent", base.memory_percent),
            ("base.network_percent", base.network_percent),
        ] {
            check(source, key, value, 0.01..=400.0)?;
        }
        check(source, "base.disk_io_mb_per_s", base.disk_io_mb_per_s, 0.001..=100_000.0)?;
        let std = self.std_percent_of_base;
        PerMetric::new([std.cpu, std.memory, std.disk_io, std.network]).check(
            source,
            "std_percent_of_base",
            0.0..=200.0,
        )?;
        let growth = self.growth_percent_per_year;
        PerMetric::new([growth.cpu, growth.memory, growth.disk_io, growth.network]).check(
            source,
            "growth_percent_per_year",
            -90.0..=400.0,
        )?;
        check(source, "season.quarter_end_peak_factor", self.season.quarter_end_peak_factor, 0.1..=10.0)?;
        check(source, "season.mid_quarter_trough_factor", self.season.mid_quarter_trough_factor, 0.05..=10.0)?;
        self.correlation.check(source)?;
        self.day.check(source)?;
        self.week.check(source)
    }
}

impl Correlation {
    fn check(&self, source: &str) -> Result<()> {
        check(source, "correlation.cpu_memory", self.cpu_memory, -0.999..=0.999)?;
        check(source, "correlation.cpu_network", self.cpu_network, -0.999..=0.999)?;
        check(source, "correlation.memory_disk_io", self.memory_disk_io, -0.999..=0.999)?;
        match self.repair.as_deref() {
            None | Some("nearest") => Ok(()),
            Some(other) => Err(Error::name(source, "repair", other, &["nearest"])),
        }
    }
}

impl Day {
    fn check(&self, source: &str) -> Result<()> {
        check(source, "day.wave_amplitude_percent", self.wave_amplitude_percent, 0.0..=95.0)?;
        check(source, "day.window_factor", self.window_factor, 0.1..=20.0)?;
        check(source, "day.window_start_hour", self.window_start_hour, 0.0..=24.0)?;
        check(source, "day.window_end_hour", self.window_end_hour, 0.0..=24.0)?;
        check(source, "day.centre_hour", self.centre_hour.unwrap_or(0.0), 0.0..=24.0)
    }
}

impl Week {
    fn check(&self, source: &str) -> Result<()> {
        let weekdays =
            [self.monday_factor, self.tuesday_factor, self.wednesday_factor, self.thursday_factor, self.friday_factor];
        let names = ["monday", "tuesday", "wednesday", "thursday", "friday"];
        for (name, factor) in names.iter().zip(weekdays) {
            check(source, &format!("week.{name}_factor"), factor, 0.05..=5.0)?;
        }
        check(source, "week.saturday_factor", self.saturday_factor, 0.05..=5.0)?;
        check(source, "week.sunday_factor", self.sunday_factor, 0.05..=5.0)?;
        let mean = weekdays.iter().sum::<f64>() / 5.0;
        if (mean - 1.0).abs() > 1e-6 {
            let allowed = "1 over Monday to Friday, because `base` is the P95 of an ordinary weekday";
            return Err(Error::range(source, "week (mean of the weekdays)", mean, allowed));
        }
        Ok(())
    }
}

/// A table that has every key a profile may have.
fn known_keys() -> toml::Value {
    let mut full = Raw::default();
    full.correlation.matrix = Some([[0.0; 4]; 4]);
    full.correlation.repair = Some(String::new());
    full.day.centre_hour = Some(0.0);
    toml::Value::try_from(full).expect("a profile is a table of numbers and texts")
}
