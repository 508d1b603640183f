//! Scores of what was decided: warnings, dates, kinds of risk and sizes.

use super::origin::{Crossing, Rows, Sized};
use super::rules::Figures;
use super::{DecisionScore, LAMBDAS, NEARLY, ORACLE, OWN, Origins, TUNED_AT, held, pools, tuned};
use crate::Config;
use fleetcast_core::Panel;
use fleetcast_plan::proof::{
    COST_LOSS_RATIOS, ClassRow, DateRow, Decision, Estimate, Needed, Purchase, Purchases, Resamples, Rule, Warning,
    Warnings, macro_f1, unknown_share,
};
use rayon::prelude::*;

/// Name of the choice to leave every machine as it is.
const AS_IT_IS: &str = "as-it-is";

/// Every score, in the order they are told.
pub(super) fn scores(
    panel: &Panel,
    rows: Rows,
    rules: &Figures,
    origins: &Origins,
    config: &Config,
) -> Vec<DecisionScore> {
    let resamples = Resamples::new(panel.servers().len(), config.seed);
    let mut scores = Vec::new();
    for &threshold in &config.plan.thresholds {
        let own: Vec<&Crossing> = rows.crossings.iter().filter(|row| row.threshold == threshold).collect();
        scores.extend(warnings(&own, threshold, rules, &resamples));
        scores.extend(held::scores(&own, threshold, rules, origins, &resamples));
        scores.extend(dates(&own, threshold, &resamples));
        scores.extend(classes(&own, threshold, &resamples));
    }
    for lambda in LAMBDAS {
        let own: Vec<&Sized> = rows.sizes.iter().filter(|row| row.lambda == lambda).collect();
        scores.extend(sizes(&own, lambda, rules, &resamples));
    }
    let own: Vec<&Sized> = rows.sizes.iter().filter(|row| row.lambda == TUNED_AT).collect();
    scores.extend(tuned::scores(&own, rules, &resamples));
    scores.extend(pools::scores(&rows.pools, config.seed));
    scores
}

/// Scores of one method on one slice.
pub(super) struct Sheet<'a> {
    method: &'a str,
    slice: &'a str,
    resamples: &'a Resamples,
    pub(super) scores: Vec<DecisionScore>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(method: &'a str, slice: &'a str, resamples: &'a Resamples) -> Self {
        Self { method, slice, resamples, scores: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &str, score: impl Fn(&[u32]) -> Option<f64>) {
        self.scores.extend(self.resamples.estimate(score).map(|estimate| self.row(name, estimate)));
    }

    pub(super) fn count(&mut self, name: &str, count: usize) {
        let row = self.row(name, Estimate { value: count as f64, interval: None });
        self.scores.push(row);
    }

    fn row(&self, name: &str, estimate: Estimate) -> DecisionScore {
        let (method, slice) = (self.method.to_owned(), self.slice.to_owned());
        DecisionScore { method, slice, score: name.to_owned(), estimate }
    }
}

/// How far the second of two scores is from the first.
pub(super) fn difference(first: Option<f64>, second: Option<f64>) -> Option<f64> {
    Some(first? - second?)
}

