//! `fleetcast consolidate`.

use super::{answer, assess};
use crate::args::{ConsolidateArgs, Global};
use crate::text::{Align, aligned};
use fleetcast::Context;
use fleetcast::consolidate::{Consolidated, SharedMachine, consolidate_lake};
use serde_json::json;

/// The most machines that are told one by one.
const MOST_LINES: usize = 20;

pub fn consolidate(args: &ConsolidateArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let config = assess::plan_config(args.config.as_deref(), None, &args.plan)?;
    let found = consolidate_lake(&assess::open(&args.lake)?, &config, context)?;
    answer(global, &text(&found), &json(&found))
}

fn text(found: &Consolidated) -> String {
    let servers: usize = found.machines.iter().map(|machine| machine.servers.len()).sum();
    let saving: f64 = found.machines.iter().map(SharedMachine::saving_usd_per_month).sum();
    if found.machines.is_empty() {
        let n = found.n_weighed;
        return format!("of {n} servers that could be weighed none would save anything by sharing a machine\n");
    }
    let mut text = format!(
        "{servers} of {} servers could share {} machines, which saves {saving:.0} USD a month beyond the right size of each\n",
        found.n_weighed,
        found.machines.len()
    );
    let right = Align::Right;
    let head = [
        ("machine", Align::Left),
        ("place", Align::Left),
        ("alone, USD", right),
        ("together", right),
        ("saving", right),
        ("servers", Align::Left),
    ];
    let row = |machine: &SharedMachine| {
        vec![
            machine.instance_type.clone(),
            machine.place.clone(),
            format!("{:.0}", machine.alone_usd_per_month),
            format!("{:.0}", machine.together_usd_per_month),
            format!("{:.0}", machine.saving_usd_per_month()),
            machine.servers.join(" "),
        ]
    };
    text.push('\n');
    text.push_str(&aligned(&head, found.machines.iter().take(MOST_LINES).map(row).collect()));
    if found.machines.len() > MOST_LINES {
        text.push_str(&format!("... and {} more\n", found.machines.len() - MOST_LINES));
    }
    text.push_str(&format!(
        "as if all were high on the same days: each day's 99 % loads add up to less than {} % of the machine\n",
        found.threshold
    ));
    text
}

fn json(found: &Consolidated) -> serde_json::Value {
    let machine = |machine: &SharedMachine| {
        json!({
            "instance_type": machine.instance_type, "place": machine.place, "servers": machine.servers,
            "alone_usd_per_month": machine.alone_usd_per_month,
            "together_usd_per_month": machine.together_usd_per_month,
        })
    };
    json!({
        "servers_weighed": found.n_weighed,
        "threshold": found.threshold,
        "machines": found.machines.iter().map(machine).collect::<Vec<_>>(),
    })
}
