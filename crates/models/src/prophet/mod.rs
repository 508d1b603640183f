//! Prophet's model and its own answer: trend with changepoints, Fourier seasons, holidays, regressors.

mod curve;
mod design;
mod features;
mod fit;
mod map;
mod options;
mod search;
mod spread;

pub use fit::{ProphetFit, ProphetPart};
pub use options::{Growth, Holiday, Mode, ProphetOptions, Regressor, RegressorValues, Search, Season, Switch};

use crate::Settings;
use crate::steps::require;
use design::Design;
use fleetcast_core::{Error, Fitted, History, Model, Panel, Result};
use jiff::civil::DateTime;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Observations it takes at least: a line has two ends.
const LEAST_OBSERVATIONS: usize = 2;

/// The additive model of Prophet, fitted to the most probable coefficients.
///
/// The posterior is Prophet's: values in units of the largest one, time in units of the history, 25 possible
/// changes of slope in the first 80 % with a Laplace prior, waves of the year, week and day where its rules
/// look for them. The most probable coefficients are searched for as Prophet does, or exactly
/// ([`Search`]). Intervals are those that its simulated futures have in the limit of many.
///
/// Taylor & Letham (2018), "Forecasting at scale", The American Statistician 72(1), 37-45.
#[derive(Clone, Debug)]
pub struct Prophet {
    name: String,
    settings: Settings,
    options: ProphetOptions,
}

impl Prophet {
    /// The method with Prophet's own defaults; the calendar's events are its holidays.
    pub fn new(settings: &Settings) -> Self {
        Self::with_options("prophet", settings, ProphetOptions::default())
    }

    /// The method with settings of the user's own, under a name for tables.
    pub fn with_options(name: &str, settings: &Settings, options: ProphetOptions) -> Self {
        Self { name: name.to_owned(), settings: settings.clone(), options }
    }

    /// Learns from one series and keeps the concrete type, which can explain itself.
    ///
    /// # Errors
    /// [`Error::TooShort`] below two observations, [`Error::OutOfRange`] for an option that makes no sense,
    /// [`Error::NotForecastable`] when a regressor has no value at an observed step.
    pub fn fit_one(&self, history: &History) -> Result<ProphetFit> {
        let mut fits = self.fit_many(std::slice::from_ref(history));
        fits.pop().expect("one history gives one result")
    }

    /// Learns from many series, one result each, in their order. What depends on times alone is worked out
    /// once for all series that share them.
    pub fn fit_many(&self, histories: &[History]) -> Vec<Result<ProphetFit>> {
        let mut designs: BTreeMap<Key, Result<Arc<Design>>> = BTreeMap::new();
        let keys: Vec<Option<Key>> = histories.iter().map(Key::of).collect();
        for (key, history) in keys.iter().zip(histories) {
            if let Some(key) = key.as_ref().filter(|key| !designs.contains_key(*key)) {
                designs.insert(key.clone(), self.design(history).map(Arc::new));
            }
        }
        keys.par_iter()
            .zip(histories)
            .map(|(key, history)| {
                require(&self.name, history, LEAST_OBSERVATIONS)?;
                let design = key.as_ref().map(|key| designs[key].clone());
                let design = design.expect("a history with two observations has a key")?;
                Ok(ProphetFit::new(history, design, &self.options))
            })
            .collect()
    }

    fn design(&self, history: &History) -> Result<Design> {
        self.check()?;
        let Settings { season_lengths, calendar } = &self.settings;
        Design::new(*history.timeline(), observed(history), season_lengths, &self.options, calendar)
    }

    /// Refuses options that make no sense, the first of them by name.
    fn check(&self) -> Result<()> {
        let options = &self.options;
        let positive = |what: &str, found: f64| {
            if found > 0.0 && found.is_finite() {
                return Ok(());
            }
            Err(refused(what, found, "finite and above 0"))
        };
        positive("changepoint_prior_scale", options.changepoint_prior_scale)?;
        positive("seasonality_prior_scale", options.seasonality_prior_scale)?;
        for season in &options.seasons {
            positive(&format!("prior scale of season {}", season.name), season.prior_scale)?;
            positive(&format!("period of season {}", season.name), season.period_days)?;
        }
        for holiday in &options.holidays {
            positive(&format!("prior scale of holiday {}", holiday.name), holiday.prior_scale)?;
        }
        for regressor in &options.regressors {
            positive(&format!("prior scale of regressor {}", regressor.name), regressor.prior_scale)?;
        }
        if !(options.changepoint_range > 0.0 && options.changepoint_range <= 1.0) {
            return Err(refused("changepoint_range", options.changepoint_range, "above 0 and at most 1"));
        }
        match options.growth {
            Growth::Logistic { cap, floor } if !(cap > floor && cap.is_finite() && floor.is_finite()) => {
                Err(refused("cap of the growth", cap, "finite and above its floor"))
            }
            _ => Ok(()),
        }
    }
}

fn refused(what: &str, found: f64, allowed: &str) -> Error {
    Error::OutOfRange { what: what.to_owned(), found: found.to_string(), allowed: allowed.to_owned() }
}

fn observed(history: &History) -> Vec<usize> {
    history.values().iter().enumerate().filter(|(_, v)| !v.is_nan()).map(|(step, _)| step).collect()
}

/// What a design depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    first: DateTime,
    step_seconds: i64,
    has_calendar: bool,
    first_step: usize,
    last_step: usize,
    gaps: Vec<usize>,
}

impl Key {
    /// `None` below two observations.
    fn of(history: &History) -> Option<Self> {
        let (timeline, values) = (history.timeline(), history.values());
        let first_step = values.iter().position(|v| !v.is_nan())?;
        let last_step = values.iter().rposition(|v| !v.is_nan()).filter(|last| *last > first_step)?;
        Some(Self {
            first: timeline.at(0),
            step_seconds: timeline.step().as_seconds(),
            has_calendar: timeline.has_calendar(),
            first_step,
            last_step,
            gaps: (first_step..last_step).filter(|&step| values[step].is_nan()).collect(),
        })
    }
}

impl Model for Prophet {
    fn name(&self) -> &str {
        &self.name
    }

    /// # Errors
    /// As [`Prophet::fit_one`].
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        Ok(Box::new(self.fit_one(history)?))
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        let boxed = |fit: Result<ProphetFit>| -> Result<Box<dyn Fitted>> { Ok(Box::new(fit?)) };
        self.fit_many(panel.histories()).into_iter().map(boxed).collect()
    }

    fn learns_alone(&self) -> bool {
        true
    }
}
