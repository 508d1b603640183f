//! Recommendations under the column names of AWS Compute Optimizer's export for EC2 instances.
//!
//! "Exported files", AWS Compute Optimizer user guide. What this program does not know stays empty: account and ARN
//! unless the server's id is one, words for network and storage, reserved prices, performance risk, effort.

use crate::prices::price_book;
use crate::{Config, Result, tables};
use fleetcast_core::{Action, Recommendation, Server};
use fleetcast_lake::{Column, Frame, Lake, Table};
use fleetcast_plan::{HOURS_PER_MONTH, InstanceType, PriceBook};
use std::collections::BTreeMap;

/// In USD a month: below it two savings are the same.
const ONE_CENT: f64 = 0.01;

/// What is known of one server.
struct Row<'a> {
    size: &'a Recommendation,
    server: Option<&'a Server>,
    seen: Option<&'a Seen>,
    now: Option<&'a InstanceType>,
    then: Option<&'a InstanceType>,
}

/// What a server showed.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    days: i64,
    /// Highest value of any day, in per cent.
    cpu: Option<f64>,
    memory: Option<f64>,
}

/// One row per server; and whether the prices are others than those that the sizes were chosen by.
///
/// # Errors
/// When the lake or the price book cannot be read.
pub(super) fn frame(lake: &Lake, run_id: &str, config: &Config) -> Result<(Frame, bool)> {
    let sizes = tables::recommendations_of(&lake.read(Table::Recommendations)?, run_id)?;
    let (servers, seen, book) = (lake.servers()?, seen(lake)?, price_book(config)?);
    let servers: BTreeMap<&str, &Server> = servers.iter().map(|server| (server.server_id(), server)).collect();
    let rows: Vec<Row> = sizes.iter().map(|size| Row::of(size, &servers, &seen, &book)).collect();
    let text = |value: &dyn Fn(&Row) -> Option<String>| Column::from(rows.iter().map(value).collect::<Vec<_>>());
    let number = |value: &dyn Fn(&Row) -> Option<f64>| Column::optional_floats(rows.iter().map(value));
    let unknown = || Column::from(vec![None::<String>; rows.len()]);
    let option = |name: &str| format!("recommendationOptions_1_{name}");
    let mut frame = Frame::new();
    let columns = [
        ("accountId", text(&|row| row.arn().and_then(|arn| arn.split(':').nth(4)).map(str::to_owned))),
        ("instanceArn", text(&|row| row.arn().map(str::to_owned))),
        ("instanceName", text(&|row| Some(row.server.map_or(&row.size.server_id, |server| &server.name).clone()))),
        ("finding", text(&|row| row.finding().map(str::to_owned))),
        ("lookbackPeriodInDays", Column::from(rows.iter().map(|row| row.seen.map(|s| s.days)).collect::<Vec<_>>())),
        ("currentInstanceType", text(&|row| row.size.from_type.clone())),
        ("utilizationMetrics_CPU_MAXIMUM", number(&|row| row.seen?.cpu)),
        ("utilizationMetrics_MEMORY_MAXIMUM", number(&|row| row.seen?.memory)),
        ("current_onDemandPrice", number(&|row| row.now.map(|found| found.usd_per_hour))),
        ("current_vcpus", number(&|row| row.vcpu())),
        ("current_memory", number(&|row| row.memory_gib())),
        ("current_storage", unknown()),
        ("current_network", unknown()),
        ("currentPerformanceRisk", unknown()),
        (
            "recommendations_count",
            Column::from(rows.iter().map(|row| i64::from(row.option().is_some())).collect::<Vec<_>>()),
        ),
    ];
    for (name, column) in columns {
        frame = frame.with(name, column)?;
    }
    let options = [
        ("instanceType", text(&|row| row.option().and_then(|size| size.to_type.clone()))),
        ("projectedUtilizationMetrics_CPU_MAXIMUM", number(&|row| row.projected_cpu())),
        ("projectedUtilizationMetrics_MEMORY_MAXIMUM", number(&|row| row.projected_memory())),
        ("performanceRisk", unknown()),
        ("vcpus", number(&|row| row.then.map(|found| found.vcpu))),
        ("memory", number(&|row| row.then.map(|found| found.memory_gib))),
        ("storage", unknown()),
        ("network", unknown()),
        ("onDemandPrice", number(&|row| row.then.map(|found| found.usd_per_hour))),
        ("savingsOpportunityPercentage", number(&|row| row.saved_percent())),
        ("estimatedMonthlySavings_currency", text(&|row| row.saved().map(|_| "USD".to_owned()))),
        ("estimatedMonthlySavings_value", number(&|row| row.saved())),
        ("migrationEffort", unknown()),
    ];
    for (name, column) in options {
        frame = frame.with(&option(name), column)?;
    }
    frame = frame
        .with("errorCode", unknown())?
        .with("errorMessage", text(&|row| (row.size.action == Action::Unknown).then(|| row.size.reason.clone())))?
        .with("lastRefreshTimestamp_UTC", unknown())?;
    // What that export has no column for.
    let frame = frame
        .with("fleetcast_server_id", text(&|row| Some(row.size.server_id.clone())))?
        .with("fleetcast_action", text(&|row| Some(row.size.action.name().to_owned())))?
        .with("fleetcast_p_violation", number(&|row| row.size.p_violation))?
        .with("fleetcast_expected_bad_days", number(&|row| row.size.expected_bad_days))?
        .with("fleetcast_reason", text(&|row| Some(row.size.reason.clone())))?;
    Ok((frame, rows.iter().any(Row::is_priced_otherwise)))
}

