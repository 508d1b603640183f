//! What a report is made from.

use fleetcast_core::{Calendar, Forecast, Outlook, Panel, Scores, SeriesId};
use jiff::civil::Date;

/// Everything a report prints: nouns of the vocabulary and the facts of one run.
///
/// Every list may be empty and every option absent; the report then says what is missing instead of
/// leaving a hole. Texts are escaped when they are printed, so they may hold anything.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// Heading of the report, for example `Fleet forecast`.
    pub title: &'a str,
    /// Facts of the run.
    pub run: &'a RunFacts,
    /// Servers and their daily series, each ending at the cutoff.
    pub panel: &'a Panel,
    /// Quarter ends, which are ruled in charts.
    pub calendar: &'a Calendar,
    /// What the planner says: risks, groups and recommendations.
    pub outlook: &'a Outlook,
    /// Forecasts from the cutoff on, in any order; a series without one gets no fan chart.
    pub forecasts: &'a [SeriesForecast<'a>],
    /// Chance of bad days week by week; `None` leaves the risk calendar out.
    pub weeks: Option<&'a WeeklyRisk>,
    /// Backtest scores, in any order.
    pub scores: &'a [ScoreRow],
    /// Sentences a reader must know, for example `horizon shortened to 14 days: the histories have 28`.
    pub notes: &'a [String],
}

/// Facts of one run: what was asked, of which data, with which settings.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFacts {
    /// Key of the run in every table of the lake.
    pub run_id: String,
    /// Version of the program.
    pub version: String,
    /// The lake as its user calls it, for example `fleetcast-demo/lake`; stands in the SQL examples.
    pub lake: String,
    /// Where the report is written, for the terminal summary; `None` when it is not written.
    pub report_path: Option<String>,
    /// Last date the forecasts have seen.
    pub cutoff: Date,
    /// Days planned ahead.
    pub horizon_days: u32,
    /// Threshold, in per cent of capacity, that counts and rankings use; others stand beside it.
    pub threshold: f64,
    /// Joint futures drawn per series.
    pub n_paths: usize,
    /// Seed of everything random.
    pub seed: Option<u64>,
    /// Name of the model that made the forecasts, as in the scores, for example `auto`.
    pub model: String,
    /// Name of the model it is compared with, for example `seasonal-naive`.
    pub baseline: String,
    /// Horizon of the backtest in days.
    pub backtest_horizon_days: u32,
    /// Windows of the backtest; 0 when none was run.
    pub backtest_windows: u32,
    /// Where the prices come from, for example `EC2 on-demand, us-east-1`.
    pub price_source: Option<String>,
}

/// The forecast of one series.
#[derive(Clone, Copy, Debug)]
pub struct SeriesForecast<'a> {
    /// The series, as in the panel.
    pub id: &'a SeriesId,
    /// Name of the model that made it.
    pub model: &'a str,
    /// Its quantiles; the first step follows the last of the series' history.
    pub forecast: &'a Forecast,
}

/// The chance of at least one bad day in each of the coming weeks.
#[derive(Clone, Debug, PartialEq)]
pub struct WeeklyRisk {
    /// Threshold in per cent of capacity; a bad day has a P95 at or over it.
    pub threshold: f64,
    /// First day of the first week; the following weeks begin 7 days apart.
    pub first_day: Date,
    /// Servers in any order; one that could not be judged is left out.
    pub servers: Vec<ServerWeeks>,
}

/// The coming weeks of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerWeeks {
    /// The server's key.
    pub server_id: String,
    /// P(week has a bad day in any metric), one per week.
    pub p_bad_day: Vec<f64>,
}

/// Backtest scores of one model over one slice of the series.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    /// Name of the model.
    pub model: String,
    /// What was scored.
    pub slice: Slice,
    /// The scores.
    pub scores: Scores,
}

/// A part of what was scored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slice {
    /// Every series and step.
    All,
    /// The series for which `kind` has this value: kind `metric`, value `cpu`.
    Part {
        /// By what the series were split, for example `metric` or `archetype`.
        kind: String,
        /// The value they share.
        value: String,
    },
}

impl Slice {
    /// Reads the slice of a scores table: `all`, or kind and value joined by `=`, `:` or `/`.
    /// A text without such a sign is a value of kind `slice`.
    pub fn named(text: &str) -> Self {
        if text.is_empty() || text.eq_ignore_ascii_case("all") {
            return Self::All;
        }
        let (kind, value) = text.split_once(['=', ':', '/']).unwrap_or(("slice", text));
        Self::Part { kind: kind.trim().to_owned(), value: value.trim().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_read_from_their_names() {
        let cpu = Slice::Part { kind: "metric".to_owned(), value: "cpu".to_owned() };
        assert_eq!(
            (Slice::named("all"), Slice::named("metric=cpu"), Slice::named("metric: cpu")),
            (Slice::All, cpu.clone(), cpu)
        );
        assert_eq!(Slice::named("peak"), Slice::Part { kind: "slice".to_owned(), value: "peak".to_owned() });
    }
}
