//! The primary process: the daily P95 of a server's demand, layer by layer.

use crate::effects::Effects;
use crate::events::Course;
use crate::layers;
use crate::noise::{Driver, Marginal, Mixer, Quad, WildDays};
use crate::scenario::Scenario;
use fleetcast_numeric::{Stream, math};
use jiff::civil::{Date, Weekday};

/// What all servers share from day to day: the day's class and the season of each archetype.
#[derive(Clone, Debug)]
pub(crate) struct Dates {
    /// Per region, index into the week's factors, 0 for Monday; a holiday is a Sunday.
    class: Vec<Vec<u8>>,
    /// Season factor of each archetype.
    season: Vec<Vec<f64>>,
}

impl Dates {
    pub(crate) fn new(scenario: &Scenario, dates: &[Date]) -> Self {
        let class = scenario
            .regions
            .iter()
            .map(|region| dates.iter().map(|&date| class_index(region.calendar.day_class(date))).collect())
            .collect();
        let excess = scenario.raw.season.year_end_excess_factor;
        let season = scenario
            .archetypes
            .iter()
            .map(|archetype| {
                let (peak, trough) =
                    (archetype.profile.quarter_end_peak_factor(), archetype.profile.mid_quarter_trough_factor());
                dates.iter().map(|&date| layers::season(&scenario.calendar, date, peak, trough, excess)).collect()
            })
            .collect();
        Self { class, season }
    }

    pub(crate) fn len(&self) -> usize {
        self.class[0].len()
    }
}

fn class_index(day: Weekday) -> u8 {
    day.to_monday_zero_offset().unsigned_abs()
}

/// The layers of one metric of one server, one value per day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layers {
    pub(crate) base: f64,
    pub(crate) growth: Vec<f64>,
    pub(crate) week: Vec<f64>,
    pub(crate) season: Vec<f64>,
    pub(crate) noise: Vec<f64>,
    pub(crate) event: Vec<f64>,
    pub(crate) demand: Vec<f64>,
}

/// The layers but noise and events, of all metrics; `first_day` is the number of the first of `dates`.
pub(crate) fn expected(
    scenario: &Scenario,
    dates: &Dates,
    first_day: usize,
    (archetype, region): (usize, usize),
    effects: &Effects,
) -> [Layers; 4] {
    let profile = &scenario.archetypes[archetype].profile;
    let week_loading = scenario.raw.week_loading.array();
    std::array::from_fn(|m| {
        let week: [f64; 7] = profile.week().map(|factor| power(factor, week_loading[m]));
        let season = &dates.season[archetype];
        Layers {
            base: effects.base[m],
            growth: (0..dates.len()).map(|day| layers::growth(effects.growth[m], first_day + day)).collect(),
            week: dates.class[region].iter().map(|&class| week[usize::from(class)]).collect(),
            season: season.iter().map(|&factor| power(factor, effects.season[m])).collect(),
            ..Layers::default()
        }
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
    /// The noise of its pool, its service, and its region with the fleet's, before it is correlated.
    pub(crate) shared: [&'a [Quad]; 3],
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

    /// The noise that all servers of one scope share.
    pub(crate) fn shared(&self, seed: u64, scope: Scope, scope_id: &str, n_days: usize) -> Vec<Quad> {
        let (stream, scale) = self.part(seed, scope, scope_id);
        let mut values = vec![[0.0; 4]; n_days];
        if scale > 0.0 {
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
    pub(crate) fn state(&self, seed: u64, scope: Scope, scope_id: &str, last: usize) -> Vec<Quad> {
        self.driver.state(self.part(seed, scope, scope_id).0, last)
    }

    /// The correlated noise of one server: standard normal but for its wild days.
    fn standard(&self, sources: &Sources<'_>) -> Vec<Quad> {
        let [pool, service, region] = sources.shared;
        let sum = |((a, b), c): ((&Quad, &Quad), &Quad)| std::array::from_fn(|m| a[m] + b[m] + c[m]);
        let mut values: Vec<Quad> = pool.iter().zip(service).zip(region).map(sum).collect();
        let (own, scale) = self.part(sources.seed, Scope::Server, sources.server_id);
        if scale > 0.0 {
            self.driver.add(own, scale, &mut values);
        }
        let wild = self.wild_days(sources.seed, sources.server_id);
        for (day, value) in values.iter_mut().enumerate() {
            let scale = self.wild.scale(wild, day);
            *value = self.mixers[sources.archetype].mix(*value).map(|z| z * scale);
        }
        values
    }

    /// The stream that chooses a server's wild days.
    pub(crate) fn wild_days(&self, seed: u64, server_id: &str) -> Stream {
        Stream::new(seed, &["noise", "wild days", server_id])
    }

    /// Correlates the metrics of one day's noise, one column per metric, one entry per draw, and makes the
    /// day wild in the draws whose uniform number says so.
    pub(crate) fn correlate_columns(&self, archetype: usize, uniforms: &[f64], columns: &mut [Vec<f64>; 4]) {
        let [a, b, c, d] = columns.each_mut().map(|column| &mut column[..]);
        for ((((a, b), c), d), &uniform) in a.iter_mut().zip(b).zip(c).zip(d).zip(uniforms) {
            let scale = self.wild.scale_at(uniform);
            [*a, *b, *c, *d] = self.mixers[archetype].mix([*a, *b, *c, *d]).map(|z| z * scale);
        }
    }

    /// The law of each metric's residual.
    pub(crate) fn laws(&self, effects: &Effects) -> [Marginal; 4] {
        effects.noise.map(|variation| Marginal::new(self.is_normal, variation, &self.wild))
    }

    /// Lays the noise of one server, and its events, over its expected layers.
    pub(crate) fn complete(&self, layers: &mut [Layers; 4], effects: &Effects, sources: &Sources<'_>) {
        let standard = self.standard(sources);
        for (m, (layer, law)) in layers.iter_mut().zip(self.laws(effects)).enumerate() {
            layer.noise = standard.iter().map(|z| law.factor(z[m])).collect();
            layer.event = sources.course.daily(m, layer.growth.len());
            layer.demand = layer.product();
        }
    }
}

impl Layers {
    /// base x growth x week x season x noise x event, day by day.
    fn product(&self) -> Vec<f64> {
        let days = self.growth.iter().zip(&self.week).zip(&self.season).zip(&self.noise).zip(&self.event);
        days.map(|((((growth, week), season), noise), event)| self.base * growth * week * season * noise * event)
            .collect()
    }
}
