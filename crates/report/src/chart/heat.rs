//! The risk calendar: a row per server, a column per week.

use crate::{
    number,
    scale::{TimeAxis, ValueAxis, round_step},
    svg::{Anchor, Svg},
};
use fleetcast_core::Calendar;
use jiff::{ToSpan, civil::Date};

/// Height of a row of the map, in pixels; the stylesheet gives the names beside it the same height.
const ROW: f64 = 17.0;

const TOTALS_HEIGHT: f64 = 64.0;

/// Shade of a probability, 0 for less than one in a hundred to 6 for nine in ten and more.
pub(crate) fn heat_class(p: f64) -> usize {
    [0.01, 0.1, 0.25, 0.5, 0.75, 0.9].iter().filter(|bound| p >= **bound).count()
}

/// The days of `weeks` weeks.
fn week_axis(first_day: Date, weeks: usize) -> TimeAxis {
    TimeAxis::new(first_day, 7 * weeks.min(10_000) as i64)
}

/// Rows of shaded weeks. `rows` are the servers' names with their weekly probabilities.
pub(crate) fn heat_map(rows: &[(&str, &[f64])], first_day: Date, weeks: usize, calendar: &Calendar) -> String {
    let label = format!("risk by week of {}", number::counted(rows.len(), "server"));
    let height = ROW * rows.len() as f64;
    let mut svg = Svg::new("heat", height, &label);
    let width = 100.0 / weeks.max(1) as f64;
    for (i, (name, chances)) in rows.iter().enumerate() {
        let y = ROW * i as f64;
        svg.rect("h0", 0.0, y + 0.5, 100.0, ROW - 1.0, None);
        for (week, p) in chances.iter().take(weeks).enumerate().filter(|(_, p)| heat_class(**p) > 0) {
            let monday = first_day.saturating_add((7 * week as i64).days());
            let title = format!("{name}, week of {}: {}", number::date(monday), number::chance(*p));
            let class = format!("h{}", heat_class(*p));
            svg.rect(&class, width * week as f64, y + 0.5, width, ROW - 1.0, Some(&title));
        }
    }
    rule_quarters(&mut svg, &week_axis(first_day, weeks), calendar, height);
    svg.finish()
}

/// Expected number of servers with a bad day, week by week, over the months and quarter ends.
pub(crate) fn week_totals(totals: &[f64], first_day: Date, calendar: &Calendar) -> String {
    let weeks = totals.len();
    let axis = week_axis(first_day, weeks);
    let top = totals.iter().copied().fold(0.0, f64::max);
    let step = round_step(top.max(1.0) / 2.0);
    let values = ValueAxis::new(0.0, top.max(step), 26.0, TOTALS_HEIGHT);
    let label = format!("expected servers with a bad day per week, at most {}", number::fixed(top, 1));
    let mut svg = Svg::new("totals", TOTALS_HEIGHT, &label);
    for tick in axis.months().iter().filter(|tick| tick.x < 95.0) {
        let class = if tick.is_main { "tick" } else { "tick wide" };
        svg.label(class, (tick.x, 10.0), 0.0, Anchor::Start, &tick.label());
        svg.line(if tick.is_main { "grid" } else { "grid wide" }, (tick.x, 14.0), (tick.x, 18.0));
    }
    let width = 100.0 / weeks.max(1) as f64;
    for (week, total) in totals.iter().enumerate() {
        let y = values.y(*total);
        let monday = first_day.saturating_add((7 * week as i64).days());
        let title = format!("week of {}: {} servers expected", number::date(monday), number::fixed(*total, 1));
        svg.rect("total", width * week as f64, y, width, TOTALS_HEIGHT - y, Some(&title));
    }
    rule_quarters(&mut svg, &axis, calendar, TOTALS_HEIGHT);
    svg.finish()
}

fn rule_quarters(svg: &mut Svg, axis: &TimeAxis, calendar: &Calendar, height: f64) {
    for (_, x) in axis.quarter_ends(calendar) {
        svg.line("quarter", (x, 0.0), (x, height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn shades_follow_the_probability() {
        assert_eq!([0.0, 0.02, 0.1, 0.3, 0.5, 0.8, 1.0].map(heat_class), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn weeks_without_risk_are_not_drawn() {
        let chances = [0.0, 0.95, 0.004];
        let map = heat_map(&[("db-1", &chances)], date(2025, 1, 1), 3, &Calendar::us());
        assert_eq!(map.matches("<title>").count(), 1);
        assert!(map.contains("db-1, week of 8 Jan 2025: 95"), "{map}");
    }
}
