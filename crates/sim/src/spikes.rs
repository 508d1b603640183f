//! Short spikes inside the day: jobs that come at any time, and jobs of the clock, every hour at the same
//! minute. They are most of what a fine series has beyond its P95.

use crate::effects::Rhythm;
use crate::noise::Quad;
use crate::scenario;
use fleetcast_numeric::{Stream, math};

/// Spikes are drawn day by day, counted from the series' first sample, so that a longer run begins with the
/// shorter one.
const DAY_SECONDS: i64 = 86_400;
const HOUR_SECONDS: i64 = 3_600;
/// A spike lasts for so long; a coarser sample holds a part of it.
const SPIKE_SECONDS: f64 = 300.0;
/// More than so many spikes of a day are none.
const MOST_PER_DAY: u64 = 200;

/// What the spikes of one server follow.
pub(crate) struct Spikes<'a> {
    law: &'a scenario::Intraday,
    rhythm: &'a Rhythm,
    stream: Stream,
    step_s: i64,
}

impl<'a> Spikes<'a> {
    pub(crate) fn new(law: &'a scenario::Intraday, rhythm: &'a Rhythm, stream: Stream, step_s: i64) -> Self {
        Self { law, rhythm, stream: stream.child("spikes"), step_s }
    }

    /// Hands over each spike among the first `n` samples: the sample, and the logarithms of its factors.
    pub(crate) fn each(&self, n: usize, mut take: impl FnMut(usize, Quad)) {
        let loading = self.law.spike_loading.array();
        let mut at = |second: i64, log: f64| {
            let sample = (second / self.step_s) as usize;
            if sample < n {
                let log = self.diluted(log);
                take(sample, loading.map(|loading| loading * log));
            }
        };
        let days = (n * self.step_s as usize).div_ceil(DAY_SECONDS as usize) as i64;
        for day in 0..days {
            let stream = self.stream.child_number(day as u64);
            for spike in 0..poisson(self.rhythm.spikes_per_day, stream) {
                let second = stream.child("time").below(spike, DAY_SECONDS as u64) as i64;
                at(day * DAY_SECONDS + second, self.law.spike_log_mean * stream.child("size").exponential(spike));
            }
            for hour in (0..24).filter(|_| self.rhythm.hourly_log > 0.0) {
                let second = day * DAY_SECONDS + hour * HOUR_SECONDS + self.rhythm.hourly_second;
                // From half to one and a half of its usual size.
                at(second, self.rhythm.hourly_log * (0.5 + stream.child("job").uniform(hour as u64)));
            }
        }
    }

    /// The logarithm of what is left of a spike's factor in the mean over a sample.
    fn diluted(&self, log: f64) -> f64 {
        let share = (SPIKE_SECONDS / self.step_s as f64).min(1.0);
        math::ln(1.0 + share * (math::exp(log) - 1.0))
    }
}

/// A Poisson number with this mean, by counting exponential waits.
fn poisson(mean: f64, stream: Stream) -> u64 {
    let stream = stream.child("wait");
    let mut time = 0.0;
    for count in 0..MOST_PER_DAY {
        time += stream.exponential(count);
        if time >= mean {
            return count;
        }
    }
    MOST_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scenario;

    fn spikes(rhythm: &Rhythm, step_s: i64, n: usize) -> Vec<(usize, f64)> {
        let scenario = Scenario::named("enterprise").unwrap();
        let mut found = Vec::new();
        let spikes = Spikes::new(&scenario.raw.intraday, rhythm, Stream::new(1, &["test"]), step_s);
        spikes.each(n, |sample, logs| found.push((sample, logs[0])));
        found
    }

    #[test]
    fn spikes_come_at_their_rate_and_a_longer_run_begins_with_the_shorter() {
        let rhythm = Rhythm { spikes_per_day: 4.0, hourly_log: 0.0, ..Rhythm::plain(1.0) };
        let long = spikes(&rhythm, 300, 288 * 1_000);
        assert!((long.len() as f64 / 4_000.0 - 1.0).abs() < 0.05, "{}", long.len());
        let short = spikes(&rhythm, 300, 288 * 10);
        assert_eq!(long[..short.len()], short[..]);
        assert!(spikes(&Rhythm { spikes_per_day: 0.0, ..rhythm }, 300, 2_880).is_empty());
    }

    #[test]
    fn a_job_of_the_clock_comes_every_hour_and_fades_in_coarser_samples() {
        let rhythm = Rhythm { spikes_per_day: 0.0, hourly_log: 0.6, hourly_second: 1_000, ..Rhythm::plain(1.0) };
        let fine = spikes(&rhythm, 300, 288);
        let samples: Vec<usize> = fine.iter().map(|spike| spike.0).collect();
        assert_eq!(samples, (0..24).map(|hour| hour * 12 + 3).collect::<Vec<usize>>());
        let coarse = spikes(&rhythm, 3_600, 24);
        assert!(coarse.len() == 24 && coarse.iter().zip(&fine).all(|(c, f)| c.1 < 0.2 * f.1));
    }
}
