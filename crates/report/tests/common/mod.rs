//! A made-up fleet, complete enough to fill every part of a report.

mod judged;
mod load;

use fleetcast_core::{
    Calendar, Forecast, History, Metric, Outlook, Panel, SCORED_QUANTILES, Scores, SeriesId, Server, Timeline,
};
use fleetcast_report::{ReportInput, RunFacts, ScoreRow, SeriesForecast, ServerWeeks, Slice, WeeklyRisk};
use jiff::civil::{Date, date};
use load::{Futures, Load};
use std::sync::Arc;

pub const HORIZON: usize = 180;
const DAYS: usize = 1096;
const FIRST: Date = date(2022, 1, 1);
const CUTOFF: Date = date(2024, 12, 31);
const WEEKS: usize = 26;
const ARCHETYPES: [&str; 4] = ["web", "database", "application", "batch"];

/// Everything a [`ReportInput`] borrows.
#[derive(Clone)]
pub struct Fleet {
    pub run: RunFacts,
    pub panel: Panel,
    pub calendar: Calendar,
    pub outlook: Outlook,
    pub forecasts: Vec<(SeriesId, Forecast)>,
    pub weeks: WeeklyRisk,
    pub scores: Vec<ScoreRow>,
    pub notes: Vec<String>,
}

impl Fleet {
    /// A fleet of some servers with three metrics each; every 40th server has but a few days of history.
    pub fn new(n_servers: usize) -> Self {
        let metrics: Vec<Arc<Metric>> = ["cpu", "memory", "disk_io"].map(|name| Arc::new(Metric::named(name))).into();
        let (mut servers, mut histories, mut forecasts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut outlooks, mut weeks) = (Vec::new(), Vec::new());
        for i in 0..n_servers {
            let server = server(i);
            let mut futures: Vec<(Arc<Metric>, Option<Futures>)> = Vec::new();
            for metric in &metrics {
                let load = Load::of(i, metric.name());
                let days = if i % 40 == 39 { 9 } else { DAYS };
                let id = SeriesId::new(server.server_id(), metric.name());
                let start = FIRST.saturating_add(jiff::ToSpan::days((DAYS - days) as i64));
                let values: Vec<f64> = (DAYS - days..DAYS).map(|day| load.observed(day)).collect();
                let history = History::new(id.clone(), Arc::clone(metric), Timeline::daily(start), values);
                histories.push(history.expect("loads are finite"));
                let judged = metric.capacity().is_some() && days == DAYS;
                let drawn = Futures::draw(&load, DAYS, HORIZON);
                forecasts.push((id, drawn.forecast(&SCORED_QUANTILES)));
                futures.push((Arc::clone(metric), judged.then_some(drawn)));
            }
            weeks.extend(weekly(server.server_id(), &futures));
            outlooks.push(judged::outlook(i, &server, &futures, CUTOFF));
            servers.push(Arc::new(server));
        }
        Self {
            run: run(),
            panel: Panel::new(servers, histories).expect("ids differ"),
            calendar: Calendar::us(),
            outlook: Outlook { servers: outlooks, pools: judged::pools(CUTOFF) },
            forecasts,
            weeks: WeeklyRisk { threshold: 90.0, first_day: date(2025, 1, 1), servers: weeks },
            scores: scores(),
            notes: vec!["disk_io has no capacity on any server: it is forecast, and not judged".to_owned()],
        }
    }

    /// Hands the fleet, with its forecasts in the form the report wants, to `then`.
    pub fn with_input<T>(&self, then: impl FnOnce(&ReportInput) -> T) -> T {
        let forecasts: Vec<SeriesForecast> =
            self.forecasts.iter().map(|(id, forecast)| SeriesForecast { id, model: "auto", forecast }).collect();
        then(&ReportInput {
            title: "Fleet forecast",
            run: &self.run,
            panel: &self.panel,
            calendar: &self.calendar,
            outlook: &self.outlook,
            forecasts: &forecasts,
            weeks: Some(&self.weeks),
            scores: &self.scores,
            notes: &self.notes,
        })
    }
}

