//! Gradient-boosted trees for several quantiles at once, on a table of numbers.
//!
//! Friedman (2001), "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29(5),
//! 1189-1232, on the histograms of Ke et al. (2017), "LightGBM: a highly efficient gradient boosting decision tree",
//! NIPS 30. What differs: one tree serves all quantiles. Its splits look for where the middle moves or where the
//! spread does, and each leaf then moves every quantile by that quantile of its own residuals. Gradients are whole
//! numbers, so that no sum depends on its order. And there are two ensembles of the same trees, each with leaves filled
//! from one half of the rows: the other half judges when to stop and how wide the quantiles must be (Lei, G'Sell,
//! Rinaldo, Tibshirani & Wasserman 2018, "Distribution-free predictive inference for regression", JASA 113(523)); their
//! mean is what is said in the end.

use super::tree::{Edges, Ground, Node, leaf_of_cells, leaf_of_features, pruned};
use fleetcast_numeric::{Stream, normal, quantile, quantile_of_sorted};

/// A gradient of one usual residual, as a whole number; sums of 2^21 rows of the largest fit.
const UNIT: f32 = 250.0;
/// Every so many trees, one looks at the spread and not at the middle.
const SPREAD_EVERY: usize = 3;
/// The ensemble is judged after every so many trees, and grows no further when so many did not help.
const CHECK_EVERY: usize = 5;
const PATIENCE: usize = 20;
/// Usual residuals beyond which an error counts as this many when the ensemble is judged.
const MOST_ERROR: f64 = 8.0;

/// How a booster grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Growth {
    /// Most trees.
    pub(super) n_trees: usize,
    /// Share of what a leaf finds that is believed.
    pub(super) rate: f32,
    /// Most leaves of a tree.
    pub(super) n_leaves: usize,
    /// Fewest rows of a leaf, of the quarter of all rows that finds its splits.
    pub(super) least_rows: usize,
    /// Share of the columns that a tree sees.
    pub(super) column_share: f64,
}

/// Rows to learn from.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Features, row after row; NaN where something is not known.
    pub(super) features: Vec<f32>,
    /// What is to be forecast.
    pub(super) target: Vec<f32>,
    /// Whether the target is only known to be at least as large.
    pub(super) censored: Vec<bool>,
    /// Which half a row belongs to.
    pub(super) half: Vec<bool>,
}

impl Table {
    /// Target less what is said of a row; nothing is missed where one that is censored is said to be larger.
    fn residual(&self, row: usize, said: f32) -> f32 {
        let residual = self.target[row] - said;
        if self.censored[row] { residual.max(0.0) } else { residual }
    }
}

/// The quantiles that are learned: ascending probabilities, and the place of the one in the middle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels<'a> {
    pub(super) all: &'a [f64],
    pub(super) middle: usize,
}

/// One tree and what its leaves add to each quantile, leaf after leaf.
#[derive(Clone, Debug)]
struct Tree {
    nodes: Vec<Node>,
    steps: Vec<f32>,
}

/// A grown ensemble.
#[derive(Clone, Debug)]
pub(super) struct Booster {
    start: Vec<f32>,
    trees: Vec<Tree>,
    /// How much farther from the middle than the trees say each quantile is.
    stretch: Vec<f64>,
    middle: usize,
}

