//! What is decided at one origin from what was known then, and what came.

use super::pools::{Totalled, total};
use super::truth::{Best, Truth};
use super::tuned::PRICES;
use super::{LAMBDAS, Origins, TUNED_AT};
use crate::forecast::{Forecasts, SeriesForecast, forecast_auto};
use crate::line_up::{AUTO, Horizons, LineUp, usual_seasons};
use crate::plan::limits;
use crate::prices::price_book;
use crate::{Config, Context, Result};
use fleetcast_backtest::Runs;
use fleetcast_core::{Calendar, History, Panel, Paths, RiskClass, SeriesId, Server, Step};
use fleetcast_numeric::{Stream, math};
use fleetcast_plan::proof::{Came, DaysThatCame, Decision, Hindsight, at_risk, crossing_curve, first_crossing};
use fleetcast_plan::{Limits, PriceBook, Seen, SeriesOutlook};
use jiff::civil::Date;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// One series, threshold and origin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Crossing {
    /// Place of the series in the panel.
    pub(super) series: usize,
    /// Number of its server.
    pub(super) server: usize,
    pub(super) origin: usize,
    pub(super) threshold: f64,
    /// Whether a crossing would be news.
    pub(super) at_risk: bool,
    /// Day of the crossing within the horizon.
    pub(super) crossed: Option<usize>,
    /// P(crossed by then), day by day.
    pub(super) curve: Vec<f64>,
    /// The same by the oracle.
    pub(super) best: Option<Vec<f64>>,
    /// Kind of risk, where it is known.
    pub(super) kinds: Option<Kinds>,
}

/// Kinds of risk of one series and threshold at one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds {
    /// As it is.
    pub(super) truth: RiskClass,
    /// As said.
    pub(super) said: RiskClass,
    /// As somebody would say who knows the true year but for its level, within [`NEARLY`].
    pub(super) nearly: RiskClass,
}

/// Standard deviation of the level, as a logarithm, of somebody who nearly knows the year ahead: 5 per cent.
const NEARLY: f64 = 0.05;

/// One server, price of a bad day and origin.
#[derive(Clone, Debug)]
pub(super) struct Sized {
    /// Places of the server's processors, memory and network in the panel.
    pub(super) cpu: Option<usize>,
    pub(super) memory: Option<usize>,
    pub(super) network: Option<usize>,
    pub(super) origin: usize,
    pub(super) lambda: f64,
    pub(super) decision: Decision,
    pub(super) hindsight: Hindsight,
    /// What would be chosen at each price of [`super::tuned::PRICES`]; only in the rows of [`TUNED_AT`].
    pub(super) ladder: Vec<Decision>,
}

/// Everything that was decided, and what came.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) crossings: Vec<Crossing>,
    pub(super) sizes: Vec<Sized>,
    pub(super) pools: Vec<Totalled>,
}

impl Rows {
    pub(super) fn extend(&mut self, other: Self) {
        self.crossings.extend(other.crossings);
        self.sizes.extend(other.sizes);
        self.pools.extend(other.pools);
    }
}

/// Steps of a history up to the end of a day; `None` when it begins later, or ends before.
pub(super) fn steps_until(history: &History, day: Date) -> Option<usize> {
    let steps = history.timeline().index_of(day.at(0, 0, 0, 0))? + 1;
    (steps <= history.len()).then_some(steps)
}

/// The series as they were at the end of a day.
pub(super) fn panel_until(panel: &Panel, day: Date) -> Result<Panel> {
    let known = |history: &History| history.prefix(steps_until(history, day)?);
    Ok(panel.with_histories(panel.histories().iter().filter_map(known).collect())?)
}

/// Decides for every server at one origin.
///
/// # Errors
/// When a setting makes no sense.
pub(super) fn decide(
    panel: &Panel,
    truth: &Truth,
    number: usize,
    origins: &Origins,
    config: &Config,
    context: &Context,
) -> Result<Rows> {
    let known = panel_until(panel, origins.days[number])?;
    if known.histories().is_empty() {
        return Ok(Rows::default());
    }
    let forecasts = forecasts(&known, origins.horizon, config, context)?;
    let made: BTreeMap<&SeriesId, &SeriesForecast> = forecasts.series.iter().map(|f| (&f.id, f)).collect();
    let places: BTreeMap<&SeriesId, usize> = panel.histories().iter().enumerate().map(|(at, h)| (h.id(), at)).collect();
    let asked = Asked {
        origin: number,
        horizon: origins.horizon,
        truth,
        seed: config.seed,
        limits: limits(config),
        book: price_book(config)?,
        calendar: config.calendar()?.as_ref().clone(),
    };
    asked.limits.check()?;
    let servers: Vec<Result<Rows>> = (panel.servers().par_iter().enumerate())
        .map(|(server_number, server)| {
            let own = known.histories().iter().filter(|history| *history.id().server_id == *server.server_id());
            let mut series = Vec::new();
            for history in own {
                let Some(forecast) = made.get(history.id()) else { continue };
                let place = places[history.id()];
                let came = &panel.histories()[place].values()[history.len()..];
                let days = came.get(..origins.horizon);
                series.push(Series { place, history, forecast, days, paths: forecast.paths(config.plan.n_paths)? });
            }
            Ok(asked.of_server(server_number, server, &series))
        })
        .collect();
    let mut rows = Rows { pools: total((panel, &known), &forecasts, origins, config)?, ..Rows::default() };
    for server in servers {
        rows.extend(server?);
    }
    Ok(rows)
}

