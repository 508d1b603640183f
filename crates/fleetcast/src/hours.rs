//! Hours of the day in which a server will be over, from samples within days.

use crate::forecast::{Forecasts, SeriesForecast};
use crate::{Config, Result};
use fleetcast_core::{History, Outlook, Panel, RiskClass, RiskState, SeriesId, Server};
use fleetcast_lake::Lake;
use fleetcast_plan::{HOURS, HighDay, SeriesOutlook, tell_hours};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::collections::{BTreeMap, BTreeSet};

/// Samples of a day from which its hours can be told.
const FEWEST_SAMPLES: f64 = 24.0;
/// Days that the high ones are looked for in.
const YEAR: usize = 366;
/// High days of a series that are looked into: at least, and at most.
const HIGH_DAYS: [usize; 2] = [5, 20];
/// Servers that are asked for at once.
const AT_ONCE: usize = 100;

/// Adds the hours of day to the risks of an outlook, for the series that are expected to be over on some day; nothing
/// where the lake has no samples within days.
///
/// # Errors
/// When the samples cannot be read.
pub(crate) fn add_hours(
    lake: &Lake,
    panel: &Panel,
    forecasts: &Forecasts,
    outlook: &mut Outlook,
    config: &Config,
) -> Result<()> {
    let at_risk: BTreeSet<SeriesId> = (outlook.risks())
        .filter(|risk| risk.state != RiskState::Unknown && risk.class != RiskClass::None)
        .map(|risk| SeriesId::new(&risk.server_id, risk.metric.name()))
        .collect();
    if at_risk.is_empty() || !has_hours(lake)? {
        return Ok(());
    }
    let calendar = config.calendar()?;
    let made: BTreeMap<&SeriesId, &SeriesForecast> = forecasts.series.iter().map(|f| (&f.id, f)).collect();
    let histories: Vec<&History> = panel.histories().iter().filter(|h| at_risk.contains(h.id())).collect();
    let mut days = BTreeMap::new();
    for some in by_server(&histories).chunks(AT_ONCE) {
        days.extend(high_days(lake, panel, some)?);
    }
    for server in &mut outlook.servers {
        let Some(known) = panel.server(&server.server_id) else { continue };
        for same in server.risks.chunk_by_mut(|a, b| a.metric.name() == b.metric.name()) {
            let id = SeriesId::new(&server.server_id, same[0].metric.name());
            let history = histories.iter().find(|history| *history.id() == id);
            let (Some(day), Some(history), Some(forecast)) = (days.get(&id), history, made.get(&id)) else { continue };
            let paths = forecast.paths(1)?;
            let series = SeriesOutlook { server: known, history, expected: &forecast.expected, paths: &paths };
            tell_hours(same, &series, &calendar, day);
        }
    }
    Ok(())
}

/// Whether most days have samples for every hour.
fn has_hours(lake: &Lake) -> Result<bool> {
    let answer = lake.sql("select median(n_samples) from daily where n_samples > 0")?;
    let median = answer.rows()?.into_iter().flatten().flatten().next();
    Ok(median.and_then(|text| text.parse::<f64>().ok()).is_some_and(|samples| samples >= FEWEST_SAMPLES))
}

fn by_server<'a>(histories: &[&'a History]) -> Vec<Vec<&'a History>> {
    let mut servers: BTreeMap<&str, Vec<&History>> = BTreeMap::new();
    for history in histories {
        servers.entry(&history.id().server_id).or_default().push(history);
    }
    servers.into_values().collect()
}

/// The highest days of the last year, a twentieth of them.
fn highest(history: &History) -> Vec<(Date, f64)> {
    let values = history.values();
    let mut days: Vec<usize> =
        (values.len().saturating_sub(YEAR)..values.len()).filter(|&day| !values[day].is_nan()).collect();
    days.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(b.cmp(&a)));
    days.truncate((days.len() / 20).clamp(HIGH_DAYS[0], HIGH_DAYS[1]));
    days.iter().map(|&day| (history.timeline().date(day), values[day])).collect()
}

/// The shape of the high days of some servers' series.
fn high_days(lake: &Lake, panel: &Panel, servers: &[Vec<&History>]) -> Result<BTreeMap<SeriesId, HighDay>> {
    let mut metrics: Vec<&str> = servers.iter().flatten().map(|history| history.metric().name()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let mut wanted: BTreeSet<(&str, Date)> = BTreeSet::new();
    for history in servers.iter().flatten() {
        for (date, _) in highest(history) {
            // A local day lies in two or three days of UTC.
            let days = [-1, 0, 1].map(|days: i64| date.saturating_add(days.days()));
            wanted.extend(days.map(|day| (&*history.id().server_id, day)));
        }
    }
    let hours = read_hours(lake, panel, &metrics, &wanted)?;
    let mut found = BTreeMap::new();
    for history in servers.iter().flatten() {
        let days: Vec<([f64; HOURS], f64)> = (highest(history).into_iter())
            .filter_map(|(date, p95)| Some((*hours.get(&(history.id().clone(), date))?, p95)))
            .collect();
        found.extend(HighDay::new(&days).map(|day| (history.id().clone(), day)));
    }
    Ok(found)
}

/// Means of local hours, by series and local date.
type Hours = BTreeMap<(SeriesId, Date), [f64; HOURS]>;

fn read_hours(lake: &Lake, panel: &Panel, metrics: &[&str], wanted: &BTreeSet<(&str, Date)>) -> Result<Hours> {
    let means: Vec<String> = metrics.iter().map(|metric| format!("avg(s.\"{metric}\")")).collect();
    let days: Vec<String> =
        wanted.iter().map(|(server, day)| format!("('{}', date '{day}')", server.replace('\'', "''"))).collect();
    let answer = lake.sql(&format!(
        "select s.server_id, to_unixtime(date_trunc('hour', s.ts)), {} from samples s join (values {}) as v(id, day) on \
         s.server_id = v.id and cast(s.ts as date) = v.day group by 1, 2 order by 1, 2",
        means.join(", "),
        days.join(", ")
    ))?;
    let mut hours = Hours::new();
    for row in answer.rows()? {
        let [Some(server_id), Some(second), values @ ..] = row.as_slice() else { continue };
        let Some(server) = panel.server(server_id) else { continue };
        let Some((date, hour)) = second.parse().ok().and_then(|second| local(second, server)) else { continue };
        for (metric, value) in metrics.iter().zip(values) {
            if let Some(value) = value.as_ref().and_then(|text| text.parse::<f64>().ok()) {
                let day = hours.entry((SeriesId::new(server_id, metric), date)).or_insert([f64::NAN; HOURS]);
                day[hour] = value;
            }
        }
    }
    Ok(hours)
}

/// Local date and hour of an instant.
fn local(second: i64, server: &Server) -> Option<(Date, usize)> {
    let zoned = Timestamp::from_second(second).ok()?.to_zoned(server.zone.rules().clone());
    Some((zoned.date(), usize::try_from(zoned.hour()).ok()?))
}
