//! What was learned, as files people can read and change.

use super::residual::{TIMESCALES, WILD_SHARE, variation_of};
use super::{FitOptions, GROWTH_DAYS, Learned, NOISE_DAYS, SEASON_DAYS, WEEK_DAYS};
use crate::METRICS;
use fleetcast_numeric::math;
use std::fmt::Write;

const BASE_KEYS: [&str; 4] = ["cpu_percent", "memory_percent", "disk_io_mb_per_s", "network_percent"];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

type Refused = Vec<(String, String)>;

/// The shortest of six significant digits.
fn number(value: f64) -> String {
    let digits = format!("{value:.5e}");
    let rounded: f64 = digits.parse().unwrap_or(value);
    format!("{rounded:?}")
}

/// The keys of a profile that were learned; those that were not are added to `refused`.
pub(super) fn profile(learned: &Learned<'_>, options: &FitOptions, refused: &mut Refused) -> String {
    let mut text = format!("name = {}\n", toml::Value::String(options.name.clone()));
    let described = format!("Fitted to {} servers over {} days.", learned.n_servers(), learned.n_days);
    let _ = writeln!(text, "description = {}", toml::Value::String(described));
    let present = |m: usize| learned.common[m].as_ref();
    let missing = |m: usize| format!("the telemetry has no {} with load", METRICS[m]);
    let _ = writeln!(text, "[base]");
    for (m, key) in BASE_KEYS.iter().enumerate() {
        match present(m) {
            Some(common) => {
                let sigma = log_std(learned.residual.variation[m].unwrap_or(0.0));
                // `base` is the mean; the mean of the logarithms lies half a variance below its logarithm.
                let base = math::exp(common.level + 0.5 * sigma * sigma).clamp(0.01, 400.0);
                let _ = writeln!(text, "{key} = {}", number(base));
            }
            None => refused.push((format!("base.{key}"), missing(m))),
        }
    }
    let _ = writeln!(text, "[std_percent_of_base]");
    for (m, name) in METRICS.iter().enumerate() {
        let key = format!("std_percent_of_base.{name}");
        match (learned.residual.variation[m], present(m)) {
            (Some(variation), _) => {
                let _ = writeln!(text, "{name} = {}", number((100.0 * variation).min(200.0)));
            }
            (None, Some(_)) => refused.push((key, format!("fewer than {NOISE_DAYS} days"))),
            (None, None) => refused.push((key, missing(m))),
        }
    }
    let _ = writeln!(text, "[growth_percent_per_year]");
    for (m, name) in METRICS.iter().enumerate() {
        let key = format!("growth_percent_per_year.{name}");
        match present(m).map(|common| common.growth) {
            Some(Some(growth)) => {
                let rate = (100.0 * (math::exp(growth) - 1.0)).clamp(-90.0, 400.0);
                let _ = writeln!(text, "{name} = {}", number(rate));
            }
            Some(None) => {
                let why = "below a year growth cannot be told from a season";
                refused.push((key, format!("{} days, {GROWTH_DAYS} are needed: {why}", learned.n_days)));
            }
            None => refused.push((key, missing(m))),
        }
    }
    common_shapes(learned, refused, &mut text);
    pairs(learned, refused, &mut text);
    text
}

