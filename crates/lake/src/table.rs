//! The lake's tables: names, columns, units and keys.

use crate::{Error, Result};
use std::fmt;

/// Type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A 64-bit float; NaN stands for "no value".
    Float,
    /// A 64-bit integer.
    Int,
    /// True or false.
    Bool,
    /// A local date.
    Date,
    /// An instant, in milliseconds since 1970-01-01 UTC.
    Time,
    /// A list of dates.
    Dates,
    /// A list of floats.
    Floats,
}

impl Kind {
    /// The type as a noun, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Float => "floats",
            Self::Int => "integers",
            Self::Bool => "true or false",
            Self::Date => "dates",
            Self::Time => "times",
            Self::Dates => "lists of dates",
            Self::Floats => "lists of floats",
        }
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: &'static str,
    /// Type of its values.
    pub kind: Kind,
    /// Unit of its values, written into the schema's metadata; empty where there is none.
    pub unit: &'static str,
}

const fn column(name: &'static str, kind: Kind) -> ColumnSpec {
    ColumnSpec { name, kind, unit: "" }
}

const fn measured(name: &'static str, kind: Kind, unit: &'static str) -> ColumnSpec {
    ColumnSpec { name, kind, unit }
}

const METRIC_UNIT: &str = "unit of the metric";

/// A table of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are the tables, and `about` says what each holds")]
pub enum Table {
    Servers,
    Metrics,
    Samples,
    Daily,
    Truth,
    Events,
    TruthCrossings,
    Oracle,
    Differences,
    Forecasts,
    PathModels,
    Backtests,
    Scores,
    Weights,
    Risks,
    RiskWeeks,
    PoolRisks,
    Groups,
    Recommendations,
    Runs,
}

impl Table {
    /// All tables, telemetry first and results after it.
    pub const ALL: [Self; 20] = [
        Self::Servers,
        Self::Metrics,
        Self::Samples,
        Self::Daily,
        Self::Truth,
        Self::Events,
        Self::TruthCrossings,
        Self::Oracle,
        Self::Differences,
        Self::Forecasts,
        Self::PathModels,
        Self::Backtests,
        Self::Scores,
        Self::Weights,
        Self::Risks,
        Self::RiskWeeks,
        Self::PoolRisks,
        Self::Groups,
        Self::Recommendations,
        Self::Runs,
    ];

