//! A fleet: a scenario with a size, a span and a seed, whose servers can be generated one by one.

use crate::clock::ZoneDays;
use crate::daily::{self, DailyNoise, Dates, Layers, Scope, Sources};
use crate::effects::{self, Effects};
use crate::events::{Collecting, Course, Instants, Laws, Life, Owner, Place, Pool, Resize, resizes};
use crate::intraday::{self, Inside, Ratios};
use crate::layers::{self, Saturation};
use crate::membership::{self, Membership};
use crate::noise::Columns;
use crate::tail::DayP95;
use crate::telemetry::{DailyTelemetry, Event, METRICS, ServerTelemetry, TrueCrossing, TruthSeries};
use crate::{FleetSpec, Layer, Result, SampleStep, Scenario, Workspace};
use fleetcast_core::{Calendar, Metric, Server};
use fleetcast_numeric::{Stream, math};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

/// Thresholds whose first crossing the truth tells, in % of the capacity.
pub(crate) const THRESHOLDS: [f64; 2] = [80.0, 90.0];

/// No expectation is given for later days: the calendars end before.
const LAST_EXPECTED_DAY: usize = 30_000;

/// Pools whose noise is kept.
const REMEMBERED_POOLS: usize = 16;

/// A fleet that can be generated, server by server, on any thread and in any order.
#[derive(Debug)]
pub struct Fleet {
    pub(crate) scenario: Scenario,
    pub(crate) spec: FleetSpec,
    pub(crate) metrics: [Arc<Metric>; 4],
    pub(crate) saturation: Saturation,
    pub(crate) noise: DailyNoise,
    laws: Laws,
    /// The days of the run; at finer steps one more, towards which the last evening leads.
    pub(crate) dates: Vec<Date>,
    day_tables: Dates,
    /// Per region.
    zones: Vec<ZoneDays>,
    /// Noise of each service, of each region and of the whole fleet, made when first asked for.
    services: Vec<OnceLock<Columns>>,
    regions: Vec<OnceLock<Columns>>,
    common: OnceLock<Columns>,
    /// Shared noise of the pools asked for last: the servers of a pool are mostly generated one after another.
    pools: Mutex<VecDeque<(usize, Arc<Columns>)>>,
    /// Per archetype.
    ratios: Vec<OnceLock<Ratios>>,
}

/// One server of the fleet and how it differs from its profile.
pub(crate) struct Subject {
    pub(crate) index: usize,
    /// As it was at the start.
    pub(crate) server: Server,
    pub(crate) pool: String,
    pub(crate) member: Membership,
    pub(crate) effects: Effects,
    pub(crate) course: Course,
}

impl Fleet {
    /// A fleet of `spec` in `scenario`.
    ///
    /// # Errors
    /// [`crate::Error::OutOfRange`] for a fleet of no servers or no days, or outside 1990 to 2060.
    pub fn new(scenario: Scenario, spec: FleetSpec) -> Result<Self> {
        spec.check()?;
        let process_days = spec.days + usize::from(spec.step != SampleStep::Day);
        // The start of the day after the last ends it.
        let boundaries = spec.dates(process_days - spec.days + 1);
        let dates = boundaries[..process_days].to_vec();
        let saturation = &scenario.raw.saturation;
        let knee = saturation.knee_percent / 100.0;
        Ok(Self {
            metrics: METRICS.map(|name| Arc::new(Metric::named(name))),
            saturation: if saturation.is_hard() { Saturation::Hard } else { Saturation::Smooth(knee) },
            noise: DailyNoise::new(&scenario),
            laws: Laws::new(&scenario, spec.step != SampleStep::Day),
            day_tables: Dates::new(&scenario, &dates),
            dates,
            zones: scenario.regions.iter().map(|r| ZoneDays::new(&r.zone, &boundaries, spec.step)).collect(),
            services: scenario.raw.services.iter().map(|_| OnceLock::new()).collect(),
            regions: scenario.regions.iter().map(|_| OnceLock::new()).collect(),
            common: OnceLock::new(),
            pools: Mutex::default(),
            ratios: scenario.archetypes.iter().map(|_| OnceLock::new()).collect(),
            scenario,
            spec,
        })
    }

