//! Days from 5-minute samples: 20 servers, 30 days, 2 metrics.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fleetcast_core::{Server, Zone};
use fleetcast_lake::{Column, Frame, daily_frame};
use fleetcast_numeric::Stream;
use std::hint::black_box;

const N_SERVERS: usize = 20;
const N_STEPS: usize = 30 * 288;

fn samples() -> Frame {
    let values = |metric: &str| -> Vec<f64> {
        let stream = Stream::new(1, &[metric]);
        (0..(N_SERVERS * N_STEPS) as u64).map(|i| 100.0 * stream.uniform(i)).collect()
    };
    let ids = (0..N_SERVERS).flat_map(|s| std::iter::repeat_n(format!("web-{s:03}"), N_STEPS)).collect::<Vec<_>>();
    let times = (0..N_SERVERS).flat_map(|_| (0..N_STEPS as i64).map(|step| 1_640_995_200_000 + step * 300_000));
    Frame::new()
        .with("server_id", ids)
        .and_then(|f| f.with("ts", Column::times(times)))
        .and_then(|f| f.with("cpu", values("cpu")))
        .and_then(|f| f.with("memory", values("memory")))
        .expect("the columns have equal lengths")
}

fn bench(c: &mut Criterion) {
    let samples = samples();
    let servers: Vec<Server> = (0..N_SERVERS)
        .map(|s| {
            let mut server = Server::new(&format!("web-{s:03}")).expect("the id is not empty");
            server.zone = Zone::named("Europe/London").expect("the zone is in the database");
            server
        })
        .collect();
    let mut group = c.benchmark_group("daily");
    group.throughput(Throughput::Elements((2 * N_SERVERS * N_STEPS) as u64));
    group.bench_function("5min", |b| b.iter(|| daily_frame(black_box(&samples), &servers)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
