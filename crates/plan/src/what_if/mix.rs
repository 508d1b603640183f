//! Changes as sums over the futures of servers.

use super::change::Place;
use super::{Change, WhatIf};
use crate::Result;
use fleetcast_core::{Metric, Server};
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a server's load is after the changes: a sum, day by day, over its own load before them and that of
/// the servers whose load it takes over.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// What its own load is multiplied by.
    pub own: Vec<f64>,
    /// What is added, in the metric's unit.
    pub added: Vec<f64>,
    /// Other servers by their place, and what their load is multiplied by.
    pub received: Vec<(usize, Vec<f64>)>,
}

impl Mix {
    /// The load after the changes, from that of this server and of any other by its place before them;
    /// the days of a server without futures count for nothing.
    pub fn load<'a>(&self, own: &[f64], other: impl Fn(usize) -> Option<&'a [f64]>) -> Vec<f64> {
        let mut load: Vec<f64> =
            own.iter().enumerate().map(|(day, value)| value * at(&self.own, day) + at(&self.added, day)).collect();
        for (place, weights) in &self.received {
            for ((day, sum), value) in load.iter_mut().enumerate().zip(other(*place).into_iter().flatten()) {
                *sum += value * at(weights, day);
            }
        }
        load
    }
}

/// A value of a day; what holds on the last day holds after it.
fn at(values: &[f64], day: usize) -> f64 {
    values.get(day).or(values.last()).copied().unwrap_or(0.0)
}

/// Load of one server that moves to others.
#[derive(Clone, Debug, PartialEq)]
struct Move {
    from: usize,
    to: Vec<usize>,
    metrics: Vec<String>,
    /// Share of what is left of the load, day by day.
    share: Vec<f64>,
}

/// Load of one server that is multiplied.
#[derive(Clone, Debug, PartialEq)]
struct Growth {
    metrics: Vec<String>,
    factor: Vec<f64>,
}

/// Load that is added on one server.
#[derive(Clone, Debug, PartialEq)]
struct Launch {
    metric: String,
    percent: Vec<f64>,
}

/// What a what-if does to a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    servers: Vec<Arc<Server>>,
    horizon: usize,
    /// By server, in the order of the file.
    grown: BTreeMap<usize, Vec<Growth>>,
    /// By server, in the order of the file.
    launched: BTreeMap<usize, Vec<Launch>>,
    moves: Vec<Move>,
    /// Servers that are switched off for good.
    retired: Vec<usize>,
    /// Servers whose load had nowhere to go.
    lost: Vec<usize>,
    thresholds: Option<Vec<f64>>,
    prices: Vec<(String, f64)>,
}

impl Effect {
    /// What `what_if` does to the next `horizon` days of `servers`, the first of which is `first_day`.
    ///
    /// # Errors
    /// [`crate::Error::Change`] for servers that are not there, a day that is over, or one beyond the horizon.
    pub fn of(what_if: &WhatIf, servers: &[Arc<Server>], first_day: Date, horizon: usize) -> Result<Self> {
        Self::of_all(&[what_if], servers, first_day, horizon)
    }

    /// The same of several what-ifs, one after the other.
    ///
    /// # Errors
    /// As [`Effect::of`].
    pub fn of_all(what_ifs: &[&WhatIf], servers: &[Arc<Server>], first_day: Date, horizon: usize) -> Result<Self> {
        let mut effect = Self {
            servers: servers.to_vec(),
            horizon,
            grown: BTreeMap::new(),
            launched: BTreeMap::new(),
            moves: Vec::new(),
            retired: Vec::new(),
            lost: Vec::new(),
            thresholds: None,
            prices: Vec::new(),
        };
        for (place, change) in what_ifs.iter().flat_map(|one| one.placed()) {
            let days = Days::of(change, place, first_day, horizon)?;
            effect.add(change, place, &days)?;
        }
        Ok(effect)
    }

