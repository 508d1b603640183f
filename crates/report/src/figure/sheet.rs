//! All figures on one sheet, and drawings as SVG.

use super::base64::base64;
use super::chart;
use super::drawing::{Drawing, Hang, Ink, Mark};
use super::font::{self, Font};
use super::{Figure, FigurePage};
use crate::svg::{coordinate, escape};
use std::fmt::Write;

const MARGIN: f64 = 28.0;
const GAP: f64 = 32.0;

/// The figures as one SVG: it fetches nothing, brings its letters, and follows the light or dark of the
/// page it is shown on.
pub fn figures_svg(page: &FigurePage) -> String {
    let sheet = sheet(page);
    let (width, height) = (coordinate(sheet.width), coordinate(sheet.height));
    let title = escape(&page.title);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{title}</title><style>"
    );
    for (weight, bytes) in [(400, font::REGULAR), (600, font::BOLD)] {
        text.push_str(&format!(
            "@font-face{{font-family:Inter;font-weight:{weight};src:url(data:font/otf;base64,{})}}",
            base64(bytes)
        ));
    }
    text.push_str("text{font-family:Inter,sans-serif}");
    text.push_str(&stylesheet());
    text.push_str("</style>");
    text.push_str(&marks(&sheet));
    text.push_str("</svg>\n");
    text
}

/// Every figure under the title, two or three beside each other.
pub(crate) fn sheet(page: &FigurePage) -> Drawing {
    let n_columns = if page.figures.len() > 4 { 3 } else { page.figures.len().clamp(1, 2) };
    let width = 2.0 * MARGIN + n_columns as f64 * chart::WIDTH + (n_columns - 1) as f64 * GAP;
    let blocks: Vec<Drawing> = page.figures.iter().map(block).collect();
    let heights: Vec<f64> =
        blocks.chunks(n_columns).map(|row| row.iter().map(|block| block.height).fold(0.0, f64::max)).collect();
    let head = 72.0;
    let height = head + heights.iter().map(|height| height + GAP).sum::<f64>();
    let mut sheet = Drawing::new(width, height);
    sheet.filled(Ink::Paper, (0.0, 0.0), (width, height), None);
    sheet.text(Ink::Text, 20.0, true, Hang::Start, (MARGIN, 36.0), &page.title);
    sheet.text(Ink::Muted, 12.0, false, Hang::Start, (MARGIN, 56.0), &page.subtitle);
    let mut y = head + 8.0;
    for (row, height) in blocks.chunks(n_columns).zip(&heights) {
        for (column, block) in row.iter().enumerate() {
            sheet.put(block, (MARGIN + column as f64 * (chart::WIDTH + GAP), y));
        }
        y += height + GAP;
    }
    sheet
}

/// A chart under its title and note.
fn block(figure: &Figure) -> Drawing {
    let chart = chart::draw(&figure.chart);
    let lines = wrapped(&figure.note, chart::WIDTH);
    let head = 24.0 + 15.0 * lines.len() as f64;
    let mut block = Drawing::new(chart.width, head + chart.height);
    block.text(Ink::Text, 14.0, true, Hang::Start, (0.0, 12.0), &figure.title);
    for (at, line) in lines.iter().enumerate() {
        block.small(Ink::Muted, Hang::Start, (0.0, 29.0 + 15.0 * at as f64), line);
    }
    block.put(&chart, (0.0, head));
    block
}

/// A text broken into lines of at most `width` pixels.
fn wrapped(text: &str, width: f64) -> Vec<String> {
    let font = Font::new(false);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if font.width(&format!("{line} {word}"), 11.0) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A drawing as a picture in a page: it brings no styles.
pub(crate) fn inline(drawing: &Drawing, label: &str) -> String {
    let (width, height) = (coordinate(drawing.width), coordinate(drawing.height));
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{}</svg>",
        escape(label),
        marks(drawing)
    )
}

/// The colours of all inks, light and dark, as `fill` of boxes and letters and `stroke` of lines.
pub(crate) fn stylesheet() -> String {
    let rules = |is_dark: bool| -> String {
        Ink::all()
            .map(|ink| {
                let (light, dark) = ink.colours();
                let [red, green, blue] = if is_dark { dark } else { light };
                let (class, colour) = (ink.class(), format!("#{red:02x}{green:02x}{blue:02x}"));
                format!("rect.{class},text.{class}{{fill:{colour}}}path.{class}{{stroke:{colour}}}")
            })
            .collect()
    };
    format!(
        "path{{fill:none;stroke-linejoin:round;stroke-linecap:round}}{}@media(prefers-color-scheme:dark){{{}}}",
        rules(false),
        rules(true)
    )
}

fn marks(drawing: &Drawing) -> String {
    let mut text = String::new();
    for mark in &drawing.marks {
        write_mark(&mut text, mark).expect("a string takes any text");
    }
    text
}

fn write_mark(text: &mut String, mark: &Mark) -> std::fmt::Result {
    match mark {
        Mark::Box { ink, at, size, says } => {
            let [x, y, width, height] = [at.0, at.1, size.0, size.1].map(coordinate);
            let class = ink.class();
            write!(text, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")?;
            match says {
                Some(says) => write!(text, "><title>{}</title></rect>", escape(says)),
                None => write!(text, "/>"),
            }
        }
        Mark::Line { ink, width, is_dashed, points } => {
            let dash = if *is_dashed { " stroke-dasharray=\"4 3\"" } else { "" };
            let path = path(points);
            write!(text, "<path class=\"{}\" stroke-width=\"{}\"{dash} d=\"{path}\"/>", ink.class(), coordinate(*width))
        }
        Mark::Text { ink, size, is_bold, hang, at, text: words } => {
            let [x, y, size] = [at.0, at.1, *size].map(coordinate);
            let weight = if *is_bold { " font-weight=\"600\"" } else { "" };
            let anchor = match hang {
                Hang::Start => "",
                Hang::Middle => " text-anchor=\"middle\"",
                Hang::End => " text-anchor=\"end\"",
            };
            let (class, words) = (ink.class(), escape(words));
            write!(
                text,
                "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight}{anchor}>{words}</text>"
            )
        }
    }
}

/// A line as a path; at gaps the pen is lifted.
fn path(points: &[(f64, f64)]) -> String {
    let (mut path, mut pen_is_down) = (String::new(), false);
    for (x, y) in points {
        if !y.is_finite() {
            pen_is_down = false;
            continue;
        }
        path.push(if pen_is_down { 'L' } else { 'M' });
        path.push_str(&coordinate((x * 10.0).round() / 10.0));
        path.push(' ');
        path.push_str(&coordinate((y * 10.0).round() / 10.0));
        pen_is_down = true;
    }
    path
}
