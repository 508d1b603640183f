//! The coefficients of one order.

use super::conditional::Conditional;
use super::descent::{End, Loss, minimum};
use super::likelihood::Exact;
use super::order::{Coefficients, Order, stationary, unbounded};
use fleetcast_numeric::math;
use std::f64::consts::TAU;

/// How the coefficients of a differenced series are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimates {
    /// With the greatest likelihood; where that leads to a root on the unit circle, with the least conditional squares.
    Likelihood,
    /// With the least squared errors given the first values, judged by their likelihood. This is where statsforecast 2.1.1 ends:
    /// the filter of a differenced series keeps its state from one evaluation of the likelihood to the next, so that no step of
    /// the search seems to gain anything.
    Conditional,
}

/// What the orders are tried on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    /// The series after its differences.
    pub(super) values: &'a [f64],
    pub(super) m: usize,
    /// What a step of the constant's regressor is worth after the differences.
    pub(super) rise: f64,
    /// How its exact coefficients are found.
    pub(super) estimates: Estimates,
}

/// An order with its coefficients.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    pub(super) order: Order,
    /// As [`Coefficients::of`] takes them.
    pub(super) point: Vec<f64>,
    /// AICc, or what approximates it; infinite for a model that is not to be used.
    pub(super) criterion: f64,
}

impl Fit {
    /// With the least squared errors given the first values.
    pub(super) fn conditional(series: Series<'_>, order: Order) -> Self {
        let n = series.values.len() as f64;
        let mut loss = Conditional::new(series.values, series.m, order, series.rise);
        let found = minimum(&mut loss, &start(series, order));
        let variance = loss.variance(&found.point);
        let aic = match variance <= 0.0 {
            true => f64::NEG_INFINITY,
            false => n * math::ln(variance) + 2.0 * (order.n_parameters() + 1) as f64,
        };
        Self::judged(series, order, found.point, aic, found.has_variances)
    }

    /// With its likelihood, searched from where the conditional squares are least.
    pub(super) fn exact(series: Series<'_>, order: Order) -> Self {
        let mut point = start(series, order);
        let first = minimum(&mut Conditional::new(series.values, series.m, order, series.rise), &point);
        if first.end != End::TooManyRounds {
            point = first.point;
        }
        transform(order, &mut point, unbounded);
        let mut loss = Exact::new(series.values, series.m, order, series.rise);
        let mut value = [f64::NAN];
        loss.losses(std::slice::from_ref(&point), &mut value);
        let conditional = Self::likely(series, order, point.clone(), value[0], true);
        if series.estimates == Estimates::Conditional {
            return conditional;
        }
        let found = minimum(&mut loss, &point);
        let exact = Self::likely(series, order, found.point, found.loss, found.has_variances);
        if exact.criterion < f64::INFINITY { exact } else { conditional }
    }

    /// At a point of the likelihood's search.
    fn likely(series: Series<'_>, order: Order, mut point: Vec<f64>, loss: f64, has_variances: bool) -> Self {
        let n = series.values.len() as f64;
        transform(order, &mut point, stationary);
        let aic = 2.0 * n * loss + n + n * math::ln(TAU) + 2.0 * (order.n_parameters() + 1) as f64;
        Self::judged(series, order, point, aic, has_variances)
    }

    /// Without terms: the mean of the differenced series where there is a constant.
    pub(super) fn plain(series: Series<'_>, constant: bool) -> Self {
        let order = Order { p: 0, q: 0, sp: 0, sq: 0, constant };
        Self { order, point: start(series, order), criterion: f64::INFINITY }
    }

    fn judged(series: Series<'_>, order: Order, point: Vec<f64>, aic: f64, has_variances: bool) -> Self {
        let (n, k) = (series.values.len() as f64, (order.n_parameters() + 1) as f64);
        let rest = n - k - 1.0;
        let criterion = if rest == 0.0 { f64::INFINITY } else { aic + 2.0 * k * (k + 1.0) / rest };
        let is_safe = has_variances && Coefficients::of(order, &point, false, series.rise).has_safe_roots(series.m);
        Self { order, point, criterion: if is_safe && !criterion.is_nan() { criterion } else { f64::INFINITY } }
    }
}

/// Where a search begins: no terms, and the mean of the differenced series.
fn start(series: Series<'_>, order: Order) -> Vec<f64> {
    let mut point = vec![0.0; order.n_terms()];
    if order.constant {
        point.push(series.values.iter().sum::<f64>() / series.values.len() as f64 / series.rise);
    }
    point
}

/// Both autoregressions of a point by `way`.
fn transform(order: Order, point: &mut [f64], way: fn(&[f64]) -> Vec<f64>) {
    for (from, n) in [(0, order.p), (order.p + order.q, order.sp)] {
        let moved = way(&point[from..from + n]);
        point[from..from + n].copy_from_slice(&moved);
    }
}
