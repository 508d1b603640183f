//! The metrics of a server together: what one does tells of the others.

mod regression;

use crate::Settings;
use crate::steps::{Frame, Steps, filled, horizon_of, require};
use crate::stl;
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Model, Panel, Paths, QUANTILE_GRID, Result};
use fleetcast_numeric::math;
use jiff::civil::DateTime;
use rayon::prelude::*;
use regression::Regression;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Observations below which nothing is learned.
const LEAST_OBSERVATIONS: usize = 14;
/// Steps of history that are looked at.
const MOST_STEPS: usize = 4096;
/// Metrics of one system, the first in the order of the panel; others have systems of their own.
const MOST_METRICS: usize = 8;
/// Most lags, and the rows for each regressor below which there are fewer.
const MOST_LAGS: usize = 14;
const ROWS_OF_A_REGRESSOR: usize = 3;
/// Seasons whose local mean is the shape of one.
const SEASON_WINDOW: usize = 11;
/// Change, in shares of the mean, that is no more than rounding.
const ROUNDING: f64 = 1e-9;

/// Vector autoregression of the metrics of a server, each less its season: lags by the criterion of Schwarz, coefficients by least
/// squares, the same as statsmodels' `VAR(y).fit(VAR(y).select_order(most).bic)`. A server with one metric has an autoregression.
///
/// The season is taken out by local regression and its last shape repeated. Metrics that begin at different times are
/// looked at from when all are there; one with less than half of the longest history, or one that ends at another time, is
/// forecast by itself. A system that would grow for ever is made to die away slowly.
///
/// Lütkepohl (2005), "New introduction to multiple time series analysis", chapters 2 to 4; Sims (1980), "Macroeconomics and
/// reality", Econometrica 48(1), 1-48.
#[derive(Clone, Copy, Debug)]
pub struct Var {
    /// Steps in the season, at least 1.
    pub season_length: usize,
}

impl Var {
    /// The method with the shortest season of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self { season_length: settings.season_length() }
    }

    /// Learns from metrics of one server that end at the same time.
    fn fit_together(&self, histories: &[&History]) -> Vec<Box<dyn Fitted>> {
        let n = histories.iter().map(|history| history.len()).min().unwrap_or(0).min(MOST_STEPS);
        let parts: Vec<Part> = histories.iter().map(|history| Part::new(history, n, self.season_length)).collect();
        let moving: Vec<usize> = (0..parts.len()).filter(|&at| parts[at].unit > 0.0).collect();
        let series: Vec<Vec<f64>> = moving.iter().map(|&at| parts[at].rest.clone()).collect();
        let system = Arc::new(System::new(series));
        let fit = |(at, (history, part)): (usize, (&&History, Part))| -> Box<dyn Fitted> {
            let (frame, place) = (Frame::of(history), moving.iter().position(|&moving| moving == at));
            let Part { level, unit, shape, .. } = part;
            Box::new(VarFit { frame, level, unit, shape, place, system: Arc::clone(&system) })
        };
        histories.iter().zip(parts).enumerate().map(fit).collect()
    }
}

impl Model for Var {
    fn name(&self) -> &str {
        "var"
    }

    /// A gap is answered for by the same step of an earlier season.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below 14 observations.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        require(self.name(), history, LEAST_OBSERVATIONS)?;
        Ok(self.fit_together(&[history]).pop().expect("one history gives one fit"))
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        let histories = panel.histories();
        let mut fits: Vec<Result<Box<dyn Fitted>>> = Vec::with_capacity(histories.len());
        let groups = groups(histories);
        let mut places: Vec<(usize, Box<dyn Fitted>)> = groups
            .par_iter()
            .flat_map_iter(|group| {
                let together: Vec<&History> = group.iter().map(|&at| &histories[at]).collect();
                group.iter().copied().zip(self.fit_together(&together)).collect::<Vec<_>>()
            })
            .collect();
        places.sort_unstable_by_key(|(at, _)| *at);
        let mut places = places.into_iter().peekable();
        for (at, history) in histories.iter().enumerate() {
            let fit = places.next_if(|(place, _)| *place == at);
            fits.push(match fit {
                Some((_, fit)) => Ok(fit),
                None => self.fit(history),
            });
        }
        fits
    }
}

