//! The figures of a review, by month, by P and by metric.

use super::judged::{Advised, Crossing, Fit, Judged};
use super::{ReviewRow, ReviewTable};
use fleetcast_plan::proof::{Estimate, Resamples, Warning, Warnings};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Name of the row over everything.
pub(super) const ALL: &str = "all";
/// Ranges of P that are told apart.
const BINS: usize = 10;

/// Every table that has a row, in the order they are told.
pub(super) fn tables(judged: &Judged, resamples: &Resamples) -> Vec<ReviewTable> {
    let mut thresholds: Vec<f64> = judged.crossings.iter().map(|row| row.threshold).collect();
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    let mut tables = Vec::new();
    for threshold in thresholds {
        let rows: Vec<&Crossing> = judged.crossings.iter().filter(|row| row.threshold == threshold).collect();
        let about = format!("crosses {threshold} %");
        let by_month = grouped(&rows, |row| row.month.clone());
        tables.push(table(&about, "said in", by_month, &rows, |rows| crossings(rows, resamples)));
        let by_p = grouped(&rows, |row| range(row.p));
        let rows = by_p.into_iter().map(|(name, rows)| ReviewRow { name, figures: chances(&rows, resamples) });
        tables.push(ReviewTable { about, by: "P between", rows: rows.collect() });
    }
    let fits: Vec<&Fit> = judged.fits.iter().collect();
    let by_month = grouped(&fits, |row| row.month.clone());
    tables.push(table("days forecast", "said in", by_month, &fits, |rows| fit(rows, resamples)));
    let by_metric = grouped(&fits, |row| row.metric.clone());
    tables.push(table("days forecast", "metric", by_metric, &fits, |rows| fit(rows, resamples)));
    let by_month = grouped(&last_of_month(&judged.advised), |row| row.month.clone());
    // What one month claims the next claims again, so there is no row over all of them.
    let rows = by_month.into_iter().map(|(name, rows)| ReviewRow { name, figures: sizes(&rows, resamples) });
    tables.push(ReviewTable { about: "changes advised".to_owned(), by: "said in", rows: rows.collect() });
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// `30-40 %`.
fn range(p: f64) -> String {
    let bin = ((p * BINS as f64) as usize).min(BINS - 1);
    format!("{:2}-{} %", 10 * bin, 10 * (bin + 1))
}

fn grouped<'a, T>(rows: &[&'a T], name: impl Fn(&T) -> String) -> BTreeMap<String, Vec<&'a T>> {
    let mut groups: BTreeMap<String, Vec<&T>> = BTreeMap::new();
    rows.iter().for_each(|row| groups.entry(name(row)).or_default().push(row));
    groups
}

