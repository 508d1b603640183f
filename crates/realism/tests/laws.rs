//! Laws of the scorecard: real against itself is about the null, and damage of every kind and grade is seen.

use fleetcast_core::{History, Metric, Panel, SeriesId, Step, Timeline};
use fleetcast_numeric::{Stream, math};
use fleetcast_realism::{Outcome, Scorecard, Settings, Verdict, scorecard};
use jiff::civil::date;
use std::sync::Arc;

const HOURS: usize = 24 * 28;
const SERVERS: u64 = 24;

/// Load with a day, weekends, memory, spikes, a level of its own, and a part that all servers share.
fn series(seed: u64, server: u64, metric: u64) -> Vec<f64> {
    let own = Stream::new(seed, &["server"]).child_number(server).child_number(metric);
    let pair = Stream::new(seed, &["server"]).child_number(server).child("both metrics");
    let shared = Stream::new(seed, &["shared"]);
    let level = math::exp(2.0 + 0.5 * pair.normal(0));
    let (mut state, mut common) = (0.0, 0.0);
    (0..HOURS)
        .map(|at| {
            let fresh = 0.8 * pair.normal(1 + at as u64) + 0.6 * own.normal(1 + at as u64);
            state = 0.8 * state + 0.6 * fresh;
            common = 0.9 * common + 0.44 * shared.normal(at as u64);
            let day = 0.3 * math::cos(std::f64::consts::TAU * (at % 24) as f64 / 24.0);
            let week = if at / 24 % 7 > 4 { -0.4 } else { 0.0 };
            let spike = if own.uniform(100_000 + at as u64) < 0.01 { 0.8 } else { 0.0 };
            (level * math::exp(day + week + 0.3 * state + 0.15 * common + spike)).min(100.0)
        })
        .collect()
}

fn panel(servers: impl Iterator<Item = (u64, [Vec<f64>; 2])>) -> Panel {
    let timeline = Timeline::new(date(2024, 1, 1).at(0, 0, 0, 0), Step::HOUR);
    let histories = servers.flat_map(|(server, metrics)| {
        metrics.into_iter().zip(["cpu", "memory"]).map(move |(values, name)| {
            let id = SeriesId::new(&format!("s-{server:03}"), name);
            History::new(id, Arc::new(Metric::named(name)), timeline, values).expect("the values are finite")
        })
    });
    Panel::new(Vec::new(), histories.collect()).expect("every server has its own name")
}

fn fleet(seed: u64, damage: impl Fn(u64, Vec<f64>) -> Vec<f64>) -> Panel {
    let server = |s: u64| (s, [0, 1].map(|metric| damage(2 * s + metric, series(seed, s, metric))));
    panel((0..SERVERS).map(server))
}

fn card(real: &Panel, synthetic: &Panel) -> Scorecard {
    let settings = Settings { draws: 40, permutations: 19, trees: 20, ..Settings::default() };
    scorecard(real, synthetic, &settings).expect("both have the same metrics")
}

/// How far off a score is: a distance as it is, a ratio by how far it is from its null.
fn off(card: &Scorecard, score: &str, metric: &str) -> f64 {
    let line = card.lines.iter().find(|line| line.score == score && line.metric == metric);
    let shown = line.and_then(|line| line.shown()).expect("hours of four weeks show every score");
    if shown.is_distance { shown.value } else { (shown.value - shown.null).abs() }
}

/// A share of the values in another order.
fn shuffle(share: f64) -> impl Fn(u64, Vec<f64>) -> Vec<f64> {
    move |series, mut values| {
        let stream = Stream::new(series, &["shuffle"]);
        for at in 0..values.len() {
            if stream.uniform(at as u64) < share {
                let other = stream.child("other").below(at as u64, values.len() as u64) as usize;
                values.swap(at, other);
            }
        }
        values
    }
}

/// Running means over some hours.
fn smooth(hours: usize) -> impl Fn(u64, Vec<f64>) -> Vec<f64> {
    move |_, values| {
        let mean = |at: usize| {
            let part = &values[at.saturating_sub(hours / 2)..(at + hours / 2 + 1).min(values.len())];
            part.iter().sum::<f64>() / part.len() as f64
        };
        (0..values.len()).map(mean).collect()
    }
}

/// White noise of some standard deviations on top.
fn noise(times: f64) -> impl Fn(u64, Vec<f64>) -> Vec<f64> {
    move |series, values| {
        let stream = Stream::new(series, &["added noise"]);
        let std = math::standard_deviation(&values).expect("a series varies");
        values.iter().enumerate().map(|(at, v)| (v + times * std * stream.normal(at as u64)).max(0.0)).collect()
    }
}

#[test]
fn a_second_fleet_of_the_same_law_is_as_real() {
    let real = fleet(1, |_, values| values);
    let card = card(&real, &fleet(2, |_, values| values));
    let shown: Vec<_> = card.lines.iter().filter_map(|line| Some((line, line.shown()?))).collect();
    assert!(shown.len() >= 30, "{} scores", shown.len());
    let far: Vec<_> = shown.iter().filter(|(_, s)| s.verdict() == Verdict::Far).map(|(line, _)| line).collect();
    assert!(far.is_empty(), "{far:#?}");
    let as_real = shown.iter().filter(|(_, s)| s.verdict() == Verdict::AsReal).count();
    assert!(as_real * 10 >= shown.len() * 8, "{as_real} of {}: {:#?}", shown.len(), card.lines);
    assert!(card.notes.iter().any(|note| note == "cpu: 0 of 24 synthetic series are copies of a real one"));
}

