//! What a user may ask of the method; the defaults are Prophet's own.

use fleetcast_core::Step;
use jiff::civil::{Date, DateTime};

/// Shape of the trend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Growth {
    /// Straight pieces.
    Linear,
    /// Saturating pieces between `floor` and `cap`, both in the metric's unit.
    Logistic {
        /// What the trend grows towards.
        cap: f64,
        /// What it shrinks towards.
        floor: f64,
    },
    /// One level.
    Flat,
}

/// How an effect joins the trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is added.
    Additive,
    /// The trend is multiplied by one plus the effect.
    Multiplicative,
}

/// How the most probable coefficients are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// By the steps that Prophet takes, to where it ends, a little before the top: the forecasts of Prophet. From 100
    /// observations on; Prophet itself goes to the top with fewer, and so does this. Saturating growth and
    /// multiplied effects go to the top as well.
    AsProphet,
    /// To the top: a better fit by Prophet's own measure, and a faster one, but another one than Prophet's where the
    /// series does not say where its slope changed.
    Exact,
}

/// Whether a usual season is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// When the history is long and fine enough: two years for the year, two weeks of steps below a week for
    /// the week, two days of steps below a day for the day.
    Auto,
    /// Always, with this many waves.
    Waves(usize),
    /// Never.
    Off,
}

/// A season of the user's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Season {
    /// Its name in explanations.
    pub name: String,
    /// Its length in days.
    pub period_days: f64,
    /// Waves it is made of, at least 1.
    pub waves: usize,
    /// Standard deviation of the prior of each coefficient.
    pub prior_scale: f64,
    /// How it joins the trend.
    pub mode: Mode,
}

/// Days of one name, which have one effect per day of their window.
#[derive(Clone, Debug, PartialEq)]
pub struct Holiday {
    /// Its name.
    pub name: String,
    /// The days themselves.
    pub dates: Vec<Date>,
    /// Days before it that also have an effect.
    pub days_before: u32,
    /// Days after it that also have an effect.
    pub days_after: u32,
    /// Standard deviation of the prior of each effect.
    pub prior_scale: f64,
}

impl Holiday {
    /// Days without a window, with the usual prior.
    pub fn new(name: &str, dates: Vec<Date>) -> Self {
        Self { name: name.to_owned(), dates, days_before: 0, days_after: 0, prior_scale: 10.0 }
    }
}

/// Values of a regressor, before and after the cutoff.
#[derive(Clone, Debug, PartialEq)]
pub enum RegressorValues {
    /// Rises from 0 to 1 over the days before a quarter end, and is 0 otherwise.
    QuarterEndRamp {
        /// Length of the rise.
        days: f64,
    },
    /// Values on a grid of their own; a step that is asked for must be on it.
    Grid {
        /// Time of the first.
        first: DateTime,
        /// Distance between two of them.
        step: Step,
        /// The values.
        values: Vec<f64>,
    },
}

/// A quantity that explains the series and is known in the future too.
#[derive(Clone, Debug, PartialEq)]
pub struct Regressor {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: RegressorValues,
    /// Standard deviation of the prior of its coefficient.
    pub prior_scale: f64,
    /// Whether it is brought to mean 0 and deviation 1 of the history; `None` does so unless it is 0 and 1 only.
    pub standardise: Option<bool>,
    /// How it joins the trend.
    pub mode: Mode,
}

/// Settings of [`super::Prophet`]; `default()` is Prophet's.
#[derive(Clone, Debug, PartialEq)]
pub struct ProphetOptions {
    /// Shape of the trend.
    pub growth: Growth,
    /// Places where the slope may change.
    pub n_changepoints: usize,
    /// Share of the history, from its start, in which they lie, in (0, 1].
    pub changepoint_range: f64,
    /// Scale of the Laplace prior of a change, in the largest value per length of the history.
    pub changepoint_prior_scale: f64,
    /// Season of the year, 10 waves on auto.
    pub yearly: Switch,
    /// Season of the week, 3 waves on auto.
    pub weekly: Switch,
    /// Season of the day, 4 waves on auto.
    pub daily: Switch,
    /// Standard deviation of the prior of the usual seasons' coefficients.
    pub seasonality_prior_scale: f64,
    /// How the usual seasons and the holidays join the trend.
    pub seasonality_mode: Mode,
    /// Further seasons.
    pub seasons: Vec<Season>,
    /// Holidays; the calendar's events are always added to them.
    pub holidays: Vec<Holiday>,
    /// Regressors.
    pub regressors: Vec<Regressor>,
    /// How the coefficients are found.
    pub search: Search,
}

impl Default for ProphetOptions {
    fn default() -> Self {
        Self {
            growth: Growth::Linear,
            n_changepoints: 25,
            changepoint_range: 0.8,
            changepoint_prior_scale: 0.05,
            yearly: Switch::Auto,
            weekly: Switch::Auto,
            daily: Switch::Auto,
            seasonality_prior_scale: 10.0,
            seasonality_mode: Mode::Additive,
            seasons: Vec::new(),
            holidays: Vec::new(),
            regressors: Vec::new(),
            search: Search::AsProphet,
        }
    }
}

impl ProphetOptions {
    /// The usual season of the week and two ramps, over four and nine days, towards each quarter end: what
    /// somebody does who knows that a business closes its books.
    pub fn with_quarter_ends() -> Self {
        let ramp = |days: u32| Regressor {
            name: format!("quarter-end-{days}"),
            values: RegressorValues::QuarterEndRamp { days: f64::from(days) },
            prior_scale: 10.0,
            standardise: None,
            mode: Mode::Additive,
        };
        Self { weekly: Switch::Waves(3), regressors: vec![ramp(4), ramp(9)], ..Self::default() }
    }
}
