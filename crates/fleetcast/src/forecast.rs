//! Forecasts of every series: calibrated quantiles, the expected path, and how errors hang together.

use crate::line_up::{AUTO, LineUp};
use crate::{Context, Result};
use fleetcast_backtest::{AutoForecast, Runs};
use fleetcast_core::{
    Bounds, Dependence, Forecast, Future, History, Model, Panel, Paths, QUANTILE_GRID, SeriesId, Shared, Timeline,
};
use fleetcast_models::paths::{Common, CommonErrors, draw_together};
use fleetcast_numeric::stream::stable_hash;
use jiff::civil::{Date, DateTime};
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Days the expected path covers at least: a year, so that every season of the calendar is seen once.
pub const EXPECTED_DAYS: usize = 365;

/// Quantiles on the internal grid, as far as risks are planned.
#[derive(Clone, Debug)]
pub enum Marginals {
    /// As they are.
    Made(Forecast),
    /// What they are made of whenever they are asked for, which takes a twentieth of their memory.
    Combined {
        /// What `auto` says.
        forecast: AutoForecast,
        /// Steps they reach.
        horizon: usize,
    },
}

/// The forecast of one series by one method.
#[derive(Clone, Debug)]
pub struct SeriesForecast {
    /// The series.
    pub id: SeriesId,
    /// The method.
    pub model: Arc<str>,
    /// Last time the method has seen.
    pub last_seen: DateTime,
    /// Times of the series.
    pub timeline: Timeline,
    /// Steps of the series up to the cutoff.
    pub n_seen: usize,
    /// Quantiles of the steps ahead.
    pub marginals: Marginals,
    /// Expected values, at least as far as `marginals`.
    pub expected: Vec<f64>,
    /// How errors hang together over the steps.
    pub dependence: Dependence,
    /// What errors share with those of the servers of the same pool.
    pub shared: Shared,
    /// Range of the values.
    pub bounds: Option<Bounds>,
    /// Key of the random stream of its paths.
    pub stream_key: u64,
    /// Key of the random stream that the servers of its pool have in common in this metric; `None` without a pool.
    pub pool_key: Option<u64>,
    /// Share of each member.
    pub weights: Vec<(Arc<str>, f64)>,
    /// What a reader should know of it.
    pub notes: Vec<String>,
}

impl SeriesForecast {
    /// Last date the method has seen.
    pub fn cutoff(&self) -> Date {
        self.last_seen.date()
    }

    /// Time of a step; step 0 is the first after the cutoff.
    pub fn time(&self, step: usize) -> DateTime {
        self.timeline.at(self.n_seen + step)
    }

    /// Date of a step; step 0 is the first after the cutoff.
    pub fn date(&self, step: usize) -> Date {
        self.time(step).date()
    }

    /// Steps with quantiles.
    pub fn horizon(&self) -> usize {
        match &self.marginals {
            Marginals::Made(forecast) => forecast.horizon(),
            Marginals::Combined { horizon, .. } => *horizon,
        }
    }

