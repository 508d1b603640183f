//! The year ahead as kinds of risk are told from it: what is expected, with the peaks of the calendar and half of
//! the growth that the history has and the expectation lost.

use crate::SeriesOutlook;
use crate::measures::growth_per_year;
use crate::seen::is_quarter_end_window;
use fleetcast_core::Calendar;
use fleetcast_numeric::{math, quantile};
use jiff::civil::Date;

/// Days after which a weekday and, nearly, a date of the year come round again: 52 weeks.
const YEAR_OF_WEEKS: usize = 364;
/// Weeks before and after a day of which the same weekdays are its surroundings.
const WEEKS_AROUND: usize = 6;
/// Days of the surroundings that a comparison needs.
const FEWEST_AROUND: usize = 3;
/// Days of one kind that a lift needs.
const FEWEST_OF_A_KIND: usize = 5;
/// Most that growth is corrected by, as a logarithm: a factor of 1.65.
const MOST_GROWTH: f64 = 0.5;

/// Kinds of days that are compared with the days around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    YearEnd,
    QuarterEnd,
    MonthEnd,
}

/// Days with their kinds.
struct Days<'a> {
    values: &'a [f64],
    kinds: Vec<Kind>,
}

/// The expected daily P95 of the year ahead, corrected by the series' own past.
///
/// A combination of methods of which only some know the calendar shrinks its peaks, and one that is judged on
/// the next quarter of a year continues little growth. Days of the year's end, of a quarter's and of a month's are
/// therefore lifted above their surroundings as far as such days of the history were, in the mean of logarithms; and
/// half of the growth goes on that the history's last year had and the expectation has not, because half of
/// all growth ends. Where the history is too short for either, what is expected stays as it is.
pub(crate) fn year_ahead(series: &SeriesOutlook, calendar: &Calendar) -> Vec<f64> {
    let history = series.history;
    let mut ahead = series.expected.to_vec();
    if !history.timeline().has_calendar() {
        return ahead;
    }
    let kind = |day: usize| kind_of(calendar, history.timeline().date(day));
    let past = Days { values: history.values(), kinds: (0..history.len()).map(kind).collect() };
    let kinds = (history.len()..history.len() + ahead.len()).map(kind).collect();
    let future = Days { values: series.expected, kinds };
    let lifts = [Kind::YearEnd, Kind::QuarterEnd, Kind::MonthEnd].map(|kind| {
        let (was, is) = (past.lift(kind), future.lift(kind));
        (kind, was.zip(is).map_or(1.0, |(was, is)| math::exp(was - is)))
    });
    let growth = missing_growth(history.values(), series.expected).unwrap_or(0.0);
    for (day, value) in ahead.iter_mut().enumerate() {
        let lift = lifts.iter().find(|(kind, _)| *kind == future.kinds[day]).map_or(1.0, |(_, lift)| *lift);
        *value *= lift * math::exp(growth * day as f64 / 365.0);
        *value = history.bounds().map_or(*value, |bounds| bounds.clamp(*value));
    }
    ahead
}

fn kind_of(calendar: &Calendar, date: Date) -> Kind {
    if calendar.is_year_end(date) {
        Kind::YearEnd
    } else if is_quarter_end_window(calendar, date) {
        Kind::QuarterEnd
    } else if calendar.is_month_end(date) {
        Kind::MonthEnd
    } else {
        Kind::Plain
    }
}

impl Days<'_> {
    /// Mean logarithm of how far days of one kind stand above plain days of their weekday in the weeks around;
    /// `None` with too few.
    fn lift(&self, kind: Kind) -> Option<f64> {
        let of_kind = (0..self.values.len()).filter(|&day| self.kinds[day] == kind && self.values[day] > 0.0);
        let (sum, n) = of_kind
            .filter_map(|day| Some(math::ln(self.values[day] / self.around(day)?)))
            .fold((0.0, 0usize), |(sum, n), lift| (sum + lift, n + 1));
        (n >= FEWEST_OF_A_KIND).then(|| sum / n as f64)
    }

    /// Median of the plain days of the same weekday in the weeks around a day; `None` with too few, or without load.
    fn around(&self, day: usize) -> Option<f64> {
        let first = day % 7 + 7 * (day / 7).saturating_sub(WEEKS_AROUND);
        let around = (first..=day + 7 * WEEKS_AROUND).step_by(7).take_while(|&near| near < self.values.len());
        let plain = around.filter(|&near| self.kinds[near] == Kind::Plain && !self.values[near].is_nan());
        let plain: Vec<f64> = plain.map(|near| self.values[near]).collect();
        (plain.len() >= FEWEST_AROUND).then(|| quantile(&plain, 0.5)).flatten().filter(|median| *median > 0.0)
    }
}

