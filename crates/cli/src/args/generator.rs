//! The words of what makes fleets up: `generate`, `profile`, `scenario`, and `realism`, which judges them.

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use std::path::PathBuf;

/// Form of generated telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Tables of a lake (with --lake)
    Delta,
    /// One Parquet file per table
    Parquet,
    /// One CSV file per table
    Csv,
    /// InfluxDB line protocol: a measurement per table, times in nanoseconds
    Influx,
    /// OpenMetrics text with times, for the backfill of Prometheus
    Openmetrics,
    /// One Arrow file per table
    Ipc,
    /// Nothing is written: for timing
    None,
}

/// How generated rows are spread over files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PartitionBy {
    /// One file per table
    None,
    /// samples, daily, truth and differences in folders year=YYYY/month=MM (csv, parquet and ipc)
    Month,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast generate --lake l --servers 50 --days 400
  fleetcast generate --out telemetry --format csv --servers 20 --step 5min --days 30
  fleetcast generate --out telemetry --format csv --partition month --tables samples,servers,events
  fleetcast generate --out backfill --format openmetrics --servers 50 --step hour --days 90
  fleetcast generate --lake l --scenario walkthrough --seed 7
  fleetcast generate --lake l --servers 50 --oracle 2023-12-31,2024-06-30
  fleetcast generate --lake l --servers 50 --change services.payments.growth_factor=1.5

Beside the samples it writes what it planted: the tables truth, events and truth_crossings; with --oracle
also the table oracle: the best forecast anyone could have made at a cutoff; with --change also the table
differences: the same fleet after a change (docs/generator.md).")]
pub struct GenerateArgs {
    /// The lake to write to
    #[arg(long, value_name = "DIR", conflicts_with = "out", required_unless_present_any = ["out", "format"])]
    pub lake: Option<PathBuf>,
    /// Folder for files in another format
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Form of the output [default: delta with --lake, parquet with --out]
    #[arg(long, value_enum)]
    pub format: Option<OutputFormat>,
    /// How the rows are spread over files, with --out
    #[arg(long, value_enum, default_value = "none", value_name = "BY")]
    pub partition: PartitionBy,
    /// Only these tables, comma-separated: servers, metrics, samples, daily, truth, events,
    /// truth_crossings, oracle, differences; a lake has its servers and metrics in any case [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub tables: Vec<String>,
    /// Servers in the fleet
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub servers: usize,
    /// First day
    #[arg(long, default_value = "2022-01-01", value_name = "DATE")]
    pub start: Date,
    /// Days
    #[arg(long, default_value_t = 1095, value_name = "N")]
    pub days: usize,
    /// Time between samples: day, hour, 15min or 5min
    #[arg(long, default_value = "day", value_name = "STEP")]
    pub step: String,
    /// Seed; the same seed gives the same bytes
    #[arg(long, default_value_t = 42, value_name = "S")]
    pub seed: u64,
    /// A built-in scenario (enterprise, walkthrough) or a TOML file
    #[arg(long, default_value = "enterprise", value_name = "NAME|FILE")]
    pub scenario: String,
    /// A profile to use in place of the built-in one of the same name
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Only these servers, comma-separated; each is the same as in the whole fleet
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    pub only: Vec<String>,
    /// Cutoffs, comma-separated, whose best possible forecast is written to the table oracle
    #[arg(long, value_delimiter = ',', value_name = "DATE")]
    pub oracle: Vec<Date>,
    /// Days after each cutoff that the oracle speaks of, 1 to 730
    #[arg(long, default_value_t = 180, value_name = "DAYS", requires = "oracle")]
    pub oracle_horizon: usize,
    /// A change of the scenario whose effect, at the same seed, is written to the table differences
    #[arg(long, value_name = "KEY=VALUE|FILE")]
    pub change: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List the built-in profiles
    List,
    /// Print a profile as TOML: the way to begin one of your own
    #[command(after_help = "\
Examples:
  fleetcast profile show web > mine.toml
  fleetcast profile show mine.toml --plot mine.html")]
    Show {
        /// A built-in profile, or a TOML file
        #[arg(value_name = "NAME|FILE")]
        name: String,
        /// Draw it in place of printing it: its shapes, correlations and sample series, as .html, .svg or .png
        #[arg(long, value_name = "FILE")]
        plot: Option<PathBuf>,
    },
    /// Check a profile file
    #[command(after_help = "\
Examples:
  fleetcast profile check mine.toml
  fleetcast profile check mine.toml --repair nearest --out sound.toml")]
    Check {
        /// The file
        file: PathBuf,
        /// Put the nearest correlation matrix in the place of one that is none, and tell each cell that changed
        #[arg(long, value_enum)]
        repair: Option<Repair>,
        /// Write the repaired profile here [default: standard output]
        #[arg(long, value_name = "FILE", requires = "repair")]
        out: Option<PathBuf>,
    },
    /// Print the JSON Schema of profile or scenario files, for editors and pipelines
    Schema {
        /// Which files
        #[arg(value_enum, default_value = "profile")]
        of: FileKind,
    },
    /// Learn a profile from real telemetry of one kind of server
    #[command(after_help = "\
Examples:
  fleetcast profile fit --input cpu.csv --out mine.toml
  fleetcast profile fit --input lake --name vm --out vm.toml --scenario-out vms.toml
  fleetcast generate --lake l --profile vm.toml --scenario vms.toml

Growth needs a year, quarter ends two of them, weekdays two weeks, the time of day samples an hour apart or less. What the
telemetry is too short to show keeps its default, with the reason beside it.")]
    Fit {
        /// Telemetry: a CSV or Parquet file as `ingest` takes it, or a lake
        #[arg(long, value_name = "FILE|DIR")]
        input: PathBuf,
        /// The profile to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Write a scenario too: how such servers differ, what they share, and what is inside their days
        #[arg(long, value_name = "FILE")]
        scenario_out: Option<PathBuf>,
        /// Name of the profile
        #[arg(long, default_value = "fitted", value_name = "NAME")]
        name: String,
        /// Zone whose days and hours the servers live in
        #[arg(long, default_value = "UTC", value_name = "ZONE")]
        timezone: String,
    },
}

