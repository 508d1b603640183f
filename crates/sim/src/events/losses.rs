//! Load that a server loses and its pool takes over: outages and failovers.
//!
//! The pools are load-balanced: when of n servers some lose their load, L servers' worth of it in all,
//! each of the servers that are left has 1 + t x L / (n - L) times its own, where t is the share that is
//! taken over. With t = 1 the sum over the pool stays what it was.

use super::arrivals::{Class, Law};
use super::label::{Label, Name};
use super::laws::Laws;
use super::pulse::Pulse;
use super::{DAY, Moment};
use crate::scenario::Scenario;
use fleetcast_numeric::{Stream, math};
use std::ops::Range;

/// A server that is up for less than this on a day is down for the whole of the rest of it: what is left
/// could not make the day's P95.
const SHORTEST_LIFE: Moment = 3 * 3_600;

/// A pool, as far as its servers' load goes.
#[derive(Clone, Debug)]
pub(crate) struct Pool<'a> {
    pub(crate) name: &'a str,
    /// Indices of its servers.
    pub(crate) members: Range<usize>,
}

/// A server of the pool that loses load for a while.
#[derive(Clone, Debug, PartialEq)]
struct Loss {
    server: usize,
    start: Moment,
    end: Moment,
    /// Share of its load that is lost; 1 when it is down.
    share: f64,
    is_outage: bool,
    class: Class,
    number: u64,
}

