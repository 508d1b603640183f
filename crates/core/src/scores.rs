//! Accuracy of a forecast.

/// Scores of one model over some points; a score that cannot be computed there is `None`.
///
/// `s1` is the in-sample mean of |y(t) - y(t - m)| for season length m, `s2` the mean of its square.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// Series scored.
    pub n_series: usize,
    /// Points scored.
    pub n_points: usize,
    /// Mean absolute error, in the metric's unit.
    pub mae: Option<f64>,
    /// Root of the mean squared error, in the metric's unit.
    pub rmse: Option<f64>,
    /// Symmetric mean absolute percentage error, 0 to 200.
    pub smape: Option<f64>,
    /// Mean absolute error / s1: below 1 beats repeating the last season.
    pub mase: Option<f64>,
    /// Root mean squared error / root of s2.
    pub rmsse: Option<f64>,
    /// Sum of absolute errors / sum of absolute actuals.
    pub nd: Option<f64>,
    /// Weighted quantile loss: twice the pinball loss, averaged over quantiles, / sum of absolute actuals.
    pub wql: Option<f64>,
    /// The same loss per point / s1, so that every series counts alike.
    pub scaled_crps: Option<f64>,
    /// Share of actuals in the 90 % interval.
    pub coverage_90: Option<f64>,
    /// Share of actuals in the 80 % interval.
    pub coverage_80: Option<f64>,
    /// Share of actuals at or under the 95 % quantile.
    pub under_95: Option<f64>,
    /// Mean width of the 90 % interval / mean absolute actual.
    pub width_90_relative: Option<f64>,
    /// Twice the pinball loss at 95 % / sum of absolute actuals.
    pub pinball_95: Option<f64>,
    /// Mean absolute error on the top decile of each series' actuals.
    pub peak_mae: Option<f64>,
    /// The same / s1.
    pub peak_mase: Option<f64>,
    /// Mean (forecast - actual) / s1 there; negative is too low.
    pub peak_bias: Option<f64>,
    /// Share of those actuals at or under the 95 % quantile.
    pub peak_under_95: Option<f64>,
}

impl Scores {
    /// Each score with its name in tables, in the order they are printed.
    pub fn named(&self) -> [(&'static str, Option<f64>); 17] {
        [
            ("mae", self.mae),
            ("rmse", self.rmse),
            ("smape", self.smape),
            ("mase", self.mase),
            ("rmsse", self.rmsse),
            ("nd", self.nd),
            ("wql", self.wql),
            ("scaled_crps", self.scaled_crps),
            ("coverage_90", self.coverage_90),
            ("coverage_80", self.coverage_80),
            ("under_95", self.under_95),
            ("width_90_relative", self.width_90_relative),
            ("pinball_95", self.pinball_95),
            ("peak_mae", self.peak_mae),
            ("peak_mase", self.peak_mase),
            ("peak_bias", self.peak_bias),
            ("peak_under_95", self.peak_under_95),
        ]
    }

    /// Sets the score called `name`, a name of [`Scores::named`], `n_series` or `n_points`; other names are
    /// left alone, so that tables may hold more scores than this program knows.
    pub fn set(&mut self, name: &str, value: Option<f64>) {
        let field = match name {
            "mae" => &mut self.mae,
            "rmse" => &mut self.rmse,
            "smape" => &mut self.smape,
            "mase" => &mut self.mase,
            "rmsse" => &mut self.rmsse,
            "nd" => &mut self.nd,
            "wql" => &mut self.wql,
            "scaled_crps" => &mut self.scaled_crps,
            "coverage_90" => &mut self.coverage_90,
            "coverage_80" => &mut self.coverage_80,
            "under_95" => &mut self.under_95,
            "width_90_relative" => &mut self.width_90_relative,
            "pinball_95" => &mut self.pinball_95,
            "peak_mae" => &mut self.peak_mae,
            "peak_mase" => &mut self.peak_mase,
            "peak_bias" => &mut self.peak_bias,
            "peak_under_95" => &mut self.peak_under_95,
            "n_series" => return self.n_series = value.unwrap_or_default() as usize,
            "n_points" => return self.n_points = value.unwrap_or_default() as usize,
            _ => return,
        };
        *field = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_score_can_be_set() {
        let mut scores = Scores::default();
        let names: Vec<&str> = scores.named().iter().map(|(name, _)| *name).collect();
        names.iter().enumerate().for_each(|(at, name)| scores.set(name, Some(at as f64)));
        scores.set("n_points", Some(9.0));
        scores.set("not a score", Some(1.0));
        let expected: Vec<Option<f64>> = (0..names.len()).map(|at| Some(at as f64)).collect();
        assert_eq!(scores.named().map(|(_, value)| value).to_vec(), expected);
        assert_eq!(scores.n_points, 9);
    }
}
