//! Exponential smoothing with the error, trend and season that the series asks for.

mod form;
mod recursion;
mod simplex;
mod spread;

use crate::steps::{Frame, Steps, filled, fit_each, horizon_of, require};
use fleetcast_core::{Dependence, Error, Fitted, Forecast, Future, History, Model, Panel, Paths, Result};
use fleetcast_numeric::math;
use form::{Form, Join, Start};
use recursion::{Lanes, Outcome, Parameters};
use simplex::Simplex;

/// Steps of history that are looked at; beyond them the smoothing has long forgotten.
const MOST_STEPS: usize = 4096;
/// Observations below which no form can be told from another.
const LEAST_OBSERVATIONS: usize = 7;
/// Largest standard deviation of a form that multiplies its errors, in sizes of what it is of. Relative errors that multiply
/// for a year grow without end, which only says that nothing is known.
const MOST_SPREAD: f64 = 10.0;

/// The family of exponential smoothing, chosen by AICc: the same models and forecasts as statsforecast's `AutoETS`.
///
/// Additive and multiplicative errors, no, straight or damped trend, no, additive or multiplicative season: 15
/// forms, those that multiply for positive series only. Smoothing and first state of each maximise the likelihood,
/// in a simplex search that ends after a thousand rounds; the forms are searched side by side.
///
/// Hyndman, Koehler, Snyder & Grose (2002), "A state space framework for automatic forecasting using exponential
/// smoothing methods", IJF 18(3), 439-454.
#[derive(Clone, Copy, Debug)]
pub struct Ets {
    /// Steps in the season, at least 1.
    pub season_length: usize,
}

impl Model for Ets {
    fn name(&self) -> &str {
        "ets"
    }

    /// A gap is answered for by the same step of an earlier season.
    ///
    /// # Errors
    /// [`Error::TooShort`] below seven observations, [`Error::NotForecastable`] when no form has a likelihood.
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

impl Ets {
    /// Learns from one series and keeps the concrete type, which can name its form.
    ///
    /// # Errors
    /// [`Error::TooShort`] below seven observations, [`Error::NotForecastable`] when no form has a likelihood.
    pub fn fit_one(&self, history: &History) -> Result<EtsFit> {
        require(self.name(), history, LEAST_OBSERVATIONS)?;
        let frame = Frame::of(history);
        let full = filled(history.values(), self.season_length.max(1));
        let smoothed = Smoothed::new(&full, self.season_length, true).ok_or_else(|| Error::NotForecastable {
            model: self.name().to_owned(),
            reason: "no form of smoothing has a finite likelihood".to_owned(),
        })?;
        Ok(EtsFit { frame, smoothed })
    }
}

/// The best form and where it stands after the series.
#[derive(Clone, Debug)]
pub(crate) struct Smoothed {
    kind: Kind,
    /// A power of two near the size of the series, in which it was searched.
    unit: f64,
    /// The largest value, signs apart.
    size: f64,
    n_steps: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Constant(f64),
    Chosen(Box<Chosen>),
}

/// A form with what its search found.
#[derive(Clone, Debug)]
struct Chosen {
    form: Form,
    parameters: Parameters,
    outcome: Outcome,
    /// Of the errors, relative ones where they multiply.
    variance: f64,
    criterion: f64,
}

impl Smoothed {
    /// `None` when no form fits. Without `may_multiply` only additive forms are looked at.
    pub(crate) fn new(full: &[f64], season_length: usize, may_multiply: bool) -> Option<Self> {
        let values = &full[full.len().saturating_sub(MOST_STEPS)..];
        let size = values.iter().map(|v| v.abs()).fold(0.0, f64::max);
        if values.iter().all(|v| *v == values[0]) || size < f64::MIN_POSITIVE * 1e6 {
            let kind = Kind::Constant(values[values.len() - 1]);
            return Some(Self { kind, unit: 1.0, size, n_steps: values.len() });
        }
        let unit = power_of_two(size);
        let y: Vec<f64> = values.iter().map(|v| v / unit).collect();
        let m = if season_length > 1 && y.len() > season_length { season_length } else { 1 };
        let kind = choose(&y, m, may_multiply)?;
        Some(Self { kind, unit, size, n_steps: y.len() })
    }

