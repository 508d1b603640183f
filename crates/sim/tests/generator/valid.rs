//! Random profiles and scenarios that are valid, as the files that describe them.

use fleetcast_sim::{Fleet, FleetSpec, Profile, SampleStep, Scenario};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use std::fmt::Write;

/// Zones with all kinds of clocks: none changed, changes by an hour and by half an hour, odd offsets, and
/// midnights that do not exist. Not St. John's, which until 2011 put its clocks back at one minute past
/// midnight: a date of it has two pieces, and a day here is one.
pub const ZONES: [&str; 9] = [
    "UTC",
    "America/New_York",
    "Europe/London",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Pacific/Chatham",
];

pub fn any_step() -> impl Strategy<Value = SampleStep> {
    prop_oneof![Just(SampleStep::Day), Just(SampleStep::Hour), Just(SampleStep::Minutes15), Just(SampleStep::Minutes5)]
}

/// A day of the years in which the zones' laws are known.
pub fn any_date() -> impl Strategy<Value = Date> {
    (0i64..12_000).prop_map(|day| date(1995, 1, 1).saturating_add(jiff::Span::new().days(day)))
}

fn per_metric(table: &str, names: [&str; 4], values: [f64; 4]) -> String {
    let lines: String = names.iter().zip(values).map(|(name, value)| format!("{name} = {value:?}\n")).collect();
    format!("[{table}]\n{lines}")
}

const PLAIN: [&str; 4] = ["cpu", "memory", "disk_io", "network"];
const BASES: [&str; 4] = ["cpu_percent", "memory_percent", "disk_io_mb_per_s", "network_percent"];
const WEEKDAYS: [&str; 5] = ["monday", "tuesday", "wednesday", "thursday", "friday"];

prop_compose! {
    fn correlations()(
        pairs in prop::array::uniform3(-0.95f64..0.95),
        axes in prop::option::of(prop::array::uniform16(-1.0f64..1.0)),
    ) -> String {
        // Lengths and angles of four vectors: their matrix is a correlation matrix.
        let matrix = axes.and_then(|axes| {
            let vector = |m: usize| &axes[4 * m..4 * m + 4];
            let dot = |a: usize, b: usize| vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum::<f64>();
            let cell = |a: usize, b: usize| if a == b { 1.0 } else { 0.9 * dot(a.max(b), a.min(b)) / (dot(a, a) * dot(b, b)).sqrt() };
            let matrix: [[f64; 4]; 4] = std::array::from_fn(|a| std::array::from_fn(|b| cell(a, b)));
            (0..4).all(|m| dot(m, m) > 1e-3).then_some(matrix)
        });
        match matrix {
            Some(matrix) => format!("[correlation]\nmatrix = {matrix:?}\n"),
            None => format!(
                "[correlation]\ncpu_memory = {:?}\ncpu_network = {:?}\nmemory_disk_io = {:?}\n", pairs[0], pairs[1], pairs[2]
            ),
        }
    }
}

prop_compose! {
    fn days_and_weeks()(
        amplitude in 0.0f64..60.0,
        factor in 0.5f64..3.0,
        hours in (0u32..48, 1u32..48),
        centre in prop::option::of(0.0f64..24.0),
        weekdays in prop::array::uniform5(0.5f64..1.5),
        weekend in prop::array::uniform2(0.1f64..2.0),
    ) -> String {
        let mean = weekdays.iter().sum::<f64>() / 5.0;
        // A window of no length is none.
        let [start, end] = [hours.0, (hours.0 + hours.1) % 48].map(|half| f64::from(half) / 2.0);
        let mut text = format!(
            "[day]\nwave_amplitude_percent = {amplitude:?}\nwindow_factor = {factor:?}\nwindow_start_hour = {start:?}\nwindow_end_hour = {end:?}\n"
        );
        let _ = centre.map(|centre| writeln!(text, "centre_hour = {centre:?}"));
        text.push_str("[week]\n");
        for (name, factor) in WEEKDAYS.iter().zip(weekdays) {
            let _ = writeln!(text, "{name}_factor = {:?}", factor / mean);
        }
        text + &format!("saturday_factor = {:?}\nsunday_factor = {:?}\n", weekend[0], weekend[1])
    }
}

prop_compose! {
    /// The text of a valid profile. Its noise is rarely cut at 0, so that its moments can be told.
    pub fn any_profile()(
        name in prop_oneof![Just("web"), Just("application"), Just("database"), Just("batch")],
        base in prop::array::uniform4(0.5f64..90.0),
        std in prop::array::uniform4(0.0f64..20.0),
        growth in prop::array::uniform4(-30.0f64..80.0),
        season in (1.0f64..2.5, 0.3f64..1.0),
        correlation in correlations(),
        shape in days_and_weeks(),
    ) -> String {
        [
            format!("name = \"{name}\"\n"),
            per_metric("base", BASES, base),
            per_metric("std_percent_of_base", PLAIN, std),
            per_metric("growth_percent_per_year", PLAIN, growth),
            format!("[season]\nquarter_end_peak_factor = {:?}\nmid_quarter_trough_factor = {:?}\n", season.0, season.1),
            correlation,
            shape,
        ]
        .concat()
    }
}

