//! Joint futures from the quantiles of each step: a copula supplies ranks, the quantiles the values.
//!
//! Clark, Gangopadhyay, Hay, Rajagopalan & Wilby (2004), "The Schaake shuffle: a method for
//! reconstructing space-time variability in forecasted precipitation and temperature fields",
//! J. Hydrometeorology 5(1), 243-262.

use crate::ranking::Ranking;
use fleetcast_core::{Bounds, Dependence, Error, Forecast, Paths, Result, Shared};
use fleetcast_numeric::{Stream, math, normal};
use multiversion::multiversion;
use std::sync::OnceLock;

/// Draws `n` equally likely joint futures, in the unit of `marginals`.
///
/// At each step the `n` values are the quantiles of the marginal at (i + 1/2) / n, so the paths say of
/// one step exactly what the marginal says; `dependence` decides only which path gets which of them.
/// Between the levels of `marginals` (any number, 45 of [`fleetcast_core::QUANTILE_GRID`] at best) values are
/// interpolated linearly, beyond the outermost an exponential tail goes on; all stay in `bounds`.
/// The same arguments give the same paths, bit for bit, on any machine.
///
/// # Errors
/// When `n` is zero, there is no step, or `marginals` has no quantile.
pub fn draw(
    marginals: &Forecast,
    dependence: &Dependence,
    bounds: Option<Bounds>,
    n: usize,
    seed: u64,
) -> Result<Paths> {
    draw_from(marginals, dependence, bounds, n, Stream::new(seed, &["paths"]))
}

/// The errors that servers of one pool have in common, drawn once for all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct CommonErrors {
    n: usize,
    /// One number per path.
    level: Vec<f32>,
    /// For each step what is of the day alone, one number per path, then what fades.
    days: Vec<f32>,
}

impl CommonErrors {
    /// Those of `n` paths of `horizon` steps, by a seed that is the pool's. A longer horizon begins as a shorter one.
    pub fn draw(n: usize, horizon: usize, seed: u64) -> Self {
        let stream = Stream::new(seed, &["pool"]);
        let (mut level, mut days) = (vec![0.0; n], vec![0.0; PARTS * n * horizon]);
        fill_normals(stream.child("level"), &mut level);
        for (at, part) in days.chunks_exact_mut(n.max(1)).enumerate() {
            let (step, number) = (at / PARTS, at % PARTS);
            fill_normals(stream.child_number(step as u64).child_number(number as u64), part);
        }
        Self { n, level, days }
    }

    /// Steps they reach.
    pub fn horizon(&self) -> usize {
        self.days.len() / (PARTS * self.n).max(1)
    }

    /// One part of a step's errors, one number per path.
    fn day(&self, step: usize, number: usize) -> &[f32] {
        &self.days[(step * PARTS + number) * self.n..][..self.n]
    }
}

/// Parts of a step's errors that pass: of the day alone, and what fades.
const PARTS: usize = 2;

/// What the errors of one server have in common with those of its pool.
#[derive(Clone, Copy, Debug)]
pub struct Common<'a> {
    /// How much.
    pub shared: Shared,
    /// The common errors, as many and as far as the paths that are drawn.
    pub errors: &'a CommonErrors,
}

/// [`draw`] for a server that is looked at together with its pool: path `i` of all of them is one future.
///
/// Part of each normal score is drawn from the pool's stream in place of the server's own, so that every server keeps
/// its marginals and its own dependence over the steps, and the servers hang together as `common` says. With nothing
/// shared the paths are those of [`draw`].
///
/// # Errors
/// As [`draw`], and when the common errors are of another number of paths or of fewer steps.
pub fn draw_together(
    marginals: &Forecast,
    dependence: &Dependence,
    bounds: Option<Bounds>,
    n: usize,
    seed: u64,
    common: Common,
) -> Result<Paths> {
    check(marginals, n)?;
    let (found, needed) = (common.errors.days.len(), PARTS * n * marginals.horizon());
    if common.errors.n != n || common.errors.horizon() < marginals.horizon() {
        return Err(Error::Size { what: "common errors".to_owned(), found, needed });
    }
    let copula = Copula::new(*dependence, n, Stream::new(seed, &["paths"]));
    spread_out(marginals, bounds, n, copula.with_common(common))
}

