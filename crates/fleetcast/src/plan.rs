//! Forecasts become an outlook: risks, groups, sizes, and the chance of bad days week by week.

use crate::config::Config;
use crate::forecast::{Forecasts, InCommon, SeriesForecast};
use crate::line_up::SHORTEST_HISTORY;
use crate::pools::{Open, Sums};
use crate::prices::{costs, notes_on_prices, price_book};
use crate::what_if::{Fleet, baseline};
use crate::{Context, Result};
use fleetcast_core::{
    Action, Calendar, Group, History, Outlook, Panel, Paths, PoolRisk, Recommendation, Risk, Server, ServerOutlook,
};
use fleetcast_plan::what_if::Effect;
use fleetcast_plan::{Costs, HOURS_PER_MONTH, Limits, PriceBook, SeriesOutlook, Sizing};
use jiff::civil::Date;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The chance of at least one bad day in each of the coming weeks.
#[derive(Clone, Debug, PartialEq)]
pub struct WeeklyRisk {
    /// Threshold in per cent of capacity.
    pub threshold: f64,
    /// First day of the first week.
    pub first_day: Date,
    /// Per server that could be judged: P(week has a bad day in any metric), one per week.
    pub servers: Vec<(String, Vec<f64>)>,
}

/// What the planning stage gives.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Risks, groups and sizes.
    pub outlook: Outlook,
    /// Week by week; `None` when nothing could be judged.
    pub weeks: Option<WeeklyRisk>,
    /// Where the prices come from.
    pub price_source: String,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// The limits of a configuration.
pub fn limits(config: &Config) -> Limits {
    Limits {
        thresholds: config.plan.thresholds.clone(),
        lambda_usd_per_day: config.plan.lambda_usd_per_day,
        overload_bad_days: config.plan.overload_bad_days,
        most_overload: config.plan.most_overload,
        most_cpu_overload: config.plan.most_cpu_overload,
        request_archetypes: config.plan.request_archetypes.clone(),
        lead_time: config.plan.lead_time.clone(),
        seed: config.seed,
        ..Limits::default()
    }
}

/// Judges every server of `panel` by its forecasts; `means` are the daily means of the same series.
///
/// # Errors
/// When a limit or the price book makes no sense.
pub fn plan(panel: &Panel, means: &Panel, forecasts: &Forecasts, config: &Config, context: &Context) -> Result<Plan> {
    let asked = Asked::new(panel, means, forecasts, config, context)?;
    let notes = notes_on_prices(&asked.book, asked.costs.as_ref(), panel);
    notes.iter().for_each(|note| context.progress.note(note));
    context.progress.begin("planning", panel.servers().len());
    let teams: Result<Vec<JudgedTeam>> = teams(panel).par_iter().map(|team| asked.team(team)).collect();
    let mut whole = JudgedTeam::default();
    for team in teams? {
        whole.servers.extend(team.servers);
        whole.pools.extend(team.pools);
    }
    whole.servers.sort_by_key(|(place, _)| *place);
    whole.pools.sort_by_key(|(place, _)| *place);
    let (mut outlook, mut weeks) = (Outlook::default(), Vec::new());
    for (_, (server, weekly)) in whole.servers {
        weeks.extend(weekly.map(|p| (server.server_id.clone(), p)));
        outlook.servers.push(server);
    }
    outlook.pools = whole.pools.into_iter().flat_map(|(_, risks)| risks).collect();
    let threshold = asked.threshold;
    let weeks = (asked.first_day.filter(|_| !weeks.is_empty())).map(|first_day| WeeklyRisk {
        threshold,
        first_day,
        servers: weeks,
    });
    Ok(Plan { outlook, weeks, price_source: asked.book.source().to_owned(), notes })
}

/// What [`plan`] says of one server, by its place in the panel, with every size that was weighed for it, cheapest first.
///
/// # Errors
/// As [`plan`].
pub(crate) fn plan_server(
    panel: &Panel,
    means: &Panel,
    forecasts: &Forecasts,
    config: &Config,
    context: &Context,
    place: usize,
) -> Result<(ServerOutlook, Sizing)> {
    let asked = Asked::new(panel, means, forecasts, config, context)?;
    let judged = asked.server(place, &asked.common(&[place]))?;
    Ok((judged.outlook, judged.sizing))
}

