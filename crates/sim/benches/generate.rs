//! Speed of the generator on one core.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fleetcast_sim::{Fleet, FleetSpec, SampleStep, Scenario};
use jiff::civil::date;
use std::hint::black_box;

fn fleet(scenario: &str, step: SampleStep, days: usize) -> Fleet {
    let spec = FleetSpec { n_servers: 200, start: date(2022, 1, 1), days, step, seed: 42 };
    Fleet::new(Scenario::named(scenario).expect("a built-in scenario"), spec).expect("a possible fleet")
}

fn generate(c: &mut Criterion) {
    for (scenario, step, days, n_servers) in [
        ("enterprise", SampleStep::Day, 1095, 200),
        ("walkthrough", SampleStep::Day, 1095, 200),
        ("enterprise", SampleStep::Hour, 90, 20),
        ("enterprise", SampleStep::Minutes5, 90, 5),
    ] {
        let mut group = c.benchmark_group(format!("{scenario}-{step}"));
        let per_day = 86_400 / step.seconds() as usize;
        group.throughput(Throughput::Elements((n_servers * days * per_day * 4) as u64));
        group.sample_size(10);
        // The fleet is made anew each time: its tables are part of the cost.
        group.bench_function(format!("{n_servers} servers x {days} days"), |b| {
            b.iter(|| {
                let fleet = fleet(scenario, step, days);
                for index in 0..n_servers {
                    black_box(fleet.generate(index));
                }
            });
        });
    }
}

criterion_group!(benches, generate);
criterion_main!(benches);