/// [`draw`] with the stream of one series.
pub(crate) fn draw_from(
    marginals: &Forecast,
    dependence: &Dependence,
    bounds: Option<Bounds>,
    n: usize,
    stream: Stream,
) -> Result<Paths> {
    check(marginals, n)?;
    spread_out(marginals, bounds, n, Copula::new(*dependence, n, stream))
}

/// Gives each path its value at each step, by the ranks of `copula`.
fn spread_out(marginals: &Forecast, bounds: Option<Bounds>, n: usize, mut copula: Copula) -> Result<Paths> {
    let horizon = marginals.horizon();
    let positions = Positions::new(marginals.quantiles(), n);
    let mut values = vec![0.0; n * horizon];
    let mut sorted = vec![0.0; n];
    // Some steps of all paths, before they are spread over the paths a cache line at a time.
    let mut together = vec![[0.0; STEPS_TOGETHER]; n];
    for first in (0..horizon).step_by(STEPS_TOGETHER) {
        let steps = first..horizon.min(first + STEPS_TOGETHER);
        for (at, step) in steps.clone().enumerate() {
            positions.values(marginals.step(step), &mut sorted);
            if let Some(bounds) = bounds {
                sorted.iter_mut().for_each(|value| *value = bounds.clamp(*value));
            }
            copula.ranks(step).zip(&sorted).for_each(|(path, value)| together[path][at] = *value);
        }
        for (path, some) in values.chunks_exact_mut(horizon).zip(&together) {
            let path = &mut path[steps.clone()];
            match <&mut [f64; STEPS_TOGETHER]>::try_from(&mut *path) {
                Ok(path) => *path = *some,
                Err(_) => path.copy_from_slice(&some[..path.len()]),
            }
        }
    }
    Paths::new(horizon, values)
}

/// Steps whose values are put into the paths at once: as many as fill a cache line.
const STEPS_TOGETHER: usize = 8;

fn check(marginals: &Forecast, n: usize) -> Result<()> {
    let wrong = |what: &str| {
        Err(Error::OutOfRange { what: what.to_owned(), found: "0".to_owned(), allowed: "at least 1".to_owned() })
    };
    if n == 0 {
        return wrong("number of paths");
    }
    if marginals.horizon() == 0 {
        return wrong("horizon");
    }
    if marginals.quantiles().is_empty() {
        return wrong("number of quantiles");
    }
    // A path's number has 32 bits.
    if n > u32::MAX as usize {
        return Err(Error::OutOfRange {
            what: "number of paths".to_owned(),
            found: n.to_string(),
            allowed: format!("at most {}", u32::MAX),
        });
    }
    Ok(())
}

/// Where each plotting position falls among the levels: worked out once, used at every step.
pub(crate) struct Positions {
    /// For each position how far it is from the lower level to the upper one.
    weights: Vec<f64>,
    /// The lower level of positions that follow each other, and the end of these.
    runs: Vec<(usize, usize)>,
    n_levels: usize,
}

impl Positions {
    fn new(levels: &[f64], n: usize) -> Self {
        let positions: Vec<f64> = (0..n).map(|i| (i as f64 + 0.5) / n as f64).collect();
        Self::of(levels, &positions)
    }

    /// Where `probabilities` fall among `levels`, both ascending.
    pub(crate) fn of(levels: &[f64], probabilities: &[f64]) -> Self {
        let (mut weights, mut runs) = (Vec::with_capacity(probabilities.len()), Vec::<(usize, usize)>::new());
        for (at, &p) in probabilities.iter().enumerate() {
            let (below, weight) = Self::weight(levels, p);
            weights.push(weight);
            match runs.last_mut().filter(|run| run.0 == below) {
                Some(run) => run.1 = at + 1,
                None => runs.push((below, at + 1)),
            }
        }
        Self { weights, runs, n_levels: levels.len() }
    }

    /// A weight outside \[0, 1\] extrapolates along the chord of the two outermost levels; measured in
    /// -ln of the tail probability it is an exponential tail.
    fn weight(levels: &[f64], p: f64) -> (usize, f64) {
        let last = levels.len() - 1;
        if last == 0 {
            return (0, 0.0);
        }
        if p < levels[0] {
            return (0, -math::ln(levels[0] / p) / math::ln(levels[1] / levels[0]));
        }
        if p >= levels[last] {
            let tail = |q: f64| 1.0 - q;
            let beyond = math::ln(tail(levels[last]) / tail(p)) / math::ln(tail(levels[last - 1]) / tail(levels[last]));
            return (last - 1, 1.0 + beyond);
        }
        let above = levels.partition_point(|&level| level <= p);
        let (low, high) = (levels[above - 1], levels[above]);
        (above - 1, (p - low) / (high - low))
    }

