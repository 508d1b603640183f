//! Charts: facts become inline SVG.

mod fan;
mod heat;
mod interval;
mod small;

pub(crate) use fan::{DrawnFan, Fan, fan};
pub(crate) use heat::{heat_class, heat_map, week_totals};
pub(crate) use interval::{interval, interval_axis};
pub(crate) use small::{coverage, coverage_axis, glance, pair, profile};
