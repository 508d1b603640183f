//! Scores are those of the exchange format's own scorer, on the same points.

use fleetcast_backtest::{Runs, ScoreSettings, Slice, backtest};
use fleetcast_core::{
    Error, Fitted, Forecast, Future, History, Metric, Model, Panel, Paths, REPORTED_QUANTILES, Result, SeriesId,
    Timeline, Windows,
};
use jiff::civil::date;
use std::collections::BTreeMap;
use std::sync::Arc;

const SERIES: &str = include_str!("reference/series.csv");
const FORECASTS: &str = include_str!("reference/forecasts.csv");
/// numpy 2.4.6, pandas 2.3.3: `score.score(forecasts, series, 7, base="seasonal-naive")`, see reference/scores.py.
const EXPECTED: &str = include_str!("reference/expected.csv");

/// Says what a file says.
struct FromFile {
    name: &'static str,
    /// By series and cutoff: point and quantiles of each step.
    said: BTreeMap<(String, String), Vec<[f64; 8]>>,
}

impl FromFile {
    fn new(name: &'static str) -> Self {
        let mut said: BTreeMap<_, Vec<[f64; 8]>> = BTreeMap::new();
        for line in FORECASTS.lines().skip(1).filter(|line| line.split(',').next() == Some(name)) {
            let cells: Vec<&str> = line.split(',').collect();
            let key = (cells[1].to_owned(), cells[2].to_owned());
            said.entry(key).or_default().push(std::array::from_fn(|k| cells[4 + k].parse().expect("a number")));
        }
        Self { name, said }
    }
}

impl Model for FromFile {
    fn name(&self) -> &str {
        self.name
    }

    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        let key = (history.id().to_string(), history.cutoff().date().to_string());
        let said = self.said.get(&key).cloned();
        let silent = || Error::NotForecastable { model: self.name.to_owned(), reason: "not in the file".to_owned() };
        Ok(Box::new(Said(said.ok_or_else(silent)?)))
    }
}

struct Said(Vec<[f64; 8]>);

impl Fitted for Said {
    fn predict(&self, _: &Future, quantiles: &[f64]) -> Result<Forecast> {
        // The file stops at .95; no score looks further.
        let values = self.0.iter().flat_map(|s| (1..=quantiles.len()).map(|k| s[k.min(7)])).collect();
        Forecast::new(quantiles, self.0.iter().map(|s| s[0]).collect(), values)
    }

    fn paths(&self, future: &Future, n: usize, _: u64) -> Result<Paths> {
        Paths::new(future.horizon, self.predict(future, &[])?.point().repeat(n))
    }
}

fn panel() -> Panel {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for line in SERIES.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        values.entry(cells[0]).or_default().push(cells[2].parse().unwrap_or(f64::NAN));
    }
    let history = |(id, values): (&str, Vec<f64>)| {
        let metric = Arc::new(Metric::named(""));
        History::new(SeriesId::new(id, ""), metric, Timeline::daily(date(2024, 1, 1)), values)
            .expect("values are finite")
    };
    Panel::new(Vec::new(), values.into_iter().map(history).collect()).expect("keys are distinct")
}

/// Column of the scorer's table for each of our scores.
const COLUMNS: [(&str, &str); 17] = [
    ("mae", "MAE"),
    ("rmse", "RMSE"),
    ("smape", "sMAPE"),
    ("mase", "MASE"),
    ("rmsse", "RMSSE"),
    ("nd", "ND"),
    ("wql", "WQL"),
    ("scaled_crps", "sCRPS"),
    ("coverage_90", "cov90"),
    ("coverage_80", "cov80"),
    ("under_95", "under95"),
    ("width_90_relative", "width90_rel"),
    ("pinball_95", "pin95"),
    ("peak_mae", "peakMAE"),
    ("peak_mase", "peakMASE"),
    ("peak_bias", "peak_bias"),
    ("peak_under_95", "peak_q95_cov"),
];

#[test]
fn scores_equal_the_reference_program() {
    let panel = panel();
    let models = [FromFile::new("seasonal-naive"), FromFile::new("other")];
    let models: Vec<&dyn Model> = models.iter().map(|m| m as &dyn Model).collect();
    let mut runs = Runs::new(&panel, 10).unwrap();
    let backtest = backtest(&mut runs, &models, None, &Windows::new(10, 2, 10).unwrap()).unwrap();
    assert_eq!(backtest.rows(&panel).filter(|row| row.model == "other").count(), 70);
    assert_eq!(backtest.refusals(&panel).count(), 1);
    assert!(backtest.rows(&panel).all(|row| row.quantiles.len() == REPORTED_QUANTILES.len()));

    let slices = [
        Slice::all(),
        Slice::of_series("s0 and s2", [SeriesId::new("s0", ""), SeriesId::new("s2", "")]),
        Slice::of_steps("steps=4-10", 3..10),
    ];
    let rows = backtest.scores(&panel, &slices, &ScoreSettings::new(7));
    let header: Vec<&str> = EXPECTED.lines().next().unwrap().split(',').collect();
    let expected: Vec<Vec<&str>> = EXPECTED.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), expected.len());
    for row in &rows {
        let line = expected.iter().find(|cells| cells[0] == row.slice && cells[1] == row.model).unwrap();
        let cell =
            |column: &str| -> f64 { line[header.iter().position(|name| *name == column).unwrap()].parse().unwrap() };
        assert_eq!((row.scores.n_series, row.scores.n_points), (cell("n_series") as usize, cell("n_pts") as usize));
        for ((name, value), (ours, theirs)) in row.scores.named().into_iter().zip(COLUMNS) {
            assert_eq!(name, ours);
            let (value, expected) = (value.unwrap(), cell(theirs));
            let off = (value - expected).abs() / expected.abs().max(1e-9);
            assert!(off < 1e-12, "{} {} {name}: {value} against {expected}", row.slice, row.model);
            let (low, high) = (row.low.named(), row.high.named());
            let at = low.iter().position(|(score, _)| *score == name).unwrap();
            assert!(low[at].1 <= high[at].1, "{name}");
        }
    }
}

#[test]
fn a_model_is_compared_with_another_by_ratio_and_interval() {
    let panel = panel();
    let models = [FromFile::new("seasonal-naive"), FromFile::new("other")];
    let models: Vec<&dyn Model> = models.iter().map(|m| m as &dyn Model).collect();
    let mut runs = Runs::new(&panel, 10).unwrap();
    let backtest = backtest(&mut runs, &models, None, &Windows::new(10, 2, 10).unwrap()).unwrap();
    let settings = ScoreSettings::new(7);
    let compared = backtest.compare(&panel, &Slice::all(), "seasonal-naive", &settings);
    let mase = compared.iter().find(|c| c.score == "mase").unwrap();
    // rel_MASE of the reference program.
    assert!((mase.ratio - 1.000_198_278_382_547 / 1.192_152_120_732).abs() < 1e-12);
    let (low, high) = mase.interval.unwrap();
    assert!(low <= mase.ratio && mase.ratio <= high, "{low} {} {high}", mase.ratio);
    assert!(backtest.compare(&panel, &Slice::all(), "absent", &settings).is_empty());
}
