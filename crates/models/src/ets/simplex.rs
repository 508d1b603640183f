//! A simplex search that asks for values instead of computing them, so that several searches can be answered at once.

/// Most rounds, and the standard deviation of the losses at which the corners are one.
const MOST_ROUNDS: usize = 1000;
const TOLERANCE: f64 = 1e-4;
/// First steps away from the start: relative, and absolute from zero.
const RELATIVE_STEP: f64 = 0.05;
const ZERO_STEP: f64 = 1e-4;

/// What the value that is asked for is of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Corner(usize),
    Reflected,
    Expanded { reflected: f64 },
    Outside { reflected: f64 },
    Inside,
    Shrunk(usize),
    Nothing,
}

/// The search for the point with the least loss, each coordinate in its bounds.
///
/// Nelder & Mead (1965), "A simplex method for function minimization", The Computer Journal 7(4); steps adapted to the
/// dimension: Gao & Han (2012), Computational Optimization and Applications 51(1). Which corner replaces which,
/// and when the search ends, is as in statsforecast, so that it ends where statsforecast's does.
#[derive(Clone, Debug)]
pub(super) struct Simplex {
    corners: Vec<Vec<f64>>,
    losses: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    centre: Vec<f64>,
    reflected: Vec<f64>,
    trial: Vec<f64>,
    asked: Asked,
    rounds: usize,
    best: usize,
    second_worst: usize,
    worst: usize,
}

impl Simplex {
    pub(super) fn new(start: &[f64], low: Vec<f64>, high: Vec<f64>) -> Self {
        let n = start.len();
        let inside: Vec<f64> = (0..n).map(|i| start[i].max(low[i]).min(high[i])).collect();
        let mut corners = vec![inside; n + 1];
        for (i, corner) in corners.iter_mut().take(n).enumerate() {
            let moved = if corner[i] == 0.0 { ZERO_STEP } else { corner[i] * (1.0 + RELATIVE_STEP) };
            corner[i] = moved.max(low[i]).min(high[i]);
        }
        let trial = corners[0].clone();
        Self {
            corners,
            losses: vec![f64::INFINITY; n + 1],
            low,
            high,
            centre: vec![0.0; n],
            reflected: vec![0.0; n],
            trial,
            asked: Asked::Corner(0),
            rounds: 0,
            best: 0,
            second_worst: 0,
            worst: 0,
        }
    }

    /// The point whose loss is asked for; `None` when the search has ended.
    pub(super) fn asks(&self) -> Option<&[f64]> {
        (self.asked != Asked::Nothing).then_some(&self.trial)
    }

    /// The best point when the last round began.
    pub(super) fn found(&self) -> &[f64] {
        &self.corners[self.best]
    }

    /// Answers what was asked.
    pub(super) fn told(&mut self, loss: f64) {
        let n = self.low.len() as f64;
        let (expansion, contraction) = (1.0 + 2.0 / n, 0.75 - 1.0 / (2.0 * n));
        match self.asked {
            Asked::Corner(corner) => {
                self.losses[corner] = loss;
                if corner + 1 < self.corners.len() {
                    self.trial.clone_from(&self.corners[corner + 1]);
                    self.asked = Asked::Corner(corner + 1);
                } else {
                    self.next_round();
                }
            }
            Asked::Reflected => {
                self.reflected.clone_from(&self.trial);
                if loss < self.losses[self.best] {
                    self.try_along(expansion);
                    self.asked = Asked::Expanded { reflected: loss };
                } else if loss < self.losses[self.second_worst] {
                    self.accept(loss, true);
                } else if loss < self.losses[self.worst] {
                    self.try_along(contraction);
                    self.asked = Asked::Outside { reflected: loss };
                } else {
                    self.try_along(-contraction);
                    self.asked = Asked::Inside;
                }
            }
            Asked::Expanded { reflected } if loss < reflected => self.accept(loss, false),
            Asked::Expanded { reflected } => self.accept(reflected, true),
            Asked::Outside { reflected } if loss <= reflected => self.accept(loss, false),
            Asked::Inside if loss < self.losses[self.worst] => self.accept(loss, false),
            Asked::Outside { .. } | Asked::Inside => self.shrink(1),
            Asked::Shrunk(corner) => {
                self.losses[corner] = loss;
                self.shrink(corner + 1);
            }
            Asked::Nothing => {}
        }
    }

