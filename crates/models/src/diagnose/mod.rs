//! What a series is like before anybody forecasts it.

mod dependence;
pub(crate) mod strength;
pub(crate) mod unit_root;

use crate::steps::{filled, require};
use fleetcast_core::{History, Result};

/// Observations below which a test says nothing.
const LEAST_OBSERVATIONS: usize = 20;
/// Probability below which a hypothesis is given up.
const SIGNIFICANT: f64 = 0.05;

/// A test of a hypothesis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// The test's statistic, without a unit.
    pub statistic: f64,
    /// How probable a statistic at least as far off is under the hypothesis.
    pub p_value: f64,
    /// Lags that the test looked back over.
    pub lags: usize,
}

impl Test {
    /// Whether the hypothesis is given up at 5 %.
    pub fn is_significant(&self) -> bool {
        self.p_value < SIGNIFICANT
    }
}

/// Tests of one series. A constant series has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diagnosis {
    /// Dickey & Fuller's augmented test: significant where the series returns to its level.
    pub adf: Option<Test>,
    /// Kwiatkowski, Phillips, Schmidt & Shin's test: significant where the level wanders. Its probability is known between 1 % and
    /// 10 %, and stands at these ends beyond them.
    pub kpss: Option<Test>,
    /// Ljung & Box's test: significant where values tell something of later ones.
    pub ljung_box: Option<Test>,
    /// Share of the variance beside the trend that the season explains, from 0 to 1; `None` below two seasons.
    pub seasonal_strength: Option<f64>,
}

impl Diagnosis {
    /// Tests of a series with a season of `season_length` steps; a gap counts as the same step of an earlier season.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below 20 observations.
    pub fn of(history: &History, season_length: usize) -> Result<Self> {
        require("diagnosis", history, LEAST_OBSERVATIONS)?;
        let y = filled(history.values(), season_length.max(1));
        if y.iter().all(|v| *v == y[0]) {
            return Ok(Self { adf: None, kpss: None, ljung_box: None, seasonal_strength: None });
        }
        // In units of its mean size, so that squares neither vanish nor grow without bound.
        let size = y.iter().map(|v| v.abs()).fold(0.0, f64::max);
        let scaled: Vec<f64> = y.iter().map(|v| v / size).collect();
        Ok(Self {
            adf: unit_root::dickey_fuller(&scaled),
            kpss: unit_root::kpss(&scaled),
            ljung_box: dependence::ljung_box(&scaled, season_length),
            seasonal_strength: strength::seasonal_strength(&scaled, season_length),
        })
    }

    /// What the tests say together, in a few words.
    pub fn meaning(&self) -> &'static str {
        let is = |test: Option<Test>| test.is_some_and(|test| test.is_significant());
        match (self.adf.or(self.kpss).or(self.ljung_box).is_none(), is(self.adf), is(self.kpss), is(self.ljung_box)) {
            (true, ..) => "constant",
            (_, _, false, false) => "noise about a level",
            (_, true, false, true) => "returns to its level",
            (_, false, true, _) => "its level wanders",
            (_, true, true, _) => "returns to a level that itself moves",
            (_, false, false, true) => "too little history to tell whether its level wanders",
        }
    }
}
