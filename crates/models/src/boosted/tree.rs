//! One tree: which column splits where, found on histograms.

use super::booster::{Growth, Table};
use fleetcast_numeric::Stream;

/// Cells of a column: the lowest for missing values, the others with about as many rows each.
const CELLS: usize = 64;
/// Rows that tell where the edges of cells are: some thousand tell sixty quantiles well enough.
const ROWS_FOR_EDGES: usize = 6_000;

/// The inner cell edges of each column, ascending; a value above the i-th edge is in cell i + 2 or higher.
#[derive(Clone, Debug)]
pub(super) struct Edges(Vec<Vec<f32>>);

impl Edges {
    /// Edges of `n_columns` columns that share out the rows of `table` evenly.
    pub(super) fn new(table: &Table, n_columns: usize) -> Self {
        let n_rows = table.target.len();
        let stride = (n_rows / ROWS_FOR_EDGES).max(1);
        let edges = (0..n_columns).map(|column| {
            let cells = (0..n_rows).step_by(stride).map(|row| table.features[row * n_columns + column]);
            let mut values: Vec<f32> = cells.filter(|v| !v.is_nan()).collect();
            values.sort_unstable_by(f32::total_cmp);
            Self::between(&values)
        });
        Self(edges.collect())
    }

    fn between(sorted: &[f32]) -> Vec<f32> {
        let mut distinct = sorted.to_vec();
        distinct.dedup();
        let few = distinct.len() < CELLS;
        let source = if few { &distinct } else { sorted };
        let n = if few { distinct.len() } else { CELLS - 1 };
        // An edge lies between two neighbours, so that values met later fall on the nearer side.
        let mut edges: Vec<f32> = (1..n)
            .map(|i| {
                let at = i * source.len() / n;
                source[at - 1] + 0.5 * (source[at] - source[at - 1])
            })
            .collect();
        edges.dedup();
        edges
    }

    /// Cells of every value of `table`, row after row.
    pub(super) fn cells(&self, table: &Table) -> Vec<u8> {
        let rows = table.features.chunks_exact(self.0.len().max(1));
        rows.flat_map(|row| row.iter().zip(&self.0).map(|(value, edges)| cell(*value, edges))).collect()
    }

    /// The largest value of a cell of a column that is not its last.
    fn top(&self, column: usize, cell: u8) -> f32 {
        if cell == 0 { f32::NEG_INFINITY } else { self.0[column][usize::from(cell) - 1] }
    }
}

fn cell(value: f32, edges: &[f32]) -> u8 {
    if value.is_nan() { 0 } else { 1 + edges.partition_point(|edge| value > *edge) as u8 }
}

/// A node: where to go on, or which leaf was reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    column: u16,
    /// The last cell that goes left; missing values always do.
    cell: u8,
    is_leaf: bool,
    /// Values up to this go left.
    edge: f32,
    /// The left child, the right one being next to it; of a leaf, its number.
    next: u32,
}

impl Node {
    const LEAF: Self = Self { column: 0, cell: 0, is_leaf: true, edge: 0.0, next: 0 };
}

/// The leaf that a row of features belongs to.
#[inline]
pub(super) fn leaf_of_features(nodes: &[Node], features: &[f32]) -> usize {
    // Written so that a missing value goes left.
    leaf(nodes, |node| features[usize::from(node.column)] > node.edge)
}

/// The leaf that a row of cells belongs to.
#[inline]
pub(super) fn leaf_of_cells(nodes: &[Node], cells: &[u8]) -> usize {
    leaf(nodes, |node| cells[usize::from(node.column)] > node.cell)
}

#[inline]
fn leaf(nodes: &[Node], goes_right: impl Fn(&Node) -> bool) -> usize {
    let mut node = &nodes[0];
    while !node.is_leaf {
        node = &nodes[node.next as usize + usize::from(goes_right(node))];
    }
    node.next as usize
}