    /// Its quantiles on the internal grid.
    ///
    /// # Errors
    /// None in practice: they were made once when the series was forecast.
    pub fn quantiles(&self) -> Result<Cow<'_, Forecast>> {
        Ok(match &self.marginals {
            Marginals::Made(forecast) => Cow::Borrowed(forecast),
            Marginals::Combined { forecast, horizon } => Cow::Owned(forecast.forecast(*horizon, &QUANTILE_GRID)?),
        })
    }

    /// Draws `n` joint futures as far as the marginals reach; path `i` of all servers of a pool is one future.
    ///
    /// # Errors
    /// When `n` is zero.
    pub fn paths(&self, n: usize) -> Result<Paths> {
        self.paths_among(&InCommon::draw([self], n))
    }

    /// The same, as many as `common` was drawn for: whoever asks for several servers of a pool draws that once.
    ///
    /// # Errors
    /// When none are asked for.
    pub fn paths_among(&self, common: &InCommon) -> Result<Paths> {
        let n = common.n_paths;
        let Some(key) = self.common_key() else { return self.paths_apart(n) };
        let (marginals, drawn) = (self.quantiles()?, common.by_key.get(&key));
        let own;
        let errors = match drawn.filter(|errors| errors.horizon() >= marginals.horizon()) {
            Some(errors) => errors,
            None => {
                own = CommonErrors::draw(n, marginals.horizon(), key);
                &own
            }
        };
        let common = Common { shared: self.shared, errors };
        Ok(draw_together(&marginals, &self.dependence, self.bounds, n, self.stream_key, common)?)
    }

    /// Key of the stream of what it has in common with its pool; `None` where that is nothing.
    fn common_key(&self) -> Option<u64> {
        self.pool_key.filter(|_| self.shared != Shared::NONE)
    }

    /// The same, as if its pool had nothing in common.
    ///
    /// # Errors
    /// When `n` is zero.
    pub fn paths_apart(&self, n: usize) -> Result<Paths> {
        let marginals = self.quantiles()?;
        Ok(fleetcast_models::paths::draw(&marginals, &self.dependence, self.bounds, n, self.stream_key)?)
    }
}

/// What series have in common with the other servers of their pools, drawn once for all of them.
#[derive(Clone, Debug)]
pub struct InCommon {
    n_paths: usize,
    by_key: BTreeMap<u64, CommonErrors>,
}

impl InCommon {
    /// Draws it for `n_paths` joint futures of these series.
    pub fn draw<'a>(series: impl IntoIterator<Item = &'a SeriesForecast>, n_paths: usize) -> Self {
        let mut horizons: BTreeMap<u64, usize> = BTreeMap::new();
        for one in series {
            if let Some(key) = one.common_key() {
                let horizon = horizons.entry(key).or_default();
                *horizon = one.horizon().max(*horizon);
            }
        }
        let draw = |(key, horizon)| (key, CommonErrors::draw(n_paths, horizon, key));
        Self { n_paths, by_key: horizons.into_iter().map(draw).collect() }
    }
}

/// A series that could not be forecast, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The series.
    pub id: SeriesId,
    /// The reason, in a phrase.
    pub reason: String,
}

/// What the forecasting stage gives.
#[derive(Clone, Debug, Default)]
pub struct Forecasts {
    /// Forecasts by series and, where several methods were asked for, by method.
    pub series: Vec<SeriesForecast>,
    /// Series without one.
    pub refusals: Vec<Refusal>,
    /// What a reader should know of the whole.
    pub notes: Vec<String>,
}

/// How far ahead a forecast looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Steps with quantiles.
    pub horizon: usize,
    /// Steps with an expected value; at least `horizon`.
    pub expected: usize,
}

/// Forecasts every series by `auto`, from the member forecasts that `runs` already keeps.
///
/// # Errors
/// When the horizons of `runs` and `auto` differ.
pub fn forecast_auto(runs: Runs, line_up: &LineUp, reach: Reach, seed: u64, context: &Context) -> Result<Forecasts> {
    let Some(auto) = &line_up.auto else { return Ok(Forecasts::default()) };
    let panel = runs.panel();
    context.progress.begin("combining and calibrating", 0);
    let fleet = auto.forecast_fleet(runs, reach.expected)?;
    context.progress.begin("forecasting", panel.histories().len());
    let notes = fleet.notes().to_vec();
    let made = panel.histories().par_iter().zip(fleet.into_series()).map(|(history, forecast)| {
        context.progress.advance(1);
        let forecast = forecast.and_then(|forecast| of_auto(panel, history, forecast, reach, seed));
        forecast.map_err(|error| Refusal { id: history.id().clone(), reason: error.to_string() })
    });
    Ok(gathered(made.collect(), notes))
}

