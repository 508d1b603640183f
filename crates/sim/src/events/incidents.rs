//! The catalogue of incidents that happen to one server.

use super::arrivals::{Arrival, GRAIN, Law};
use super::label::{Label, Name, touched};
use super::laws::Laws;
use super::pulse::{Pulse, log_factors};
use super::settings::{CronCollision, Incident, Incidents};
use super::{DAY, Moment};
use fleetcast_numeric::{Stream, math};
use std::ops::Range;

/// Spread of an incident's change, counted in standard deviations, is cut there.
const MOST_SPREAD: f64 = 2.5;

/// Lays the incidents of one server that begin on the days `begin` over what has happened to it.
pub(crate) fn add(
    incidents: &Incidents,
    laws: &Laws,
    (seed, server_id): (u64, &str),
    begin: &Range<usize>,
    pulses: &mut Vec<Pulse>,
    labels: &mut Vec<Label>,
) {
    let stream = Stream::new(seed, &["incidents", server_id]);
    let kinds: [(&'static str, &'static str, &Incident, Law); 4] = [
        ("memory_leak", "memory-leak", &incidents.memory_leak, laws.memory_leak),
        ("disk_full", "disk-full", &incidents.disk_full, laws.disk_full),
        ("retry_storm", "retry-storm", &incidents.retry_storm, laws.retry_storm),
        ("noisy_neighbour", "noisy-neighbour", &incidents.noisy_neighbour, laws.noisy_neighbour),
    ];
    for (at, (event_type, name, incident, law)) in (0..).zip(kinds) {
        for class in laws.classes {
            for arrival in law.arrivals(stream.child_number(at), *class, 1.0, begin.clone()) {
                let log = log_factors(incident.change_percent.array(), spread(&arrival, incident.change_log_std));
                let pulse = Pulse::shaped(&arrival, incident.rise_share, incident.decay_share, log);
                labels.push(label(event_type, Name::Own(name, arrival.class, arrival.number), &pulse));
                pulses.push(pulse);
            }
        }
    }
    let cron = &incidents.cron_collision;
    for class in laws.classes {
        for arrival in laws.cron_collision.arrivals(stream.child_number(4), *class, 1.0, begin.clone()) {
            let (recurring, days) = collision(cron, &arrival);
            let name = Name::Own("cron-collision", arrival.class, arrival.number);
            let mut told = label("cron_collision", name, &recurring);
            told.end = Some(recurring.end() + (days - 1) * DAY);
            labels.push(told);
            pulses.extend((0..days).map(|day| Pulse { start: recurring.start + day * DAY, ..recurring }));
        }
    }
}

/// How strong an incident is against its kind: 1 in the median.
fn spread(arrival: &Arrival, log_std: f64) -> f64 {
    math::exp(log_std * arrival.draw.normal(9).clamp(-MOST_SPREAD, MOST_SPREAD))
}

/// The first run of a collision, and on how many days it runs.
fn collision(cron: &CronCollision, arrival: &Arrival) -> (Pulse, Moment) {
    let log = log_factors(cron.change_percent.array(), spread(arrival, cron.change_log_std));
    let days = 1.0 + arrival.draw.exponential(20) * (cron.recurs_days - 1.0);
    // A job starts at its minute and ends when it is done.
    let pulse = Pulse::whole(arrival.start, arrival.start + arrival.seconds.max(GRAIN), log, arrival.class);
    (pulse, days as Moment)
}

fn label(event_type: &'static str, name: Name, pulse: &Pulse) -> Label {
    let (metric, size) = touched(pulse.log);
    Label {
        event_type,
        scope: "server",
        name,
        start: pulse.start,
        peak: pulse.peak(),
        end: Some(pulse.end()),
        metric,
        size,
    }
}
