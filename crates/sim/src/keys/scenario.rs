//! The keys of a scenario.

use super::{Key, Kind, key, number, optional, per_metric};
use crate::Profile;

/// The keys of a scenario. What a file does not give is that of `enterprise`; a list is replaced whole.
pub(crate) const SCENARIO: &[Key] = &[
    key("name", "name of the scenario", Kind::Id),
    key("description", "what fleet it makes, in a sentence", Kind::Text),
    key("calendar", "which days are special", Kind::Table(CALENDAR)),
    key("season", "how the profiles' seasons are used", Kind::Table(SEASON)),
    key("week_loading", "exponent of the week's factor", per_metric!(0.0, 1.0)),
    key("season_loading", "exponent of the season's factor", per_metric!(0.0, 1.0)),
    key("day_loading", "exponent of the factor of the time of day", per_metric!(0.0, 1.0)),
    key("noise", "the residual from day to day", Kind::Table(NOISE)),
    key("intraday", "the residual inside the day", Kind::Table(INTRADAY)),
    key("effects", "how servers differ from their profile", Kind::Table(EFFECTS)),
    key("level_shifts", "deployments and migrations", Kind::Table(LEVEL_SHIFTS)),
    key("incidents", "what goes wrong on a server for minutes, hours or days", Kind::Table(INCIDENTS)),
    key("outages", "servers and regions that are down", Kind::Table(OUTAGES)),
    key("resizes", "changes of hardware", Kind::Table(RESIZES)),
    key("churn", "births and retirements of servers", Kind::Table(CHURN)),
    key("collector", "faults of what collects the telemetry, not of the servers", Kind::Table(COLLECTOR)),
    key("saturation", "what the capacity leaves of the demand", Kind::Table(SATURATION)),
    key("mix", "which archetypes, in which shares, on which machines", Kind::Tables(MIX)),
    key("regions", "where the servers stand", Kind::Tables(REGIONS)),
    key("services", "in the order of their size: the n-th has a share in proportion to 1/n", Kind::Tables(SERVICES)),
    key("shapes", "hardware", Kind::Tables(SHAPES)),
];

const WEEKDAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const CALENDAR: &[Key] = &[
    key("fiscal_year_start_month", "its quarters end the peaks", Kind::Whole(1, 12)),
    key("holidays", "bank holidays", HOLIDAYS),
    key("holidays_count_as", "the day of the week whose factor a holiday has", Kind::Choice(WEEKDAYS)),
];

const HOLIDAYS: Kind = Kind::List(&Kind::Choice(&["us", "uk", "target"]), 0, 3);

const SEASON: &[Key] =
    &[number("year_end_excess_factor", "how much higher the year-end's peak rises above 1 than others", 0.0, 10.0)];

const NOISE: &[Key] = &[
    key("law", "log-normal of mean 1, or normal, cut at 0", Kind::Choice(&["normal", "log-normal"])),
    key(
        "timescales_days",
        "e-folding times of the AR(1) processes that drive the noise; 0 is white noise",
        Kind::List(&Kind::Number(0.0, 3_650.0), 1, 8),
    ),
    key("timescale_shares", "their shares of the variance, with the sum 1", Kind::List(&Kind::Number(0.0, 1.0), 1, 8)),
    number("wild_day_share", "days on which all metrics of a server scatter more", 0.0, 0.5),
    number("wild_day_scale", "how much more", 1.0, 10.0),
    number("shared_by_pool", "share of the variance that the servers of a pool have in common", 0.0, 1.0),
    number("shared_by_service", "share of the variance that the servers of a service have in common", 0.0, 1.0),
    number("shared_by_region", "share of the variance that the servers of a region have in common", 0.0, 1.0),
    number("shared_by_fleet", "share of the variance that all servers have in common", 0.0, 1.0),
];

const INTRADAY: &[Key] = &[
    key("std_percent", "coefficient of variation of the samples about the day's shape", per_metric!(0.0, 300.0)),
    number("timescale_minutes", "e-folding time of the slow part", 0.0, 100_000.0),
    number("burst_share", "share of the variance that is independent from sample to sample", 0.0, 1.0),
    number("window_edge_minutes", "half the width over which the peak window's edges are smoothed", 0.0, 360.0),
    number("spikes_per_day", "short spikes of a server at any time of day, in the median", 0.0, 50.0),
    number("spike_log_mean", "mean of the logarithm of a spike's factor, which is exponential", 0.0, 3.0),
    key("spike_loading", "exponent of a spike's factor by metric", per_metric!(0.0, 1.0)),
    number("hourly_job_share", "share of the servers with a job at the same minute of every hour", 0.0, 1.0),
    number("hourly_job_log_mean", "mean, over those servers, of the logarithm of its factor", 0.0, 3.0),
];

