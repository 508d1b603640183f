//! Servers that serve together: their joint futures added up.

use crate::Result;
use crate::forecast::{Forecasts, InCommon, SeriesForecast};
use crate::line_up::SHORTEST_HISTORY;
use fleetcast_core::{History, Panel, Paths, PoolRisk, SeriesId, Server};
use fleetcast_plan::{PoolPaths, pool_weight};
use std::collections::BTreeMap;

/// One server of a pool, in one metric.
pub(crate) struct Member<'a> {
    history: &'a History,
    forecast: &'a SeriesForecast,
    pub(crate) capacity: f64,
    /// What it counts in the sum.
    pub(crate) weight: f64,
}

/// The servers of one pool that can be added up, in one metric.
pub(crate) struct Pool<'a> {
    pub(crate) name: &'a str,
    pub(crate) metric: &'a str,
    pub(crate) members: Vec<Member<'a>>,
    n_left_out: usize,
    by_size: bool,
}

/// Whether servers of a pool have anything in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    /// As their past errors did.
    Together,
    /// Nothing: what a sum of independent servers would be.
    Apart,
}

/// The pools of a panel with at least two servers that are forecast to the same day, by name and metric.
pub(crate) fn pools<'a>(panel: &'a Panel, forecasts: &'a Forecasts) -> Vec<Pool<'a>> {
    let made: BTreeMap<&SeriesId, &SeriesForecast> = forecasts.series.iter().map(|f| (&f.id, f)).collect();
    let mut by_pool: BTreeMap<(&str, &str), Vec<(&Server, &History)>> = BTreeMap::new();
    for history in panel.histories() {
        let Some(server) = panel.server(&history.id().server_id) else { continue };
        if let (Some(pool), Some(_)) = (&server.pool, server.capacity(history.metric())) {
            by_pool.entry((pool, history.metric().name())).or_default().push((server, history));
        }
    }
    let pool = |((name, metric), all): ((&'a str, &'a str), Vec<(&'a Server, &'a History)>)| {
        let member = |&(server, history): &(&'a Server, &'a History)| {
            let forecast = *made.get(history.id()).filter(|_| history.n_observed() >= SHORTEST_HISTORY)?;
            let (capacity, weight) = (server.capacity(history.metric())?, pool_weight(server, history.metric()));
            Some(Member { history, forecast, capacity, weight: weight.unwrap_or(f64::NAN) })
        };
        let mut members: Vec<Member> = all.iter().filter_map(member).filter(|m| m.capacity > 0.0).collect();
        // Futures can be added up only where they begin and end on the same days.
        let days = |member: &Member| (member.forecast.last_seen, member.forecast.horizon());
        let latest = members.iter().map(days).max();
        members.retain(|member| Some(days(member)) == latest);
        let by_size = members.iter().all(|member| !member.weight.is_nan());
        members.iter_mut().filter(|_| !by_size).for_each(|member| member.weight = 1.0);
        let n_left_out = all.len() - members.len();
        Pool { name, metric, members, n_left_out, by_size }
    };
    by_pool.into_iter().map(pool).filter(|pool| pool.members.len() > 1).collect()
}

impl<'a> Pool<'a> {
    /// The joint futures of its servers, added up.
    ///
    /// # Errors
    /// When no path is asked for.
    pub(crate) fn sum(&self, thresholds: &[f64], n_paths: usize, draw: Draw) -> Result<PoolPaths> {
        let mut sum = self.empty(thresholds, n_paths);
        let common = InCommon::draw(self.members.iter().map(|member| member.forecast), n_paths);
        for member in &self.members {
            let paths = match draw {
                Draw::Together => member.forecast.paths_among(&common)?,
                Draw::Apart => member.forecast.paths_apart(n_paths)?,
            };
            sum.add(&paths, member.capacity, member.weight)?;
        }
        Ok(sum)
    }

