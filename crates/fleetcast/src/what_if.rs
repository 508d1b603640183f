//! What if? The futures of the last forecast after the changes of a file, judged beside what they were.

use crate::forecast::{Forecasts, SeriesForecast};
use crate::plan::limits;
use crate::prices::price_book;
use crate::run::forecasts_to_plan;
use crate::store::{self, RunRecord};
use crate::telemetry::telemetry;
use crate::{Config, Context, Error, Result};
use fleetcast_core::{Action, Calendar, History, Panel, Paths, Risk, Server};
use fleetcast_lake::Lake;
use fleetcast_plan::what_if::{Effect, Mix, WhatIf};
use fleetcast_plan::{Candidate, HOURS_PER_MONTH, Limits, PriceBook, RISK_HORIZONS, SeriesOutlook, Sizing};
use jiff::civil::Date;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// P from which a server counts as at risk.
const AT_RISK: f64 = 0.5;

/// A fleet as it is, or after the changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Side {
    /// Servers that reach the lowest threshold within the days judged, with P >= 0.5 in some metric.
    pub at_risk: usize,
    /// Bad days expected on the present machines.
    pub bad_days: f64,
    /// Price of the present machines whose price is known, in USD a month.
    pub usd_per_month: f64,
    /// Bad days expected on the sizes that are advised.
    pub advised_bad_days: f64,
    /// Price of the sizes that are advised, where it is known, in USD a month.
    pub advised_usd_per_month: f64,
}

/// One metric of a server whose load, limit or price changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedRisk {
    /// The server.
    pub server_id: String,
    /// The metric.
    pub metric: String,
    /// P(reaches the lowest threshold within the days judged): as it is, and after the changes.
    pub p: [Option<f64>; 2],
    /// Median date of the crossing.
    pub date: [Option<Date>; 2],
    /// Type that is advised; `None` where none can be, or the server is switched off.
    pub advised: [Option<String>; 2],
}

/// What the changes do.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// What the file calls it.
    pub name: String,
    /// Servers of the fleet.
    pub n_servers: usize,
    /// Servers whose load changes.
    pub n_touched: usize,
    /// Days that P speaks of.
    pub days: usize,
    /// The lowest threshold, in per cent: as it is, and after the changes.
    pub threshold: [f64; 2],
    /// The fleet as it is, and after the changes.
    pub sides: [Side; 2],
    /// What changes, the largest change of P first.
    pub risks: Vec<ChangedRisk>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Compares the plan of a lake with what it would be after the changes of `file`. Nothing is stored, unless they are
/// to be committed: then they are part of every plan to come.
///
/// # Errors
/// When the file cannot be read, names what is not there, or a setting makes no sense.
pub fn what_if_lake(lake: &Lake, file: &Path, commit: bool, config: &Config, context: &Context) -> Result<Compared> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|source| Error::Io { file: name.clone(), source })?;
    let what_if = WhatIf::from_toml(&text, &name)?;
    let started = (context.now)();
    if commit {
        what_if.check_dated()?;
    }
    context.progress.begin("reading telemetry", 0);
    let telemetry = telemetry(lake, config)?;
    let (forecasts, _) = forecasts_to_plan(lake, &telemetry, config, context)?;
    let mut config = with_committed(lake, config)?;
    // A new text of a committed what-if is compared with the plan without the old one.
    config.plan.committed.retain(|one| !commit || one.name != what_if.name);
    let compared = compare(&telemetry.panel, &forecasts, &what_if, &config, context)?;
    if commit {
        let change = lake.begin()?;
        store::write_run(lake, &change, &RunRecord::of_what_if(&what_if.name, &text, started, context), None)?;
        change.commit()?;
    }
    context.progress.end();
    Ok(compared)
}

/// The configuration with the what-ifs that are committed to a lake.
///
/// # Errors
/// When the table of runs cannot be read.
pub fn with_committed(lake: &Lake, config: &Config) -> Result<Config> {
    let mut config = config.clone();
    config.plan.committed = committed(lake)?;
    Ok(config)
}

/// What-ifs that are part of every plan, the earliest first.
///
/// # Errors
/// When the table of runs cannot be read.
pub fn committed(lake: &Lake) -> Result<Vec<WhatIf>> {
    let read = |text: String| {
        let what_if = WhatIf::from_toml(&text, "a committed what-if")?;
        // Once more by its name, which messages then say.
        Ok(WhatIf::from_toml(&text, &format!("the committed what-if `{}`", what_if.name))?)
    };
    store::committed(lake)?.into_iter().map(read).collect()
}