    /// Ranks the corners and asks for the reflection of the worst, or ends.
    fn next_round(&mut self) {
        if self.rounds == MOST_ROUNDS {
            self.asked = Asked::Nothing;
            return;
        }
        self.rounds += 1;
        let n = self.low.len();
        (self.best, self.second_worst, self.worst) = ranks(&self.losses);
        if spread(&self.losses) < TOLERANCE {
            self.asked = Asked::Nothing;
            return;
        }
        self.centre.fill(0.0);
        for corner in &self.corners {
            self.centre.iter_mut().zip(corner).for_each(|(sum, x)| *sum += x);
        }
        let worst = &self.corners[self.worst];
        self.centre.iter_mut().zip(worst).for_each(|(sum, x)| *sum = (*sum - x) / n as f64);
        for i in 0..n {
            self.trial[i] = self.inside(i, self.centre[i] + (self.centre[i] - self.corners[self.worst][i]));
        }
        self.asked = Asked::Reflected;
    }

    fn inside(&self, i: usize, x: f64) -> f64 {
        x.max(self.low[i]).min(self.high[i])
    }

    /// Tries the point on the line from the centre through the reflected one.
    fn try_along(&mut self, share: f64) {
        for i in 0..self.trial.len() {
            self.trial[i] = self.inside(i, self.centre[i] + share * (self.reflected[i] - self.centre[i]));
        }
    }

    /// Replaces the worst corner.
    fn accept(&mut self, loss: f64, is_reflected: bool) {
        let point = if is_reflected { &self.reflected } else { &self.trial };
        self.corners[self.worst].clone_from(point);
        self.losses[self.worst] = loss;
        self.next_round();
    }

    /// Asks for `corner` moved towards the best one; all have been when there is none left.
    fn shrink(&mut self, corner: usize) {
        if corner == self.corners.len() {
            self.next_round();
            return;
        }
        let share = 1.0 - 1.0 / self.low.len() as f64;
        for i in 0..self.trial.len() {
            let best = self.corners[self.best][i];
            self.trial[i] = self.inside(i, best + share * (self.corners[corner][i] - best));
        }
        self.corners[corner].clone_from(&self.trial);
        self.asked = Asked::Shrunk(corner);
    }
}

/// Places of the least, the last but one and the largest of at least two losses.
fn ranks(losses: &[f64]) -> (usize, usize, usize) {
    let (mut best, mut second_worst, mut worst) = (0, 0, 0);
    for (i, &loss) in losses.iter().enumerate().skip(1) {
        if loss < losses[best] {
            best = i;
        }
        if loss >= losses[worst] {
            (second_worst, worst) = (worst, i);
        } else if second_worst == worst || loss >= losses[second_worst] {
            second_worst = i;
        }
    }
    (best, second_worst, worst)
}

/// Standard deviation of the losses of the corners.
fn spread(losses: &[f64]) -> f64 {
    let n = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / n;
    (losses.iter().map(|loss| (loss - mean) * (loss - mean)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_a_sorted_list() {
        assert_eq!(ranks(&[3.0, 1.0, 2.0, 5.0, 4.0]), (1, 4, 3));
        assert_eq!(ranks(&[9.0, 1.0, 2.0]), (1, 2, 0));
        assert_eq!(ranks(&[1.0, 2.0]), (0, 0, 1));
    }

    #[test]
    fn a_bowl_is_walked_to_its_bottom_or_to_the_bound_before_it() {
        let bowl = |x: &[f64]| 100.0 * ((x[0] - 3.0) * (x[0] - 3.0) + 2.0 * (x[1] + 1.0) * (x[1] + 1.0));
        let minimum = |low: f64, high: f64| {
            let mut search = Simplex::new(&[1.0, 1.0], vec![-10.0, low], vec![high, 10.0]);
            while let Some(point) = search.asks() {
                let loss = bowl(point);
                search.told(loss);
            }
            search.found().to_vec()
        };
        let (free, bound) = (minimum(-10.0, 10.0), minimum(0.0, 2.0));
        assert!((free[0] - 3.0).abs() < 0.01 && (free[1] + 1.0).abs() < 0.01, "{free:?}");
        assert!((bound[0] - 2.0).abs() < 0.01 && bound[1].abs() < 0.01, "{bound:?}");
    }
}