    fn add(&mut self, change: &Change, place: Place<'_>, days: &Days) -> Result<()> {
        let servers = self.servers.clone();
        let places = |select: &super::Select, key: &str| select.places(&servers, place, key);
        match change {
            Change::Growth { servers, factor, metrics, .. } => {
                for server in places(servers, "servers")? {
                    let growth = Growth { metrics: metrics.clone(), factor: days.values(*factor, 1.0) };
                    self.grown.entry(server).or_default().push(growth);
                }
            }
            Change::Launch { servers, add_percent, .. } => {
                for server in places(servers, "servers")? {
                    let launch = |(metric, add): (&String, &f64)| Launch {
                        metric: metric.clone(),
                        percent: days.values(*add, 0.0),
                    };
                    self.launched.entry(server).or_default().extend(add_percent.iter().map(launch));
                }
            }
            Change::Migration { servers, to, share, metrics, .. } => {
                let (from, to) = (places(servers, "servers")?, places(to, "to")?);
                somewhere(&from, &to, place)?;
                self.relocate(&from, &to, metrics, days.values(*share, 0.0));
            }
            Change::Retirement { servers, to, .. } => {
                let from = places(servers, "servers")?;
                let to = to.as_ref().map(|to| places(to, "to")).transpose()?.unwrap_or_default();
                if !to.is_empty() {
                    somewhere(&from, &to, place)?;
                }
                self.retired.extend(&from);
                self.relocate(&from, &to, &[], days.values(1.0, 0.0));
            }
            Change::RegionLoss { region, .. } => {
                let select = super::Select { region: Some(region.clone()), ..super::Select::default() };
                let from = places(&select, "region")?;
                for &server in &from {
                    let to = self.survivors(server, &from);
                    if to.is_empty() {
                        self.lost.push(server);
                    }
                    self.relocate(&[server], &to, &[], days.values(1.0, 0.0));
                }
            }
            Change::Threshold { percent } => self.thresholds = Some(percent.clone()),
            Change::Price { types, factor } => self.prices.push((types.clone(), *factor)),
        }
        Ok(())
    }

    fn relocate(&mut self, from: &[usize], to: &[usize], metrics: &[String], share: Vec<f64>) {
        // Nobody takes over the load of a machine that leaves as well.
        let to: Vec<usize> = to.iter().copied().filter(|place| !from.contains(place)).collect();
        for &from in from {
            self.moves.push(Move { from, to: to.clone(), metrics: metrics.to_vec(), share: share.clone() });
        }
    }

    /// Servers that take over the load of a lost one: those of its pool that are left, else those of its
    /// service that do the same kind of work.
    fn survivors(&self, server: usize, lost: &[usize]) -> Vec<usize> {
        let own = &self.servers[server];
        let left = |is_like: &dyn Fn(&Server) -> bool| -> Vec<usize> {
            (0..self.servers.len()).filter(|place| !lost.contains(place) && is_like(&self.servers[*place])).collect()
        };
        let pool = left(&|other| own.pool.is_some() && other.pool == own.pool);
        if !pool.is_empty() {
            return pool;
        }
        left(&|other| own.service.is_some() && other.service == own.service && other.archetype == own.archetype)
    }

    /// Thresholds in the place of those of the plan; `None` when they stay.
    pub fn thresholds(&self) -> Option<&[f64]> {
        self.thresholds.as_deref()
    }

    /// What the price of a type is multiplied by.
    pub fn price_factor(&self, instance_type: &str) -> f64 {
        let own = self.prices.iter().filter(|(types, _)| instance_type.starts_with(types.as_str()));
        own.map(|(_, factor)| factor).product()
    }

    /// Whether prices or thresholds change, which touches every server.
    pub fn touches_all(&self) -> bool {
        self.thresholds.is_some() || !self.prices.is_empty()
    }

    /// Whether a server is switched off for good.
    pub fn is_retired(&self, server: usize) -> bool {
        self.retired.contains(&server)
    }

    /// Servers of a lost region whose load nobody takes over.
    pub fn lost(&self) -> impl ExactSizeIterator<Item = &Server> {
        self.lost.iter().map(|&place| self.servers[place].as_ref())
    }

    /// What becomes of one metric of a server; `None` when its load stays as it is.
    pub fn mix(&self, server: usize, metric: &Metric) -> Option<Mix> {
        let name = metric.name();
        let factor = self.factor(server, name);
        let left = self.left(server, name);
        let launched = self.launch(server, metric);
        let mut mix = Mix { own: product(&factor, &left), added: product(&launched, &left), received: Vec::new() };
        for (at, one) in self.moves.iter().enumerate() {
            let Some(share) = self.share_of(one, server, metric) else { continue };
            // What this move takes is a share of what the moves before it have left.
            let before = self.left_before(one.from, name, at);
            let moved: Vec<f64> = one.share.iter().zip(&before).map(|(moved, left)| moved * left * share).collect();
            mix.received.push((one.from, product(&self.factor(one.from, name), &moved)));
            let added = product(&self.launch(one.from, metric), &moved);
            mix.added.iter_mut().zip(&added).for_each(|(sum, added)| *sum += added);
        }
        let same = mix.received.is_empty() && mix.own.iter().all(|&v| v == 1.0) && mix.added.iter().all(|&v| v == 0.0);
        (!same).then_some(mix)
    }

