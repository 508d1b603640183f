//! Totals of pools at past origins, by the joint futures of their servers and by independent ones.

use super::score::Sheet;
use super::{DecisionScore, OWN, Origins};
use crate::forecast::Forecasts;
use crate::pools::{Draw, Pool, pools};
use crate::{Config, Result};
use fleetcast_core::Panel;
use fleetcast_plan::proof::{PoolRow, Resamples, Sure};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Name of a sum whose servers have nothing to do with each other.
const APART: &str = "independent";
/// Threshold, in per cent, that two servers are over at once.
const THRESHOLD: f64 = 80.0;

/// One pool and metric at one origin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Totalled {
    pool: String,
    metric: String,
    /// By the joint futures, and by independent ones.
    together: PoolRow,
    apart: PoolRow,
}

/// Adds up the pools of `known` at an origin and holds them against what came in `whole`.
///
/// # Errors
/// When no path is asked for.
pub(super) fn total(
    (whole, known): (&Panel, &Panel),
    forecasts: &Forecasts,
    origins: &Origins,
    config: &Config,
) -> Result<Vec<Totalled>> {
    let horizon = origins.horizon;
    let rows = pools(known, forecasts).into_par_iter().map(|pool| {
        let days = pool.came(whole, horizon);
        let Some(days) = days.into_iter().collect::<Option<Vec<Vec<f64>>>>() else { return Ok(None) };
        let row = |draw: Draw| -> Result<Option<PoolRow>> {
            let sum = pool.sum(&[THRESHOLD], config.plan.n_paths, draw)?;
            let p = sum.p_two_over(0).unwrap_or(0.0);
            let Some(total) = sum.total() else { return Ok(None) };
            Ok(PoolRow::new(0, &total, &in_sum(&pool, &days), Some(Sure { p, came: two_over(&days) })))
        };
        let (together, apart) = (row(Draw::Together)?, row(Draw::Apart)?);
        let (name, metric) = (pool.name.to_owned(), pool.metric.to_owned());
        Ok(together.zip(apart).map(|(together, apart)| Totalled { pool: name, metric, together, apart }))
    });
    let rows: Result<Vec<Option<Totalled>>> = rows.collect();
    Ok(rows?.into_iter().flatten().collect())
}

/// The total of each day in per cent of what all can do; NaN where a server was not observed.
fn in_sum(pool: &Pool, days: &[Vec<f64>]) -> Vec<f64> {
    let weights = || pool.members.iter().map(|member| member.weight);
    let weight: f64 = weights().sum();
    let horizon = days.first().map_or(0, Vec::len);
    (0..horizon).map(|day| days.iter().zip(weights()).map(|(own, w)| w * own[day]).sum::<f64>() / weight).collect()
}

/// Whether some day had two servers over.
fn two_over(days: &[Vec<f64>]) -> bool {
    let horizon = days.first().map_or(0, Vec::len);
    (0..horizon).any(|day| days.iter().filter(|own| own[day] >= THRESHOLD).count() >= 2)
}

/// Scores of the totals, of all metrics and of each; nothing without pools.
pub(super) fn scores(rows: &[Totalled], seed: u64) -> Vec<DecisionScore> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let next = numbers.len();
        numbers.entry(&row.pool).or_insert(next);
    }
    let resamples = Resamples::new(numbers.len(), seed);
    let mut metrics: Vec<&str> = rows.iter().map(|row| row.metric.as_str()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let slices = std::iter::once(None).filter(|_| !rows.is_empty()).chain(metrics.into_iter().map(Some));
    let mut scores = Vec::new();
    for metric in slices {
        let slice = metric.map_or_else(|| "total of pools".to_owned(), |metric| format!("total of pools, {metric}"));
        let of_slice = || rows.iter().filter(|row| metric.is_none_or(|metric| row.metric == metric));
        let numbered = |row: &PoolRow, pool: &str| {
            let mut row = row.clone();
            row.pool = numbers[pool];
            row
        };
        let together: Vec<PoolRow> = of_slice().map(|row| numbered(&row.together, &row.pool)).collect();
        let apart: Vec<PoolRow> = of_slice().map(|row| numbered(&row.apart, &row.pool)).collect();
        for (method, rows) in [(OWN, together), (APART, apart)] {
            let mut sheet = Sheet::new(method, &slice, &resamples);
            judge(&mut sheet, &rows);
            scores.extend(sheet.scores);
        }
    }
    scores
}

fn judge(sheet: &mut Sheet, rows: &[PoolRow]) {
    sheet.count("n_rows", rows.len());
    let between = |times: &[u32], low: f64, high: f64| {
        Some(PoolRow::under(rows, times, high)? - PoolRow::under(rows, times, low)?)
    };
    sheet.add("cover_80", |times| between(times, 0.1, 0.9));
    sheet.add("cover_90", |times| between(times, 0.05, 0.95));
    for (name, quantile) in [("under_q10", 0.1), ("under_q50", 0.5), ("under_q90", 0.9), ("under_q95", 0.95)] {
        sheet.add(name, |times| PoolRow::under(rows, times, quantile));
    }
    for (name, quantile) in [("peak_under_q10", 0.1), ("peak_under_q50", 0.5), ("peak_under_q90", 0.9)] {
        sheet.add(name, |times| PoolRow::peak_under(rows, times, quantile));
    }
    sheet.add("quantile_loss", |times| PoolRow::quantile_loss(rows, times));
    sheet.add("two_over_brier", |times| PoolRow::two_over_brier(rows, times));
}
