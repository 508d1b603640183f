//! The primary process: the daily P95 of a server's demand, layer by layer.

use crate::driver::{Driver, State};
use crate::effects::Effects;
use crate::events::Course;
use crate::layers;
use crate::noise::{Columns, Marginal, Mixer, WildDays};
use crate::scenario::Scenario;
use crate::{Layer, Profile, Workspace};
use fleetcast_numeric::{Stream, math, wide};
use jiff::civil::{Date, Weekday};
use multiversion::multiversion;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// What servers share from day to day: the day's class, and the layers that do not depend on the server.
#[derive(Debug)]
pub(crate) struct Dates {
    /// Per region, index into the week's factors, 0 for Monday; a holiday is a Sunday.
    class: Vec<Vec<u8>>,
    /// Per archetype, the season's different factors; it has few.
    season: Vec<Season>,
    /// 1 on every day.
    ones: Layer,
    /// Per archetype and region, the week of each metric, made when first asked for.
    weeks: Vec<OnceLock<[Layer; 4]>>,
    /// Per archetype and metric, the growth of the server that was first asked for, by its rate: in a plain
    /// fleet it is that of all.
    growth: Vec<[OnceLock<(f64, Layer)>; 4]>,
}

impl Dates {
    pub(crate) fn new(scenario: &Scenario, dates: &[Date]) -> Self {
        let class = scenario
            .regions
            .iter()
            .map(|region| dates.iter().map(|&date| class_index(scenario.day_class(&region.calendar, date))).collect())
            .collect();
        let excess = scenario.raw.season.year_end_excess_factor;
        let season = |profile: &Profile| {
            let (excess, trough) = (profile.peak_excess(excess), profile.mid_quarter_trough_factor());
            Season::new(dates.iter().map(|&date| layers::season(&scenario.calendar, date, excess, trough)))
        };
        Self {
            class,
            season: scenario.archetypes.iter().map(|archetype| season(&archetype.profile)).collect(),
            ones: vec![1.0; dates.len()].into(),
            weeks: (0..scenario.archetypes.len() * scenario.regions.len()).map(|_| OnceLock::new()).collect(),
            growth: scenario.archetypes.iter().map(|_| Default::default()).collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ones.len()
    }

    /// A layer that changes nothing.
    pub(crate) fn ones(&self) -> &Layer {
        &self.ones
    }

    /// The week of each metric with these exponents, which are the scenario's where servers do not differ.
    fn week(
        &self,
        scenario: &Scenario,
        (archetype, region): (usize, usize),
        exponents: [f64; 4],
        memory: &mut Workspace,
    ) -> [Layer; 4] {
        let factors = scenario.archetypes[archetype].profile.week();
        let mut layer = |exponent: f64| {
            let week = factors.map(|factor| power(factor, exponent));
            if week == [1.0; 7] {
                return self.ones.clone();
            }
            let mut column = memory.room(self.len());
            column.extend(self.class[region].iter().map(|&class| week[usize::from(class)]));
            Layer::from(column)
        };
        if exponents == scenario.raw.week_loading.array() {
            let known = &self.weeks[archetype * scenario.regions.len() + region];
            return known.get_or_init(|| exponents.map(layer)).clone();
        }
        exponents.map(&mut layer)
    }

    fn season(&self, archetype: usize, exponent: f64) -> Layer {
        if exponent == 0.0 { self.ones.clone() } else { self.season[archetype].raised(exponent) }
    }

    fn growth(&self, archetype: usize, metric: usize, rate: f64, first_day: usize, memory: &mut Workspace) -> Layer {
        if rate == 0.0 {
            return self.ones.clone();
        }
        let mut make = || {
            let mut column = memory.room(self.len());
            layers::growth(rate, first_day..first_day + self.len(), &mut column);
            Layer::from(column)
        };
        let (known, layer) = self.growth[archetype][metric].get_or_init(|| (rate, make()));
        if known.to_bits() == rate.to_bits() { layer.clone() } else { make() }
    }
}

/// The season of one archetype: which of its different factors each day has.
#[derive(Debug)]
struct Season {
    /// The season itself, day by day.
    days: Layer,
    /// Logarithms of its different factors, and which of them each day has.
    logs: Vec<f64>,
    rows: Arc<Vec<u32>>,
}

impl Season {
    fn new(days: impl Iterator<Item = f64>) -> Self {
        let days: Vec<f64> = days.collect();
        let (mut logs, mut places) = (Vec::new(), BTreeMap::new());
        let place = |factor: &f64| {
            *places.entry(factor.to_bits()).or_insert_with(|| {
                logs.push(math::ln(*factor));
                logs.len() as u32 - 1
            })
        };
        let rows = Arc::new(days.iter().map(place).collect());
        Self { days: days.into(), logs, rows }
    }

