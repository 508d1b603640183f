//! The best forecast anyone could state: who knows a fleet's parameters and its state at a cutoff draws
//! its future again, many times.

mod continuation;
mod draws;
mod order;

use crate::daily::{Dates, Scope};
use crate::driver::State;
use crate::{Error, Fleet, Result};
use draws::{Draws, Known};
use fleetcast_core::{SCORED_QUANTILES, Server};
use fleetcast_numeric::Stream;
use jiff::ToSpan;
use jiff::civil::Date;
use order::Quantiles;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

/// Longest future that is drawn, in days.
const LONGEST_HORIZON: usize = 730;
/// Most futures that are drawn.
const MOST_DRAWS: usize = 100_000;
/// Pools whose shared futures are kept.
const REMEMBERED_POOLS: usize = 4;

/// What an oracle is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OracleSpec {
    /// The last local date it knows: a day of the fleet's run.
    pub cutoff: Date,
    /// Days after the cutoff, 1 to 730; they may lie beyond the run.
    pub horizon_days: usize,
    /// Futures to draw, 1 to 100,000.
    pub n_draws: usize,
}

impl OracleSpec {
    /// Futures that are drawn when nobody asks for another number.
    pub const DRAWS: usize = 2_000;
}

/// One who knows everything about a fleet up to the end of a day, and of the days after it the laws alone.
///
/// It knows the scenario, each server's effects, the state of all noise (a server's own and that of its
/// pool, service, region and fleet) and what is under way, with its whole course. It draws anew what comes
/// after the cutoff: the noise goes on from its state, and events begin by their rates. Draws are keyed by
/// the seed and the cutoff, so they are the same in any order and on any thread. It speaks of the load a
/// server is asked for while it is there: births and retirements are not drawn.
///
/// Draw k of one server belongs to draw k of every other: servers that share noise or events share them in
/// each draw, so that draws may be added up over a pool ([`Oracle::futures`]). Quantiles may not.
///
/// ```
/// use fleetcast_sim::{Fleet, FleetSpec, OracleSpec, SampleStep, Scenario};
/// use jiff::civil::date;
///
/// let spec = FleetSpec { n_servers: 3, start: date(2022, 1, 1), days: 400, step: SampleStep::Day, seed: 42 };
/// let fleet = Fleet::new(Scenario::named("enterprise")?, spec)?;
/// let oracle = fleet.oracle(OracleSpec { cutoff: date(2022, 12, 31), horizon_days: 30, n_draws: 200 })?;
/// let cpu = &oracle.server(0).metrics[0];
/// assert!(cpu.quantiles[0][29] <= cpu.quantiles[6][29]);
/// # Ok::<(), fleetcast_sim::Error>(())
/// ```
#[derive(Debug)]
pub struct Oracle<'a> {
    fleet: &'a Fleet,
    spec: OracleSpec,
    /// Number of the cutoff among the fleet's days.
    cutoff_day: usize,
    dates: Vec<Date>,
    tables: Dates,
    /// The seed of the noise of all draws, and that of the events of each.
    seed: u64,
    seeds: Vec<u64>,
    pools: Mutex<VecDeque<(usize, SharedFutures)>>,
}

/// What the servers of a pool have in common.
type SharedFutures = Arc<OnceLock<draws::Futures>>;

/// What the oracle says of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerOracle {
    /// The server.
    pub server: Server,
    /// Its local dates after the cutoff.
    pub dates: Vec<Date>,
    /// Per metric of [`crate::METRICS`].
    pub metrics: [OracleSeries; 4],
}

/// What the oracle says of one metric of one server, one value per date.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OracleSeries {
    /// Quantiles of the observed daily P95 at [`SCORED_QUANTILES`], in the metric's unit.
    pub quantiles: [Vec<f64>; 7],
    /// Probability that some day after the cutoff, up to this date, is at or over 80 % and 90 % of the
    /// capacity. Days before the cutoff do not count. `None` where the server has no capacity.
    pub p_crossed: [Option<Vec<f64>>; 2],
}

/// All draws of one server: observed daily P95s.
#[derive(Clone, Debug, PartialEq)]
pub struct Futures {
    n_draws: usize,
    values: [Vec<f64>; 4],
}

impl Futures {
    /// The draws of one metric on one day after the cutoff (0 is the first), in the metric's unit.
    pub fn day(&self, metric: usize, day: usize) -> &[f64] {
        &self.values[metric][day * self.n_draws..(day + 1) * self.n_draws]
    }
}