fn of_auto(
    panel: &Panel,
    history: &History,
    forecast: AutoForecast,
    reach: Reach,
    seed: u64,
) -> fleetcast_core::Result<SeriesForecast> {
    // Made once here, so that whoever asks for them later can rely on them.
    forecast.forecast(reach.horizon, &QUANTILE_GRID)?;
    Ok(SeriesForecast {
        expected: forecast.forecast(reach.expected, &[])?.point().to_vec(),
        dependence: forecast.dependence(),
        shared: forecast.shared(),
        weights: forecast.weights().iter().map(|w| (w.model.clone(), w.weight)).collect(),
        notes: forecast.notes().to_vec(),
        marginals: Marginals::Combined { forecast, horizon: reach.horizon },
        ..blank(panel, history, AUTO, seed)
    })
}

/// Forecasts every series by each method that was asked for.
///
/// # Errors
/// As [`forecast_auto`].
pub fn forecast_all(
    runs: Runs,
    line_up: &LineUp,
    asked: &[String],
    reach: Reach,
    seed: u64,
    context: &Context,
) -> Result<Forecasts> {
    let panel = runs.panel();
    let mut forecasts = forecast_auto(runs, line_up, reach, seed, context)?;
    // The baseline is always in the line-up, to be compared with; it is forecast only when asked for.
    for model in line_up.others.iter().filter(|model| asked.iter().any(|name| name == model.name())) {
        let single = forecast_single(panel, model.as_ref(), reach, seed);
        forecasts.series.extend(single.series);
        forecasts.refusals.extend(single.refusals);
    }
    Ok(forecasts)
}

/// Forecasts every series by one method alone.
fn forecast_single(panel: &Panel, model: &dyn Model, reach: Reach, seed: u64) -> Forecasts {
    let fits = model.fit_panel(panel);
    let made = panel.histories().par_iter().zip(fits).map(|(history, fitted)| {
        let forecast = fitted.and_then(|fitted| {
            let far = fitted.predict(&Future { horizon: reach.expected }, &[])?;
            Ok(SeriesForecast {
                marginals: Marginals::Made(fitted.predict(&Future { horizon: reach.horizon }, &QUANTILE_GRID)?),
                expected: far.point().to_vec(),
                weights: vec![(model.name().into(), 1.0)],
                ..blank(panel, history, model.name(), seed)
            })
        });
        forecast.map_err(|error| Refusal { id: history.id().clone(), reason: error.to_string() })
    });
    gathered(made.collect(), Vec::new())
}

/// The parts that do not depend on the method.
fn blank(panel: &Panel, history: &History, model: &str, seed: u64) -> SeriesForecast {
    let id = history.id();
    let pool = panel.server(&id.server_id).and_then(|server| server.pool.as_deref());
    SeriesForecast {
        id: id.clone(),
        model: model.into(),
        last_seen: history.cutoff(),
        timeline: *history.timeline(),
        n_seen: history.len(),
        // Every caller fills these two in.
        marginals: Marginals::Made(
            Forecast::new(&[], Vec::new(), Vec::new()).expect("a forecast of no step breaks no rule"),
        ),
        expected: Vec::new(),
        dependence: Dependence::NONE,
        shared: Shared::NONE,
        bounds: history.bounds(),
        // Metrics of a server are drawn apart: their errors are then taken to be independent.
        stream_key: stable_hash(format!("{seed}/{id}").as_bytes()),
        pool_key: pool.map(|pool| stable_hash(format!("{seed}/pool/{pool}/{}", id.metric).as_bytes())),
        weights: Vec::new(),
        notes: Vec::new(),
    }
}

fn gathered(made: Vec<std::result::Result<SeriesForecast, Refusal>>, notes: Vec<String>) -> Forecasts {
    let mut forecasts = Forecasts { notes, ..Forecasts::default() };
    for result in made {
        match result {
            Ok(forecast) => forecasts.series.push(forecast),
            Err(refusal) => forecasts.refusals.push(refusal),
        }
    }
    forecasts
}