    /// Each factor to the power of `exponent`; a factor of 1 stays 1.
    fn raised(&self, exponent: f64) -> Layer {
        if exponent == 1.0 {
            return self.days.clone();
        }
        let mut factors: Vec<f64> = self.logs.iter().map(|log| exponent * log).collect();
        wide::exp(&mut factors);
        Layer::repeated(Arc::new(factors), Arc::clone(&self.rows))
    }
}

fn class_index(day: Weekday) -> u8 {
    day.to_monday_zero_offset().unsigned_abs()
}

/// The layers of one metric of one server, one value per day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layers {
    pub(crate) base: f64,
    pub(crate) growth: Layer,
    pub(crate) week: Layer,
    pub(crate) season: Layer,
    pub(crate) noise: Vec<f64>,
    pub(crate) event: Layer,
    pub(crate) demand: Vec<f64>,
}

/// The layers but noise and events, of all metrics; `first_day` is the number of the first of `dates`,
/// always the same for the same `dates`.
pub(crate) fn expected(
    scenario: &Scenario,
    dates: &Dates,
    first_day: usize,
    (archetype, region): (usize, usize),
    effects: &Effects,
    memory: &mut Workspace,
) -> [Layers; 4] {
    let mut week = dates.week(scenario, (archetype, region), effects.week, memory);
    std::array::from_fn(|m| Layers {
        base: effects.base[m],
        growth: dates.growth(archetype, m, effects.growth[m], first_day, memory),
        week: std::mem::take(&mut week[m]),
        season: dates.season(archetype, effects.season[m]),
        event: dates.ones().clone(),
        ..Layers::default()
    })
}

/// factor^exponent, exact for the exponents 0 and 1 and the factor 1.
fn power(factor: f64, exponent: f64) -> f64 {
    if exponent == 0.0 || factor == 1.0 {
        1.0
    } else if exponent == 1.0 {
        factor
    } else {
        math::pow(factor, exponent)
    }
}

/// What drives the residuals of one scenario.
#[derive(Clone, Debug)]
pub(crate) struct DailyNoise {
    pub(crate) driver: Driver,
    wild: WildDays,
    is_normal: bool,
    mixers: Vec<Mixer>,
    scales: Scales,
}

/// Shares of the standard deviation.
#[derive(Clone, Copy, Debug)]
struct Scales {
    own: f64,
    pool: f64,
    service: f64,
    region: f64,
    fleet: f64,
}

/// A set of servers that have noise in common.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    Server,
    Pool,
    Service,
    Region,
    Fleet,
}

/// What the residual of one server is made from.
pub(crate) struct Sources<'a> {
    pub(crate) seed: u64,
    pub(crate) server_id: &'a str,
    pub(crate) archetype: usize,
    /// The noise it has in common with others, before it is correlated. Without values where that is nothing.
    pub(crate) shared: &'a Columns,
    pub(crate) course: &'a Course,
}