/// Lays the losses in the pool that begin on the days `begin`, and what they mean for server `index` of
/// it, over what has happened to the server.
pub(crate) fn add(
    scenario: &Scenario,
    laws: &Laws,
    (seed, pool, index): (u64, &Pool<'_>, usize),
    begin: &Range<usize>,
    pulses: &mut Vec<Pulse>,
    labels: &mut Vec<Label>,
) {
    let mut losses = Vec::new();
    let stream = Stream::new(seed, &["losses", pool.name]);
    let moved_share = scenario.raw.incidents.failover.moved_share;
    for class in laws.classes {
        losses_of(laws.outage, *class, (stream.child_number(0), pool, 1.0), begin, &mut losses);
        losses_of(laws.failover, *class, (stream.child_number(1), pool, moved_share), begin, &mut losses);
    }
    if losses.is_empty() {
        return;
    }
    let taken_over = scenario.raw.outages.taken_over_share;
    let n = pool.members.len() as f64;
    let sharing = Sharing { n, taken_over, loading: scenario.raw.outages.taken_over_loading.array() };
    sharing.pulses(&losses, index, pulses);
    for loss in &losses {
        labels.extend(tell(loss, pool, index, taken_over));
    }
}

fn losses_of(
    law: Law,
    class: Class,
    (stream, pool, share): (Stream, &Pool<'_>, f64),
    begin: &Range<usize>,
    into: &mut Vec<Loss>,
) {
    let n = pool.members.len();
    let is_outage = share >= 1.0;
    for arrival in law.arrivals(stream, class, n as f64, begin.clone()) {
        let (mut start, mut end) = (arrival.start, arrival.start + arrival.seconds);
        if is_outage {
            (start, end) = without_short_lives(start, end);
        }
        let server = pool.members.start + arrival.draw.below(20, n as u64) as usize;
        into.push(Loss { server, start, end, share, is_outage, class, number: arrival.number });
    }
}

/// An outage that leaves a server a short life before or after it on a day lasts to that midnight.
pub(super) fn without_short_lives(start: Moment, end: Moment) -> (Moment, Moment) {
    if end - start < DAY - 2 * SHORTEST_LIFE {
        return (start, end);
    }
    let since_midnight = start.rem_euclid(DAY);
    let until_midnight = (DAY - end.rem_euclid(DAY)) % DAY;
    let start = if since_midnight < SHORTEST_LIFE { start - since_midnight } else { start };
    (start, if until_midnight < SHORTEST_LIFE { end + until_midnight } else { end })
}

/// What is lost at a time: the share that one server has lost, and how many servers' worth the pool has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Lost {
    own: f64,
    all: f64,
}

/// Times, from and to, in which nothing of what is lost changes.
fn spans(losses: &[&Loss]) -> Vec<(Moment, Moment)> {
    let mut cuts: Vec<Moment> = losses.iter().flat_map(|loss| [loss.start, loss.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// What is lost in one such time, as server `index` sees it.
fn lost_in(losses: &[&Loss], (from, to): (Moment, Moment), index: usize) -> Lost {
    // A server that is down and failed over has lost its load once.
    let mut servers: Vec<(usize, f64)> = Vec::new();
    for loss in losses.iter().filter(|loss| loss.start <= from && loss.end >= to) {
        match servers.iter_mut().find(|(server, _)| *server == loss.server) {
            Some((_, share)) => *share = share.max(loss.share),
            None => servers.push((loss.server, loss.share)),
        }
    }
    let own = servers.iter().find(|(server, _)| *server == index).map_or(0.0, |(_, share)| *share);
    Lost { own, all: servers.iter().map(|(_, share)| share).sum() }
}

/// How a pool of `n` servers shares what is lost.
struct Sharing {
    n: f64,
    taken_over: f64,
    /// How far each metric follows the load.
    loading: [f64; 4],
}

impl Sharing {
    /// Logarithms of the factors on a server's metrics.
    fn logs(&self, lost: Lost) -> [f64; 4] {
        if lost.own >= 1.0 {
            return [f64::NEG_INFINITY; 4];
        }
        let left = self.n - lost.all;
        let more = if left > 1e-9 { self.taken_over * lost.all / left } else { 0.0 };
        let log = math::ln((1.0 - lost.own) * (1.0 + more));
        self.loading.map(|loading| loading * log)
    }

    /// The pulses of the long losses, which move a day's P95, and those that the brief ones add to them.
    fn pulses(&self, losses: &[Loss], index: usize, into: &mut Vec<Pulse>) {
        let long: Vec<&Loss> = losses.iter().filter(|loss| loss.class == Class::Long).collect();
        for span in spans(&long) {
            let log = self.logs(lost_in(&long, span, index));
            if log != [0.0; 4] {
                into.push(Pulse::whole(span.0, span.1, log, Class::Long));
            }
        }
        if long.len() == losses.len() {
            return;
        }
        let all: Vec<&Loss> = losses.iter().collect();
        for span in spans(&all) {
            let without = self.logs(lost_in(&long, span, index));
            let with = self.logs(lost_in(&all, span, index));
            if with != without {
                let log = std::array::from_fn(|m| with[m] - without[m]);
                into.push(Pulse::whole(span.0, span.1, log, Class::Brief));
            }
        }
    }
}

/// What server `index` is told of a loss: its own, or what it takes over.
fn tell(loss: &Loss, pool: &Pool<'_>, index: usize, taken_over: f64) -> Option<Label> {
    let n = pool.members.len() as f64;
    let name = if loss.is_outage { "outage" } else { "failover" };
    let common = Label {
        event_type: "failover",
        scope: "pool",
        name: Name::TakenOver(name, loss.class, loss.number),
        start: loss.start,
        peak: loss.start,
        end: Some(loss.end),
        metric: None,
        size: 1.0 + taken_over * loss.share / (n - loss.share),
    };
    if loss.server != index {
        return (taken_over > 0.0).then_some(common);
    }
    Some(Label {
        event_type: name,
        scope: "server",
        name: Name::Lost(name, loss.class, loss.number),
        size: 1.0 - loss.share,
        ..common
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(server: usize, start: Moment, end: Moment, share: f64, class: Class) -> Loss {
        Loss { server, start, end, share, is_outage: share == 1.0, class, number: 0 }
    }

    #[test]
    fn what_is_lost_is_shared_and_a_server_is_lost_once() {
        let losses = [
            loss(3, 0, 600, 1.0, Class::Long),
            loss(4, 300, 900, 0.9, Class::Brief),
            loss(3, 300, 600, 0.9, Class::Long),
        ];
        let sharing = Sharing { n: 4.0, taken_over: 1.0, loading: [1.0, 0.5, 1.0, 1.0] };
        let factors = |index: usize, moment: Moment| {
            let mut pulses = Vec::new();
            sharing.pulses(&losses, index, &mut pulses);
            let logs = pulses.iter().filter(|pulse| pulse.height(moment) > 0.0).map(|pulse| pulse.log);
            logs.fold([0.0; 4], |sum, log| std::array::from_fn(|m| sum[m] + log[m])).map(math::exp)
        };
        for (moment, lost) in [(100, 1.0), (400, 1.9), (700, 0.9)] {
            let [one, other] = [factors(5, moment), factors(6, moment)];
            assert!((one[0] - 4.0 / (4.0 - lost)).abs() < 1e-12 && one == other, "{moment}");
            assert!((one[1] * one[1] - one[0]).abs() < 1e-12, "a metric that follows half");
            let sum: f64 = (3..7).map(|index| factors(index, moment)[0]).sum();
            assert!((sum - 4.0).abs() < 1e-12, "{moment}: {sum}");
        }
        assert_eq!((factors(3, 400)[2], factors(5, 1000)), (0.0, [1.0; 4]));
    }

    #[test]
    fn an_outage_leaves_no_day_a_short_life() {
        let hour = 3_600;
        assert_eq!(without_short_lives(2 * hour, 23 * hour), (0, DAY));
        assert_eq!(without_short_lives(2 * hour, 20 * hour), (0, 20 * hour));
        assert_eq!(without_short_lives(5 * hour, DAY + 22 * hour), (5 * hour, 2 * DAY));
        assert_eq!(without_short_lives(2 * hour, 3 * hour), (2 * hour, 3 * hour));
        assert_eq!(without_short_lives(23 * hour, 2 * DAY + hour), (23 * hour, 2 * DAY + hour));
    }
}