impl Booster {
    /// Learns the quantiles at `levels` of the rows of `table`; without rows, those of a standard
    /// normal: targets are told in usual seasonal changes, and one of them either way is all that is known then.
    pub(super) fn grow(table: &Table, n_columns: usize, levels: Levels, growth: Growth, stream: Stream) -> Self {
        let n_rows = table.target.len();
        let targets: Vec<f64> = table.target.iter().map(|&y| f64::from(y)).collect();
        let told = |level: f64| quantile(&targets, level).unwrap_or_else(|| normal::quantile(level));
        let start: Vec<f32> = levels.all.iter().map(|&level| told(level) as f32).collect();
        let mut said = Said::new(table, &start);
        let mut judge = Judge::new(table, &said, levels.middle);
        let mut trees = Vec::new();
        if n_rows > 0 {
            let edges = Edges::new(table, n_columns);
            let cells = edges.cells(table);
            let mut gradients = vec![0; n_rows];
            for round in 0..growth.n_trees {
                let stream = stream.child_number(round as u64);
                score(table, &said, levels.middle, round % SPREAD_EVERY == SPREAD_EVERY - 1, &mut gradients);
                let columns = some_columns(n_columns, growth.column_share, stream);
                let (columns, gradients, edges) = (&columns, &gradients, &edges);
                let ground = Ground { cells: &cells, n_columns, columns, gradients, edges, growth };
                // Each half finds the splits of every other tree: what the other half makes of its leaves is then no
                // chance that was picked.
                let rows = some_rows(&table.half, round % 2 == 1, stream);
                let (nodes, n_leaves) = ground.grow(rows);
                if n_leaves > 1 {
                    trees.push(said.follow(table, &cells, nodes, n_leaves, levels.all, growth));
                }
                if (round + 1) % CHECK_EVERY == 0 && !judge.goes_on(table, &said, trees.len()) {
                    break;
                }
            }
        }
        trees.truncate(judge.n_trees);
        Self { stretch: stretch(table, &judge.said, levels), start, trees, middle: levels.middle }
    }

    /// What is left of the trees for rows that begin with `known`: the nodes that ask for later columns.
    pub(super) fn seen_from(&self, known: &[f32]) -> Ahead<'_> {
        let mut ahead =
            Ahead { booster: self, start: self.start.iter().map(|&y| f64::from(y)).collect(), trees: Vec::new() };
        let mut nodes = Vec::new();
        for tree in &self.trees {
            match pruned(&tree.nodes, known, &mut nodes) {
                Some(leaf) => add(&mut ahead.start, tree.leaf(leaf, self.start.len())),
                None => ahead.trees.push((tree, nodes.as_slice().into())),
            }
        }
        ahead
    }
}

impl Tree {
    fn leaf(&self, leaf: usize, n_levels: usize) -> &[f32] {
        &self.steps[leaf * n_levels..(leaf + 1) * n_levels]
    }
}

fn add(said: &mut [f64], steps: &[f32]) {
    said.iter_mut().zip(steps).for_each(|(said, step)| *said += f64::from(*step));
}

/// An ensemble as it looks once the first features of a row are known: trees that ask for nothing else have spoken.
pub(super) struct Ahead<'a> {
    booster: &'a Booster,
    start: Vec<f64>,
    trees: Vec<(&'a Tree, Box<[Node]>)>,
}

impl Ahead<'_> {
    /// The quantiles of one row of features, ascending: one that crosses its neighbour nearer the middle is moved there.
    pub(super) fn say(&self, features: &[f32], quantiles: &mut [f64]) {
        let (n_levels, middle) = (self.start.len(), self.booster.middle);
        quantiles.copy_from_slice(&self.start);
        for (tree, nodes) in &self.trees {
            add(quantiles, tree.leaf(leaf_of_features(nodes, features), n_levels));
        }
        let centre = quantiles[middle];
        let stretched = quantiles.iter_mut().zip(&self.booster.stretch);
        stretched.for_each(|(said, stretch)| *said = centre + stretch * (*said - centre));
        for at in middle + 1..n_levels {
            quantiles[at] = quantiles[at].max(quantiles[at - 1]);
        }
        for at in (0..middle).rev() {
            quantiles[at] = quantiles[at].min(quantiles[at + 1]);
        }
    }

    /// The middle one of [`Self::say`].
    pub(super) fn say_middle(&self, features: &[f32]) -> f64 {
        let (n_levels, middle) = (self.start.len(), self.booster.middle);
        let step =
            |(tree, nodes): &(&Tree, Box<[Node]>)| tree.leaf(leaf_of_features(nodes, features), n_levels)[middle];
        self.trees.iter().fold(self.start[middle], |said, tree| said + f64::from(step(tree)))
    }
}

/// What is said of each row so far, its quantiles next to each other: by the ensemble whose leaves are filled from the
/// half of the rows it is in, and by the one filled from the other half, which has not learned from it.
struct Said {
    by_its_own: Vec<f32>,
    by_the_other: Vec<f32>,
    n_levels: usize,
}

