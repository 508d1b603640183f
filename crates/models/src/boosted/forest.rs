//! A forest of trees for several quantiles at once, on the same table of numbers as the booster.
//!
//! Breiman (2001), "Random forests", Machine Learning 45(1), 5-32; quantiles from the leaves: Meinshausen (2006), "Quantile
//! regression forests", JMLR 7, 983-999. Splits are found on histograms; rows are drawn with replacement for each tree, and
//! columns without for each split.

use super::booster::{Growth, Table};
use super::tree::{Edges, Ground, Node, leaf_of_features};
use fleetcast_numeric::{Stream, normal, quantile};
use rayon::prelude::*;

/// A target of 1 as a whole number: 2^21 rows of the farthest target have a sum.
const UNIT: f32 = 50.0;

/// One tree: the ranks of the targets in each leaf, leaf after leaf.
#[derive(Clone, Debug)]
struct Tree {
    nodes: Vec<Node>,
    /// Where the ranks of each leaf begin, and where the last ones end.
    starts: Vec<u32>,
    ranks: Vec<u32>,
}

impl Tree {
    fn leaf(&self, features: &[f32]) -> &[u32] {
        let leaf = leaf_of_features(&self.nodes, features);
        &self.ranks[self.starts[leaf] as usize..self.starts[leaf + 1] as usize]
    }
}

/// A grown forest.
#[derive(Clone, Debug)]
pub(super) struct Forest {
    trees: Vec<Tree>,
    /// All targets, ascending.
    targets: Vec<f32>,
    levels: Vec<f64>,
    /// What is said without trees.
    start: Vec<f64>,
}

impl Forest {
    /// Learns the distribution of the targets of `table`; without trees, that of all of them, and without rows a standard
    /// normal one.
    pub(super) fn grow(table: &Table, n_columns: usize, levels: &[f64], growth: Growth, stream: Stream) -> Self {
        let n_rows = table.target.len();
        let mut order: Vec<u32> = (0..n_rows as u32).collect();
        order.sort_by(|a, b| table.target[*a as usize].total_cmp(&table.target[*b as usize]).then(a.cmp(b)));
        let mut ranks = vec![0; n_rows];
        order.iter().enumerate().for_each(|(rank, &row)| ranks[row as usize] = rank as u32);
        let targets: Vec<f32> = order.iter().map(|&row| table.target[row as usize]).collect();
        let all: Vec<f64> = targets.iter().map(|&y| f64::from(y)).collect();
        let told = |&level: &f64| quantile(&all, level).unwrap_or_else(|| normal::quantile(level));
        let start = levels.iter().map(told).collect();
        let mut forest = Self { trees: Vec::new(), targets, levels: levels.to_vec(), start };
        if n_rows == 0 || growth.n_trees == 0 {
            return forest;
        }
        let edges = Edges::new(table, n_columns);
        let cells = edges.cells(table);
        let asked: Vec<i32> = table.target.iter().map(|y| (y * UNIT) as i32).collect();
        let columns: Vec<usize> = (0..n_columns).collect();
        let ground = Ground { cells: &cells, n_columns, columns: &columns, gradients: &asked, edges: &edges, growth };
        let tree = |number: usize| tree(&ground, &ranks, stream.child_number(number as u64));
        forest.trees = (0..growth.n_trees).into_par_iter().map(tree).collect();
        forest
    }

    /// The quantiles of one row of features: each tree weighs the rows of its leaf alike.
    pub(super) fn say(&self, features: &[f32], quantiles: &mut [f64]) {
        quantiles.copy_from_slice(&self.start);
        if self.trees.is_empty() {
            return;
        }
        let weighted = self.weighted(features);
        let mut below = 0.0;
        let mut rows = weighted.iter();
        let mut last = 0;
        for (quantile, level) in quantiles.iter_mut().zip(&self.levels) {
            while below < level * self.trees.len() as f64 {
                let Some(&(rank, weight)) = rows.next() else { break };
                below += weight;
                last = rank;
            }
            *quantile = f64::from(self.targets[last as usize]);
        }
    }

    /// The median of one row of features.
    pub(super) fn say_middle(&self, features: &[f32], middle: usize) -> f64 {
        let mut quantiles = vec![0.0; self.levels.len()];
        self.say(features, &mut quantiles);
        quantiles[middle]
    }