/// Warnings of rows at risk, by every method.
fn warnings(rows: &[&Crossing], threshold: f64, rules: &Figures, resamples: &Resamples) -> Vec<DecisionScore> {
    let rows: Vec<&Crossing> = rows.iter().copied().filter(|row| row.at_risk).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let slice = format!("crosses {threshold} %");
    let said =
        |row: &Crossing, p: f64, rank: f64| Warning { server: row.server, p, rank, crossed: row.crossed.is_some() };
    let of_curve = |row: &&Crossing| {
        let p = row.curve.last().copied().unwrap_or(0.0);
        said(row, p, p)
    };
    let own = Warnings::new(rows.iter().map(of_curve).collect());
    let mut first = Sheet::new(OWN, &slice, resamples);
    first.count("n_rows", rows.len());
    first.add("base_rate", |times| own.base_rate(times));
    judge(&mut first, &own);
    let known: Vec<&Crossing> = rows.iter().copied().filter(|row| row.best.is_some()).collect();
    let mut scores = Vec::new();
    if !known.is_empty() {
        let p = |row: &Crossing| row.best.as_ref().and_then(|best| best.last().copied()).unwrap_or(0.0);
        let best = Warnings::new(known.iter().map(|row| said(row, p(row), p(row))).collect());
        let same = Warnings::new(known.iter().map(of_curve).collect());
        let share = |own: Option<f64>, best: Option<f64>| Some(own? / best.filter(|best| *best > 0.0)?);
        first.add("average_precision_of_oracle", |times| {
            share(same.average_precision(times), best.average_precision(times))
        });
        first.add("recall_of_oracle", |times| share(same.recall(times), best.recall(times)));
        first.add("precision_of_oracle", |times| share(same.precision(times), best.precision(times)));
        first.add("brier_skill_of_oracle", |times| share(same.brier_skill(times), best.brier_skill(times)));
        let mut second = Sheet::new(ORACLE, &slice, resamples);
        judge(&mut second, &best);
        scores.extend(second.scores);
    }
    let by_rule: Vec<Vec<DecisionScore>> = (Rule::ALL.par_iter())
        .map(|&rule| {
            let of_rule = |row: &&Crossing| {
                let figure = rules.get(rule, row.series, row.origin).and_then(|figure| figure.compared);
                let warns = figure.is_some_and(|figure| figure >= rule.warns_from(threshold));
                said(row, f64::from(u8::from(warns)), figure.unwrap_or(f64::NEG_INFINITY))
            };
            let of_rule = Warnings::new(rows.iter().map(of_rule).collect());
            let mut sheet = Sheet::new(rule.name(), &slice, resamples);
            judge(&mut sheet, &of_rule);
            sheet.add("average_precision_behind", |times| {
                difference(own.average_precision(times), of_rule.average_precision(times))
            });
            sheet.add("brier_behind", |times| difference(of_rule.brier(times), own.brier(times)));
            sheet.scores
        })
        .collect();
    first.scores.into_iter().chain(scores).chain(by_rule.into_iter().flatten()).collect()
}

fn judge(sheet: &mut Sheet, warnings: &Warnings) {
    sheet.add("average_precision", |times| warnings.average_precision(times));
    sheet.add("precision", |times| warnings.precision(times));
    sheet.add("recall", |times| warnings.recall(times));
    sheet.add("brier", |times| warnings.brier(times));
    sheet.add("brier_skill", |times| warnings.brier_skill(times));
    sheet.add("calibration_error", |times| warnings.calibration_error(times));
    for ratio in COST_LOSS_RATIOS {
        sheet.add(&format!("value_{ratio}"), |times| warnings.value(times, ratio));
    }
}

/// Dates of crossings, by the methods that say any.
fn dates(rows: &[&Crossing], threshold: f64, resamples: &Resamples) -> Vec<DecisionScore> {
    let slice = format!("date of crossing {threshold} %");
    let mut scores = Vec::new();
    for method in [OWN, ORACLE] {
        let curve = |row: &Crossing| if method == OWN { Some(row.curve.clone()) } else { row.best.clone() };
        let row = |row: &&Crossing| Some(DateRow { server: row.server, curve: curve(row)?, crossed: row.crossed });
        let rows: Vec<DateRow> = rows.iter().filter(|row| row.at_risk).filter_map(row).collect();
        let mut sheet = Sheet::new(method, &slice, resamples);
        sheet.add("crps_days", |times| DateRow::mean(&rows, times, |row| Some(row.crps())));
        for (name, probability) in [("by_q10", 0.1), ("by_q90", 0.9)] {
            sheet.count(&format!("n_{name}"), rows.iter().filter(|row| row.by_quantile(probability).is_some()).count());
            sheet.add(name, |times| DateRow::mean(&rows, times, |row| row.by_quantile(probability)));
        }
        scores.extend(sheet.scores.into_iter().filter(|_| !rows.is_empty()));
    }
    scores
}

/// Kinds of risk, as said and as somebody would say who nearly knows the year; none where the truth is not known.
fn classes(rows: &[&Crossing], threshold: f64, resamples: &Resamples) -> Vec<DecisionScore> {
    let slice = format!("class at {threshold} %");
    let mut scores = Vec::new();
    for method in [OWN, NEARLY] {
        let row = |row: &&Crossing| {
            let kinds = row.kinds?;
            let said = if method == OWN { kinds.said } else { kinds.nearly };
            Some(ClassRow { server: row.server, said, truth: kinds.truth })
        };
        let rows: Vec<ClassRow> = rows.iter().filter_map(row).collect();
        if !rows.is_empty() {
            let mut sheet = Sheet::new(method, &slice, resamples);
            judge_classes(&mut sheet, &rows, resamples);
            scores.extend(sheet.scores);
        }
    }
    scores
}

