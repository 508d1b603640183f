//! Tables, charts and the HTML report, all as text.
//!
//! [`html`] makes one file that needs nothing else: styles and charts are inside, nothing is fetched.
//! [`summary`] makes the part of it that fits on a terminal. Both are pure functions of a
//! [`ReportInput`]: the same input gives the same bytes.
//!
//! [`FigurePage`] is for pictures of numbers that are no report: a page, an SVG or a PNG of charts.

mod chart;
mod facts;
mod figure;
mod input;
mod number;
mod page;
mod scale;
mod section;
mod summary;
mod svg;
mod trace;

pub use figure::{Across, Chart, Figure, FigurePage, Series, figures_html, figures_png, figures_svg};
pub use input::{ReportInput, RunFacts, ScoreRow, SeriesForecast, ServerWeeks, Slice, WeeklyRisk};
pub use page::html;
pub use section::{FORECASTS_SHOWN, urgent_series};
pub use summary::summary;
