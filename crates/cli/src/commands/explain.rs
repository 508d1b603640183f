//! `fleetcast explain`.

use super::{answer, assess};
use crate::args::{ExplainArgs, Global};
use crate::text::{Align, aligned};
use fleetcast::Context;
use fleetcast::explain::{Explained, WeighedSize, explain_server};
use serde_json::json;

/// The first days that prove a kind of risk.
const MOST_DAYS: usize = 4;

pub fn explain(args: &ExplainArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let config = assess::plan_config(args.config.as_deref(), args.horizon, &args.plan)?;
    let found = explain_server(&assess::open(&args.lake)?, &args.server, &config, context)?;
    answer(global, &text(&found, args.all), &json(&found))
}

fn text(found: &Explained, all: bool) -> String {
    let mut text = format!("{}\n\n{}\n", headline(found), indented(&risks(found)));
    for (subject, why) in reasons(found) {
        text.push_str(&format!("  {subject}\n"));
        why.split("; ").for_each(|phrase| text.push_str(&format!("    {phrase}\n")));
    }
    if found.sizes.is_empty() {
        return text;
    }
    let shown: Vec<&WeighedSize> = found.sizes.iter().filter(|size| all || is_worth_a_line(size, found)).collect();
    text.push_str(&format!("\n  what was weighed, {} days\n{}", found.horizon_days, indented(&sizes(&shown))));
    let hidden = found.sizes.len() - shown.len();
    if hidden > 0 {
        text.push_str(&format!(
            "  {hidden} more are too full on most days, have no fewer bad days than one that costs as little, or may not be chosen: --all says which\n"
        ));
    }
    text
}

/// Whether a size is the present one, the chosen one, or one that buys fewer bad days.
fn is_worth_a_line(size: &WeighedSize, found: &Explained) -> bool {
    // Too full on nearly every day is no choice.
    let is_choice = size.is_on_frontier && size.expected_bad_days < 0.9 * found.horizon_days as f64;
    is_choice || size.is_present || size.is_chosen
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

/// What the server is.
fn headline(found: &Explained) -> String {
    let (server, shape) = (&found.server, &found.server.shape);
    let amount = |value: Option<f64>, unit: &str| value.map(|value| format!("{value} {unit}"));
    let parts = [
        server.archetype.clone(),
        server.service.clone(),
        server.region.clone(),
        server.pool.as_ref().map(|pool| format!("pool {pool}")),
        shape.instance_type.clone(),
        amount(shape.vcpu, "processors"),
        amount(shape.memory_gib, "GiB"),
    ];
    let known: Vec<String> = parts.into_iter().flatten().collect();
    if known.is_empty() {
        server.server_id().to_owned()
    } else {
        format!("{}: {}", server.server_id(), known.join(", "))
    }
}

fn risks(found: &Explained) -> String {
    let (left, right) = (Align::Left, Align::Right);
    let head = [
        ("metric", left),
        ("reaches", right),
        ("state", left),
        ("P 30 d", right),
        ("60 d", right),
        ("90 d", right),
        ("180 d", right),
        ("10 % date", left),
        ("50 %", left),
        ("90 %", left),
        ("order by", left),
        ("kind", left),
    ];
    let date = |date: Option<jiff::civil::Date>| date.map_or_else(|| "-".to_owned(), |date| date.to_string());
    let rows = found.outlook.risks.iter().map(|risk| {
        let times = if risk.min_days > 1 { format!(" on {} days", risk.min_days) } else { String::new() };
        let mut row =
            vec![risk.metric.name().to_owned(), format!("{} %{times}", risk.threshold), risk.state.name().to_owned()];
        row.extend(risk.p_crossed.map(chance));
        row.extend([risk.dates.q10, risk.dates.q50, risk.dates.q90].map(date));
        row.push(if risk.lead.order_by == Some(risk.cutoff) { "now".to_owned() } else { date(risk.lead.order_by) });
        row.push(risk.class.name().to_owned());
        row
    });
    aligned(&head, rows.collect())
}

fn chance(p: Option<f64>) -> String {
    match p {
        None => "-".to_owned(),
        Some(p) if p > 0.0 && p < 0.005 => "<1 %".to_owned(),
        Some(p) if (0.995..1.0).contains(&p) => ">99 %".to_owned(),
        Some(p) => format!("{:.0} %", 100.0 * p),
    }
}

/// What is said, and why.
fn reasons(found: &Explained) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for risk in found.outlook.risks.iter().filter(|risk| risk.min_days == 1) {
        let days = risk.evidence.iter().take(MOST_DAYS).map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let days = if days.is_empty() { days } else { format!("; such as {days}") };
        let hours = risk.hours.as_ref().map(|hours| format!("; at {hours}")).unwrap_or_default();
        let subject = format!("{} {} %: {}", risk.metric.name(), risk.threshold, risk.class.name());
        said.push((subject, format!("{}{days}{hours}", risk.reason)));
    }
    if let Some(short) = &found.outlook.bottleneck {
        let together = short.together.map(|share| format!("; {:.0} % of their high days are the same", 100.0 * share));
        let first = format!("{} comes first with {:.0} %", short.metrics[0], 100.0 * short.p_first);
        said.push((format!("short of {}", short.metrics.join(", ")), first + &together.unwrap_or_default()));
    }
    let group = &found.outlook.group;
    said.push((format!("group: {}", group.group_name), group.reason.clone()));
    let advice = &found.outlook.recommendation;
    let sized = |name: &Option<String>| name.clone().unwrap_or_else(|| "its size".to_owned());
    let saving =
        advice.saving_usd_per_month.filter(|usd| *usd != 0.0).map(|usd| format!(", saves {usd:.0} USD a month"));
    let action = match advice.action.name() {
        "keep" => format!("size: keep {}", sized(&advice.from_type)),
        "retire" => format!("size: switch off {}{}", sized(&advice.from_type), saving.unwrap_or_default()),
        "unknown" => "size: not known".to_owned(),
        _ => format!(
            "size: {} in place of {}{}",
            sized(&advice.to_type),
            sized(&advice.from_type),
            saving.unwrap_or_default()
        ),
    };
    said.push((action, advice.reason.clone()));
    said
}