fn judge_classes(sheet: &mut Sheet, rows: &[ClassRow], resamples: &Resamples) {
    sheet.count("n_rows", rows.len());
    sheet.add("macro_f1", |times| macro_f1(rows, times));
    sheet.add("unknown_share", |times| unknown_share(rows, times));
    for kind in fleetcast_core::RiskClass::ALL {
        let share = |times: &[u32]| fleetcast_plan::proof::class_share(rows, times, kind);
        if share(&vec![1; resamples.n_servers()]).2 > 0.0 {
            sheet.add(&format!("precision_{kind}"), |times| share(times).0);
            sheet.add(&format!("recall_{kind}"), |times| share(times).1);
            sheet.add(&format!("share_{kind}"), |times| Some(share(times).2));
            let said = |truth| rows.iter().filter(|row| row.truth == kind && row.said == truth).count();
            for other in fleetcast_core::RiskClass::ALL.into_iter().filter(|other| said(*other) > 0) {
                sheet.count(&format!("n_{kind}_said_{other}"), said(other));
            }
        }
    }
}

/// What a rule asks for.
pub(super) fn needed(rule: Rule, row: &Sized, rules: &Figures) -> Needed {
    let share = |place: Option<usize>| rules.get(rule, place?, row.origin).and_then(|figure| figure.needed);
    Needed { cpu: share(row.cpu), memory: share(row.memory), network: share(row.network) }
}

/// Sizes at one price of a bad day, by every method.
fn sizes(rows: &[&Sized], lambda: f64, rules: &Figures, resamples: &Resamples) -> Vec<DecisionScore> {
    if rows.is_empty() {
        return Vec::new();
    }
    let slice = format!("sizes at {lambda} USD a bad day");
    let all = |decide: &(dyn Fn(&Sized) -> Option<Purchase> + Sync)| Purchases {
        // A type that the book does not have cannot have been chosen from it.
        rows: rows.iter().filter_map(|row| decide(row)).collect(),
    };
    let own = all(&|row| row.hindsight.outcome(&row.decision));
    let mut methods = vec![(OWN, own.clone()), (ORACLE, all(&|row| Some(row.hindsight.best())))];
    let stay = Decision::default();
    methods.push((AS_IT_IS, all(&|row| row.hindsight.outcome(&stay))));
    for rule in Rule::ALL {
        let bought = |row: &Sized| row.hindsight.bought(needed(rule, row, rules));
        methods.push((rule.name(), all(&|row| row.hindsight.outcome(&bought(row)))));
    }
    let by_method: Vec<Vec<DecisionScore>> = (methods.par_iter())
        .map(|(method, purchases)| {
            let mut sheet = Sheet::new(method, &slice, resamples);
            sheet.count("n_rows", purchases.rows.len());
            sheet.add("loss_usd_per_month", |times| purchases.loss_usd_per_month(times));
            sheet.add("regret_usd_per_month", |times| purchases.regret_usd_per_month(times));
            sheet.add("saving_usd_per_month", |times| purchases.saving_usd_per_month(times));
            sheet.add("bad_day_rate", |times| purchases.bad_day_rate(times));
            sheet.add("severity", |times| purchases.severity(times));
            sheet.add("worst_run_days", |times| purchases.worst_run(times));
            sheet.add("overloaded_share", |times| purchases.overloaded(times));
            sheet.add("moved_share", |times| purchases.moved(times));
            sheet.add("sound_savings", |times| purchases.sound_savings(times));
            sheet.add("realised_savings", |times| purchases.realised_savings(times));
            sheet.add("promise_error", |times| purchases.promise_error(times));
            sheet.add("promise_error_by_chance", |times| purchases.promise_error_by_chance(times));
            if ![OWN, ORACLE].contains(method) {
                sheet.add("regret_behind_usd_per_month", |times| {
                    difference(purchases.regret_usd_per_month(times), own.regret_usd_per_month(times))
                });
            }
            sheet.scores
        })
        .collect();
    by_method.into_iter().flatten().collect()
}
