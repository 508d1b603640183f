//! When a server crosses its limit, as a bar from the 10 % to the 90 % date.

use crate::{
    scale::TimeAxis,
    svg::{Anchor, Svg},
};
use fleetcast_core::{Calendar, CrossingDates};

/// Height of one bar, in pixels.
const HEIGHT: f64 = 22.0;

/// The months above a column of bars.
pub(crate) fn interval_axis(axis: &TimeAxis, calendar: &Calendar) -> String {
    let mut svg = Svg::decoration("axis", HEIGHT);
    for (_, x) in axis.quarter_ends(calendar) {
        svg.line("quarter", (x, 16.0), (x, HEIGHT));
    }
    for tick in axis.months().iter().filter(|tick| tick.x < 92.0) {
        let class = if tick.is_main { "tick" } else { "tick wide" };
        svg.line("grid", (tick.x, 16.0), (tick.x, HEIGHT));
        svg.label(class, (tick.x, 12.0), 0.0, Anchor::Start, &tick.label());
    }
    svg.finish()
}

/// One bar: from the 10 % to the 90 % date with a mark at the median. What lies beyond the horizon is left open.
///
/// `None` when even the 10 % date is beyond it.
pub(crate) fn interval(axis: &TimeAxis, dates: &CrossingDates, calendar: &Calendar) -> Option<String> {
    let low = axis.x(dates.q10?);
    let high = dates.q90.map_or(100.0, |date| axis.x(date));
    let mut svg = Svg::decoration("interval", HEIGHT);
    for (_, x) in axis.quarter_ends(calendar) {
        svg.line("quarter", (x, 0.0), (x, HEIGHT));
    }
    let class = if dates.q90.is_some() { "span" } else { "span open" };
    // A bar of no width would be invisible although it is the surest of all.
    svg.rect(class, low, 8.0, (high - low).max(0.6), 6.0, None);
    if let Some(median) = dates.q50 {
        svg.dot("median", (axis.x(median), 11.0), 5.0);
    }
    Some(svg.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_bar_is_open_where_the_horizon_ends() {
        let axis = TimeAxis::new(date(2025, 1, 1), 100);
        let mut dates = CrossingDates { q10: Some(date(2025, 1, 11)), q50: Some(date(2025, 2, 20)), q90: None };
        let open = interval(&axis, &dates, &Calendar::us()).unwrap();
        assert!(open.contains("span open\" x=\"10%\" y=\"8\" width=\"90%\"") && open.contains("cx=\"50%\""), "{open}");
        dates.q10 = None;
        assert_eq!(interval(&axis, &dates, &Calendar::us()), None);
    }
}
