//! The words of the command line.

mod generator;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
pub use generator::{FileKind, GenerateArgs, OutputFormat, PartitionBy, ProfileCommand, RealismArgs, ScenarioCommand};
use std::path::PathBuf;

/// Which servers will be too full, when, with what probability and why; which are too big; and what that is worth.
#[derive(Debug, Parser)]
#[command(
    name = "fleetcast",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  fleetcast demo                                             a made-up fleet, from telemetry to report
  fleetcast ingest --lake l csv cpu.csv --timezone Europe/London
  fleetcast run --lake l --report report.html                the same for your own telemetry
  fleetcast sql --lake l \"select * from risks where p_90 > 0.5 order by date_q50\"

Exit codes: 0 done, 1 failed, 2 wrong use."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print results only: no progress, no notes
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Print the result as one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// Worker threads; results do not depend on it [default: one per core]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
    /// Append a log of what was done, and how long it took, to this file
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a fleet, forecast it, and write the report: all stages in one go
    Demo(DemoArgs),
    /// Backtest, forecast, plan and report on what is in a lake
    Run(RunArgs),
    /// Generate fleet telemetry whose truth is known
    Generate(GenerateArgs),
    /// Look at the profiles of server archetypes
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Look at the scenarios fleets are generated in
    #[command(subcommand)]
    Scenario(ScenarioCommand),
    /// Score how far made-up telemetry is from real telemetry
    Realism(RealismArgs),
    /// Take telemetry from CSV or Parquet files into a lake
    Ingest(IngestArgs),
    /// Ask a lake in SQL
    Sql(SqlArgs),
    /// Measure forecasting methods on the past
    Backtest(BacktestArgs),
    /// Forecast every series
    Forecast(ForecastArgs),
    /// Turn forecasts into risks, groups and sizes
    Plan(PlanArgs),
    /// Say all that is known of one server, and why: risks, group, and every size that was weighed
    Explain(ExplainArgs),
    /// Compare the plan with what it would be after changes of load, machines or prices
    WhatIf(WhatIfArgs),
    /// Look for small servers that could share machines
    Consolidate(ConsolidateArgs),
    /// Hold what earlier runs said against what then came
    Review(ReviewArgs),
    /// Write what the last plan says to a file for other programs
    Export(ExportArgs),
    /// Write the report of the last run
    Report(ReportArgs),
    /// Look after a lake
    #[command(subcommand)]
    Lake(LakeCommand),
    /// Print the completions of a shell
    #[command(after_help = "Example: fleetcast completions bash > /etc/bash_completion.d/fleetcast")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast demo
  fleetcast demo --servers 50 --days 730 --seed 7 --out small-fleet
  fleetcast sql --lake fleetcast-demo/lake \"select class, count(*) from risks group by class\"

An existing folder of an earlier demo is replaced; any other folder is refused.")]
pub struct DemoArgs {
    /// Servers in the fleet
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub servers: usize,
    /// Days of history, from 2022-01-01 on
    #[arg(long, default_value_t = 1095, value_name = "N")]
    pub days: usize,
    /// Seed of the fleet; the same seed gives the same bytes
    #[arg(long, default_value_t = 42, value_name = "S")]
    pub seed: u64,
    /// Days ahead that the backtest scores; risks are planned 180 days ahead
    #[arg(long, default_value_t = 90, value_name = "DAYS")]
    pub horizon: usize,
    /// Folder for the lake and the report
    #[arg(long, default_value = "fleetcast-demo", value_name = "DIR")]
    pub out: PathBuf,
}

/// What every stage after ingest can be told; each flag overrules the configuration file.
#[derive(Debug, Args, Clone)]
pub struct Settings {
    /// A TOML file with these settings and more (see docs/configuration.md)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Days ahead that the backtest scores, 1 to 730 [default: 90, less for short histories]
    #[arg(long, value_name = "DAYS")]
    pub horizon: Option<usize>,
    /// Forecasting methods, comma-separated [default: auto]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub models: Vec<String>,
    /// Metrics to look at, comma-separated [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub metrics: Vec<String>,
    /// Seed of the joint paths and of the clustering [default: 42]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
}

