//! The exact likelihood of a stationary model, for several models at once.
//!
//! The variance of the state changes by a matrix of rank one from step to step, and only its factor is carried: Morf, Sidhu &
//! Kailath (1974), "Some new algorithms for recursive estimation in constant, linear, discrete-time systems", IEEE TAC 19(4),
//! 315-323. Where nothing changes any more, the rest is the plain recursion.

use super::descent::Loss;
use super::filter::{Room, Terms, squares};
use super::order::{Coefficients, Order};
use super::stationary;
use fleetcast_numeric::math;
use multiversion::multiversion;

/// Change of the state's variance in one step below which the filter has settled, and how often that is looked at.
const SETTLED: f64 = 1e-14;
const CHECK_EVERY: usize = 16;
/// Values whose variance is not known at least this well tell nothing (a unit root in all but name).
const UNKNOWN: f64 = 1e4;
/// Variances whose product is taken before its logarithm is.
const PRODUCTS: usize = 8;

/// The filter of `L` models of one order.
struct Filter<const L: usize> {
    phi: Vec<[f64; L]>,
    state: Vec<[f64; L]>,
    gain: Vec<[f64; L]>,
    factor: Vec<[f64; L]>,
    variance: [f64; L],
    weight: [f64; L],
}

impl<const L: usize> Filter<L> {
    fn new(size: usize) -> Self {
        let zeros = vec![[0.0; L]; size + 1];
        let phi = vec![[0.0; L]; size];
        Self { phi, state: zeros.clone(), gain: zeros.clone(), factor: zeros, variance: [0.0; L], weight: [0.0; L] }
    }

    /// Starts the filter of a lane.
    fn put(&mut self, lane: usize, model: &Coefficients, m: usize) {
        let size = self.phi.len();
        let (phi, theta) = (model.long_ar(m), model.long_ma(m));
        let (variance, gain) = stationary::start(&phi, &theta, size);
        self.variance[lane] = variance;
        self.weight[lane] = -1.0 / variance;
        for (k, &gain) in gain.iter().enumerate() {
            self.phi[k][lane] = phi.get(k).copied().unwrap_or(0.0);
            self.gain[k][lane] = gain;
            self.factor[k][lane] = gain;
            self.state[k][lane] = 0.0;
        }
    }

    /// Largest change of the state's variance in one step.
    fn change(&self) -> f64 {
        let mut largest = 0.0_f64;
        for lane in 0..L {
            let longest = self.factor.iter().map(|f| f[lane] * f[lane]).fold(0.0, f64::max);
            let change = self.weight[lane].abs() * longest;
            largest = if change.is_nan() { f64::INFINITY } else { largest.max(change) };
        }
        largest
    }
}

/// What a run adds up, lane by lane.
#[derive(Clone, Copy)]
struct Sums<const L: usize> {
    squares: [f64; L],
    logs: [f64; L],
    counts: [f64; L],
}

/// Runs the filter until it has settled; the number of steps that took.
#[multiversion(targets("x86_64+avx+avx2"))]
fn settle<const L: usize>(
    filter: &mut Filter<L>,
    w: &[f64],
    mean: [f64; L],
    settled: f64,
    sums: &mut Sums<L>,
) -> usize {
    let size = filter.phi.len();
    let mut product = [1.0; L];
    for (t, &value) in w.iter().enumerate() {
        if t % PRODUCTS == 0 {
            sums.logs = std::array::from_fn(|i| sums.logs[i] + math::ln(product[i]));
            product = [1.0; L];
        }
        if t % CHECK_EVERY == 0 && filter.change() < settled {
            return t;
        }
        let (variance, first, lead) = (filter.variance, filter.state[0], filter.factor[0]);
        let inverse: [f64; L] = std::array::from_fn(|i| 1.0 / variance[i]);
        let error: [f64; L] = std::array::from_fn(|i| value - mean[i] - first[i]);
        let push: [f64; L] = std::array::from_fn(|i| error[i] * inverse[i]);
        let counts: [f64; L] = std::array::from_fn(|i| if variance[i] < UNKNOWN { 1.0 } else { 0.0 });
        sums.squares = std::array::from_fn(|i| sums.squares[i] + counts[i] * error[i] * push[i]);
        sums.counts = std::array::from_fn(|i| sums.counts[i] + counts[i]);
        product = std::array::from_fn(|i| if variance[i] < UNKNOWN { product[i] * variance[i] } else { product[i] });
        let share: [f64; L] = std::array::from_fn(|i| lead[i] * inverse[i]);
        let change: [f64; L] = std::array::from_fn(|i| filter.weight[i] * lead[i]);
        for k in 0..size {
            let (phi, gain) = (filter.phi[k], filter.gain[k]);
            let (next_state, next_factor) = (filter.state[k + 1], filter.factor[k + 1]);
            let moved: [f64; L] = std::array::from_fn(|i| phi[i] * lead[i] + next_factor[i]);
            filter.state[k] = std::array::from_fn(|i| phi[i] * first[i] + next_state[i] + push[i] * gain[i]);
            filter.factor[k] = std::array::from_fn(|i| moved[i] - share[i] * gain[i]);
            filter.gain[k] = std::array::from_fn(|i| gain[i] + change[i] * moved[i]);
        }
        filter.variance = std::array::from_fn(|i| variance[i] + change[i] * lead[i]);
        filter.weight = std::array::from_fn(|i| filter.weight[i] * variance[i] / filter.variance[i]);
    }
    sums.logs = std::array::from_fn(|i| sums.logs[i] + math::ln(product[i]));
    w.len()
}

