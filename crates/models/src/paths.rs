//! Joint futures from the quantiles of each step: a copula supplies ranks, the quantiles the values.
//!
//! Clark, Gangopadhyay, Hay, Rajagopalan & Wilby (2004), "The Schaake shuffle: a method for
//! reconstructing space-time variability in forecasted precipitation and temperature fields",
//! J. Hydrometeorology 5(1), 243-262.

use crate::ranking::Ranking;
use fleetcast_core::{Bounds, Dependence, Error, Forecast, Paths, Result, Shared};
use fleetcast_numeric::{Stream, math, normal};
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

/// What the errors of one server have in common with those of its pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Common {
    /// How much.
    pub shared: Shared,
    /// Seed of the common errors, the same for every server of the pool.
    pub seed: u64,
}

/// [`draw`] for a server that is looked at together with its pool: path `i` of all of them is one future.
///
/// Part of each normal score is drawn from the pool's stream in place of the server's own, so that every server keeps
/// its marginals and its own dependence over the steps, and the servers hang together as `common` says. With nothing
/// shared the paths are those of [`draw`].
///
/// # Errors
/// As [`draw`].
pub fn draw_together(
    marginals: &Forecast,
    dependence: &Dependence,
    bounds: Option<Bounds>,
    n: usize,
    seed: u64,
    common: Common,
) -> Result<Paths> {
    check(marginals, n)?;
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
    let (mut sorted, mut order) = (vec![0.0; n], vec![0; n]);
    // Some steps of all paths, before they are spread over the paths a cache line at a time.
    let mut together = vec![0.0; n * STEPS_TOGETHER];
    for first in (0..horizon).step_by(STEPS_TOGETHER) {
        let steps = first..horizon.min(first + STEPS_TOGETHER);
        for (step, values) in steps.clone().zip(together.chunks_exact_mut(n)) {
            positions.values(marginals.step(step), &mut sorted);
            if let Some(bounds) = bounds {
                sorted.iter_mut().for_each(|value| *value = bounds.clamp(*value));
            }
            copula.ranks(step, &mut order);
            order.iter().zip(&sorted).for_each(|(path, value)| values[*path as usize] = *value);
        }
        for (path, values) in values.chunks_exact_mut(horizon).enumerate() {
            let own = together[path..].iter().step_by(n);
            values[steps.clone()].iter_mut().zip(own).for_each(|(value, own)| *value = *own);
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
    /// For each position the lower level's index and the weight of the upper one.
    weights: Vec<(u32, f64)>,
    n_levels: usize,
}

impl Positions {
    fn new(levels: &[f64], n: usize) -> Self {
        let positions: Vec<f64> = (0..n).map(|i| (i as f64 + 0.5) / n as f64).collect();
        Self::of(levels, &positions)
    }

    /// Where `probabilities` fall among `levels`, both ascending.
    pub(crate) fn of(levels: &[f64], probabilities: &[f64]) -> Self {
        let weights = probabilities.iter().map(|&p| Self::weight(levels, p)).collect();
        Self { weights, n_levels: levels.len() }
    }

    /// A weight outside \[0, 1\] extrapolates along the chord of the two outermost levels; measured in
    /// -ln of the tail probability it is an exponential tail.
    fn weight(levels: &[f64], p: f64) -> (u32, f64) {
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
            return (last as u32 - 1, 1.0 + beyond);
        }
        let above = levels.partition_point(|&level| level <= p);
        let (low, high) = (levels[above - 1], levels[above]);
        (above as u32 - 1, (p - low) / (high - low))
    }

    /// The value at each position, `quantiles` being those at the levels.
    pub(crate) fn values(&self, quantiles: &[f64], out: &mut [f64]) {
        for (value, &(below, weight)) in out.iter_mut().zip(&self.weights) {
            let below = below as usize;
            let above = (below + 1).min(self.n_levels - 1);
            *value = quantiles[below] + weight * (quantiles[above] - quantiles[below]);
        }
    }
}

/// Gaussian scores of every path, step after step.
struct Copula {
    stream: Stream,
    level: Vec<f32>,
    memory: Vec<f32>,
    noise: Vec<f32>,
    weights: [f32; 3],
    decay: [f32; 2],
    common: Option<CommonNoise>,
    ranking: Ranking,
}

/// The noise of a pool, and what it counts beside a server's own.
struct CommonNoise {
    stream: Stream,
    noise: Vec<f32>,
    shared: Shared,
}

impl CommonNoise {
    /// Replaces a share of `own` by the pool's noise; the result is as wide as before.
    fn mix(&mut self, stream: Stream, share: f64, own: &mut [f32]) {
        if share <= 0.0 {
            return;
        }
        fill_normals(stream, &mut self.noise);
        let [common, rest] = [share.sqrt() as f32, (1.0 - share).sqrt() as f32];
        own.iter_mut().zip(&self.noise).for_each(|(own, noise)| *own = common * noise + rest * *own);
    }
}

impl Copula {
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
    fn with_common(mut self, common: Common) -> Self {
        let stream = Stream::new(common.seed, &["pool"]);
        let mut noise = CommonNoise { stream, noise: vec![0.0; self.noise.len()], shared: common.shared };
        noise.mix(stream.child("level"), common.shared.level, &mut self.level);
        self.common = Some(noise);
        self
    }

    /// Orders the numbers of the paths by their score at `step`: the lowest path first.
    fn ranks(&mut self, step: usize, order: &mut [u32]) {
        let stream = self.stream.child_number(step as u64);
        let mut fill = |number: u64, noise: &mut [f32]| {
            fill_normals(stream.child_number(number), noise);
            if let Some(common) = &mut self.common {
                common.mix(common.stream.child_number(step as u64).child_number(number), common.shared.days, noise);
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
        self.ranking.order(&self.noise, order);
    }
}

/// Normal scores from a table: only ranks are made of them, so 4096 cells with a line in each will do.
fn fill_normals(stream: Stream, out: &mut [f32]) {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    const CELLS: u32 = 4096;
    let table = TABLE.get_or_init(|| {
        let edge = |i: u32| (f64::from(i) / f64::from(CELLS)).clamp(1.0 / 65_536.0, 65_535.0 / 65_536.0);
        (0..=CELLS).map(|i| normal::quantile(edge(i)) as f32).collect()
    });
    let mut words = [0; 256];
    let mut first_block = 0;
    for scores in out.chunks_mut(words.len()) {
        stream.fill_words(first_block, &mut words[..scores.len()]);
        first_block += (words.len() / 4) as u64;
        for (score, word) in scores.iter_mut().zip(words) {
            let (cell, rest) = ((word >> 20) as usize, (word & 0x000f_ffff) as f32 * (1.0 / 1_048_576.0));
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
        draw_together(&marginals(), &dependence, None, N, seed, Common { shared, seed: 77 }).expect("a draw")
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
}
