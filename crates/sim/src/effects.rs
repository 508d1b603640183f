//! How one server differs from its profile.

use crate::membership::{Membership, spread};
use crate::scenario::Scenario;
use fleetcast_numeric::{Stream, math, normal};

/// Growth no server falls below, whatever its draw: a shrinking server loses half its load in a year.
const LOWEST_GROWTH: f64 = -0.5;

/// The numbers of one server: its profile's, changed by its random effects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effects {
    /// Expected daily P95 on an ordinary weekday at the start.
    pub(crate) base: [f64; 4],
    /// Growth as a share per year.
    pub(crate) growth: [f64; 4],
    /// Exponents of the season factor.
    pub(crate) season: [f64; 4],
    /// Coefficient of variation of the daily residual.
    pub(crate) noise: [f64; 4],
    /// Exponents of the week factor.
    pub(crate) week: [f64; 4],
    /// What its days look like inside.
    pub(crate) rhythm: Rhythm,
}

/// What one server's days look like inside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rhythm {
    /// How much later than its profile the server has its day.
    pub(crate) phase_hours: f64,
    /// Factor on the scenario's noise inside the day.
    pub(crate) noise_factor: f64,
    /// Factor on the exponents of the time of day.
    pub(crate) day_factor: f64,
    /// Added to the logit of the share of the noise that is independent from sample to sample.
    pub(crate) burst_logit: f64,
    /// Spikes a day, on average.
    pub(crate) spikes_per_day: f64,
    /// Logarithm of the factor of its hourly job; 0 for none.
    pub(crate) hourly_log: f64,
    /// Second of the hour at which that job runs.
    pub(crate) hourly_second: i64,
}

impl Rhythm {
    /// A server like its profile, but for the noise, without spikes.
    pub(crate) fn plain(noise_factor: f64) -> Self {
        Self {
            phase_hours: 0.0,
            noise_factor,
            day_factor: 1.0,
            burst_logit: 0.0,
            spikes_per_day: 0.0,
            hourly_log: 0.0,
            hourly_second: 0,
        }
    }

    fn of(scenario: &Scenario, own: Stream) -> Self {
        let (effects, inside) = (&scenario.raw.effects, &scenario.raw.intraday);
        let has_job = own.uniform(64) < inside.hourly_job_share;
        Self {
            phase_hours: effects.phase_std_hours * own.normal(4),
            noise_factor: math::exp(effects.intraday_log_std * own.normal(40)),
            day_factor: math::exp(effects.day_log_std * own.normal(41)),
            burst_logit: effects.burst_logit_std * own.normal(42),
            spikes_per_day: inside.spikes_per_day * math::exp(effects.spikes_log_std * own.normal(43)),
            hourly_log: if has_job { inside.hourly_job_log_mean * own.exponential(65) } else { 0.0 },
            hourly_second: own.below(66, 3_600) as i64,
        }
    }
}

impl Effects {
    pub(crate) fn of(scenario: &Scenario, seed: u64, member: &Membership, server_id: &str) -> Self {
        let effects = &scenario.raw.effects;
        let profile = &scenario.archetypes[member.archetype].profile;
        let own = Stream::new(seed, &[server_id, "effects"]);
        let log_load = pool_log_load(effects, seed, member.pool) + effects.within_pool_log_std * own.normal(0);
        let loading = effects.loading.array();
        let base = std::array::from_fn(|m| {
            let log = loading[m] * log_load + effects.metric_log_std * own.normal(8 + m as u64);
            profile.base()[m] * effects.median_factor.array()[m] * math::exp(log)
        });
        let growth_common = own.normal(1);
        let service_factor = scenario.raw.services[member.service].growth_factor.unwrap_or(1.0);
        let growth = std::array::from_fn(|m| {
            // Half of the spread is the service's business, common to the metrics; half is each metric's.
            let z = (growth_common + own.normal(16 + m as u64)) * std::f64::consts::FRAC_1_SQRT_2;
            let factor = service_factor * (effects.growth_mean_factor + effects.growth_std_factor * z);
            (profile.growth_percent_per_year()[m] / 100.0 * factor).max(LOWEST_GROWTH)
        });
        let season_factor = math::exp(effects.season_log_std * own.normal(2));
        let noise_factor = math::exp(effects.noise_log_std * own.normal(3));
        let week_factor = math::exp(effects.week_log_std * own.normal(5));
        Self {
            base,
            growth,
            season: scenario.raw.season_loading.array().map(|loading| loading * season_factor),
            noise: profile.std_percent_of_base().map(|std| std / 100.0 * noise_factor),
            week: scenario.raw.week_loading.array().map(|loading| loading * week_factor),
            rhythm: Rhythm::of(scenario, own),
        }
    }
}

/// Logarithm of a pool's load over its profile's: a mixture of an idle and a busy class, spread evenly
/// over the pools so that each fleet has its share of both.
pub(crate) fn pool_log_load(effects: &crate::scenario::Effects, seed: u64, pool: usize) -> f64 {
    let at = spread(seed, pool, 1);
    let (share, median, log_std) = if at < effects.idle_share {
        (at / effects.idle_share, effects.idle_median_factor, effects.idle_log_std)
    } else {
        let rest = (at - effects.idle_share) / (1.0 - effects.idle_share);
        (rest, effects.busy_median_factor, effects.busy_log_std)
    };
    math::ln(median) + log_std * normal::quantile(share.clamp(1e-9, 1.0 - 1e-9))
}
