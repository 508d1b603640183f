//! Small charts that stand in a line of text or a cell of a table.

use crate::{
    scale::ValueAxis,
    svg::{Anchor, Curve, Svg},
};

const CELL: f64 = 18.0;

/// The fleet as one bar: parts with their class and count.
pub(crate) fn glance(parts: &[(&str, usize)], label: &str) -> String {
    let total: usize = parts.iter().map(|(_, n)| n).sum();
    let mut svg = Svg::new("glance", 14.0, label);
    let mut x = 0.0;
    for (class, n) in parts.iter().filter(|(_, n)| *n > 0) {
        let width = 100.0 * *n as f64 / total.max(1) as f64;
        svg.rect(class, x, 0.0, width, 14.0, None);
        x += width;
    }
    svg.finish()
}

/// A typical course: the middle half of a group as a band, its median as a line. Values from `low` to `high`.
pub(crate) fn profile(quartiles: &[[f64; 3]], low: f64, high: f64, label: &str) -> String {
    const HEIGHT: f64 = 64.0;
    let mut svg = Svg::new("profile", HEIGHT, label);
    let axis = ValueAxis::new(low, high, 2.0, HEIGHT - 2.0);
    let at = |k: usize| -> Vec<(f64, f64)> {
        let present = quartiles.iter().enumerate().filter(|(_, q)| q.iter().all(|v| v.is_finite()));
        present.map(|(i, q)| (i as f64, axis.y(q[k]))).collect()
    };
    let curves = [Curve::band("band", &at(2), &at(0)), Curve::line("median", at(1))];
    svg.line("grid", (0.0, HEIGHT - 1.0), (100.0, HEIGHT - 1.0));
    svg.curves(quartiles.len().saturating_sub(1), HEIGHT, &curves);
    svg.finish()
}

/// Two scores on one scale from 0 to `top`, the smaller the better: the model's dot and its baseline's ring.
pub(crate) fn pair(model: Option<f64>, baseline: Option<f64>, top: f64) -> String {
    let mut svg = Svg::decoration("pair", CELL);
    // Dots at the ends stay whole: the scale keeps a margin.
    let x = |value: f64| 3.0 + 94.0 * (value / top.max(1e-12)).clamp(0.0, 1.0);
    svg.line("grid", (3.0, CELL / 2.0), (97.0, CELL / 2.0));
    if let (Some(model), Some(baseline)) = (model, baseline) {
        let class = if model <= baseline { "better" } else { "worse" };
        svg.line(class, (x(model), CELL / 2.0), (x(baseline), CELL / 2.0));
    }
    if let Some(baseline) = baseline {
        svg.dot("ring", (x(baseline), CELL / 2.0), 4.0);
    }
    if let Some(model) = model {
        svg.dot("dot", (x(model), CELL / 2.0), 4.5);
    }
    svg.finish()
}

/// Position of a share on the scale of [`coverage`], which runs from 50 to 100 %.
fn coverage_x(share: f64) -> f64 {
    3.0 + 94.0 * ((share - 0.5) / 0.5).clamp(0.0, 1.0)
}

/// The head of a column of [`coverage`]: where its rules stand.
pub(crate) fn coverage_axis() -> String {
    let mut svg = Svg::decoration("coverage", CELL);
    for (share, text, anchor) in [(0.8, "80", Anchor::End), (0.9, "90\u{202f}%", Anchor::Start)] {
        svg.line("nominal", (coverage_x(share), CELL - 4.0), (coverage_x(share), CELL));
        let dx = if anchor == Anchor::End { 6.0 } else { -6.0 };
        svg.label("tick", (coverage_x(share), 10.0), dx, anchor, text);
    }
    svg.finish()
}

/// Where the 80 % and 90 % intervals' coverage stands against what they promise, on a scale from 50 to 100 %.
pub(crate) fn coverage(coverage_80: Option<f64>, coverage_90: Option<f64>) -> String {
    let mut svg = Svg::decoration("coverage", CELL);
    svg.line("grid", (3.0, CELL / 2.0), (97.0, CELL / 2.0));
    for nominal in [0.8, 0.9] {
        svg.line("nominal", (coverage_x(nominal), 1.0), (coverage_x(nominal), CELL - 1.0));
    }
    for (class, value) in [("ring", coverage_80), ("dot", coverage_90)] {
        if let Some(value) = value {
            svg.dot(class, (coverage_x(value), CELL / 2.0), 4.0);
        }
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_fleet_fill_the_bar() {
        let bar = glance(&[("a", 1), ("b", 0), ("c", 3)], "fleet");
        assert!(bar.contains("class=\"c\" x=\"25%\" y=\"0\" width=\"75%\""), "{bar}");
        assert_eq!(bar.matches("<rect").count(), 2);
        assert!(!glance(&[("a", 0)], "empty").contains("<rect"));
    }

    #[test]
    fn a_model_behind_its_baseline_is_told_apart() {
        assert!(pair(Some(0.5), Some(1.0), 1.0).contains("better"));
        assert!(pair(Some(1.5), Some(1.0), 2.0).contains("worse"));
        assert!(!pair(None, Some(1.0), 2.0).contains("class=\"dot\""));
    }
}
