//! What methods make of servers with little history in a fleet whose other servers have years: the other half of
//! `experiments/accuracy/pooled.py`.
//!
//!     young_servers DAILY.csv SERVERS.csv METHOD,METHOD,... [DAYS]
//!
//! DAILY.csv is the table `daily` of a lake, in order of server and date; SERVERS.csv has server_id, archetype, service. At
//! each of some origins every third server keeps its last DAYS (120) and is forecast 90 days ahead, or 60 where no
//! quarter's end is to come. Prints the mean MASE (season 7, scale of the days that were kept) of those servers with
//! little history, of the same servers as if all their history were known, and of the other servers.

use fleetcast_core::{Calendar, Future, History, Metric, Panel, SeriesId, Server, Timeline};
use fleetcast_models::{Settings, named};
use jiff::civil::{Date, date};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

const SEASON: usize = 7;
/// The last day that is known, what is to come, and how many days of it are judged.
const ORIGINS: [(Date, &str, usize); 7] = [
    (date(2023, 11, 19), "year-end", 90),
    (date(2024, 11, 19), "year-end", 90),
    (date(2024, 12, 9), "year-end", 90),
    (date(2024, 5, 19), "quarter-end", 90),
    (date(2024, 8, 14), "quarter-end", 90),
    (date(2024, 4, 11), "neither", 60),
    (date(2024, 10, 11), "neither", 60),
];

/// Values by server and metric from the first day on.
struct Fleet {
    first: Date,
    series: BTreeMap<(String, String), Vec<f64>>,
    servers: Vec<Arc<Server>>,
}

fn read(daily: &str, servers_file: &str) -> Result<Fleet, Box<dyn Error>> {
    let text = std::fs::read_to_string(daily)?;
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<&str>>());
    let header = lines.next().ok_or("DAILY.csv is empty")?;
    let column =
        |name: &str| header.iter().position(|found| *found == name).ok_or(format!("DAILY.csv has no `{name}`"));
    let (server_at, date_at) = (column("server_id")?, column("date")?);
    let mut first = None;
    let mut series: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for cells in lines {
        let day: Date = cells[date_at].parse()?;
        let first = *first.get_or_insert(day);
        let place = usize::try_from((day.duration_since(first)).as_hours() / 24)?;
        for (name, cell) in header.iter().zip(&cells) {
            let Some(metric) = name.strip_suffix("_p95").filter(|_| !cell.is_empty()) else { continue };
            let values = series.entry((cells[server_at].to_owned(), metric.to_owned())).or_default();
            values.resize(place, f64::NAN);
            values.push(cell.parse()?);
        }
    }
    let mut servers = Vec::new();
    for line in std::fs::read_to_string(servers_file)?.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [id, archetype, service] = cells.as_slice() else { continue };
        let mut server = Server::new(id)?;
        server.archetype = Some((*archetype).to_owned());
        server.service = Some((*service).to_owned());
        servers.push(Arc::new(server));
    }
    Ok(Fleet { first: first.ok_or("DAILY.csv has no day")?, series, servers })
}

/// The fleet as known at a cutoff, `keep` telling how many days of each server.
fn panel(fleet: &Fleet, cutoff: usize, keep: impl Fn(&str) -> usize) -> Result<Panel, Box<dyn Error>> {
    let history = |((server, metric), values): (&(String, String), &Vec<f64>)| {
        let mut past = values[..cutoff.min(values.len())].to_vec();
        past.resize(cutoff, f64::NAN);
        let id = SeriesId::new(server, metric);
        let whole = History::new(id, Arc::new(Metric::named(metric)), Timeline::daily(fleet.first), past)?;
        Ok(whole.suffix(keep(server)))
    };
    let histories: Result<Vec<History>, fleetcast_core::Error> = fleet.series.iter().map(history).collect();
    Ok(Panel::new(fleet.servers.clone(), histories?)?)
}

/// Mean absolute error over that of repeating the last week; `None` where a series never changes or has no actuals.
fn mase(shown: &[f64], point: &[f64], actual: &[f64]) -> Option<f64> {
    let mean = |errors: Vec<f64>| (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64);
    let known = |errors: Vec<f64>| errors.into_iter().filter(|e| !e.is_nan()).collect::<Vec<f64>>();
    let scale = mean(known(shown.iter().zip(&shown[SEASON..]).map(|(a, b)| (b - a).abs()).collect()))?;
    let error = mean(known(point.iter().zip(actual).map(|(f, y)| (f - y).abs()).collect()))?;
    (scale > 0.0).then(|| error / scale)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(daily), Some(servers), Some(methods)) = (arguments.first(), arguments.get(1), arguments.get(2)) else {
        return Err("usage: young_servers DAILY.csv SERVERS.csv METHOD,METHOD,... [DAYS]".into());
    };
    let days: usize = arguments.get(3).map_or(Ok(120), |n| n.parse())?;
    let fleet = read(daily, servers)?;
    let mut names: Vec<&str> = fleet.servers.iter().map(|s| s.server_id()).collect();
    names.sort_unstable();
    let is_young = |id: &str| names.binary_search(&id).is_ok_and(|at| at % 3 == 0);
    let settings = Settings { season_lengths: vec![SEASON], calendar: Arc::new(Calendar::us()) };
    println!("origin,to_come,method,young,as_if_old,old");
    for (last, to_come, horizon) in ORIGINS {
        let cutoff = usize::try_from(last.duration_since(fleet.first).as_hours() / 24)? + 1;
        let shown = panel(&fleet, cutoff, |server| if is_young(server) { days } else { cutoff })?;
        let whole = panel(&fleet, cutoff, |_| cutoff)?;
        for method in methods.split(',') {
            let mut scores = [Vec::new(), Vec::new(), Vec::new()];
            for (panel, judged) in [(&shown, [0, 2]), (&whole, [1, 1])] {
                let fits = named(method, &settings)?.fit_panel(panel);
                for (history, fitted) in panel.histories().iter().zip(fits) {
                    let id = history.id();
                    let young = is_young(&id.server_id);
                    if !young && judged[0] == 1 {
                        continue;
                    }
                    let Ok(fitted) = fitted else { continue };
                    let forecast = fitted.predict(&Future { horizon }, &[0.5])?;
                    let values = &fleet.series[&(id.server_id.to_string(), id.metric.to_string())];
                    let from = if young { history.len().saturating_sub(days) } else { 0 };
                    let kept = &history.values()[from..];
                    let actual = values.get(cutoff..).unwrap_or_default();
                    let score = mase(kept, forecast.point(), &actual[..horizon.min(actual.len())]);
                    if std::env::var("EACH").is_ok()
                        && let Some(score) = score
                    {
                        eprintln!("{last},{method},{id},{young},{},{score}", judged[0]);
                    }
                    scores[judged[usize::from(!young)]].extend(score);
                }
            }
            let means = scores.map(|scores| scores.iter().sum::<f64>() / scores.len().max(1) as f64);
            println!("{last},{to_come},{method},{:.4},{:.4},{:.4}", means[0], means[1], means[2]);
        }
    }
    Ok(())
}