/// Growth of the last year, as a logarithm, less what of it half a year ahead is expected; `None` when the history
/// is too short to know it.
fn missing_growth(past: &[f64], expected: &[f64]) -> Option<f64> {
    let growth = math::ln(1.0 + growth_per_year(past).filter(|growth| *growth > -1.0)?);
    let before = past.get(past.len().checked_sub(YEAR_OF_WEEKS)?..)?;
    // These pairs are half a year ahead in the mean.
    let ratio = |(after, before): (&f64, &f64)| if *before > 0.0 { after / before } else { f64::NAN };
    let ratios: Vec<f64> = expected.iter().zip(before).map(ratio).collect();
    let said = quantile(&ratios, 0.5).filter(|ratio| *ratio > 0.0)?;
    // A level that has just changed is no growth that was lost: no more goes on than there was.
    let most = growth.clamp(0.0, MOST_GROWTH);
    (expected.len() >= YEAR_OF_WEEKS).then(|| (growth - math::ln(said)).clamp(0.0, most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{History, Metric, Paths, SeriesId, Server, Timeline};
    use jiff::civil::date;
    use std::sync::Arc;

    /// What `year_ahead` makes of `expected` after `past`.
    fn ahead(past: &[f64], expected: &[f64], metric: &str) -> Vec<f64> {
        let server = Server::new("web-1").expect("a name");
        let metric = Arc::new(Metric::named(metric));
        let id = SeriesId::new("web-1", metric.name());
        let timeline = Timeline::daily(date(2021, 1, 1));
        let history = History::new(id, metric, timeline, past.to_vec()).expect("finite values");
        let paths = Paths::new(1, vec![0.0]).expect("a path");
        let series = SeriesOutlook { server: &server, history: &history, expected, paths: &paths };
        year_ahead(&series, &Calendar::us())
    }

    /// Load of a day with a week, yearly growth, and peaks of the calendar.
    fn load(day: usize, growth: f64, peak: f64) -> f64 {
        let kind = kind_of(&Calendar::us(), Timeline::daily(date(2021, 1, 1)).date(day));
        let week = if day % 7 < 5 { 1.0 } else { 0.6 };
        let lift = if matches!(kind, Kind::QuarterEnd | Kind::YearEnd) { peak } else { 1.0 };
        20.0 * week * lift * math::exp(growth * day as f64 / 365.25)
    }

    #[test]
    fn peaks_that_a_forecast_shrank_have_the_height_they_had() {
        let past: Vec<f64> = (0..1200).map(|day| load(day, 0.0, 1.6)).collect();
        let shrunk: Vec<f64> = (1200..1565).map(|day| load(day, 0.0, 1.2)).collect();
        for (day, found) in ahead(&past, &shrunk, "cpu").iter().enumerate() {
            let truth = load(1200 + day, 0.0, 1.6);
            assert!((found / truth - 1.0).abs() < 1e-9, "{day}: {found} {truth}");
        }
        // What is right already stays.
        let right: Vec<f64> = (1200..1565).map(|day| load(day, 0.0, 1.6)).collect();
        assert!(ahead(&past, &right, "cpu").iter().zip(&right).all(|(a, b)| (a / b - 1.0).abs() < 1e-9));
        // Nothing goes beyond what a metric can show.
        let high: Vec<f64> = past.iter().map(|value| value * 3.0).collect();
        let shrunk: Vec<f64> = shrunk.iter().map(|value| value * 3.0).collect();
        assert!(ahead(&high, &shrunk, "cpu").iter().all(|value| *value <= 100.0));
    }

    #[test]
    fn half_of_the_growth_that_a_forecast_lost_goes_on() {
        let past: Vec<f64> = (0..1200).map(|day| load(day, 0.3, 1.0)).collect();
        let flat: Vec<f64> = (1200..1565).map(|day| load(day, 0.0, 1.0) * math::exp(0.3 * 1200.0 / 365.25)).collect();
        let found = ahead(&past, &flat, "requests");
        assert!((math::ln(found[364] / flat[364]) - 0.15).abs() < 0.005, "{}", found[364] / flat[364]);
        let lower = ahead(&[20.0; 1200], &[8.0; 365], "requests");
        assert!(lower.iter().all(|value| (value - 8.0).abs() < 1e-9), "a lower level is no lost growth");
        let going_on: Vec<f64> = (1200..1565).map(|day| load(day, 0.3, 1.0)).collect();
        let found = ahead(&past, &going_on, "requests");
        assert!((found[364] / going_on[364] - 1.0).abs() < 0.005, "growth is not counted twice");
    }

    #[test]
    fn a_short_history_corrects_nothing() {
        let expected = [30.0; 365];
        assert_eq!(ahead(&[20.0; 40], &expected, "cpu"), expected);
        assert_eq!(ahead(&[0.0; 800], &[0.0; 365], "cpu"), [0.0; 365]);
        assert_eq!(ahead(&[20.0; 800], &[], "cpu"), []);
    }
}
