//! Small models for tests: just enough to know what must come out.

use fleetcast_core::{
    Bounds, Dependence, Fitted, Forecast, Future, History, Metric, Model, Panel, Paths, Result, SeriesId, Timeline,
};
use fleetcast_numeric::{math, normal};
use jiff::civil::date;
use std::sync::Arc;

/// Repeats the last season, or adds something to it.
pub(crate) struct Repeat {
    pub(crate) name: &'static str,
    pub(crate) season_length: usize,
    pub(crate) drift: f64,
}

impl Repeat {
    pub(crate) fn guard() -> Self {
        Self { name: "seasonal-naive", season_length: 7, drift: 0.0 }
    }
}

impl Model for Repeat {
    fn name(&self) -> &str {
        self.name
    }

    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        let (needed, found) = (self.season_length, history.n_observed());
        if found < needed {
            return Err(fleetcast_core::Error::TooShort { model: self.name.to_owned(), needed, found });
        }
        let values = history.values();
        let mut season: Vec<f64> = values[values.len() - needed..].to_vec();
        let middle = math::mean(values).unwrap_or(0.0);
        season.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = middle);
        Ok(Box::new(Repeated { season, drift: self.drift }))
    }
}

struct Repeated {
    season: Vec<f64>,
    drift: f64,
}

impl Fitted for Repeated {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let point = |step: usize| self.season[step % self.season.len()] + self.drift * (step + 1) as f64;
        let points: Vec<f64> = (0..future.horizon).map(point).collect();
        let values = points.iter().flat_map(|p| quantiles.iter().map(move |&q| p + normal::quantile(q)));
        Forecast::new(quantiles, points.clone(), values.collect())
    }

    fn paths(&self, future: &Future, n: usize, _: u64) -> Result<Paths> {
        let point = self.predict(future, &[])?;
        Paths::new(future.horizon, point.point().repeat(n))
    }
}

/// Draws nothing: every path is the median.
pub(crate) fn no_paths(marginals: &Forecast, _: &Dependence, _: Option<Bounds>, n: usize, _: u64) -> Result<Paths> {
    Paths::new(marginals.horizon(), marginals.point().repeat(n))
}

/// A panel of daily series without unit, named `s000`, `s001`, ...
pub(crate) fn panel(series: Vec<Vec<f64>>) -> Panel {
    let metric = Arc::new(Metric::named(""));
    let histories = series.into_iter().enumerate().map(|(at, values)| {
        let id = SeriesId::new(&format!("s{at:03}"), "");
        History::new(id, Arc::clone(&metric), Timeline::daily(date(2022, 1, 1)), values).unwrap()
    });
    Panel::new(Vec::new(), histories.collect()).unwrap()
}
