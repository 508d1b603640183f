//! The layers that are formulas: growth, quarters, time of day, saturation.

use crate::anchors::Anchors;
use crate::profile;
use fleetcast_core::Calendar;
use fleetcast_numeric::{math, wide};
use jiff::civil::Date;
use multiversion::multiversion;
use std::ops::Range;

/// Days on either side of a quarter's last day over which its peak fades.
const PEAK_DAYS: f64 = 10.0;
/// Days on either side of a quarter's middle over which its trough fades.
const TROUGH_DAYS: f64 = 15.0;

/// Compound growth: 1 + rate to the power of the years since the start, for each of `days`.
pub(crate) fn growth(rate_per_year: f64, days: Range<usize>, into: &mut Vec<f64>) {
    const STRIDE: usize = 64;
    // A day's factor is that of a multiple of the stride times that of the days since: two roundings, and
    // two exponentials for each stride in place of one for each day.
    let log = math::ln(1.0 + rate_per_year) / 365.25;
    let mut since: Vec<f64> = (0..STRIDE).map(|day| log * day as f64).collect();
    wide::exp(&mut since);
    let first = days.start / STRIDE;
    let mut strides: Vec<f64> = (first..days.end.div_ceil(STRIDE)).map(|n| log * (n * STRIDE) as f64).collect();
    wide::exp(&mut strides);
    for (number, stride) in (first..).zip(strides) {
        let within = |day: usize| day.clamp(number * STRIDE, (number + 1) * STRIDE) - number * STRIDE;
        into.extend(since[within(days.start)..within(days.end)].iter().map(|since| stride * since));
    }
}

/// The season factor of a day: a quadratic peak at the true quarter ends, a quadratic trough between.
/// `excess` is how far the peak rises above 1 at the end of a quarter, and at the end of the year.
pub(crate) fn season(calendar: &Calendar, date: Date, excess: (f64, f64), trough: f64) -> f64 {
    let (before, after) = (calendar.previous_quarter_end(date), calendar.next_quarter_end(date));
    let (since, until) = (days_from(before, date), days_from(date, after));
    let end = if until <= since { after } else { before };
    let distance = since.min(until);
    let mut factor = 1.0;
    if distance <= PEAK_DAYS {
        let excess = if calendar.quarter_number(end) == 4 { excess.1 } else { excess.0 };
        factor *= 1.0 + excess * (1.0 - (distance / PEAK_DAYS) * (distance / PEAK_DAYS));
    }
    // The middle is a whole day: the later one of two.
    let middle = ((since + until + 1.0) * 0.5).floor();
    let distance = (since - middle).abs();
    if distance <= TROUGH_DAYS {
        factor *= 1.0 - (1.0 - trough) * (1.0 - (distance / TROUGH_DAYS) * (distance / TROUGH_DAYS));
    }
    factor
}

fn days_from(earlier: Date, later: Date) -> f64 {
    (later.duration_since(earlier).as_hours() / 24) as f64
}

/// The day factor as a function of the local hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DayShape {
    amplitude: f64,
    centre_hour: f64,
    window_factor: f64,
    start_hour: f64,
    length_hours: f64,
    edge_hours: f64,
    anchors: Option<Anchors>,
}

impl DayShape {
    /// The shape of a profile: its anchors, or its wave and window, whose edges are smoothed over `edge_hours` on either side (0 for none).
    pub(crate) fn new(day: &profile::Day, edge_hours: f64) -> Self {
        // A window that ends before it starts wraps midnight.
        let length_hours = (day.window_end_hour - day.window_start_hour).rem_euclid(24.0);
        let whole_day = day.window_end_hour - day.window_start_hour == 24.0;
        let length_hours = if whole_day { 24.0 } else { length_hours };
        Self {
            amplitude: day.wave_amplitude_percent / 100.0,
            centre_hour: day.centre_hour.unwrap_or((day.window_start_hour + 0.5 * length_hours).rem_euclid(24.0)),
            window_factor: day.window_factor,
            start_hour: day.window_start_hour,
            length_hours,
            edge_hours: edge_hours.min(0.5 * length_hours).min(0.5 * (24.0 - length_hours)),
            anchors: day.anchors.map(Anchors::new),
        }
    }

    /// The factor at a local hour, 0 up to 24; `later_by` hours later for a server whose day is shifted.
    pub(crate) fn at(&self, hour: f64, later_by: f64) -> f64 {
        let hour = hour - later_by;
        if let Some(anchors) = &self.anchors {
            return anchors.at(hour);
        }
        let angle = std::f64::consts::TAU * (hour - self.centre_hour) / 24.0;
        let inside = self.inside((hour - self.start_hour).rem_euclid(24.0));
        (1.0 + self.amplitude * math::cos(angle)) * (1.0 + (self.window_factor - 1.0) * inside)
    }

