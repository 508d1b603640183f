//! What we said, and what happened: forecasts, warnings and advice that are in a lake, held against the days that
//! came after them.

mod judged;
mod said;
mod tables;

use crate::decisions::{DecisionScore, OWN};
use crate::plan::limits;
use crate::prices::price_book;
use crate::store::{self, RunRecord};
use crate::telemetry::telemetry;
use crate::{Config, Context, Error, Result};
use fleetcast_lake::Lake;
pub use fleetcast_plan::proof::Estimate;
use fleetcast_plan::proof::Resamples;
use jiff::civil::Date;
use judged::Judged;

/// One table of a review.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewTable {
    /// What it is about, for example `crosses 80 %`.
    pub about: String,
    /// What its rows are: `said in`, `P between`, `metric`.
    pub by: &'static str,
    /// Its rows, in the order they are told.
    pub rows: Vec<ReviewRow>,
}

/// One row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewRow {
    /// A month, a range of P, a metric, or `all`.
    pub name: String,
    /// Its figures by name; those that cannot be told are absent.
    pub figures: Vec<(&'static str, Estimate)>,
}

/// A series on which the forecasts were further off than those of seasonal naive.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// The series, `server/metric`.
    pub series: String,
    /// Quantile loss of the forecasts as a multiple of that of seasonal naive.
    pub loss_of_naive: f64,
    /// Days that were judged.
    pub days: usize,
}

/// What was said of the days that have come since.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// The last day with telemetry.
    pub last_day: Date,
    /// Last days that the judged runs had seen, earliest first.
    pub cutoffs: Vec<Date>,
    /// Crossings by month and by P, forecasts by month and by metric, sizes by month.
    pub tables: Vec<ReviewTable>,
    /// Series that seasonal naive would have forecast better, the worst first.
    pub lost: Vec<Lost>,
    /// What to do about it.
    pub advice: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Holds what the runs in a lake said against the days that came since. The figures are stored in the table
/// `scores`.
///
/// Of several runs with the same last day the latest counts. A server whose type has changed since is left out of
/// everything but the savings: what was said of the old machine cannot be judged on the new one.
///
/// # Errors
/// [`Error::Nothing`] when no run was planned, or no day has come after one.
pub fn review_lake(lake: &Lake, config: &Config, context: &Context) -> Result<Review> {
    let started = (context.now)();
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let last_day = telemetry.panel.histories().iter().map(|h| h.cutoff().date()).max().unwrap_or(Date::ZERO);
    context.progress.begin("reading what was said", 0);
    let said = said::said(lake, &telemetry.panel, last_day)?;
    context.progress.begin("judging", said.len());
    let (book, limits) = (price_book(config)?, limits(config));
    let mut judged = Judged::default();
    for run in &said {
        judged.add(run, &telemetry.panel, &book, &limits, config)?;
        context.progress.advance(1);
    }
    let resamples = Resamples::new(telemetry.panel.servers().len(), config.seed);
    let lost = judged.lost();
    let tables = tables::tables(&judged, &resamples);
    let review = Review {
        last_day,
        cutoffs: said.iter().map(|run| run.cutoff).collect(),
        advice: advice(&tables),
        notes: notes(&judged, &said, last_day),
        tables,
        lost,
    };
    review.notes.iter().for_each(|note| context.progress.note(note));
    let record = RunRecord::plain("review", config, &telemetry.panel, review.notes.clone(), started, context);
    let change = lake.begin()?;
    store::write_scores(&change, &record.run_id, &review.scores())?;
    store::write_run(lake, &change, &record, None)?;
    change.commit()?;
    context.progress.end();
    Ok(review)
}

impl Review {
    /// Its figures as rows of the table `scores`; the slice is the table and the row.
    pub fn scores(&self) -> Vec<DecisionScore> {
        let rows = self.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
        let score = |(table, row): (&ReviewTable, &ReviewRow), (name, estimate): &(&str, Estimate)| DecisionScore {
            method: OWN.to_owned(),
            slice: format!("{}, {} {}", table.about, table.by, row.name),
            score: (*name).to_owned(),
            estimate: *estimate,
        };
        rows.flat_map(|row| row.1.figures.iter().map(move |figure| score(row, figure))).collect()
    }
}

impl ReviewRow {
    /// A figure by name.
    pub fn figure(&self, name: &str) -> Option<Estimate> {
        self.figures.iter().find(|(known, _)| *known == name).map(|(_, estimate)| *estimate)
    }
}

/// Where a simpler method would have been nearer, surely enough to say so.
fn advice(tables: &[ReviewTable]) -> Vec<String> {
    let metrics = tables.iter().filter(|table| table.by == "metric").flat_map(|table| &table.rows);
    let lost = |row: &ReviewRow| {
        let found = row.figure("loss_of_naive")?;
        let (low, high) = found.interval.filter(|(low, _)| *low > 1.0)?;
        Some(format!(
            "{}: fall back to seasonal-naive, whose loss was smaller by a factor of {:.2} (95 % interval {low:.2} to \
             {high:.2}), until a review says otherwise: `fleetcast forecast --models seasonal-naive`",
            row.name, found.value
        ))
    };
    metrics.filter(|row| row.name != tables::ALL).filter_map(lost).collect()
}

fn notes(judged: &Judged, said: &[said::Said], last_day: Date) -> Vec<String> {
    let mut notes = Vec::new();
    if judged.n_changed > 0 {
        notes.push(format!(
            "left out, but for savings: {} forecasts of servers whose type has changed since",
            judged.n_changed
        ));
    }
    // A plan of fewer days says no chance that could be judged.
    let says = |run: &&said::Said| run.risks.values().flatten().any(|risk| risk.p_crossed[0].is_some());
    let young = |cutoff: &Date| judged::days_between(*cutoff, last_day) < 30;
    let waiting = said.iter().filter(says).map(|run| run.cutoff).filter(young);
    if said.iter().any(|run| !says(&run)) {
        notes.push("chances were said of 30 days or more, or cannot be judged: plan at least 30 days ahead".to_owned());
    }
    if let Some(first) = waiting.min() {
        let due = first.saturating_add(jiff::Span::new().days(30));
        notes.push(format!("the chances said on {first} can be judged from {due} on, 30 days later"));
    }
    notes
}

/// The error of a lake without anything to review.
fn nothing(what: String, hint: &str) -> Error {
    Error::Nothing { what, hint: hint.to_owned() }
}