/// Takes a what-if out of the plans to come.
///
/// # Errors
/// [`Error::Nothing`] when none of that name is committed.
pub fn revoke(lake: &Lake, name: &str) -> Result<()> {
    let known = committed(lake)?;
    if !known.iter().any(|one| one.name == name) {
        let names: Vec<String> = known.iter().map(|one| format!("`{}`", one.name)).collect();
        return Err(Error::Nothing {
            what: format!("no what-if called `{name}` is committed"),
            hint: if names.is_empty() { "none is".to_owned() } else { format!("committed are {}", names.join(", ")) },
        });
    }
    let change = lake.begin()?;
    store::revoke(lake, &change, name)?;
    Ok(change.commit()?)
}

/// What the committed what-ifs do to a fleet whose plan begins on `first_day`; `None` when nothing of them lies ahead.
pub(crate) fn baseline(config: &Config, panel: &Panel, first_day: Date, horizon: usize) -> Result<Option<Effect>> {
    let ahead: Vec<WhatIf> = config.plan.committed.iter().map(|one| one.ahead(first_day, horizon)).collect();
    if ahead.iter().all(|one| one.changes.is_empty()) {
        return Ok(None);
    }
    let ahead: Vec<&WhatIf> = ahead.iter().collect();
    Ok(Some(Effect::of_all(&ahead, panel.servers(), first_day, horizon)?))
}

/// Compares the plan of a panel with what it would be after the changes.
///
/// # Errors
/// When a change names what is not there, or a setting makes no sense.
pub fn compare(
    panel: &Panel,
    forecasts: &Forecasts,
    what_if: &WhatIf,
    config: &Config,
    context: &Context,
) -> Result<Compared> {
    let horizon = forecasts.series.iter().map(|f| f.horizon()).max().unwrap_or(0);
    let Some(first_day) =
        forecasts.series.iter().filter(|f| horizon > 0 && !f.expected.is_empty()).map(|f| f.date(0)).max()
    else {
        return Err(Error::Nothing {
            what: "there is no forecast to change".to_owned(),
            hint: "the lake needs series of 14 days at least".to_owned(),
        });
    };
    let ahead: Vec<WhatIf> = config.plan.committed.iter().map(|one| one.ahead(first_day, horizon)).collect();
    let so_far: Vec<&WhatIf> = ahead.iter().collect();
    let all: Vec<&WhatIf> = ahead.iter().chain([what_if]).collect();
    let own = Effect::of(what_if, panel.servers(), first_day, horizon)?;
    let effects = [&so_far, &all].map(|all| Effect::of_all(all, panel.servers(), first_day, horizon));
    let [committed, effect] = effects;
    let (committed, effect) = (committed?, effect?);
    let asked =
        Asked { limits: limits(config), book: price_book(config)?, calendar: config.calendar()?.as_ref().clone() };
    let before = asked.after(&committed);
    let mut metrics: Vec<&str> = panel.histories().iter().map(|history| history.metric().name()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    what_if.check_names(&metrics, &asked.book)?;
    let after = asked.after(&effect);
    before.limits.check()?;
    after.limits.check()?;
    context.progress.begin("planning twice", panel.servers().len());
    let fleet = Fleet::new(panel, forecasts, config.plan.n_paths);
    let days = RISK_HORIZONS.into_iter().filter(|days| *days <= horizon).max().unwrap_or(horizon);
    let servers: Vec<Result<OfServer>> = (0..panel.servers().len())
        .into_par_iter()
        .map(|place| {
            let found = fleet.of_server(place, [&committed, &effect], [&before, &after], days);
            context.progress.advance(1);
            found
        })
        .collect();
    let mut compared = Compared {
        name: what_if.name.clone(),
        n_servers: servers.len(),
        n_touched: 0,
        days,
        threshold: [&before, &after].map(|asked| asked.limits.sizing_threshold()),
        sides: [Side::default(); 2],
        risks: Vec::new(),
        notes: notes(&own, config, horizon),
    };
    for server in servers {
        let server = server?;
        compared.n_touched += usize::from(server.is_touched);
        for (sum, side) in compared.sides.iter_mut().zip(server.sides) {
            sum.add(side);
        }
        compared.risks.extend(server.risks);
    }
    let change = |one: &ChangedRisk| (one.p[1].unwrap_or(0.0) - one.p[0].unwrap_or(0.0)).abs();
    // The sort is stable, so equal changes stay in order of servers.
    compared.risks.sort_by(|a, b| change(b).total_cmp(&change(a)));
    Ok(compared)
}

fn notes(effect: &Effect, config: &Config, horizon: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let committed: Vec<&str> = config.plan.committed.iter().map(|one| one.name.as_str()).collect();
    if !committed.is_empty() {
        notes.push(format!("as it is, with what is committed: {}", committed.join("; ")));
    }
    if effect.lost().len() > 0 {
        let names: Vec<&str> = effect.lost().map(|server| server.name.as_str()).take(5).collect();
        let more = if effect.lost().len() > names.len() { ", ..." } else { "" };
        notes.push(format!(
            "the load of {} servers has nowhere to go and is lost: {}{more}",
            effect.lost().len(),
            names.join(", ")
        ));
    }
    if horizon < RISK_HORIZONS[0] {
        notes.push(format!("the forecast looks {horizon} days ahead only"));
    }
    notes
}

/// What the planner is asked on one side.
#[derive(Clone)]
struct Asked {
    limits: Limits,
    book: PriceBook,
    calendar: Calendar,
}

impl Asked {
    /// The same after changes of thresholds and prices.
    fn after(&self, effect: &Effect) -> Self {
        let mut after = self.clone();
        if let Some(thresholds) = effect.thresholds() {
            after.limits.thresholds = thresholds.to_vec();
        }
        after.book = after.book.with_prices(|name| effect.price_factor(name));
        after
    }
}

/// What one server adds to a comparison.
struct OfServer {
    is_touched: bool,
    sides: [Side; 2],
    risks: Vec<ChangedRisk>,
}

/// The futures of a fleet, drawn when they are needed.
pub(crate) struct Fleet<'a> {
    panel: &'a Panel,
    forecasts: BTreeMap<(&'a str, &'a str), &'a SeriesForecast>,
    n_paths: usize,
}

