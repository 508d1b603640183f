//! Decisions at past origins, held against what then came, beside the rules that people use.

mod held;
mod origin;
mod pools;
mod rules;
mod score;
mod truth;
mod tuned;

use crate::line_up::SHORTEST_HISTORY;
use crate::run::too_short;
use crate::store::{self, RunRecord};
use crate::telemetry::telemetry;
use crate::{Config, Context, Error, Result};
use fleetcast_core::Panel;
use fleetcast_lake::Lake;
use fleetcast_plan::proof::Estimate;
use jiff::ToSpan;
use jiff::civil::Date;

/// Name of this program's own decisions in tables.
pub const OWN: &str = "fleetcast";
/// Name of the best that anyone could have said, where the telemetry was generated with it.
pub const ORACLE: &str = "oracle";
/// Name of somebody who knows the year ahead but for its level, which is 5 % off: what kinds of risk can be told at best.
pub const NEARLY: &str = "oracle-within-5-percent";
/// Prices of a bad day, in USD, that sizes are always judged at.
pub const LAMBDAS: [f64; 3] = [10.0, 50.0, 200.0];
/// The one of them whose rows carry what is tuned to a share of bad days, which depends on no price.
const TUNED_AT: f64 = LAMBDAS[1];
/// Days ahead that decisions are judged, unless the configuration says otherwise.
const HORIZON: usize = 90;
/// Past origins, unless the configuration says otherwise; fewer where the history is short.
const ORIGINS: usize = 12;
/// Days between two origins, unless the configuration says otherwise.
const MONTH: usize = 30;
/// Days of history that a decision needs.
const FEWEST_DAYS: usize = SHORTEST_HISTORY;

/// A score of one method.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionScore {
    /// The method: [`OWN`], [`ORACLE`] or the name of a rule.
    pub method: String,
    /// What was decided, for example `crosses 80 %`.
    pub slice: String,
    /// Its name.
    pub score: String,
    /// On all rows, with its interval over servers.
    pub estimate: Estimate,
}

/// What decisions of the past were worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// Days ahead that were judged.
    pub horizon: usize,
    /// Last days that were seen before deciding, earliest first.
    pub origins: Vec<Date>,
    /// Scores by slice and method.
    pub scores: Vec<DecisionScore>,
    /// What a reader should know of them.
    pub notes: Vec<String>,
}

impl Decided {
    /// A score.
    pub fn score(&self, method: &str, slice: &str, score: &str) -> Option<Estimate> {
        let found = self.scores.iter().find(|row| row.method == method && row.slice == slice && row.score == score);
        found.map(|row| row.estimate)
    }

    /// The slices, in the order they are told.
    pub fn slices(&self) -> Vec<&str> {
        let mut slices: Vec<&str> = Vec::new();
        for row in &self.scores {
            if !slices.contains(&row.slice.as_str()) {
                slices.push(&row.slice);
            }
        }
        slices
    }

    /// The methods of a slice, in the order they are told.
    pub fn methods(&self, slice: &str) -> Vec<&str> {
        let mut methods: Vec<&str> = Vec::new();
        for row in self.scores.iter().filter(|row| row.slice == slice) {
            if !methods.contains(&row.method.as_str()) {
                methods.push(&row.method);
            }
        }
        methods
    }
}

/// The past days after which decisions are made again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origins {
    horizon: usize,
    days: Vec<Date>,
}

impl Origins {
    /// The origins that the configuration asks for, or those that the histories have room for.
    fn choose(panel: &Panel, config: &Config) -> Result<Self> {
        let horizon = config.forecast.horizon_days.unwrap_or(HORIZON);
        let step = config.forecast.step.unwrap_or(MONTH);
        let ends = panel.histories().iter().map(|h| h.cutoff().date());
        let starts = panel.histories().iter().map(|h| h.timeline().date(0));
        let (Some(first), Some(last)) = (starts.min(), ends.max()) else { return Err(too_short(horizon)) };
        let held_out = |number: usize| (horizon + number * step) as i64;
        let room = |number: &usize| {
            let origin = last.saturating_sub(held_out(*number).days());
            origin >= first.saturating_add((FEWEST_DAYS as i64).days())
        };
        let count = (0..config.forecast.windows.unwrap_or(ORIGINS)).take_while(room).count();
        if count == 0 {
            return Err(Error::Nothing {
                what: format!(
                    "the histories, {first} to {last}, are too short to judge decisions {horizon} days later"
                ),
                hint: format!("ask for a shorter --horizon: {FEWEST_DAYS} days must stand before the first origin"),
            });
        }
        let days = (0..count).rev().map(|number| last.saturating_sub(held_out(number).days())).collect();
        Ok(Self { horizon, days })
    }
}

/// Decides again at past origins of a lake, from what was known then, and scores what was decided. The
/// scores are stored in the table `scores`.
///
/// # Errors
/// When the lake has too little history, or a setting makes no sense.
pub fn decide_lake(lake: &Lake, config: &Config, context: &Context) -> Result<Decided> {
    let started = (context.now)();
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let origins = Origins::choose(&telemetry.panel, config)?;
    let truth = truth::Truth::read(lake, &origins)?;
    let mut rows = origin::Rows::default();
    for (number, &day) in origins.days.iter().enumerate() {
        if context.progress.interrupted() {
            return Err(Error::Interrupted);
        }
        context.progress.begin(&format!("deciding as of {day} ({} of {})", number + 1, origins.days.len()), 0);
        rows.extend(origin::decide(&telemetry.panel, &truth, number, &origins, config, context)?);
    }
    context.progress.begin("running the rules", 0);
    let rules = rules::Figures::of(lake, &telemetry.panel, &origins)?;
    context.progress.begin("scoring", 0);
    let scores = score::scores(&telemetry.panel, rows, &rules, &origins, config);
    let notes = notes(&truth, &rules, &origins);
    notes.iter().for_each(|note| context.progress.note(note));
    let decided = Decided { horizon: origins.horizon, origins: origins.days, scores, notes };
    let record = RunRecord::plain("decisions", config, &telemetry.panel, decided.notes.clone(), started, context);
    let change = lake.begin()?;
    store::write_scores(&change, &record.run_id, &decided.scores)?;
    store::write_run(lake, &change, &record, None)?;
    change.commit()?;
    context.progress.end();
    Ok(decided)
}

fn notes(truth: &truth::Truth, rules: &rules::Figures, origins: &Origins) -> Vec<String> {
    let mut notes = Vec::new();
    if truth.is_empty() {
        notes.push("no oracle of these origins is in the lake, so classes are not judged".to_owned());
    }
    if rules.per_day() == 1 {
        notes.push("there are no samples within days: the rules were run on daily P95s".to_owned());
    }
    notes.extend(held::note(origins));
    notes
}
