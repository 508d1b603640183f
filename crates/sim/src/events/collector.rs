//! Faults of what collects the telemetry: they change what is emitted, never what was true.
//!
//! A whole sample may be missed, alone or while the collector is down; a metric of it may be missing; the
//! collector may repeat what it read last (stale); a counter may have been reset, so that the difference
//! is negative and a rate of 0 is told; a sample may come late, or twice.

use super::arrivals::{Arrival, Class, Law};
use super::label::{Label, Name, Owner, id_of};
use super::settings::Collector;
use super::{Instants, Moment};
use crate::telemetry::{Delivery, Event, METRICS, ServerTelemetry};
use fleetcast_numeric::{Stream, math};
use std::ops::Range;

/// The metrics that are read from counters: disk_io and network.
const COUNTERS: [usize; 2] = [2, 3];

/// The collector of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collecting<'a> {
    pub(crate) law: &'a Collector,
    pub(crate) seed: u64,
    pub(crate) pool: &'a str,
    pub(crate) instants: Instants<'a>,
    pub(crate) n_days: usize,
    pub(crate) step_s: i64,
}

impl Collecting<'_> {
    /// Lays the faults over what would have been collected.
    pub(crate) fn apply(&self, telemetry: &mut ServerTelemetry) {
        let stream = Stream::new(self.seed, &["collector", telemetry.server.server_id()]);
        let is_daily = telemetry.daily.is_some();
        let mut events = Vec::new();
        if !is_daily {
            // What is drawn by sample is another draw at another step.
            let of_samples = stream.child_number(self.step_s as u64);
            self.reset_counters(telemetry, stream.child("counter resets"), &mut events);
            self.repeat(telemetry, stream.child("stale"), &mut events);
            self.lose_metrics(telemetry, of_samples.child("missing metric"), &mut events);
            self.lose_samples(telemetry, of_samples.child("missed"), &mut events);
        }
        self.go_down(telemetry, stream.child("down"), &mut events);
        if !is_daily {
            let of_samples = stream.child_number(self.step_s as u64);
            self.delay(telemetry, of_samples.child("late"), &mut events);
            self.double(telemetry, of_samples.child("duplicate"), &mut events);
        }
        if !events.is_empty() {
            telemetry.events.append(&mut events);
            telemetry.events.sort_by_key(|event| event.start_ms);
        }
    }

    /// Stretches of time of a process, with their number and rows, in the order of their class.
    fn stretches(
        &self,
        telemetry: &ServerTelemetry,
        (law, stream): (Law, Stream),
        classes: &[Class],
    ) -> Vec<(Arrival, Moment, Range<usize>)> {
        let row = |ms: i64| telemetry.ts_ms.partition_point(|at| *at < ms);
        let arrivals = classes.iter().flat_map(|class| law.arrivals(stream, *class, 1.0, 0..self.n_days));
        arrivals
            .map(|arrival| {
                let end = arrival.start + arrival.seconds;
                let rows = row(self.instants.ms(arrival.start))..row(self.instants.ms(end));
                (arrival, end, rows)
            })
            .collect()
    }

    fn go_down(&self, telemetry: &mut ServerTelemetry, stream: Stream, events: &mut Vec<Event>) {
        let law = Law::new(self.law.down_per_server_per_year, &self.law.down_duration);
        let is_daily = telemetry.daily.is_some();
        // A brief fault leaves no day without samples.
        let classes: &[Class] = if is_daily { &[Class::Long] } else { &[Class::Long, Class::Brief] };
        for (arrival, end, mut rows) in self.stretches(telemetry, (law, stream), classes) {
            if is_daily {
                // A day that begins within the stretch has no samples if it ends within it, too.
                rows.end = (end / super::DAY).clamp(0, telemetry.ts_ms.len() as i64) as usize;
            }
            if rows.is_empty() {
                continue;
            }
            let label = Label { end: Some(end), ..told("missed_scrape", "collector-down", &arrival) };
            events.push(label.event(
                Owner { server_id: telemetry.server.server_id(), pool: self.pool },
                &self.instants,
                self.n_days,
            ));
            for series in &mut telemetry.observed {
                series[rows.clone()].fill(f64::NAN);
            }
            if let Some(daily) = &mut telemetry.daily {
                let all = daily.p95.iter_mut().chain(&mut daily.mean).chain(&mut daily.max);
                all.for_each(|series| series[rows.clone()].fill(f64::NAN));
            }
        }
    }

    fn repeat(&self, telemetry: &mut ServerTelemetry, stream: Stream, events: &mut Vec<Event>) {
        let law = Law::new(self.law.stale_per_server_per_year, &self.law.stale_duration);
        for (arrival, end, rows) in self.stretches(telemetry, (law, stream), &[Class::Long, Class::Brief]) {
            if rows.is_empty() || rows.start == 0 {
                continue;
            }
            let label = Label { end: Some(end), size: 1.0, ..told("stale", "stale", &arrival) };
            events.push(label.event(
                Owner { server_id: telemetry.server.server_id(), pool: self.pool },
                &self.instants,
                self.n_days,
            ));
            for series in &mut telemetry.observed {
                let last = series[rows.start - 1];
                series[rows.clone()].fill(last);
            }
        }
    }

    fn reset_counters(&self, telemetry: &mut ServerTelemetry, stream: Stream, events: &mut Vec<Event>) {
        let per_year = self.law.counter_resets_per_server_per_year;
        let law = Law::new(per_year, &self.law.stale_duration);
        for (arrival, _, rows) in self.stretches(telemetry, (law, stream), &[Class::Long, Class::Brief]) {
            let row = rows.start;
            if row >= telemetry.ts_ms.len() {
                continue;
            }
            let server_id = telemetry.server.server_id();
            let id = id_of(server_id, "counter-reset", &arrival);
            events.push(self.at_row("counter_reset", telemetry, (row, id), None, 0.0));
            COUNTERS.iter().for_each(|metric| telemetry.observed[*metric][row] = 0.0);
        }
    }

    fn lose_metrics(&self, telemetry: &mut ServerTelemetry, stream: Stream, events: &mut Vec<Event>) {
        for (number, row) in rows_hit(stream, self.law.missing_metric_share, telemetry.ts_ms.len()) {
            let metric = stream.child_number(number).below(0, METRICS.len() as u64) as usize;
            let id = format!("{}-missing-metric-{number}", telemetry.server.server_id());
            events.push(self.at_row("missing_metric", telemetry, (row, id), Some(METRICS[metric]), 0.0));
            telemetry.observed[metric][row] = f64::NAN;
        }
    }

    fn lose_samples(&self, telemetry: &mut ServerTelemetry, stream: Stream, events: &mut Vec<Event>) {
        for (number, row) in rows_hit(stream, self.law.missed_share, telemetry.ts_ms.len()) {
            let id = format!("{}-missed-scrape-{number}", telemetry.server.server_id());
            events.push(self.at_row("missed_scrape", telemetry, (row, id), None, 0.0));
            telemetry.observed.iter_mut().for_each(|series| series[row] = f64::NAN);
        }
    }

    fn delay(&self, telemetry: &mut ServerTelemetry, stream: Stream, events: &mut Vec<Event>) {
        let most = (self.law.latest_minutes * 60.0 / self.step_s as f64).max(1.0) as u64;
        for (number, row) in rows_hit(stream, self.law.late_share, telemetry.ts_ms.len()) {
            if !telemetry.is_collected(row) {
                continue;
            }
            let rows = 1 + stream.child_number(number).below(0, most) as usize;
            let id = format!("{}-late-{number}", telemetry.server.server_id());
            let seconds = (rows as i64 * self.step_s) as f64;
            events.push(self.at_row("late", telemetry, (row, id), None, seconds));
            telemetry.deliveries.push(Delivery { row, after: row + rows, is_repeat: false });
        }
    }

    fn double(&self, telemetry: &mut ServerTelemetry, stream: Stream, events: &mut Vec<Event>) {
        for (number, row) in rows_hit(stream, self.law.duplicate_share, telemetry.ts_ms.len()) {
            if !telemetry.is_collected(row) {
                continue;
            }
            let id = format!("{}-duplicate-{number}", telemetry.server.server_id());
            events.push(self.at_row("duplicate", telemetry, (row, id), None, 2.0));
            telemetry.deliveries.push(Delivery { row, after: row, is_repeat: true });
        }
    }

    /// A fault of one sample.
    fn at_row(
        &self,
        event_type: &'static str,
        telemetry: &ServerTelemetry,
        (row, id): (usize, String),
        metric: Option<&'static str>,
        size: f64,
    ) -> Event {
        let start_ms = telemetry.ts_ms[row];
        Event {
            event_id: id,
            event_type,
            scope: "server",
            scope_id: telemetry.server.server_id().to_owned(),
            start_ms,
            peak_ms: start_ms,
            end_ms: Some(start_ms + self.step_s * 1000),
            metric,
            size,
        }
    }
}