/// Half the logarithm of the variance of the errors plus the mean logarithm of what they are scaled by: the negative logarithm
/// of the likelihood per value, without its constants.
pub(super) struct Exact<'a> {
    w: &'a [f64],
    m: usize,
    order: Order,
    rise: f64,
    wide: (Filter<8>, Room<8>),
    narrow: (Filter<4>, Room<4>),
    single: (Filter<1>, Room<1>),
}

/// Where a model stands after the series.
#[derive(Clone, Debug)]
pub(super) struct Stand {
    /// Expected values of the next steps without what later ones add.
    pub(super) state: Vec<f64>,
    /// Sum of the squared errors, each in units of its own spread.
    pub(super) squares: f64,
}

impl<'a> Exact<'a> {
    /// Over the differenced series `w`.
    pub(super) fn new(w: &'a [f64], m: usize, order: Order, rise: f64) -> Self {
        let (n, size) = (w.len(), order.state_size(m));
        Self {
            w,
            m,
            order,
            rise,
            wide: (Filter::new(size), Room::new(n)),
            narrow: (Filter::new(size), Room::new(n)),
            single: (Filter::new(size), Room::new(n)),
        }
    }

    /// Runs a model with the coefficients of `point`, as they are, through the whole series.
    pub(super) fn stand(&mut self, point: &[f64]) -> Stand {
        let model = Coefficients::of(self.order, point, false, self.rise);
        let filter = &mut self.single.0;
        filter.put(0, &model, self.m);
        let mut sums = Sums { squares: [0.0], logs: [0.0], counts: [0.0] };
        settle(filter, self.w, [model.mean], 0.0, &mut sums);
        let size = filter.phi.len();
        Stand { state: filter.state[..size].iter().map(|s| s[0]).collect(), squares: sums.squares[0] }
    }
}

/// Losses of `L` models.
fn losses<const L: usize>(
    w: &[f64],
    m: usize,
    models: &[Coefficients; L],
    room: &mut (Filter<L>, Room<L>),
) -> [f64; L] {
    let (filter, room) = room;
    for (lane, model) in models.iter().enumerate() {
        filter.put(lane, model, m);
    }
    let mut sums = Sums { squares: [0.0; L], logs: [0.0; L], counts: [0.0; L] };
    let terms = Terms::new(models);
    let t = settle(filter, w, terms.mean, SETTLED, &mut sums);
    if t < w.len() {
        let rest = squares(&w[t..], m, 0, &terms, &filter.state, room);
        sums.squares = std::array::from_fn(|i| sums.squares[i] + rest[i]);
        sums.counts = std::array::from_fn(|i| sums.counts[i] + (w.len() - t) as f64);
    }
    std::array::from_fn(|i| {
        let variance = sums.squares[i] / sums.counts[i];
        if sums.counts[i] == 0.0 {
            f64::INFINITY
        } else if variance <= 0.0 {
            f64::NAN
        } else {
            0.5 * (math::ln(variance) + sums.logs[i] / sums.counts[i])
        }
    })
}

impl Loss for Exact<'_> {
    fn losses(&mut self, points: &[Vec<f64>], out: &mut [f64]) {
        let (mut at, n) = (0, points.len());
        let (order, rise) = (self.order, self.rise);
        while at < n {
            let lane = |i: usize| Coefficients::of(order, &points[(at + i).min(n - 1)], true, rise);
            if n - at > 4 {
                let found = losses::<8>(self.w, self.m, &std::array::from_fn(lane), &mut self.wide);
                out[at..].iter_mut().zip(found).for_each(|(out, loss)| *out = loss);
                at += 8;
            } else if n - at > 1 {
                let found = losses::<4>(self.w, self.m, &std::array::from_fn(lane), &mut self.narrow);
                out[at..].iter_mut().zip(found).for_each(|(out, loss)| *out = loss);
                at += 4;
            } else {
                let found = losses::<1>(self.w, self.m, &std::array::from_fn(lane), &mut self.single);
                out[at] = found[0];
                at += 1;
            }
        }
    }
}
