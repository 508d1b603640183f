//! What the generator planted is found again in the lake, by estimates that do not know the scenario.

use fleetcast::generate::{GenerateOptions, generate_into};
use fleetcast::lake::Lake;
use fleetcast::telemetry::telemetry;
use fleetcast::{Config, Context, Seconds, Silent};
use fleetcast_core::{Calendar, History, Panel};

const CONTEXT: Context = Context { progress: &Silent, now: jiff::Timestamp::now, clock: Seconds::default };

fn panel() -> (tempfile::TempDir, Panel) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let lake = Lake::create(folder.path().join("lake")).expect("an empty folder becomes a lake");
    let options = GenerateOptions { n_servers: 200, scenario: "walkthrough".to_owned(), ..GenerateOptions::default() };
    generate_into(&lake, &options, &CONTEXT).expect("a fleet of 200");
    let panel = telemetry(&lake, &Config::default()).expect("telemetry was generated").panel;
    (folder, panel)
}

/// Series of one metric of all servers of an archetype.
fn series<'a>(panel: &'a Panel, archetype: &'a str, metric: &'a str) -> impl Iterator<Item = &'a History> {
    panel.histories().iter().filter(move |h| {
        let server = panel.server(&h.id().server_id).expect("every series has its server");
        server.archetype.as_deref() == Some(archetype) && &*h.id().metric == metric
    })
}

/// Yearly growth, from each day and the same day a year later.
fn growth(panel: &Panel, archetype: &str, metric: &str) -> f64 {
    let ratios: Vec<f64> = series(panel, archetype, metric)
        .flat_map(|h| (0..365).map(|day| (h.values()[day + 365] / h.values()[day]).ln()))
        .filter(|ratio| ratio.is_finite())
        .collect();
    (ratios.iter().sum::<f64>() / ratios.len() as f64).exp() - 1.0
}

/// Level on quarter-end days over that of the quiet days 12 to 20 days before and after.
fn quarter_end_factor(panel: &Panel, archetype: &str, metric: &str) -> f64 {
    let calendar = Calendar::us();
    let (mut peak, mut quiet) = ((0.0, 0), (0.0, 0));
    for history in series(panel, archetype, metric) {
        let ends = (30..history.len() - 30).filter(|&day| calendar.is_quarter_end(history.timeline().date(day)));
        for day in ends {
            peak = (peak.0 + history.values()[day], peak.1 + 1);
            for distance in 12..=20 {
                quiet = (quiet.0 + history.values()[day - distance] + history.values()[day + distance], quiet.1 + 2);
            }
        }
    }
    (peak.0 / f64::from(peak.1)) / (quiet.0 / f64::from(quiet.1))
}

/// Correlation of two metrics on the quiet days of the first year, from one such day to the next, which growth
/// hardly touches; later on some memory stands at its ceiling.
fn correlation(panel: &Panel, archetype: &str, first: &str, second: &str) -> f64 {
    let calendar = Calendar::us();
    let mut sums = [0.0; 3];
    for (x, y) in series(panel, archetype, first).zip(series(panel, archetype, second)) {
        for day in 1..365 {
            let is_quiet =
                |day: usize| (11..=29).contains(&calendar.days_to_nearest_quarter_end(x.timeline().date(day)));
            if is_quiet(day) && is_quiet(day - 1) {
                let change = |h: &History| h.values()[day] / h.values()[day - 1] - 1.0;
                let (a, b) = (change(x).clamp(-0.8, 0.8), change(y).clamp(-0.8, 0.8));
                sums = [sums[0] + a * b, sums[1] + a * a, sums[2] + b * b];
            }
        }
    }
    sums[0] / (sums[1] * sums[2]).sqrt()
}

#[test]
fn planted_growth_quarter_ends_and_correlations_are_recovered_from_the_lake() {
    let (_folder, panel) = panel();
    assert_eq!(panel.histories().len(), 200 * 4);
    for (archetype, metric, planted) in [
        ("web", "cpu", 0.10),
        ("web", "network", 0.14),
        ("application", "cpu", 0.14),
        ("batch", "cpu", 0.08),
        ("database", "disk_io", 0.09),
    ] {
        let got = growth(&panel, archetype, metric);
        assert!((got - planted).abs() < 0.025, "growth of {metric} of {archetype}: {got:.4}, planted {planted}");
    }
    for (archetype, metric) in [("web", "cpu"), ("application", "cpu"), ("application", "network"), ("database", "cpu")]
    {
        let got = quarter_end_factor(&panel, archetype, metric);
        assert!((got - 1.4).abs() < 0.05, "quarter-end factor of {metric} of {archetype}: {got:.3}, planted 1.4");
    }
    for (archetype, first, second, planted) in [
        ("web", "cpu", "memory", 0.85),
        ("web", "cpu", "network", 0.80),
        ("web", "memory", "disk_io", 0.35),
        ("application", "cpu", "memory", 0.78),
        ("database", "memory", "disk_io", 0.65),
    ] {
        let got = correlation(&panel, archetype, first, second);
        assert!((got - planted).abs() < 0.08, "{first} with {second} of {archetype}: {got:.3}, planted {planted}");
    }
}
