//! Several seasons taken out one after the other, and what is left smoothed exponentially.

use crate::ets::Smoothed;
use crate::steps::{Frame, Steps, filled, fit_each, horizon_of, require};
use crate::stl;
use fleetcast_core::{
    Dependence, Error, Fitted, Forecast, Future, History, Model, Panel, Paths, QUANTILE_GRID, Result,
};

/// Steps of history that are looked at.
const MOST_STEPS: usize = 8192;
/// Observations below which nothing can be smoothed.
const LEAST_OBSERVATIONS: usize = 7;
/// How often each of several seasons is taken out anew.
const ROUNDS: usize = 2;

/// Seasons by local regression, the rest by exponential smoothing without a season: the same forecasts as
/// statsforecast's `MSTL(season_length, trend_forecaster=AutoETS(model="ZZN"))`.
///
/// A season joins when the history shows it twice. Its last shape is repeated; the spread is that of the rest.
///
/// Bandara, Hyndman & Bergmeir (2021), "MSTL: a seasonal-trend decomposition algorithm for time series with multiple
/// seasonal patterns", arXiv:2107.13462.
#[derive(Clone, Debug)]
pub struct Mstl {
    /// Steps in each season.
    pub season_lengths: Vec<usize>,
}

impl Model for Mstl {
    fn name(&self) -> &str {
        "mstl"
    }

    /// A gap is answered for by the same step of an earlier season.
    ///
    /// # Errors
    /// [`Error::TooShort`] below seven observations, [`Error::NotForecastable`] when the rest has no likelihood.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        require(self.name(), history, LEAST_OBSERVATIONS)?;
        let frame = Frame::of(history);
        let mut lengths: Vec<usize> = self.season_lengths.iter().copied().filter(|&m| m > 1).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let full = filled(history.values(), lengths.first().copied().unwrap_or(1));
        let mut rest = full[full.len().saturating_sub(MOST_STEPS)..].to_vec();
        lengths.retain(|&m| 2 * m <= rest.len());
        // A series that never changes has no seasons but those that rounding makes.
        if rest.iter().all(|v| *v == rest[0]) {
            lengths.clear();
        }
        let seasons = take_out(&mut rest, &lengths);
        let smoothed = Smoothed::new(&rest, 1, true).ok_or_else(|| Error::NotForecastable {
            model: self.name().to_owned(),
            reason: "what is left beside its seasons has no finite likelihood".to_owned(),
        })?;
        let last = |(season, &m): (Vec<f64>, &usize)| season[season.len() - m..].to_vec();
        Ok(Box::new(MstlFit { frame, shapes: seasons.into_iter().zip(&lengths).map(last).collect(), smoothed }))
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        fit_each(self, panel)
    }

    fn learns_alone(&self) -> bool {
        true
    }
}

/// Takes each season out of `rest` in turn; with several, twice, because each hides a part of the others.
fn take_out(rest: &mut [f64], lengths: &[usize]) -> Vec<Vec<f64>> {
    let mut seasons = vec![vec![0.0; rest.len()]; lengths.len()];
    for _ in 0..if lengths.len() > 1 { ROUNDS } else { 1 } {
        for (i, &m) in lengths.iter().enumerate() {
            rest.iter_mut().zip(&seasons[i]).for_each(|(rest, season)| *rest += season);
            // Longer seasons are seen less often: their shape may change more slowly.
            seasons[i] = stl::season(rest, m, 7 + 4 * (i + 1));
            rest.iter_mut().zip(&seasons[i]).for_each(|(rest, season)| *rest -= season);
        }
    }
    seasons
}

struct MstlFit {
    frame: Frame,
    /// The last shape of each season, which is repeated.
    shapes: Vec<Vec<f64>>,
    smoothed: Smoothed,
}

impl Fitted for MstlFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let Steps { mut centre, sd } = self.smoothed.steps(horizon_of(future)?);
        for (h, centre) in centre.iter_mut().enumerate() {
            *centre += self.shapes.iter().map(|shape| shape[h % shape.len()]).sum::<f64>();
        }
        self.frame.forecast(&Steps { centre, sd }, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &QUANTILE_GRID)?;
        // Shocks stay in the level, so that most of an error far ahead is shared by its neighbours.
        self.frame.paths(&marginals, Dependence { level: 0.4, memory_share: 0.4, memory: 0.95 }, n, seed)
    }
}
