//! What the methods share: a centre and a spread per step, and what follows from them.

use crate::paths;
use fleetcast_core::{
    Bounds, Dependence, Error, Fitted, Forecast, Future, History, Model, Panel, Paths, Result, SeriesId, Timeline,
    check_quantiles,
};
use fleetcast_numeric::{Stream, normal};
use rayon::prelude::*;

/// Steps ahead at which forecasts of this step are usually judged: how far the boosted trees learn to look, and a
/// block of the calendar ridge where the history is long.
pub(crate) fn usual_horizon(timeline: &Timeline) -> usize {
    match (timeline.step().as_seconds(), timeline.step().per_day()) {
        (86_400, _) => 90,
        (3_600, _) => 48,
        (604_800, _) => 13,
        (_, Some(per_day)) => per_day.max(12),
        _ => 12,
    }
}

/// Where the answers of one fitted series belong.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    id: SeriesId,
    pub(crate) bounds: Option<Bounds>,
}

impl Frame {
    pub(crate) fn of(history: &History) -> Self {
        Self { id: history.id().clone(), bounds: history.bounds() }
    }

    /// Normal marginals around each centre, moved into the bounds.
    pub(crate) fn forecast(&self, steps: &Steps, quantiles: &[f64]) -> Result<Forecast> {
        check_quantiles(quantiles)?;
        let scores: Vec<f64> = quantiles.iter().map(|&q| normal::quantile(q)).collect();
        let values = steps.each().flat_map(|(centre, sd)| scores.iter().map(move |z| centre + z * sd)).collect();
        Ok(Forecast::new(quantiles, steps.centre.clone(), values)?.clamped(self.bounds))
    }

    /// Joint futures with `marginals` on the internal grid; other series draw other ones from the same seed.
    pub(crate) fn paths(&self, marginals: &Forecast, dependence: Dependence, n: usize, seed: u64) -> Result<Paths> {
        let name = self.id.to_string();
        let stream = Stream::new(seed, &["paths", &name]);
        paths::draw_from(marginals, &dependence, self.bounds, n, stream)
    }
}

/// Mean and standard deviation of each step ahead, in the metric's unit.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub(crate) centre: Vec<f64>,
    pub(crate) sd: Vec<f64>,
}

impl Steps {
    fn each(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.centre.iter().copied().zip(self.sd.iter().copied())
    }
}

/// Fails politely when fewer than `needed` steps were observed.
pub(crate) fn require(model: &str, history: &History, needed: usize) -> Result<()> {
    let found = history.n_observed();
    if found < needed {
        return Err(Error::TooShort { model: model.to_owned(), needed, found });
    }
    Ok(())
}

/// Learns from the series of a panel one by one, several of them at once.
pub(crate) fn fit_each(model: &dyn Model, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
    panel.histories().par_iter().map(|history| model.fit(history)).collect()
}

/// The horizon, when it is one.
pub(crate) fn horizon_of(future: &Future) -> Result<usize> {
    if future.horizon > 0 {
        return Ok(future.horizon);
    }
    Err(Error::OutOfRange { what: "horizon".to_owned(), found: "0".to_owned(), allowed: "at least 1".to_owned() })
}

/// Values with each gap filled by the last observed value one or more seasons before it, else by the
/// nearest observed value before it, else by the first observed one.
pub(crate) fn filled(values: &[f64], season_length: usize) -> Vec<f64> {
    let first = values.iter().copied().find(|v| !v.is_nan()).unwrap_or(0.0);
    let mut full: Vec<f64> = Vec::with_capacity(values.len());
    for (t, &value) in values.iter().enumerate() {
        let filler = if t >= season_length { full[t - season_length] } else { full.last().copied().unwrap_or(first) };
        full.push(if value.is_nan() { filler } else { value });
    }
    full
}

/// Root of the mean squared value that is not a gap; 0 when there is none.
pub(crate) fn root_mean_square(residuals: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut n) = (0.0, 0usize);
    for r in residuals.filter(|r| !r.is_nan()) {
        sum += r * r;
        n += 1;
    }
    if n == 0 { 0.0 } else { (sum / n as f64).sqrt() }
}