/// One metric of a server, as it is and after the changes.
struct Metric<'a> {
    history: &'a History,
    expected: [Vec<f64>; 2],
    paths: [Paths; 2],
    is_changed: bool,
}

impl<'a> Fleet<'a> {
    pub(crate) fn new(panel: &'a Panel, forecasts: &'a Forecasts, n_paths: usize) -> Self {
        let keyed = forecasts.series.iter().map(|f| ((&*f.id.server_id, &*f.id.metric), f));
        Self { panel, forecasts: keyed.collect(), n_paths }
    }

    fn of_server(&self, place: usize, effects: [&Effect; 2], asked: [&Asked; 2], days: usize) -> Result<OfServer> {
        let server = &self.panel.servers()[place];
        let own = self.panel.histories().iter().filter(|history| *history.id().server_id == *server.server_id());
        let mut metrics = Vec::new();
        for history in own {
            metrics.extend(self.metric(place, history, effects)?);
        }
        let retired = effects.map(|effect| effect.is_retired(place));
        let judged: Vec<(Vec<Risk>, Sizing)> = (0..2).map(|side| judge(server, &metrics, side, asked[side])).collect();
        let side = |at: usize| if retired[at] { Side::default() } else { side(&judged[at], asked[at], days) };
        let is_touched = metrics.iter().any(|metric| metric.is_changed) || retired[0] != retired[1];
        let changed = metrics.iter().filter(|metric| metric.is_changed || effects[1].touches_all());
        let risks = changed.map(|metric| {
            let name = metric.history.metric().name();
            let found = [0, 1].map(|at| lowest(&judged[at].0, name, asked[at]));
            let advised = |at: usize| judged[at].1.recommendation.to_type.clone().filter(|_| !retired[at]);
            ChangedRisk {
                server_id: server.server_id().to_owned(),
                metric: name.to_owned(),
                p: found.map(|risk| risk.and_then(|risk| p_within(risk, days))),
                date: found.map(|risk| risk.and_then(|risk| risk.dates.q50)),
                advised: [advised(0), advised(1)],
            }
        });
        Ok(OfServer { is_touched, risks: risks.collect(), sides: [side(0), side(1)] })
    }