    /// The metrics, in the order of [`METRICS`].
    pub fn metrics(&self) -> [Arc<Metric>; 4] {
        self.metrics.clone()
    }

    /// Number of servers.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one server")]
    pub fn len(&self) -> usize {
        self.spec.n_servers
    }

    /// What was asked for.
    pub fn spec(&self) -> FleetSpec {
        self.spec
    }

    /// The scenario it is generated in.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Quarter ends and holidays its load follows, but for regions with holidays of their own.
    pub fn calendar(&self) -> &Calendar {
        &self.scenario.calendar
    }

    /// Quarter ends and holidays that the server of this index follows: those of its region.
    pub fn calendar_of(&self, index: usize) -> &Calendar {
        let member = Membership::of(&self.scenario, self.spec.seed, index);
        &self.scenario.regions[member.region].calendar
    }

    /// The server of this index: its id, place and hardware, as an inventory has it at the end of the run:
    /// `valid_from` is the day since which it is so, its birth or last resize. An index beyond the fleet is a
    /// server of a larger fleet.
    pub fn server(&self, index: usize) -> Server {
        let seed = self.spec.seed;
        let member = Membership::of(&self.scenario, seed, index);
        let server = self.first_server(&member, index);
        let life = Life::of(&self.scenario.raw.churn, seed, server.server_id());
        let hardware = (&server.shape, self.is_busy(&member));
        let pool = member.pool_name(&self.scenario);
        let (resizes, _) = resizes(&self.scenario, (seed, &pool), hardware, 0..self.spec.days);
        self.as_last_seen(server, life, &resizes)
    }

    /// A server with the hardware it has at the end of the run, or had when it was retired.
    fn as_last_seen(&self, mut server: Server, life: Life, resizes: &[Resize]) -> Server {
        let end = life.retired.unwrap_or(self.spec.days).min(self.spec.days);
        let mut since = life.born;
        if let Some(last) = resizes.iter().rfind(|resize| resize.day < end) {
            since = since.max(last.day);
            server.shape = last.shape.clone();
        }
        server.valid_from = Some(self.spec.start.saturating_add((since as i64).days()));
        server
    }

    /// The server as it was at the start.
    fn first_server(&self, member: &Membership, index: usize) -> Server {
        member.server(&self.scenario, index, self.spec.start).expect("an archetype's name is not empty")
    }

    /// Whether a server's pool has more load than half of the busy pools.
    fn is_busy(&self, member: &Membership) -> bool {
        let effects = &self.scenario.raw.effects;
        effects::pool_log_load(effects, self.spec.seed, member.pool) >= math::ln(effects.busy_median_factor)
    }

    /// Index of the server with this id; `None` when the fleet has none.
    pub fn index_of(&self, server_id: &str) -> Option<usize> {
        let index = server_id.rsplit('-').next()?.parse().ok()?;
        (index < self.len() && self.server(index).server_id() == server_id).then_some(index)
    }

    /// Everything about the server of this index. A function of scenario, seed, span, step and index
    /// alone. An index beyond the fleet is a server of a larger fleet.
    pub fn generate(&self, index: usize) -> ServerTelemetry {
        self.generate_in(&mut Workspace::default(), index)
    }

    /// As [`Fleet::generate`], in memory that servers before it have given back.
    pub fn generate_in(&self, memory: &mut Workspace, index: usize) -> ServerTelemetry {
        let subject = self.subject(index, self.dates.len());
        let layers = self.layers(&subject, memory);
        let days = subject.course.life.days(self.spec.days);
        let crossings = self.crossings(&subject, &layers, days.clone());
        let zone = &self.zones[subject.member.region];
        let ts_ms = zone.times_ms(self.spec.days).to_vec();
        let (truth, daily) = match self.spec.step {
            SampleStep::Day => {
                let ones = self.day_tables.ones();
                let truth = self.serve(layers.map(|layers| daily_truth(layers, ones)), memory);
                let daily = self.daily(&subject, &truth, memory);
                (truth, Some(daily))
            }
            _ => (self.intraday(&subject, layers, zone, memory), None),
        };
        let events = self.events_of(&subject);
        let observed = truth.each_ref().map(|series| memory.copy(&series.observed));
        let server = self.as_last_seen(subject.server.clone(), subject.course.life, &subject.course.resizes);
        let deliveries = Vec::new();
        let mut telemetry = ServerTelemetry { server, ts_ms, observed, daily, truth, events, crossings, deliveries };
        self.collect(&subject, &mut telemetry);
        if days.len() < self.spec.days {
            telemetry.keep(zone.n_samples(days.start)..zone.n_samples(days.end), days);
        }
        telemetry
    }

