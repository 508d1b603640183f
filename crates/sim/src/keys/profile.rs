//! The keys of a profile.

use super::{Key, Kind, key, number, optional, per_metric};
use crate::anchors::HOURS;

const PERCENT_BASE: (f64, f64) = (0.01, 400.0);
const CORRELATION: (f64, f64) = (-0.999, 0.999);
const HOUR: (f64, f64) = (0.0, 24.0);
const DAY_FACTOR: (f64, f64) = (0.05, 5.0);

/// A cell of a matrix that may yet be repaired; without `repair` it is held to -1 to 1.
const CELL: Kind = Kind::Number(-10.0, 10.0);
const ROW: Kind = Kind::List(&CELL, 4, 4);

/// The keys of a profile. Each has a default, that of a generic server.
pub(crate) const PROFILE: &[Key] = &[
    key("name", "name of the archetype; ids of its servers begin with it", Kind::Id),
    key("description", "what such a server does, in a sentence", Kind::Text),
    key("base", "expected daily P95 on an ordinary weekday at the start date", Kind::Table(BASE)),
    key(
        "std_percent_of_base",
        "standard deviation of what growth, week and season do not explain, in % of the expected P95",
        per_metric!(0.0, 200.0),
    ),
    key("growth_percent_per_year", "compound growth in % per 365.25 days", per_metric!(-90.0, 400.0)),
    key("season", "factors of the fiscal quarters", Kind::Table(SEASON)),
    key("correlation", "correlation of the noise, before saturation", Kind::Table(CORRELATIONS)),
    key("day", "the time of day, local", Kind::Table(DAY)),
    key("week", "factor of each day; Monday to Friday have the mean 1", Kind::Table(WEEK)),
];

const BASE: &[Key] = &[
    number("cpu_percent", "% of capacity", PERCENT_BASE.0, PERCENT_BASE.1),
    number("memory_percent", "% of capacity", PERCENT_BASE.0, PERCENT_BASE.1),
    number("disk_io_mb_per_s", "MB/s", 0.001, 100_000.0),
    number("network_percent", "% of capacity", PERCENT_BASE.0, PERCENT_BASE.1),
];

const SEASON: &[Key] = &[
    number("quarter_end_peak_factor", "on a quarter's last day, fading over 10 days on both sides", 0.1, 10.0),
    optional(
        "year_end_peak_factor",
        "on the fiscal year's last day; when not given, the scenario says how much higher it is than a quarter's",
        Kind::Number(0.1, 10.0),
    ),
    number("mid_quarter_trough_factor", "at a quarter's middle, fading over 15 days on both sides", 0.05, 10.0),
];

const CORRELATIONS: &[Key] = &[
    number("cpu_memory", "", CORRELATION.0, CORRELATION.1),
    number("cpu_network", "", CORRELATION.0, CORRELATION.1),
    number("memory_disk_io", "", CORRELATION.0, CORRELATION.1),
    optional("matrix", "cpu, memory, disk_io, network by the same; replaces the pairs", Kind::List(&ROW, 4, 4)),
    optional("repair", "take the nearest correlation matrix where `matrix` is none", Kind::Choice(&["nearest"])),
];

const DAY: &[Key] = &[
    number("wave_amplitude_percent", "amplitude of the cosine over the day", 0.0, 95.0),
    number("window_factor", "factor inside the peak window", 0.1, 20.0),
    number("window_start_hour", "first hour of the peak window", HOUR.0, HOUR.1),
    number(
        "window_end_hour",
        "hour at which the peak window ends; before its start, it wraps midnight",
        HOUR.0,
        HOUR.1,
    ),
    optional("centre_hour", "top of the cosine; the middle of the window when not given", Kind::Number(HOUR.0, HOUR.1)),
    optional(
        "anchors",
        "factor at each full hour from midnight on, in place of wave and window; a smooth curve leads through them",
        Kind::List(&Kind::Number(0.01, 100.0), HOURS, HOURS),
    ),
];

const WEEK: &[Key] = &[
    number("monday_factor", "", DAY_FACTOR.0, DAY_FACTOR.1),
    number("tuesday_factor", "", DAY_FACTOR.0, DAY_FACTOR.1),
    number("wednesday_factor", "", DAY_FACTOR.0, DAY_FACTOR.1),
    number("thursday_factor", "", DAY_FACTOR.0, DAY_FACTOR.1),
    number("friday_factor", "", DAY_FACTOR.0, DAY_FACTOR.1),
    number("saturday_factor", "", DAY_FACTOR.0, DAY_FACTOR.1),
    number("sunday_factor", "holidays count as Sundays", DAY_FACTOR.0, DAY_FACTOR.1),
];
