//! Can a classifier that has seen some servers tell real from synthetic on others?
//!
//! Lopez-Paz & Oquab (2017), "Revisiting classifier two-sample tests", ICLR.

use crate::card::{Outcome, Shown};
use crate::distance::sorted;
use crate::forest::Forest;
use crate::judge::{Halves, shuffled};
use crate::score::Settings;
use fleetcast_numeric::{Stream, quantile_of_sorted};
use rayon::prelude::*;

/// Parts of the servers, each of which is tested once by what was learned from the others.
const FOLDS: usize = 5;
/// Draws of real against real: each is a whole cross-validation.
const NULL_DRAWS: usize = 20;
/// Servers a side needs: fewer leave nothing to learn from.
pub(crate) const FEWEST_SERVERS: usize = 8;

/// The stretches of one server: a row of figures each.
pub(crate) type Rows = Vec<Vec<f64>>;

/// Share of stretches told apart rightly by what was learned on other servers; real and synthetic count
/// the same, and so does every server.
fn accuracy(real: &[&Rows], synthetic: &[&Rows], n_trees: usize, stream: Stream) -> f64 {
    let servers: Vec<(&Rows, bool)> =
        real.iter().map(|rows| (*rows, false)).chain(synthetic.iter().map(|rows| (*rows, true))).collect();
    let mut fold = vec![0; servers.len()];
    // Each side is dealt out by itself, so that every fold has its share of both.
    for (from, n) in [(0, real.len()), (real.len(), synthetic.len())] {
        let order = shuffled(n, stream.child_number(from as u64));
        order.iter().enumerate().for_each(|(place, server)| fold[from + server] = place % FOLDS);
    }
    let (mut right, mut n) = ([0.0; 2], [0.0; 2]);
    for number in 0..FOLDS {
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for ((server, is_synthetic), _) in servers.iter().zip(&fold).filter(|(_, f)| **f != number) {
            rows.extend(server.iter().map(Vec::as_slice));
            labels.extend(server.iter().map(|_| *is_synthetic));
        }
        let forest = Forest::grown(&rows, &labels, n_trees, stream.child("forest").child_number(number as u64));
        for ((server, is_synthetic), _) in servers.iter().zip(&fold).filter(|(_, f)| **f == number) {
            let hits = server.iter().filter(|row| (forest.share(row) > 0.5) == *is_synthetic).count();
            right[usize::from(*is_synthetic)] += hits as f64 / server.len() as f64;
            n[usize::from(*is_synthetic)] += 1.0;
        }
    }
    0.5 * (right[0] / n[0] + right[1] / n[1])
}

/// The classifier test: its accuracy, its distance from a coin's, with the p-value of a permutation test that
/// deals the labels out to whole servers.
pub(crate) fn test(real: &[Rows], synthetic: &[Rows], draws: &[Halves], settings: &Settings) -> (Outcome, Option<f64>) {
    let usable = |side: &[Rows]| -> Vec<usize> { (0..side.len()).filter(|server| !side[*server].is_empty()).collect() };
    let (of_real, of_synthetic) = (usable(real), usable(synthetic));
    let n = of_real.len().min(of_synthetic.len());
    if n < FEWEST_SERVERS {
        let why = format!(
            "{n} servers on one side, a classifier needs {FEWEST_SERVERS} to learn from some and test on others"
        );
        return (Outcome::NotShown(why), None);
    }
    let stream = Stream::new(settings.seed, &["realism", "classifier"]);
    let pick = |side: &[Rows], usable: &[usize], name: &str| -> Vec<usize> {
        shuffled(usable.len(), stream.child(name))
            .iter()
            .take(n)
            .map(|at| usable[*at])
            .filter(|s| *s < side.len())
            .collect()
    };
    let real_rows: Vec<&Rows> = pick(real, &of_real, "real").iter().map(|server| &real[*server]).collect();
    let synthetic_rows: Vec<&Rows> =
        pick(synthetic, &of_synthetic, "synthetic").iter().map(|server| &synthetic[*server]).collect();
    let reached = accuracy(&real_rows, &synthetic_rows, settings.trees, stream);
    let all: Vec<&Rows> = real_rows.iter().chain(&synthetic_rows).copied().collect();
    let permuted: Vec<f64> = (0..settings.permutations)
        .into_par_iter()
        .map(|number| {
            let stream = stream.child("permutation").child_number(number as u64);
            let order = shuffled(all.len(), stream);
            let side = |part: &[usize]| -> Vec<&Rows> { part.iter().map(|server| all[*server]).collect() };
            accuracy(&side(&order[..n]), &side(&order[n..]), settings.trees, stream)
        })
        .collect();
    let off = |accuracy: f64| (accuracy - 0.5).abs();
    let as_far = permuted.iter().filter(|accuracy| off(**accuracy) >= off(reached)).count();
    let null = null(real, draws, settings, stream);
    let shown = Shown {
        value: off(reached),
        null: quantile_of_sorted(&null, 0.5),
        null_low: quantile_of_sorted(&null, 0.05),
        null_high: quantile_of_sorted(&null, 0.95),
        p_value: (as_far + 1) as f64 / (permuted.len() + 1) as f64,
        is_distance: true,
    };
    (Outcome::Shown(shown), Some(reached))
}

/// |accuracy - 0.5| of real halves against each other, sorted.
fn null(real: &[Rows], draws: &[Halves], settings: &Settings, stream: Stream) -> Vec<f64> {
    let side = |members: &[usize]| -> Vec<&Rows> {
        members.iter().map(|server| &real[*server]).filter(|rows| !rows.is_empty()).collect()
    };
    let values: Vec<f64> = draws
        .par_iter()
        .take(NULL_DRAWS)
        .enumerate()
        .map(|(number, draw)| {
            let stream = stream.child("null").child_number(number as u64);
            (accuracy(&side(&draw.first), &side(&draw.second), settings.trees, stream) - 0.5).abs()
        })
        .collect();
    sorted(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::halves;

    /// Servers whose stretches all carry the server's own mark, which says nothing of the side.
    fn servers(seed: u64, n: u64, shift: f64) -> Vec<Rows> {
        let stream = Stream::new(seed, &["servers"]);
        let server = |s: u64| {
            let mark = stream.normal(s);
            let row = |r: u64| vec![mark, stream.child_number(s).normal(r) + shift];
            (0..6).map(row).collect()
        };
        (0..n).map(server).collect()
    }

    #[test]
    fn a_mark_of_the_server_does_not_give_the_side_away() {
        let settings = Settings { permutations: 39, trees: 30, ..Settings::default() };
        let draws = halves(20, 20, 20, 1);
        let (outcome, _) = test(&servers(1, 20, 0.0), &servers(2, 20, 0.0), &draws, &settings);
        let Outcome::Shown(same) = outcome else { panic!("twenty servers are enough") };
        assert!(same.value < 0.12 && same.p_value > 0.05, "{same:?}");
        let (outcome, accuracy) = test(&servers(1, 20, 0.0), &servers(2, 20, 3.0), &draws, &settings);
        let Outcome::Shown(far) = outcome else { panic!("twenty servers are enough") };
        assert!(far.value > 0.35 && far.p_value < 0.05 && accuracy > Some(0.85), "{far:?}");
        let (few, _) = test(&servers(1, 5, 0.0), &servers(2, 20, 0.0), &draws, &settings);
        assert!(matches!(few, Outcome::NotShown(_)));
    }
}