    /// Lays the faults of the collector over what it would have read.
    fn collect(&self, subject: &Subject, telemetry: &mut ServerTelemetry) {
        let collecting = Collecting {
            law: &self.scenario.raw.collector,
            seed: self.spec.seed,
            pool: &subject.pool,
            instants: self.instants(subject),
            n_days: self.spec.days,
            step_s: self.spec.step.seconds(),
        };
        collecting.apply(telemetry);
    }

    /// Expected daily P95 of the demand, per metric of [`METRICS`], of the server of this index on
    /// `n_days` days from day `from_day` on (0 is the start; days after the run's end are allowed, up to
    /// day 30,000: no more days are given).
    ///
    /// It knows the scenario, the server's effects and the events that began on or before `from_day`, each
    /// with its whole course; not the noise, whose mean is 1, and not later events.
    /// Demand, not what is served: it may exceed the capacity.
    pub fn expected(&self, index: usize, from_day: usize, n_days: usize) -> [Vec<f64>; 4] {
        let from_day = from_day.min(LAST_EXPECTED_DAY);
        let last = from_day.saturating_add(n_days).min(LAST_EXPECTED_DAY);
        let n_days = last - from_day;
        let subject = self.subject(index, from_day + 1);
        let first = self.spec.start.saturating_add((from_day as i64).days());
        let dates: Vec<Date> = first.series(1.day()).take(n_days).collect();
        let tables = Dates::new(&self.scenario, &dates);
        let kind = (subject.member.archetype, subject.member.region);
        let memory = &mut Workspace::default();
        let layers = daily::expected(&self.scenario, &tables, from_day, kind, &subject.effects, memory);
        let mut metric = 0;
        layers.map(|layer| {
            let events = subject.course.daily(metric, last);
            metric += 1;
            let days = layer.growth.iter().zip(&layer.week).zip(&layer.season).zip(&events[from_day..]);
            days.map(|(((growth, week), season), event)| layer.base * growth * week * season * event).collect()
        })
    }

    /// All that happened to the first `n_servers` servers, each event once, by start and id. What went wrong
    /// in collecting their telemetry is told with the telemetry.
    pub fn events(&self, n_servers: usize) -> Vec<Event> {
        let mut events: Vec<Event> = (0..n_servers)
            .flat_map(|index| {
                let subject = self.subject(index, self.spec.days);
                self.events_of(&subject)
            })
            .collect();
        events.sort_by(|a, b| (a.start_ms, &a.event_id).cmp(&(b.start_ms, &b.event_id)));
        events.dedup_by(|a, b| a.event_id == b.event_id);
        events
    }

    /// What is told of a server's events.
    fn events_of(&self, subject: &Subject) -> Vec<Event> {
        let owner = Owner { server_id: subject.server.server_id(), pool: &subject.pool };
        subject.course.events(owner, &self.instants(subject), self.spec.days)
    }

    /// The clock of a server.
    fn instants<'a>(&'a self, subject: &'a Subject) -> Instants<'a> {
        let days = &self.zones[subject.member.region].days;
        Instants { first: self.spec.start, zone: &subject.server.zone, days }
    }

    /// The server of this index, with the events that begin before day `n_days`.
    pub(crate) fn subject(&self, index: usize, n_days: usize) -> Subject {
        let seed = self.spec.seed;
        let member = Membership::of(&self.scenario, seed, index);
        let server = self.first_server(&member, index);
        let pool = member.pool_name(&self.scenario);
        let effects = Effects::of(&self.scenario, seed, &member, server.server_id());
        let mut subject = Subject { index, server, pool, member, effects, course: Course::default() };
        subject.course = self.course(seed, &subject, 0..n_days);
        subject
    }

