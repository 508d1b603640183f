//! `fleetcast what-if`.

use super::{answer, assess};
use crate::args::{Global, WhatIfArgs};
use crate::text::{Align, aligned};
use fleetcast::Context;
use fleetcast::what_if::{ChangedRisk, Compared, Side, committed, revoke, what_if_lake};
use jiff::civil::Date;
use serde_json::json;

/// The most servers that are told one by one.
const MOST_LINES: usize = 20;

pub fn what_if(args: &WhatIfArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let config = assess::plan_config(args.config.as_deref(), args.horizon, &args.plan)?;
    let lake = assess::open(&args.lake)?;
    if let Some(name) = &args.revoke {
        revoke(&lake, name)?;
        return answer(global, &format!("revoked: {name}"), &json!({ "revoked": name }));
    }
    let Some(file) = &args.file else {
        let names: Vec<String> = committed(&lake)?.into_iter().map(|one| one.name).collect();
        let text = if names.is_empty() { "nothing is committed".to_owned() } else { names.join("\n") };
        return answer(global, &text, &json!({ "committed": names }));
    };
    let compared = what_if_lake(&lake, file, args.commit, &config, context)?;
    let mut said = text(&compared);
    if args.commit {
        said.push_str(&format!("committed: {}\n", compared.name));
    }
    answer(global, &said, &json(&compared))
}

fn text(compared: &Compared) -> String {
    let mut text =
        format!("{}: the load of {} of {} servers changes\n\n", compared.name, compared.n_touched, compared.n_servers);
    text.push_str(&totals(compared));
    let mut told: Vec<&ChangedRisk> = Vec::new();
    for one in &compared.risks {
        // The advice is one for all metrics of a server: where nothing else changes, it is told once.
        let is_new = !told.iter().any(|other| other.server_id == one.server_id);
        if one.p[0] != one.p[1] || one.date[0] != one.date[1] || is_new && one.advised[0] != one.advised[1] {
            told.push(one);
        }
    }
    if !told.is_empty() {
        let head = [
            ("server", Align::Left),
            ("metric", Align::Left),
            ("P", Align::Right),
            ("", Align::Left),
            ("median date", Align::Left),
            ("", Align::Left),
            ("advised", Align::Left),
            ("", Align::Left),
        ];
        text.push('\n');
        text.push_str(&aligned(&head, told.iter().take(MOST_LINES).map(|one| row(one)).collect()));
        if told.len() > MOST_LINES {
            text.push_str(&format!("... and {} more\n", told.len() - MOST_LINES));
        }
    }
    compared.notes.iter().for_each(|note| text.push_str(&format!("{note}\n")));
    text
}

fn totals(compared: &Compared) -> String {
    let limit = match compared.threshold {
        [before, after] if before == after => format!("{before} %"),
        [before, after] => format!("{before} % as it is, {after} % then,"),
    };
    let row = |name: String, value: fn(&Side) -> f64, digits: usize| {
        let [before, after] = [0, 1].map(|side| value(&compared.sides[side]));
        // Adding zero turns a rounded -0 into 0.
        let change = format!("{:+.digits$}", after - before + 0.0);
        vec![name, format!("{before:.digits$}"), format!("{after:.digits$}"), change]
    };
    let right = Align::Right;
    let head = [("", Align::Left), ("as it is", right), ("what if", right), ("change", right)];
    let rows = vec![
        row(
            format!("servers that reach {limit} within {} days, P >= 50 %", compared.days),
            |side| side.at_risk as f64,
            0,
        ),
        row("bad days expected on the present machines".to_owned(), |side| side.bad_days, 0),
        row("present machines, USD a month".to_owned(), |side| side.usd_per_month, 0),
        row("bad days expected on the advised sizes".to_owned(), |side| side.advised_bad_days, 0),
        row("advised sizes, USD a month".to_owned(), |side| side.advised_usd_per_month, 0),
    ];
    aligned(&head, rows)
}

fn row(one: &ChangedRisk) -> Vec<String> {
    let p = one.p.map(|p| p.map_or_else(|| "-".to_owned(), |p| format!("{:.0} %", 100.0 * p)));
    let date = one.date.map(|date| date.map_or_else(|| "later".to_owned(), |date: Date| date.to_string()));
    let [before, after] = one.advised.clone().map(|name| name.unwrap_or_else(|| "none".to_owned()));
    let arrow = |changes: bool, after: String| if changes { format!("-> {after}") } else { String::new() };
    let ([p_before, p_after], [date_before, date_after]) = (p, date);
    vec![
        one.server_id.clone(),
        one.metric.clone(),
        p_before.clone(),
        arrow(p_before != p_after, p_after),
        date_before.clone(),
        arrow(date_before != date_after, date_after),
        before.clone(),
        arrow(before != after, after),
    ]
}

fn json(compared: &Compared) -> serde_json::Value {
    let side = |side: &Side| {
        json!({
            "servers_at_risk": side.at_risk,
            "expected_bad_days": side.bad_days,
            "usd_per_month": side.usd_per_month,
            "advised_expected_bad_days": side.advised_bad_days,
            "advised_usd_per_month": side.advised_usd_per_month,
        })
    };
    let dates = |dates: [Option<Date>; 2]| dates.map(|date| date.map(|date| date.to_string()));
    let risk = |one: &ChangedRisk| {
        json!({
            "server_id": one.server_id, "metric": one.metric, "p": one.p, "date_q50": dates(one.date),
            "to_type": one.advised,
        })
    };
    json!({
        "name": compared.name,
        "servers": compared.n_servers,
        "servers_changed": compared.n_touched,
        "days": compared.days,
        "threshold": compared.threshold,
        "as_it_is": side(&compared.sides[0]),
        "what_if": side(&compared.sides[1]),
        "risks": compared.risks.iter().map(risk).collect::<Vec<_>>(),
        "notes": compared.notes,
    })
}