/// What the planner can be told.
#[derive(Debug, Args, Clone)]
pub struct PlanSettings {
    /// Thresholds in % of capacity, comma-separated [default: 80,90]
    #[arg(long, value_delimiter = ',', value_name = "PERCENT")]
    pub threshold: Vec<f64>,
    /// What a bad day is worth avoiding, in USD [default: 50]
    #[arg(long, value_name = "USD")]
    pub lambda: Option<f64>,
    /// Prices of instance types as CSV, the EC2 price list of a region, or a folder of such files [default: built-in
    /// on-demand prices, us-east-1]
    #[arg(long, value_name = "FILE")]
    pub price_book: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast run --lake l --report report.html
  fleetcast run --lake l --horizon 30 --threshold 70,85 --lambda 200
  fleetcast run --config fleet.toml

With a short history it chooses a horizon it can defend, and says so.")]
pub struct RunArgs {
    /// The lake [default: the one in --config]
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    pub lake: Option<PathBuf>,
    #[command(flatten)]
    pub settings: Settings,
    #[command(flatten)]
    pub plan: PlanSettings,
    /// What servers really cost, FOCUS 1.x as CSV or Parquet, a file or a folder: savings are then also told at the rates
    /// paid, and without what commitments cover
    #[arg(long, value_name = "PATH")]
    pub costs: Option<PathBuf>,
    /// Days ahead that risks are planned [default: 180]
    #[arg(long, value_name = "DAYS")]
    pub plan_horizon: Option<usize>,
    /// Also write the report here
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Form of an ingested file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// Comma-separated values with one header line, gzip or plain
    Csv,
    /// Apache Parquet
    Parquet,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast ingest --lake l csv cpu.csv
  fleetcast ingest --lake l parquet part-*.parquet --timezone America/New_York
  fleetcast ingest --lake l csv links.csv --capacity traffic=10e9
  fleetcast ingest --lake l csv odd.csv --map columns.toml

Files are long (server, time, metric, value) or wide (server, time, a column per metric), or daily P95s.
Columns are guessed from their names and shown; a map file says otherwise. Taking the same file in twice changes nothing.")]
pub struct IngestArgs {
    /// The lake; made when it does not exist
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// Form of the files
    #[arg(value_enum)]
    pub format: InputFormat,
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A TOML file that says which column is what
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// A CSV file of what is known of the servers: server_id, vcpu, memory_gib, timezone, ...
    #[arg(long = "servers", value_name = "FILE")]
    pub servers_file: Option<PathBuf>,
    /// Capacity of a metric in its own unit, as metric=value; may be given more than once
    #[arg(long, value_name = "METRIC=VALUE", value_parser = parse_capacity)]
    pub capacity: Vec<(String, f64)>,
    /// Zone of times without an offset, and of the local days of new servers [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
}

/// Form of an SQL answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// Aligned columns
    Table,
    /// One header line, then a line per row
    Csv,
    /// A list of objects
    Json,
    /// A file, with --out
    Parquet,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast sql --lake l \"select count(*), count(distinct server_id) from daily\"
  fleetcast sql --lake l \"select server_id, date_q50, p_90 from risks where threshold = 90 order by p_90 desc limit 10\"
  fleetcast sql --lake l \"select * from forecasts\" --format parquet --out forecasts.parquet

Tables: fleetcast lake ls --lake l")]
pub struct SqlArgs {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// The question
    pub query: String,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = AnswerFormat::Table)]
    pub format: AnswerFormat,
    /// Write the answer to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Where series come from.
#[derive(Debug, Args, Clone)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// Daily P95s of a lake
    #[arg(long, value_name = "DIR")]
    pub lake: Option<PathBuf>,
    /// A long file of series: unique_id, ds, y (CSV or Parquet)
    #[arg(long, value_name = "FILE")]
    pub series: Option<PathBuf>,
}

