//! Tables of the size of the demo: 200 servers, 1095 days, 4 metrics.

use criterion::{Criterion, criterion_group, criterion_main};
use fleetcast_core::Server;
use fleetcast_lake::{Column, Frame, Lake, Mode, PanelQuery, Table, servers_frame};
use fleetcast_numeric::Stream;
use jiff::{ToSpan as _, civil::date};

const N_SERVERS: usize = 200;
const N_DAYS: usize = 1095;
const METRICS: [&str; 4] = ["cpu", "disk_io", "memory", "network"];

fn id(server: usize) -> String {
    format!("server-{server:04}")
}

fn values(name: &str, server: usize, rows: usize) -> Vec<f64> {
    let stream = Stream::new(1, &["bench", name, &id(server)]);
    (0..rows as u64).map(|row| 100.0 * stream.uniform(row)).collect()
}

fn daily(server: usize) -> fleetcast_lake::Result<Frame> {
    let dates: Vec<_> = (0..N_DAYS as i64).map(|day| date(2022, 1, 1) + day.days()).collect();
    let mut frame = Frame::new()
        .with("server_id", Column::repeated(&id(server), N_DAYS))?
        .with("date", dates)?
        .with("n_samples", vec![1i64; N_DAYS])?;
    for metric in METRICS {
        for part in ["p95", "mean", "max"] {
            let name = format!("{metric}_{part}");
            frame = frame.with(&name, values(&name, server, N_DAYS))?;
        }
    }
    Ok(frame)
}

fn truth(server: usize) -> fleetcast_lake::Result<Frame> {
    let rows = 4 * N_DAYS;
    let day = 86_400_000;
    let mut frame = Frame::new()
        .with("server_id", Column::repeated(&id(server), rows))?
        .with("ts", Column::times((0..rows as i64).map(|row| 1_640_995_200_000 + row / 4 * day)))?
        .with("metric", (0..rows).map(|row| METRICS[row % 4]).collect::<Vec<_>>())?
        .with("saturated", vec![false; rows])?;
    for name in ["growth", "week", "season", "day", "noise", "event", "demand", "observed"] {
        frame = frame.with(name, values(name, server, rows))?;
    }
    Ok(frame)
}

/// A part per server, written by all threads.
fn write(lake: &Lake, table: Table, frame: fn(usize) -> fleetcast_lake::Result<Frame>) {
    use rayon::prelude::*;
    let change = lake.begin().expect("nobody else changes the lake");
    (0..N_SERVERS).into_par_iter().for_each(|server| {
        let frame = frame(server).expect("the columns are equally long");
        change.write_part(table, &frame, &Mode::Replace, server).expect("the frame fits its table");
    });
    change.commit().expect("the folder can be written");
}

fn bench(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let mut group = c.benchmark_group("lake");
    group.sample_size(10);
    group.bench_function("create", |b| {
        b.iter(|| {
            let folder = tempfile::tempdir().expect("the system has room for a folder");
            Lake::create(folder.path().join("lake")).expect("an empty folder can become a lake")
        });
    });
    let lake = Lake::create(folder.path()).expect("an empty folder can become a lake");
    let servers: Vec<Server> = (0..N_SERVERS).map(|s| Server::new(&id(s)).expect("ids are not empty")).collect();
    let change = lake.begin().expect("nobody else changes the lake");
    change.write(Table::Servers, &servers_frame(&servers).expect("equal columns"), &Mode::Replace).expect("it fits");
    change.commit().expect("the folder can be written");
    group.bench_function("write 219,000 days of 4 metrics", |b| b.iter(|| write(&lake, Table::Daily, daily)));
    group.bench_function("write 876,000 rows of truth", |b| b.iter(|| write(&lake, Table::Truth, truth)));
    group.bench_function("open", |b| b.iter(|| Lake::open(folder.path())));
    group.bench_function("panel of 800 series", |b| b.iter(|| lake.panel(&PanelQuery::default())));
    group.bench_function("count rows and servers", |b| {
        b.iter(|| lake.sql("select count(*), count(distinct server_id) from daily"));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
