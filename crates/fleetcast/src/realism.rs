//! How far synthetic telemetry is from real telemetry: the scorecard, and whether both rank forecasters alike.

use crate::line_up::{BASELINE, LineUp, usual_seasons};
use crate::{Config, Context, Error, Result};
use fleetcast_backtest::{Backtest, Runs};
use fleetcast_core::{History, Model, Panel, SeriesId, Step, Windows};
use fleetcast_lake::{FileFormat, IngestRequest, Lake, Telemetry, is_lake};
use fleetcast_numeric::math;
use fleetcast_realism::{Line, Outcome, Scorecard, Settings, halves, judged, scorecard};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is compared, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealismOptions {
    /// Real telemetry: a file as `ingest` takes it, or a lake.
    pub real: PathBuf,
    /// Synthetic telemetry, likewise.
    pub synthetic: PathBuf,
    /// Seed of halves, trees and permutations.
    pub seed: u64,
    /// Whether forecasters are ranked on both, which takes the longest.
    pub rank_forecasters: bool,
}

/// Forecasting methods that are ranked on both sides; those that learn from one series each.
const RANKED: [&str; 5] = ["naive", BASELINE, "seasonal-mean", "theta", "calendar-ridge"];
/// Windows the ranking is made on.
const WINDOWS: usize = 3;
/// Servers of a side that are forecast at most.
const MOST_SERVERS: usize = 60;
/// Halves of the real servers that are ranked for the null.
const DRAWS: usize = 100;
/// Servers a side needs for a ranking.
const FEWEST_SERVERS: usize = 8;

/// Compares synthetic with real telemetry, score by score.
///
/// # Errors
/// When a file cannot be read, or the two cannot be compared.
pub fn realism(options: &RealismOptions, context: &Context) -> Result<Scorecard> {
    context.progress.begin("reading telemetry", 0);
    let (real, synthetic) = (read(&options.real)?, read(&options.synthetic)?);
    let step = real.step_seconds().max(synthetic.step_seconds());
    context.progress.begin("scoring", 0);
    let settings = Settings { seed: options.seed, ..Settings::default() };
    let mut card = scorecard(&real.panel(step)?, &synthetic.panel(step)?, &settings)?;
    if options.rank_forecasters {
        context.progress.begin("ranking forecasters", 0);
        card.lines.push(rankings(&real, &synthetic, &card, options.seed)?);
    }
    context.progress.end();
    Ok(card)
}

/// Telemetry of a lake, or of a file.
pub(crate) fn read(path: &Path) -> Result<Telemetry> {
    if is_lake(path) {
        return Ok(Telemetry::of(&Lake::open(path)?)?);
    }
    if !path.is_file() {
        return Err(Error::Nothing {
            what: format!("{} is neither a file nor a lake", path.display()),
            hint: "name a CSV or Parquet file, or a folder that `ingest` or `generate` wrote".to_owned(),
        });
    }
    let request =
        IngestRequest { files: vec![path.to_owned()], format: FileFormat::ByName, ..IngestRequest::default() };
    Ok(Telemetry::read(&request)?)
}

/// Error of each method on each server of a side, relative to the methods' mean there: each server counts
/// the same, however loaded.
struct Errors {
    servers: Vec<Vec<f64>>,
}

impl Errors {
    fn of(backtest: &Backtest, panel: &Panel) -> Self {
        let mut sums: BTreeMap<(&SeriesId, &str), (f64, usize)> = BTreeMap::new();
        for row in backtest.rows(panel).filter(|row| !row.actual.is_nan()) {
            let sum = sums.entry((row.id, row.model)).or_default();
            sum.0 += (row.actual - row.point).abs();
            sum.1 += 1;
        }
        let servers = panel.histories().iter().filter_map(|history| {
            let error = |name: &&str| sums.get(&(history.id(), *name)).map(|(sum, n)| sum / *n as f64);
            let errors = RANKED.iter().map(error).collect::<Option<Vec<f64>>>()?;
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            // A series that every method forecasts exactly ranks none of them.
            (mean > 1e-9).then(|| errors.iter().map(|error| error / mean).collect())
        });
        Self { servers: servers.collect() }
    }

    /// The mean error of each method over some servers, from which the ranking follows.
    fn mean(&self, members: &[usize]) -> Vec<f64> {
        let sum = |method: usize| members.iter().map(|server| self.servers[*server][method]).sum::<f64>();
        (0..RANKED.len()).map(|method| sum(method) / members.len() as f64).collect()
    }
}

