//! Small servers on fewer machines, beyond the right size of each.

use crate::plan::limits;
use crate::prices::price_book;
use crate::run::forecasts_to_plan;
use crate::telemetry::telemetry;
use crate::{Config, Context, Result, store, tables};
use fleetcast_core::{Action, History, Recommendation, SeriesId, Server};
use fleetcast_lake::{Lake, Table};
use fleetcast_plan::{HOURS_PER_MONTH, PriceBook, Tenant, pack};
use std::collections::BTreeMap;

/// Quantile of a day's P95 that counts as its high load.
pub const HIGH: f64 = 0.99;

/// Servers that could share one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedMachine {
    /// Where they stand: region and business unit, as far as known.
    pub place: String,
    /// Type of the machine.
    pub instance_type: String,
    /// The servers, in order of their ids.
    pub servers: Vec<String>,
    /// What they would cost on the sizes advised for each, in USD a month.
    pub alone_usd_per_month: f64,
    /// What the machine costs, in USD a month.
    pub together_usd_per_month: f64,
}

/// What sharing machines would save.
#[derive(Clone, Debug, PartialEq)]
pub struct Consolidated {
    /// Machines, the largest saving first.
    pub machines: Vec<SharedMachine>,
    /// Servers that could be weighed.
    pub n_weighed: usize,
    /// In per cent of a machine.
    pub threshold: f64,
}

impl SharedMachine {
    /// What is saved beyond the right size of each, in USD a month.
    pub fn saving_usd_per_month(&self) -> f64 {
        self.alone_usd_per_month - self.together_usd_per_month
    }
}

/// Looks for small servers of one region and business unit that could share machines. Their load counts as if it were
/// high on the same days, so that a day is over with at most 1 % wherever it is summed; the saving counts from the
/// sizes that the last plan advises, so it comes on top of them. Nothing is stored.
///
/// # Errors
/// [`crate::Error::Nothing`] when nothing was planned.
pub fn consolidate_lake(lake: &Lake, config: &Config, context: &Context) -> Result<Consolidated> {
    let run_id = store::last_plan(lake, "whose sizes could be consolidated")?;
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let (forecasts, _) = forecasts_to_plan(lake, &telemetry, config, context)?;
    let sizes = tables::recommendations_of(&lake.read(Table::Recommendations)?, &run_id)?;
    let (book, threshold) = (price_book(config)?, limits(config).sizing_threshold());
    let mut high: BTreeMap<&SeriesId, Vec<f64>> = BTreeMap::new();
    for forecast in &forecasts.series {
        high.extend(forecast.quantiles()?.quantile(HIGH).map(|days| (&forecast.id, days)));
    }
    let histories: BTreeMap<&SeriesId, &History> = telemetry.panel.histories().iter().map(|h| (h.id(), h)).collect();
    // In per cent, or not comparable.
    let load =
        |id: &SeriesId| high.get(id).filter(|_| histories.get(id).is_some_and(|h| h.metric().bounds().is_some()));
    let mut groups: BTreeMap<Place, Vec<Tenant>> = BTreeMap::new();
    context.progress.begin("packing", sizes.len());
    for size in &sizes {
        context.progress.advance(1);
        let found = telemetry
            .panel
            .server(&size.server_id)
            .and_then(|server| Some((Place::of(server), tenant(server, size, book.of(server), load)?)));
        if let Some((place, tenant)) = found {
            groups.entry(place).or_default().push(tenant);
        }
    }
    let n_weighed = groups.values().map(Vec::len).sum();
    let mut machines: Vec<SharedMachine> = Vec::new();
    for (place, tenants) in &groups {
        machines.extend(shared(place, tenants, book.of_region(place.region), threshold));
    }
    // The sort is stable, so equal savings stay in order of places.
    machines.sort_by(|a, b| b.saving_usd_per_month().total_cmp(&a.saving_usd_per_month()));
    context.progress.end();
    Ok(Consolidated { machines, n_weighed, threshold })
}

/// The machines of one place.
fn shared(place: &Place, tenants: &[Tenant], book: &PriceBook, threshold: f64) -> Vec<SharedMachine> {
    let Some(packing) = pack(tenants, book, threshold) else { return Vec::new() };
    let price = book.get(&packing.instance_type).map_or(0.0, |found| found.usd_per_hour) * HOURS_PER_MONTH;
    let machine = |machine: &fleetcast_plan::Shared| SharedMachine {
        place: place.name(),
        instance_type: packing.instance_type.clone(),
        servers: machine.tenants.iter().map(|&at| tenants[at].server_id.clone()).collect(),
        alone_usd_per_month: machine.tenants.iter().map(|&at| tenants[at].own_usd_per_hour).sum::<f64>()
            * HOURS_PER_MONTH,
        together_usd_per_month: price,
    };
    packing.machines.iter().map(machine).collect()
}

/// Where servers stand that may share a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    region: Option<&'a str>,
    business_unit: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(server: &'a Server) -> Self {
        Self { region: server.region.as_deref(), business_unit: server.business_unit.as_deref() }
    }

    fn name(&self) -> String {
        [self.region, self.business_unit].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A server whose processors and memory were measured and whose right size has a price.
fn tenant<'a>(
    server: &Server,
    size: &Recommendation,
    book: &PriceBook,
    load: impl Fn(&SeriesId) -> Option<&'a Vec<f64>>,
) -> Option<Tenant> {
    if !matches!(size.action, Action::Keep | Action::Down | Action::Up) {
        return None;
    }
    let own = book.get(size.to_type.as_deref()?)?;
    let now = server.shape.instance_type.as_deref().and_then(|name| book.get(name));
    let vcpu = server.shape.vcpu.or(now.map(|found| found.vcpu))?;
    let memory_gib = server.shape.memory_gib.or(now.map(|found| found.memory_gib))?;
    let amount = |name: &str, capacity: f64| {
        let days = load(&SeriesId::new(server.server_id(), name))?;
        Some(days.iter().map(|percent| percent / 100.0 * capacity).collect::<Vec<f64>>())
    };
    Some(Tenant {
        server_id: size.server_id.clone(),
        pool: server.pool.clone(),
        architecture: own.architecture,
        own_vcpu: own.vcpu,
        own_usd_per_hour: own.usd_per_hour,
        cpu: amount("cpu", vcpu)?,
        memory_gib: amount("memory", memory_gib)?,
    })
}
