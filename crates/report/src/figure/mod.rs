//! Pictures of numbers, as one page, one SVG or one PNG.
//!
//! A [`FigurePage`] is plain numbers: curves over the hours of a day, over days or years, bars, shaded
//! matrices. [`figures_html`] makes a page that fetches nothing, light and dark, from a phone's width on;
//! [`figures_svg`] and [`figures_png`] put the same drawings on one sheet. Letters come from a typeface that
//! is part of the program, so a sheet looks the same on every machine.

mod base64;
mod chart;
mod drawing;
mod font;
mod page;
mod png;
mod raster;
mod sheet;

pub use page::figures_html;
pub use png::figures_png;
pub use sheet::figures_svg;

use jiff::civil::Date;

/// Figures under one title.
#[derive(Clone, Debug, PartialEq)]
pub struct FigurePage {
    /// What all figures are about.
    pub title: String,
    /// A sentence below it.
    pub subtitle: String,
    /// In reading order.
    pub figures: Vec<Figure>,
}

/// One picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it shows.
    pub title: String,
    /// What to see in it, or its unit, in a short sentence.
    pub note: String,
    /// The numbers.
    pub chart: Chart,
}

/// The numbers of a picture and how they are drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Curves over one axis.
    Curves {
        /// What the positions of the values mean.
        across: Across,
        /// At most four are told apart by colour. Gaps are NaN.
        curves: Vec<Series>,
        /// A value to draw a line at, such as the factor 1.
        reference: Option<f64>,
    },
    /// One bar per name, from `base` up or down.
    Bars {
        /// What each bar stands for.
        names: Vec<String>,
        /// As many as names.
        values: Vec<f64>,
        /// Where bars begin.
        base: f64,
    },
    /// Square matrices side by side, shaded from -1 to 1.
    Heat {
        /// Names of rows and columns.
        names: Vec<String>,
        /// Each with its title; row by row, as many rows and columns as names.
        matrices: Vec<(String, Vec<Vec<f64>>)>,
    },
}

/// What the positions of the values of a curve mean. They are equally far apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Across {
    /// From midnight to midnight: the first value stands at 0 h, the last just before or at 24 h.
    HoursOfDay {
        /// Minutes from one value to the next.
        step_minutes: f64,
    },
    /// Days from a date on, or parts of a day.
    Days {
        /// The date of the first value.
        first: Date,
        /// Values per day.
        per_day: f64,
    },
}

/// A named curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend; with a single curve no legend is drawn.
    pub name: String,
    /// Its values, equally far apart.
    pub values: Vec<f64>,
}
