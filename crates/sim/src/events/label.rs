//! What is told of an event.

use super::arrivals::{Arrival, Class};
use super::{DAY, Instants, Moment};
use crate::telemetry::{Event, METRICS};
use fleetcast_numeric::math;

/// An event in the words of its table, before its moments are instants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    pub(crate) event_type: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) name: Name,
    pub(crate) start: Moment,
    pub(crate) peak: Moment,
    pub(crate) end: Option<Moment>,
    pub(crate) metric: Option<&'static str>,
    pub(crate) size: f64,
}

/// Whom an event struck, and its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Name {
    /// The server itself; the event's name, class and number make the key.
    Own(&'static str, Class, u64),
    /// The server itself; its pool's name, and the event's, class and number make the key.
    Lost(&'static str, Class, u64),
    /// The pool, whose other servers took over what one of them lost.
    TakenOver(&'static str, Class, u64),
    /// The scope's name and the key.
    Given(String, String),
}

/// Whose events are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) server_id: &'a str,
    pub(crate) pool: &'a str,
}

impl Label {
    /// The event of a server in a fleet that is known for `n_days`.
    pub(crate) fn event(&self, owner: Owner<'_>, instants: &Instants<'_>, n_days: usize) -> Event {
        let known = n_days as Moment * DAY;
        let (scope_id, event_id) = match &self.name {
            Name::Own(name, class, number) => {
                (owner.server_id.to_owned(), key_of(owner.server_id, name, *class, *number))
            }
            Name::Lost(name, class, number) => (owner.server_id.to_owned(), key_of(owner.pool, name, *class, *number)),
            Name::TakenOver(name, class, number) => {
                let mut key = key_of(owner.pool, name, *class, *number);
                key.push_str("-taken-over");
                (owner.pool.to_owned(), key)
            }
            Name::Given(scope_id, id) => (scope_id.clone(), id.clone()),
        };
        Event {
            event_id,
            event_type: self.event_type,
            scope: self.scope,
            scope_id,
            start_ms: instants.ms(self.start),
            peak_ms: instants.ms(self.peak),
            end_ms: self.end.filter(|end| *end < known).map(|end| instants.ms(end)),
            metric: self.metric,
            size: self.size,
        }
    }
}

/// The key of an event: brief and long ones are counted apart.
pub(crate) fn id_of(scope_id: &str, name: &str, arrival: &Arrival) -> String {
    key_of(scope_id, name, arrival.class, arrival.number)
}

fn key_of(scope_id: &str, name: &str, class: Class, number: u64) -> String {
    let brief = if class == Class::Brief { "brief-" } else { "" };
    // Hundreds of thousands are made in a large fleet; formatting them at once takes three times as long.
    let mut key = String::with_capacity(scope_id.len() + brief.len() + name.len() + 12);
    key.push_str(scope_id);
    key.push('-');
    key.push_str(brief);
    key.push_str(name);
    key.push('-');
    key.push_str(&number.to_string());
    key
}

/// The one metric that is touched, if it is one, and the factor on the metric that is touched most.
pub(crate) fn touched(log: [f64; 4]) -> (Option<&'static str>, f64) {
    let most = (0..4).fold(0, |most, m| if log[m].abs() > log[most].abs() { m } else { most });
    let alone = log.iter().filter(|log| **log != 0.0).count() == 1;
    (alone.then(|| METRICS[most]), math::exp(log[most]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metric_touched_most_gives_the_size() {
        let (metric, size) = touched([0.1, 0.0, -0.5, 0.2]);
        assert!(metric.is_none() && (size - (-0.5_f64).exp()).abs() < 1e-15);
        assert_eq!(touched([0.0, 0.2, 0.0, 0.0]).0, Some("memory"));
        assert_eq!(touched([f64::NEG_INFINITY; 4]), (None, 0.0));
    }
}