/// Kendall's tau between the rankings of forecasters on synthetic and on real telemetry.
fn rankings(real: &Telemetry, synthetic: &Telemetry, card: &Scorecard, seed: u64) -> Result<Line> {
    let (metric, real_servers, synthetic_servers) = card.servers[0].clone();
    let (real, synthetic) = (errors(real, &metric, card)?, errors(synthetic, &metric, card)?);
    let outcome = if real.servers.len().min(synthetic.servers.len()) < FEWEST_SERVERS {
        Outcome::NotShown(format!(
            "{} of {real_servers} real and {} of {synthetic_servers} synthetic servers are long enough, it takes {FEWEST_SERVERS}",
            real.servers.len(),
            synthetic.servers.len()
        ))
    } else {
        let draws = halves(real.servers.len(), synthetic.servers.len(), DRAWS, seed);
        let tau = |a: (&Errors, &[usize]), b: (&Errors, &[usize])| kendall(&a.0.mean(a.1), &b.0.mean(b.1));
        let against: Vec<f64> = draws.iter().map(|d| tau((&real, &d.first), (&synthetic, &d.synthetic))).collect();
        let null: Vec<f64> = draws.iter().map(|d| tau((&real, &d.first), (&real, &d.second))).collect();
        judged(&against, &null, false, "no ranking")
    };
    let meaning = "Kendall's tau of the rankings of five forecasters, 1 for the same order";
    Ok(Line { score: "forecaster ranking".to_owned(), metric, meaning, outcome })
}

/// Errors of the methods on each server: a day ahead by the hour, four weeks ahead where only days are known.
fn errors(telemetry: &Telemetry, metric: &str, card: &Scorecard) -> Result<Errors> {
    let step = if card.step_seconds >= Step::DAY.as_seconds() { Step::DAY } else { Step::HOUR };
    let (horizon, needed) = if step == Step::DAY { (28, 7 * 28) } else { (24, 10 * 24) };
    let length = (card.length as i64 * card.step_seconds / step.as_seconds()) as usize;
    let panel = telemetry.panel(step.as_seconds())?;
    let long_enough = |h: &History| h.len() >= needed && 10 * h.n_observed() >= 9 * h.len();
    let of_metric = panel.histories().iter().filter(|h| h.id().metric.as_ref() == metric);
    let histories: Vec<History> = of_metric
        .map(|h| h.prefix(length).unwrap_or_else(|| h.clone()))
        .filter(long_enough)
        .take(MOST_SERVERS)
        .collect();
    if histories.is_empty() {
        return Ok(Errors { servers: Vec::new() });
    }
    let panel = panel.with_histories(histories)?;
    let names: Vec<String> = RANKED.iter().map(|name| (*name).to_owned()).collect();
    let line_up = LineUp::new(&names, &usual_seasons(step), Config::default().calendar()?, horizon)?;
    let mut runs = Runs::new(&panel, horizon)?;
    let models: Vec<&dyn Model> = line_up.others.iter().map(AsRef::as_ref).collect();
    let backtest = fleetcast_backtest::backtest(&mut runs, &models, None, &Windows::new(horizon, WINDOWS, horizon)?)?;
    Ok(Errors::of(&backtest, &panel))
}

/// Kendall's tau-b of two lists of numbers: 1 when they have the same order, -1 when they have opposite
/// ones. NaN when one of them is all ties.
///
/// Kendall (1945), "The treatment of ties in ranking problems", Biometrika 33(3), 239-251.
pub fn kendall(a: &[f64], b: &[f64]) -> f64 {
    let (mut sum, mut pairs_a, mut pairs_b) = (0.0, 0.0, 0.0);
    for i in 0..a.len().min(b.len()) {
        for j in 0..i {
            let sign = |values: &[f64]| match values[i].total_cmp(&values[j]) {
                Ordering::Less => -1.0,
                Ordering::Equal => 0.0,
                Ordering::Greater => 1.0,
            };
            let (in_a, in_b): (f64, f64) = (sign(a), sign(b));
            sum += in_a * in_b;
            pairs_a += in_a.abs();
            pairs_b += in_b.abs();
        }
    }
    sum / math::sqrt(pairs_a * pairs_b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1, `kendalltau([1, 2, 3, 4, 5], [2, 1, 3, 5, 4]).statistic` and `([1, 2, 2, 3], [1, 3, 2, 2])`
    #[test]
    fn tau_equals_scipy() {
        assert!((kendall(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 5.0, 4.0]) - 0.6).abs() < 1e-12);
        assert!((kendall(&[1.0, 2.0, 2.0, 3.0], &[1.0, 3.0, 2.0, 2.0]) - 0.4).abs() < 1e-12);
        assert!(kendall(&[1.0, 1.0], &[1.0, 2.0]).is_nan());
    }
}