fn told(event_type: &'static str, name: &'static str, arrival: &Arrival) -> Label {
    Label {
        event_type,
        scope: "server",
        name: Name::Own(name, arrival.class, arrival.number),
        start: arrival.start,
        peak: arrival.start,
        end: None,
        metric: None,
        size: 0.0,
    }
}

/// Rows of the first `n` that a fault which hits each with probability `share` hits, with their number.
fn rows_hit(stream: Stream, share: f64, n: usize) -> Vec<(u64, usize)> {
    let mut found = Vec::new();
    if share <= 0.0 {
        return found;
    }
    // Waiting times between hits are geometric; the n-th is the same however many rows there are.
    let scale = if share < 1.0 { -math::ln(1.0 - share) } else { f64::INFINITY };
    let mut row = 0;
    for number in 0.. {
        row += (stream.exponential(number) / scale).min(1e15) as usize;
        if row >= n {
            break;
        }
        found.push((number, row));
        row += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_hit_with_the_probability_asked_for() {
        let hits = rows_hit(Stream::new(1, &["hits"]), 0.02, 500_000);
        assert!((hits.len() as f64 / 10_000.0 - 1.0).abs() < 0.04, "{}", hits.len());
        assert!(hits.windows(2).all(|pair| pair[0].1 < pair[1].1));
        let short = rows_hit(Stream::new(1, &["hits"]), 0.02, 9_000);
        assert_eq!(hits[..short.len()], short[..]);
        assert_eq!(rows_hit(Stream::new(1, &["hits"]), 1.0, 5).len(), 5);
        assert!(rows_hit(Stream::new(1, &["hits"]), 0.0, 5).is_empty());
    }
}