    /// The value at each position, `quantiles` being those at the levels.
    pub(crate) fn values(&self, quantiles: &[f64], out: &mut [f64]) {
        let mut first = 0;
        for &(below, end) in &self.runs {
            let low = quantiles[below];
            let gap = quantiles[(below + 1).min(self.n_levels - 1)] - low;
            let run = first..end;
            out[run.clone()].iter_mut().zip(&self.weights[run]).for_each(|(value, weight)| *value = low + weight * gap);
            first = end;
        }
    }
}

/// Gaussian scores of every path, step after step.
struct Copula<'a> {
    stream: Stream,
    level: Vec<f32>,
    memory: Vec<f32>,
    noise: Vec<f32>,
    weights: [f32; 3],
    decay: [f32; 2],
    common: Option<Common<'a>>,
    ranking: Ranking,
}

/// Replaces a share of `own` by what the pool has in common; the result is as wide as before.
fn mix(common: &[f32], share: f64, own: &mut [f32]) {
    if share <= 0.0 {
        return;
    }
    let [of_pool, rest] = [share.sqrt() as f32, (1.0 - share).sqrt() as f32];
    own.iter_mut().zip(common).for_each(|(own, common)| *own = of_pool * common + rest * *own);
}

impl<'a> Copula<'a> {
    fn new(dependence: Dependence, n: usize, stream: Stream) -> Self {
        let level_share = dependence.level.clamp(0.0, 1.0);
        let memory_share = dependence.memory_share.clamp(0.0, 1.0 - level_share);
        let own_share = 1.0 - level_share - memory_share;
        let memory = dependence.memory.clamp(0.0, 1.0);
        let mut copula = Self {
            stream,
            level: vec![0.0; n],
            memory: vec![0.0; n],
            noise: vec![0.0; n],
            weights: [level_share.sqrt() as f32, memory_share.sqrt() as f32, own_share.sqrt() as f32],
            decay: [memory as f32, (1.0 - memory * memory).sqrt() as f32],
            common: None,
            ranking: Ranking::new(n),
        };
        fill_normals(stream.child("level"), &mut copula.level);
        copula
    }

    /// The same with errors that the pool has in common.
    fn with_common(mut self, common: Common<'a>) -> Self {
        mix(&common.errors.level, common.shared.level, &mut self.level);
        self.common = Some(common);
        self
    }

    /// The numbers of the paths in the order of their scores at `step`: the lowest path first.
    fn ranks(&mut self, step: usize) -> impl Iterator<Item = usize> {
        let stream = self.stream.child_number(step as u64);
        let fill = |number: usize, noise: &mut [f32]| {
            fill_normals(stream.child_number(number as u64), noise);
            if let Some(common) = &self.common {
                mix(common.errors.day(step, number), common.shared.days, noise);
            }
        };
        if self.weights[1] > 0.0 {
            fill(1, &mut self.noise);
            let [keep, renew] = if step == 0 { [0.0, 1.0] } else { self.decay };
            for (memory, fresh) in self.memory.iter_mut().zip(&self.noise) {
                *memory = keep * *memory + renew * fresh;
            }
        }
        fill(0, &mut self.noise);
        let [level, memory, own] = self.weights;
        for ((score, at_level), remembered) in self.noise.iter_mut().zip(&self.level).zip(&self.memory) {
            *score = level * at_level + memory * remembered + own * *score;
        }
        self.ranking.order(&self.noise)
    }
}

