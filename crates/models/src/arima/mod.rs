//! Autoregressive integrated moving averages, by steps and by seasons, with the best orders.

mod bracket;
mod conditional;
mod descent;
mod differences;
mod filter;
mod fit;
mod likelihood;
mod order;
mod search;
mod stationary;
mod wolfe;

use crate::steps::{Frame, Steps, filled, fit_each, horizon_of, require};
use differences::{Differenced, is_constant};
pub use fit::Estimates;
use fit::{Fit, Series};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Model, Panel, Paths, QUANTILE_GRID, Result};
use fleetcast_numeric::math;
use likelihood::Exact;
use order::{Coefficients, Written};

/// Steps of history that are looked at.
const MOST_STEPS: usize = 4096;
/// Observations below which there is nothing to learn.
const LEAST_OBSERVATIONS: usize = 4;

/// Automatic seasonal ARIMA after statsforecast's `AutoARIMA(season_length)`.
///
/// The season is differenced where it is strong, the rest until its level stops wandering; the orders are walked to by AICc;
/// how coefficients are found is [`Estimates`]. The spread is that of the model's own weights on past errors.
///
/// Hyndman & Khandakar (2008), "Automatic time series forecasting: the forecast package for R", Journal of Statistical
/// Software 27(3).
#[derive(Clone, Copy, Debug)]
pub struct Arima {
    /// Steps in the season, at least 1.
    pub season_length: usize,
    /// How coefficients are found where the series was differenced; else by their likelihood.
    pub estimates: Estimates,
}

impl Arima {
    /// The fit of one series, with what it chose.
    ///
    /// A gap is answered for by the same step of an earlier season.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below four observations.
    pub fn fit_one(&self, history: &History) -> Result<ArimaFit> {
        require(self.name(), history, LEAST_OBSERVATIONS)?;
        let m = self.season_length.max(1);
        let full = filled(history.values(), m);
        let values = &full[full.len().saturating_sub(MOST_STEPS)..];
        // In units of a hundredth of its mean size: the searches take absolute steps.
        let size = values.iter().map(|v| v.abs()).sum::<f64>() / values.len() as f64;
        let frame = Frame::of(history);
        if is_constant(values) || size < f64::MIN_POSITIVE * 1e6 {
            return Ok(ArimaFit { frame, kind: Kind::Constant(values[values.len() - 1]) });
        }
        let unit = size / 100.0;
        let scaled: Vec<f64> = values.iter().map(|v| v / unit).collect();
        Ok(ArimaFit { frame, kind: Kind::Arima { unit, chosen: Box::new(Chosen::of(&scaled, m, self.estimates)) } })
    }
}

impl Model for Arima {
    fn name(&self) -> &str {
        "arima"
    }

    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        Ok(Box::new(self.fit_one(history)?))
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        fit_each(self, panel)
    }

    fn learns_alone(&self) -> bool {
        true
    }
}

/// A model after a series.
#[derive(Clone, Debug)]
struct Chosen {
    written: Written,
    coefficients: Coefficients,
    criterion: f64,
    /// Differenced values that were learned from.
    n_used: usize,
    /// Standard deviation of the errors.
    sigma: f64,
    /// Expected differences of the next steps without what later ones add.
    state: Vec<f64>,
    /// What the last values add to the next one, the last value's share first; and those values, the last one first.
    undo: Vec<f64>,
    last: Vec<f64>,
}

impl Chosen {
    fn of(y: &[f64], m: usize, estimates: Estimates) -> Self {
        let differenced = Differenced::of(y, m);
        let rise = differenced.rise(m);
        let estimates = if differenced.total() == 0 { Estimates::Likelihood } else { estimates };
        let series = Series { values: &differenced.values, m, rise, estimates };
        let fit = if is_constant(series.values) {
            Fit::plain(series, rise > 0.0)
        } else {
            search::best(series, y.len(), differenced.total())
        };
        let coefficients = Coefficients::of(fit.order, &fit.point, false, rise);
        let stand = Exact::new(series.values, m, fit.order, rise).stand(&fit.point);
        let freedom = (series.values.len() as f64 - fit.order.n_parameters() as f64).max(1.0);
        let undo = differenced.undo(m);
        let written = Written {
            order: fit.order,
            differences: differenced.plain,
            seasonal_differences: differenced.seasonal,
            season_length: m,
        };
        Self {
            written,
            coefficients,
            criterion: fit.criterion,
            n_used: series.values.len(),
            sigma: math::sqrt(stand.squares / freedom),
            state: stand.state,
            last: y.iter().rev().take(undo.len()).copied().collect(),
            undo,
        }
    }