    /// The sum of no server.
    pub(crate) fn empty(&self, thresholds: &[f64], n_paths: usize) -> PoolPaths {
        let horizon = self.members.first().map_or(0, |member| member.forecast.horizon());
        PoolPaths::new(n_paths, horizon, thresholds)
    }

    /// What its servers carried on the days after the origin, each in per cent of its own capacity, by server; `None`
    /// for one whose telemetry ends before. `whole` has their series with what came.
    pub(crate) fn came(&self, whole: &'a Panel, horizon: usize) -> Vec<Option<Vec<f64>>> {
        let percent = |member: &Member| -> Option<Vec<f64>> {
            let histories = whole.histories();
            let at = histories.binary_search_by(|history| history.id().cmp(member.history.id())).ok()?;
            let days = histories[at].values().get(member.history.len()..member.history.len() + horizon)?;
            Some(days.iter().map(|day| 100.0 * day / member.capacity).collect())
        };
        self.members.iter().map(percent).collect()
    }

    /// The risks of the sum of its servers.
    pub(crate) fn risks(&self, sum: &PoolPaths) -> Vec<PoolRisk> {
        let first = self.members.first();
        first.map_or_else(Vec::new, |first| sum.risks(self.name, first.history, self.n_left_out, self.by_size))
    }
}

/// The risks of a fleet's pools, added up server by server while these are judged.
pub(crate) struct Sums<'a> {
    pools: Vec<Pool<'a>>,
    /// Pool and place in it of each series.
    places: BTreeMap<&'a SeriesId, (usize, usize)>,
    thresholds: Vec<f64>,
    n_paths: usize,
}

/// The sums of some pools, by their places.
pub(crate) type Open = BTreeMap<usize, PoolPaths>;

impl<'a> Sums<'a> {
    pub(crate) fn new(panel: &'a Panel, forecasts: &'a Forecasts, thresholds: &[f64], n_paths: usize) -> Self {
        let mut thresholds = thresholds.to_vec();
        thresholds.sort_unstable_by(f64::total_cmp);
        thresholds.dedup();
        let pools = pools(panel, forecasts);
        let members = |(at, pool): (usize, &Pool<'a>)| {
            let ids: Vec<_> = pool.members.iter().map(|member| member.history.id()).collect();
            ids.into_iter().enumerate().map(move |(place, id)| (id, (at, place)))
        };
        let places = pools.iter().enumerate().flat_map(members).collect();
        Self { pools, places, thresholds, n_paths }
    }

    /// Adds the futures of a series to the sum of its pool, if it has one.
    ///
    /// # Errors
    /// When they reach another day than those of the pool.
    pub(crate) fn add(&self, open: &mut Open, id: &SeriesId, paths: &Paths) -> Result<()> {
        let Some(&(at, place)) = self.places.get(id) else { return Ok(()) };
        let member = &self.pools[at].members[place];
        let sum = open.entry(at).or_insert_with(|| self.pools[at].empty(&self.thresholds, self.n_paths));
        Ok(sum.add(paths, member.capacity, member.weight)?)
    }

