//! A fan chart: a year of history, then the median and the 50, 80 and 90 % intervals.

use crate::{
    number,
    scale::{TimeAxis, ValueAxis},
    svg::{Anchor, Curve, Svg},
};
use fleetcast_core::{Calendar, CrossingDates, Forecast, History};
use jiff::civil::Date;

/// Steps of history that are shown.
const SHOWN: usize = 365;
const HEIGHT: f64 = 216.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 194.0;

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

struct Frame {
    steps: usize,
    n_history: usize,
    values: ValueAxis,
    times: TimeAxis,
}

/// Draws it.
pub(crate) fn fan(fan: &Fan) -> String {
    let history = fan.history.suffix(SHOWN);
    let frame = frame(fan, &history);
    let mut svg = Svg::new("fan", HEIGHT, fan.label);
    grid(&mut svg, fan, &frame);
    svg.curves(frame.steps, HEIGHT, &curves(fan, &history, &frame));
    limits(&mut svg, fan, &frame);
    let cutoff = 100.0 * frame.n_history as f64 / frame.steps as f64;
    svg.line("cutoff", (cutoff, 4.0), (cutoff, BOTTOM));
    svg.label("note", (cutoff, 11.0), 5.0, Anchor::Start, "forecast");
    svg.finish()
}

fn frame(fan: &Fan, history: &History) -> Frame {
    let steps = (history.len() + fan.forecast.horizon()).max(1);
    let seconds = history.timeline().step().as_seconds();
    let days = (steps as i64).saturating_mul(seconds) / 86_400;
    let times = TimeAxis::new(history.timeline().date(0), days);
    Frame { steps, n_history: history.len(), values: value_axis(fan, history), times }
}

/// From zero, so that headroom is seen for what it is, to the top of data and limits.
fn value_axis(fan: &Fan, history: &History) -> ValueAxis {
    let present = history.values().iter().copied().filter(|v| !v.is_nan());
    let ahead = (0..fan.forecast.horizon()).flat_map(|step| fan.forecast.step(step).iter().copied());
    let (low, high) = present.chain(ahead).fold((0.0_f64, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
    if let Some(bounds) = history.bounds() {
        return ValueAxis::new(bounds.low.min(low), bounds.high.max(high), TOP, BOTTOM);
    }
    // A limit far above everything would press the data flat; it is left out and named in the text.
    let limit = fan.limits.iter().map(|(_, limit)| *limit).filter(|limit| *limit <= 3.0 * high).fold(high, f64::max);
    ValueAxis::new(low, limit * 1.05, TOP, BOTTOM)
}

fn grid(svg: &mut Svg, fan: &Fan, frame: &Frame) {
    let unit = fan.history.metric().unit();
    for value in frame.values.ticks(3) {
        let y = frame.values.y(value);
        svg.line("grid", (0.0, y), (100.0, y));
        svg.label("tick", (0.0, y - 3.0), 0.0, Anchor::Start, &number::measure(value, unit));
    }
    for (_, x) in frame.times.quarter_ends(fan.calendar) {
        svg.line("quarter", (x, TOP), (x, BOTTOM));
    }
    let is_short = frame.times.months().len() < 2;
    for tick in frame.times.months().iter().filter(|tick| tick.is_main && tick.x < 90.0) {
        svg.line("grid", (tick.x, BOTTOM), (tick.x, BOTTOM + 4.0));
        let text = if tick.date.month() == 1 || is_short {
            format!("{} {}", number::month(tick.date), tick.date.year())
        } else {
            number::month(tick.date).to_owned()
        };
        svg.label("tick", (tick.x, HEIGHT - 6.0), 0.0, Anchor::Start, &text);
    }
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
    for (i, (threshold, limit)) in fan.limits.iter().enumerate() {
        if !frame.values.contains(*limit) {
            continue;
        }
        let (y, is_main) = (frame.values.y(*limit), i + 1 == fan.limits.len());
        svg.line(if is_main { "limit" } else { "limit early" }, (0.0, y), (100.0, y));
        svg.label("limit-label", (100.0, y - 3.0), 0.0, Anchor::End, &number::threshold(*threshold));
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
        svg.dot("crossing-median", (x(median), y), 4.5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{Metric, SeriesId, Timeline, Unit};
    use jiff::civil::date;
    use std::sync::Arc;

    fn drawn(unit: Unit, limit: f64) -> String {
        let metric = Arc::new(Metric::named("load").with_unit(unit));
        let id = SeriesId::new("db-1", "load");
        let history = History::new(id, metric, Timeline::daily(date(2024, 1, 1)), vec![40.0; 500]).unwrap();
        let forecast = Forecast::new(&[0.1, 0.5, 0.9], vec![50.0; 90], [45.0, 50.0, 55.0].repeat(90)).unwrap();
        let crossing = CrossingDates { q10: Some(date(2025, 6, 1)), q50: None, q90: None };
        let limits = [(90.0, limit)];
        fan(&Fan {
            history: &history,
            forecast: &forecast,
            limits: &limits,
            crossing,
            calendar: &Calendar::us(),
            label: "x",
        })
    }

    #[test]
    fn only_the_quantiles_that_were_asked_for_are_drawn() {
        let svg = drawn(Unit::Percent, 90.0);
        assert!(svg.contains("b80") && !svg.contains("b90") && !svg.contains("b50"));
        assert!(svg.contains("viewBox=\"0 0 455 216\""), "a year of history and 90 steps ahead");
        assert!(svg.contains("class=\"crossing\"") && !svg.contains("crossing-median"));
    }

    #[test]
    fn a_far_limit_does_not_flatten_the_data() {
        let near = drawn(Unit::Other("MB/s".into()), 90.0);
        let far = drawn(Unit::Other("MB/s".into()), 9000.0);
        assert!(near.contains("80\u{202f}MB/s"), "{near}");
        assert!(!far.contains("80\u{202f}MB/s"), "{far}");
    }
}