/// A row for each group and, where there are several, one over all.
fn table<T>(
    about: &str,
    by: &'static str,
    groups: BTreeMap<String, Vec<&T>>,
    all: &[&T],
    figures: impl Fn(&[&T]) -> Vec<(&'static str, Estimate)>,
) -> ReviewTable {
    let several = groups.len() > 1;
    let mut rows: Vec<ReviewRow> =
        groups.into_iter().map(|(name, rows)| ReviewRow { name, figures: figures(&rows) }).collect();
    if several {
        rows.push(ReviewRow { name: ALL.to_owned(), figures: figures(all) });
    }
    ReviewTable { about: about.to_owned(), by, rows }
}

/// Figures being gathered.
struct Figures<'a> {
    resamples: &'a Resamples,
    found: Vec<(&'static str, Estimate)>,
}

impl<'a> Figures<'a> {
    fn new(resamples: &'a Resamples) -> Self {
        Self { resamples, found: Vec::new() }
    }

    fn plain(&mut self, name: &'static str, value: f64) {
        self.found.push((name, Estimate { value, interval: None }));
    }

    fn add(&mut self, name: &'static str, score: impl Fn(&[u32]) -> Option<f64>) {
        self.found.extend(self.resamples.estimate(score).map(|estimate| (name, estimate)));
    }

    /// The ratio of two sums over rows, each counted as often as its server was drawn; rows without are left out.
    fn ratio<T>(
        &mut self,
        name: &'static str,
        rows: &[&T],
        server: impl Fn(&T) -> usize,
        parts: impl Fn(&T) -> Option<(f64, f64)>,
    ) {
        let parts: Vec<(usize, f64, f64)> =
            rows.iter().filter_map(|row| parts(row).map(|(top, bottom)| (server(row), top, bottom))).collect();
        self.add(name, |times| {
            let (mut top, mut bottom) = (0.0, 0.0);
            for (server, above, below) in &parts {
                let weight = f64::from(times[*server]);
                top += weight * above;
                bottom += weight * below;
            }
            (bottom > 0.0).then(|| top / bottom)
        });
    }
}

/// What the last run of each month advised; what an earlier one claimed it claims again.
fn last_of_month(advised: &[Advised]) -> Vec<&Advised> {
    let mut last: BTreeMap<&str, Date> = BTreeMap::new();
    for row in advised {
        let known = last.entry(&row.month).or_insert(row.cutoff);
        *known = row.cutoff.max(*known);
    }
    advised.iter().filter(|row| last.get(row.month.as_str()) == Some(&row.cutoff)).collect()
}

fn one(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn chances(rows: &[&Crossing], resamples: &Resamples) -> Vec<(&'static str, Estimate)> {
    let mut figures = Figures::new(resamples);
    figures.plain("n_rows", rows.len() as f64);
    figures.ratio("p_mean", rows, |row| row.server, |row| Some((row.p, 1.0)));
    figures.ratio("came", rows, |row| row.server, |row| Some((one(row.came), 1.0)));
    figures.found
}

fn crossings(rows: &[&Crossing], resamples: &Resamples) -> Vec<(&'static str, Estimate)> {
    let warning = |row: &&Crossing| Warning { server: row.server, p: row.p, rank: row.p, crossed: row.came };
    let warnings = Warnings::new(rows.iter().map(warning).collect());
    let mut figures = Figures { resamples, found: chances(rows, resamples) };
    let days = rows.iter().map(|row| row.days);
    if days.clone().min() == days.clone().max() {
        figures.plain("within_days", days.max().unwrap_or(0) as f64);
    }
    figures.add("brier_skill", |times| warnings.brier_skill(times));
    figures.add("calibration_error", |times| warnings.calibration_error(times));
    figures.add("precision", |times| warnings.precision(times));
    figures.add("recall", |times| warnings.recall(times));
    for (place, name) in ["by_q10", "by_q50", "by_q90"].into_iter().enumerate() {
        figures.ratio(name, rows, |row| row.server, |row| row.by[place].map(|came| (one(came), 1.0)));
    }
    figures.found
}

fn fit(rows: &[&Fit], resamples: &Resamples) -> Vec<(&'static str, Estimate)> {
    let mut figures = Figures::new(resamples);
    figures.plain("n_rows", rows.len() as f64);
    figures.plain("n_days", rows.iter().map(|row| row.days).sum());
    figures.ratio("inside_90", rows, |row| row.server, |row| Some((row.inside_90, row.days)));
    figures.ratio("inside_80", rows, |row| row.server, |row| Some((row.inside_80, row.days)));
    figures.ratio("above_95", rows, |row| row.server, |row| Some((row.above_95, row.days)));
    figures.ratio("loss_of_naive", rows, |row| row.server, |row| row.losses);
    figures.found
}

fn sizes(rows: &[&Advised], resamples: &Resamples) -> Vec<(&'static str, Estimate)> {
    let sum = |figure: &dyn Fn(&Advised) -> f64| rows.iter().map(|row| figure(row)).sum::<f64>();
    let mut figures = Figures::new(resamples);
    figures.plain("n_rows", rows.len() as f64);
    figures.plain("claimed_usd_per_month", sum(&|row| row.saving_usd_per_month));
    figures.plain("n_done", sum(&|row| one(row.done)));
    figures.plain("realised_usd_per_month", sum(&|row| if row.done { row.saving_usd_per_month } else { 0.0 }));
    let judged: Vec<&Advised> = rows.iter().copied().filter(|row| row.bad_days.is_some()).collect();
    if !judged.is_empty() {
        figures.plain("n_judged", judged.len() as f64);
        let per_server = |part: fn((f64, f64)) -> f64| move |row: &Advised| row.bad_days.map(|both| (part(both), 1.0));
        figures.ratio("bad_days_promised", &judged, |row| row.server, per_server(|both| both.0));
        figures.ratio("bad_days_came", &judged, |row| row.server, per_server(|both| both.1));
    }
    figures.ratio("p_promised", rows, |row| row.server, |row| row.violation.map(|(p, _)| (p, 1.0)));
    figures.ratio("violated", rows, |row| row.server, |row| row.violation.map(|(_, came)| (one(came), 1.0)));
    figures.found
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn savings_of_several_runs_of_a_month_are_claimed_once() {
        let advised = |server: usize, cutoff: Date, saving_usd_per_month: f64| Advised {
            server,
            month: cutoff.strftime("%Y-%m").to_string(),
            cutoff,
            saving_usd_per_month,
            done: false,
            bad_days: None,
            violation: None,
        };
        // Three weekly runs in May, of which the last no longer advises the second server, and one in June.
        let rows = vec![
            advised(0, date(2024, 5, 10), 100.0),
            advised(1, date(2024, 5, 10), 40.0),
            advised(0, date(2024, 5, 17), 100.0),
            advised(1, date(2024, 5, 17), 40.0),
            advised(0, date(2024, 5, 24), 90.0),
            advised(0, date(2024, 6, 7), 90.0),
        ];
        let judged = Judged { advised: rows, ..Judged::default() };
        let tables = tables(&judged, &Resamples::new(2, 1));
        let found = |row: &ReviewRow| {
            let figure = |name: &str| row.figure(name).map(|found| found.value);
            (row.name.clone(), figure("n_rows"), figure("claimed_usd_per_month"))
        };
        let months: Vec<_> = tables[0].rows.iter().map(found).collect();
        let expected = |month: &str| (month.to_owned(), Some(1.0), Some(90.0));
        assert_eq!(months, [expected("2024-05"), expected("2024-06")]);
    }
}
