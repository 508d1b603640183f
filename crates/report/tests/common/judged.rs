//! Outlooks in the shape the planner gives them.

use super::load::Futures;
use fleetcast_core::{
    Action, CrossingDates, Group, Lead, Metric, PoolRisk, Recommendation, Risk, RiskClass, RiskState, Server,
    ServerOutlook,
};
use jiff::{
    ToSpan,
    civil::{Date, date},
};
use std::sync::Arc;

const GROUPS: [&str; 4] = ["steady, busy on weekdays", "growing", "idle all year", "quiet with peaks at quarter ends"];

/// What a planner would say of one server.
pub fn outlook(i: usize, server: &Server, futures: &[(Arc<Metric>, Option<Futures>)], cutoff: Date) -> ServerOutlook {
    let id = server.server_id();
    let mut risks = Vec::new();
    for (metric, futures) in futures {
        for threshold in [80.0, 90.0] {
            for min_days in [1, 3] {
                risks.push(risk(id, metric, futures.as_ref(), threshold, min_days, cutoff));
            }
        }
    }
    let cpu = futures.iter().find(|(metric, _)| metric.name() == "cpu").and_then(|(_, futures)| futures.as_ref());
    ServerOutlook {
        server_id: id.to_owned(),
        risks,
        group: group(id, cpu),
        recommendation: size(i, server, cpu),
        bottleneck: None,
    }
}

fn risk(
    id: &str,
    metric: &Arc<Metric>,
    futures: Option<&Futures>,
    threshold: f64,
    min_days: u32,
    cutoff: Date,
) -> Risk {
    let mut risk = Risk {
        server_id: id.to_owned(),
        metric: Arc::clone(metric),
        cutoff,
        threshold,
        min_days,
        p_crossed: [None; 4],
        dates: CrossingDates::default(),
        lead: Lead::default(),
        class: RiskClass::Unknown,
        evidence: Vec::new(),
        hours: None,
        state: RiskState::Unknown,
        reason: "no capacity".to_owned(),
    };
    let Some(futures) = futures else {
        if metric.capacity().is_some() {
            risk.reason = "only 9 days of telemetry, 14 are needed".to_owned();
        }
        return risk;
    };
    risk.p_crossed = [30, 60, 90, 180].map(|days| Some(futures.p_over_between(threshold, 0, days)));
    let day = |share| futures.crossed_by(threshold, share).map(|step| cutoff.saturating_add((step as i64 + 1).days()));
    risk.dates = CrossingDates { q10: day(0.1), q50: day(0.5), q90: day(0.9) };
    let lead = |days: u32| futures.p_over_between(threshold, 0, days as usize);
    let order_by =
        futures.crossed_by(threshold, 0.2).map(|step| cutoff.saturating_add((step as i64 - 37).max(0).days()));
    risk.lead = Lead { days: 37, p_late: Some(lead(37)), order_by };
    let recent = futures.p_over_between(threshold, 0, 3);
    risk.state = if recent > 0.95 { RiskState::Saturated } else { RiskState::Ok };
    (risk.class, risk.reason) = class(futures, threshold);
    risk
}

fn class(futures: &Futures, threshold: f64) -> (RiskClass, String) {
    let late = futures.p_over_between(threshold, 150, 157);
    let early = futures.p_over_between(threshold, 20, 27);
    let quarter = futures.p_over_between(threshold, 88, 96);
    if early > 0.9 && late > 0.9 {
        return (RiskClass::Always, "over on 361 of 365 expected days".to_owned());
    }
    if quarter > 0.5 && late < 0.5 * quarter {
        let reason =
            "29 of 36 days over within ten days of a quarter's end; the highest expected day is 8.1 % over the limit";
        return (RiskClass::QuarterEnd, reason.to_owned());
    }
    if late > 0.3 {
        return (RiskClass::Growth, "expected over from 2025-04-11 on (232 of 264 days) and never before".to_owned());
    }
    if futures.p_over_between(threshold, 0, 180) > 0.2 {
        return (RiskClass::Irregular, "3 days over without a pattern of the calendar".to_owned());
    }
    (RiskClass::None, "the highest expected day, 2025-03-31, is 14.2 % under the limit".to_owned())
}