/// Places of the histories that are looked at together; those too short for anything are in no group.
fn groups(histories: &[History]) -> Vec<Vec<usize>> {
    let mut servers: BTreeMap<(&str, DateTime, i64), Vec<usize>> = BTreeMap::new();
    for (at, history) in histories.iter().enumerate() {
        if history.n_observed() >= LEAST_OBSERVATIONS {
            let step = history.timeline().step().as_seconds();
            servers.entry((&history.id().server_id, history.cutoff(), step)).or_default().push(at);
        }
    }
    let mut groups = Vec::new();
    for places in servers.into_values() {
        let longest = places.iter().map(|&at| histories[at].len()).max().unwrap_or(0);
        let (long, short): (Vec<usize>, Vec<usize>) =
            places.iter().partition(|&&at| 2 * histories[at].len() >= longest);
        groups.extend(long.chunks(MOST_METRICS).map(<[usize]>::to_vec));
        groups.extend(short.into_iter().map(|at| vec![at]));
    }
    groups
}

/// One series: its level, its unit (0 where it never changes), its season's last shape, and what is left in that unit.
struct Part {
    level: f64,
    unit: f64,
    shape: Vec<f64>,
    rest: Vec<f64>,
}

impl Part {
    /// The last `n` steps of `history`.
    fn new(history: &History, n: usize, season_length: usize) -> Self {
        let mut rest = filled(history.suffix(n).values(), season_length.max(1));
        let last = rest[rest.len() - 1];
        let is_constant = rest.iter().all(|value| *value == last);
        let mut shape = vec![0.0];
        if season_length > 1 && rest.len() >= 2 * season_length && !is_constant {
            let season = stl::season(&rest, season_length, SEASON_WINDOW);
            rest.iter_mut().zip(&season).for_each(|(rest, season)| *rest -= season);
            shape = season[season.len() - season_length..].to_vec();
        }
        let level = if is_constant { last } else { math::mean(&rest).unwrap_or(last) };
        let spread = math::standard_deviation(&rest).unwrap_or(0.0);
        let size = level.abs() + shape.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
        let unit = if !is_constant && spread > ROUNDING * size { spread } else { 0.0 };
        rest.iter_mut().for_each(|value| *value = if unit > 0.0 { (*value - level) / unit } else { 0.0 });
        Self { level, unit, shape, rest }
    }
}

/// Series in units of their own spread, and how they lead to each other.
struct System {
    /// The last values, as many as there are lags; `None` of a regression where there is nothing to learn.
    last: Vec<Vec<f64>>,
    regression: Option<Regression>,
}

impl System {
    fn new(series: Vec<Vec<f64>>) -> Self {
        let Some(n) = series.first().map(Vec::len) else { return Self { last: series, regression: None } };
        let has_rows = |order: usize| n.saturating_sub(order) >= ROWS_OF_A_REGRESSOR * (1 + series.len() * order);
        let most = (0..=MOST_LAGS).rev().find(|&order| has_rows(order)).unwrap_or(0);
        let order = regression::order(&series, most);
        let regression = Regression::new(&series, order).map(Regression::stable);
        let last = series.iter().map(|values| values[n - order..].to_vec()).collect();
        Self { last, regression }
    }

    /// Mean and standard deviation of the series at `place`, in its unit; without a regression its level and spread.
    fn steps(&self, place: usize, horizon: usize) -> Vec<(f64, f64)> {
        let Some(regression) = &self.regression else { return vec![(0.0, 1.0); horizon] };
        let (centre, variance) = regression.ahead(&self.last, horizon);
        let step = |(centre, variance): (Vec<f64>, Vec<f64>)| (centre[place], math::sqrt(variance[place]));
        centre.into_iter().zip(variance).map(step).collect()
    }
}

struct VarFit {
    frame: Frame,
    level: f64,
    unit: f64,
    /// The last shape of the season, which is repeated.
    shape: Vec<f64>,
    /// Its place among the series that change; `None` where it is none of them.
    place: Option<usize>,
    system: Arc<System>,
}

impl Fitted for VarFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let horizon = horizon_of(future)?;
        let steps = self.place.map_or_else(|| vec![(0.0, 0.0); horizon], |place| self.system.steps(place, horizon));
        let centre = steps.iter().enumerate();
        let centre = centre.map(|(h, (z, _))| self.level + self.shape[h % self.shape.len()] + self.unit * z).collect();
        let sd = steps.iter().map(|(_, sd)| self.unit * sd).collect();
        self.frame.forecast(&Steps { centre, sd }, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &QUANTILE_GRID)?;
        self.frame.paths(&marginals, Dependence { level: 0.2, memory_share: 0.6, memory: 0.9 }, n, seed)
    }
}