/// Season, week and day: those of the metric that leads.
fn common_shapes(learned: &Learned<'_>, refused: &mut Refused, text: &mut String) {
    let Some(leader) = learned.leader() else { return };
    let Some(common) = learned.common[leader].as_ref() else { return };
    match common.season {
        Some((peak, trough)) => {
            let _ = writeln!(
                text,
                "[season]\nquarter_end_peak_factor = {}\nmid_quarter_trough_factor = {}",
                number(peak),
                number(trough)
            );
        }
        None => {
            let why = format!("{} days, {SEASON_DAYS} are needed to see two quarter ends", learned.n_days);
            refused.push(("season.quarter_end_peak_factor".to_owned(), why.clone()));
            refused.push(("season.mid_quarter_trough_factor".to_owned(), why));
        }
    }
    match common.week {
        Some(week) => {
            let factors = week.map(|log| math::exp(log).clamp(0.06, 4.9));
            let mean = factors[..5].iter().sum::<f64>() / 5.0;
            let _ = writeln!(text, "[week]");
            for (day, factor) in WEEKDAYS.iter().zip(factors) {
                // Full digits: the weekdays' mean must be 1.
                let _ = writeln!(text, "{day}_factor = {:?}", factor / mean);
            }
        }
        None => {
            refused.push(("week.monday_factor".to_owned(), format!("{} days, {WEEK_DAYS} are needed", learned.n_days)))
        }
    }
    match learned.inside.day(leader) {
        Some(day) => {
            let _ = writeln!(text, "[day]\nwave_amplitude_percent = {}", number(day.wave_amplitude_percent));
            let _ = writeln!(text, "window_factor = {}", number(day.window_factor));
            let _ = writeln!(
                text,
                "window_start_hour = {:?}\nwindow_end_hour = {:?}",
                day.window_start_hour, day.window_end_hour
            );
        }
        None => {
            let why = learned
                .inside
                .reason
                .clone()
                .unwrap_or_else(|| format!("{} was not seen inside its days", METRICS[leader]));
            refused.push(("day.wave_amplitude_percent".to_owned(), why));
        }
    }
}

/// Correlations of the pairs a profile names.
fn pairs(learned: &Learned<'_>, refused: &mut Refused, text: &mut String) {
    let _ = writeln!(text, "[correlation]");
    for (key, a, b) in [("cpu_memory", 0, 1), ("cpu_network", 0, 3), ("memory_disk_io", 1, 2)] {
        match learned.residual.correlation(a, b) {
            Some(rho) => {
                let _ = writeln!(text, "{key} = {}", number(rho));
            }
            None => {
                let why = format!("no server has 20 days of both {} and {}", METRICS[a], METRICS[b]);
                refused.push((format!("correlation.{key}"), why));
            }
        }
    }
}

fn log_std(variation: f64) -> f64 {
    math::sqrt(math::ln(1.0 + variation * variation))
}

/// A table of one number per metric; what was not learned is left to `enterprise`.
fn per_metric(text: &mut String, name: &str, values: [Option<f64>; 4]) {
    if values.iter().all(Option::is_none) {
        return;
    }
    let _ = writeln!(text, "\n[{name}]");
    for (metric, value) in METRICS.iter().zip(values) {
        if let Some(value) = value {
            let _ = writeln!(text, "{metric} = {}", number(value.clamp(0.0, 1.0)));
        }
    }
}

/// What a scenario says of such servers, beside the profile; the rest is that of `enterprise`.
pub(super) fn scenario(learned: &Learned<'_>, options: &FitOptions, refused: &mut Refused) -> String {
    let mut text = format!(
        "# Fitted to {} servers over {} days; what is not here is as in `enterprise`. Use it with the profile:\n\
         # fleetcast generate --scenario THIS --profile THAT\nname = {}\n",
        learned.n_servers(),
        learned.n_days,
        toml::Value::String(format!("{}-fleet", options.name)),
    );
    let leader = learned.leader().unwrap_or(0);
    let loading = |of: &dyn Fn(&super::Common) -> Option<f64>| -> [Option<f64>; 4] {
        std::array::from_fn(|m| match &learned.common[m] {
            Some(_) if m == leader => Some(1.0),
            Some(common) => of(common),
            None => None,
        })
    };
    per_metric(&mut text, "week_loading", loading(&|common| common.loadings.0));
    // Without a season seen there is none: a default would put quarter ends into every trace.
    let season = loading(&|common| common.loadings.1);
    let has_season = learned.common[leader].as_ref().is_some_and(|common| common.season.is_some());
    per_metric(&mut text, "season_loading", if has_season { season } else { [Some(0.0); 4] });
    per_metric(&mut text, "day_loading", std::array::from_fn(|m| learned.inside.loading(m, leader)));
    noise(learned, refused, &mut text);
    inside(learned, refused, &mut text);
    effects(learned, &mut text);
    text
}