impl Said {
    fn new(table: &Table, start: &[f32]) -> Self {
        let all: Vec<f32> = table.target.iter().flat_map(|_| start.iter().copied()).collect();
        Self { by_its_own: all.clone(), by_the_other: all, n_levels: start.len() }
    }

    /// Fills the leaves of a new tree, and adds to each row what its leaf says.
    fn follow(
        &mut self,
        table: &Table,
        cells: &[u8],
        nodes: Vec<Node>,
        n_leaves: usize,
        levels: &[f64],
        growth: Growth,
    ) -> Tree {
        let n_columns = cells.len() / table.target.len();
        let leaves: Vec<u16> = cells.chunks_exact(n_columns).map(|cells| leaf_of_cells(&nodes, cells) as u16).collect();
        let mut rows = vec![[Vec::new(), Vec::new()]; n_leaves];
        for (row, &leaf) in leaves.iter().enumerate() {
            rows[usize::from(leaf)][usize::from(table.half[row])].push(row as u32);
        }
        let moves: Vec<Moves> =
            rows.iter().map(|halves| Moves::new(table, &self.by_its_own, halves, levels, growth)).collect();
        for (row, &leaf) in leaves.iter().enumerate() {
            let halves = &moves[usize::from(leaf)].halves;
            let (own, other) = (&halves[usize::from(table.half[row])], &halves[usize::from(!table.half[row])]);
            let place = row * self.n_levels..(row + 1) * self.n_levels;
            self.by_its_own[place.clone()].iter_mut().zip(own).for_each(|(said, step)| *said += step);
            self.by_the_other[place].iter_mut().zip(other).for_each(|(said, step)| *said += step);
        }
        Tree { nodes, steps: moves.iter().flat_map(Moves::together).collect() }
    }
}

/// What each row asks of the next tree: to be moved (its residual, outliers drawn in), or to be spread (the size of its
/// residual against the usual one).
fn score(table: &Table, said: &Said, middle: usize, about_spread: bool, gradients: &mut [i32]) {
    let residual = |row: usize| table.residual(row, said.by_its_own[row * said.n_levels + middle]);
    // A row in eight tells the usual size.
    let mut sizes: Vec<f32> = (0..gradients.len()).step_by(8).map(|row| residual(row).abs()).collect();
    let half = sizes.len() / 2;
    let usual = sizes.select_nth_unstable_by(half, f32::total_cmp).1.max(f32::MIN_POSITIVE);
    for (row, gradient) in gradients.iter_mut().enumerate() {
        let relative = residual(row) / usual;
        let asked = if about_spread { relative.abs().min(4.0) - 1.25 } else { relative.clamp(-2.0, 2.0) };
        *gradient = (asked * UNIT) as i32;
    }
}

/// About half of the rows of one half.
fn some_rows(half: &[bool], is_second: bool, stream: Stream) -> Vec<u32> {
    let stream = stream.child("rows");
    let mut rows = Vec::with_capacity(half.len() / 4 + 64);
    for (block, part) in half.chunks(128).enumerate() {
        // A block is 128 random bits.
        let words = stream.block(block as u64);
        for (at, _) in part.iter().enumerate().filter(|(_, is)| **is == is_second) {
            if words[at / 32] >> (at % 32) & 1 == 1 {
                rows.push((block * 128 + at) as u32);
            }
        }
    }
    rows
}

/// The columns that a tree may split on, ascending.
fn some_columns(n_columns: usize, share: f64, stream: Stream) -> Vec<usize> {
    let stream = stream.child("columns");
    let kept: Vec<usize> = (0..n_columns).filter(|&column| stream.uniform(column as u64) < share).collect();
    if kept.is_empty() { (0..n_columns).collect() } else { kept }
}

/// What a leaf adds to each quantile, as each half of its rows tells it.
struct Moves {
    halves: [Vec<f32>; 2],
    shares: [f32; 2],
}