    /// The events of a server that begin on the days `begin`, drawn from `seed`, after those it is known to
    /// have.
    pub(crate) fn course(&self, seed: u64, subject: &Subject, begin: Range<usize>) -> Course {
        let member = &subject.member;
        let members = membership::pool_members(self.spec.seed, subject.index);
        let resized = subject.course.resizes.iter().rfind(|resize| resize.day < begin.start);
        let place = Place {
            server_id: subject.server.server_id(),
            index: subject.index,
            pool: Pool { name: &subject.pool, members },
            archetype: member.archetype,
            region: member.region,
            shape: resized.map_or(&subject.server.shape, |resize| &resize.shape),
            is_busy: self.is_busy(member),
            phase_hours: subject.effects.rhythm.phase_hours,
            first: self.spec.start,
        };
        Course::of(&self.scenario, &self.laws, seed, &place, begin)
    }

    fn layers(&self, subject: &Subject, memory: &mut Workspace) -> [Layers; 4] {
        let (member, effects) = (&subject.member, &subject.effects);
        let kind = (member.archetype, member.region);
        let mut layers = daily::expected(&self.scenario, &self.day_tables, 0, kind, effects, memory);
        let shared = self.shared_noise(subject);
        let (server_id, archetype) = (subject.server.server_id(), member.archetype);
        let seed = self.spec.seed;
        let sources = Sources { seed, server_id, archetype, shared: &shared, course: &subject.course };
        self.noise.complete(&mut layers, effects, &sources, memory);
        layers
    }

