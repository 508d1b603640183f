//! The charts as drawings.

use super::drawing::{Drawing, Hang, Ink};
use super::font::Font;
use super::{Across, Chart, Series};
use crate::number;
use crate::scale::{TimeAxis, ValueAxis, round_step};
use jiff::ToSpan;

/// Width of every chart in pixels: that of a phone's screen, so letters keep their size on one.
pub(crate) const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 216.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 10.0;
const BOTTOM: f64 = 24.0;
const LEGEND: f64 = 20.0;
/// Larger values have no place on an axis.
const MOST: f64 = 1e15;

/// Draws a chart.
pub(crate) fn draw(chart: &Chart) -> Drawing {
    match chart {
        Chart::Curves { across, curves, reference } => draw_curves(*across, curves, *reference),
        Chart::Bars { names, values, base } => draw_bars(names, values, *base),
        Chart::Heat { names, matrices } => draw_heat(names, matrices),
    }
}

fn draw_curves(across: Across, curves: &[Series], reference: Option<f64>) -> Drawing {
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    let top = if curves.len() > 1 { legend(&mut drawing, curves) } else { 8.0 };
    let values = curves.iter().flat_map(|curve| curve.values.iter().copied()).chain(reference);
    let axis = value_axis(&mut drawing, values, top);
    across.draw(&mut drawing, curves.iter().map(|curve| curve.values.len()).max().unwrap_or(0), top);
    if let Some(value) = reference {
        let y = axis.y(value);
        drawing.dashed(Ink::Reference, 1.0, vec![(LEFT, y), (WIDTH - RIGHT, y)]);
    }
    for (number, curve) in curves.iter().enumerate() {
        let n = curve.values.len();
        let points = curve.values.iter().enumerate().map(|(at, value)| (across.x(at, n), axis.y(*value)));
        let width = if n > 400 { 1.1 } else { 1.7 };
        drawing.line(Ink::Curve(number as u8 % 4), width, points.collect());
    }
    drawing
}

/// Names of the curves in their colours; gives the top of the chart below them.
fn legend(drawing: &mut Drawing, curves: &[Series]) -> f64 {
    let font = Font::new(false);
    let (mut x, mut y) = (LEFT, 11.0);
    for (number, curve) in curves.iter().enumerate() {
        let width = 20.0 + font.width(&curve.name, 11.0);
        if x > LEFT && x + width > WIDTH {
            (x, y) = (LEFT, y + 15.0);
        }
        drawing.line(Ink::Curve(number as u8 % 4), 2.5, vec![(x, y - 4.0), (x + 14.0, y - 4.0)]);
        drawing.small(Ink::Text, Hang::Start, (x + 19.0, y), &curve.name);
        x += width + 16.0;
    }
    y + LEGEND - 11.0
}

/// Grid lines and numbers at the left. The axis begins at 0 where that wastes little room.
fn value_axis(drawing: &mut Drawing, values: impl Iterator<Item = f64>, top: f64) -> ValueAxis {
    let (low, high) = values
        .filter(|value| value.abs() <= MOST)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let low = if low >= 0.0 && low < 0.55 * high { 0.0 } else { low };
    let step = round_step((high - low).max(1e-9 * high.abs().max(1e-9)) / 4.0);
    // A hair lower, so that the lowest grid line is not lost to rounding.
    let axis = ValueAxis::new(((low / step).floor() - 1e-9) * step, (high / step).ceil() * step, top, HEIGHT - BOTTOM);
    let decimals = [1.0, 0.1, 0.01].iter().filter(|unit| step < **unit * (1.0 - 1e-9)).count();
    // A step of 2.5 or 0.25 has a digit more than its size says.
    let decimals = decimals + usize::from(!is_whole(step, decimals));
    for value in axis.ticks(4) {
        let y = axis.y(value);
        drawing.line(Ink::Grid, 1.0, vec![(LEFT, y), (WIDTH - RIGHT, y)]);
        drawing.small(Ink::Muted, Hang::End, (LEFT - 6.0, y + 4.0), &shown(value, decimals));
    }
    axis
}

/// A number as short as an axis needs it.
fn shown(value: f64, decimals: usize) -> String {
    if value.is_finite() && value.abs() >= 1e7 { format!("{value:.1e}") } else { number::fixed(value, decimals) }
}

fn is_whole(step: f64, decimals: usize) -> bool {
    let scaled = (0..decimals).fold(step, |scaled, _| 10.0 * scaled);
    (scaled - scaled.round()).abs() < 1e-6
}

impl Across {
    /// Days from the first value to the end of the last.
    fn days(self, n: usize) -> f64 {
        match self {
            Self::HoursOfDay { .. } => 1.0,
            Self::Days { per_day, .. } => n.max(1) as f64 / per_day,
        }
    }

    /// Pixel of the `at`-th of `n` values.
    fn x(self, at: usize, n: usize) -> f64 {
        let days = match self {
            Self::HoursOfDay { step_minutes } => at as f64 * step_minutes / 1440.0,
            Self::Days { per_day, .. } => at as f64 / per_day,
        };
        pixel(days / self.days(n))
    }