    /// Name of the table, of its folder and in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Metrics => "metrics",
            Self::Samples => "samples",
            Self::Daily => "daily",
            Self::Truth => "truth",
            Self::Events => "events",
            Self::TruthCrossings => "truth_crossings",
            Self::Oracle => "oracle",
            Self::Differences => "differences",
            Self::Forecasts => "forecasts",
            Self::PathModels => "path_models",
            Self::Backtests => "backtests",
            Self::Scores => "scores",
            Self::Weights => "weights",
            Self::Risks => "risks",
            Self::RiskWeeks => "risk_weeks",
            Self::PoolRisks => "pool_risks",
            Self::Groups => "groups",
            Self::Recommendations => "recommendations",
            Self::Runs => "runs",
        }
    }

    /// The table called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest table.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|table| table.name()).collect();
            Error::unknown("table", name, "the lake", &known)
        })
    }

    /// What a row is, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::Servers => "a server and what is known of it",
            Self::Metrics => "a metric, its unit and, where the whole fleet shares one, its capacity",
            Self::Samples => "a server at an instant, one column per metric",
            Self::Daily => "a server's local day: 95th percentile, mean and maximum of each metric",
            Self::Truth => "the parts a generated value was made of",
            Self::Events => "something that happened to a server, a pool or a region of a generated fleet",
            Self::TruthCrossings => "the day a generated server first reached a threshold, had it no limit",
            Self::Oracle => "the best that could be known at a cutoff of a generated server's day",
            Self::Differences => "a generated value, and what a change of the scenario would have made of it",
            Self::Forecasts => "a forecast of one day",
            Self::PathModels => "what regenerates the joint futures of a series byte for byte",
            Self::Backtests => "a forecast of the past, beside what happened",
            Self::Scores => "accuracy of a model on a slice of the fleet",
            Self::Weights => "share of a model in the mixed forecast of a series",
            Self::Risks => "probability and date of a series reaching its limit",
            Self::RiskWeeks => "probability that a server has a bad day in a week to come",
            Self::PoolRisks => "probability and date of the servers of a pool reaching their limit together",
            Self::Groups => "the behaviour group of a server",
            Self::Recommendations => "what to do with a server, and what that is worth",
            Self::Runs => "a command that ran, and what it read",
        }
    }

    /// Columns that identify a row and order the table.
    pub fn key(self) -> &'static [&'static str] {
        match self {
            Self::Servers => &["server_id"],
            Self::Metrics => &["metric"],
            Self::Samples => &["server_id", "ts"],
            Self::Daily => &["server_id", "date"],
            Self::Truth => &["server_id", "ts", "metric"],
            Self::Events => &["event_id"],
            Self::TruthCrossings => &["server_id", "metric", "threshold"],
            Self::Oracle => &["server_id", "metric", "cutoff", "date"],
            Self::Differences => &["server_id", "ts", "metric"],
            Self::Forecasts => &["run_id", "model", "server_id", "metric", "cutoff", "date"],
            Self::PathModels => &["run_id", "server_id", "metric"],
            Self::Backtests => &["run_id", "model", "unique_id", "cutoff", "ds"],
            Self::Scores => &["run_id", "model", "slice", "score"],
            Self::Weights => &["run_id", "unique_id", "model"],
            Self::Risks => &["run_id", "server_id", "metric", "threshold", "min_days"],
            Self::RiskWeeks => &["run_id", "server_id", "threshold", "week_start"],
            Self::PoolRisks => &["run_id", "pool", "metric", "threshold"],
            Self::Groups | Self::Recommendations => &["run_id", "server_id"],
            Self::Runs => &["run_id"],
        }
    }

    /// Whether its rows belong to runs, so that a run can be replaced as a whole.
    pub fn is_of_runs(self) -> bool {
        self != Self::Runs && self.key()[0] == "run_id"
    }

    /// Rows that are read at a time where not all are: few of those that hold lists.
    pub(crate) fn rows_at_once(self) -> usize {
        if self.columns().iter().any(|column| column.kind == Kind::Floats) { 1 << 8 } else { 1 << 16 }
    }

    /// Whether it has columns for metrics besides its own.
    pub fn has_metrics(self) -> bool {
        matches!(self, Self::Samples | Self::Daily)
    }

    /// Its own columns; those of metrics come after them.
    pub fn columns(self) -> &'static [ColumnSpec] {
        match self {
            Self::Servers => SERVERS,
            Self::Metrics => METRICS,
            Self::Samples => SAMPLES,
            Self::Daily => DAILY,
            Self::Truth => TRUTH,
            Self::Events => EVENTS,
            Self::TruthCrossings => TRUTH_CROSSINGS,
            Self::Oracle => ORACLE,
            Self::Differences => DIFFERENCES,
            Self::Forecasts => FORECASTS,
            Self::PathModels => PATH_MODELS,
            Self::Backtests => BACKTESTS,
            Self::Scores => SCORES,
            Self::Weights => WEIGHTS,
            Self::Risks => RISKS,
            Self::RiskWeeks => RISK_WEEKS,
            Self::PoolRisks => POOL_RISKS,
            Self::Groups => GROUPS,
            Self::Recommendations => RECOMMENDATIONS,
            Self::Runs => RUNS,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

use Kind::{Bool, Date, Dates, Float, Floats, Int, Text, Time};

const SERVERS: &[ColumnSpec] = &[
    column("server_id", Text),
    column("name", Text),
    column("archetype", Text),
    column("service", Text),
    column("pool", Text),
    column("region", Text),
    column("business_unit", Text),
    column("criticality", Text),
    column("instance_type", Text),
    measured("vcpu", Float, "virtual processors"),
    measured("memory_gib", Float, "GiB"),
    measured("disk_mb_per_s", Float, "MB/s"),
    measured("network_mbit_per_s", Float, "Mbit/s"),
    column("timezone", Text),
    column("valid_from", Date),
];

const METRICS: &[ColumnSpec] =
    &[column("metric", Text), column("unit", Text), measured("capacity", Float, METRIC_UNIT)];

const SAMPLES: &[ColumnSpec] = &[column("server_id", Text), measured("ts", Time, "UTC")];

const DAILY: &[ColumnSpec] = &[
    column("server_id", Text),
    measured("date", Date, "the server's local date"),
    measured("n_samples", Int, "samples"),
];

const TRUTH: &[ColumnSpec] = &[
    column("server_id", Text),
    measured("ts", Time, "UTC"),
    column("metric", Text),
    measured("growth", Float, "factor"),
    measured("week", Float, "factor"),
    measured("season", Float, "factor"),
    measured("day", Float, "factor"),
    measured("noise", Float, "factor"),
    measured("event", Float, "factor"),
    measured("demand", Float, METRIC_UNIT),
    measured("observed", Float, METRIC_UNIT),
    column("saturated", Bool),
];

const EVENTS: &[ColumnSpec] = &[
    column("event_id", Text),
    column("type", Text),
    column("scope", Text),
    column("scope_id", Text),
    measured("start", Time, "UTC"),
    measured("peak", Time, "UTC"),
    measured("end", Time, "UTC"),
    column("metric", Text),
    measured("size", Float, "factor"),
];

const TRUTH_CROSSINGS: &[ColumnSpec] =
    &[column("server_id", Text), column("metric", Text), measured("threshold", Float, "%"), column("date", Date)];

const ORACLE: &[ColumnSpec] = &[
    column("server_id", Text),
    column("metric", Text),
    measured("cutoff", Date, "the server's local date"),
    measured("date", Date, "the server's local date"),
    measured("q05", Float, METRIC_UNIT),
    measured("q10", Float, METRIC_UNIT),
    measured("q25", Float, METRIC_UNIT),
    measured("q50", Float, METRIC_UNIT),
    measured("q75", Float, METRIC_UNIT),
    measured("q90", Float, METRIC_UNIT),
    measured("q95", Float, METRIC_UNIT),
    measured("p_crossed_80", Float, "probability"),
    measured("p_crossed_90", Float, "probability"),
];

const DIFFERENCES: &[ColumnSpec] = &[
    column("server_id", Text),
    measured("ts", Time, "UTC"),
    column("metric", Text),
    measured("demand", Float, METRIC_UNIT),
    measured("demand_changed", Float, METRIC_UNIT),
    measured("difference", Float, METRIC_UNIT),
];

const FORECASTS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("model", Text),
    column("server_id", Text),
    column("metric", Text),
    column("cutoff", Date),
    column("date", Date),
    measured("step", Int, "steps ahead"),
    measured("yhat", Float, METRIC_UNIT),
    measured("q05", Float, METRIC_UNIT),
    measured("q10", Float, METRIC_UNIT),
    measured("q25", Float, METRIC_UNIT),
    measured("q50", Float, METRIC_UNIT),
    measured("q75", Float, METRIC_UNIT),
    measured("q90", Float, METRIC_UNIT),
    measured("q95", Float, METRIC_UNIT),
    measured("q99", Float, METRIC_UNIT),
    measured("q995", Float, METRIC_UNIT),
];

