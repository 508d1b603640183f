//! Groups and underused servers, planted in a fleet and recovered.

use crate::common::{START, percent};
use fleetcast_core::{Calendar, History, Panel, Server};
use fleetcast_numeric::Stream;
use fleetcast_plan::{Limits, groups};
use jiff::ToSpan;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Daily cpu of one of four kinds of servers: idle; busy in working days; growing; with quarter-end peaks.
fn cpu(server_id: &str, kind: usize, days: usize) -> History {
    let calendar = Calendar::us();
    let noise = Stream::new(5, &["cpu", server_id]);
    let value = |day: usize| {
        let date = START + (day as i64).days();
        let quarter_end = calendar.days_to_nearest_quarter_end(date) <= 10;
        let working = date.weekday().to_monday_zero_offset() < 5;
        let level = match kind {
            0 => 6.0,
            1 => {
                if working {
                    55.0
                } else {
                    25.0
                }
            }
            2 => 30.0 * 1.25_f64.powf(day as f64 / 365.25),
            _ => {
                if quarter_end {
                    65.0
                } else {
                    35.0
                }
            }
        };
        (level * (1.0 + 0.05 * noise.normal(day as u64))).clamp(0.0, 100.0)
    };
    percent(server_id, "cpu", (0..days).map(value).collect())
}

fn fleet(days: usize) -> Panel {
    let ids: Vec<String> = (0..40).map(|at| format!("s{at:02}")).collect();
    let servers = ids.iter().map(|id| Arc::new(Server::new(id).expect("a name"))).collect();
    Panel::new(servers, ids.iter().enumerate().map(|(at, id)| cpu(id, at % 4, days)).collect())
        .expect("no server twice")
}

#[test]
fn planted_kinds_become_groups_with_names_of_their_own() {
    let panel = fleet(1095);
    let rows = groups(&panel, &Panel::default(), &Limits::default(), &Calendar::us());
    assert_eq!(rows.len(), 40);
    let mut names: BTreeMap<usize, &str> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row.group, rows[at % 4].group, "{row:?}");
        names.insert(row.group.unwrap(), &row.group_name);
    }
    assert_eq!(names.len(), 4, "{names:?}");
    for (kind, word) in [(0, "idle"), (1, "busy on working days"), (2, "growing"), (3, "quarter-end peaks")] {
        assert!(rows[kind].group_name.contains(word), "{kind}: {names:?}");
    }
    let underused: Vec<bool> = rows[..4].iter().map(|row| row.underused).collect();
    assert_eq!(underused, [true, false, false, false]);
    assert_eq!(rows[0].reason, "mean P95 cpu 6 %, growth -1 % a year; no period peak");
    assert_eq!(rows, groups(&panel, &Panel::default(), &Limits::default(), &Calendar::us()));
}

#[test]
fn the_first_reason_against_being_underused_is_given() {
    let reason = |values: Vec<f64>| {
        let history = percent("a", "cpu", values);
        let panel = Panel::new(vec![Arc::new(Server::new("a").unwrap())], vec![history]).unwrap();
        let row = groups(&panel, &Panel::default(), &Limits::default(), &Calendar::us()).remove(0);
        assert!(!row.underused, "{row:?}");
        row.reason
    };
    let calendar = Calendar::us();
    let peak = |day: i64| if calendar.is_year_end(START + day.days()) { 60.0 } else { 10.0 };
    assert_eq!(reason(vec![45.0; 1095]), "mean P95 cpu is 45 %, not under 30 %");
    assert_eq!(reason((0..1095).map(peak).collect()), "cpu peaks at year-ends, at 60 % against 10 %");
    let growing = |day: i32| 10.0 * 1.1_f64.powf(f64::from(day) / 365.25);
    assert_eq!(reason((0..1095).map(growing).collect()), "cpu grows by 10 % a year, not under 5 %");
    let short = reason(vec![5.0; 28]);
    assert!(short.starts_with("mean P95 cpu is only 5 %, but its peaks are not known: needs one year-end"), "{short}");
    let year = reason(vec![5.0; 400]);
    assert!(year.contains("its growth is not known: a year and eight weeks of history are needed"), "{year}");
}

#[test]
fn means_are_used_where_they_are_known() {
    let server = || vec![Arc::new(Server::new("a").unwrap())];
    let p95 = Panel::new(server(), vec![percent("a", "cpu", vec![38.0; 1095])]).unwrap();
    let means = Panel::new(server(), vec![percent("a", "cpu", vec![12.0; 1095])]).unwrap();
    let row = |means: &Panel| groups(&p95, means, &Limits::default(), &Calendar::us()).remove(0);
    assert!(row(&means).underused && !row(&Panel::default()).underused);
    assert_eq!(row(&means).reason, "mean cpu 12 %, growth 0 % a year; no period peak");
}

#[test]
fn servers_that_cannot_be_grouped_keep_their_rows() {
    let servers = ["empty", "gaps", "short"].map(|id| Arc::new(Server::new(id).unwrap()));
    let histories = vec![
        percent("gaps", "cpu", vec![f64::NAN; 50]),
        percent("short", "cpu", vec![5.0]),
        percent("stranger", "cpu", vec![5.0; 50]),
    ];
    let panel = Panel::new(servers.to_vec(), histories).unwrap();
    let rows = groups(&panel, &Panel::default(), &Limits::default(), &Calendar::us());
    let told: Vec<_> = rows.iter().map(|row| (row.server_id.as_str(), row.group, row.group_name.as_str())).collect();
    assert_eq!(
        told,
        [
            ("empty", None, "not grouped: no telemetry"),
            ("gaps", None, "not grouped: no telemetry"),
            ("short", None, "not grouped: only 1 day of telemetry, 14 are needed"),
            ("stranger", Some(0), "idle, the same all week, steady"),
        ]
    );
    assert!(groups(&Panel::default(), &Panel::default(), &Limits::default(), &Calendar::us()).is_empty());
}