prop_compose! {
    fn noise()(
        law in prop_oneof![Just("normal"), Just("log-normal")],
        times in prop::collection::vec((0.0f64..60.0, 0.05f64..1.0), 1..5),
        wild in (0.0f64..0.15, 1.0f64..2.5),
        shared in prop::array::uniform5(0.01f64..1.0),
    ) -> String {
        let whole: f64 = times.iter().map(|(_, share)| share).sum();
        let (times, shares): (Vec<f64>, Vec<f64>) = times.into_iter().map(|(time, share)| (time, share / whole)).unzip();
        let shared_whole: f64 = shared.iter().sum();
        let [pool, service, region, fleet, _own] = shared.map(|share| share / shared_whole);
        format!(
            "[noise]\nlaw = \"{law}\"\ntimescales_days = {times:?}\ntimescale_shares = {shares:?}\nwild_day_share = {:?}\n\
             wild_day_scale = {:?}\nshared_by_pool = {pool:?}\nshared_by_service = {service:?}\nshared_by_region = {region:?}\n\
             shared_by_fleet = {fleet:?}\n",
            wild.0, wild.1
        )
    }
}

prop_compose! {
    fn inside_the_day()(
        std in prop::array::uniform4(0.0f64..80.0), minutes in 0.0f64..400.0, bursts in 0.0f64..1.0, edge in 0.0f64..120.0,
    ) -> String {
        let std: Vec<String> = PLAIN.iter().zip(std).map(|(name, std)| format!("{name} = {std:?}")).collect();
        format!(
            "[intraday]\nstd_percent = {{ {} }}\ntimescale_minutes = {minutes:?}\nburst_share = {bursts:?}\n\
             window_edge_minutes = {edge:?}\n",
            std.join(", ")
        )
    }
}

prop_compose! {
    fn effects()(shares in (0.0f64..1.0, 0.0f64..3.0), spread in prop::array::uniform6(0.0f64..0.6), phase in 0.0f64..6.0) -> String {
        let [idle, busy, within, metric, season, noise] = spread;
        format!(
            "[effects]\nidle_share = {:?}\nidle_log_std = {idle:?}\nbusy_log_std = {busy:?}\nwithin_pool_log_std = {within:?}\n\
             metric_log_std = {metric:?}\nseason_log_std = {season:?}\nnoise_log_std = {noise:?}\nphase_std_hours = {phase:?}\n\
             growth_mean_factor = {:?}\n[level_shifts]\nper_server_per_year = {:?}\n",
            shares.0, shares.1, shares.1
        )
    }
}

prop_compose! {
    /// The text of a valid scenario; what it does not give is that of `enterprise`, events among it.
    pub fn any_scenario()(
        fiscal in 1u32..=12,
        holidays in prop::sample::subsequence(vec!["us", "uk", "target"], 0..=3),
        loadings in prop::array::uniform12(0.0f64..=1.0),
        noise in noise(),
        intraday in inside_the_day(),
        effects in effects(),
        saturation in (any::<bool>(), 50.0f64..100.0),
        zones in prop::sample::subsequence(ZONES.to_vec(), 1..4),
    ) -> String {
        let loading = |table: &str, at: usize| per_metric(table, PLAIN, std::array::from_fn(|m| loadings[at + m]));
        let law = if saturation.0 { "hard" } else { "smooth" };
        let regions: String = zones
            .iter()
            .enumerate()
            .map(|(at, zone)| format!("[[regions]]\nname = \"region-{at}\"\ntimezone = \"{zone}\"\nshare = 1.0\n"))
            .collect();
        [
            "name = \"random\"\n".to_owned(),
            format!("[calendar]\nfiscal_year_start_month = {fiscal}\nholidays = {holidays:?}\n"),
            loading("week_loading", 0),
            loading("season_loading", 4),
            loading("day_loading", 8),
            noise,
            intraday,
            effects,
            format!("[saturation]\nlaw = \"{law}\"\nknee_percent = {:?}\n", saturation.1),
            regions,
        ]
        .concat()
    }
}

/// A scenario from its text.
pub fn scenario(text: &str) -> Scenario {
    match Scenario::from_toml(text, "random.toml") {
        Ok(scenario) => scenario,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// A profile from its text.
pub fn profile(text: &str) -> Profile {
    match Profile::from_toml(text, "random.toml") {
        Ok(profile) => profile,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// A fleet in a random scenario, with a random profile in place of the built-in one of its name.
pub fn fleet(texts: &(String, String), spec: FleetSpec) -> Fleet {
    let scenario = scenario(&texts.0).with_profile(profile(&texts.1));
    Fleet::new(scenario, spec).expect("a possible fleet")
}