#[test]
fn a_fleet_against_itself_is_no_farther_than_the_null_and_is_called_a_copy() {
    let real = fleet(1, |_, values| values);
    let card = card(&real, &real);
    // The classifier is wrong on purpose where a copy of what it is asked stands on the other side.
    let told = ["nearest real", "classifier"];
    for line in card.lines.iter().filter(|line| !told.contains(&line.score.as_str())) {
        let shown = line.shown().expect("hours of four weeks show every score");
        assert!(!shown.is_distance || shown.value <= shown.null_high, "{line:?}");
    }
    assert!(card.notes.iter().any(|note| note == "cpu: 24 of 24 synthetic series are copies of a real one"));
    assert!(off(&card, "nearest real", "cpu") > 0.5);
}

#[test]
fn graded_damage_moves_every_score_the_right_way() {
    let real = fleet(1, |_, values| values);
    let cards = |damages: [Panel; 3]| damages.map(|damaged| card(&real, &damaged));
    let shuffled = cards([0.0, 0.3, 1.0].map(|share| fleet(2, shuffle(share))));
    let smoothed = cards([1, 6, 48].map(|hours| fleet(2, smooth(hours))));
    let noisy = cards([0.0, 1.0, 4.0].map(|times| fleet(2, noise(times))));
    for (cards, damage, scores) in [
        (
            &shuffled,
            "shuffled",
            &[
                "ACF",
                "daily strength",
                "weekly strength",
                "log spectrum",
                "burst length",
                "cross-server",
                "train synthetic, test real",
                "classifier",
                "jumps",
            ][..],
        ),
        (
            &smoothed,
            "smoothed",
            &[
                "marginal KS",
                "ACF",
                "log spectrum",
                "variation",
                "P95 / mean",
                "skewness",
                "kurtosis",
                "burst length",
                "jumps",
                "classifier",
            ],
        ),
        (
            &noisy,
            "noisy",
            &[
                "marginal W1",
                "marginal KS",
                "ACF",
                "daily strength",
                "log spectrum",
                "variation",
                "P95 / mean",
                "train synthetic, test real",
                "nearest real",
                "classifier",
            ],
        ),
    ] {
        for score in scores {
            let metric = if *score == "classifier" { "all" } else { "cpu" };
            let [none, some, much] = [0, 1, 2].map(|grade| off(&cards[grade], score, metric));
            assert!(
                none <= some * 1.15 && some <= much * 1.02 && none < 0.8 * much,
                "{damage}, {score}: {none} {some} {much}"
            );
        }
    }
    let [none, some, much] = [0, 1, 2].map(|grade| off(&shuffled[grade], "cross-metric", "cpu x memory"));
    assert!(none < some && some < much, "{none} {some} {much}");
    // Days over 80 % need load near the capacity.
    let louder = [1.0, 2.0, 4.0]
        .map(|times| card(&real, &fleet(2, |_, values| values.iter().map(|v| (v * times).min(100.0)).collect())));
    let [none, some, much] = [0, 1, 2].map(|grade| off(&louder[grade], "days over 80 %", "cpu"));
    assert!(none < some && some < much, "{none} {some} {much}");
}

#[test]
fn the_same_seed_gives_the_same_card() {
    let (real, synthetic) = (fleet(1, |_, values| values), fleet(2, |_, values| values));
    assert_eq!(card(&real, &synthetic), card(&real, &synthetic));
}

#[test]
fn what_the_data_cannot_show_is_said() {
    let real = fleet(1, |_, mut values| {
        values.truncate(40);
        values
    });
    let one_metric = |panel: &Panel| {
        let cpu = panel.histories().iter().filter(|h| h.id().metric.as_ref() == "cpu").cloned().collect();
        panel.with_histories(cpu).expect("they were a panel before")
    };
    let card = card(&one_metric(&real), &one_metric(&real));
    let why = |score: &str| {
        let line = card.lines.iter().find(|line| line.score == score).expect("every score has its line");
        match &line.outcome {
            Outcome::NotShown(why) => why.clone(),
            Outcome::Shown(shown) => panic!("{score} is shown: {shown:?}"),
        }
    };
    assert_eq!(why("weekly strength"), "shorter than two weeks");
    assert_eq!(why("daily strength"), "shorter than three days");
    assert_eq!(why("cross-metric"), "one metric is common, a pair needs two");
    let few = |panel: &Panel| panel.with_histories(panel.histories()[..6].to_vec()).expect("they were a panel before");
    let error = scorecard(&few(&real), &real, &Settings::default()).unwrap_err().to_string();
    assert!(error.starts_with("the real telemetry has 3 servers with cpu"), "{error}");
    let other = panel([(0, [vec![1.0; 50], vec![1.0; 50]])].into_iter());
    let memory = other.histories().iter().filter(|h| h.id().metric.as_ref() == "memory").cloned().collect();
    let error =
        scorecard(&one_metric(&real), &other.with_histories(memory).unwrap(), &Settings::default()).unwrap_err();
    assert!(error.to_string().contains("no metric in common"), "{error}");
}
