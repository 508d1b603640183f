//! The local days of a time zone and the samples in them, worked out once for all servers of the zone.

use crate::SampleStep;
use fleetcast_core::Zone;
use jiff::civil::Date;
use std::sync::{Arc, OnceLock};

/// Width in seconds of the cells of local time in which the day's shape is tabulated. Every offset from
/// UTC in use since 1973 is a whole number of them.
pub(crate) const CELL_SECONDS: i64 = 300;
/// Cells in 24 hours.
pub(crate) const CELLS: usize = 288;

/// The samples of one local day.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LocalDay {
    /// The day's start, seconds since 1970 UTC.
    pub(crate) start_s: i64,
    /// Its length: 24 hours but for days on which the clock changes.
    pub(crate) length_s: i64,
    /// Its first sample.
    pub(crate) first_s: i64,
    /// Number of its samples.
    pub(crate) n: usize,
    /// Index of its first sample among all samples.
    pub(crate) offset: usize,
    /// Cell of local time of each sample, on days when the clock changes.
    changed: Option<Vec<u16>>,
}

impl LocalDay {
    /// A day of 24 hours of UTC whose first sample is the `offset`-th, with a sample in every cell.
    pub(crate) fn plain(offset: usize) -> Self {
        Self { start_s: 0, length_s: 86_400, first_s: 0, n: CELLS, offset, changed: None }
    }

    /// Cell of local time of the first sample, where the others follow a step apart within 24 hours.
    pub(crate) fn plain_start(&self) -> Option<usize> {
        self.changed.is_none().then(|| ((self.first_s - self.start_s) / CELL_SECONDS) as usize)
    }

    /// Cell of local time of sample `j` of the day.
    #[inline]
    pub(crate) fn cell(&self, j: usize, step_s: i64) -> usize {
        match &self.changed {
            None => ((self.first_s - self.start_s + j as i64 * step_s) / CELL_SECONDS) as usize % CELLS,
            Some(cells) => usize::from(cells[j]),
        }
    }
}

/// Consecutive local days of one zone. Samples lie at whole multiples of the step since 1970 UTC.
#[derive(Clone, Debug)]
pub(crate) struct ZoneDays {
    pub(crate) days: Vec<LocalDay>,
    pub(crate) step_s: i64,
    /// The day of each sample, and its cell of local time; made when first asked for.
    day_rows: OnceLock<Arc<Vec<u32>>>,
    cell_rows: OnceLock<Arc<Vec<u32>>>,
    times_ms: OnceLock<Vec<i64>>,
}

impl ZoneDays {
    pub(crate) fn new(zone: &Zone, dates: &[Date], step: SampleStep) -> Self {
        let step_s = step.seconds();
        let starts: Vec<i64> = dates.iter().map(|&date| start_of_day(zone, date)).collect();
        let mut offset = 0;
        let days = starts
            .windows(2)
            .map(|pair| {
                let day = local_day(zone, pair[0], pair[1], step, offset);
                offset += day.n;
                day
            })
            .collect();
        Self { days, step_s, day_rows: OnceLock::new(), cell_rows: OnceLock::new(), times_ms: OnceLock::new() }
    }

    /// Samples of the first `n_days`.
    pub(crate) fn n_samples(&self, n_days: usize) -> usize {
        self.days[..n_days].last().map_or(0, |day| day.offset + day.n)
    }

    /// The number of the day of each sample of the first `n_days`, which are always the same.
    pub(crate) fn day_rows(&self, n_days: usize) -> Arc<Vec<u32>> {
        let days = || self.days[..n_days].iter().enumerate();
        let rows = || days().flat_map(|(number, day)| std::iter::repeat_n(number as u32, day.n)).collect();
        Arc::clone(self.day_rows.get_or_init(|| Arc::new(rows())))
    }

    /// The cell of local time of each sample of the first `n_days`, which are always the same.
    pub(crate) fn cell_rows(&self, n_days: usize) -> Arc<Vec<u32>> {
        let cells = |day: &LocalDay| (0..day.n).map(|j| day.cell(j, self.step_s) as u32).collect::<Vec<_>>();
        let rows = || self.days[..n_days].iter().flat_map(cells).collect();
        Arc::clone(self.cell_rows.get_or_init(|| Arc::new(rows())))
    }

