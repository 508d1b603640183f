//! The configuration: one TOML file, one struct, unknown keys are errors.

use crate::{Error, Result};
use fleetcast_core::{Bounds, Calendar, HolidaySet, UserEvent};
use fleetcast_plan::what_if::WhatIf;
use fleetcast_plan::{LeadTime, Limits};
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Farthest day that may be asked for.
pub const MAX_HORIZON: usize = 730;
/// Beyond this many days only trend and calendar speak.
pub const DEFENSIBLE_HORIZON: usize = 180;

/// Everything that `run` and its stages can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The lake.
    pub lake: Option<PathBuf>,
    /// Where `run` writes the report.
    pub report: Option<PathBuf>,
    /// Metrics to look at; empty for all.
    pub metrics: Vec<String>,
    /// Seed of joint paths and clustering.
    pub seed: u64,
    /// Calendar of the fleet.
    pub calendar: CalendarConfig,
    /// Forecasts and their backtest.
    pub forecast: ForecastConfig,
    /// Risks and sizes.
    pub plan: PlanConfig,
}

/// Which days are special.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarConfig {
    /// Lists of bank holidays: `us`, `uk`, `target`.
    pub holidays: Vec<String>,
    /// First month of the fiscal year, 1 to 12.
    pub fiscal_year_start: i8,
    /// Days the user knows to be different.
    pub events: Vec<EventConfig>,
}

/// A named run of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventConfig {
    /// Events of one name are taken to have one effect.
    pub name: String,
    /// First day.
    #[serde(deserialize_with = "date")]
    pub start: Date,
    /// Last day.
    #[serde(deserialize_with = "date")]
    pub end: Date,
}

/// A date as TOML writes it, 2024-11-04, with quotes or without.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Date, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Quoted(String),
        Bare(toml::value::Datetime),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Quoted(text) => text,
        Written::Bare(date) => date.to_string(),
    };
    text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is no date; write it as 2024-11-04")))
}

/// How to forecast and how to judge it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForecastConfig {
    /// Days ahead that the backtest scores; `None` chooses 90, or less for short histories.
    pub horizon_days: Option<usize>,
    /// Past cutoffs to forecast from; `None` chooses 4, or fewer for short histories.
    pub windows: Option<usize>,
    /// Steps between two cutoffs; `None` is the horizon.
    pub step: Option<usize>,
    /// Methods.
    pub models: Vec<String>,
    /// Range of values as `[low, high]`; `None` leaves it to the metric.
    pub bounds: Option<[f64; 2]>,
}

/// How to plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanConfig {
    /// Days ahead that risks are planned.
    pub horizon_days: usize,
    /// Thresholds in % of capacity.
    pub thresholds: Vec<f64>,
    /// What a bad day is worth avoiding, in USD.
    pub lambda_usd_per_day: f64,
    /// Bad days that a day counts for that needs all of a machine's memory.
    pub overload_bad_days: f64,
    /// P(some day needs more than all of a smaller machine's memory) that is accepted at any price.
    pub most_overload: f64,
    /// The same for processors.
    pub most_cpu_overload: f64,
    /// Archetypes whose requests must not wait for a processor.
    pub request_archetypes: Vec<String>,
    /// How long new capacity takes.
    pub lead_time: LeadTime,
    /// Prices of instance types; `None` for the built-in ones.
    pub price_book: Option<PathBuf>,
    /// What servers really cost, a FOCUS file; `None` to tell savings at list prices only.
    pub costs: Option<PathBuf>,
    /// Joint paths per series.
    pub n_paths: usize,
    /// What-ifs that were committed to the lake, and so are part of every plan; not a setting.
    #[serde(skip)]
    pub committed: Vec<WhatIf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lake: None,
            report: None,
            metrics: Vec::new(),
            seed: 42,
            calendar: CalendarConfig::default(),
            forecast: ForecastConfig::default(),
            plan: PlanConfig::default(),
        }
    }
}

impl Default for CalendarConfig {
    fn default() -> Self {
        Self { holidays: vec!["us".to_owned()], fiscal_year_start: 1, events: Vec::new() }
    }
}

impl Default for ForecastConfig {
    fn default() -> Self {
        Self { horizon_days: None, windows: None, step: None, models: vec!["auto".to_owned()], bounds: None }
    }
}

impl Default for PlanConfig {
    fn default() -> Self {
        Self {
            horizon_days: 180,
            thresholds: vec![80.0, 90.0],
            lambda_usd_per_day: 50.0,
            overload_bad_days: Limits::default().overload_bad_days,
            most_overload: Limits::default().most_overload,
            most_cpu_overload: Limits::default().most_cpu_overload,
            request_archetypes: Vec::new(),
            lead_time: LeadTime::default(),
            price_book: None,
            costs: None,
            n_paths: 1000,
            committed: Vec::new(),
        }
    }
}

