//! The typeface of the sheets: Inter, the glyphs of Latin text (fonts/OFL.txt), a part of the program so that
//! letters are the same on every machine.

use ttf_parser::{Face, GlyphId};

pub(crate) const REGULAR: &[u8] = include_bytes!("../../fonts/Inter-Regular-subset.otf");
pub(crate) const BOLD: &[u8] = include_bytes!("../../fonts/Inter-SemiBold-subset.otf");

/// One weight of the typeface.
pub(crate) struct Font {
    face: Face<'static>,
}

impl Font {
    pub(crate) fn new(is_bold: bool) -> Self {
        let bytes = if is_bold { BOLD } else { REGULAR };
        Self { face: Face::parse(bytes, 0).expect("the program's own typeface is one") }
    }

    /// Width of a text at a size in pixels.
    pub(crate) fn width(&self, text: &str, size: f64) -> f64 {
        text.chars().map(|c| self.advance(self.glyph(c))).sum::<f64>() * self.scale(size)
    }

    /// Pixels per unit of the face.
    pub(crate) fn scale(&self, size: f64) -> f64 {
        size / f64::from(self.face.units_per_em())
    }

    /// The glyph of a character; a box stands for what the typeface does not have.
    pub(crate) fn glyph(&self, character: char) -> GlyphId {
        self.face.glyph_index(character).unwrap_or(GlyphId(0))
    }

    /// How far a glyph moves the pen, in units of the face.
    pub(crate) fn advance(&self, glyph: GlyphId) -> f64 {
        f64::from(self.face.glyph_hor_advance(glyph).unwrap_or(0))
    }

    /// Draws a glyph with its origin at (0, 0), in units of the face, y upwards.
    pub(crate) fn outline(&self, glyph: GlyphId, pen: &mut dyn ttf_parser::OutlineBuilder) {
        // A space has no outline.
        let _ = self.face.outline_glyph(glyph, pen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_widths_of_the_typeface() {
        let font = Font::new(false);
        assert_eq!(font.width("", 11.0), 0.0);
        assert!((font.width("mm", 11.0) - 2.0 * font.width("m", 11.0)).abs() < 1e-12);
        assert!(font.width("i", 11.0) < font.width("m", 11.0) && Font::new(true).width("a", 20.0) > 8.0);
        for c in "abcxyzABC0189 %.,:;()-+×·–−°/".chars() {
            assert_ne!(font.glyph(c), GlyphId(0), "{c:?}");
        }
    }
}
