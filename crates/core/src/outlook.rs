//! What the planner says of a fleet: risks, groups and recommendations, a row for every server.

use crate::Metric;
use jiff::civil::Date;
use std::{fmt, sync::Arc};

/// When a server is at risk, by the days that are expected to be over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RiskClass {
    /// Over on at least 80 % of days.
    Always,
    /// Over from some date on, and never before it.
    Growth,
    /// Over around the turn of the year (20 December to 10 January).
    YearEnd,
    /// Over within ten days of a quarter's end.
    QuarterEnd,
    /// Over in the last three or first two days of a month.
    MonthEnd,
    /// Over on one weekday.
    Weekday,
    /// Over now and then, without such a pattern.
    Irregular,
    /// Not expected to be over.
    None,
    /// Cannot be told; the reason says what is missing.
    Unknown,
}

impl RiskClass {
    /// Every class, in order of urgency.
    pub const ALL: [Self; 9] = [
        Self::Always,
        Self::Growth,
        Self::YearEnd,
        Self::QuarterEnd,
        Self::MonthEnd,
        Self::Weekday,
        Self::Irregular,
        Self::None,
        Self::Unknown,
    ];

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Growth => "growth",
            Self::YearEnd => "year-end",
            Self::QuarterEnd => "quarter-end",
            Self::MonthEnd => "month-end",
            Self::Weekday => "weekday",
            Self::Irregular => "irregular",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for RiskClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a risk could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskState {
    /// Judged; not over the limit today.
    Ok,
    /// Over the limit already.
    Saturated,
    /// Not judged; the reason says why.
    Unknown,
}

impl RiskState {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Saturated => "saturated",
            Self::Unknown => "unknown",
        }
    }
}

/// The 10, 50 and 90 % dates of the first crossing; `None` is beyond the horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrossingDates {
    /// Crossed by this date with probability 0.1.
    pub q10: Option<Date>,
    /// Crossed by this date with probability 0.5.
    pub q50: Option<Date>,
    /// Crossed by this date with probability 0.9.
    pub q90: Option<Date>,
}

/// Whether new capacity, which takes time, can still come before the crossing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lead {
    /// Days from an order until the capacity serves, slack included; by the criticality of the server.
    pub days: u32,
    /// P(crossed within those days), which is the chance that an order made now comes too late; `None`
    /// beyond the horizon or when not judged.
    pub p_late: Option<f64>,
    /// Last date to order so that the chance of coming too late stays within what is accepted: the
    /// cutoff itself when that date has come or is past; `None` when it lies beyond the horizon, or when
    /// not judged.
    pub order_by: Option<Date>,
}

/// Risk of one server's metric against one threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Risk {
    /// The server's key.
    pub server_id: String,
    /// What is measured.
    pub metric: Arc<Metric>,
    /// Last date the forecast has seen.
    pub cutoff: Date,
    /// Threshold in per cent of capacity.
    pub threshold: f64,
    /// Days over the limit that count as a crossing: 1 or 3.
    pub min_days: u32,
    /// P(crossed within 30, 60, 90, 180 days); `None` beyond the horizon or when not judged.
    pub p_crossed: [Option<f64>; 4],
    /// When.
    pub dates: CrossingDates,
    /// By when to order.
    pub lead: Lead,
    /// What kind of risk.
    pub class: RiskClass,
    /// Days that prove the class, at most a dozen, ascending.
    pub evidence: Vec<Date>,
    /// Local hours of day that are over, where intraday data tells, for example `10-14`.
    pub hours: Option<String>,
    /// Whether it could be judged.
    pub state: RiskState,
    /// Why, in a phrase a planner can repeat.
    pub reason: String,
}

