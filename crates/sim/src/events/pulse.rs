//! A passing change of the demand: it rises, stays and decays.

use super::Moment;
use super::arrivals::{Arrival, Class, GRAIN};
use fleetcast_numeric::math;

/// Plateaus shorter than this begin on a whole hour and last whole hours, so that samples an hour apart
/// see as much of them as samples five minutes apart.
const ALIGNED_BELOW: Moment = 4 * 3_600;
const HOUR: Moment = 3_600;
/// Logarithm of the largest factor that events have, one or many together: over a thousand.
pub(crate) const MOST_LOG: f64 = 7.0;

/// A passing change, on all metrics at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pulse {
    pub(crate) start: Moment,
    /// Seconds of its three parts.
    pub(crate) rise: Moment,
    pub(crate) plateau: Moment,
    pub(crate) decay: Moment,
    /// Logarithm of the factor at its height; 0 on a metric that is not touched, minus infinity where
    /// nothing is left.
    pub(crate) log: [f64; 4],
    /// Whether it is too short to count for a day's P95.
    pub(crate) is_brief: bool,
}

impl Pulse {
    /// A change that is whole from its first moment to its last.
    pub(crate) fn whole(start: Moment, end: Moment, log: [f64; 4], class: Class) -> Self {
        Self { start, rise: 0, plateau: end - start, decay: 0, log, is_brief: class == Class::Brief }
    }

    /// An arrival that rises and decays for these shares of its duration.
    pub(crate) fn shaped(arrival: &Arrival, rise_share: f64, decay_share: f64, log: [f64; 4]) -> Self {
        let part = |share: f64| (share * (arrival.seconds / GRAIN) as f64) as Moment * GRAIN;
        // However it is shaped, its whole effect is there for a moment.
        let decay = part(decay_share).min(arrival.seconds - GRAIN);
        let rise = part(rise_share).min(arrival.seconds - GRAIN - decay);
        let is_brief = arrival.class == Class::Brief;
        let plateau = arrival.seconds - rise - decay;
        let mut pulse = Self { start: arrival.start, rise, plateau, decay, log, is_brief };
        let has_plateau = rise_share + decay_share < 0.9;
        if !is_brief && has_plateau && pulse.plateau < ALIGNED_BELOW {
            pulse.plateau = ((pulse.plateau + HOUR / 2) / HOUR).max(2) * HOUR;
            let from = (pulse.start + rise + HOUR - 1) / HOUR * HOUR;
            pulse.start = from - rise;
        }
        pulse
    }

    /// The moment from which its whole effect is there.
    pub(crate) fn peak(&self) -> Moment {
        self.start + self.rise
    }

    pub(crate) fn end(&self) -> Moment {
        self.start + self.rise + self.plateau + self.decay
    }

    /// How much of its effect is there at a moment, 0 to 1.
    pub(crate) fn height(&self, moment: Moment) -> f64 {
        let (since, left) = (moment - self.start, self.end() - moment);
        if since < 0 || left <= 0 {
            0.0
        } else if since < self.rise {
            since as f64 / self.rise as f64
        } else if left < self.decay {
            left as f64 / self.decay as f64
        } else {
            1.0
        }
    }
}

/// Logarithms of the factors that changes in % make, `scale` times as strong.
pub(crate) fn log_factors(percent: [f64; 4], scale: f64) -> [f64; 4] {
    let log = |percent: f64| (math::ln(1.0 + percent / 100.0) * scale).clamp(-MOST_LOG, MOST_LOG);
    percent.map(|percent| if percent == 0.0 { 0.0 } else { log(percent) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    fn arrival(class: Class, start: Moment, seconds: Moment) -> Arrival {
        Arrival { class, number: 0, start, seconds, draw: Stream::new(1, &["pulse"]) }
    }

    #[test]
    fn a_pulse_rises_stays_and_decays() {
        let pulse = Pulse { start: 900, rise: 600, plateau: 1200, decay: 300, log: [1.0; 4], is_brief: true };
        let heights = [899, 900, 1200, 1500, 2699, 2700, 2850, 3000].map(|moment| pulse.height(moment));
        assert_eq!(heights, [0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]);
        assert_eq!((pulse.peak(), pulse.end()), (1500, 3000));
    }

    #[test]
    fn a_long_plateau_of_few_hours_lies_on_whole_hours() {
        let pulse = Pulse::shaped(&arrival(Class::Long, 2_100, 9_000), 0.1, 0.2, [0.3; 4]);
        assert_eq!((pulse.peak() % HOUR, pulse.plateau), (0, 2 * HOUR));
        assert!(pulse.start >= 2_100 && pulse.start < 2_100 + HOUR);
        let leak = Pulse::shaped(&arrival(Class::Long, 2_100, 9_000), 1.0, 0.0, [0.3; 4]);
        assert_eq!((leak.start, leak.peak(), leak.end()), (2_100, 10_800, 11_100));
        let brief = Pulse::shaped(&arrival(Class::Brief, 2_100, 300), 0.3, 0.3, [0.3; 4]);
        assert_eq!((brief.rise, brief.plateau, brief.decay), (0, 300, 0));
    }

    #[test]
    fn changes_in_percent_are_factors() {
        let log = log_factors([50.0, 0.0, -20.0, 100.0], 2.0);
        assert!((log[0].exp() - 2.25).abs() < 1e-12 && log[1] == 0.0 && (log[2].exp() - 0.64).abs() < 1e-12);
    }
}