    /// A metric of a server; `None` without a forecast.
    fn metric(&self, place: usize, history: &'a History, effects: [&Effect; 2]) -> Result<Option<Metric<'a>>> {
        let Some((before, was)) = self.future(place, history, effects[0])? else { return Ok(None) };
        let same = effects[0].mix(place, history.metric()) == effects[1].mix(place, history.metric());
        let after = if same { None } else { self.future(place, history, effects[1])? };
        let is_changed = after.is_some();
        let (after, is) = after.unwrap_or_else(|| (before.clone(), was.clone()));
        Ok(Some(Metric { history, expected: [was, is], paths: [before, after], is_changed }))
    }

    /// The futures of a metric of a server after an effect, and what is expected of it; `None` without a forecast.
    pub(crate) fn future(&self, place: usize, history: &History, effect: &Effect) -> Result<Option<(Paths, Vec<f64>)>> {
        let Some(forecast) = self.forecast(place, history) else { return Ok(None) };
        let paths = forecast.paths(self.n_paths)?;
        let Some(mix) = effect.mix(place, history.metric()) else {
            return Ok(Some((paths, forecast.expected.clone())));
        };
        let other = |place: usize| self.forecast(place, history).map(|forecast| forecast.expected.as_slice());
        let expected = mix.load(&forecast.expected, other);
        Ok(Some((self.mixed(&mix, &paths, history)?, expected)))
    }

    fn forecast(&self, place: usize, history: &History) -> Option<&'a SeriesForecast> {
        self.forecasts.get(&(self.panel.servers()[place].server_id(), &*history.id().metric)).copied()
    }

    /// The futures after the changes: path i of every server is taken together.
    fn mixed(&self, mix: &Mix, own: &Paths, history: &History) -> Result<Paths> {
        let mut others: BTreeMap<usize, Paths> = BTreeMap::new();
        for (place, _) in &mix.received {
            if let Some(forecast) = self.forecast(*place, history) {
                others.insert(*place, forecast.paths(self.n_paths)?);
            }
        }
        let others: BTreeMap<usize, Vec<&[f64]>> =
            others.iter().map(|(place, paths)| (*place, paths.iter().collect())).collect();
        let other = |at: usize| {
            let others = &others;
            move |place: usize| others.get(&place).and_then(|paths| paths.get(at).copied())
        };
        let values = own.iter().enumerate().flat_map(|(at, path)| mix.load(path, other(at))).collect();
        Ok(Paths::new(own.horizon(), values)?)
    }
}

fn judge(server: &Server, metrics: &[Metric], side: usize, asked: &Asked) -> (Vec<Risk>, Sizing) {
    let outlook = |metric| outlook(server, metric, side);
    let outlooks: Vec<SeriesOutlook> = metrics.iter().map(outlook).collect();
    let risks = outlooks.iter().flat_map(|one| fleetcast_plan::risks(one, &asked.limits, &asked.calendar)).collect();
    (risks, fleetcast_plan::size(server, &outlooks, &asked.book, &asked.limits))
}

fn outlook<'a>(server: &'a Server, metric: &'a Metric<'a>, side: usize) -> SeriesOutlook<'a> {
    SeriesOutlook { server, history: metric.history, expected: &metric.expected[side], paths: &metric.paths[side] }
}

/// The risk of one metric at the lowest threshold.
fn lowest<'a>(risks: &'a [Risk], metric: &str, asked: &Asked) -> Option<&'a Risk> {
    let threshold = asked.limits.sizing_threshold();
    risks.iter().find(|risk| risk.metric.name() == metric && risk.threshold == threshold)
}

fn p_within(risk: &Risk, days: usize) -> Option<f64> {
    let at = RISK_HORIZONS.iter().position(|horizon| *horizon == days)?;
    risk.p_crossed[at]
}

fn side((risks, sizing): &(Vec<Risk>, Sizing), asked: &Asked, days: usize) -> Side {
    let threshold = asked.limits.sizing_threshold();
    let over = |risk: &Risk| risk.threshold == threshold && p_within(risk, days).is_some_and(|p| p >= AT_RISK);
    let now = sizing.candidates.iter().find(|one| one.is_present);
    // What is switched off costs nothing.
    let is_kept = sizing.recommendation.action != Action::Retire;
    let advised = sizing.chosen().filter(|_| is_kept);
    let price = |one: Option<&Candidate>| one.and_then(|one| one.usd_per_hour).unwrap_or(0.0) * HOURS_PER_MONTH;
    let bad_days = |one: Option<&Candidate>| one.map_or(0.0, |one| one.expected_bad_days);
    Side {
        at_risk: usize::from(risks.iter().any(over)),
        bad_days: bad_days(now),
        usd_per_month: price(now),
        advised_bad_days: bad_days(advised),
        advised_usd_per_month: price(advised),
    }
}