    /// Expected values of the next `horizon` steps.
    fn centre(&self, horizon: usize) -> Vec<f64> {
        let mut phi = self.coefficients.long_ar(self.written.season_length);
        phi.resize(self.state.len(), 0.0);
        let mut state = self.state.clone();
        let mut last: Vec<f64> = self.last.iter().rev().copied().collect();
        let known = last.len();
        for _ in 0..horizon {
            let first = state.first().copied().unwrap_or(0.0);
            for k in 0..state.len() {
                state[k] = phi[k] * first + state.get(k + 1).copied().unwrap_or(0.0);
            }
            let before: f64 = self.undo.iter().zip(last.iter().rev()).map(|(c, y)| c * y).sum();
            last.push(self.coefficients.mean + first + before);
        }
        last.split_off(known)
    }

    /// Standard deviations of the next `horizon` steps: what an error of each step on the way adds.
    fn deviations(&self, horizon: usize) -> Vec<f64> {
        let m = self.written.season_length;
        let (phi, theta) = (self.coefficients.long_ar(m), self.coefficients.long_ma(m));
        let mut plain: Vec<f64> = Vec::with_capacity(horizon);
        let mut whole: Vec<f64> = Vec::with_capacity(horizon);
        let mut sum = 0.0;
        (0..horizon)
            .map(|h| {
                let own = if h == 0 { 1.0 } else { theta.get(h - 1).copied().unwrap_or(0.0) };
                let old = |weights: &[f64], terms: &[f64]| -> f64 {
                    terms.iter().zip(weights.iter().rev()).map(|(c, w)| c * w).sum()
                };
                plain.push(own + old(&plain, &phi));
                whole.push(plain[h] + old(&whole, &self.undo));
                sum += whole[h] * whole[h];
                self.sigma * math::sqrt(sum)
            })
            .collect()
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Constant(f64),
    Arima { unit: f64, chosen: Box<Chosen> },
}

/// What [`Arima`] has learned from one series.
#[derive(Clone, Debug)]
pub struct ArimaFit {
    frame: Frame,
    kind: Kind,
}

impl ArimaFit {
    /// The chosen orders, for example `ARIMA(1,0,1)(2,1,1)[7] with drift`; `constant` for a series that never changes.
    pub fn form(&self) -> String {
        match &self.kind {
            Kind::Constant(_) => "constant".to_owned(),
            Kind::Arima { chosen, .. } => chosen.written.to_string(),
        }
    }

    /// AICc of the chosen model in the series' own unit; `None` where nothing was compared.
    pub fn criterion(&self) -> Option<f64> {
        match &self.kind {
            Kind::Arima { unit, chosen } if chosen.criterion.is_finite() => {
                let n = chosen.n_used as f64;
                Some(chosen.criterion + 2.0 * n * math::ln(*unit))
            }
            _ => None,
        }
    }

    fn steps(&self, horizon: usize) -> Steps {
        match &self.kind {
            Kind::Constant(value) => Steps { centre: vec![*value; horizon], sd: vec![0.0; horizon] },
            Kind::Arima { unit, chosen } => Steps {
                centre: chosen.centre(horizon).iter().map(|v| v * unit).collect(),
                sd: chosen.deviations(horizon).iter().map(|v| v * unit).collect(),
            },
        }
    }
}

impl Fitted for ArimaFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        self.frame.forecast(&self.steps(horizon_of(future)?), quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &QUANTILE_GRID)?;
        // Shocks of a differenced series stay in the level, so that most of an error far ahead is shared by its neighbours.
        self.frame.paths(&marginals, Dependence { level: 0.4, memory_share: 0.4, memory: 0.95 }, n, seed)
    }
}