/// Risk of the servers of one pool together, in one metric against one threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolRisk {
    /// Name of the pool.
    pub pool: String,
    /// What is measured.
    pub metric: Arc<Metric>,
    /// Last date the forecasts have seen.
    pub cutoff: Date,
    /// Threshold in per cent of what the servers can do together.
    pub threshold: f64,
    /// Servers whose loads are added up.
    pub n_servers: usize,
    /// Servers of the pool that could not be judged, and are left out.
    pub n_left_out: usize,
    /// Whether servers count by their size; one whose size nobody knows makes all count alike.
    pub by_size: bool,
    /// P(the total is over the threshold within 30, 60, 90, 180 days); `None` beyond the horizon.
    pub p_crossed: [Option<f64>; 4],
    /// When.
    pub dates: CrossingDates,
    /// The 10, 50 and 90 % quantiles of the highest day of the total within the horizon, in per cent of capacity.
    pub peak: [f64; 3],
    /// P(within the horizon some day has at least two servers over the threshold, at least half of them, all).
    pub p_together: [f64; 3],
}

/// The behaviour group of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The server's key.
    pub server_id: String,
    /// Number of its group, 0 for the largest; `None` when it could not be grouped.
    pub group: Option<usize>,
    /// The group in words, for example "busy in working hours, growing".
    pub group_name: String,
    /// Idle, not growing and without peaks.
    pub underused: bool,
    /// Why it counts as underused or not.
    pub reason: String,
}

/// What to do with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Leave it as it is.
    Keep,
    /// A smaller or cheaper type.
    Down,
    /// A larger type.
    Up,
    /// Switch it off.
    Retire,
    /// Cannot be told; the reason says what is missing.
    Unknown,
}

impl Action {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Down => "down",
            Self::Up => "up",
            Self::Retire => "retire",
            Self::Unknown => "unknown",
        }
    }
}

/// The size one server should have.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// The server's key.
    pub server_id: String,
    /// What to do.
    pub action: Action,
    /// Type it has now.
    pub from_type: Option<String>,
    /// Type it should have.
    pub to_type: Option<String>,
    /// Saved per month; negative when the change costs money. `None` when prices are not known.
    pub saving_usd_per_month: Option<f64>,
    /// The same at the rates that are really paid; `None` without a file of costs.
    pub saving_effective_usd_per_month: Option<f64>,
    /// Of that, what no commitment covers: the rest is saved when the commitment ends or somebody else uses it.
    pub saving_uncommitted_usd_per_month: Option<f64>,
    /// P(at least one bad day within the horizon) on the type it should have.
    pub p_violation: Option<f64>,
    /// Expected bad days within the horizon on that type.
    pub expected_bad_days: Option<f64>,
    /// Price of a bad day the decision was made with.
    pub lambda_usd_per_day: f64,
    /// The metric that decides the size.
    pub binding: Option<String>,
    /// Why, in a phrase a planner can repeat.
    pub reason: String,
    /// Date of the prices.
    pub price_book_date: Option<Date>,
}

/// Which resources of a server run out, and which first.
#[derive(Clone, Debug, PartialEq)]
pub struct Bottleneck {
    /// Metrics that reach the lowest threshold within the horizon with a chance of at least 10 %, the one that most
    /// often comes first at the head; at least one.
    pub metrics: Vec<String>,
    /// P(the one at the head is first), given that any crosses.
    pub p_first: f64,
    /// Of the highest tenth of its days, the share that is among the highest tenth of the second; 0.1 for metrics
    /// that have nothing to do with each other. `None` for one metric alone, or too few days.
    pub together: Option<f64>,
}

impl Bottleneck {
    /// Whether the first two are high on the same days, half of them at least; `None` for one alone.
    pub fn is_together(&self) -> Option<bool> {
        self.together.map(|share| share >= 0.5)
    }
}

/// Everything the planner says of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerOutlook {
    /// The server's key.
    pub server_id: String,
    /// Risks per metric and threshold.
    pub risks: Vec<Risk>,
    /// Behaviour group.
    pub group: Group,
    /// Size.
    pub recommendation: Recommendation,
    /// Which resources run out; `None` when none is likely to.
    pub bottleneck: Option<Bottleneck>,
}

/// Everything the planner says of a fleet, in order of server ids and of pools.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// One entry per server.
    pub servers: Vec<ServerOutlook>,
    /// What servers of one pool carry together, by pool, metric and threshold.
    pub pools: Vec<PoolRisk>,
}

impl Outlook {
    /// All risks of the fleet.
    pub fn risks(&self) -> impl Iterator<Item = &Risk> {
        self.servers.iter().flat_map(|server| &server.risks)
    }
}