    /// How far inside the window: 0 outside, 1 inside, a smooth step at its edges.
    fn inside(&self, since_start: f64) -> f64 {
        if self.edge_hours == 0.0 {
            return f64::from(u8::from(since_start < self.length_hours));
        }
        // Distance into the window from the nearer edge, negative outside, on the circle of 24 hours.
        let depth = if since_start < self.length_hours {
            since_start.min(self.length_hours - since_start)
        } else {
            -(since_start - self.length_hours).min(24.0 - since_start)
        };
        let share = (0.5 + 0.5 * depth / self.edge_hours).clamp(0.0, 1.0);
        share * share * (3.0 - 2.0 * share)
    }
}

/// What is served of a demand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Saturation {
    /// Clipped at the capacity.
    Hard,
    /// Bent from this share of the capacity on: the capacity itself is never quite reached.
    Smooth(f64),
}

impl Saturation {
    /// The demand of which at least `served` is served: infinite when no demand has so much served.
    pub(crate) fn reaches(self, served: f64, capacity: Option<f64>) -> f64 {
        let Some(capacity) = capacity else { return served };
        let load = served / capacity;
        match self {
            Self::Smooth(knee) if load > knee && knee < 1.0 && load < 1.0 => {
                let room = 1.0 - knee;
                (knee - room * math::ln(1.0 - (load - knee) / room)) * capacity
            }
            Self::Smooth(knee) if load >= 1.0 && knee < 1.0 => f64::INFINITY,
            _ if load > 1.0 => f64::INFINITY,
            _ => served,
        }
    }

    /// [`Saturation::serve`] of whole columns, which `observed` and `saturated` get.
    pub(crate) fn serve_all(
        self,
        demand: &[f64],
        capacity: Option<f64>,
        observed: &mut Vec<f64>,
        saturated: &mut Vec<bool>,
    ) {
        observed.clear();
        observed.extend_from_slice(demand);
        saturated.clear();
        saturated.resize(demand.len(), false);
        if let Some(capacity) = capacity.filter(|_| !self.leaves(demand, capacity)) {
            reached(capacity, demand, saturated);
            self.serve_in_place(observed, Some(capacity));
        }
    }

    /// Turns a column of demand into what is served of it.
    pub(crate) fn serve_in_place(self, column: &mut [f64], capacity: Option<f64>) {
        let Some(capacity) = capacity else { return };
        for block in column.chunks_mut(64) {
            if self.leaves(block, Some(capacity)) {
                continue;
            }
            match self {
                Self::Hard => clip(capacity, block),
                Self::Smooth(_) => block.iter_mut().for_each(|load| *load = self.serve(*load, Some(capacity)).0),
            }
        }
    }

    /// Whether all of these loads are served whole, and none reaches the capacity: most are far from it.
    fn leaves(self, demand: &[f64], capacity: Option<f64>) -> bool {
        let Some(capacity) = capacity else { return true };
        let from = match self {
            Self::Hard => capacity,
            Self::Smooth(knee) => knee.min(1.0) * capacity * (1.0 - 1e-12),
        };
        most(demand) < from
    }

    /// What is served, and whether the demand reached the capacity. Without a capacity all is served.
    pub(crate) fn serve(self, demand: f64, capacity: Option<f64>) -> (f64, bool) {
        let Some(capacity) = capacity else { return (demand, false) };
        match self {
            Self::Hard => (demand.min(capacity), demand >= capacity),
            Self::Smooth(knee) => {
                let load = demand / capacity;
                if load <= knee || knee >= 1.0 {
                    return (demand.min(capacity), demand >= capacity);
                }
                let room = 1.0 - knee;
                let served = knee + room * (1.0 - math::exp(-(load - knee) / room));
                (served * capacity, load >= 1.0)
            }
        }
    }
}

/// What is left of each demand under the capacity.
#[multiversion(targets("x86_64+avx+avx2"))]
fn clip(capacity: f64, values: &mut [f64]) {
    values.iter_mut().for_each(|value| *value = if *value < capacity { *value } else { capacity });
}

/// Which demands reach the capacity.
#[multiversion(targets("x86_64+avx+avx2"))]
fn reached(capacity: f64, demand: &[f64], saturated: &mut [bool]) {
    demand.iter().zip(saturated).for_each(|(demand, saturated)| *saturated = *demand >= capacity);
}