impl Fleet {
    /// The oracle of this fleet at a cutoff.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a cutoff that is no day of the run, and for a horizon or a number of draws
    /// that makes no sense.
    pub fn oracle(&self, spec: OracleSpec) -> Result<Oracle<'_>> {
        let (first, last) = (self.dates[0], self.dates[self.spec.days - 1]);
        if !(first..=last).contains(&spec.cutoff) {
            let allowed = format!("a day of the run, {first} to {last}");
            return Err(Error::range("oracle", "cutoff", spec.cutoff, &allowed));
        }
        let cutoff_day = (spec.cutoff.duration_since(first).as_hours() / 24) as usize;
        let room = (crate::spec::LAST.duration_since(spec.cutoff).as_hours() / 24) as usize;
        if !(1..=LONGEST_HORIZON.min(room)).contains(&spec.horizon_days) {
            let allowed = format!("between 1 and {LONGEST_HORIZON} days, and end with 2060");
            return Err(Error::range("oracle", "horizon", spec.horizon_days, &allowed));
        }
        if !(1..=MOST_DRAWS).contains(&spec.n_draws) {
            let allowed = format!("between 1 and {MOST_DRAWS}");
            return Err(Error::range("oracle", "draws", spec.n_draws, &allowed));
        }
        let after = spec.cutoff.saturating_add(1.day());
        let dates: Vec<Date> = after.series(1.day()).take(spec.horizon_days).collect();
        let tables = Dates::new(&self.scenario, &dates);
        let stream = Stream::new(self.spec.seed, &["oracle", &spec.cutoff.to_string()]);
        let seed = |draw| {
            let [low, high, ..] = stream.block(draw);
            u64::from(low) | (u64::from(high) << 32)
        };
        let seeds = (1..=spec.n_draws as u64).map(seed).collect();
        let (seed, pools) = (seed(0), Mutex::default());
        Ok(Oracle { fleet: self, spec, cutoff_day, dates, tables, seed, seeds, pools })
    }
}

impl Oracle<'_> {
    /// What it was asked.
    pub fn spec(&self) -> OracleSpec {
        self.spec
    }

    /// What can be known of the server of this index.
    pub fn server(&self, index: usize) -> ServerOracle {
        let known = Known::new(self, index);
        let draws = self.draws(&known);
        let mut quantiles = Quantiles::new(&SCORED_QUANTILES, self.spec.n_draws);
        let metrics = std::array::from_fn(|m| {
            let mut series = OracleSeries { p_crossed: draws.p_crossed(m), ..OracleSeries::default() };
            for day in 0..self.dates.len() {
                let values = quantiles.of(draws.day(m, day), |score| known.observed(self.fleet, m, day, score));
                series.quantiles.iter_mut().zip(values).for_each(|(series, value)| series.push(value));
            }
            series
        });
        ServerOracle { server: known.subject.server, dates: self.dates.clone(), metrics }
    }

    /// The draws themselves; draw k of one server belongs to draw k of every other.
    pub fn futures(&self, index: usize) -> Futures {
        let known = Known::new(self, index);
        let draws = self.draws(&known);
        let values = std::array::from_fn(|m| {
            let observed = |day| {
                let known = &known;
                draws.day(m, day).iter().map(move |&score| known.observed(self.fleet, m, day, score))
            };
            (0..self.dates.len()).flat_map(observed).collect()
        });
        Futures { n_draws: self.spec.n_draws, values }
    }

    fn draws(&self, known: &Known) -> Draws {
        let shared = self.shared(known);
        let shared = shared.get_or_init(|| self.shared_futures(known));
        Draws::new(self, known, shared)
    }

    /// The place of a pool's shared futures, which the first of its servers fills.
    fn shared(&self, known: &Known) -> SharedFutures {
        let key = known.subject.member.pool;
        // A thread that panicked while it held the lock left the list whole: entries are only moved in.
        let mut recent = self.pools.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, known)) = recent.iter().find(|(pool, _)| *pool == key) {
            return Arc::clone(known);
        }
        let place = SharedFutures::default();
        if recent.len() == REMEMBERED_POOLS {
            recent.pop_front();
        }
        recent.push_back((key, Arc::clone(&place)));
        place
    }

    /// The futures of the noise that a pool, its service, its region and the fleet have, added up.
    fn shared_futures(&self, known: &Known) -> draws::Futures {
        let (scenario, member) = (&self.fleet.scenario, &known.subject.member);
        let scopes = [
            (Scope::Pool, known.subject.pool.as_str()),
            (Scope::Service, &scenario.raw.services[member.service].name),
            (Scope::Region, &scenario.regions[member.region].name),
            (Scope::Fleet, ""),
        ];
        draws::Futures::new(self, &scopes)
    }

    /// What one scope's noise passes on to the days after the cutoff.
    fn state(&self, scope: Scope, name: &str) -> State {
        self.fleet.noise.state(self.fleet.spec.seed, scope, name, self.cutoff_day)
    }
}