impl Config {
    /// The configuration of a TOML file.
    ///
    /// # Errors
    /// [`Error::Config`] naming the file, the line and the key, or the value out of range.
    pub fn from_file(file: &Path) -> Result<Self> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|source| Error::Io { file: name.clone(), source })?;
        let config: Self = toml::from_str(&text)
            .map_err(|error| Error::Config { file: name, message: error.to_string().trim_end().to_owned() })?;
        config.check()?;
        Ok(config)
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the key, the value and the allowed range.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, found: String, allowed: &str| {
            Err(Error::Setting { key: key.to_owned(), found, allowed: allowed.to_owned() })
        };
        let horizons = [
            ("forecast.horizon_days", self.forecast.horizon_days),
            ("plan.horizon_days", Some(self.plan.horizon_days)),
        ];
        for (key, horizon) in horizons {
            if let Some(days) = horizon.filter(|days| !(1..=MAX_HORIZON).contains(days)) {
                return wrong(key, days.to_string(), "1 to 730 days");
            }
        }
        for (key, count) in [("forecast.windows", self.forecast.windows), ("forecast.step", self.forecast.step)] {
            if count == Some(0) {
                return wrong(key, "0".to_owned(), "at least 1");
            }
        }
        if self.plan.thresholds.is_empty() {
            return wrong("plan.thresholds", "an empty list".to_owned(), "at least one threshold, such as [80, 90]");
        }
        for threshold in &self.plan.thresholds {
            // Written so that NaN fails as well.
            if !(*threshold > 0.0 && *threshold <= 100.0) {
                return wrong("plan.thresholds", threshold.to_string(), "above 0 and at most 100 % of capacity");
            }
        }
        if !(self.plan.lambda_usd_per_day >= 0.0 && self.plan.lambda_usd_per_day.is_finite()) {
            return wrong("plan.lambda_usd_per_day", self.plan.lambda_usd_per_day.to_string(), "0 or more USD");
        }
        for (key, p) in [("most_overload", self.plan.most_overload), ("most_cpu_overload", self.plan.most_cpu_overload)]
        {
            if !(0.0..=1.0).contains(&p) {
                return wrong(&format!("plan.{key}"), p.to_string(), "a probability from 0 to 1");
            }
        }
        let overload = self.plan.overload_bad_days;
        if !(overload >= 1.0 && overload.is_finite()) {
            return wrong("plan.overload_bad_days", overload.to_string(), "1 or more bad days");
        }
        if !(100..=100_000).contains(&self.plan.n_paths) {
            return wrong("plan.n_paths", self.plan.n_paths.to_string(), "100 to 100000");
        }
        if let Some([low, high]) =
            self.forecast.bounds.filter(|[low, high]| !low.partial_cmp(high).is_some_and(Ordering::is_lt))
        {
            return wrong("forecast.bounds", format!("[{low}, {high}]"), "[low, high] with low below high");
        }
        self.plan.lead_time.check()?;
        self.calendar().map(|_| ())
    }

    /// The calendar it describes.
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown holiday list, a month that is none, an event that ends before it starts.
    pub fn calendar(&self) -> Result<Arc<Calendar>> {
        let sets: Vec<HolidaySet> =
            self.calendar.holidays.iter().map(|name| HolidaySet::named(name)).collect::<std::result::Result<_, _>>()?;
        let event = |event: &EventConfig| UserEvent { name: event.name.clone(), start: event.start, end: event.end };
        let events = self.calendar.events.iter().map(event).collect();
        Ok(Arc::new(Calendar::new(self.calendar.fiscal_year_start, &sets, events)?))
    }

    /// The range that the user gave, for every series.
    pub fn bounds(&self) -> Option<Bounds> {
        self.forecast.bounds.map(|[low, high]| Bounds { low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_and_values_out_of_range_are_named() {
        let misspelt = toml::from_str::<Config>("[plan]\nlamda_usd_per_day = 3").unwrap_err().to_string();
        assert!(misspelt.contains("lamda_usd_per_day") && misspelt.contains("lambda_usd_per_day"), "{misspelt}");
        for (text, key) in [
            ("[plan]\nthresholds = [120]", "plan.thresholds"),
            ("[plan]\nthresholds = []", "plan.thresholds"),
            ("[plan]\nhorizon_days = 0", "plan.horizon_days"),
            ("[forecast]\nhorizon_days = 731", "forecast.horizon_days"),
            ("[forecast]\nbounds = [5, 5]", "forecast.bounds"),
            ("[plan]\nlambda_usd_per_day = -1", "plan.lambda_usd_per_day"),
            ("[plan]\nmost_cpu_overload = 1.1", "plan.most_cpu_overload"),
            ("[plan]\noverload_bad_days = 0.5", "plan.overload_bad_days"),
            ("[plan.lead_time]\ndays = 731", "lead_time.days"),
            ("[calendar]\nfiscal_year_start = 13", "fiscal_year_start"),
            ("[calendar]\nholidays = [\"fr\"]", "holidays"),
        ] {
            let config: Config = toml::from_str(text).unwrap();
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains(key), "{text}: {message}");
        }
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn dates_are_read_with_quotes_and_without() {
        let text = "[[calendar.events]]\nname = \"audit\"\nstart = 2024-11-04\nend = \"2024-11-08\"";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.calendar.events[0].start.to_string(), "2024-11-04");
        assert_eq!(config.calendar().unwrap().events()[0].end.to_string(), "2024-11-08");
        let wrong = text.replace("2024-11-08", "soon");
        let message = toml::from_str::<Config>(&wrong).unwrap_err().to_string();
        assert!(message.contains("`soon` is no date"), "{message}");
    }
}