/// Days with telemetry and the highest values of each server.
fn seen(lake: &Lake) -> Result<BTreeMap<String, Seen>> {
    let metrics = lake.metrics()?;
    // In per cent, or not comparable.
    let highest = |name: &str| {
        let known = metrics.iter().any(|metric| metric.name() == name && metric.bounds().is_some());
        if known { format!("max({name}_max)") } else { "null".to_owned() }
    };
    let query = format!(
        "select server_id, count(*), {}, {} from daily where n_samples > 0 group by server_id",
        highest("cpu"),
        highest("memory")
    );
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
    let mut seen = BTreeMap::new();
    for row in lake.sql(&query)?.rows()? {
        let [Some(server_id), days, cpu, memory] = row.as_slice() else { continue };
        let days = number(days).unwrap_or(0.0) as i64;
        seen.insert(server_id.clone(), Seen { days, cpu: number(cpu), memory: number(memory) });
    }
    Ok(seen)
}

impl<'a> Row<'a> {
    fn of(
        size: &'a Recommendation,
        servers: &BTreeMap<&str, &'a Server>,
        seen: &'a BTreeMap<String, Seen>,
        book: &'a PriceBook,
    ) -> Self {
        let server = servers.get(size.server_id.as_str()).copied();
        let book = server.map_or(book, |server| book.of(server));
        let priced = |name: &Option<String>| name.as_deref().and_then(|name| book.get(name));
        Self {
            size,
            server,
            seen: seen.get(&size.server_id),
            now: priced(&size.from_type),
            then: if is_change(size) { priced(&size.to_type) } else { None },
        }
    }

    fn arn(&self) -> Option<&str> {
        Some(self.size.server_id.as_str()).filter(|id| id.starts_with("arn:"))
    }

    fn finding(&self) -> Option<&'static str> {
        match self.size.action {
            Action::Down | Action::Retire => Some("OVER_PROVISIONED"),
            Action::Up => Some("UNDER_PROVISIONED"),
            Action::Keep => Some("OPTIMIZED"),
            Action::Unknown => None,
        }
    }

    /// The advice, where it is another type.
    fn option(&self) -> Option<&Recommendation> {
        Some(self.size).filter(|size| is_change(size))
    }

    /// Whether the prices of both types give another saving than the plan's.
    fn is_priced_otherwise(&self) -> bool {
        let Some(planned) = self.option().and_then(|size| size.saving_usd_per_month) else { return false };
        let here = self.now.zip(self.then).map(|(now, then)| (now.usd_per_hour - then.usd_per_hour) * HOURS_PER_MONTH);
        here.is_none_or(|here| (here - planned).abs() >= ONE_CENT)
    }

    fn vcpu(&self) -> Option<f64> {
        self.server.and_then(|server| server.shape.vcpu).or(self.now.map(|found| found.vcpu))
    }

    fn memory_gib(&self) -> Option<f64> {
        self.server.and_then(|server| server.shape.memory_gib).or(self.now.map(|found| found.memory_gib))
    }

    /// The highest load seen, in per cent of the advised type; processors count as equally fast.
    fn projected_cpu(&self) -> Option<f64> {
        Some(self.seen?.cpu? * self.vcpu()? / self.then?.vcpu)
    }

    fn projected_memory(&self) -> Option<f64> {
        Some(self.seen?.memory? * self.memory_gib()? / self.then?.memory_gib)
    }

    /// What is saved; a larger type saves nothing.
    fn saved(&self) -> Option<f64> {
        self.option()?.saving_usd_per_month.map(|usd| usd.max(0.0))
    }

    fn saved_percent(&self) -> Option<f64> {
        let (now, then) = (self.now?.usd_per_hour, self.then?.usd_per_hour);
        Some((100.0 * (now - then) / now).max(0.0))
    }
}

fn is_change(size: &Recommendation) -> bool {
    matches!(size.action, Action::Down | Action::Up) && size.to_type.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_made_with_other_prices_is_noticed() {
        let book = |small: f64| {
            let text = format!("instance_type,vcpu,memory_gib,usd_per_hour\nlarge,4,16,0.2\nsmall,2,8,{small}\n");
            PriceBook::from_csv(text.as_bytes(), "p.csv").expect("two types")
        };
        let size = |to: &str, saving: Option<f64>| Recommendation {
            server_id: "web-1".to_owned(),
            action: Action::Down,
            from_type: Some("large".to_owned()),
            to_type: Some(to.to_owned()),
            saving_usd_per_month: saving,
            saving_effective_usd_per_month: None,
            saving_uncommitted_usd_per_month: None,
            p_violation: None,
            expected_bad_days: None,
            lambda_usd_per_day: 50.0,
            binding: None,
            reason: String::new(),
            price_book_date: None,
        };
        let otherwise = |size: &Recommendation, book: &PriceBook| {
            Row::of(size, &BTreeMap::new(), &BTreeMap::new(), book).is_priced_otherwise()
        };
        assert!(!otherwise(&size("small", Some(73.0)), &book(0.1)));
        assert!(otherwise(&size("small", Some(73.0)), &book(0.11)));
        assert!(otherwise(&size("tiny", Some(73.0)), &book(0.1)), "the plan knew a price that is not here");
        assert!(!otherwise(&size("tiny", None), &book(0.1)), "nobody claimed a saving");
    }
}
