//! The result: one line per score.

/// Scores of synthetic telemetry against real telemetry.
#[derive(Clone, Debug, PartialEq)]
pub struct Scorecard {
    /// Seconds between two values.
    pub step_seconds: i64,
    /// Steps compared of each series.
    pub length: usize,
    /// Servers compared per metric: metric, real, synthetic.
    pub servers: Vec<(String, usize, usize)>,
    /// The scores, in the order of the scorecard.
    pub lines: Vec<Line>,
    /// What was done to make the two comparable, and what was left out.
    pub notes: Vec<String>,
}

/// One score.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What is scored: `marginal W1`, `classifier`.
    pub score: String,
    /// Metric or pair of metrics; `all` for a score of several together.
    pub metric: String,
    /// What the value means, in a phrase, with its unit.
    pub meaning: &'static str,
    /// The value, or why there is none.
    pub outcome: Outcome,
}

/// A score, or the reason why the data cannot show it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The score beside its null.
    Shown(Shown),
    /// Why there is none.
    NotShown(String),
}

/// A score beside the same score of real against real.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Synthetic against real; the median over the draws.
    pub value: f64,
    /// Real against real: median over the draws.
    pub null: f64,
    /// Real against real: 5 % quantile.
    pub null_low: f64,
    /// Real against real: 95 % quantile.
    pub null_high: f64,
    /// Share of draws of real against real that are as far off as the synthetic telemetry.
    pub p_value: f64,
    /// Whether the value is a distance: less is better and 0 is best. Otherwise both ends of the null's
    /// interval count.
    pub is_distance: bool,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within what real telemetry differs from real telemetry.
    AsReal,
    /// Farther than the null's 95 % quantile, by less than that again.
    Near,
    /// Farther than twice the null's 95 % quantile, or outside the null's interval.
    Far,
}

impl Shown {
    /// What the value says against its null.
    pub fn verdict(&self) -> Verdict {
        let width = (self.null_high - self.null_low).abs();
        let (low, high) =
            if self.is_distance { (f64::NEG_INFINITY, self.null_high) } else { (self.null_low, self.null_high) };
        let margin = if self.is_distance { high.abs() } else { width };
        if self.value >= low && self.value <= high {
            Verdict::AsReal
        } else if self.value >= low - margin && self.value <= high + margin {
            Verdict::Near
        } else {
            Verdict::Far
        }
    }
}

impl Verdict {
    /// The verdict in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::AsReal => "as real",
            Self::Near => "near",
            Self::Far => "tells it apart",
        }
    }
}

impl Line {
    /// The score beside its null, when there is one.
    pub fn shown(&self) -> Option<&Shown> {
        match &self.outcome {
            Outcome::Shown(shown) => Some(shown),
            Outcome::NotShown(_) => None,
        }
    }
}