    /// The noise that a server's pool, its service, its region and the fleet have, added up; remembered while
    /// the other servers of the pool are likely to ask for it.
    fn shared_noise(&self, subject: &Subject) -> Arc<Columns> {
        let key = subject.member.pool;
        // A thread that panicked while it held the lock left the list whole: entries are only moved in.
        let recent = || self.pools.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, known)) = recent().iter().find(|(pool, _)| *pool == key) {
            return Arc::clone(known);
        }
        let member = &subject.member;
        let (service, region) =
            (&self.scenario.raw.services[member.service].name, &self.scenario.regions[member.region]);
        let of = |scope, name: &str| self.noise.shared(self.spec.seed, scope, name, self.dates.len());
        let mut noise = of(Scope::Pool, &subject.pool);
        daily::add(&mut noise, self.services[member.service].get_or_init(|| of(Scope::Service, service)));
        daily::add(&mut noise, self.regions[member.region].get_or_init(|| of(Scope::Region, &region.name)));
        daily::add(&mut noise, self.common.get_or_init(|| of(Scope::Fleet, "")));
        let noise = Arc::new(noise);
        let mut recent = recent();
        if recent.len() == REMEMBERED_POOLS {
            recent.pop_front();
        }
        recent.push_back((key, Arc::clone(&noise)));
        noise
    }

    fn intraday(
        &self,
        subject: &Subject,
        layers: [Layers; 4],
        zone: &ZoneDays,
        memory: &mut Workspace,
    ) -> [TruthSeries; 4] {
        let effects = &subject.effects;
        let step = self.spec.step.to_string();
        let stream = Stream::new(self.spec.seed, &["noise", "inside the day", subject.server.server_id(), &step]);
        let plain_start = zone.days.iter().find_map(|day| day.plain_start()).unwrap_or(0);
        let size = (zone.n_samples(zone.days.len()), zone.step_s, plain_start);
        let inside = Inside::new(&self.scenario, subject.member.archetype, &effects.rhythm, stream, size, memory);
        let mut p95 = DayP95::default();
        let span = (zone, self.spec.days);
        let truth = std::array::from_fn(|m| {
            intraday::samples(&inside, m, (&layers[m], &subject.course), span, (&mut p95, memory))
        });
        inside.end(memory);
        for layer in layers {
            [layer.noise, layer.demand].into_iter().for_each(|column| memory.give(column));
        }
        self.serve(truth, memory)
    }

    /// What bounds a metric on a server: its capacity where it is a percentage; throughput in MB/s is
    /// not bounded.
    pub(crate) fn bound(&self, metric: usize) -> Option<f64> {
        self.metrics[metric].bounds().map(|bounds| bounds.high)
    }

    fn serve(&self, mut truth: [TruthSeries; 4], memory: &mut Workspace) -> [TruthSeries; 4] {
        for (m, series) in truth.iter_mut().enumerate() {
            series.observed = memory.room(series.demand.len());
            self.saturation.serve_all(&series.demand, self.bound(m), &mut series.observed, &mut series.saturated);
        }
        truth
    }

    fn daily(&self, subject: &Subject, truth: &[TruthSeries; 4], memory: &mut Workspace) -> DailyTelemetry {
        let archetype = subject.member.archetype;
        let ratios = self.ratios[archetype].get_or_init(|| Ratios::new(&self.scenario, archetype));
        let tables = ratios.tables(&subject.effects);
        let stream = Stream::new(self.spec.seed, &["mean and maximum", subject.server.server_id()]);
        let n_tables = tables[0][0].len();
        let mut days = vec![0_usize; self.spec.days];
        if n_tables > 1 {
            let mut drawn = memory.stale(self.spec.days);
            stream.fill_uniforms(0, &mut drawn);
            let day = |uniform: &f64| ((uniform * n_tables as f64) as usize).min(n_tables - 1);
            days.iter_mut().zip(&drawn).for_each(|(number, uniform)| *number = day(uniform));
            memory.give(drawn);
        }
        let mut series = |m: usize, which: usize| {
            let table = &tables[m][which];
            let mut column = memory.room(days.len());
            let demand = truth[m].demand.iter();
            match table[..] {
                [ratio] => column.extend(demand.map(|demand| demand * ratio)),
                _ => column.extend(demand.zip(&days).map(|(demand, &day)| demand * table[day])),
            }
            self.saturation.serve_in_place(&mut column, self.bound(m));
            column
        };
        let (mut mean, mut max): ([Vec<f64>; 4], [Vec<f64>; 4]) =
            (std::array::from_fn(|m| series(m, 0)), std::array::from_fn(|m| series(m, 1)));
        let p95 = truth.each_ref().map(|series| memory.copy(&series.observed));
        for m in 0..METRICS.len() {
            let passing = subject.course.passing(m).iter().filter(|(day, _)| *day < self.spec.days);
            for &(day, effect) in passing {
                let ratios = [0, 1].map(|which| tables[m][which][days[day]]);
                let served = |ratio: f64, share: f64| {
                    self.saturation.serve(truth[m].demand[day] * ratio * share, self.bound(m)).0
                };
                mean[m][day] = served(ratios[0], effect.mean).min(p95[m][day]);
                max[m][day] = served(ratios[1], effect.max).max(p95[m][day]);
            }
        }
        DailyTelemetry { dates: self.dates[..self.spec.days].to_vec(), p95, mean, max }
    }

    /// The first days over a limit among `days`.
    fn crossings(&self, subject: &Subject, layers: &[Layers; 4], days: Range<usize>) -> Vec<TrueCrossing> {
        let mut crossings = Vec::new();
        for (metric, layer) in layers.iter().enumerate() {
            // Throughput keeps its capacity when a server is resized: the volume stays.
            let Some(capacity) = subject.server.capacity(&self.metrics[metric]) else { continue };
            let bound = self.bound(metric);
            let demand = &layer.demand[days.clone()];
            let most = layers::most(demand);
            for threshold in THRESHOLDS {
                let limit = threshold / 100.0 * capacity;
                let over = |demand: &f64| self.saturation.serve(*demand, bound).0 >= limit;
                // What is served rises with the demand, and most servers never come near.
                if !over(&most) {
                    continue;
                }
                let from = self.saturation.reaches(limit, bound) * (1.0 - 1e-9);
                if let Some(day) = demand.iter().position(|demand| *demand >= from && over(demand)) {
                    crossings.push(TrueCrossing { metric, threshold, date: self.dates[days.start + day] });
                }
            }
        }
        crossings
    }
}

fn daily_truth(layers: Layers, ones: &Layer) -> TruthSeries {
    TruthSeries {
        base: layers.base,
        day: ones.clone(),
        growth: layers.growth,
        week: layers.week,
        season: layers.season,
        noise: layers.noise,
        event: layers.event,
        demand: layers.demand,
        observed: Vec::new(),
        saturated: Vec::new(),
    }
}
