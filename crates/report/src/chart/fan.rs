//! A fan chart: a year of history, then the median and the 50, 80 and 90 % intervals.

use crate::{
    number,
    scale::{TimeAxis, ValueAxis},
    svg::{Anchor, Curve, Svg},
};
use fleetcast_core::{Calendar, CrossingDates, Forecast, History, Unit};
use jiff::civil::Date;

/// Steps of history that are shown.
const SHOWN: usize = 365;
const HEIGHT: f64 = 220.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 198.0;

/// Intervals as pairs of quantiles with the class that shades them, the widest first.
const BANDS: [(&str, f64, f64); 3] = [("band b90", 0.05, 0.95), ("band b80", 0.1, 0.9), ("band b50", 0.25, 0.75)];

/// What a fan chart shows.
pub(crate) struct Fan<'a> {
    /// The series up to the cutoff.
    pub(crate) history: &'a History,
    /// Its forecast; the first step follows the last of the history.
    pub(crate) forecast: &'a Forecast,
    /// Thresholds in per cent with their limits in the metric's unit, ascending.
    pub(crate) limits: &'a [(f64, f64)],
    /// When the last of the limits is crossed.
    pub(crate) crossing: CrossingDates,
    /// Quarter ends.
    pub(crate) calendar: &'a Calendar,
    /// The chart in words.
    pub(crate) label: &'a str,
}

/// The three parts of a drawn fan chart, to be set side by side.
pub(crate) struct DrawnFan {
    /// Values of the grid.
    pub(crate) values: String,
    /// The chart itself.
    pub(crate) chart: String,
    /// Names of the limits.
    pub(crate) limits: String,
}

struct Frame {
    steps: usize,
    n_history: usize,
    values: ValueAxis,
    times: TimeAxis,
}

/// Draws it.
pub(crate) fn fan(fan: &Fan) -> DrawnFan {
    let history = fan.history.suffix(SHOWN);
    let frame = frame(fan, &history);
    let mut chart = Svg::new("fan", HEIGHT, fan.label);
    grid(&mut chart, fan, &frame);
    chart.curves(frame.steps, HEIGHT, &curves(fan, &history, &frame));
    limits(&mut chart, fan, &frame);
    let cutoff = 100.0 * frame.n_history as f64 / frame.steps as f64;
    chart.line("cutoff", (cutoff, 4.0), (cutoff, BOTTOM));
    chart.label("tick", (cutoff, 11.0), 5.0, Anchor::Start, "forecast");
    DrawnFan { values: value_labels(&frame), chart: chart.finish(), limits: limit_labels(fan, &frame) }
}

fn frame(fan: &Fan, history: &History) -> Frame {
    let steps = (history.len() + fan.forecast.horizon()).max(1);
    let seconds = history.timeline().step().as_seconds();
    let days = (steps as i64).saturating_mul(seconds) / 86_400;
    let times = TimeAxis::new(history.timeline().date(0), days);
    Frame { steps, n_history: history.len(), values: value_axis(fan, history), times }
}

/// From zero, so that headroom is seen for what it is, unless everything happens in the upper half of a
/// bounded range; to the top of the range, or of data and limits.
fn value_axis(fan: &Fan, history: &History) -> ValueAxis {
    let present = history.values().iter().copied().filter(|v| !v.is_nan());
    let ahead = (0..fan.forecast.horizon()).flat_map(|step| fan.forecast.step(step).iter().copied());
    let (lowest, highest) =
        present.chain(ahead).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if lowest > highest {
        return ValueAxis::new(0.0, 1.0, TOP, BOTTOM);
    }
    if let Some(bounds) = history.bounds() {
        let half = (bounds.low + bounds.high) / 2.0;
        let low = if lowest > half { half } else { bounds.low };
        return ValueAxis::new(low, bounds.high, TOP, BOTTOM);
    }
    // A limit far above everything would press the data flat; it is left out and named in the text.
    let limit =
        fan.limits.iter().map(|(_, limit)| *limit).filter(|limit| *limit <= 3.0 * highest).fold(highest, f64::max);
    ValueAxis::new(lowest.min(0.0), limit.max(0.0) * 1.05, TOP, BOTTOM)
}

fn grid(svg: &mut Svg, fan: &Fan, frame: &Frame) {
    for value in frame.values.ticks(4) {
        let y = frame.values.y(value);
        svg.line("grid", (0.0, y), (100.0, y));
    }
    for (_, x) in frame.times.quarter_ends(fan.calendar) {
        svg.line("quarter", (x, TOP), (x, BOTTOM));
    }
    for tick in frame.times.months().iter().filter(|tick| tick.is_main && tick.x < 90.0) {
        svg.line("grid", (tick.x, BOTTOM), (tick.x, BOTTOM + 4.0));
        svg.label("tick", (tick.x, HEIGHT - 6.0), 0.0, Anchor::Start, &tick.label());
    }
}

/// The values of the grid lines; the unit stands in the heading.
fn value_labels(frame: &Frame) -> String {
    let mut svg = Svg::decoration("fan-labels", HEIGHT);
    for value in frame.values.ticks(4) {
        let text = number::measure(value, &Unit::Other(String::new()));
        svg.label("tick", (100.0, frame.values.y(value) + 4.0), -2.0, Anchor::End, &text);
    }
    svg.finish()
}