/// Puts into `left` the nodes that are still to be asked when the first columns of a row are `known`; the leaf, when none
/// is.
pub(super) fn pruned(nodes: &[Node], known: &[f32], left: &mut Vec<Node>) -> Option<usize> {
    let settled = |place: usize| {
        let mut node = &nodes[place];
        while !node.is_leaf && usize::from(node.column) < known.len() {
            node = &nodes[node.next as usize + usize::from(known[usize::from(node.column)] > node.edge)];
        }
        *node
    };
    left.clear();
    left.push(settled(0));
    if left[0].is_leaf {
        return Some(left[0].next as usize);
    }
    let mut at = 0;
    while at < left.len() {
        if !left[at].is_leaf {
            let children = left[at].next as usize;
            left[at].next = left.len() as u32;
            left.extend([settled(children), settled(children + 1)]);
        }
        at += 1;
    }
    None
}

/// Sum of gradients in the upper half, number of rows in the lower one: a row costs one addition. A carry out of the
/// counts cannot be, there are fewer than 2^32 rows.
type Cell = u64;

fn cell_of_row(gradient: i32) -> Cell {
    (u64::from(gradient as u32) << 32) | 1
}

fn sum_of(cell: Cell) -> f64 {
    f64::from((cell >> 32) as u32 as i32)
}

fn count_of(cell: Cell) -> usize {
    (cell as u32) as usize
}

/// What a tree is grown on.
pub(super) struct Ground<'a> {
    /// Cells of all columns, row after row.
    pub(super) cells: &'a [u8],
    pub(super) n_columns: usize,
    /// The columns that it may split on.
    pub(super) columns: &'a [usize],
    /// What each row asks for, in whole numbers.
    pub(super) gradients: &'a [i32],
    pub(super) edges: &'a Edges,
    pub(super) growth: Growth,
}

/// A leaf that may still be split.
struct Open {
    node: usize,
    rows: Vec<u32>,
    histogram: Vec<Cell>,
    split: Option<Split>,
}

#[derive(Clone, Copy, Debug)]
struct Split {
    gain: f64,
    /// Place among the tree's columns.
    column: usize,
    cell: u8,
}