/// Normal scores from a table: only ranks are made of them, so 4096 cells with a line in each will do.
#[multiversion(targets("x86_64+avx+avx2"))]
fn fill_normals(stream: Stream, out: &mut [f32]) {
    static TABLE: OnceLock<[f32; CELLS + 1]> = OnceLock::new();
    const CELLS: usize = 4096;
    let table = TABLE.get_or_init(|| {
        let edge = |i: usize| (i as f64 / CELLS as f64).clamp(1.0 / 65_536.0, 65_535.0 / 65_536.0);
        std::array::from_fn(|i| normal::quantile(edge(i)) as f32)
    });
    let mut words = [0; 256];
    let mut first_block = 0;
    for scores in out.chunks_mut(words.len()) {
        stream.fill_words(first_block, &mut words[..scores.len()]);
        first_block += (words.len() / 4) as u64;
        for (score, word) in scores.iter_mut().zip(words) {
            // 12 bits choose a cell, and the other 20 the place in it: a signed number, which is quicker to convert.
            let (cell, rest) = ((word >> 20) as usize, (word & 0x000f_ffff) as i32 as f32 * (1.0 / 1_048_576.0));
            *score = table[cell] + (table[cell + 1] - table[cell]) * rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::QUANTILE_GRID;

    const N: usize = 2000;
    const HORIZON: usize = 40;

    /// Standard normal days.
    fn marginals() -> Forecast {
        let step: Vec<f64> = QUANTILE_GRID.iter().map(|&q| normal::quantile(q)).collect();
        let values: Vec<f64> = (0..HORIZON).flat_map(|_| step.clone()).collect();
        Forecast::new(&QUANTILE_GRID, vec![0.0; HORIZON], values).expect("ascending quantiles")
    }

    fn server(seed: u64, shared: Shared) -> Paths {
        let dependence = Dependence::new(0.4, 0.3, 0.8).expect("shares");
        let errors = CommonErrors::draw(N, HORIZON + 3, 77);
        draw_together(&marginals(), &dependence, None, N, seed, Common { shared, errors: &errors }).expect("a draw")
    }

    /// Mean product of the values of two servers `distance` days apart, which is their correlation.
    fn correlation(one: &Paths, other: &Paths, distance: usize) -> f64 {
        let products = one.iter().zip(other.iter()).flat_map(|(a, b)| a.iter().zip(&b[distance..]).map(|(a, b)| a * b));
        products.sum::<f64>() / (N * (HORIZON - distance)) as f64
    }

    #[test]
    fn servers_of_a_pool_hang_together_as_asked_and_each_stays_what_it_was() {
        let shared = Shared { level: 0.7, days: 0.5 };
        let (one, other, alone) = (server(1, shared), server(2, shared), server(1, Shared::NONE));
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.04, "{found} {expected}");
        near(correlation(&one, &other, 0), 0.7 * 0.4 + 0.5 * 0.6);
        near(correlation(&one, &other, 30), 0.7 * 0.4);
        near(correlation(&alone, &server(2, Shared::NONE), 0), 0.0);
        for distance in [1, 5, 30] {
            near(correlation(&one, &one, distance), 0.4 + 0.3 * math::pow(0.8, distance as f64));
        }
        for step in [0, 17, 39] {
            let day = |paths: &Paths| {
                let mut values: Vec<f64> = paths.iter().map(|path| path[step]).collect();
                values.sort_unstable_by(f64::total_cmp);
                values
            };
            assert_eq!(day(&one), day(&alone), "the marginals of a day stay as they are");
        }
    }

    #[test]
    fn with_nothing_shared_the_paths_are_those_of_the_server_alone() {
        let dependence = Dependence::new(0.4, 0.3, 0.8).expect("shares");
        assert_eq!(server(3, Shared::NONE), draw(&marginals(), &dependence, None, N, 3).expect("a draw"));
    }

    #[test]
    fn common_errors_may_reach_further_than_the_paths_and_not_less_far() {
        let dependence = Dependence::new(0.4, 0.3, 0.8).expect("shares");
        let of = |errors: &CommonErrors| {
            let common = Common { shared: Shared { level: 0.7, days: 0.5 }, errors };
            draw_together(&marginals(), &dependence, None, N, 1, common)
        };
        let exact = of(&CommonErrors::draw(N, HORIZON, 77)).expect("a draw");
        assert_eq!(exact, of(&CommonErrors::draw(N, 2 * HORIZON, 77)).expect("a draw"));
        let short = of(&CommonErrors::draw(N, HORIZON - 1, 77)).unwrap_err().to_string();
        assert!(short.contains("common errors") && of(&CommonErrors::draw(N + 1, HORIZON, 77)).is_err(), "{short}");
    }
}
