//! From days and moments of a fleet to instants.

use super::{DAY, Moment};
use crate::clock::{LocalDay, start_of_day};
use fleetcast_core::Zone;
use jiff::civil::Date;

/// Tells instants on the clock of one zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instants<'a> {
    /// The first local date.
    pub(crate) first: Date,
    pub(crate) zone: &'a Zone,
    /// The first days, where they have been worked out already; the others are looked up.
    pub(crate) days: &'a [LocalDay],
}

impl Instants<'_> {
    /// Milliseconds since 1970 UTC of a moment. What lies beyond the end of a short day is its end.
    pub(crate) fn ms(&self, moment: Moment) -> i64 {
        let day = moment.div_euclid(DAY);
        let second = moment.rem_euclid(DAY);
        if let Some(known) = usize::try_from(day).ok().and_then(|day| self.days.get(day)) {
            return (known.start_s + second.min(known.length_s)) * 1000;
        }
        let date = self.first.saturating_add(jiff::Span::new().days(day));
        let start = start_of_day(self.zone, date);
        let end = start_of_day(self.zone, date.saturating_add(jiff::Span::new().days(1)));
        (start + second.min(end - start)) * 1000
    }

    /// The moment of an instant: the 25th hour of a day is its last moment.
    pub(crate) fn moment(&self, ms: i64) -> Moment {
        let second = ms.div_euclid(1000);
        // Fleets lie far inside the times that have an instant.
        let Ok(instant) = jiff::Timestamp::from_second(second) else { return 0 };
        let date = self.zone.rules().to_datetime(instant).date();
        let day = self.first.until(date).map_or(0, |span| i64::from(span.get_days()));
        day * DAY + (second - start_of_day(self.zone, date)).min(DAY - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleStep;
    use crate::clock::ZoneDays;
    use jiff::ToSpan as _;
    use jiff::civil::date;

    #[test]
    fn known_and_unknown_days_give_the_same_instants() {
        let zone = Zone::named("Europe/London").unwrap();
        let first = date(2024, 3, 28);
        let dates: Vec<Date> = first.series(1.day()).take(8).collect();
        let days = ZoneDays::new(&zone, &dates, SampleStep::Minutes5).days;
        let known = Instants { first, zone: &zone, days: &days };
        let unknown = Instants { days: &[], ..known };
        for moment in (0..7 * DAY).step_by(1_799) {
            assert_eq!(known.ms(moment), unknown.ms(moment), "{moment}");
            if moment.div_euclid(DAY) != 3 {
                assert_eq!(unknown.moment(unknown.ms(moment)), moment);
            }
        }
        // 31 March has 23 hours: its 24th begins with the next day.
        assert_eq!(known.ms(3 * DAY + 23 * 3_600), known.ms(4 * DAY));
        assert_eq!(known.ms(4 * DAY) - known.ms(3 * DAY), 23 * 3_600_000);
    }
}