impl Ground<'_> {
    /// The nodes of a tree grown on `rows`, the leaf of most gain split first, and the number of its leaves.
    pub(super) fn grow(&self, rows: Vec<u32>) -> (Vec<Node>, usize) {
        let mut nodes = vec![Node::LEAF];
        let histogram = self.histogram(&rows);
        let mut open = vec![self.open(0, rows, histogram)];
        while open.len() < self.growth.n_leaves {
            let gain = |at: usize| open[at].split.map_or(0.0, |split| split.gain);
            // Of equal gains the first counts.
            let best = (0..open.len()).max_by(|&a, &b| gain(a).total_cmp(&gain(b)).then(b.cmp(&a)));
            let Some((at, split)) = best.and_then(|at| Some((at, open[at].split?))) else { break };
            let children = nodes.len();
            nodes[open[at].node] = self.node(split, children);
            nodes.extend([Node::LEAF; 2]);
            let parent = &mut open[at];
            let (rows, histogram) = (std::mem::take(&mut parent.rows), std::mem::take(&mut parent.histogram));
            let [left, right] = self.split(rows, histogram, split, children);
            open[at] = left;
            open.push(right);
        }
        for (number, open) in open.iter().enumerate() {
            nodes[open.node].next = number as u32;
        }
        (nodes, open.len())
    }

    /// The nodes of a tree grown on `rows` until no leaf can be split, and the rows of each leaf. Each split sees some of the columns,
    /// as `stream` draws them.
    pub(super) fn grow_out(&self, rows: Vec<u32>, stream: Stream) -> (Vec<Node>, Vec<Vec<u32>>) {
        let (mut nodes, mut leaves) = (vec![Node::LEAF], Vec::new());
        let mut open = vec![(0, rows)];
        while let Some((node, rows)) = open.pop() {
            let columns = self.some_columns(stream.child_number(node as u64));
            let here = Ground { columns: &columns, ..*self };
            let can_split = rows.len() >= 2 * self.growth.least_rows;
            let Some(split) = can_split.then(|| here.best(&here.histogram(&rows))).flatten() else {
                nodes[node].next = leaves.len() as u32;
                leaves.push(rows);
                continue;
            };
            let (children, column) = (nodes.len(), columns[split.column]);
            nodes[node] = here.node(split, children);
            nodes.extend([Node::LEAF; 2]);
            let goes_left = |row: &u32| self.cells[*row as usize * self.n_columns + column] <= split.cell;
            let (left, right): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(goes_left);
            open.extend([(children, left), (children + 1, right)]);
        }
        (nodes, leaves)
    }

    /// A share of the columns, without replacement, in the order in which they were drawn.
    fn some_columns(&self, stream: Stream) -> Vec<usize> {
        let mut columns = self.columns.to_vec();
        let kept = ((columns.len() as f64 * self.growth.column_share) as usize).clamp(1, columns.len());
        for at in 0..kept {
            let other = at + stream.below(at as u64, (columns.len() - at) as u64) as usize;
            columns.swap(at, other);
        }
        columns.truncate(kept);
        columns
    }

    fn node(&self, split: Split, children: usize) -> Node {
        let column = self.columns[split.column];
        let edge = self.edges.top(column, split.cell);
        Node { column: column as u16, cell: split.cell, is_leaf: false, edge, next: children as u32 }
    }

    /// The two sides of a split; only the smaller one's histogram is counted, the other is what is left.
    fn split(&self, rows: Vec<u32>, mut histogram: Vec<Cell>, split: Split, children: usize) -> [Open; 2] {
        let column = self.columns[split.column];
        let goes_left = |row: &u32| self.cells[*row as usize * self.n_columns + column] <= split.cell;
        let (left, right): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(goes_left);
        let left_is_small = left.len() < right.len();
        let small = self.histogram(if left_is_small { &left } else { &right });
        histogram.iter_mut().zip(&small).for_each(|(all, small)| *all = all.wrapping_sub(*small));
        let (of_left, of_right) = if left_is_small { (small, histogram) } else { (histogram, small) };
        [self.open(children, left, of_left), self.open(children + 1, right, of_right)]
    }

    fn open(&self, node: usize, rows: Vec<u32>, histogram: Vec<Cell>) -> Open {
        let split = self.best(&histogram);
        Open { node, rows, histogram, split }
    }

    fn histogram(&self, rows: &[u32]) -> Vec<Cell> {
        let mut histogram = vec![0; self.columns.len() * CELLS];
        for &row in rows {
            let row = row as usize;
            let cells = &self.cells[row * self.n_columns..(row + 1) * self.n_columns];
            let one = cell_of_row(self.gradients[row]);
            for (block, &column) in histogram.chunks_exact_mut(CELLS).zip(self.columns) {
                // There are no more than CELLS cells; the remainder says so to the compiler.
                let cell: &mut Cell = &mut block[usize::from(cells[column]) % CELLS];
                *cell = cell.wrapping_add(one);
            }
        }
        histogram
    }

    /// The split that explains most; `None` when no split leaves enough rows on both sides.
    fn best(&self, histogram: &[Cell]) -> Option<Split> {
        let least = self.growth.least_rows;
        let mut best: Option<Split> = None;
        for (column, block) in histogram.chunks_exact(CELLS).enumerate() {
            let total = block.iter().fold(0_u64, |sum, &cell| sum.wrapping_add(cell));
            let (sum, count) = (sum_of(total), count_of(total));
            if count < 2 * least {
                continue;
            }
            let before = sum * sum / count as f64;
            let mut left: Cell = 0;
            for (cell, &here) in block.iter().enumerate().take(CELLS - 1) {
                left = left.wrapping_add(here);
                let on_left = count_of(left);
                if count_of(here) == 0 || on_left < least {
                    continue;
                }
                if count - on_left < least {
                    break;
                }
                let (of_left, of_right) = (sum_of(left), sum - sum_of(left));
                let after = of_left * of_left / on_left as f64 + of_right * of_right / (count - on_left) as f64;
                if after - before > best.map_or(0.0, |best| best.gain) {
                    best = Some(Split { gain: after - before, column, cell: cell as u8 });
                }
            }
        }
        best
    }
}