fn forecasts(known: &Panel, horizon: usize, config: &Config, context: &Context) -> Result<Forecasts> {
    let horizons = Horizons::choose(known, config)?;
    let names = [AUTO.to_owned()];
    let line_up = LineUp::new(&names, &usual_seasons(Step::DAY), config.calendar()?, horizons.validated)?;
    let runs = Runs::new(known, horizons.validated)?;
    forecast_auto(runs, &line_up, horizons.reach(horizon), config.seed, context)
}

/// One metric of a server: what was known, what is forecast, and what came.
struct Series<'a> {
    place: usize,
    history: &'a History,
    forecast: &'a SeriesForecast,
    /// The days after the origin; `None` when the telemetry ends within the horizon.
    days: Option<&'a [f64]>,
    paths: Paths,
}

/// What every server is asked at one origin.
struct Asked<'a> {
    origin: usize,
    horizon: usize,
    truth: &'a Truth,
    seed: u64,
    limits: Limits,
    book: PriceBook,
    calendar: Calendar,
}

impl Asked<'_> {
    fn of_server(&self, number: usize, server: &Server, series: &[Series]) -> Rows {
        let outlooks: Vec<SeriesOutlook> = series.iter().map(|one| one.outlook(server)).collect();
        let crossings = series.iter().zip(&outlooks).flat_map(|(one, outlook)| self.crossings(number, one, outlook));
        let crossings = crossings.collect();
        Rows { crossings, sizes: self.sizes(number, server, series, &outlooks), ..Rows::default() }
    }

    fn crossings(&self, server: usize, one: &Series, outlook: &SeriesOutlook) -> Vec<Crossing> {
        let (Some(days), Some(capacity)) = (one.days, outlook.capacity()) else { return Vec::new() };
        let best = self.truth.get(one.history.id(), self.origin);
        let risks = fleetcast_plan::risks(outlook, &self.limits, &self.calendar);
        let row = |&threshold: &f64| {
            let limit = threshold / 100.0 * capacity;
            let crossed = match first_crossing(days, limit) {
                Came::Unknown => return None,
                Came::Crossed(day) => Some(day),
                Came::Nothing => None,
            };
            let said = risks.iter().find(|risk| risk.threshold == threshold)?.class;
            Some(Crossing {
                series: one.place,
                server,
                origin: self.origin,
                threshold,
                at_risk: at_risk(one.history, limit),
                crossed,
                curve: crossing_curve(outlook, threshold)?,
                best: best.and_then(|best| best.curve(threshold, self.horizon)).map(<[f64]>::to_vec),
                kinds: best.and_then(|best| self.kinds(said, best, one.history, limit)),
            })
        };
        self.limits.thresholds.iter().filter_map(row).collect()
    }

    /// The kind of risk by the rule itself on the year that the oracle expects, and on that year a little off.
    fn kinds(&self, said: RiskClass, best: &Best, history: &History, limit: f64) -> Option<Kinds> {
        let first = history.timeline().date(history.len());
        let class = |year: &[f64]| {
            let found = fleetcast_plan::classify(year, first, limit, &Seen::everything(), &self.calendar);
            Some(found.class).filter(|class| *class != RiskClass::Unknown)
        };
        let noise = Stream::new(self.seed, &["decisions", "nearly", &history.id().to_string()]);
        let off = math::exp(NEARLY * noise.normal(self.origin as u64));
        let inside = |value: f64| history.bounds().map_or(value, |bounds| bounds.clamp(value));
        let nearly: Vec<f64> = best.median.iter().map(|value| inside(off * value)).collect();
        Some(Kinds { truth: class(&best.median)?, said, nearly: class(&nearly)? })
    }

    fn sizes(&self, number: usize, server: &Server, series: &[Series], outlooks: &[SeriesOutlook]) -> Vec<Sized> {
        let named = |name: &str| series.iter().find(|one| one.history.metric().name() == name);
        let (cpu, memory) = (named("cpu"), named("memory"));
        let came = |one: Option<&Series>| -> Option<Vec<f64>> {
            let one = one?;
            // In per cent of capacity, as sizes are judged; processors and memory usually are.
            let capacity = server.capacity(one.history.metric())?;
            Some(one.days?.iter().map(|day| 100.0 * day / capacity).collect())
        };
        let (cpu_days, memory_days, network_days) = (came(cpu), came(memory), came(named("network")));
        // To be switched off is a question to the owner; until then a server has the size chosen beside it. What a size
        // risks is the same at every price of a bad day, so it is weighed once.
        let sizing = fleetcast_plan::size(server, outlooks, &self.book, &self.limits);
        let at_price = |limits: &Limits| {
            let chosen = sizing.chosen_at(limits, self.horizon)?;
            let instance_type = chosen.instance_type.clone().filter(|_| !chosen.is_present);
            let claimed_usd_per_day = sizing.gain_at(limits, self.horizon);
            Some(Decision { instance_type, promised: Some(chosen.p_violation), claimed_usd_per_day })
        };
        let row = |lambda: f64| {
            let limits = Limits { lambda_usd_per_day: lambda, ..self.limits.clone() };
            let decision = at_price(&limits)?;
            let (cpu_days, memory_days) = (cpu_days.as_deref(), memory_days.as_deref());
            let came = DaysThatCame { cpu: cpu_days, memory: memory_days, network: network_days.as_deref() };
            let hindsight = Hindsight::new(number, server, came, &self.book, &limits)?;
            let tuned = if lambda == TUNED_AT { PRICES.as_slice() } else { &[] };
            let ladder =
                tuned.iter().filter_map(|&price| at_price(&Limits { lambda_usd_per_day: price, ..limits.clone() }));
            let ladder = ladder.collect();
            let place = |one: Option<&Series>| one.map(|one| one.place);
            let (cpu, memory, network) = (place(cpu), place(memory), place(named("network")));
            Some(Sized { cpu, memory, network, origin: self.origin, lambda, decision, hindsight, ladder })
        };
        LAMBDAS.into_iter().filter_map(row).collect()
    }
}

