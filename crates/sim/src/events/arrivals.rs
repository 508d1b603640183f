//! When events begin and how long they last: two independent Poisson processes for each kind.
//!
//! Brief events are too short to move a day's P95 and are drawn only where there are samples inside the
//! day; long ones are drawn always. Since the two are independent, a fleet at day step has the same long
//! events as one at five minutes.

use super::settings::Duration;
use super::{DAY, Moment};
use fleetcast_numeric::{Stream, math, normal};
use std::ops::Range;

/// Events and their parts begin and end at whole steps of this many seconds.
pub(crate) const GRAIN: Moment = 300;
/// A brief event is no longer: 5 % of a day, so that it alone leaves the day's P95 as it is.
pub(crate) const LONGEST_BRIEF: Moment = DAY / 20;
/// A long event is no shorter: at an hourly step, too, two samples lie in it.
pub(crate) const SHORTEST_LONG: Moment = 7_200;
/// Days of a year.
const YEAR: f64 = 365.25;

/// Which of the two processes an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Brief,
    Long,
}

/// An event: its number in its process, its beginning, and how long it lasts in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    pub(crate) class: Class,
    pub(crate) number: u64,
    pub(crate) start: Moment,
    pub(crate) seconds: Moment,
    /// Further numbers of this event, from index 8 on.
    pub(crate) draw: Stream,
}

/// The law of when a kind of event begins and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Law {
    per_day: f64,
    /// Logarithm of the median in seconds, and the spread.
    log_median: f64,
    log_std: f64,
    /// Probabilities of a duration below the limit between the classes and below the longest.
    brief: f64,
    whole: f64,
    longest: Moment,
}

impl Law {
    pub(crate) fn new(per_year: f64, duration: &Duration) -> Self {
        let (log_median, log_std) = (math::ln(duration.median_minutes * 60.0), duration.log_std.max(1e-9));
        let below = |seconds: f64| normal::probability((math::ln(seconds) - log_median) / log_std);
        let longest = duration.longest_hours * 3_600.0;
        let whole = below(longest);
        let brief = below(longest.min(LONGEST_BRIEF as f64));
        Self { per_day: per_year / YEAR, log_median, log_std, brief, whole, longest: longest as Moment }
    }

    /// Expected events of a class per day.
    pub(crate) fn per_day(&self, class: Class) -> f64 {
        // Where the median is far beyond the longest, all are cut there.
        let cut = if self.longest <= LONGEST_BRIEF { 1.0 } else { 0.0 };
        let brief = if self.whole > 0.0 { self.brief / self.whole } else { cut };
        self.per_day * if class == Class::Brief { brief } else { 1.0 - brief }
    }

    /// The events of one class of `times` such processes together that begin on the days `begin`,
    /// earliest first. The n-th is the same however many days are asked for.
    pub(crate) fn arrivals(self, stream: Stream, class: Class, times: f64, begin: Range<usize>) -> Arrivals {
        let stream = if class == Class::Brief { stream.child_number(1) } else { stream };
        let per_day = self.per_day(class) * times;
        Arrivals { law: self, class, stream, per_day, time: begin.start as f64, end: begin.end as f64, number: 0 }
    }

    /// How long an event of a class lasts whose rank among its like is `share`.
    fn seconds(&self, class: Class, share: f64) -> Moment {
        let (low, high) = if class == Class::Brief { (0.0, self.brief) } else { (self.brief, self.whole) };
        let rank = (low + share * (high - low)).clamp(1e-12, 1.0 - 1e-12);
        let seconds = math::exp(self.log_median + self.log_std * normal::quantile(rank));
        let whole = (seconds / GRAIN as f64 + 0.5) as Moment * GRAIN;
        let whole = whole.min(self.longest / GRAIN * GRAIN);
        match class {
            Class::Brief => whole.clamp(GRAIN, LONGEST_BRIEF / GRAIN * GRAIN),
            Class::Long => whole.max(SHORTEST_LONG),
        }
    }
}

/// Iterator over the events of a process.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    law: Law,
    class: Class,
    stream: Stream,
    per_day: f64,
    time: f64,
    end: f64,
    number: u64,
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        if self.per_day <= 0.0 {
            return None;
        }
        self.time += self.stream.exponential(self.number) / self.per_day;
        if self.time >= self.end {
            return None;
        }
        let draw = self.stream.child_number(self.number);
        let start = (self.time * (DAY / GRAIN) as f64) as Moment * GRAIN;
        let seconds = self.law.seconds(self.class, draw.uniform(0));
        let arrival = Arrival { class: self.class, number: self.number, start, seconds, draw };
        self.number += 1;
        Some(arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::quantile;

    const DURATION: Duration = Duration { median_minutes: 18.0, log_std: 1.8, longest_hours: 48.0 };

    fn both(n_streams: u64, days: usize) -> Vec<Arrival> {
        let law = Law::new(30.0, &DURATION);
        let of = |seed| {
            [Class::Brief, Class::Long]
                .into_iter()
                .flat_map(move |class| law.arrivals(Stream::new(seed, &["arrivals"]), class, 1.0, 0..days))
        };
        (0..n_streams).flat_map(of).collect()
    }

    #[test]
    fn events_come_at_their_rate_and_last_as_long_as_asked() {
        let all = both(200, 1461);
        let per_year = all.len() as f64 / 800.0;
        assert!((per_year / 30.0 - 1.0).abs() < 0.03, "{per_year}");
        let minutes: Vec<f64> = all.iter().map(|arrival| arrival.seconds as f64 / 60.0).collect();
        for (probability, z) in [(0.4, -0.253_347), (0.5, 0.0), (0.6, 0.253_347), (0.9, 1.281_552)] {
            let (got, asked) = (quantile(&minutes, probability).unwrap(), 18.0 * (1.8_f64 * z).exp());
            // Durations are whole steps of five minutes.
            assert!((got - asked).abs() < 0.1 * asked + 2.5, "{probability}: {got} against {asked}");
        }
        assert!(minutes.iter().all(|m| *m <= 72.0 || *m >= 120.0));
        assert!(all.iter().all(|arrival| arrival.start % GRAIN == 0 && arrival.seconds % GRAIN == 0));
    }

    #[test]
    fn a_longer_run_begins_with_the_shorter() {
        let (short, long) = (both(1, 300), both(1, 900));
        let begins_early: Vec<Arrival> = long.into_iter().filter(|arrival| arrival.start < 300 * DAY).collect();
        assert_eq!(short, begins_early);
    }

    #[test]
    fn a_law_of_one_duration_is_that_duration() {
        let law = Law::new(12.0, &Duration { median_minutes: 30.0, log_std: 0.0, longest_hours: 1.0 });
        let mut brief = law.arrivals(Stream::new(1, &["x"]), Class::Brief, 1.0, 0..4000);
        assert!(brief.all(|arrival| arrival.seconds == 1800));
        assert_eq!(law.arrivals(Stream::new(1, &["x"]), Class::Long, 1.0, 0..4000).count(), 0);
        // Of a median that is longer than the longest all are as long as that.
        let cut = Law::new(12.0, &Duration { median_minutes: 90_000.0, log_std: 0.1, longest_hours: 1.0 });
        assert!(
            cut.arrivals(Stream::new(1, &["x"]), Class::Brief, 1.0, 0..4000).all(|arrival| arrival.seconds == 3600)
        );
        assert_eq!(cut.per_day(Class::Long), 0.0);
        assert_eq!(Law::new(0.0, &DURATION).arrivals(Stream::new(1, &["x"]), Class::Long, 1.0, 0..4000).count(), 0);
    }
}