/// Servers whose futures are held in memory at a time while those of their pool are added up.
const HELD_AT_ONCE: usize = 4;

/// The places of the servers of each pool, and of each server without one by itself.
fn teams(panel: &Panel) -> Vec<Vec<usize>> {
    let (mut by_pool, mut alone) = (BTreeMap::<&str, Vec<usize>>::new(), Vec::new());
    for (place, server) in panel.servers().iter().enumerate() {
        match server.pool.as_deref() {
            Some(pool) => by_pool.entry(pool).or_default().push(place),
            None => alone.push(vec![place]),
        }
    }
    by_pool.into_values().chain(alone).collect()
}

/// What is said of a server, and its chance of a bad day week by week.
type JudgedServer = (ServerOutlook, Option<Vec<f64>>);

/// One server, judged, and what that was done with.
struct Judged {
    outlook: ServerOutlook,
    weeks: Option<Vec<f64>>,
    sizing: Sizing,
    futures: Vec<Option<Future>>,
}

/// What is said of servers that serve together, by their places, and of their pools.
#[derive(Default)]
struct JudgedTeam {
    servers: Vec<(usize, JudgedServer)>,
    pools: Vec<(usize, Vec<PoolRisk>)>,
}

/// What every server is asked.
struct Asked<'a> {
    panel: &'a Panel,
    by_server: BTreeMap<&'a str, Vec<Judgeable<'a>>>,
    groups: Vec<Group>,
    fleet: Fleet<'a>,
    committed: Option<Effect>,
    sums: Sums<'a>,
    threshold: f64,
    limits: Limits,
    book: PriceBook,
    calendar: Arc<Calendar>,
    costs: Option<Costs>,
    first_day: Option<Date>,
    n_paths: usize,
    context: &'a Context<'a>,
}

impl<'a> Asked<'a> {
    fn new(
        panel: &'a Panel,
        means: &Panel,
        forecasts: &'a Forecasts,
        config: &Config,
        context: &'a Context,
    ) -> Result<Self> {
        let (mut limits, mut book, calendar) = (limits(config), price_book(config)?, config.calendar()?);
        let first_day = forecasts.series.iter().map(|f| f.date(0)).max();
        let horizon = forecasts.series.iter().map(|f| f.horizon()).max().unwrap_or(0);
        let committed = match first_day.filter(|_| horizon > 0) {
            Some(first_day) => baseline(config, panel, first_day, horizon)?,
            None => None,
        };
        if let Some(effect) = &committed {
            limits.thresholds = effect.thresholds().map_or(limits.thresholds, <[f64]>::to_vec);
            book = book.with_prices(|name| effect.price_factor(name));
        }
        limits.check()?;
        let costs = costs(config)?;
        context.progress.begin("grouping servers", 0);
        Ok(Self {
            panel,
            by_server: by_server(panel, forecasts),
            groups: fleetcast_plan::groups(panel, means, &limits, &calendar),
            fleet: Fleet::new(panel, forecasts, config.plan.n_paths),
            committed,
            sums: Sums::new(panel, forecasts, &limits.thresholds, config.plan.n_paths),
            // Weeks are counted for the stricter reading of "too full": the highest threshold.
            threshold: limits.thresholds.iter().copied().fold(f64::MIN, f64::max),
            limits,
            book,
            calendar,
            costs,
            first_day,
            n_paths: config.plan.n_paths,
            context,
        })
    }

    /// Judges servers that serve together, and adds their futures up on the way.
    fn team(&self, team: &[usize]) -> Result<JudgedTeam> {
        let (mut judged, mut open) = (JudgedTeam::default(), Open::new());
        let common = self.common(team);
        for places in team.chunks(HELD_AT_ONCE) {
            let some: Result<Vec<_>> = places.par_iter().map(|&place| self.server(place, &common)).collect();
            for (&place, Judged { outlook, weeks, futures, .. }) in places.iter().zip(some?) {
                let is_retired = self.committed.as_ref().is_some_and(|effect| effect.is_retired(place));
                let known = self.series(place).iter().zip(&futures).filter(|_| !is_retired);
                for ((history, _), (paths, _)) in known.filter_map(|(series, future)| Some((series, future.as_ref()?)))
                {
                    self.sums.add(&mut open, history.id(), paths)?;
                }
                judged.servers.push((place, (outlook, weeks)));
            }
        }
        judged.pools = self.sums.risks(&open);
        Ok(judged)
    }

