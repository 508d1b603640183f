//! Drawings as pixels, on a light ground.

use super::drawing::{Colour, Drawing, Hang, Mark};
use super::font::Font;
use ttf_parser::OutlineBuilder;
use zeno::{Cap, Command, Fill, Join, Mask, PathBuilder, Placement, Stroke, Style, Transform};

/// Most pixels of a sheet: a page of figures has a tenth of it.
const MOST_PIXELS: f64 = 1e8;

/// An image of 8 bits per red, green and blue, row by row.
pub(crate) struct Pixels {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

/// The drawing, `scale` pixels for each of its own; `None` when it has no size, or more pixels than anybody
/// could look at.
pub(crate) fn pixels(drawing: &Drawing, scale: f64) -> Option<Pixels> {
    let (width, height) = ((drawing.width * scale).ceil(), (drawing.height * scale).ceil());
    if !(width >= 1.0 && height >= 1.0 && width * height <= MOST_PIXELS) {
        return None;
    }
    let (width, height) = (width as usize, height as usize);
    let mut pixels = Pixels { width, height, rgb: vec![255; 3 * width * height] };
    let fonts = [Font::new(false), Font::new(true)];
    for mark in &drawing.marks {
        let (ink, path, style) = match mark {
            Mark::Box { ink, at, size, .. } => (ink, corners(*at, *size), Style::Fill(Fill::NonZero)),
            Mark::Line { ink, width, is_dashed, points } => (ink, line(points), stroke(*width, *is_dashed)),
            Mark::Text { ink, size, is_bold, hang, at, text } => {
                let font = &fonts[usize::from(*is_bold)];
                (ink, letters(font, text, *size, *hang, *at), Style::Fill(Fill::NonZero))
            }
        };
        pixels.fill(&path, style, scale, ink.colours().0);
    }
    Some(pixels)
}

impl Pixels {
    /// Covers what is inside the path with a colour.
    fn fill(&mut self, path: &[Command], style: Style<'_>, scale: f64, colour: Colour) {
        if path.is_empty() {
            return;
        }
        let scale = Transform::scale(scale as f32, scale as f32);
        let (coverage, place) = Mask::new(path).style(style).transform(Some(scale)).render();
        if place.width > 0 {
            self.blend(&coverage, place, colour);
        }
    }

    fn blend(&mut self, coverage: &[u8], place: Placement, colour: Colour) {
        for (row, shares) in coverage.chunks_exact(place.width as usize).enumerate() {
            let y = i64::from(place.top) + row as i64;
            if !(0..self.height as i64).contains(&y) {
                continue;
            }
            for (column, &share) in shares.iter().enumerate().filter(|(_, share)| **share > 0) {
                let x = i64::from(place.left) + column as i64;
                if (0..self.width as i64).contains(&x) {
                    let at = 3 * (y as usize * self.width + x as usize);
                    for (old, new) in self.rgb[at..at + 3].iter_mut().zip(colour) {
                        // Whole numbers round alike everywhere.
                        let mixed = u32::from(*old) * u32::from(255 - share) + u32::from(new) * u32::from(share);
                        *old = ((mixed + 127) / 255) as u8;
                    }
                }
            }
        }
    }
}

fn stroke(width: f64, is_dashed: bool) -> Style<'static> {
    let mut stroke = Stroke::new(width as f32);
    stroke.cap(Cap::Round).join(Join::Round);
    if is_dashed {
        stroke.dash(&[4.0, 3.0], 0.0);
    }
    Style::Stroke(stroke)
}

fn corners((x, y): (f64, f64), (width, height): (f64, f64)) -> Vec<Command> {
    let mut path = Vec::new();
    path.add_rect([x as f32, y as f32], width as f32, height as f32);
    path
}

fn line(points: &[(f64, f64)]) -> Vec<Command> {
    let mut path = Vec::new();
    let mut pen_is_down = false;
    for (x, y) in points {
        let to = [*x as f32, *y as f32];
        match (y.is_finite(), pen_is_down) {
            (true, true) => _ = path.line_to(to),
            (true, false) => _ = path.move_to(to),
            (false, _) => {}
        }
        pen_is_down = y.is_finite();
    }
    path
}

/// A text as the outlines of its letters.
fn letters(font: &Font, text: &str, size: f64, hang: Hang, (x, y): (f64, f64)) -> Vec<Command> {
    let share = match hang {
        Hang::Start => 0.0,
        Hang::Middle => 0.5,
        Hang::End => 1.0,
    };
    let scale = font.scale(size);
    let mut pen = Pen { path: Vec::new(), x: x - share * font.width(text, size), y, scale };
    for character in text.chars() {
        let glyph = font.glyph(character);
        font.outline(glyph, &mut pen);
        pen.x += font.advance(glyph) * scale;
    }
    pen.path
}

/// Takes outlines in units of the face, y upwards, at a place in pixels, y downwards.
struct Pen {
    path: Vec<Command>,
    x: f64,
    y: f64,
    scale: f64,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> [f32; 2] {
        [(self.x + f64::from(x) * self.scale) as f32, (self.y - f64::from(y) * self.scale) as f32]
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let to = self.at(x, y);
        self.path.move_to(to);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let to = self.at(x, y);
        self.path.line_to(to);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (by, to) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(by, to);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (by, and, to) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.curve_to(by, and, to);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