fn group(id: &str, cpu: Option<&Futures>) -> Group {
    let Some(futures) = cpu else {
        return Group {
            server_id: id.to_owned(),
            group: None,
            group_name: String::new(),
            underused: false,
            reason: "only 9 days of telemetry, 28 are needed".to_owned(),
        };
    };
    let underused = futures.p_over_between(30.0, 0, 180) < 0.2;
    let number = match (underused, futures.crossed_by(70.0, 0.5)) {
        (true, _) => 2,
        (false, None) => 0,
        (false, Some(step)) if step > 60 => 1,
        (false, Some(_)) => 3,
    };
    let reason =
        if underused { "cpu 14 %, memory 22 % on average; growth 1.1 % a year; no period peak" } else { "busy" };
    Group {
        server_id: id.to_owned(),
        group: Some(number),
        group_name: GROUPS[number].to_owned(),
        underused,
        reason: reason.to_owned(),
    }
}

fn size(i: usize, server: &Server, cpu: Option<&Futures>) -> Recommendation {
    let mut size = Recommendation {
        server_id: server.server_id().to_owned(),
        action: Action::Keep,
        from_type: server.shape.instance_type.clone(),
        to_type: server.shape.instance_type.clone(),
        saving_usd_per_month: Some(0.0),
        saving_effective_usd_per_month: None,
        saving_uncommitted_usd_per_month: None,
        p_violation: Some(0.01),
        expected_bad_days: Some(0.0),
        lambda_usd_per_day: 50.0,
        binding: Some("cpu".to_owned()),
        reason: "no other type is cheaper by more than the cost of moving".to_owned(),
        price_book_date: Some(date(2026, 11, 1)),
    };
    let Some(futures) = cpu else {
        size.action = Action::Unknown;
        size.reason = "neither cpu nor memory was measured on 14 days".to_owned();
        return size;
    };
    let (low, high) = (futures.p_over_between(45.0, 0, 180), futures.p_over_between(90.0, 0, 180));
    if low < 0.3 {
        (size.action, size.to_type) = (Action::Down, Some("m6i.xlarge".to_owned()));
        size.saving_usd_per_month = Some(118.2 + 9.7 * (i % 23) as f64);
        size.p_violation = Some(low / 4.0);
        size.expected_bad_days = Some(low);
        size.reason = "cpu decides: in 95 % of futures its highest day stays under 71 % of m6i.xlarge; 0.1 bad days \
                       expected, 0.0 as it is; history 2022-01-01 to 2024-12-31; prices of 2026-11-01; cheaper but not \
                       chosen: t3.large: memory too small, c6i.large: memory too small"
            .to_owned();
    } else if high > 0.6 {
        (size.action, size.to_type) = (Action::Up, Some("m6i.4xlarge".to_owned()));
        size.saving_usd_per_month = Some(-221.0 - 3.3 * (i % 11) as f64);
        size.p_violation = Some(0.04);
        size.expected_bad_days = Some(0.3);
        size.reason =
            "cpu decides: 41.2 bad days expected as it is, 0.3 on m6i.4xlarge; prices of 2026-11-01".to_owned();
    }
    size
}

/// What a planner would say of three pools: one that runs short, one with two servers that may be over at once, one calm.
pub fn pools(cutoff: Date) -> Vec<PoolRisk> {
    let pool = |name: &str, n_servers: usize, p: [f64; 4], first: Option<i64>, p_together: [f64; 3]| PoolRisk {
        pool: name.to_owned(),
        metric: Arc::new(Metric::named("cpu")),
        cutoff,
        threshold: 90.0,
        n_servers,
        n_left_out: usize::from(n_servers > 4),
        by_size: n_servers != 2,
        p_crossed: p.map(Some),
        dates: CrossingDates {
            q10: first.map(|days| cutoff.saturating_add(days.days())),
            q50: first.map(|days| cutoff.saturating_add((2 * days).days())),
            q90: None,
        },
        peak: [81.2, 88.6, 96.4],
        p_together,
    };
    vec![
        pool("calm", 4, [0.0, 0.0, 0.0, 0.02], None, [0.3, 0.0, 0.0]),
        pool("ledger <eu>", 2, [0.0, 0.01, 0.02, 0.04], None, [0.25, 0.25, 0.25]),
        pool("payments", 6, [0.12, 0.41, 0.63, 0.82], Some(40), [0.7, 0.34, 0.05]),
    ]
}