    fn series(&self, place: usize) -> &[Judgeable<'_>] {
        let server_id = self.panel.servers()[place].server_id();
        self.by_server.get(server_id).map(Vec::as_slice).unwrap_or_default()
    }

    /// What the futures of servers that serve together have in common; nothing where committed what-ifs change them,
    /// because these are drawn one by one.
    fn common(&self, team: &[usize]) -> InCommon {
        let team = team.iter().filter(|_| self.committed.is_none());
        let series = team.flat_map(|&place| self.series(place));
        InCommon::draw(series.filter_map(|(_, forecast)| forecast.as_ref().ok().copied()), self.n_paths)
    }

    /// Judges one server, whose futures have `common` with those of its pool.
    fn server(&self, place: usize, common: &InCommon) -> Result<Judged> {
        let (server, series) = (&self.panel.servers()[place], self.series(place));
        let futures = match &self.committed {
            Some(effect) => changed_futures(&self.fleet, place, series, effect)?,
            None => futures(series, common)?,
        };
        let outlooks = outlooks(server, series, &futures);
        let risks = risks(server, series, &outlooks, &self.limits, &self.calendar);
        let sizing = fleetcast_plan::size(server, &outlooks, &self.book, &self.limits);
        let mut recommendation = sizing.recommendation.clone();
        if self.committed.as_ref().is_some_and(|effect| effect.is_retired(place)) {
            recommendation = switched_off(recommendation, self.book.of(server));
        }
        if let Some(costs) = &self.costs {
            costs.tell(&mut recommendation, server);
        }
        let bottleneck = fleetcast_plan::bottleneck(&outlooks, self.limits.sizing_threshold());
        let weeks = self.first_day.and_then(|first| weekly(&outlooks, self.threshold, first));
        self.context.progress.advance(1);
        let (server_id, group) = (server.server_id().to_owned(), self.groups[place].clone());
        let outlook = ServerOutlook { server_id, risks, group, recommendation, bottleneck };
        Ok(Judged { outlook, weeks, sizing, futures })
    }
}

/// One metric of a server: what was observed, and the forecast or the reason there is none.
type Judgeable<'a> = (&'a History, std::result::Result<&'a SeriesForecast, String>);

fn by_server<'a>(panel: &'a Panel, forecasts: &'a Forecasts) -> BTreeMap<&'a str, Vec<Judgeable<'a>>> {
    let made: BTreeMap<_, &SeriesForecast> = forecasts.series.iter().map(|f| (&f.id, f)).collect();
    let refused: BTreeMap<_, &str> = forecasts.refusals.iter().map(|r| (&r.id, r.reason.as_str())).collect();
    let mut servers: BTreeMap<&str, Vec<Judgeable>> = BTreeMap::new();
    for history in panel.histories() {
        let forecast = match made.get(history.id()) {
            _ if history.n_observed() < SHORTEST_HISTORY => {
                Err(format!("{} days of history, it takes {SHORTEST_HISTORY}", history.n_observed()))
            }
            Some(forecast) => Ok(*forecast),
            None => Err(refused.get(history.id()).copied().unwrap_or("no forecast").to_owned()),
        };
        servers.entry(&history.id().server_id).or_default().push((history, forecast));
    }
    servers
}

/// The futures of one series, and what is expected of it where that is not what was forecast.
type Future = (Paths, Option<Vec<f64>>);

fn futures(series: &[Judgeable], common: &InCommon) -> Result<Vec<Option<Future>>> {
    let future = |forecast: &SeriesForecast| -> Result<Future> { Ok((forecast.paths_among(common)?, None)) };
    series.iter().map(|(_, forecast)| forecast.as_ref().ok().map(|made| future(made)).transpose()).collect()
}