impl Series<'_> {
    fn outlook<'a>(&'a self, server: &'a Server) -> SeriesOutlook<'a> {
        SeriesOutlook { server, history: self.history, expected: &self.forecast.expected, paths: &self.paths }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seconds, Silent};
    use fleetcast_core::{Metric, Timeline};
    use std::sync::Arc;

    const CONTEXT: Context =
        Context { progress: &Silent, now: || jiff::Timestamp::UNIX_EPOCH, clock: Seconds::default };
    const START: Date = jiff::civil::date(2022, 1, 1);

    /// Three servers that grow, two metrics each; from day `poisoned` on everything is near its ceiling.
    fn panel(poisoned: usize) -> Panel {
        let (mut servers, mut histories) = (Vec::new(), Vec::new());
        for name in ["a", "b", "c"] {
            let mut server = Server::new(name).expect("a name");
            server.shape.instance_type = Some("m6i.2xlarge".to_owned());
            server.pool = Some("shop".to_owned());
            servers.push(Arc::new(server));
            for (metric, level) in [("cpu", 55.0), ("memory", 40.0)] {
                let noise = Stream::new(4, &[name, metric]);
                let value = |day: usize| level + day as f64 / 40.0 + 4.0 * noise.normal(day as u64);
                let values = (0..700).map(|day| if day < poisoned { value(day) } else { 97.0 }).collect();
                let (id, metric) = (SeriesId::new(name, metric), Arc::new(Metric::named(metric)));
                histories.push(History::new(id, metric, Timeline::daily(START), values).expect("finite values"));
            }
        }
        Panel::new(servers, histories).expect("distinct keys")
    }

    fn decided(panel: &Panel) -> Rows {
        let origins = Origins { horizon: 60, days: vec![START.saturating_add(jiff::Span::new().days(599))] };
        let mut config = Config::default();
        (config.plan.n_paths, config.forecast.horizon_days) = (200, Some(60));
        decide(panel, &Truth::default(), 0, &origins, &config, &CONTEXT).expect("settings that make sense")
    }

    #[test]
    fn nothing_after_an_origin_changes_what_is_decided_at_it() {
        let (plain, poisoned) = (decided(&panel(700)), decided(&panel(600)));
        assert_eq!((plain.crossings.len(), plain.sizes.len()), (3 * 2 * 2, 3 * LAMBDAS.len()));
        assert_eq!(plain.pools.len(), 2, "a total of each metric");
        for (plain, poisoned) in plain.crossings.iter().zip(&poisoned.crossings) {
            assert_eq!((&plain.curve, plain.at_risk), (&poisoned.curve, poisoned.at_risk));
            assert_eq!(poisoned.crossed, Some(0), "what came is another matter");
        }
        for (plain, poisoned) in plain.sizes.iter().zip(&poisoned.sizes) {
            assert_eq!(plain.decision, poisoned.decision);
        }
        assert!(plain.crossings.iter().any(|row| row.crossed.is_none()));
        // The day before the origin does count.
        let earlier = decided(&panel(590));
        assert!(plain.crossings.iter().zip(&earlier.crossings).any(|(a, b)| a.curve != b.curve));
    }
}