    /// What a server gets of each unit that a move takes from another: its part of the room of all that
    /// take over, in units of its own size. `None` when it gets nothing.
    fn share_of(&self, one: &Move, server: usize, metric: &Metric) -> Option<f64> {
        if !one.to.contains(&server) || !is_about(&one.metrics, metric.name()) {
            return None;
        }
        let room = |place: usize| room(&self.servers[place], metric).unwrap_or(1.0);
        let all: f64 = one.to.iter().map(|&place| room(place)).sum();
        // Load in per cent is scaled by the sizes of the two machines; amounts are not.
        let scale = if metric.name() == "disk_io" { 1.0 } else { room(one.from) / room(server) };
        Some(room(server) / all * scale)
    }

    fn factor(&self, server: usize, metric: &str) -> Vec<f64> {
        let mut factor = vec![1.0; self.horizon];
        let own = self.grown.get(&server).into_iter().flatten().filter(|growth| is_about(&growth.metrics, metric));
        for growth in own {
            factor.iter_mut().zip(&growth.factor).for_each(|(factor, by_day)| *factor *= by_day);
        }
        factor
    }

    fn launch(&self, server: usize, metric: &Metric) -> Vec<f64> {
        let mut added = vec![0.0; self.horizon];
        // What has no capacity has no per cent of it either.
        let percent = self.servers[server].capacity(metric).unwrap_or(0.0) / 100.0;
        let own = self.launched.get(&server).into_iter().flatten().filter(|launch| launch.metric == metric.name());
        for launch in own {
            added.iter_mut().zip(&launch.percent).for_each(|(added, by_day)| *added += percent * by_day);
        }
        added
    }

    fn left(&self, server: usize, metric: &str) -> Vec<f64> {
        self.left_before(server, metric, self.moves.len())
    }

    /// Share of a server's load that the first `n_moves` moves leave, day by day.
    fn left_before(&self, server: usize, metric: &str, n_moves: usize) -> Vec<f64> {
        let mut left = vec![1.0; self.horizon];
        let own = self.moves[..n_moves].iter().filter(|one| one.from == server && is_about(&one.metrics, metric));
        for one in own {
            left.iter_mut().zip(&one.share).for_each(|(left, share)| *left *= 1.0 - share);
        }
        left
    }
}

/// Load that moves must find a server that does not lose its own.
fn somewhere(from: &[usize], to: &[usize], place: Place<'_>) -> Result<()> {
    if to.iter().any(|place| !from.contains(place)) {
        return Ok(());
    }
    let allowed = "servers of which one at least is not among those whose load goes".to_owned();
    Err(place.wrong("to", "the same servers".to_owned(), allowed))
}

fn is_about(metrics: &[String], metric: &str) -> bool {
    metrics.is_empty() || metrics.iter().any(|name| name == metric)
}

fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// How large a server is for a metric; `None` where nobody said.
fn room(server: &Server, metric: &Metric) -> Option<f64> {
    let shape = &server.shape;
    let room = match metric.name() {
        "cpu" => shape.vcpu,
        "memory" => shape.memory_gib,
        "network" => shape.network_mbit_per_s,
        "disk_io" => shape.disk_mb_per_s,
        _ => None,
    };
    room.filter(|room| *room > 0.0 && room.is_finite())
}

/// The days on which a change holds.
struct Days {
    first: usize,
    /// The day after the last.
    end: usize,
    horizon: usize,
}

impl Days {
    fn of(change: &Change, place: Place<'_>, first_day: Date, horizon: usize) -> Result<Self> {
        let (from, until) = change.days();
        let step = |key: &str, date: Date| {
            let step = date.duration_since(first_day).as_hours() / 24;
            let wrong = |allowed: String| place.wrong(key, date.to_string(), allowed);
            match usize::try_from(step) {
                Err(_) => Err(wrong(format!("{first_day} or later: days before it are over"))),
                Ok(step) if key == "from" && step >= horizon => {
                    Err(wrong(format!("within the {horizon} days that are planned, from {first_day} on")))
                }
                Ok(step) => Ok(step),
            }
        };
        let first = from.map(|date| step("from", date)).transpose()?.unwrap_or(0);
        let end = until.map(|date| step("until", date)).transpose()?.map_or(usize::MAX, |last| last + 1);
        if end <= first {
            let found = until.map(|date| date.to_string()).unwrap_or_default();
            return Err(place.wrong("until", found, "no earlier than `from`".to_owned()));
        }
        Ok(Self { first, end, horizon })
    }

    /// `inside` on the days, `outside` on the others.
    fn values(&self, inside: f64, outside: f64) -> Vec<f64> {
        let holds = |day: usize| (self.first..self.end).contains(&day);
        (0..self.horizon).map(|day| if holds(day) { inside } else { outside }).collect()
    }
}
