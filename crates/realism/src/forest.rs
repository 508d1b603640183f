//! A small classifier: a vote of extremely randomised trees.
//!
//! Geurts, Ernst & Wehenkel (2006), "Extremely randomized trees", Machine Learning 63, 3-42.

use fleetcast_numeric::{Stream, math};

/// Rows a node must have to be split.
const FEWEST_ROWS: usize = 4;
const DEEPEST: usize = 12;

/// A forest that tells two classes apart.
pub(crate) struct Forest {
    trees: Vec<Vec<Node>>,
}

enum Node {
    /// Share of the second class.
    Leaf(f64),
    /// Below the cut the next node, else the node at `other`.
    Cut { figure: usize, at: f64, other: usize },
}

struct Grower<'a> {
    rows: &'a [&'a [f64]],
    is_second: &'a [bool],
    /// Figures looked at per cut.
    tried: usize,
    stream: Stream,
    drawn: u64,
    nodes: Vec<Node>,
}

impl Forest {
    /// A forest of `n_trees` that has learned which rows are of the second class.
    pub(crate) fn grown(rows: &[&[f64]], is_second: &[bool], n_trees: usize, stream: Stream) -> Self {
        let width = rows.first().map_or(1, |row| row.len());
        let tried = math::sqrt(width as f64).ceil() as usize;
        let tree = |number: usize| {
            let stream = stream.child_number(number as u64);
            let mut grower = Grower { rows, is_second, tried, stream, drawn: 0, nodes: Vec::new() };
            let mut all: Vec<usize> = (0..rows.len()).collect();
            grower.grow(&mut all, 0);
            grower.nodes
        };
        Self { trees: (0..n_trees).map(tree).collect() }
    }

    /// How much speaks for the second class, 0 to 1.
    pub(crate) fn share(&self, row: &[f64]) -> f64 {
        let votes = self.trees.iter().map(|nodes| {
            let mut at = 0;
            loop {
                match nodes[at] {
                    Node::Leaf(share) => return share,
                    Node::Cut { figure, at: cut, other } => at = if row[figure] < cut { at + 1 } else { other },
                }
            }
        });
        votes.sum::<f64>() / self.trees.len() as f64
    }
}

impl Grower<'_> {
    fn grow(&mut self, members: &mut [usize], depth: usize) {
        let here = self.nodes.len();
        let second = members.iter().filter(|row| self.is_second[**row]).count();
        let leaf = Node::Leaf(second as f64 / members.len().max(1) as f64);
        self.nodes.push(leaf);
        if depth == DEEPEST || members.len() < FEWEST_ROWS || second == 0 || second == members.len() {
            return;
        }
        let Some((figure, at)) = self.cut(members) else { return };
        let mut below = 0;
        for row in 0..members.len() {
            if self.rows[members[row]][figure] < at {
                members.swap(row, below);
                below += 1;
            }
        }
        let (left, right) = members.split_at_mut(below);
        self.grow(left, depth + 1);
        let other = self.nodes.len();
        self.nodes[here] = Node::Cut { figure, at, other };
        self.grow(right, depth + 1);
    }

    /// The best of some random cuts by the impurity it leaves; `None` when no figure varies.
    fn cut(&mut self, members: &[usize]) -> Option<(usize, f64)> {
        let width = self.rows[0].len() as u64;
        let mut best: Option<(f64, usize, f64)> = None;
        for _ in 0..self.tried {
            let figure = self.stream.below(self.drawn, width) as usize;
            let share = self.stream.child("cut").uniform(self.drawn);
            self.drawn += 1;
            let values = || members.iter().map(|row| self.rows[*row][figure]);
            let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
            let at = low + (high - low) * share;
            if at <= low || at > high {
                continue;
            }
            let impurity = self.impurity(members, figure, at);
            if best.is_none_or(|(least, ..)| impurity < least) {
                best = Some((impurity, figure, at));
            }
        }
        best.map(|(_, figure, at)| (figure, at))
    }

    /// Gini impurity left by a cut, weighted by rows.
    fn impurity(&self, members: &[usize], figure: usize, at: f64) -> f64 {
        let mut counts = [[0.0; 2]; 2];
        for &row in members {
            counts[usize::from(self.rows[row][figure] >= at)][usize::from(self.is_second[row])] += 1.0;
        }
        counts.iter().map(|[a, b]| if a + b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 }).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_an_exclusive_or_and_nothing_from_noise() {
        let stream = Stream::new(2, &["forest"]);
        let rows: Vec<Vec<f64>> = (0..600).map(|row| (0..4).map(|k| stream.uniform(row * 4 + k)).collect()).collect();
        let refs: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let right = |labels: &[bool]| {
            let forest = Forest::grown(&refs[..400], &labels[..400], 60, Stream::new(1, &["grow"]));
            (400..600).filter(|row| (forest.share(refs[*row]) > 0.5) == labels[*row]).count()
        };
        let xor: Vec<bool> = rows.iter().map(|row| (row[0] > 0.5) != (row[1] > 0.5)).collect();
        assert!(right(&xor) > 170, "{}", right(&xor));
        let noise: Vec<bool> = (0..600).map(|row| stream.child("label").uniform(row) > 0.5).collect();
        assert!((70..130).contains(&right(&noise)), "{}", right(&noise));
    }
}