    /// The risks of the pools that were added up, and their places: by pool and metric.
    pub(crate) fn risks(&self, open: &Open) -> Vec<(usize, Vec<PoolRisk>)> {
        open.iter().map(|(&at, sum)| (at, self.pools[at].risks(sum))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::Marginals;
    use fleetcast_core::{Dependence, Forecast, Metric, QUANTILE_GRID, Shared, Timeline};
    use fleetcast_numeric::stream::stable_hash;
    use std::sync::Arc;

    const DAYS: usize = 60;

    fn history(server_id: &str, days: usize) -> History {
        let values = (0..days).map(|day| 20.0 + (day % 7) as f64).collect();
        let timeline = Timeline::daily(jiff::civil::date(2024, 1, 1));
        History::new(SeriesId::new(server_id, "cpu"), Arc::new(Metric::named("cpu")), timeline, values).expect("finite")
    }

    /// Five days around 40 %, which all servers have in common as far as `shared` says.
    fn forecast(history: &History, shared: f64) -> SeriesForecast {
        let step: Vec<f64> = QUANTILE_GRID.iter().map(|q| 40.0 + 20.0 * (q - 0.5)).collect();
        let values = (0..5).flat_map(|_| step.clone()).collect();
        SeriesForecast {
            id: history.id().clone(),
            model: "auto".into(),
            last_seen: history.cutoff(),
            timeline: *history.timeline(),
            n_seen: history.len(),
            marginals: Marginals::Made(Forecast::new(&QUANTILE_GRID, vec![40.0; 5], values).expect("ascending")),
            expected: vec![40.0; 5],
            dependence: Dependence::new(0.5, 0.0, 0.0).expect("shares"),
            shared: Shared::new(shared, shared).expect("shares"),
            bounds: history.bounds(),
            stream_key: stable_hash(history.id().to_string().as_bytes()),
            pool_key: Some(7),
            weights: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn fleet(lengths: &[usize], vcpu: Option<f64>, shared: f64) -> (Panel, Forecasts) {
        let id = |at: usize| format!("web-{at}");
        let server = |at: usize| {
            let mut server = Server::new(&id(at)).expect("a name");
            server.pool = Some("web".to_owned());
            server.shape.vcpu = if at == 0 { vcpu } else { Some(4.0) };
            Arc::new(server)
        };
        let histories: Vec<History> = lengths.iter().enumerate().map(|(at, &days)| history(&id(at), days)).collect();
        let series = histories.iter().map(|history| forecast(history, shared)).collect();
        let panel = Panel::new((0..lengths.len()).map(server).collect(), histories).expect("distinct keys");
        (panel, Forecasts { series, ..Forecasts::default() })
    }

    fn risks(panel: &Panel, forecasts: &Forecasts, thresholds: &[f64]) -> Vec<PoolRisk> {
        let (sums, mut open) = (Sums::new(panel, forecasts, thresholds, 1000), Open::new());
        for forecast in &forecasts.series {
            sums.add(&mut open, &forecast.id, &forecast.paths(1000).expect("paths")).expect("the same days");
        }
        sums.risks(&open).into_iter().flat_map(|(_, risks)| risks).collect()
    }

    #[test]
    fn servers_that_cannot_be_added_up_are_left_out_and_counted() {
        let (panel, forecasts) = fleet(&[DAYS, DAYS, DAYS - 1, 10], Some(8.0), 0.0);
        let risks = risks(&panel, &forecasts, &[90.0, 80.0]);
        assert_eq!(risks.iter().map(|risk| risk.threshold).collect::<Vec<_>>(), [80.0, 90.0]);
        let found = |risk: &PoolRisk| (risk.n_servers, risk.n_left_out, risk.by_size);
        assert_eq!(found(&risks[0]), (2, 2, true));
        let (panel, forecasts) = fleet(&[DAYS, DAYS], None, 0.0);
        let unknown = super::tests::risks(&panel, &forecasts, &[80.0]);
        assert_eq!(found(&unknown[0]), (2, 0, false));
        assert!(pools(&fleet(&[DAYS], None, 0.0).0, &Forecasts::default()).is_empty());
    }

    #[test]
    fn servers_that_err_together_have_the_higher_peaks() {
        let lengths = [DAYS; 6];
        let peak = |shared: f64| {
            let (panel, forecasts) = fleet(&lengths, Some(4.0), shared);
            risks(&panel, &forecasts, &[80.0])[0].peak[2]
        };
        // One server's highest of five days is 48 in the mean of the joint futures; six that differ hide each other.
        let (apart, together) = (peak(0.0), peak(0.9));
        assert!(together > apart + 1.5 && together < 50.0, "{apart} {together}");
    }
}
