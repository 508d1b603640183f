//! Fit and predict per method, on a panel of daily series; joint paths.
//!
//! A panel has 50 series of 1000 days, fitted together as a run does; divide by 50 for one series.

use criterion::{Criterion, criterion_group, criterion_main};
use fleetcast_core::{Calendar, Dependence, Future, History, Metric, Panel, SeriesId, Timeline};
use fleetcast_models::{Settings, all, paths};
use fleetcast_numeric::{Stream, math};
use jiff::civil::date;
use std::hint::black_box;
use std::sync::Arc;

fn panel() -> Panel {
    let metric = Arc::new(Metric::named("cpu"));
    let histories = (0..50)
        .map(|i| {
            let id = SeriesId::new(&format!("s{i}"), "cpu");
            let stream = Stream::new(i, &["bench"]);
            let week = [1.0, 1.1, 1.05, 1.0, 0.95, 0.6, 0.5];
            let value = |t: usize| (30.0 + 0.01 * t as f64) * week[t % 7] * math::exp(0.1 * stream.normal(t as u64));
            let values = (0..1000).map(value).collect();
            History::new(id, Arc::clone(&metric), Timeline::daily(date(2022, 1, 1)), values)
                .expect("numbers are finite")
        })
        .collect();
    Panel::new(Vec::new(), histories).expect("names differ")
}

fn methods(c: &mut Criterion) {
    let panel = panel();
    let settings = Settings { season_lengths: vec![7], calendar: Arc::new(Calendar::us()) };
    let future = Future { horizon: 90 };
    for model in all(&settings) {
        c.bench_function(&format!("fit 50 {}", model.name()), |b| b.iter(|| black_box(model.fit_panel(&panel))));
        let fits: Vec<_> = model.fit_panel(&panel).into_iter().flatten().collect();
        c.bench_function(&format!("predict 50 {}", model.name()), |b| {
            b.iter(|| fits.iter().map(|fit| fit.predict(&future, &[0.05, 0.5, 0.95])).filter(Result::is_ok).count())
        });
    }
}

fn joint_paths(c: &mut Criterion) {
    let panel = panel();
    let settings = Settings { season_lengths: vec![7], calendar: Arc::new(Calendar::us()) };
    let fitted = all(&settings)[0].fit(&panel.histories()[0]).expect("1000 days are enough");
    let marginals = fitted.predict(&Future { horizon: 180 }, &fleetcast_core::QUANTILE_GRID).expect("the grid ascends");
    let dependence = Dependence { level: 0.3, memory_share: 0.4, memory: 0.8 };
    c.bench_function("draw 1000 paths of 180 steps", |b| {
        b.iter(|| paths::draw(black_box(&marginals), &dependence, None, 1000, 42))
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2));
    targets = methods, joint_paths
}
criterion_main!(benches);