fn server(i: usize) -> Server {
    let archetype = ARCHETYPES[i % 4];
    let mut server = Server::new(&format!("{}-{i:03}", &archetype[..3])).expect("the id is not empty");
    server.archetype = Some(archetype.to_owned());
    server.service = Some(["payments", "ledger", "search", "reports", "risk"][i % 5].to_owned());
    server.region = Some(["us-east-1", "eu-west-2"][i % 2].to_owned());
    server.shape.instance_type = Some(["m6i.2xlarge", "r6i.xlarge", "c6i.4xlarge"][i % 3].to_owned());
    server
}

fn weekly(server_id: &str, futures: &[(Arc<Metric>, Option<Futures>)]) -> Option<ServerWeeks> {
    let judged: Vec<&Futures> = futures.iter().filter_map(|(_, futures)| futures.as_ref()).collect();
    if judged.is_empty() {
        return None;
    }
    let p = |week: usize| {
        let calm = judged.iter().map(|futures| 1.0 - futures.p_over_between(90.0, 7 * week, 7 * week + 7));
        1.0 - calm.product::<f64>()
    };
    let weeks = WEEKS.min(HORIZON / 7);
    Some(ServerWeeks { server_id: server_id.to_owned(), p_bad_day: (0..weeks).map(p).collect() })
}

fn run() -> RunFacts {
    RunFacts {
        run_id: "7c1f0a92be34".to_owned(),
        version: "0.1.0".to_owned(),
        lake: "fleetcast-demo/lake".to_owned(),
        report_path: Some("fleetcast-demo/report.html".to_owned()),
        cutoff: CUTOFF,
        horizon_days: HORIZON as u32,
        threshold: 90.0,
        n_paths: 1000,
        seed: Some(42),
        model: "auto".to_owned(),
        baseline: "seasonal-naive".to_owned(),
        backtest_horizon_days: 90,
        backtest_windows: 4,
        price_source: Some("EC2 on-demand, us-east-1".to_owned()),
    }
}

fn scores() -> Vec<ScoreRow> {
    let row = |model: &str, slice: &str, n_series, mase, wql, coverage_80, coverage_90| ScoreRow {
        model: model.to_owned(),
        slice: Slice::named(slice),
        scores: Scores {
            n_series,
            n_points: 360 * n_series,
            mase: Some(mase),
            wql: Some(wql),
            coverage_80: Some(coverage_80),
            coverage_90: Some(coverage_90),
            ..Scores::default()
        },
    };
    let mut rows = vec![
        row("auto", "all", 600, 0.812, 0.0561, 0.794, 0.893),
        row("calendar-ridge", "all", 600, 0.861, 0.0609, 0.744, 0.851),
        row("seasonal-mean", "all", 600, 0.934, 0.0677, 0.781, 0.872),
        row("seasonal-naive", "all", 600, 1.148, 0.0892, 0.803, 0.901),
        row("theta", "all", 600, 0.951, 0.0702, 0.689, 0.802),
    ];
    for (slice, own, naive) in [
        ("metric=cpu", 0.788, 1.181),
        ("metric=disk_io", 0.861, 1.162),
        ("metric=memory", 0.702, 0.681),
        ("archetype=application", 0.821, 1.120),
        ("archetype=batch", 0.902, 1.171),
        ("archetype=database", 0.744, 1.190),
        ("archetype=web", 0.779, 1.114),
        ("steps=1-7", 0.613, 0.952),
        ("steps=8-22", 0.702, 1.031),
        ("steps=23-45", 0.794, 1.142),
        ("steps=46-67", 0.871, 1.204),
        ("steps=68-90", 0.922, 1.262),
    ] {
        rows.push(row("auto", slice, 150, own, own * 0.07, 0.78 + own / 50.0, 0.88 + own / 60.0));
        rows.push(row("seasonal-naive", slice, 150, naive, naive * 0.078, 0.80, 0.90));
    }
    rows
}