/// How a matrix that is no correlation matrix is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Repair {
    /// By the nearest one in the Frobenius norm (Higham 2002)
    Nearest,
}

/// A file the generator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileKind {
    /// What a kind of server does
    Profile,
    /// What a fleet is made of
    Scenario,
}

#[derive(Debug, Subcommand)]
pub enum ScenarioCommand {
    /// List the built-in scenarios
    List,
    /// Print a built-in scenario as TOML
    #[command(after_help = "A file of your own need give only what differs from `enterprise`.")]
    Show {
        /// Its name
        name: String,
    },
    /// Check a scenario file
    Check {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fleetcast generate --out made --servers 100 --days 28 --step 5min
  fleetcast realism --real cpu.csv --synthetic made/samples.parquet
  fleetcast realism --real lake-of-ours --synthetic lake-of-another --json

Every score is read against the same score between random halves of the real servers: within `null 95 %` nothing
tells the two apart. `p` is the share of those halves that are as far from each other as the synthetic servers are
from the real ones. A score that the data cannot show says why.")]
pub struct RealismArgs {
    /// Real telemetry: a CSV or Parquet file as `ingest` takes it, or a lake
    #[arg(long, value_name = "FILE|DIR")]
    pub real: PathBuf,
    /// Synthetic telemetry, likewise; the coarser step of the two is compared, metrics are matched by name
    #[arg(long, value_name = "FILE|DIR")]
    pub synthetic: PathBuf,
    /// Seed of the halves, the classifier and its permutations
    #[arg(long, default_value_t = 42, value_name = "S")]
    pub seed: u64,
    /// Leave out the ranking of forecasters, which takes the longest
    #[arg(long)]
    pub no_ranking: bool,
}