fn noise(learned: &Learned<'_>, refused: &mut Refused, text: &mut String) {
    let residual = learned.residual;
    let _ = writeln!(text, "\n[noise]");
    match residual.shares {
        Some(shares) => {
            let list = |values: &[f64]| values.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "timescales_days = [{}]\ntimescale_shares = [{}]", list(&TIMESCALES), list(&shares));
        }
        None => {
            let why = format!("{} days, {} are needed to see a memory of days", learned.n_days, 4 * NOISE_DAYS);
            refused.push(("noise.timescale_shares (scenario)".to_owned(), why));
        }
    }
    if let Some(scale) = residual.wild_scale {
        let _ = writeln!(text, "wild_day_share = {WILD_SHARE:?}\nwild_day_scale = {}", number(scale));
    }
    if let Some(shared) = residual.shared {
        let _ =
            writeln!(text, "# The telemetry does not name pools, services and regions: what servers share, all share.");
        let _ = writeln!(text, "shared_by_pool = 0.0\nshared_by_service = 0.0\nshared_by_region = 0.0");
        let _ = writeln!(text, "shared_by_fleet = {}", number(shared));
    }
}

fn inside(learned: &Learned<'_>, refused: &mut Refused, text: &mut String) {
    let leader = learned.leader().unwrap_or(0);
    let Some(noise) = learned.inside.noise[leader] else {
        let why = learned.inside.reason.clone().unwrap_or_else(|| "no metric was seen inside its days".to_owned());
        refused.push(("intraday (scenario)".to_owned(), why));
        return;
    };
    let _ = writeln!(text, "\n[intraday]");
    for (noise, name) in learned.inside.noise.iter().zip(METRICS) {
        if let Some(noise) = noise {
            let _ = writeln!(text, "std_percent.{name} = {}", number((100.0 * variation_of(noise.log_std)).min(300.0)));
        }
    }
    let _ = writeln!(text, "timescale_minutes = {}", number(noise.timescale_minutes));
    let _ = writeln!(text, "burst_share = {}", number(noise.burst_share.clamp(0.0, 1.0)));
    let _ = writeln!(text, "# Samples far over their day's course; jobs of the clock are among them.");
    let _ = writeln!(text, "spikes_per_day = {}", number(noise.spikes_per_day.min(50.0)));
    let _ = writeln!(text, "spike_log_mean = {}\nhourly_job_share = 0.0", number(noise.spike_log_mean.clamp(0.0, 3.0)));
}

/// How servers differ: by their level, and by their noise.
fn effects(learned: &Learned<'_>, text: &mut String) {
    let leader = learned.leader().unwrap_or(0);
    let level_std = |m: usize| learned.common[m].as_ref().map(|common| common.level_std);
    let lead = level_std(leader).unwrap_or(0.0);
    let _ = writeln!(text, "\n[effects]\n# One class of servers; the profile's base is its median.\nidle_share = 0.0");
    let _ = writeln!(text, "busy_median_factor = 1.0\nbusy_log_std = 0.0\nmetric_log_std = 0.0");
    let _ = writeln!(text, "within_pool_log_std = {}", number(lead.min(3.0)));
    for (m, name) in METRICS.iter().enumerate() {
        let loading = level_std(m).map_or(1.0, |std| if lead > 1e-9 { (std / lead).clamp(0.0, 1.0) } else { 1.0 });
        let _ = writeln!(text, "loading.{name} = {}\nmedian_factor.{name} = 1.0", number(loading));
    }
    let _ = writeln!(text, "noise_log_std = {}", number(learned.residual.variation_log_std.min(3.0)));
    if let Some(noise) = learned.inside.noise[leader] {
        let _ = writeln!(text, "intraday_log_std = {}", number(noise.spread.min(3.0)));
        let _ = writeln!(text, "spikes_log_std = {}", number(noise.spikes_spread.min(1.5)));
    }
    let _ = writeln!(text, "growth_mean_factor = 1.0");
}

/// The file of a profile with, above each key that keeps its default, the reason.
pub(super) fn annotated(toml: &str, refused: &[(String, String)], n_servers: usize, n_days: usize) -> String {
    let mut text = format!("# Fitted to {n_servers} servers over {n_days} days.\n");
    let mut table = String::new();
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name.to_owned();
        }
        let key = line.split(" = ").next().unwrap_or("");
        if let Some((_, why)) = refused.iter().find(|(name, _)| *name == format!("{table}.{key}")) {
            let _ = writeln!(text, "# Not fitted, the default stays: {why}.");
        }
        let _ = writeln!(text, "{line}");
    }
    text
}
