//! The profile of a kind of server: the numbers that make a web server different from a database.

use crate::correlation::{self, Matrix, RepairedCell};
use crate::keys::{self, PROFILE};
use crate::settings::Source;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) year_end_peak_factor: Option<f64>,
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

/// The time of day: a wave, and a window in which the load is higher still; or a factor for each hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Day {
    pub(crate) wave_amplitude_percent: f64,
    pub(crate) window_factor: f64,
    pub(crate) window_start_hour: f64,
    pub(crate) window_end_hour: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) centre_hour: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anchors: Option<[f64; 24]>,
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
        Self { quarter_end_peak_factor: 1.4, year_end_peak_factor: None, mid_quarter_trough_factor: 0.65 }
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
            anchors: None,
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
        let (source, table) = Source::read(text, source, PROFILE)?;
        Self::from_raw(source.fill(table)?, &source)
    }

    fn from_raw(mut raw: Raw, source: &Source) -> Result<Self> {
        raw.check(source)?;
        if let Some(matrix) = raw.correlation.matrix {
            // The matrix replaces the pairs; so they say what it says.
            let [cpu, memory, ..] = matrix;
            raw.correlation.cpu_memory = cpu[1];
            raw.correlation.cpu_network = cpu[3];
            raw.correlation.memory_disk_io = memory[2];
        }
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

    /// Reads a profile whose matrix may be no correlation matrix; the nearest one (Higham 2002) takes its
    /// place, and the cells that changed are told.
    ///
    /// # Errors
    /// As [`Profile::from_toml`], but for the matrix.
    pub fn repaired(text: &str, source: &str) -> Result<(Self, Vec<RepairedCell>)> {
        let (source, table) = Source::read(text, source, PROFILE)?;
        let mut raw: Raw = source.fill(table)?;
        raw.correlation.repair = None;
        if let Some(matrix) = raw.correlation.matrix {
            let is_sound = correlation::check(&matrix, &source).is_ok();
            raw.correlation.matrix = Some(if is_sound { matrix } else { correlation::nearest(&matrix) });
            let profile = Self::from_raw(raw, &source)?;
            let cells = correlation::changes(&matrix, &profile.correlation);
            return Ok((profile, cells));
        }
        Ok((Self::from_raw(raw, &source)?, Vec::new()))
    }

    /// The JSON Schema of a profile file (draft 2020-12): the keys, types and ranges that
    /// [`Profile::from_toml`] checks.
    pub fn json_schema() -> String {
        let generic = toml::Table::try_from(Raw::default()).expect("a profile is a table of numbers and texts");
        keys::json_schema("Fleetcast profile", PROFILE, &generic)
    }

    /// Its settings, all of them.
    pub(crate) fn table(&self) -> toml::Table {
        toml::Table::try_from(&self.raw).expect("a profile is a table of numbers and texts")
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

    /// Factor on the last day of the fiscal year; `None` when the scenario says how far it exceeds that of
    /// other quarters.
    pub fn year_end_peak_factor(&self) -> Option<f64> {
        self.raw.season.year_end_peak_factor
    }

    /// How far the peak rises above 1 at the end of a quarter and at the end of the year.
    pub(crate) fn peak_excess(&self, year_end_excess_factor: f64) -> (f64, f64) {
        let quarter = self.quarter_end_peak_factor() - 1.0;
        let year = self.year_end_peak_factor().map_or(quarter * year_end_excess_factor, |peak| peak - 1.0);
        (quarter, year)
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

    /// The factor of the day at each full hour, where the profile gives one in place of a wave and a
    /// window.
    pub fn day_anchors(&self) -> Option<[f64; 24]> {
        self.raw.day.anchors
    }

    /// The hours of the day in which the load is highest: first hour and the hour it ends at. It has no
    /// meaning beside [`Profile::day_anchors`].
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
    /// What the keys allow one by one and yet cannot be.
    fn check(&self, source: &Source) -> Result<()> {
        self.correlation.check(source)?;
        self.day.check(source)?;
        self.week.check(source)
    }
}

impl Correlation {
    fn check(&self, source: &Source) -> Result<()> {
        let Some(matrix) = self.matrix else {
            let fault = "`correlation.repair` has no `correlation.matrix` to repair; give one, or remove `repair`";
            return if self.repair.is_some() { Err(source.contradiction("correlation.repair", fault)) } else { Ok(()) };
        };
        for (name, pair, cell) in [
            ("cpu_memory", self.cpu_memory, matrix[0][1]),
            ("cpu_network", self.cpu_network, matrix[0][3]),
            ("memory_disk_io", self.memory_disk_io, matrix[1][2]),
        ] {
            let key = format!("correlation.{name}");
            if source.gives(&key) && pair != cell {
                let fault = format!("`{key}` is {pair}, but `correlation.matrix` says {cell}; remove one of them");
                return Err(source.contradiction(&key, fault));
            }
        }
        Ok(())
    }
}

impl Day {
    fn check(&self, source: &Source) -> Result<()> {
        if self.anchors.is_some() {
            let replaced =
                ["wave_amplitude_percent", "window_factor", "window_start_hour", "window_end_hour", "centre_hour"];
            for key in replaced.map(|name| format!("day.{name}")) {
                if source.gives(&key) {
                    let fault = format!("`{key}` says nothing beside `day.anchors`; remove one of them");
                    return Err(source.contradiction(&key, fault));
                }
            }
            return Ok(());
        }
        if self.window_start_hour == self.window_end_hour && self.window_factor != 1.0 {
            let fault = format!(
                "`day.window_start_hour` and `day.window_end_hour` are both {}, so the window is empty; 0 and 24 are \
                 the whole day, `window_factor = 1` is no window",
                self.window_end_hour
            );
            return Err(source.contradiction("day.window_end_hour", fault));
        }
        Ok(())
    }
}

impl Week {
    fn check(&self, source: &Source) -> Result<()> {
        let weekdays =
            [self.monday_factor, self.tuesday_factor, self.wednesday_factor, self.thursday_factor, self.friday_factor];
        let mean = weekdays.iter().sum::<f64>() / 5.0;
        if (mean - 1.0).abs() > 1e-6 {
            let allowed = "1, because `base` is the P95 of an ordinary weekday";
            return Err(source.range("week", format!("{mean} on average from Monday to Friday"), allowed));
        }
        Ok(())
    }
}