/// The largest of the loads, 0 when there are none.
#[multiversion(targets("x86_64+avx+avx2"))]
pub(crate) fn most(loads: &[f64]) -> f64 {
    // Side by side, because each maximum waits for the one before it.
    let (blocks, rest) = loads.as_chunks::<16>();
    let mut lanes = [0.0; 16];
    for block in blocks {
        for (most, load) in lanes.iter_mut().zip(block) {
            *most = if *load > *most { *load } else { *most };
        }
    }
    lanes.iter().chain(rest).fold(0.0, |most, load| if *load > most { *load } else { most })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn growth_of_12_percent_is_1_12_after_a_year_and_1_40_after_three() {
        let mut factors = Vec::new();
        growth(0.12, 0..1097, &mut factors);
        assert_eq!(factors[0], 1.0);
        assert!((factors[365] - 1.12).abs() < 1e-3);
        assert!((factors[1096] - 1.404_928).abs() < 1e-3, "{}", factors[1096]);
    }

    #[test]
    fn a_quarter_end_is_1_4_and_a_mid_quarter_0_65() {
        let calendar = Calendar::us();
        let at = |day| season(&calendar, day, (0.4, 0.4), 0.65);
        for end in [date(2022, 3, 31), date(2022, 6, 30), date(2022, 9, 30), date(2022, 12, 31)] {
            assert!((at(end) - 1.4).abs() < 1e-15, "{end}");
        }
        // (31 December + 31 March + 1) / 2 is 14 February in a year of 365 days.
        assert!((at(date(2022, 2, 14)) - 0.65).abs() < 1e-15);
        // Both sides, across New Year.
        assert_eq!(at(date(2023, 1, 4)), at(date(2022, 12, 27)));
        assert!((at(date(2023, 1, 4)) - (1.0 + 0.4 * (1.0 - 0.16))).abs() < 1e-15);
        assert_eq!(at(date(2023, 1, 10)), 1.0);
        let fiscal = Calendar::new(2, &[], Vec::new()).unwrap();
        assert!((season(&fiscal, date(2023, 1, 31), (0.4, 0.5), 0.65) - 1.5).abs() < 1e-15);
        assert!((season(&fiscal, date(2023, 4, 30), (0.4, 0.5), 0.65) - 1.4).abs() < 1e-15);
    }

    #[test]
    fn the_first_hourly_day_factor_has_its_published_figures() {
        // A sine that peaks at 6 with the window 9 to 17, both hours included.
        let day = profile::Day { centre_hour: Some(6.0), window_end_hour: 18.0, ..profile::Day::default() };
        let shape = DayShape::new(&day, 0.0);
        let hours: Vec<f64> = (0..24).map(|hour| shape.at(f64::from(hour), 0.0)).collect();
        let (low, high) = hours.iter().fold((9.0_f64, 0.0_f64), |(low, high), &v| (low.min(v), high.max(v)));
        let mean = hours.iter().sum::<f64>() / 24.0;
        assert!((low - 0.800).abs() < 5e-4 && (high - 1.3126).abs() < 5e-5 && (mean - 1.0540).abs() < 5e-5);
    }

    #[test]
    fn the_window_is_half_open_and_may_wrap_midnight() {
        let shape = DayShape::new(&profile::Day::default(), 0.0);
        assert!(shape.at(8.99, 0.0) < 1.2 && shape.at(9.0, 0.0) > 1.2);
        assert!((shape.at(13.0, 0.0) - 1.2 * 1.15).abs() < 1e-15);
        assert!(shape.at(17.0, 0.0) < 1.15 * shape.at(16.99, 0.0) / 1.15 + 1e-2);
        let night = profile::Day { window_start_hour: 22.0, window_end_hour: 6.0, ..profile::Day::default() };
        let shape = DayShape::new(&night, 0.0);
        assert!((shape.at(2.0, 0.0) - 1.38).abs() < 1e-15);
        assert!((shape.at(14.0, 0.0) - 0.8).abs() < 1e-15);
        assert_eq!(shape.at(22.5, 0.5), shape.at(22.0, 0.0));
        let smooth = DayShape::new(&night, 0.5);
        assert!((smooth.at(22.0, 0.0) - (1.0 + 0.2 * 0.5) * 1.075).abs() < 1e-12);
    }

    #[test]
    fn anchors_take_the_place_of_wave_and_window() {
        let mut factors = [0.5; 24];
        factors[3] = 2.0;
        let shape = DayShape::new(&profile::Day { anchors: Some(factors), ..profile::Day::default() }, 0.5);
        assert_eq!((shape.at(3.0, 0.0), shape.at(13.0, 0.0), shape.at(4.5, 1.5)), (2.0, 0.5, 2.0));
    }

    #[test]
    fn saturation_keeps_order_and_stays_under_the_capacity() {
        for law in [Saturation::Hard, Saturation::Smooth(0.9), Saturation::Smooth(1.0)] {
            let mut last = -1.0;
            for step in 0..400 {
                let (served, full) = law.serve(f64::from(step), Some(100.0));
                assert!(served >= last && served <= 100.0 && served <= f64::from(step), "{law:?} {step}");
                assert_eq!(full, step >= 100);
                last = served;
            }
            let demand: Vec<f64> = (0..4_000).map(|step| f64::from(step) / 20.0).collect();
            for capacity in [Some(100.0), None] {
                let (mut observed, mut saturated) = (vec![1.0; 3], Vec::new());
                law.serve_all(&demand, capacity, &mut observed, &mut saturated);
                for (at, &demand) in demand.iter().enumerate() {
                    assert_eq!((observed[at], saturated[at]), law.serve(demand, capacity), "{law:?} {demand}");
                }
            }
            assert_eq!(law.serve(50.0, Some(100.0)), (50.0, false));
            assert_eq!(law.serve(900.0, None), (900.0, false));
            for served in [10.0, 80.0, 90.0, 95.0, 99.0] {
                let demand = law.reaches(served, Some(100.0));
                assert!((law.serve(demand, Some(100.0)).0 - served).abs() < 1e-9, "{law:?} {served}");
            }
            assert_eq!(law.reaches(101.0, Some(100.0)), f64::INFINITY);
            assert_eq!(law.reaches(900.0, None), 900.0);
        }
    }
}