    /// Times of the samples of the first `n_days`, which are always the same, milliseconds since 1970 UTC.
    pub(crate) fn times_ms(&self, n_days: usize) -> &[i64] {
        self.times_ms.get_or_init(|| {
            let times = |day: &LocalDay| {
                let first = day.first_s;
                (0..day.n as i64).map(move |j| (first + j * self.step_s) * 1000)
            };
            self.days[..n_days].iter().flat_map(times).collect()
        })
    }
}

/// The instant of a day's start. Where the clock skips midnight the day starts after the gap.
pub(crate) fn start_of_day(zone: &Zone, date: Date) -> i64 {
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    match zone.rules().to_ambiguous_zoned(midnight).compatible() {
        Ok(start) => start.timestamp().as_second(),
        // Only dates at the ends of what can be represented have no instant; fleets stay far inside.
        Err(_) => 0,
    }
}

fn local_day(zone: &Zone, start_s: i64, end_s: i64, step: SampleStep, offset: usize) -> LocalDay {
    let (step_s, length_s) = (step.seconds(), end_s - start_s);
    if step == SampleStep::Day {
        return LocalDay { start_s, length_s, first_s: start_s, n: 1, offset, changed: None };
    }
    let first_s = start_s.div_euclid(step_s) * step_s;
    let first_s = if first_s < start_s { first_s + step_s } else { first_s };
    let n = if first_s < end_s { ((end_s - 1 - first_s) / step_s + 1) as usize } else { 0 };
    let mut day = LocalDay { start_s, length_s, first_s, n, offset, changed: None };
    if length_s != 86_400 {
        day.changed = Some((0..n).map(|j| local_cell(zone, first_s + j as i64 * step_s)).collect());
    }
    day
}

fn local_cell(zone: &Zone, second: i64) -> u16 {
    let Ok(instant) = jiff::Timestamp::from_second(second) else { return 0 };
    let time = zone.rules().to_datetime(instant).time();
    ((i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())) / CELL_SECONDS) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn days(zone: &str, first: Date, n: usize, step: SampleStep) -> ZoneDays {
        let dates: Vec<Date> = first.series(jiff::ToSpan::days(1)).take(n + 1).collect();
        ZoneDays::new(&Zone::named(zone).unwrap(), &dates, step)
    }

    #[test]
    fn days_have_23_24_or_25_hours() {
        let spring = days("America/New_York", date(2024, 3, 9), 3, SampleStep::Hour);
        assert_eq!(spring.days.iter().map(|day| day.n).collect::<Vec<_>>(), [24, 23, 24]);
        // Two o'clock does not exist.
        assert_eq!((0..4).map(|j| spring.days[1].cell(j, 3600)).collect::<Vec<_>>(), [0, 12, 36, 48]);
        let autumn = days("Europe/London", date(2024, 10, 26), 3, SampleStep::Minutes5);
        assert_eq!(autumn.days.iter().map(|day| day.n).collect::<Vec<_>>(), [288, 300, 288]);
        assert_eq!(autumn.times_ms(3).len(), autumn.n_samples(3));
        assert!(autumn.times_ms(3).windows(2).all(|pair| pair[1] - pair[0] == 300_000));
    }

    #[test]
    fn samples_of_a_half_hour_zone_lie_on_the_hour_of_utc() {
        let kolkata = days("Asia/Kolkata", date(2024, 1, 1), 2, SampleStep::Hour);
        assert_eq!(kolkata.days[0].first_s % 3600, 0);
        assert_eq!((kolkata.days[0].n, kolkata.days[0].cell(0, 3600)), (24, 6));
        let quarter = days("Australia/Lord_Howe", date(2024, 4, 6), 3, SampleStep::Minutes15);
        assert_eq!(quarter.days.iter().map(|day| day.n).collect::<Vec<_>>(), [96, 98, 96]);
    }
}
