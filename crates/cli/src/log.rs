//! The log file.

use anyhow::Context;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

/// Appends what is done from now on to `file`.
pub fn to_file(file: &Path) -> anyhow::Result<()> {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let log = opened.with_context(|| format!("opening the log file {}", file.display()))?;
    let subscriber = tracing_subscriber::fmt()
        .with_writer(Mutex::new(log))
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .finish();
    tracing::subscriber::set_global_default(subscriber).context("starting the log")?;
    let words: Vec<String> = std::env::args().collect();
    tracing::info!(command = words.join(" "), version = env!("CARGO_PKG_VERSION"), "started");
    Ok(())
}