/// How a file of series is to be read.
#[derive(Debug, Args, Clone)]
pub struct SeriesSettings {
    /// Step of the series: D, H, W, or minutes as 30min
    #[arg(long, default_value = "D", value_name = "STEP")]
    pub frequency: String,
    /// Season lengths in steps, comma-separated; the first scales the scores [default: 7 for D, 24,168 for H, 52 for W]
    #[arg(long, value_delimiter = ',', value_name = "STEPS")]
    pub season: Vec<usize>,
    /// Range values cannot leave, as low,high; values at the upper end count as censored
    #[arg(long, value_name = "LOW,HIGH", value_parser = parse_bounds, allow_hyphen_values = true)]
    pub bounds: Option<(f64, f64)>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast backtest --lake l
  fleetcast backtest --series demand.csv --season 7 --horizon 90 --windows 4 --out forecasts.parquet
  fleetcast backtest --series hourly.parquet --frequency H --horizon 48 --windows 1 --models auto,seasonal-naive,theta
  fleetcast backtest --lake l --decisions
  fleetcast backtest --series demand.csv --diagnose

How to read the table: MASE below 1 beats repeating the last season inside the history; WQL weighs all
quantiles, lower is better; cov90 is the share of actuals inside the 90 % interval, and should be near 0.90.
A method is worth its trouble when its `rel` columns (its score / that of seasonal-naive) are well below 1.

With --decisions, what would have been advised is held against what then came: warnings by average precision
(1 is perfect), P by Brier skill (0 is the base rate), sizes by regret, the USD per server and month that the best
choice in hindsight would have saved. Rules that people use today are run on the same past (docs/decisions.md).

With --diagnose: a small ADF p (Dickey and Fuller) says that a series returns to its level, a small KPSS p that its level
wanders (known from 0.01 to 0.1), a small Ljung-Box p that values tell of later ones; `season` is the share of the
variance beside the trend that the season explains.")]
pub struct BacktestArgs {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub settings: Settings,
    #[command(flatten)]
    pub series_settings: SeriesSettings,
    /// Past cutoffs to forecast from [default: 4, fewer for short histories; 12 with --decisions]
    #[arg(long, value_name = "N")]
    pub windows: Option<usize>,
    /// Steps between two cutoffs [default: the horizon; 30 with --decisions]
    #[arg(long, value_name = "STEPS")]
    pub step: Option<usize>,
    /// Judge warnings and sizes in place of forecasts, beside the rules people use
    #[arg(long, conflicts_with_all = ["series", "out", "models"])]
    pub decisions: bool,
    /// Test each series for a level, memory and a season in place of forecasting it
    #[arg(long, conflicts_with_all = ["decisions", "out", "models", "windows", "step"])]
    pub diagnose: bool,
    /// Thresholds in % of capacity that warnings are judged at, with --decisions [default: 80,90]
    #[arg(long, value_delimiter = ',', value_name = "PERCENT", requires = "decisions")]
    pub threshold: Vec<f64>,
    /// Prices of instance types that sizes are judged by, with --decisions [default: as `plan`]
    #[arg(long, value_name = "FILE", requires = "decisions")]
    pub price_book: Option<PathBuf>,
    /// Write every forecast made to this file (CSV or Parquet), and the timings beside it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast forecast --lake l --horizon 60
  fleetcast forecast --series demand.csv --horizon 30 --out next-month.csv
  fleetcast forecast --series demand.csv --components parts.csv --weights shares.csv

Of a step of --components, yhat = trend + week + year + quarter_end + events + rest: the first five are the calendar
regression's account of the series, rest is what other methods say beyond it.")]
pub struct ForecastArgs {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub settings: Settings,
    #[command(flatten)]
    pub series_settings: SeriesSettings,
    /// Write the forecasts to this file (CSV or Parquet)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write what each step is made of to this file: trend, week, year, quarter ends, events and the rest
    #[arg(long, value_name = "FILE")]
    pub components: Option<PathBuf>,
    /// Write the share of each method in each series to this file
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast plan --lake l
  fleetcast plan --lake l --threshold 70,90 --lambda 200 --price-book prices.csv

P(crossing) is the share of joint futures in which the daily P95 reaches threshold x capacity at least once;
q10, q50 and q90 are the dates by which it has done so with that probability.")]
pub struct PlanArgs {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// A TOML file with these settings and more
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Days ahead that risks are planned [default: 180]
    #[arg(long, value_name = "DAYS")]
    pub horizon: Option<usize>,
    /// Metrics to look at, comma-separated [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub metrics: Vec<String>,
    /// Seed of the joint paths and of the clustering [default: 42]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub plan: PlanSettings,
    /// What servers really cost, FOCUS 1.x as CSV or Parquet, a file or a folder: savings are then also told at the rates
    /// paid, and without what commitments cover
    #[arg(long, value_name = "PATH")]
    pub costs: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast explain --lake l --server web-0101
  fleetcast explain --lake l --server web-0101 --lambda 200 --all

It plans the server again from the stored forecasts, with the settings given here; nothing is stored. Of the sizes those are
shown of which none costs as little with fewer bad days: what each further bad day avoided costs.")]
pub struct ExplainArgs {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// Id of the server
    #[arg(long, value_name = "ID")]
    pub server: String,
    /// Show every size that was weighed, with the reason why it was not chosen
    #[arg(long)]
    pub all: bool,
    /// A TOML file with these settings and more
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Days ahead that risks are planned [default: 180]
    #[arg(long, value_name = "DAYS")]
    pub horizon: Option<usize>,
    #[command(flatten)]
    pub plan: PlanSettings,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast what-if --lake l growth.toml
  fleetcast what-if --lake l region-loss.toml --threshold 90
  fleetcast what-if --lake l growth.toml --commit             part of every plan from now on
  fleetcast what-if --lake l --committed
  fleetcast what-if --lake l --revoke \"payments grow\"

A file says what changes: growth of a service, a launch, a migration, a retirement, the loss of a region, thresholds,
prices (docs/what-if.md). It is replayed on the futures of the last forecast; nothing is stored without --commit.")]
pub struct WhatIfArgs {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// A TOML file of changes
    #[arg(value_name = "FILE", required_unless_present_any = ["committed", "revoke"])]
    pub file: Option<PathBuf>,
    /// Make the changes part of every plan to come; those of the same name are replaced
    #[arg(long, requires = "file")]
    pub commit: bool,
    /// List what is committed
    #[arg(long, conflicts_with_all = ["file", "revoke"])]
    pub committed: bool,
    /// Take what is committed under this name out of the plans to come
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    pub revoke: Option<String>,
    /// A TOML file with these settings and more
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Days ahead that risks are planned [default: 180]
    #[arg(long, value_name = "DAYS")]
    pub horizon: Option<usize>,
    #[command(flatten)]
    pub plan: PlanSettings,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast run --lake l                                      a forecast is made
  fleetcast ingest --lake l csv next-month.csv                days come
  fleetcast review --lake l                                   was it right?

P said is the mean of the chances that were given, `came` the share that crossed: they should be near each other. Of the days
that came, 90 % should lie in the 90 % interval. `loss / naive` above 1: seasonal-naive was nearer. See docs/review.md.")]
pub struct ReviewArgs {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// A TOML file with these settings and more
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Metrics to look at, comma-separated [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub metrics: Vec<String>,
    /// Prices of instance types that sizes are judged by [default: as `plan`]
    #[arg(long, value_name = "FILE")]
    pub price_book: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast consolidate --lake l
  fleetcast consolidate --lake l --threshold 70

Servers of one region and business unit are packed on machines of one type; servers of one pool stand in for each other and are
kept apart. Loads are summed as if all were high on the same days. Savings begin where `plan` ends: at the size advised for each.")]
pub struct ConsolidateArgs {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// A TOML file with these settings and more
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub plan: PlanSettings,
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportKind {
    /// What to do with each server: the columns of the table `recommendations`
    Recommendations,
    /// Chances and dates: the columns of the table `risks`
    Risks,
    /// Behaviour groups: the columns of the table `groups`
    Groups,
    /// Recommendations under the column names of AWS Compute Optimizer's export for EC2 instances
    ComputeOptimizer,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast export --lake l recommendations --out sizes.csv
  fleetcast export --lake l risks --out risks.parquet
  fleetcast export --lake l compute-optimizer --out ours.csv         beside the file that AWS writes

Columns keep their names and meaning. Under the names of Compute Optimizer, what is not known stays empty: account and ARN
unless the server's id is an ARN, storage, network, performance risk, effort; columns of our own begin with fleetcast_.")]
pub struct ExportArgs {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// What to write
    #[arg(value_enum)]
    pub what: ExportKind,
    /// The file to write; its ending says the form: .csv, .json or .parquet
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// A TOML file with these settings and more
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Prices of instance types, with compute-optimizer [default: as `plan`]
    #[arg(long, value_name = "FILE")]
    pub price_book: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: fleetcast report --lake l --out report.html")]
pub struct ReportArgs {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct LakeOf {
    /// The lake
    #[arg(long, value_name = "DIR")]
    pub lake: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum LakeCommand {
    /// List the tables
    Ls(LakeOf),
    /// List the versions of a table, or of all
    History {
        #[command(flatten)]
        lake: LakeOf,
        /// The table
        #[arg(long, value_name = "NAME")]
        table: Option<String>,
    },
    /// Merge small files
    Compact(LakeOf),
    /// Bring back an earlier version of a table
    Restore {
        #[command(flatten)]
        lake: LakeOf,
        /// The table
        #[arg(long, value_name = "NAME")]
        table: String,
        /// The version, as `history` lists it
        #[arg(long, value_name = "N")]
        version: u64,
    },
    /// Print statements that declare the tables to other engines
    #[command(after_help = "Example: fleetcast lake ddl --lake l --dialect athena --location s3://bucket/lake")]
    Ddl {
        #[command(flatten)]
        lake: LakeOf,
        /// Who is to read the tables: athena, spark or duckdb
        #[arg(long, default_value = "duckdb", value_name = "NAME")]
        dialect: String,
        /// Where that program finds the lake [default: its folder here]
        #[arg(long, value_name = "URL")]
        location: Option<String>,
    },
}

fn parse_capacity(text: &str) -> Result<(String, f64), String> {
    let (metric, value) = text.split_once('=').ok_or("write it as metric=value, for example traffic=10e9")?;
    let number: f64 = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
    if metric.is_empty() || !(number.is_finite() && number > 0.0) {
        return Err("it needs a metric and a capacity above 0, for example traffic=10e9".to_owned());
    }
    Ok((metric.to_owned(), number))
}

fn parse_bounds(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(',').ok_or("write it as low,high, for example 0,100")?;
    let number = |part: &str| part.trim().parse::<f64>().map_err(|_| format!("`{part}` is not a number"));
    let (low, high) = (number(low)?, number(high)?);
    if low < high { Ok((low, high)) } else { Err(format!("{low} is not below {high}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_words_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn pairs_are_read_or_explained() {
        assert_eq!(parse_capacity("traffic=10e9"), Ok(("traffic".to_owned(), 10e9)));
        assert!(parse_capacity("traffic").is_err() && parse_capacity("x=-1").is_err());
        assert_eq!(parse_bounds("0,100"), Ok((0.0, 100.0)));
        assert!(parse_bounds("5,1").is_err());
    }
}