const EFFECTS: &[Key] = &[
    number("idle_share", "share of the pools that are idle", 0.0, 1.0),
    number("idle_median_factor", "factor on the base of an idle pool", 1e-3, 100.0),
    number("idle_log_std", "log-normal spread among idle pools", 0.0, 3.0),
    number("busy_median_factor", "factor on the base of a busy pool", 1e-3, 100.0),
    number("busy_log_std", "log-normal spread among busy pools", 0.0, 3.0),
    key("loading", "exponent of a server's load by metric", per_metric!(0.0, 1.0)),
    key("median_factor", "factor on the base of every server by metric", per_metric!(1e-3, 100.0)),
    number("within_pool_log_std", "log-normal spread of servers within their pool", 0.0, 3.0),
    number("metric_log_std", "log-normal spread of each metric by itself", 0.0, 3.0),
    number("growth_mean_factor", "mean of the factor on the profile's growth", -10.0, 10.0),
    number("growth_std_factor", "standard deviation of the factor on the profile's growth", 0.0, 10.0),
    number("season_log_std", "log-normal spread of the season's exponent", 0.0, 3.0),
    number("noise_log_std", "log-normal spread of the noise", 0.0, 3.0),
    number("day_log_std", "log-normal spread of the exponent of the time of day", 0.0, 3.0),
    number("week_log_std", "log-normal spread of the week's exponent", 0.0, 3.0),
    number("intraday_log_std", "log-normal spread of the noise inside the day", 0.0, 3.0),
    number("burst_logit_std", "spread of the logit of the share that is independent from sample to sample", 0.0, 5.0),
    number("spikes_log_std", "log-normal spread of the number of spikes", 0.0, 3.0),
    number("phase_std_hours", "spread of the time at which servers have their day", 0.0, 12.0),
];

const LEVEL_SHIFTS: &[Key] = &[
    number("per_server_per_year", "shifts of one server", 0.0, 50.0),
    number("per_pool_per_year", "shifts of a pool as a whole", 0.0, 50.0),
    number("log_std", "standard deviation of the logarithm of the new level over the old", 0.0, 2.0),
    number("migration_share", "share that takes up to two weeks", 0.0, 1.0),
    number("memory_only_share", "share that changes memory alone", 0.0, 1.0),
    number("rolled_back_share", "share that is taken back", 0.0, 1.0),
];

/// Times a year that something happens to one server, pool or region.
const RATE: (f64, f64) = (0.0, 1_000.0);

const DURATION: Kind = Kind::Table(&[
    number("median_minutes", "median of the log-normal duration", 1.0, 100_000.0),
    number("log_std", "standard deviation of its logarithm", 0.0, 4.0),
    number("longest_hours", "no longer than this", 0.1, 2_160.0),
]);

const CHANGE: Kind = per_metric!(-99.0, 10_000.0);

const INCIDENTS: &[Key] = &[
    key("memory_leak", "memory fills until a restart", Kind::Table(INCIDENT)),
    key("disk_full", "nothing can be written", Kind::Table(INCIDENT)),
    key("retry_storm", "clients ask again and again", Kind::Table(INCIDENT)),
    key("noisy_neighbour", "another tenant takes capacity", Kind::Table(INCIDENT)),
    key("cron_collision", "jobs run at the same time of day, day after day", Kind::Table(CRON_COLLISION)),
    key("failover", "one server's load moves to the others of its pool", Kind::Table(FAILOVER)),
];

const INCIDENT: &[Key] = &[
    number("per_server_per_year", "incidents of one server", RATE.0, RATE.1),
    key("duration", "how long one lasts", DURATION),
    key("change_percent", "change of the demand at its height, in the median", CHANGE),
    number("change_log_std", "log-normal spread of the change", 0.0, 2.0),
    number("rise_share", "share of the duration in which it rises", 0.0, 1.0),
    number("decay_share", "share of the duration in which it decays", 0.0, 1.0),
];

