//! The report, made from the tables that the other stages left.

use crate::store::{self, Results};
use crate::telemetry::{Telemetry, telemetry};
use crate::{Config, Result};
use fleetcast_lake::Lake;
use fleetcast_report::{FORECASTS_SHOWN, ReportInput, SeriesForecast, ServerWeeks, WeeklyRisk};

/// The report of the last run of a lake: a page, and a summary for the terminal.
#[derive(Clone, Debug)]
pub struct Report {
    /// One offline HTML page.
    pub html: String,
    /// The same in short, as plain text.
    pub summary: String,
}

/// Columns of the terminal that a summary may use.
const SUMMARY_WIDTH: usize = 96;

/// Makes the report from the tables of the last run; `path` is where the page will lie, for the summary.
///
/// # Errors
/// When the lake has no run to report on.
pub fn report(lake: &Lake, config: &Config, lake_name: &str, path: Option<&str>) -> Result<Report> {
    let telemetry = telemetry(lake, config)?;
    let results = store::results(lake, &telemetry.panel)?;
    render(lake, &telemetry, &results, config, lake_name, path)
}

fn render(
    lake: &Lake,
    telemetry: &Telemetry,
    results: &Results,
    config: &Config,
    lake_name: &str,
    path: Option<&str>,
) -> Result<Report> {
    // The calendar was checked when the configuration was read; a lake made elsewhere gets the default.
    let calendar = config.calendar().unwrap_or_else(|_| std::sync::Arc::new(fleetcast_core::Calendar::us()));
    let facts = fleetcast_report::RunFacts {
        lake: lake_name.to_owned(),
        report_path: path.map(str::to_owned),
        ..results.facts.clone()
    };
    let weeks = results.weeks.as_ref().map(|weeks| WeeklyRisk {
        threshold: weeks.threshold,
        first_day: weeks.first_day,
        servers: weeks
            .servers
            .iter()
            .map(|(server_id, p)| ServerWeeks { server_id: server_id.clone(), p_bad_day: p.clone() })
            .collect(),
    });
    let numbers = ReportInput {
        title: "Fleet forecast",
        run: &facts,
        panel: &telemetry.panel,
        calendar: &calendar,
        outlook: &results.outlook,
        forecasts: &[],
        weeks: weeks.as_ref(),
        scores: &results.scores,
        notes: &results.notes,
    };
    // Only the few that are drawn are read: those of a large fleet would take more memory than all else of a report.
    let urgent = fleetcast_report::urgent_series(&numbers);
    let shown = store::first_forecasts(lake, &facts.run_id, &urgent, FORECASTS_SHOWN)?;
    let forecasts: Vec<SeriesForecast> =
        shown.iter().map(|f| SeriesForecast { id: &f.id, model: &f.model, forecast: &f.forecast }).collect();
    let input = ReportInput { forecasts: &forecasts, ..numbers };
    Ok(Report { html: fleetcast_report::html(&input), summary: fleetcast_report::summary(&input, SUMMARY_WIDTH) })
}
