//! A drawing: lines, areas and letters at places in pixels, each in an ink that a light and a dark page
//! mix differently.

/// What a mark is for, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The ground.
    Paper,
    /// Titles and names.
    Text,
    /// Numbers on axes, notes.
    Muted,
    /// Lines behind the curves.
    Grid,
    /// A line worth seeing: the factor 1.
    Reference,
    /// The n-th of at most four curves.
    Curve(u8),
    /// A correlation from -1 to 1 in eleven steps, 5 for none.
    Shade(u8),
    /// Letters on the darkest shades.
    OnShade,
}

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// Ink on a light and on a dark page. The curves' colours keep their distance for eyes that do not tell
/// red from green (Okabe & Ito 2008, "Color universal design").
const CURVES: [(Colour, Colour); 4] = [
    ([0x1a, 0x5f, 0xb4], [0x79, 0xb4, 0xff]),
    ([0xc4, 0x5a, 0x00], [0xff, 0xa0, 0x57]),
    ([0x0b, 0x7d, 0x62], [0x4f, 0xd1, 0xa8]),
    ([0x9c, 0x3a, 0x84], [0xe8, 0x8f, 0xd0]),
];

/// Ends of the shades, for -1, 0 and 1.
const SHADES: [(Colour, Colour); 3] = [
    ([0xb5, 0x4a, 0x0a], [0xe0, 0x7c, 0x35]),
    ([0xf3, 0xf4, 0xf6], [0x1d, 0x23, 0x2d]),
    ([0x1a, 0x5f, 0xb4], [0x5b, 0x9d, 0xf0]),
];

impl Ink {
    /// Every ink.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let plain = [Self::Paper, Self::Text, Self::Muted, Self::Grid, Self::Reference, Self::OnShade];
        plain.into_iter().chain((0..4).map(Self::Curve)).chain((0..11).map(Self::Shade))
    }

    /// Its name in a stylesheet.
    pub(crate) fn class(self) -> String {
        match self {
            Self::Paper => "paper".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Muted => "muted".to_owned(),
            Self::Grid => "grid".to_owned(),
            Self::Reference => "reference".to_owned(),
            Self::OnShade => "on-shade".to_owned(),
            Self::Curve(n) => format!("curve-{n}"),
            Self::Shade(n) => format!("shade-{n}"),
        }
    }

    /// Its colour on a light page and on a dark one.
    pub(crate) fn colours(self) -> (Colour, Colour) {
        match self {
            Self::Paper => ([0xff, 0xff, 0xff], [0x10, 0x14, 0x1b]),
            Self::Text => ([0x16, 0x1b, 0x26], [0xe8, 0xeb, 0xf1]),
            Self::Muted => ([0x56, 0x60, 0x72], [0xa3, 0xad, 0xbd]),
            Self::Grid => ([0xe4, 0xe7, 0xec], [0x2a, 0x31, 0x3d]),
            Self::Reference => ([0x87, 0x91, 0xa1], [0x7c, 0x87, 0x98]),
            Self::OnShade => ([0xff, 0xff, 0xff], [0x10, 0x14, 0x1b]),
            Self::Curve(n) => CURVES[usize::from(n) % CURVES.len()],
            Self::Shade(n) => shade(n),
        }
    }
}

/// A colour between two ends and the middle.
fn shade(n: u8) -> (Colour, Colour) {
    let from_middle = f64::from(n.min(10)) / 5.0 - 1.0;
    let end = if from_middle < 0.0 { SHADES[0] } else { SHADES[2] };
    let mix = |middle: Colour, end: Colour| {
        std::array::from_fn(|i| {
            let (from, to) = (f64::from(middle[i]), f64::from(end[i]));
            (from + (to - from) * from_middle.abs()).round() as u8
        })
    };
    (mix(SHADES[1].0, end.0), mix(SHADES[1].1, end.1))
}

/// Where a text hangs on its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hang {
    Start,
    Middle,
    End,
}

/// One stroke, area or word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    /// A filled box; `says` is shown when pointed at.
    Box { ink: Ink, at: (f64, f64), size: (f64, f64), says: Option<String> },
    /// A line through points; NaN breaks it.
    Line { ink: Ink, width: f64, is_dashed: bool, points: Vec<(f64, f64)> },
    /// A text with its base line at `at`.
    Text { ink: Ink, size: f64, is_bold: bool, hang: Hang, at: (f64, f64), text: String },
}

/// Marks on a sheet, in the order in which they are drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drawing {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) marks: Vec<Mark>,
}

impl Drawing {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    pub(crate) fn filled(&mut self, ink: Ink, at: (f64, f64), size: (f64, f64), says: Option<String>) {
        self.marks.push(Mark::Box { ink, at, size, says });
    }

    pub(crate) fn line(&mut self, ink: Ink, width: f64, points: Vec<(f64, f64)>) {
        self.marks.push(Mark::Line { ink, width, is_dashed: false, points });
    }

    pub(crate) fn dashed(&mut self, ink: Ink, width: f64, points: Vec<(f64, f64)>) {
        self.marks.push(Mark::Line { ink, width, is_dashed: true, points });
    }

    /// A text of the size of axes.
    pub(crate) fn small(&mut self, ink: Ink, hang: Hang, at: (f64, f64), text: &str) {
        self.text(ink, 11.0, false, hang, at, text);
    }

    pub(crate) fn text(&mut self, ink: Ink, size: f64, is_bold: bool, hang: Hang, at: (f64, f64), text: &str) {
        self.marks.push(Mark::Text { ink, size, is_bold, hang, at, text: text.to_owned() });
    }

    /// Puts another drawing on this one, its corner at `at`.
    pub(crate) fn put(&mut self, other: &Self, at: (f64, f64)) {
        let moved = |(x, y): (f64, f64)| (x + at.0, y + at.1);
        self.marks.extend(other.marks.iter().cloned().map(|mark| match mark {
            Mark::Box { ink, at, size, says } => Mark::Box { ink, at: moved(at), size, says },
            Mark::Line { ink, width, is_dashed, points } => {
                Mark::Line { ink, width, is_dashed, points: points.into_iter().map(moved).collect() }
            }
            Mark::Text { ink, size, is_bold, hang, at, text } => {
                Mark::Text { ink, size, is_bold, hang, at: moved(at), text }
            }
        }));
    }
}