impl DailyNoise {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let noise = &scenario.raw.noise;
        let own = 1.0 - noise.shared_by_pool - noise.shared_by_service - noise.shared_by_region - noise.shared_by_fleet;
        Self {
            driver: Driver::new(&noise.timescales_days, &noise.timescale_shares, 1.0),
            wild: WildDays::new(noise),
            is_normal: noise.is_normal(),
            mixers: scenario.archetypes.iter().map(|a| Mixer::new(&a.profile.correlation())).collect(),
            scales: Scales {
                // Rounding may leave a share a little under zero.
                own: math::sqrt(own.max(0.0)),
                pool: math::sqrt(noise.shared_by_pool),
                service: math::sqrt(noise.shared_by_service),
                region: math::sqrt(noise.shared_by_region),
                fleet: math::sqrt(noise.shared_by_fleet),
            },
        }
    }

    /// The noise that all servers of one scope share; empty columns where they share nothing.
    pub(crate) fn shared(&self, seed: u64, scope: Scope, scope_id: &str, n_days: usize) -> Columns {
        let (stream, scale) = self.part(seed, scope, scope_id);
        let mut values = Columns::default();
        if scale > 0.0 {
            values.iter_mut().for_each(|column| column.resize(n_days, 0.0));
            self.driver.add(stream, scale, &mut values);
        }
        values
    }

    /// The stream of one scope's noise, and its share of the standard deviation.
    pub(crate) fn part(&self, seed: u64, scope: Scope, scope_id: &str) -> (Stream, f64) {
        let (name, scale) = match scope {
            Scope::Server => ("server", self.scales.own),
            Scope::Pool => ("pool", self.scales.pool),
            Scope::Service => ("service", self.scales.service),
            Scope::Region => ("region", self.scales.region),
            Scope::Fleet => ("fleet", self.scales.fleet),
        };
        (Stream::new(seed, &["noise", name, scope_id]), scale)
    }

    /// What one scope's noise of day `last` passes on to the days after it.
    pub(crate) fn state(&self, seed: u64, scope: Scope, scope_id: &str, last: usize) -> State {
        self.driver.state(self.part(seed, scope, scope_id).0, last)
    }

    /// The correlated noise of one server: standard normal but for its wild days.
    fn standard(&self, sources: &Sources<'_>, n_days: usize, memory: &mut Workspace) -> Columns {
        let mut values: Columns = match &sources.shared[0][..] {
            [] => std::array::from_fn(|_| memory.filled(n_days, 0.0)),
            _ => sources.shared.each_ref().map(|column| memory.copy(column)),
        };
        let (own, scale) = self.part(sources.seed, Scope::Server, sources.server_id);
        if scale > 0.0 {
            self.driver.add(own, scale, &mut values);
        }
        let wild = self.wild_days(sources.seed, sources.server_id);
        let scales = self.wild.scales(wild, memory.stale(n_days));
        self.mixers[sources.archetype].mix(scales.as_deref(), &mut values);
        scales.into_iter().for_each(|column| memory.give(column));
        values
    }

    /// The stream that chooses a server's wild days.
    pub(crate) fn wild_days(&self, seed: u64, server_id: &str) -> Stream {
        Stream::new(seed, &["noise", "wild days", server_id])
    }

    /// Correlates the metrics of one day's noise, one column per metric, one entry per draw, and makes the
    /// day wild in the draws whose uniform number says so.
    pub(crate) fn correlate_columns(&self, archetype: usize, uniforms: &[f64], columns: &mut Columns) {
        let scales: Vec<f64> = uniforms.iter().map(|&uniform| self.wild.scale_at(uniform)).collect();
        self.mixers[archetype].mix(Some(&scales), columns);
    }

    /// The law of each metric's residual.
    pub(crate) fn laws(&self, effects: &Effects) -> [Marginal; 4] {
        effects.noise.map(|variation| Marginal::new(self.is_normal, variation, &self.wild))
    }

    /// Lays the noise of one server, and its events, over its expected layers.
    pub(crate) fn complete(
        &self,
        layers: &mut [Layers; 4],
        effects: &Effects,
        sources: &Sources<'_>,
        memory: &mut Workspace,
    ) {
        let n_days = layers[0].event.len();
        let standard = self.standard(sources, n_days, memory);
        let laws = self.laws(effects);
        for ((m, layer), mut noise) in layers.iter_mut().enumerate().zip(standard) {
            laws[m].apply(&mut noise);
            layer.noise = noise;
            if sources.course.touches(m) {
                let mut event = memory.filled(n_days, 1.0);
                sources.course.lay_daily(m, &mut event);
                layer.event = event.into();
            }
            layer.demand = layer.product(memory);
        }
    }
}

/// Adds one set of columns to another; those that are empty are nothing.
pub(crate) fn add(sums: &mut Columns, terms: &Columns) {
    for (sums, terms) in sums.iter_mut().zip(terms) {
        if sums.is_empty() {
            sums.clone_from(terms);
            continue;
        }
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }
}

impl Layers {
    /// base x growth x week x season x noise x event, day by day.
    fn product(&self, memory: &mut Workspace) -> Vec<f64> {
        // Layers whose values are shared by days are laid out once more, where the next pass finds them near.
        let mut laid_out = memory.room(self.noise.len());
        let mut demand = memory.stale(self.noise.len());
        let layers = [&self.growth, &self.week, &self.season, &self.event];
        let mut slices = layers.map(|layer| layer.as_slice().unwrap_or_default());
        if slices[2].is_empty() {
            self.season.lay_out(&mut laid_out);
            slices[2] = &laid_out;
        }
        multiply(self.base, slices, &self.noise, &mut demand);
        memory.give(laid_out);
        demand
    }
}

/// base x growth x week x season x noise x event.
#[multiversion(targets("x86_64+avx+avx2"))]
fn multiply(base: f64, [growth, week, season, event]: [&[f64]; 4], noise: &[f64], into: &mut [f64]) {
    let layers = growth.iter().zip(week).zip(season).zip(event).zip(noise);
    for (product, ((((growth, week), season), event), noise)) in into.iter_mut().zip(layers) {
        *product = base * growth * week * season * noise * event;
    }
}
