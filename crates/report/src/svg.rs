//! Inline SVG as text, with positions that stretch and letters that do not.
//!
//! Horizontal positions are per cent of the chart's width and vertical ones are pixels, so a chart
//! fills any screen while its type keeps its size. Curves stand in a nested picture that is stretched.

use std::fmt::Write;

/// Text with the characters that mean something in markup replaced; safe in text and attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML knows no other control characters, and a browser would show them as boxes.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A coordinate with at most two decimals and no needless zeros.
pub(crate) fn coordinate(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A height within a curve, of which there are thousands: finer than a tenth of a pixel nobody sees.
fn tenth(value: f64) -> String {
    coordinate((value * 10.0).round() / 10.0)
}

/// Where a text hangs on its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    End,
}

/// A chart under construction. `x` and widths are per cent, `y` and heights are pixels.
pub(crate) struct Svg {
    text: String,
}

impl Svg {
    /// A chart `height` pixels high, as wide as its box; `label` says to those who cannot see it what it shows.
    pub(crate) fn new(class: &str, height: f64, label: &str) -> Self {
        let (class, height, label) = (escape(class), coordinate(height), escape(label));
        let text =
            format!("<svg class=\"{class}\" width=\"100%\" height=\"{height}\" role=\"img\" aria-label=\"{label}\">");
        Self { text }
    }

    /// A chart that only repeats what stands beside it in words, and so is silent.
    pub(crate) fn decoration(class: &str, height: f64) -> Self {
        let (class, height) = (escape(class), coordinate(height));
        Self { text: format!("<svg class=\"{class}\" width=\"100%\" height=\"{height}\" aria-hidden=\"true\">") }
    }

    /// A filled box; `title` shows when pointed at.
    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64, title: Option<&str>) {
        let [x, y, width, height] = [x, y, width.max(0.0), height.max(0.0)].map(coordinate);
        self.push(format_args!("<rect class=\"{class}\" x=\"{x}%\" y=\"{y}\" width=\"{width}%\" height=\"{height}\""));
        match title {
            Some(title) => self.push(format_args!("><title>{}</title></rect>", escape(title))),
            None => self.text.push_str("/>"),
        }
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
        self.push(format_args!("<line class=\"{class}\" x1=\"{x1}%\" y1=\"{y1}\" x2=\"{x2}%\" y2=\"{y2}\"/>"));
    }

    /// A dot of a radius in pixels.
    pub(crate) fn dot(&mut self, class: &str, at: (f64, f64), radius: f64) {
        let [x, y, radius] = [at.0, at.1, radius].map(coordinate);
        self.push(format_args!("<circle class=\"{class}\" cx=\"{x}%\" cy=\"{y}\" r=\"{radius}\"/>"));
    }

    /// A text, `dx` pixels right of its position.
    pub(crate) fn label(&mut self, class: &str, at: (f64, f64), dx: f64, anchor: Anchor, text: &str) {
        let [x, y, dx] = [at.0, at.1, dx].map(coordinate);
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::End => " text-anchor=\"end\"",
        };
        let text = escape(text);
        self.push(format_args!("<text class=\"{class}\" x=\"{x}%\" y=\"{y}\" dx=\"{dx}\"{anchor}>{text}</text>"));
    }

    /// Curves over `steps` equal steps, stretched over the whole width; `height` is that of the chart.
    pub(crate) fn curves(&mut self, steps: usize, height: f64, curves: &[Curve]) {
        let (steps, height) = (steps.max(1), coordinate(height));
        self.push(format_args!(
            "<svg width=\"100%\" height=\"{height}\" viewBox=\"0 0 {steps} {height}\" preserveAspectRatio=\"none\">"
        ));
        for curve in curves.iter().filter(|curve| !curve.path.is_empty()) {
            self.push(format_args!("<path class=\"{}\" d=\"{}\"/>", curve.class, curve.path));
        }
        self.text.push_str("</svg>");
    }

    /// The finished chart.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }

    fn push(&mut self, arguments: std::fmt::Arguments) {
        // Writing to a string cannot fail.
        self.text.write_fmt(arguments).expect("a string takes any text");
    }
}

/// A path of a stretched picture.
pub(crate) struct Curve {
    class: &'static str,
    path: String,
}

impl Curve {
    /// A line through the points whose value is a number; at gaps it is broken.
    pub(crate) fn line(class: &'static str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (mut path, mut pen_is_down) = (String::new(), false);
        for (x, y) in points {
            if !y.is_finite() {
                pen_is_down = false;
                continue;
            }
            path.push(if pen_is_down { 'L' } else { 'M' });
            path.push_str(&coordinate(x));
            path.push(' ');
            path.push_str(&tenth(y));
            if !pen_is_down {
                // A lone point has no length; a line to itself with round caps shows it as a dot.
                path.push_str("h0");
            }
            pen_is_down = true;
        }
        Self { class, path }
    }

    /// The area between two lines over the same steps.
    pub(crate) fn band(class: &'static str, upper: &[(f64, f64)], lower: &[(f64, f64)]) -> Self {
        let mut path = String::new();
        for (i, (x, y)) in upper.iter().chain(lower.iter().rev()).enumerate() {
            path.push(if i == 0 { 'M' } else { 'L' });
            path.push_str(&coordinate(*x));
            path.push(' ');
            path.push_str(&tenth(*y));
        }
        if !path.is_empty() {
            path.push('Z');
        }
        Self { class, path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!(
            [1.0, 0.126, -0.001, 12.50, f64::NAN, 100.0].map(coordinate),
            ["1", "0.13", "0", "12.5", "0", "100"]
        );
    }

    #[test]
    fn markup_in_texts_stays_text() {
        let mut svg = Svg::new("c", 10.0, "a \"label\"");
        svg.label("t", (50.0, 5.0), 0.0, Anchor::End, "<script>&");
        svg.rect("r", 0.0, 0.0, 10.0, 5.0, Some("it's"));
        let text = svg.finish();
        assert!(
            text.contains("&lt;script&gt;&amp;") && text.contains("it&#39;s") && text.contains("a &quot;label&quot;")
        );
        assert_eq!(escape("a\u{0}\n"), "a\u{fffd}\n");
    }

    #[test]
    fn lines_break_at_gaps() {
        let points = [(0.0, 1.04), (1.0, f64::NAN), (2.0, 3.0), (3.0, 4.26)];
        assert_eq!(Curve::line("l", points).path, "M0 1h0M2 3h0L3 4.3");
        assert_eq!(Curve::band("b", &[(0.0, 1.0), (1.0, 2.0)], &[(0.0, 5.0), (1.0, 6.0)]).path, "M0 1L1 2L1 6L0 5Z");
    }
}