impl Side {
    fn add(&mut self, other: Self) {
        self.at_risk += other.at_risk;
        self.bad_days += other.bad_days;
        self.usd_per_month += other.usd_per_month;
        self.advised_bad_days += other.advised_bad_days;
        self.advised_usd_per_month += other.advised_usd_per_month;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::{Reach, forecast_auto};
    use crate::line_up::{AUTO, LineUp};
    use crate::{Seconds, Silent};
    use fleetcast_core::{SeriesId, Timeline};
    use fleetcast_numeric::Stream;
    use std::sync::Arc;

    const CONTEXT: Context =
        Context { progress: &Silent, now: || jiff::Timestamp::UNIX_EPOCH, clock: Seconds::default };

    /// Two servers of a service, one metric each, and their forecasts 60 days ahead.
    fn fleet() -> (Panel, Forecasts, Config) {
        let (mut servers, mut histories) = (Vec::new(), Vec::new());
        for name in ["a", "b"] {
            let mut server = Server::new(name).expect("a name");
            server.shape.instance_type = Some("m6i.2xlarge".to_owned());
            server.shape.vcpu = Some(8.0);
            server.service = Some("payments".to_owned());
            servers.push(Arc::new(server));
            let noise = Stream::new(4, &[name]);
            let values = (0..400).map(|day| 45.0 + 3.0 * noise.normal(day)).collect();
            let line = Timeline::daily(jiff::civil::date(2022, 1, 1));
            let cpu = Arc::new(fleetcast_core::Metric::named("cpu"));
            histories.push(History::new(SeriesId::new(name, "cpu"), cpu, line, values).expect("finite values"));
        }
        let panel = Panel::new(servers, histories).expect("distinct keys");
        let mut config = Config::default();
        config.plan.n_paths = 200;
        let calendar = config.calendar().expect("the usual calendar");
        let line_up = LineUp::new(&[AUTO.to_owned()], &[7], calendar, 60).expect("auto is a method");
        let runs = fleetcast_backtest::Runs::new(&panel, 60).expect("a horizon above zero");
        let reach = Reach { horizon: 60, expected: 365 };
        let forecasts = forecast_auto(runs, &line_up, reach, 1, &CONTEXT).expect("horizons agree");
        (panel, forecasts, config)
    }

    #[test]
    fn what_changes_nothing_is_nothing_and_what_moves_is_judged_on_the_same_futures() {
        let (panel, forecasts, config) = fleet();
        let compared = |changes: &str| {
            let what_if = WhatIf::from_toml(&format!("name = \"t\"\n[[changes]]\n{changes}"), "t.toml").expect("sound");
            compare(&panel, &forecasts, &what_if, &config, &CONTEXT).expect("servers that are there")
        };
        let growth =
            |factor: f64| compared(&format!("kind = \"growth\"\nservers = {{ ids = [\"a\"] }}\nfactor = {factor}"));
        let same = growth(1.0);
        assert_eq!((same.n_touched, same.risks.len()), (0, 0));
        assert_eq!(same.sides[0], same.sides[1]);
        let grown = growth(1.9);
        assert_eq!((grown.n_touched, grown.days, grown.risks.len()), (1, 60, 1));
        assert!(grown.risks[0].p[0] < Some(0.1) && grown.risks[0].p[1] > Some(0.9), "{:?}", grown.risks);
        assert_eq!((grown.sides[0].at_risk, grown.sides[1].at_risk), (0, 1));
        assert!(grown.sides[1].bad_days > grown.sides[0].bad_days + 30.0);
        assert_eq!(grown.sides[0].usd_per_month, grown.sides[1].usd_per_month);
        let moved = compared("kind = \"retirement\"\nservers = { ids = [\"a\"] }\nto = { ids = [\"b\"] }");
        assert_eq!(moved.sides[1].usd_per_month * 2.0, moved.sides[0].usd_per_month, "one machine is paid for");
        assert_eq!(moved.risks[0].server_id, "b", "it gets twice the load: {:?}", moved.risks);
        assert_eq!(moved.sides[1].at_risk, 1);
        let cheaper = compared("kind = \"price\"\nfactor = 0.5");
        assert_eq!(cheaper.sides[1].usd_per_month * 2.0, cheaper.sides[0].usd_per_month);
        let strict = compared("kind = \"threshold\"\npercent = [40.0]");
        assert_eq!((strict.threshold, strict.sides[1].at_risk), ([80.0, 40.0], 2));
    }
}