    /// Marks and names below the chart.
    fn draw(self, drawing: &mut Drawing, n: usize, top: f64) {
        let days = self.days(n);
        let base = HEIGHT - BOTTOM;
        let mut mark = |rule_at: f64, name_at: f64, hang: Hang, name: &str| {
            let x = pixel(rule_at);
            drawing.line(Ink::Grid, 1.0, vec![(x, top), (x, base)]);
            drawing.small(Ink::Muted, hang, (pixel(name_at), base + 16.0), name);
        };
        match self {
            Self::Days { first, .. } if days > 10.0 => {
                let axis = TimeAxis::new(first, days.ceil() as i64);
                for tick in axis.months().iter().filter(|tick| tick.is_main) {
                    let share = tick.x / 100.0;
                    mark(share, share, if share > 0.9 { Hang::End } else { Hang::Start }, &tick.label());
                }
            }
            Self::Days { first, .. } if days > 1.5 => {
                for day in 0..days.ceil() as i64 {
                    let date = first.saturating_add(day.days());
                    let name = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
                        [usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())];
                    mark(day as f64 / days, (day as f64 + 0.5) / days, Hang::Middle, name);
                }
            }
            Self::HoursOfDay { .. } | Self::Days { .. } => {
                for hour in [0, 6, 12, 18, 24] {
                    let hang = if hour == 24 { Hang::End } else { Hang::Middle };
                    mark(f64::from(hour) / 24.0, f64::from(hour) / 24.0, hang, &format!("{hour}\u{a0}h"));
                }
            }
        }
    }
}

fn pixel(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn draw_bars(names: &[String], values: &[f64], base: f64) -> Drawing {
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    let axis = value_axis(&mut drawing, values.iter().copied().chain([base]), 14.0);
    let slot = 1.0 / names.len().max(1) as f64;
    for (at, (name, value)) in names.iter().zip(values).enumerate() {
        let (left, right) = (pixel(slot * (at as f64 + 0.18)), pixel(slot * (at as f64 + 0.82)));
        let (from, to) = (axis.y(base), axis.y(*value));
        let says = Some(format!("{name}: {}", shown(*value, 2)));
        drawing.filled(Ink::Curve(0), (left, from.min(to)), (right - left, (from - to).abs().max(1.0)), says);
        let middle = 0.5 * (left + right);
        drawing.small(Ink::Text, Hang::Middle, (middle, from.min(to) - 4.0), &shown(*value, 2));
        drawing.small(Ink::Muted, Hang::Middle, (middle, HEIGHT - BOTTOM + 16.0), name);
    }
    drawing
}

/// Matrices in a row, their names at the left of the first and below each.
fn draw_heat(names: &[String], matrices: &[(String, Vec<Vec<f64>>)]) -> Drawing {
    const NAMES: f64 = 54.0;
    const GAP: f64 = 20.0;
    let n_matrices = matrices.len().max(1) as f64;
    let n = names.len().max(1) as f64;
    let cell = (WIDTH - NAMES - GAP * (n_matrices - 1.0)) / n_matrices / n;
    let mut drawing = Drawing::new(WIDTH, 20.0 + cell * n + 22.0);
    for (number, (title, rows)) in matrices.iter().enumerate() {
        let left = NAMES + number as f64 * (cell * n + GAP);
        drawing.small(Ink::Text, Hang::Start, (left, 12.0), title);
        for (i, row) in rows.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                let at = (left + cell * j as f64, 20.0 + cell * i as f64);
                draw_cell(&mut drawing, at, cell, *value, &format!("{title}: {} and {}", names[i], names[j]));
            }
        }
        for (j, name) in names.iter().enumerate() {
            let x = left + cell * (j as f64 + 0.5);
            drawing.text(Ink::Muted, 9.5, false, Hang::Middle, (x, 20.0 + cell * n + 14.0), name);
        }
    }
    for (i, name) in names.iter().enumerate() {
        drawing.small(Ink::Muted, Hang::End, (NAMES - 6.0, 20.0 + cell * (i as f64 + 0.5) + 4.0), name);
    }
    drawing
}

fn draw_cell(drawing: &mut Drawing, (x, y): (f64, f64), cell: f64, value: f64, what: &str) {
    let said = shown(value, 2);
    // What is no number is shaded as no correlation.
    let shade = if value.is_nan() { 0.0 } else { value.clamp(-1.0, 1.0) };
    let step = ((shade + 1.0) * 5.0).round() as u8;
    let says = Some(format!("{what}: {said}"));
    drawing.filled(Ink::Shade(step), (x + 0.5, y + 0.5), (cell - 1.0, cell - 1.0), says);
    let ink = if step.abs_diff(5) >= 3 { Ink::OnShade } else { Ink::Text };
    drawing.small(ink, Hang::Middle, (x + 0.5 * cell, y + 0.5 * cell + 4.0), &said);
}