const CRON_COLLISION: &[Key] = &[
    number("per_server_per_year", "collisions of one server, each recurring", RATE.0, RATE.1),
    number("recurs_days", "mean number of days on which one recurs", 1.0, 365.0),
    key("duration", "how long it lasts on each day", DURATION),
    key("change_percent", "change of the demand, in the median", CHANGE),
    number("change_log_std", "log-normal spread of the change", 0.0, 2.0),
];

const FAILOVER: &[Key] = &[
    number("per_server_per_year", "times that one server loses its load", RATE.0, RATE.1),
    key("duration", "how long until the load is back", DURATION),
    number("moved_share", "share of the load that moves", 0.0, 0.999),
];

const OUTAGES: &[Key] = &[
    number("per_server_per_year", "outages of one server", RATE.0, RATE.1),
    key("duration", "how long a server is down", DURATION),
    number("per_region_per_year", "outages of a region as a whole", RATE.0, RATE.1),
    key("region_duration", "how long a region is down", DURATION),
    number("taken_over_share", "share of the lost load that the servers or regions that are left take over", 0.0, 1.0),
    key("taken_over_loading", "exponent with which load that is taken over acts on a metric", per_metric!(0.0, 1.0)),
];

const RESIZES: &[Key] = &[number("per_pool_per_year", "changes to the next size of the same family", 0.0, 50.0)];

const CHURN: &[Key] = &[
    number("born_later_share", "share of the servers that are not there at the start", 0.0, 1.0),
    number("born_within_days", "days from the start over which they come", 1.0, 30_000.0),
    number("retired_per_year", "rate at which a server that is there goes", 0.0, 50.0),
];

const COLLECTOR: &[Key] = &[
    number("down_per_server_per_year", "times that nothing is collected for a while", RATE.0, RATE.1),
    key("down_duration", "how long", DURATION),
    number("stale_per_server_per_year", "times that the last sample is repeated for a while", RATE.0, RATE.1),
    key("stale_duration", "how long", DURATION),
    number("counter_resets_per_server_per_year", "times that disk_io and network are told as 0 once", RATE.0, RATE.1),
    number("missed_share", "share of the samples that are missed alone", 0.0, 1.0),
    number("missing_metric_share", "share of the samples that lack one metric", 0.0, 1.0),
    number("late_share", "share of the samples that come late", 0.0, 1.0),
    number("duplicate_share", "share of the samples that come twice", 0.0, 1.0),
    number("latest_minutes", "longest delay of a late sample", 0.0, 100_000.0),
];

const SATURATION: &[Key] = &[
    key("law", "clipped at the capacity, or bent from the knee on", Kind::Choice(&["hard", "smooth"])),
    number("knee_percent", "% of capacity from which a smooth law bends", 1.0, 100.0),
];

const SHARE: (f64, f64) = (1e-6, 1e6);

const MIX: &[Key] = &[
    key("profile", "a built-in profile", Kind::Choice(&Profile::NAMES)),
    number("share", "its part of the fleet, in any unit", SHARE.0, SHARE.1),
    key("shapes", "instance types of its servers", Kind::List(&Kind::Text, 1, 1_000)),
];

const REGIONS: &[Key] = &[
    key("name", "", Kind::Id),
    key("timezone", "whose days its servers live", Kind::Zone),
    number("share", "its part of the fleet, in any unit", SHARE.0, SHARE.1),
    optional("holidays", "its bank holidays, in place of the calendar's", HOLIDAYS),
];

const SERVICES: &[Key] = &[
    key("name", "", Kind::Id),
    key("business_unit", "", Kind::Text),
    key("criticality", "high, medium, low or a word of your own", Kind::Text),
    optional("growth_factor", "factor on the growth of its servers, 1 when it is not given", Kind::Number(-10.0, 10.0)),
];

const SIZE: (f64, f64) = (1e-3, 1e9);

const SHAPES: &[Key] = &[
    key("instance_type", "name in the price book", Kind::Text),
    number("vcpu", "virtual processors", SIZE.0, SIZE.1),
    number("memory_gib", "", SIZE.0, SIZE.1),
    number("disk_mb_per_s", "disk throughput", SIZE.0, SIZE.1),
    number("network_mbit_per_s", "network bandwidth", SIZE.0, SIZE.1),
];