fn limit_labels(fan: &Fan, frame: &Frame) -> String {
    let mut svg = Svg::decoration("fan-labels", HEIGHT);
    let mut last = f64::INFINITY;
    for (threshold, limit) in fan.limits.iter().filter(|(_, limit)| frame.values.contains(*limit)) {
        // Limits that nearly coincide would be named one upon the other.
        let y = (frame.values.y(*limit) + 4.0).min(last - 13.0);
        svg.label("limit-label", (0.0, y), 2.0, Anchor::Start, &number::threshold(*threshold));
        last = y;
    }
    svg.finish()
}

fn curves(fan: &Fan, history: &History, frame: &Frame) -> Vec<Curve> {
    let ahead = |probability: f64| -> Option<Vec<(f64, f64)>> {
        let values = fan.forecast.quantile(probability)?;
        let at = |i: usize| (frame.n_history + i) as f64 + 0.5;
        Some(values.iter().enumerate().map(|(i, v)| (at(i), frame.values.y(*v))).collect())
    };
    let bands = BANDS.iter().filter_map(|(class, low, high)| Some(Curve::band(class, &ahead(*high)?, &ahead(*low)?)));
    let mut curves: Vec<Curve> = bands.collect();
    let past = history.values().iter().enumerate().map(|(i, v)| (i as f64 + 0.5, frame.values.y(*v)));
    curves.push(Curve::line("history", past));
    let point = fan.forecast.point().iter().map(|v| frame.values.y(*v));
    let median =
        ahead(0.5).unwrap_or_else(|| point.enumerate().map(|(i, y)| ((frame.n_history + i) as f64 + 0.5, y)).collect());
    curves.push(Curve::line("median", median));
    curves
}

/// The limits as lines, and on the highest the days on which it is crossed.
fn limits(svg: &mut Svg, fan: &Fan, frame: &Frame) {
    for (i, (_, limit)) in fan.limits.iter().enumerate() {
        if !frame.values.contains(*limit) {
            continue;
        }
        let (y, is_main) = (frame.values.y(*limit), i + 1 == fan.limits.len());
        svg.line(if is_main { "limit" } else { "limit early" }, (0.0, y), (100.0, y));
        if is_main {
            crossing(svg, fan, frame, y);
        }
    }
}

fn crossing(svg: &mut Svg, fan: &Fan, frame: &Frame, y: f64) {
    let Some(first) = fan.crossing.q10 else { return };
    let x = |date: Date| frame.times.x(date);
    svg.line("crossing", (x(first), y), (fan.crossing.q90.map_or(100.0, x), y));
    if let Some(median) = fan.crossing.q50 {
        svg.dot("crossing-median", (x(median), y), 4.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{Metric, SeriesId, Timeline};
    use jiff::civil::date;
    use std::sync::Arc;

    fn drawn(unit: Unit, load: f64, limit: f64) -> DrawnFan {
        let metric = Arc::new(Metric::named("load").with_unit(unit));
        let id = SeriesId::new("db-1", "load");
        let history = History::new(id, metric, Timeline::daily(date(2024, 1, 1)), vec![load; 500]).unwrap();
        let forecast =
            Forecast::new(&[0.1, 0.5, 0.9], vec![load; 90], [load - 1.0, load, load + 1.0].repeat(90)).unwrap();
        let crossing = CrossingDates { q10: Some(date(2025, 6, 1)), q50: None, q90: None };
        let (limits, calendar) = ([(90.0, limit)], Calendar::us());
        fan(&Fan { history: &history, forecast: &forecast, limits: &limits, crossing, calendar: &calendar, label: "x" })
    }

    #[test]
    fn only_the_quantiles_that_were_asked_for_are_drawn() {
        let svg = drawn(Unit::Percent, 40.0, 90.0).chart;
        assert!(svg.contains("b80") && !svg.contains("b90") && !svg.contains("b50"));
        assert!(svg.contains("viewBox=\"0 0 455 220\""), "a year of history and 90 steps ahead");
        assert!(svg.contains("class=\"crossing\"") && !svg.contains("crossing-median"));
    }

    #[test]
    fn the_lower_half_is_shown_only_when_something_happens_there() {
        assert!(drawn(Unit::Percent, 40.0, 90.0).values.contains(">0<"));
        let busy = drawn(Unit::Percent, 80.0, 90.0).values;
        assert!(!busy.contains(">0<") && busy.contains(">100<"), "{busy}");
    }

    #[test]
    fn a_far_limit_does_not_flatten_the_data() {
        let near = drawn(Unit::Other("MB/s".into()), 40.0, 90.0);
        let far = drawn(Unit::Other("MB/s".into()), 40.0, 9000.0);
        assert!(near.limits.contains("90\u{202f}%") && near.values.contains(">75<"), "{}", near.values);
        assert!(!far.limits.contains("90\u{202f}%") && !far.values.contains(">75<"));
    }
}