    /// Centre and standard deviation of each step ahead, in the unit of the series.
    pub(crate) fn steps(&self, horizon: usize) -> Steps {
        match &self.kind {
            Kind::Constant(value) => Steps { centre: vec![*value; horizon], sd: vec![0.0; horizon] },
            Kind::Chosen(chosen) => {
                let Ahead { trend, added, factor } = ahead(chosen, horizon);
                let variances = spread::variances(chosen.form, &chosen.parameters, chosen.variance, &trend, &factor);
                let centre = trend.iter().zip(&added).zip(&factor).map(|((t, a), f)| self.unit * (t * f + a));
                let centre: Vec<f64> = centre.collect();
                let sds = variances.iter().zip(&centre).map(|(variance, centre)| {
                    let sd = self.unit * math::sqrt(variance.max(0.0));
                    let most = MOST_SPREAD * centre.abs().max(self.size);
                    if chosen.form.error_multiplies { sd.min(most) } else { sd }
                });
                Steps { sd: sds.collect(), centre }
            }
        }
    }
}

/// The power of two at or below a size.
fn power_of_two(size: f64) -> f64 {
    f64::from_bits(size.to_bits() & 0x7ff0_0000_0000_0000)
}

/// Trend at each step ahead, and what the season adds to and multiplies it by.
struct Ahead {
    trend: Vec<f64>,
    added: Vec<f64>,
    factor: Vec<f64>,
}

fn ahead(chosen: &Chosen, horizon: usize) -> Ahead {
    let (state, phi) = (&chosen.outcome.state, chosen.parameters.phi);
    // The second step counts the first power of the damping once more: so do R's and statsforecast's forecasts.
    let (mut reach, mut power) = (phi, 1.0);
    let mut trend = Vec::with_capacity(horizon);
    for _ in 0..horizon {
        trend.push(state.level + reach * state.slope);
        power *= phi;
        reach += power;
    }
    let indices = || (0..horizon).map(|h| state.season[h % state.season.len()]).collect();
    let (added, factor) = match chosen.form.season {
        Join::None => (vec![0.0; horizon], vec![1.0; horizon]),
        Join::Added => (indices(), vec![1.0; horizon]),
        Join::Multiplied => (vec![0.0; horizon], indices()),
    };
    Ahead { trend, added, factor }
}

/// A form under search.
struct Candidate {
    form: Form,
    search: Simplex,
}

/// The form with the least AICc.
fn choose(y: &[f64], m: usize, may_multiply: bool) -> Option<Kind> {
    let is_positive = may_multiply && y.iter().all(|v| *v > 0.0);
    let mut most_beta = form::MOST;
    let candidates: Vec<Candidate> = Form::admissible(is_positive, m > 1)
        .into_iter()
        .filter_map(|form| {
            let Start { point, low, high } = form::start(form, y, m, &mut most_beta);
            // More parameters than the series can carry.
            let fits = point.len() + 1 < y.len() && point.iter().all(|x| x.is_finite());
            fits.then(|| Candidate { form, search: Simplex::new(&point, low, high) })
        })
        .collect();
    let mut searched = candidates;
    let kind_of = |form: &Form| (form.error_multiplies, form.season == Join::Multiplied);
    for kind in [(false, false), (true, false), (true, true)] {
        let mut group: Vec<&mut Candidate> = searched.iter_mut().filter(|c| kind_of(&c.form) == kind).collect();
        let season_length = if group.iter().all(|c| c.form.season == Join::None) { 1 } else { m };
        if group.len() > 3 {
            search_together::<8>(&mut group, y, kind, season_length);
        } else {
            search_together::<4>(&mut group, y, kind, season_length);
        }
    }
    let mut best: Option<Chosen> = None;
    for chosen in searched.iter().filter_map(|candidate| judged(candidate, y, m)) {
        if best.as_ref().is_none_or(|best| chosen.criterion < best.criterion) {
            best = Some(chosen);
        }
    }
    best.map(|best| Kind::Chosen(Box::new(best)))
}

/// Answers up to `L` searches of one kind until all have ended.
fn search_together<const L: usize>(group: &mut [&mut Candidate], y: &[f64], kind: (bool, bool), m: usize) {
    let mut lanes: Lanes<L> = Lanes::new(kind.0, kind.1, m);
    loop {
        let mut is_possible = [true; L];
        let mut n_asking = 0;
        for (lane, candidate) in group.iter().enumerate() {
            let point = candidate.search.asks();
            n_asking += usize::from(point.is_some());
            let parameters = point.and_then(|point| Parameters::of(candidate.form, point, m));
            is_possible[lane] = parameters.is_some();
            // A lane that nobody asks for must not run off into numbers that are slow to work with.
            lanes.put(lane, parameters.as_ref().unwrap_or(&Parameters::IDLE));
        }
        if n_asking == 0 {
            return;
        }
        let outcomes = lanes.run(y);
        for (lane, candidate) in group.iter_mut().enumerate() {
            let loss = outcomes[lane].1;
            candidate.search.told(if is_possible[lane] && !loss.is_nan() { loss } else { f64::INFINITY });
        }
    }
}

/// What a search has found, with its AICc; `None` when it has none.
fn judged(candidate: &Candidate, y: &[f64], m: usize) -> Option<Chosen> {
    let form = candidate.form;
    let parameters = Parameters::of(form, candidate.search.found(), m)?;
    let outcome = recursion::run(form, &parameters, y);
    let (n, k) = (y.len() as f64, candidate.search.found().len() as f64 + 1.0);
    let rest = n - k - 1.0;
    let criterion = outcome.loss + 2.0 * k + 2.0 * k * (k + 1.0) / rest;
    let variance = outcome.squares / rest;
    (criterion.is_finite() && rest > 0.0).then_some(Chosen { form, parameters, outcome, variance, criterion })
}

/// A form of smoothing and where it stands after a series.
#[derive(Clone, Debug)]
pub struct EtsFit {
    frame: Frame,
    smoothed: Smoothed,
}

impl EtsFit {
    /// The chosen form as the literature writes it, error, trend and season: `MAdM` multiplies its error and its
    /// season and damps its trend. `constant` for a series that never changes.
    pub fn form(&self) -> String {
        match &self.smoothed.kind {
            Kind::Constant(_) => "constant".to_owned(),
            Kind::Chosen(chosen) => chosen.form.name(),
        }
    }

    /// Its AICc, by which forms of one series can be compared; `None` for a constant one.
    pub fn criterion(&self) -> Option<f64> {
        match &self.smoothed.kind {
            Kind::Constant(_) => None,
            Kind::Chosen(chosen) => {
                // The likelihood was worked out in another unit.
                Some(chosen.criterion + 2.0 * self.smoothed.n_steps as f64 * math::ln(self.smoothed.unit))
            }
        }
    }
}

impl Fitted for EtsFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        self.frame.forecast(&self.smoothed.steps(horizon_of(future)?), quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &fleetcast_core::QUANTILE_GRID)?;
        // Shocks stay in the level, so that most of an error far ahead is shared by its neighbours.
        self.frame.paths(&marginals, Dependence { level: 0.4, memory_share: 0.4, memory: 0.95 }, n, seed)
    }
}
