//! The theta method: a series with its curvature doubled and its trend halved, smoothed exponentially.

mod dynamic;
mod season;
mod simplex;

use crate::steps::{Frame, Steps, filled, fit_each, horizon_of, require};
use dynamic::{Dynamic, Parameters};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Model, Panel, Paths, Result};
use fleetcast_numeric::math;
use season::Season;

/// Steps of history that are looked at; beyond them the smoothing has long forgotten.
const MOST_STEPS: usize = 4096;

/// The dynamic optimised theta method on a seasonally adjusted series: the same point forecasts as
/// statsforecast's `DynamicOptimizedTheta`.
///
/// A season is taken out when the autocorrelation at its length is significant at 90 %, by classical
/// decomposition, multiplicative for positive series. Level, smoothing and theta minimise the squared
/// one-step errors. The spread grows as the shocks of the model itself add up.
///
/// Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler (2016), "Models for optimising the theta method
/// and their relationship to state space models", IJF 32(4), 1151-1161.
#[derive(Clone, Copy, Debug)]
pub struct Theta {
    /// Steps in the season, at least 1.
    pub season_length: usize,
}

impl Model for Theta {
    fn name(&self) -> &str {
        "theta"
    }

    /// A gap is answered for by the same step of an earlier season.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below four observations.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        require(self.name(), history, 4)?;
        let frame = Frame::of(history);
        let full = filled(history.values(), self.season_length.max(1));
        let values = &full[full.len().saturating_sub(MOST_STEPS)..];
        // In units of a hundredth of its mean size: the search stops at an absolute tolerance.
        let size = values.iter().map(|v| v.abs()).sum::<f64>() / values.len() as f64;
        let is_constant = values.iter().all(|v| *v == values[0]);
        if is_constant || size < f64::MIN_POSITIVE * 1e6 {
            let constant = Constant { value: values[values.len() - 1] };
            return Ok(Box::new(ThetaFit { frame, kind: Kind::Constant(constant) }));
        }
        let unit = size / 100.0;
        let scaled: Vec<f64> = values.iter().map(|v| v / unit).collect();
        let season = Season::of(&scaled, self.season_length);
        let adjusted = season.adjusted(&scaled);
        let dynamic = Dynamic::new(&adjusted, Parameters::optimal(&adjusted));
        Ok(Box::new(ThetaFit { frame, kind: Kind::Theta { unit, season, dynamic } }))
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        fit_each(self, panel)
    }

    fn learns_alone(&self) -> bool {
        true
    }
}

struct Constant {
    value: f64,
}

enum Kind {
    Constant(Constant),
    Theta { unit: f64, season: Season, dynamic: Dynamic },
}

struct ThetaFit {
    frame: Frame,
    kind: Kind,
}

impl ThetaFit {
    fn steps(&self, horizon: usize) -> Steps {
        match &self.kind {
            Kind::Constant(constant) => Steps { centre: vec![constant.value; horizon], sd: vec![0.0; horizon] },
            Kind::Theta { unit, season, dynamic } => {
                let shocks = dynamic.shocks(horizon);
                let mut variance = 0.0;
                let mut steps = Steps { centre: Vec::with_capacity(horizon), sd: Vec::with_capacity(horizon) };
                for (h, value) in dynamic.forecast(horizon).into_iter().enumerate() {
                    variance += shocks[h] * shocks[h];
                    steps.centre.push(unit * season.restored(h, value));
                    steps.sd.push(unit * season.stretch(h) * dynamic.sigma * math::sqrt(variance));
                }
                steps
            }
        }
    }
}

impl Fitted for ThetaFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        self.frame.forecast(&self.steps(horizon_of(future)?), quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &fleetcast_core::QUANTILE_GRID)?;
        // Shocks stay in the level, so that most of an error far ahead is shared by its neighbours.
        self.frame.paths(&marginals, Dependence { level: 0.4, memory_share: 0.4, memory: 0.95 }, n, seed)
    }
}