fn sizes(shown: &[&WeighedSize]) -> String {
    let (left, right) = (Align::Left, Align::Right);
    let head = [
        ("size", left),
        ("processors", right),
        ("GiB", right),
        ("USD a month", right),
        ("bad days", right),
        ("P(bad day)", right),
        ("days without memory", right),
        ("USD, all priced", right),
        ("", left),
    ];
    let amount = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let row = |size: &&WeighedSize| {
        let mut remarks: Vec<&str> = Vec::new();
        remarks.extend(size.is_chosen.then_some("chosen"));
        remarks.extend(size.is_present.then_some("as it is"));
        remarks.extend(size.excuse.as_deref());
        vec![
            size.instance_type.clone().unwrap_or_else(|| "as it is".to_owned()),
            size.vcpu.to_string(),
            size.memory_gib.to_string(),
            amount(size.usd_per_month),
            format!("{:.2}", size.expected_bad_days),
            chance(Some(size.p_violation)),
            format!("{:.2}", size.overload_days),
            amount(size.cost_usd_per_month),
            remarks.join(", "),
        ]
    };
    aligned(&head, shown.iter().map(row).collect())
}

fn json(found: &Explained) -> serde_json::Value {
    let outlook = &found.outlook;
    let risks = outlook.risks.iter().map(|risk| {
        json!({
            "metric": risk.metric.name(), "threshold": risk.threshold, "min_days": risk.min_days,
            "state": risk.state.name(), "class": risk.class.name(), "hours": risk.hours, "reason": risk.reason,
            "p_30": risk.p_crossed[0], "p_60": risk.p_crossed[1], "p_90": risk.p_crossed[2], "p_180": risk.p_crossed[3],
            "date_q10": risk.dates.q10, "date_q50": risk.dates.q50, "date_q90": risk.dates.q90,
            "lead_time_days": risk.lead.days, "p_late": risk.lead.p_late, "order_by": risk.lead.order_by,
            "evidence": risk.evidence,
        })
    });
    let size = |size: &WeighedSize| {
        json!({
            "instance_type": size.instance_type, "is_present": size.is_present, "is_chosen": size.is_chosen,
            "is_on_frontier": size.is_on_frontier, "vcpu": size.vcpu, "memory_gib": size.memory_gib,
            "usd_per_month": size.usd_per_month, "cost_usd_per_month": size.cost_usd_per_month,
            "expected_bad_days": size.expected_bad_days, "p_violation": size.p_violation,
            "overload_days": size.overload_days, "excuse": size.excuse,
        })
    };
    let advice = &outlook.recommendation;
    json!({
        "server_id": found.server.server_id(),
        "horizon_days": found.horizon_days,
        "risks": risks.collect::<Vec<_>>(),
        "group": { "name": outlook.group.group_name, "underused": outlook.group.underused, "reason": outlook.group.reason },
        "recommendation": {
            "action": advice.action.name(), "from_type": advice.from_type, "to_type": advice.to_type,
            "saving_usd_per_month": advice.saving_usd_per_month, "p_violation": advice.p_violation,
            "expected_bad_days": advice.expected_bad_days, "lambda_usd_per_day": advice.lambda_usd_per_day,
            "binding": advice.binding, "reason": advice.reason, "price_book_date": advice.price_book_date,
        },
        "sizes": found.sizes.iter().map(size).collect::<Vec<_>>(),
    })
}
