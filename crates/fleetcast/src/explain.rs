//! All that is said of one server, and every size that was weighed for it.

use crate::hours::add_hours;
use crate::plan::plan_server;
use crate::run::forecasts_to_plan;
use crate::telemetry::telemetry;
use crate::what_if::with_committed;
use crate::{Config, Context, Error, Result};
use fleetcast_core::{Outlook, Server, ServerOutlook, nearest};
use fleetcast_lake::Lake;
use fleetcast_plan::{Candidate, HOURS_PER_MONTH, Sizing};
use std::sync::Arc;

/// Hours of a day.
const HOURS_PER_DAY: f64 = 24.0;

/// One server, explained.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What it is.
    pub server: Arc<Server>,
    /// Its risks, group and size, as `plan` stores them.
    pub outlook: ServerOutlook,
    /// The present machine and every type of the price book, cheapest first; empty when no size could be weighed.
    pub sizes: Vec<WeighedSize>,
    /// Days planned.
    pub horizon_days: usize,
}

/// One size that was weighed.
#[derive(Clone, Debug, PartialEq)]
pub struct WeighedSize {
    /// Its type; `None` for a present machine whose type nobody named.
    pub instance_type: Option<String>,
    /// Whether the server has it now.
    pub is_present: bool,
    /// Whether it is the advised one, also for a server that is better switched off.
    pub is_chosen: bool,
    /// Whether it may be chosen and none that costs as little has fewer expected bad days.
    pub is_on_frontier: bool,
    /// Virtual processors.
    pub vcpu: f64,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// Price in USD a month; `None` when the book does not know it.
    pub usd_per_month: Option<f64>,
    /// What is minimised, in USD a month: the price, and the bad days, days without memory and the move at their prices;
    /// `None` for a size that may not be chosen.
    pub cost_usd_per_month: Option<f64>,
    /// Expected bad days within the days planned.
    pub expected_bad_days: f64,
    /// P(at least one of them).
    pub p_violation: f64,
    /// Expected days that need all of its memory.
    pub overload_days: f64,
    /// Why it was not chosen; `None` for the chosen one.
    pub excuse: Option<String>,
}

/// Says of one server what `plan` says, from the stored forecasts where there are some, with every size that was
/// weighed. Nothing is stored.
///
/// # Errors
/// [`Error::Nothing`] when the lake has no such server; otherwise as [`crate::run::plan_lake`].
pub fn explain_server(lake: &Lake, server_id: &str, config: &Config, context: &Context) -> Result<Explained> {
    let config = &with_committed(lake, config)?;
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let servers = telemetry.panel.servers();
    let Some(place) = servers.iter().position(|server| server.server_id() == server_id) else {
        let closest = nearest(server_id, servers.iter().map(|server| server.server_id()));
        return Err(Error::Nothing {
            what: format!("the lake {} has no server `{server_id}`", lake.path().display()),
            hint: format!("the closest name is `{closest}`"),
        });
    };
    let (forecasts, _) = forecasts_to_plan(lake, &telemetry, config, context)?;
    let (outlook, sizing) = plan_server(&telemetry.panel, &telemetry.means, &forecasts, config, context, place)?;
    let mut whole = Outlook { servers: vec![outlook], pools: Vec::new() };
    add_hours(lake, &telemetry.panel, &forecasts, &mut whole, config)?;
    context.progress.end();
    let outlook = whole.servers.remove(0);
    let horizon_days = forecasts.series.iter().map(|forecast| forecast.horizon()).max().unwrap_or(0);
    Ok(Explained { server: Arc::clone(&servers[place]), outlook, sizes: weighed(&sizing), horizon_days })
}

fn weighed(sizing: &Sizing) -> Vec<WeighedSize> {
    let (frontier, chosen) = (sizing.frontier(), sizing.chosen());
    // Candidates are the same when they are in the same place.
    let is = |a: &Candidate, b: &Candidate| std::ptr::eq(a, b);
    let size = |one: &Candidate| WeighedSize {
        instance_type: one.instance_type.clone(),
        is_present: one.is_present,
        is_chosen: chosen.is_some_and(|chosen| is(chosen, one)),
        is_on_frontier: frontier.iter().any(|found| is(found, one)),
        vcpu: one.vcpu,
        memory_gib: one.memory_gib,
        usd_per_month: one.usd_per_hour.map(|usd| usd * HOURS_PER_MONTH),
        cost_usd_per_month: one.usd_per_day.map(|usd| usd / HOURS_PER_DAY * HOURS_PER_MONTH),
        expected_bad_days: one.expected_bad_days,
        p_violation: one.p_violation,
        overload_days: one.overload_days,
        excuse: one.excuse.as_ref().map(ToString::to_string),
    };
    sizing.candidates.iter().map(size).collect()
}