/// The futures after what the committed what-ifs do.
fn changed_futures(fleet: &Fleet, place: usize, series: &[Judgeable], effect: &Effect) -> Result<Vec<Option<Future>>> {
    let future = |history: &History| -> Result<Option<Future>> {
        Ok(fleet.future(place, history, effect)?.map(|(paths, expected)| (paths, Some(expected))))
    };
    let all = series.iter().map(|(history, forecast)| match forecast {
        Ok(_) => future(history),
        Err(_) => Ok(None),
    });
    all.collect()
}

/// The advice for a server that a committed what-if switches off.
fn switched_off(advice: Recommendation, book: &PriceBook) -> Recommendation {
    let price = advice.from_type.as_deref().and_then(|name| book.get(name));
    Recommendation {
        action: Action::Retire,
        to_type: None,
        saving_usd_per_month: price.map(|found| found.usd_per_hour * HOURS_PER_MONTH),
        p_violation: None,
        expected_bad_days: None,
        binding: None,
        reason: "a committed what-if switches it off".to_owned(),
        ..advice
    }
}

fn outlooks<'a>(server: &'a Server, series: &[Judgeable<'a>], futures: &'a [Option<Future>]) -> Vec<SeriesOutlook<'a>> {
    let known = series.iter().zip(futures).filter_map(|((history, forecast), future)| {
        let (forecast, (paths, changed)) = (forecast.as_ref().ok()?, future.as_ref()?);
        Some(SeriesOutlook { server, history, expected: changed.as_ref().unwrap_or(&forecast.expected), paths })
    });
    known.collect()
}

/// Risks of every metric of a server, in the order of its series.
fn risks(
    server: &Server,
    series: &[Judgeable],
    outlooks: &[SeriesOutlook],
    limits: &Limits,
    calendar: &Calendar,
) -> Vec<Risk> {
    let mut judged = outlooks.iter();
    let rows = series.iter().flat_map(|(history, forecast)| match forecast {
        // There is one outlook per forecast, in the same order.
        Ok(_) => judged.next().map(|outlook| fleetcast_plan::risks(outlook, limits, calendar)).unwrap_or_default(),
        Err(reason) => {
            let cutoff = history.cutoff().date();
            fleetcast_plan::unknown_risks(server.server_id(), history.metric(), cutoff, limits, reason)
        }
    });
    rows.collect()
}

/// P(bad day) in each week from `first` on; `None` when no metric has a capacity.
fn weekly(outlooks: &[SeriesOutlook], threshold: f64, first: Date) -> Option<Vec<f64>> {
    let judged: Vec<_> = outlooks.iter().filter_map(|o| Some((o, threshold / 100.0 * o.capacity()?))).collect();
    let (horizon, n) = judged.first().map(|(o, _)| (o.paths.horizon(), o.paths.len()))?;
    let mut bad = vec![0_u32; horizon.div_ceil(7)];
    let mut seen = vec![false; bad.len()];
    let mut paths: Vec<_> =
        judged.iter().map(|(o, limit)| (o.paths.iter(), *limit, offset(o.history, first))).collect();
    for _ in 0..n {
        seen.fill(false);
        for (metric, limit, offset) in &mut paths {
            // Every metric of a server has as many paths as the first, and most of them are never over.
            let path = metric.next().filter(|path| path.iter().fold(false, |any, value| any | (value >= limit)));
            for (day, &value) in path.into_iter().flatten().enumerate() {
                if value >= *limit && day >= *offset && (day - *offset) / 7 < seen.len() {
                    seen[(day - *offset) / 7] = true;
                }
            }
        }
        bad.iter_mut().zip(&seen).for_each(|(count, &hit)| *count += u32::from(hit));
    }
    Some(bad.into_iter().map(|count| f64::from(count) / n as f64).collect())
}

/// Days between the first step of a series' future and `first`, which is no earlier for the newest series.
fn offset(history: &History, first: Date) -> usize {
    let own = history.timeline().date(history.len());
    usize::try_from(first.duration_since(own).as_hours() / 24).unwrap_or(0)
}