impl Moves {
    fn new(table: &Table, said: &[f32], rows: &[Vec<u32>; 2], levels: &[f64], growth: Growth) -> Self {
        let [first, second] = rows.each_ref().map(Vec::len);
        let share = first as f32 / (first + second).max(1) as f32;
        let halves = rows.each_ref().map(|rows| moves(table, said, rows, levels, growth));
        Self { halves, shares: [share, 1.0 - share] }
    }

    fn together(&self) -> impl Iterator<Item = f32> + '_ {
        self.halves[0].iter().zip(&self.halves[1]).map(|(a, b)| a * self.shares[0] + b * self.shares[1])
    }
}

/// What `rows` add to each quantile: that quantile of their residuals, believed the less the fewer they are.
fn moves(table: &Table, said: &[f32], rows: &[u32], levels: &[f64], growth: Growth) -> Vec<f32> {
    let mut residuals: Vec<f32> = Vec::with_capacity(rows.len());
    let trust = rows.len() as f32 / (rows.len() as f32 + 0.25 * growth.least_rows as f32);
    let of_level = |(at, level): (usize, &f64)| {
        residuals.clear();
        for &row in rows {
            let row = row as usize;
            let residual = table.target[row] - said[row * levels.len() + at];
            // A demand of at least so much says nothing of a quantile above it (Powell 1986, "Censored regression
            // quantiles", J. Econometrics 32(1), 143-155).
            if !(table.censored[row] && residual <= 0.0) {
                residuals.push(residual);
            }
        }
        if residuals.is_empty() {
            return 0.0;
        }
        let place = (level * (residuals.len() - 1) as f64 + 0.5) as usize;
        growth.rate * trust * *residuals.select_nth_unstable_by(place, f32::total_cmp).1
    };
    levels.iter().enumerate().map(of_level).collect()
}

/// The best ensemble met so far, by what it says of rows it has not learned from.
struct Judge {
    loss: f64,
    n_trees: usize,
    said: Vec<f32>,
    middle: usize,
    most: f64,
}

impl Judge {
    fn new(table: &Table, said: &Said, middle: usize) -> Self {
        let residuals = said.by_the_other.chunks_exact(said.n_levels).zip(&table.target);
        let sizes: Vec<f64> = residuals.map(|(said, y)| f64::from((y - said[middle]).abs())).collect();
        let most = MOST_ERROR * quantile(&sizes, 0.5).unwrap_or(0.0);
        let mut judge = Self { loss: 0.0, n_trees: 0, said: said.by_the_other.clone(), middle, most };
        judge.loss = judge.loss_of(table, said);
        judge
    }

    /// Mean absolute error of the middle quantile: a few rows that nothing explains must not decide it.
    fn loss_of(&self, table: &Table, said: &Said) -> f64 {
        let said = said.by_the_other.chunks_exact(said.n_levels).enumerate();
        let errors = said.map(|(row, said)| f64::from(table.residual(row, said[self.middle]).abs()).min(self.most));
        errors.sum::<f64>()
    }

    /// Keeps what is said after `n_trees` when it is the best so far; whether the ensemble should grow on.
    fn goes_on(&mut self, table: &Table, said: &Said, n_trees: usize) -> bool {
        let loss = self.loss_of(table, said);
        if loss < self.loss {
            self.loss = loss;
            self.n_trees = n_trees;
            self.said.copy_from_slice(&said.by_the_other);
        }
        n_trees <= self.n_trees + PATIENCE
    }
}

