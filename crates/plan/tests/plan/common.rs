//! Servers, histories and futures for the tests.

use fleetcast_core::{History, Metric, Paths, SeriesId, Server, Timeline, Unit};
use fleetcast_numeric::Stream;
use jiff::civil::{Date, date};
use std::sync::Arc;

/// First day of every history here.
pub const START: Date = date(2022, 1, 1);

/// A server of a type that stands in the built-in price book.
pub fn server(server_id: &str, instance_type: &str, vcpu: f64, memory_gib: f64) -> Server {
    let mut server = Server::new(server_id).expect("a name");
    server.shape.instance_type = Some(instance_type.to_owned());
    server.shape.vcpu = Some(vcpu);
    server.shape.memory_gib = Some(memory_gib);
    server
}

/// A daily history of a percent metric.
pub fn percent(server_id: &str, metric: &str, values: Vec<f64>) -> History {
    let metric = Arc::new(Metric::named(metric).with_unit(Unit::Percent));
    let id = SeriesId::new(server_id, metric.name());
    History::new(id, metric, Timeline::daily(START), values).expect("finite values")
}

/// `n` futures around `level`, with independent days of standard deviation `spread`, within 0 and 100.
pub fn noisy_paths(name: &str, level: impl Fn(usize) -> f64, spread: f64, horizon: usize, n: usize) -> Paths {
    let stream = Stream::new(1, &["paths", name]);
    let value = |i: usize| (level(i % horizon) + spread * stream.normal(i as u64)).clamp(0.0, 100.0);
    Paths::new(horizon, (0..n * horizon).map(value).collect()).expect("whole paths of finite values")
}
