//! Time to judge and to size: 16,000 series and 4,000 servers are to take less than a minute on two cores.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fleetcast_core::{Calendar, History, Metric, Panel, Paths, SeriesId, Server, Timeline};
use fleetcast_numeric::Stream;
use fleetcast_plan::{Limits, PriceBook, SeriesOutlook, groups, recommend, risks};
use jiff::civil::date;
use std::hint::black_box;
use std::sync::Arc;

const HORIZON: usize = 180;
const N_PATHS: usize = 1_000;

fn history(server_id: &str, metric: &str, level: f64) -> History {
    let noise = Stream::new(1, &[server_id, metric]);
    let values = (0..1095).map(|day| (level + 4.0 * noise.normal(day)).clamp(0.0, 100.0)).collect();
    let id = SeriesId::new(server_id, metric);
    History::new(id, Arc::new(Metric::named(metric)), Timeline::daily(date(2022, 1, 1)), values).expect("finite values")
}

/// Futures that wander, so that some cross and most do not.
fn paths(level: f64) -> Paths {
    let noise = Stream::new(2, &["paths"]);
    let mut values = Vec::with_capacity(HORIZON * N_PATHS);
    for path in 0..N_PATHS {
        let mut deviation = 0.0;
        for day in 0..HORIZON {
            deviation = 0.9 * deviation + 3.0 * noise.normal((path * HORIZON + day) as u64);
            values.push((level + deviation).clamp(0.0, 100.0));
        }
    }
    Paths::new(HORIZON, values).expect("finite values")
}

fn planning(criterion: &mut Criterion) {
    let (limits, calendar, book) = (Limits::default(), Calendar::us(), PriceBook::embedded());
    let mut server = Server::new("web-1").expect("a name");
    server.shape.instance_type = Some("m6i.2xlarge".to_owned());
    let parts =
        [("cpu", 65.0), ("memory", 50.0)].map(|(metric, level)| (history("web-1", metric, level), paths(level)));
    let expected = vec![70.0; 365];
    let outlook = |part: usize| {
        let (history, paths) = &parts[part];
        SeriesOutlook { server: &server, history, expected: &expected, paths }
    };
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(1));
    let cpu = outlook(0);
    group.bench_function("risks of a series", |bench| bench.iter(|| risks(black_box(&cpu), &limits, &calendar)));
    let both = [outlook(0), outlook(1)];
    group.bench_function("size of a server", |bench| {
        bench.iter(|| recommend(&server, black_box(&both), &book, &limits))
    });
    let ids: Vec<String> = (0..200).map(|at| format!("s{at}")).collect();
    let servers = ids.iter().map(|id| Arc::new(Server::new(id).expect("a name"))).collect();
    let histories = ids.iter().enumerate().map(|(at, id)| history(id, "cpu", (at % 5) as f64 * 18.0 + 5.0)).collect();
    let panel = Panel::new(servers, histories).expect("no server twice");
    group.sample_size(10);
    group.bench_function("groups of 200 servers", |bench| {
        bench.iter(|| groups(black_box(&panel), &Panel::default(), &limits, &calendar));
    });
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
