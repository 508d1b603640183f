//! How far the forecasts can be trusted: what they would have been worth in the past.

use crate::{ScoreRow, Slice, chart, facts::Facts, number, trace};
use askama::Template;
use fleetcast_core::Scores;

/// Slices of one kind that are shown.
const CAP: usize = 12;

/// Scores by model, and of the model by slice, beside those of its baseline.
#[derive(Template)]
#[template(path = "accuracy.html")]
pub(crate) struct Accuracy {
    sentence: String,
    model: String,
    baseline: String,
    top: String,
    coverage_axis: String,
    parts: Vec<Part>,
    trace: String,
}

/// Rows of one table that belong together.
struct Part {
    caption: String,
    rows: Vec<Row>,
    n_more: String,
}

struct Row {
    name: String,
    is_own: bool,
    mase: String,
    pair: String,
    relative: String,
    is_worse: bool,
    wql: String,
    coverage_80: String,
    coverage_90: String,
    coverage: String,
    n_series: String,
}

impl Accuracy {
    pub(crate) fn new(facts: &Facts) -> Self {
        let run = facts.input.run;
        // One scale for all rows: what is shown of the model's own slices and of every model over everything.
        let shown = facts
            .input
            .scores
            .iter()
            .filter(|row| row.slice == Slice::All || row.model == run.model || row.model == run.baseline);
        let top = shown.filter_map(|row| row.scores.mase).filter(|mase| mase.is_finite()).fold(0.0, f64::max);
        let models = models(facts);
        let mut parts = Vec::new();
        if !models.is_empty() {
            parts.push(models_part(&models, &run.model, &run.baseline, top));
        }
        parts.extend(kinds(facts).into_iter().map(|kind| slices_part(facts, &kind, top)));
        Self {
            sentence: sentence(facts),
            model: run.model.clone(),
            baseline: run.baseline.clone(),
            top: number::fixed(top, 2),
            coverage_axis: chart::coverage_axis(),
            parts,
            trace: trace::command(
                run,
                &format!(
                    "SELECT model, slice, score, value, low, high FROM scores WHERE run_id = {} ORDER BY slice, score, model",
                    trace::literal(&run.run_id)
                ),
            ),
        }
    }
}

fn sentence(facts: &Facts) -> String {
    let run = facts.input.run;
    let Some(accuracy) = &facts.accuracy else {
        return "This run made no backtest, so nothing is known of how good its forecasts are.".to_owned();
    };
    let test = format!(
        "Over {} of {}",
        number::counted(run.backtest_windows as usize, "window"),
        number::counted(run.backtest_horizon_days as usize, "day")
    );
    let compared = match accuracy.gain() {
        Some(gain) => format!(
            "errors were {} {} than those of {} (MASE {} against {})",
            number::share(gain.abs(), 0),
            if gain < 0.0 { "larger" } else { "smaller" },
            run.baseline,
            number::fixed_or_nothing(accuracy.model.mase, 3),
            number::fixed_or_nothing(accuracy.baseline.and_then(|scores| scores.mase), 3),
        ),
        None => format!("the scaled error (MASE) was {}", number::fixed_or_nothing(accuracy.model.mase, 3)),
    };
    let held = match (accuracy.model.coverage_80, accuracy.model.coverage_90) {
        (Some(c80), Some(c90)) => format!(
            "; the 80\u{202f}% interval held {} of days, the 90\u{202f}% interval {}",
            number::share(c80, 1),
            number::share(c90, 1)
        ),
        _ => String::new(),
    };
    format!("{test}, {compared}{held}.")
}

/// Scores over everything: the run's model first, then the others by their error.
fn models<'a>(facts: &Facts<'a>) -> Vec<&'a ScoreRow> {
    let scores: &'a [ScoreRow] = facts.input.scores;
    let mut rows: Vec<&ScoreRow> = scores.iter().filter(|row| row.slice == Slice::All).collect();
    let mase = |row: &ScoreRow| row.scores.mase.unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| mase(a).total_cmp(&mase(b)).then_with(|| a.model.cmp(&b.model)));
    rows.sort_by_key(|row| row.model != facts.input.run.model);
    rows
}

fn models_part(models: &[&ScoreRow], own: &str, baseline: &str, top: f64) -> Part {
    let against = models.iter().find(|row| row.model == baseline).map(|row| row.scores);
    let rows = models.iter().map(|row| {
        let is_own = row.model == own;
        if row.model == baseline && !is_own {
            // The baseline's own line shows its ring alone.
            let ring = chart::pair(None, row.scores.mase, top);
            return Row { pair: ring, ..self::row(&row.model, is_own, &row.scores, None, top) };
        }
        self::row(&row.model, is_own, &row.scores, against.as_ref(), top)
    });
    Part { caption: "All series, by model".to_owned(), rows: rows.collect(), n_more: String::new() }
}

/// The kinds of slices there are, in the order in which they are met.
fn kinds(facts: &Facts) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for row in facts.input.scores {
        if let Slice::Part { kind, .. } = &row.slice
            && !kinds.contains(kind)
        {
            kinds.push(kind.clone());
        }
    }
    kinds
}

fn slices_part(facts: &Facts, kind: &str, top: f64) -> Part {
    let run = facts.input.run;
    let of = |model: &str| -> Vec<(&str, Scores)> {
        let rows = facts.input.scores.iter().filter(|row| row.model == model);
        rows.filter_map(|row| match &row.slice {
            Slice::Part { kind: k, value } if k == kind => Some((value.as_str(), row.scores)),
            _ => None,
        })
        .collect()
    };
    let (own, others) = (of(&run.model), of(&run.baseline));
    let rows = own.iter().take(CAP).map(|(value, scores)| {
        let against = others.iter().find(|(other, _)| other == value).map(|(_, scores)| scores);
        row(value, false, scores, against, top)
    });
    let n_more = if own.len() > CAP { number::count(own.len() - CAP) } else { String::new() };
    let what = if kind == "steps" { "days ahead" } else { kind };
    Part { caption: format!("{}, by {what}", run.model), rows: rows.collect(), n_more }
}

fn row(name: &str, is_own: bool, scores: &Scores, against: Option<&Scores>, top: f64) -> Row {
    let baseline = against.and_then(|scores| scores.mase);
    let relative = scores.mase.zip(baseline.filter(|b| *b > 0.0)).map(|(own, other)| own / other);
    let percent = |share: Option<f64>| share.map_or_else(|| number::NOTHING.to_owned(), |c| number::share(c, 1));
    Row {
        name: name.to_owned(),
        is_own,
        mase: number::fixed_or_nothing(scores.mase, 3),
        pair: chart::pair(scores.mase, baseline, top),
        relative: number::fixed_or_nothing(relative, 2),
        is_worse: relative.is_some_and(|ratio| ratio > 1.0),
        wql: number::fixed_or_nothing(scores.wql, 4),
        coverage_80: percent(scores.coverage_80),
        coverage_90: percent(scores.coverage_90),
        coverage: chart::coverage(scores.coverage_80, scores.coverage_90),
        n_series: number::count(scores.n_series),
    }
}
