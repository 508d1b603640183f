//! One function per command: arguments to the library's words, results to text.

mod assess;
mod consolidate;
mod decisions;
mod demo;
mod diagnose;
mod explain;
mod export;
mod generate;
mod ingest;
mod lake;
mod profile;
mod realism;
mod review;
mod scenario;
mod sql;
mod what_if;

use crate::args::{Cli, Command, Global};
use crate::progress::Bars;
use clap::CommandFactory;
use fleetcast::{Context, Seconds};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Does what was asked.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    let bars = Bars::new(cli.global.quiet || cli.global.json);
    let context = Context { progress: &bars, now: jiff::Timestamp::now, clock: seconds };
    let global = &cli.global;
    match &cli.command {
        Command::Demo(args) => demo::demo(args, global, &context),
        Command::Run(args) => assess::run(args, global, &context),
        Command::Generate(args) => {
            bars.listen()?;
            generate::generate(args, global, &context)
        }
        Command::Profile(command) => profile::profile(command, global, &context),
        Command::Realism(args) => realism::realism(args, global, &context),
        Command::Scenario(command) => scenario::scenario(command, global),
        Command::Ingest(args) => ingest::ingest(args, global, &context),
        Command::Sql(args) => sql::sql(args, global),
        Command::Backtest(args) => assess::backtest(args, global, &context),
        Command::Forecast(args) => assess::forecast(args, global, &context),
        Command::Plan(args) => assess::plan(args, global, &context),
        Command::Explain(args) => explain::explain(args, global, &context),
        Command::WhatIf(args) => what_if::what_if(args, global, &context),
        Command::Consolidate(args) => consolidate::consolidate(args, global, &context),
        Command::Review(args) => review::review(args, global, &context),
        Command::Export(args) => export::export(args, global, &context),
        Command::Report(args) => assess::report(args, global, &context),
        Command::Lake(command) => lake::lake(command, global),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "fleetcast", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// Seconds on the wall and on the processor since the program started.
fn seconds() -> Seconds {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let wall = START.get_or_init(Instant::now).elapsed().as_secs_f64();
    Seconds { wall, cpu: cpu_time::ProcessTime::now().as_duration().as_secs_f64() }
}

/// Prints text, or with `--json` the value that says the same.
fn answer(global: &Global, text: &str, value: &serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{value:#}")?;
    } else if !text.is_empty() {
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// A path as a person would type it.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