/// How much farther from the middle each quantile must be for its share of the rows to lie below it.
fn stretch(table: &Table, said: &[f32], levels: Levels) -> Vec<f64> {
    let of_level = |(at, &level): (usize, &f64)| {
        let rows = said.chunks_exact(levels.all.len()).zip(&table.target);
        let mut ratios: Vec<f64> = rows
            .filter(|(said, _)| said[at] != said[levels.middle])
            .map(|(said, y)| f64::from((y - said[levels.middle]) / (said[at] - said[levels.middle])))
            .collect();
        if at == levels.middle || ratios.is_empty() {
            return 1.0;
        }
        ratios.sort_unstable_by(f64::total_cmp);
        quantile_of_sorted(&ratios, level.max(1.0 - level)).clamp(0.5, 3.0)
    };
    levels.all.iter().enumerate().map(of_level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::math;

    const LEVELS: Levels = Levels { all: &[0.1, 0.5, 0.9], middle: 1 };
    const GROWTH: Growth = Growth { n_trees: 80, rate: 0.1, n_leaves: 12, least_rows: 20, column_share: 1.0 };

    /// A middle that jumps with the first column, a spread that doubles with the second, and a column of nothing.
    fn table(n_rows: usize) -> Table {
        let stream = Stream::new(3, &["booster"]);
        let mut table = Table::default();
        for row in 0..n_rows {
            let chance = stream.child_number(row as u64);
            let [x, spread, other] = [0, 1, 2].map(|i| chance.uniform(i) as f32);
            let middle = if x > 0.4 { 5.0 } else { 1.0 };
            let sd = if spread > 0.5 { 2.0 } else { 1.0 };
            table.features.extend([x, spread, if row % 5 == 0 { f32::NAN } else { other }]);
            table.target.push(middle + sd * chance.normal(9) as f32);
            table.censored.push(false);
            table.half.push(row % 2 == 0);
        }
        table
    }

    fn said(booster: &Booster, features: [f32; 3]) -> [f64; 3] {
        let mut quantiles = [0.0; 3];
        booster.seen_from(&features[..1]).say(&features, &mut quantiles);
        quantiles
    }

    #[test]
    fn middle_and_spread_are_found() {
        let booster = Booster::grow(&table(6_000), 3, LEVELS, GROWTH, Stream::new(1, &[]));
        // Quantiles of a normal: 1.2816 standard deviations from the middle.
        for (features, middle, sd) in
            [([0.2, 0.2, 0.5], 1.0, 1.0), ([0.8, 0.2, 0.5], 5.0, 1.0), ([0.8, 0.9, 0.1], 5.0, 2.0)]
        {
            let [low, median, high] = said(&booster, features);
            assert!((median - middle).abs() < 0.25, "{median} for {middle}");
            let width = (high - low) / (2.0 * 1.2816);
            assert!((width / sd - 1.0).abs() < 0.2, "{width} for {sd}");
        }
    }

    #[test]
    fn noise_grows_no_tree_worth_keeping() {
        let mut noise = table(2_000);
        for (row, target) in noise.target.iter_mut().enumerate() {
            *target = Stream::new(4, &["noise"]).normal(row as u64) as f32;
        }
        let booster = Booster::grow(&noise, 3, LEVELS, GROWTH, Stream::new(1, &[]));
        assert!(booster.trees.len() < 30, "{} trees", booster.trees.len());
        let [low, median, high] = said(&booster, [0.5, 0.5, 0.5]);
        assert!(median.abs() < 0.2 && (low + 1.28).abs() < 0.3 && (high - 1.28).abs() < 0.3, "{low} {median} {high}");
    }

    #[test]
    fn what_is_censored_does_not_pull_down() {
        let mut seen = table(6_000);
        let mut blind = seen.clone();
        for table in [&mut seen, &mut blind] {
            table.target.iter_mut().for_each(|y| *y = y.min(5.2));
        }
        seen.censored = seen.target.iter().map(|&y| y >= 5.2).collect();
        let [seen, blind] =
            [seen, blind].map(|t| said(&Booster::grow(&t, 3, LEVELS, GROWTH, Stream::new(1, &[])), [0.8, 0.2, 0.5]));
        assert!(seen[1] >= blind[1] - 0.02 && math::sqrt((seen[1] - 5.0).powi(2)) < 0.3, "{seen:?} {blind:?}");
    }

    #[test]
    fn without_rows_a_usual_change_either_way_is_said() {
        let booster = Booster::grow(&Table::default(), 3, LEVELS, GROWTH, Stream::new(1, &[]));
        let [low, median, high] = said(&booster, [0.5; 3]);
        assert!((low + 1.2816).abs() < 1e-3 && median == 0.0 && (high - 1.2816).abs() < 1e-3, "{low} {median} {high}");
    }
}