const PATH_MODELS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("server_id", Text),
    column("metric", Text),
    column("cutoff", Date),
    measured("horizon", Int, "steps"),
    measured("grid_quantiles", Floats, "probability"),
    // One row of quantiles per step, steps one after the other.
    measured("grid_values", Floats, METRIC_UNIT),
    column("level", Float),
    column("memory_share", Float),
    column("memory", Float),
    column("pool_level", Float),
    column("pool_days", Float),
    column("stream_key", Text),
    column("pool_stream_key", Text),
];

// The names of the exchange file, so that the table can be scored as it is.
const BACKTESTS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("model", Text),
    column("unique_id", Text),
    measured("cutoff", Time, "UTC"),
    measured("ds", Time, "UTC"),
    column("window", Int),
    measured("step", Int, "steps ahead"),
    measured("y", Float, METRIC_UNIT),
    measured("yhat", Float, METRIC_UNIT),
    measured("q0.05", Float, METRIC_UNIT),
    measured("q0.1", Float, METRIC_UNIT),
    measured("q0.25", Float, METRIC_UNIT),
    measured("q0.5", Float, METRIC_UNIT),
    measured("q0.75", Float, METRIC_UNIT),
    measured("q0.9", Float, METRIC_UNIT),
    measured("q0.95", Float, METRIC_UNIT),
    measured("q0.99", Float, METRIC_UNIT),
    measured("q0.995", Float, METRIC_UNIT),
];

