//! A profile as a file people can read and change.

use crate::Profile;
use crate::profile::{Correlation, Day, Raw, Season};
use std::fmt::Write;

impl Profile {
    /// The profile as TOML, each number with its meaning and unit; [`Profile::from_toml`] reads it back
    /// as the same profile.
    pub fn to_toml(&self) -> String {
        let Raw { name, description, base, std_percent_of_base, growth_percent_per_year, season, week, .. } = &self.raw;
        let mut text = format!("name = {}\ndescription = {}\n", quoted(name), quoted(description));
        section(
            &mut text,
            "base",
            "Expected daily P95 on an ordinary weekday at the start date: % of capacity, MB/s for disk.",
            &[
                ("cpu_percent", base.cpu_percent),
                ("memory_percent", base.memory_percent),
                ("disk_io_mb_per_s", base.disk_io_mb_per_s),
                ("network_percent", base.network_percent),
            ],
        );
        let std = std_percent_of_base;
        section(
            &mut text,
            "std_percent_of_base",
            "Standard deviation of what growth, week and season do not explain, in % of the expected P95.",
            &[("cpu", std.cpu), ("memory", std.memory), ("disk_io", std.disk_io), ("network", std.network)],
        );
        let growth = growth_percent_per_year;
        section(
            &mut text,
            "growth_percent_per_year",
            "Compound growth: 12 means 1.12 times as much after 365.25 days.",
            &[("cpu", growth.cpu), ("memory", growth.memory), ("disk_io", growth.disk_io), ("network", growth.network)],
        );
        write_season(&mut text, season);
        write_correlation(&mut text, &self.raw.correlation);
        write_day(&mut text, &self.raw.day);
        section(
            &mut text,
            "week",
            "Factor of each day; Monday to Friday have the mean 1. A holiday counts as a Sunday.",
            &[
                ("monday_factor", week.monday_factor),
                ("tuesday_factor", week.tuesday_factor),
                ("wednesday_factor", week.wednesday_factor),
                ("thursday_factor", week.thursday_factor),
                ("friday_factor", week.friday_factor),
                ("saturday_factor", week.saturday_factor),
                ("sunday_factor", week.sunday_factor),
            ],
        );
        text
    }
}

fn write_correlation(text: &mut String, correlation: &Correlation) {
    let pairs = [
        ("cpu_memory", correlation.cpu_memory),
        ("cpu_network", correlation.cpu_network),
        ("memory_disk_io", correlation.memory_disk_io),
    ];
    section(
        text,
        "correlation",
        "Correlation of the noise, before saturation. The other pairs follow along the chain\n\
         # network - cpu - memory - disk_io; `matrix` (4 x 4, cpu, memory, disk_io, network) replaces all.",
        // Beside a matrix the pairs would only repeat it.
        if correlation.matrix.is_some() { &[] } else { &pairs },
    );
    if let Some(matrix) = &correlation.matrix {
        let rows: Vec<String> = matrix.iter().map(|row| format!("{row:?}")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "matrix = [{}]", rows.join(", "));
    }
    if let Some(repair) = &correlation.repair {
        let _ = writeln!(text, "repair = {}", quoted(repair));
    }
}

fn write_season(text: &mut String, season: &Season) {
    let year_end = season.year_end_peak_factor.map(|factor| ("year_end_peak_factor", factor));
    let mut values = vec![("quarter_end_peak_factor", season.quarter_end_peak_factor)];
    values.extend(year_end);
    values.push(("mid_quarter_trough_factor", season.mid_quarter_trough_factor));
    let meaning = "Factor on a quarter's last day, fading over 10 days on both sides; factor at its middle, over 15.";
    section(text, "season", meaning, &values);
}

fn write_day(text: &mut String, day: &Day) {
    if let Some(anchors) = &day.anchors {
        let meaning = "The time of day, local: the factor at each full hour from midnight on; a smooth curve leads through\n\
             # them. Only their proportions matter.";
        section(text, "day", meaning, &[]);
        let _ = writeln!(text, "anchors = {anchors:?}");
        return;
    }
    section(
        text,
        "day",
        "The time of day, local: a cosine of this amplitude with its top in the middle of the window (or at\n\
         # `centre_hour`), times the factor from the window's start up to its end. A window may wrap midnight.",
        &[
            ("wave_amplitude_percent", day.wave_amplitude_percent),
            ("window_factor", day.window_factor),
            ("window_start_hour", day.window_start_hour),
            ("window_end_hour", day.window_end_hour),
        ],
    );
    if let Some(hour) = day.centre_hour {
        let _ = writeln!(text, "centre_hour = {hour:?}");
    }
}

fn section(text: &mut String, name: &str, meaning: &str, values: &[(&str, f64)]) {
    let _ = writeln!(text, "\n# {meaning}\n[{name}]");
    for (key, value) in values {
        // The shortest digits that read back as the same number.
        let _ = writeln!(text, "{key} = {value:?}");
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