    /// Ranks of the rows that speak of these features, ascending, and their weights; each tree has 1 to give.
    fn weighted(&self, features: &[f32]) -> Vec<(u32, f64)> {
        let of_tree = |tree| {
            let leaf = Tree::leaf(tree, features);
            leaf.iter().map(|&rank| (rank, 1.0 / leaf.len() as f64))
        };
        let mut weighted: Vec<(u32, f64)> = self.trees.iter().flat_map(of_tree).collect();
        weighted.sort_by_key(|(rank, _)| *rank);
        weighted
    }
}

/// One tree on as many rows as there are, drawn with replacement.
fn tree(ground: &Ground, ranks: &[u32], stream: Stream) -> Tree {
    let n_rows = ranks.len() as u64;
    let rows = (0..n_rows).map(|draw| stream.below(draw, n_rows) as u32).collect();
    let (nodes, leaves) = ground.grow_out(rows, stream.child("columns"));
    let mut starts = vec![0];
    let mut in_leaves = Vec::with_capacity(ranks.len());
    for leaf in leaves {
        in_leaves.extend(leaf.iter().map(|&row| ranks[row as usize]));
        starts.push(in_leaves.len() as u32);
    }
    Tree { nodes, starts, ranks: in_leaves }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::math;
    use std::f64::consts::PI;

    const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];

    /// Knuth's 64-bit linear congruential generator: `tests/reference/var_forest_reference.py` draws the same rows.
    fn rows(n: usize, mut state: u64) -> (Table, Vec<f64>) {
        let mut chance = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as f64 / 4_294_967_296.0
        };
        let (mut table, mut truth) = (Table::default(), Vec::new());
        for _ in 0..n {
            let x: Vec<f64> = (0..11).map(|_| chance()).collect();
            let bend = 20.0 * (x[2] - 0.5) * (x[2] - 0.5);
            let y = 10.0 * math::sin(PI * x[0] * x[1]) + bend + 10.0 * x[3] + 5.0 * x[4] + 4.0 * (x[10] - 0.5);
            table.features.extend(x[..10].iter().map(|&value| value as f32));
            table.target.push(y as f32);
            table.censored.push(false);
            table.half.push(false);
            truth.push(y);
        }
        (table, truth)
    }

    fn forest(table: &Table) -> Forest {
        let growth = Growth { n_trees: 100, rate: 1.0, n_leaves: usize::MAX, least_rows: 5, column_share: 1.0 / 3.0 };
        Forest::grow(table, 10, &LEVELS, growth, Stream::new(1, &[]))
    }

    /// scikit-learn 1.9.1, `RandomForestRegressor(n_estimators=100, min_samples_leaf=5, max_features=1/3)` on the same rows: root
    /// mean squared errors of 2.173, 2.192, 2.192, 2.209 and 2.204 with five seeds.
    #[test]
    fn errors_are_those_of_scikit_learn() {
        let ((table, _), (ahead, truth)) = (rows(2000, 2), rows(1000, 3));
        let forest = forest(&table);
        let mean = |features: &[f32]| {
            let weighted = forest.weighted(features);
            weighted.iter().map(|(rank, weight)| weight * f64::from(forest.targets[*rank as usize])).sum::<f64>()
                / 100.0
        };
        let squares: Vec<f64> =
            ahead.features.chunks_exact(10).zip(&truth).map(|(row, y)| (mean(row) - y) * (mean(row) - y)).collect();
        let error = math::sqrt(math::mean(&squares).unwrap());
        assert!((2.10..2.26).contains(&error), "{error}");
    }

    #[test]
    fn quantiles_ascend_and_hold_what_they_promise() {
        let ((table, _), (ahead, truth)) = (rows(2000, 4), rows(1000, 5));
        let forest = forest(&table);
        let mut held = 0;
        for (features, y) in ahead.features.chunks_exact(10).zip(&truth) {
            let mut said = [0.0; 3];
            forest.say(features, &mut said);
            assert!(said.is_sorted());
            held += usize::from((said[0]..=said[2]).contains(y));
        }
        // Leaves are wider than the noise, so that intervals err on the wide side.
        assert!((780..980).contains(&held), "{held}");
    }

    #[test]
    fn without_rows_a_usual_change_either_way_is_said() {
        let mut said = [0.0; 3];
        forest(&Table::default()).say(&[0.5; 10], &mut said);
        assert!((said[0] + 1.2816).abs() < 1e-3 && said[1] == 0.0, "{said:?}");
    }
}