const SCORES: &[ColumnSpec] = &[
    column("run_id", Text),
    column("model", Text),
    column("slice", Text),
    column("score", Text),
    column("value", Float),
    column("low", Float),
    column("high", Float),
];

const WEIGHTS: &[ColumnSpec] =
    &[column("run_id", Text), column("unique_id", Text), column("model", Text), column("weight", Float)];

const RISKS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("server_id", Text),
    column("metric", Text),
    column("cutoff", Date),
    measured("threshold", Float, "%"),
    measured("min_days", Int, "days"),
    measured("p_30", Float, "probability"),
    measured("p_60", Float, "probability"),
    measured("p_90", Float, "probability"),
    measured("p_180", Float, "probability"),
    column("date_q10", Date),
    column("date_q50", Date),
    column("date_q90", Date),
    measured("lead_time_days", Int, "days"),
    measured("p_late", Float, "probability"),
    column("order_by", Date),
    column("class", Text),
    column("evidence", Dates),
    column("hours", Text),
    column("state", Text),
    column("reason", Text),
];

const RISK_WEEKS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("server_id", Text),
    measured("threshold", Float, "%"),
    column("week_start", Date),
    measured("p_bad_day", Float, "probability"),
];

const POOL_RISKS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("pool", Text),
    column("metric", Text),
    column("cutoff", Date),
    measured("threshold", Float, "%"),
    measured("n_servers", Int, "servers"),
    measured("n_left_out", Int, "servers"),
    // Whether servers count by their size, or all alike.
    column("by_size", Bool),
    measured("p_30", Float, "probability"),
    measured("p_60", Float, "probability"),
    measured("p_90", Float, "probability"),
    measured("p_180", Float, "probability"),
    column("date_q10", Date),
    column("date_q50", Date),
    column("date_q90", Date),
    // The highest day of the total.
    measured("peak_q10", Float, "%"),
    measured("peak_q50", Float, "%"),
    measured("peak_q90", Float, "%"),
    measured("p_two_over", Float, "probability"),
    measured("p_half_over", Float, "probability"),
    measured("p_all_over", Float, "probability"),
];

const GROUPS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("server_id", Text),
    column("group", Int),
    column("group_name", Text),
    column("underused", Bool),
    column("reason", Text),
];

const RECOMMENDATIONS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("server_id", Text),
    column("action", Text),
    column("from_type", Text),
    column("to_type", Text),
    measured("saving_usd_per_month", Float, "USD per month"),
    measured("p_violation", Float, "probability"),
    measured("expected_bad_days", Float, "days"),
    measured("lambda_usd_per_day", Float, "USD per day"),
    column("binding", Text),
    column("reason", Text),
    column("price_book_date", Date),
    // Metrics that reach the lowest threshold, the first to do so at the head, with a plus between two.
    column("bottleneck", Text),
    measured("p_first", Float, "probability"),
    measured("together", Float, "share of days"),
    measured("saving_effective_usd_per_month", Float, "USD per month"),
    measured("saving_uncommitted_usd_per_month", Float, "USD per month"),
];

const RUNS: &[ColumnSpec] = &[
    column("run_id", Text),
    column("command", Text),
    column("versions", Text),
    column("seed", Int),
    measured("started", Time, "UTC"),
    measured("finished", Time, "UTC"),
    column("status", Text),
    // JSON: the settings and the sentences that a report repeats.
    column("facts", Text),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_tables_and_keys_are_columns() {
        for table in Table::ALL {
            assert_eq!(Table::named(table.name()).unwrap(), table);
            let names: Vec<&str> = table.columns().iter().map(|c| c.name).collect();
            assert!(table.key().iter().all(|key| names.contains(key)), "{table}");
            assert!(!table.about().is_empty());
        }
        let error = Table::named("dayly").unwrap_err().to_string();
        assert!(error.starts_with("unknown table `dayly` in the lake, did you mean `daily`? known: servers, "));
        assert!(Table::Risks.is_of_runs() && !Table::Runs.is_of_runs() && !Table::Daily.is_of_runs());
    }
}
