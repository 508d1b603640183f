//! The walk from order to order.
//!
//! Hyndman & Khandakar (2008), "Automatic time series forecasting: the forecast package for R", Journal of Statistical
//! Software 27(3); which orders are tried, and in which sequence, is as in statsforecast.

use super::filter::{MOST_SEASONAL_TERMS, MOST_TERMS};
use super::fit::{Fit, Series};
use super::order::Order;

/// Most orders that are tried.
const MOST_ORDERS: usize = 94;
/// Steps of the history times steps of its season above which orders are compared by conditional squares.
const LONG: usize = 100_000;
/// Neighbours of an order in p, q and by seasons, in the sequence in which they are tried.
const SEASONAL_MOVES: [(i8, i8); 8] = [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)];

/// Most terms of each kind.
#[derive(Clone, Copy, Debug)]
struct Most {
    p: usize,
    q: usize,
    sp: usize,
    sq: usize,
}

/// The orders tried so far.
struct Walk<'a> {
    series: Series<'a>,
    is_approximate: bool,
    most: Most,
    can_have_constant: bool,
    tried: Vec<(Order, f64)>,
    best: Fit,
}

/// The best order of a series of `n_steps` before its differences, of which there were `differences`.
pub(super) fn best(series: Series<'_>, n_steps: usize, differences: usize) -> Fit {
    let m = series.m;
    let terms = |seasonal: bool| {
        let most = if seasonal { MOST_SEASONAL_TERMS } else { MOST_TERMS };
        match (seasonal, m > 1) {
            (true, true) => most.min(n_steps / 3 / m),
            (true, false) => 0,
            (false, true) => most.min(n_steps / 3).min(m - 1),
            (false, false) => most.min(n_steps / 3),
        }
    };
    let most = Most { p: terms(false), q: terms(false), sp: terms(true), sq: terms(true) };
    let mut walk = Walk {
        series,
        is_approximate: n_steps * m > LONG,
        most,
        can_have_constant: differences <= 1,
        tried: Vec::new(),
        best: Fit::plain(series, differences <= 1),
    };
    walk.begin(n_steps);
    walk.go();
    walk.finish()
}

impl Walk<'_> {
    /// Whether `order` is better than all before it.
    fn try_order(&mut self, order: Order) -> bool {
        if self.tried.len() >= MOST_ORDERS {
            return false;
        }
        let fit =
            if self.is_approximate { Fit::conditional(self.series, order) } else { Fit::exact(self.series, order) };
        self.tried.push((order, fit.criterion));
        let is_better = fit.criterion < self.best.criterion;
        if is_better || self.tried.len() == 1 {
            self.best = fit;
        }
        is_better
    }

    /// Tries the orders with which every walk begins.
    fn begin(&mut self, n_steps: usize) {
        let Most { p, q, sp, sq } = self.most;
        let constant = self.can_have_constant;
        let order = |p, q, sp, sq| Order { p, q, sp, sq, constant };
        let (start, season) = if n_steps < 10 { (1, 0) } else { (2, 1) };
        self.try_order(order(p.min(start), q.min(start), sp.min(season), sq.min(season)));
        self.try_order(order(0, 0, 0, 0));
        if p > 0 || sp > 0 {
            self.try_order(order(p.min(1), 0, sp.min(1), 0));
        }
        if q > 0 || sq > 0 {
            self.try_order(order(0, q.min(1), 0, sq.min(1)));
        }
        if constant {
            self.try_order(Order { constant: false, ..order(0, 0, 0, 0) });
        }
    }

    /// Goes to better neighbours until there is none.
    fn go(&mut self) {
        // With the constant, even where the best order so far has none, as in statsforecast.
        let mut current = Order { constant: self.can_have_constant, ..self.best.order };
        loop {
            let before = self.tried.len();
            let better = self.neighbours(current).into_iter().find(|order| {
                let is_new = self.tried.iter().all(|(tried, _)| tried != order);
                is_new && self.try_order(*order)
            });
            current = better.unwrap_or(current);
            if self.tried.len() == before || self.tried.len() >= MOST_ORDERS {
                return;
            }
        }
    }

    /// Orders one step away: by seasons, by steps, and with or without the constant.
    fn neighbours(&self, order: Order) -> Vec<Order> {
        let moved = |n: usize, by: i8, most: usize| n.checked_add_signed(by.into()).filter(|&n| n <= most || by < 0);
        let seasonal = SEASONAL_MOVES.iter().filter_map(|&(p, q)| {
            Some(Order { sp: moved(order.sp, p, self.most.sp)?, sq: moved(order.sq, q, self.most.sq)?, ..order })
        });
        let plain = SEASONAL_MOVES.iter().filter_map(|&(p, q)| {
            Some(Order { p: moved(order.p, p, self.most.p)?, q: moved(order.q, q, self.most.q)?, ..order })
        });
        let other = self.can_have_constant.then_some(Order { constant: !order.constant, ..order });
        seasonal.chain(plain).chain(other).collect()
    }

    /// The best order by its likelihood: where orders were compared by approximation, the first usable one of them.
    fn finish(mut self) -> Fit {
        if !self.is_approximate {
            return if self.best.criterion < f64::INFINITY { self.best } else { self.without_terms() };
        }
        self.tried.sort_by(|a, b| a.1.total_cmp(&b.1));
        let exact = self.tried.iter().map(|&(order, _)| Fit::exact(self.series, order));
        exact.into_iter().find(|fit| fit.criterion < f64::INFINITY).unwrap_or_else(|| self.without_terms())
    }

    fn without_terms(&self) -> Fit {
        Fit::plain(self.series, self.can_have_constant)
    }
}
