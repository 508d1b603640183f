//! The command line of Fleetcast: arguments, progress and exit codes; every decision is the library's.

mod args;
mod commands;
mod failure;
mod log;
mod progress;
mod text;

use args::Cli;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, cli.global.json),
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    if let Some(file) = &cli.global.log_file {
        log::to_file(file)?;
    }
    if let Some(threads) = cli.global.threads {
        anyhow::ensure!(threads > 0, failure::WrongUse("--threads must be at least 1".to_owned()));
        // The pool is global and made once, before any stage has asked for it.
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    commands::run(cli)
}
