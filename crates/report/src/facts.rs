//! What the report says first: counts, rankings and sums, found once for the page and the terminal.

use crate::{ReportInput, ScoreRow, Slice, number};
use fleetcast_core::{Action, PoolRisk, Recommendation, Risk, RiskClass, RiskState, Scores, Server, ServerOutlook};
use jiff::civil::Date;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Horizons of `p_crossed`, in days.
pub(crate) const RISK_DAYS: [u32; 4] = [30, 60, 90, 180];

/// A risk below this probability is called calm.
pub(crate) const CALM_BELOW: f64 = 0.1;

/// A server as the report sorts it, with the risk that decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) outlook: &'a ServerOutlook,
    /// The most urgent risk at the report's threshold.
    pub(crate) risk: &'a Risk,
}

/// The report's numbers.
pub(crate) struct Facts<'a> {
    pub(crate) input: &'a ReportInput<'a>,
    /// The threshold that counts and rankings use.
    pub(crate) threshold: f64,
    /// The fewest days over the limit that count as a crossing in this run.
    pub(crate) min_days: u32,
    /// The next lower of the other thresholds, as an early warning.
    pub(crate) early_threshold: Option<f64>,
    /// Positions in `p_crossed` within the horizon.
    pub(crate) horizons: Vec<usize>,
    /// Already over the limit.
    pub(crate) saturated: Vec<Placed<'a>>,
    /// Not over yet, but perhaps within the horizon; the first to cross comes first.
    pub(crate) ranked: Vec<Placed<'a>>,
    /// Servers that are expected to stay under the limit.
    pub(crate) n_calm: usize,
    /// Servers of which no risk could be judged.
    pub(crate) n_unknown: usize,
    /// Why the first of them could not be judged.
    pub(crate) unknown_reason: &'a str,
    /// Servers of `ranked` that probably cross within [`Facts::at_risk_days`].
    pub(crate) n_at_risk: usize,
    /// The days the count of servers at risk looks ahead: 90, or what the horizon allows.
    pub(crate) at_risk_days: u32,
    /// Servers of `ranked` for which new capacity should be ordered now.
    pub(crate) n_order_now: usize,
    /// What resizing is worth.
    pub(crate) savings: Savings<'a>,
    /// Which resources run out.
    pub(crate) bottlenecks: Bottlenecks<'a>,
    /// Reasons for what could not be judged, the most frequent first, with what they keep from being judged.
    pub(crate) unknown: Vec<Unknown<'a>>,
    /// Scores of the model and of its baseline over everything.
    pub(crate) accuracy: Option<Accuracy>,
}

/// When to order more for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The chance that an order made now comes too late is above what is accepted, or will be tomorrow.
    Now,
    /// On this date at the latest.
    By(Date),
    /// Not within what can be foreseen.
    Later,
}

/// Sums over the recommendations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Savings<'a> {
    /// Changes, the largest saving first.
    pub(crate) changes: Vec<&'a Recommendation>,
    /// Saved per month by smaller types and by switching off, in USD.
    pub(crate) saved: f64,
    /// Of servers whose costs are known: the same, the same at the rates paid, and of that what no commitment
    /// covers; `None` where that is known of no change.
    pub(crate) saved_as_paid: Option<[f64; 3]>,
    /// Cost per month of larger types, in USD.
    pub(crate) spent: f64,
    pub(crate) n_down: usize,
    pub(crate) n_retire: usize,
    pub(crate) n_up: usize,
    pub(crate) n_keep: usize,
    pub(crate) n_unknown: usize,
    pub(crate) price_book_date: Option<Date>,
    pub(crate) lambda_usd_per_day: Option<f64>,
}

/// Servers by the resources that run out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bottlenecks<'a> {
    /// Servers of which some metric is likely to reach the lowest threshold.
    pub(crate) n_servers: usize,
    /// Of them, those of which two or more are.
    pub(crate) n_several: usize,
    /// Of those, the ones whose first two are high on the same days.
    pub(crate) n_together: usize,
    /// Metrics with the number of servers they come first in, the most frequent first.
    pub(crate) first: Vec<(&'a str, usize)>,
}

/// Something that could not be judged, for one reason.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unknown<'a> {
    /// What is not known: `saturation`, `size`, `behaviour group`.
    pub(crate) kind: &'static str,
    /// Of which metrics; an empty name where it is not about a metric.
    pub(crate) metrics: Vec<&'a str>,
    /// Why, in the words of the first server.
    pub(crate) reason: &'a str,
    /// The servers concerned, each once, in order.
    pub(crate) servers: Vec<&'a str>,
}

/// The model against its baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Accuracy {
    pub(crate) model: Scores,
    pub(crate) baseline: Option<Scores>,
}

impl Unknown<'_> {
    /// What is not known, with its metrics: `saturation of cpu and memory`.
    pub(crate) fn subject(&self) -> String {
        let names: Vec<String> = self.metrics.iter().filter(|m| !m.is_empty()).map(|m| (*m).to_owned()).collect();
        if names.is_empty() { self.kind.to_owned() } else { format!("{} of {}", self.kind, number::listed(&names)) }
    }
}

impl Accuracy {
    /// By how much the model's scaled error is smaller than the baseline's; negative when it is larger.
    pub(crate) fn gain(&self) -> Option<f64> {
        let baseline = self.baseline?.mase.filter(|mase| *mase > 0.0)?;
        Some(1.0 - self.model.mase? / baseline)
    }
}

impl<'a> Facts<'a> {
    /// Sorts and counts.
    pub(crate) fn new(input: &'a ReportInput<'a>) -> Self {
        let threshold = main_threshold(input);
        let mut facts = Self {
            input,
            threshold,
            min_days: input.outlook.risks().map(|risk| risk.min_days).min().unwrap_or(1),
            early_threshold: early_threshold(input, threshold),
            horizons: horizons(input),
            saturated: Vec::new(),
            ranked: Vec::new(),
            n_calm: 0,
            n_unknown: 0,
            unknown_reason: "",
            n_at_risk: 0,
            n_order_now: 0,
            at_risk_days: 0,
            savings: savings(input),
            bottlenecks: bottlenecks(input),
            unknown: unknown(input, threshold),
            accuracy: accuracy(input.scores, input),
        };
        facts.place_servers();
        let at = facts.horizons.iter().copied().filter(|at| RISK_DAYS[*at] <= 90).max();
        facts.at_risk_days = at.map_or(input.run.horizon_days.min(90), |at| RISK_DAYS[at]);
        facts.n_at_risk = facts.ranked.iter().filter(|placed| is_probable(placed.risk, at)).count();
        facts.n_order_now = facts.ranked.iter().filter(|placed| facts.order(placed) == Order::Now).count();
        facts
    }

    fn place_servers(&mut self) {
        for outlook in &self.input.outlook.servers {
            let Some(risk) = self.most_urgent(outlook) else {
                self.note_unknown("no series to judge");
                continue;
            };
            let placed = Placed { outlook, risk };
            match risk.state {
                RiskState::Saturated => self.saturated.push(placed),
                RiskState::Unknown => self.note_unknown(&risk.reason),
                RiskState::Ok if is_calm(risk) => self.n_calm += 1,
                RiskState::Ok => self.ranked.push(placed),
            }
        }
        // The planner lists servers in order of their ids, and a stable sort keeps it among equals.
        self.ranked.sort_by(|a, b| urgency(a.risk, b.risk));
    }

    fn note_unknown(&mut self, reason: &'a str) {
        self.n_unknown += 1;
        if self.unknown_reason.is_empty() {
            self.unknown_reason = reason;
        }
    }

    /// The risks of one server at `threshold`, one per metric: those that count the fewest days as a crossing.
    pub(crate) fn risks_at(&self, outlook: &'a ServerOutlook, threshold: f64) -> Vec<&'a Risk> {
        risks_at(outlook, threshold)
    }

    /// When to order for a server: the earliest date of its metrics at the report's threshold.
    pub(crate) fn order(&self, placed: &Placed) -> Order {
        let risks = risks_at(placed.outlook, self.threshold);
        match risks.iter().filter_map(|risk| Some((risk.lead.order_by?, risk.cutoff))).min() {
            Some((date, cutoff)) if date <= cutoff => Order::Now,
            Some((date, _)) => Order::By(date),
            None => Order::Later,
        }
    }

    /// The totals of pools at the report's threshold.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &'a PoolRisk> {
        let threshold = self.threshold;
        self.input.outlook.pools.iter().filter(move |pool| same(pool.threshold, threshold))
    }

    fn most_urgent(&self, outlook: &'a ServerOutlook) -> Option<&'a Risk> {
        risks_at(outlook, self.threshold).into_iter().min_by(|a, b| urgency(a, b))
    }

    /// The server with this id, as the panel describes it.
    pub(crate) fn server(&self, server_id: &str) -> Option<&'a Server> {
        self.input.panel.server(server_id).map(|server| server.as_ref())
    }

    /// Servers in the report: those with an outlook, or those of the panel when nothing was planned.
    pub(crate) fn n_servers(&self) -> usize {
        self.input.outlook.servers.len().max(self.input.panel.servers().len())
    }

    /// Servers that may cross, but are not counted as at risk.
    pub(crate) fn n_watch(&self) -> usize {
        self.ranked.len() - self.n_at_risk
    }

    /// Names of the metrics of the panel, ascending.
    pub(crate) fn metrics(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = self.input.panel.histories().iter().map(|h| h.metric().name()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Length of the longest history, in steps.
    pub(crate) fn longest_history(&self) -> usize {
        self.input.panel.histories().iter().map(fleetcast_core::History::len).max().unwrap_or(0)
    }
}

fn risks_at(outlook: &ServerOutlook, threshold: f64) -> Vec<&Risk> {
    let mut by_metric: BTreeMap<&str, &Risk> = BTreeMap::new();
    for risk in outlook.risks.iter().filter(|risk| same(risk.threshold, threshold)) {
        let kept = by_metric.entry(risk.metric.name()).or_insert(risk);
        if risk.min_days < kept.min_days {
            *kept = risk;
        }
    }
    by_metric.into_values().collect()
}

/// The run's threshold, or the highest that was planned for when that one was not.
fn main_threshold(input: &ReportInput) -> f64 {
    let asked = input.run.threshold;
    if input.outlook.risks().any(|risk| same(risk.threshold, asked)) {
        return asked;
    }
    input.outlook.risks().map(|risk| risk.threshold).max_by(f64::total_cmp).unwrap_or(asked)
}

fn early_threshold(input: &ReportInput, main: f64) -> Option<f64> {
    input.outlook.risks().map(|risk| risk.threshold).filter(|t| *t < main - 1e-9).max_by(f64::total_cmp)
}

fn horizons(input: &ReportInput) -> Vec<usize> {
    let is_known = |at: &usize| input.outlook.risks().any(|risk| risk.p_crossed[*at].is_some());
    (0..RISK_DAYS.len()).filter(is_known).collect()
}

/// A class as readers see it. No pattern is not no risk: tables call it `none`, people would misread that.
pub(crate) fn kind(class: RiskClass) -> &'static str {
    match class {
        RiskClass::None => "no pattern",
        named => named.name(),
    }
}

/// Whether two thresholds are the same number.
pub(crate) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// The probability at the longest horizon that was judged.
pub(crate) fn p_longest(risk: &Risk) -> Option<f64> {
    risk.p_crossed.iter().rev().find_map(|p| *p)
}

fn is_calm(risk: &Risk) -> bool {
    risk.dates.q10.is_none() && p_longest(risk).is_none_or(|p| p < CALM_BELOW)
}

/// Whether a crossing is at least as likely as not, by the probability at position `at` or else by the dates.
fn is_probable(risk: &Risk, at: Option<usize>) -> bool {
    match at.and_then(|at| risk.p_crossed[at]) {
        Some(p) => p >= 0.5,
        None => risk.dates.q50.is_some(),
    }
}

/// Saturated first, then the earliest median date, the earliest 10 % date, the highest probability; what is
/// not known comes last.
fn urgency(a: &Risk, b: &Risk) -> Ordering {
    let key = |risk: &Risk| {
        let state = match risk.state {
            RiskState::Saturated => 0,
            RiskState::Ok => 1,
            RiskState::Unknown => 2,
        };
        let dates = [risk.dates.q50, risk.dates.q10, risk.dates.q90].map(|date| date.unwrap_or(Date::MAX));
        (state, dates)
    };
    let p = |risk: &Risk| p_longest(risk).unwrap_or(0.0);
    key(a).cmp(&key(b)).then_with(|| p(b).total_cmp(&p(a)))
}

fn savings<'a>(input: &ReportInput<'a>) -> Savings<'a> {
    let mut sums = Savings::default();
    for recommendation in input.outlook.servers.iter().map(|server| &server.recommendation) {
        let saving = recommendation.saving_usd_per_month.filter(|usd| usd.is_finite()).unwrap_or(0.0);
        match recommendation.action {
            Action::Keep => sums.n_keep += 1,
            Action::Unknown => sums.n_unknown += 1,
            Action::Down => sums.n_down += 1,
            Action::Retire => sums.n_retire += 1,
            Action::Up => sums.n_up += 1,
        }
        if matches!(recommendation.action, Action::Down | Action::Retire | Action::Up) {
            sums.changes.push(recommendation);
            sums.saved += saving.max(0.0);
            sums.spent += (-saving).max(0.0);
            if let Some((paid, free)) =
                recommendation.saving_effective_usd_per_month.zip(recommendation.saving_uncommitted_usd_per_month)
            {
                let [listed, all, uncommitted] = sums.saved_as_paid.get_or_insert([0.0; 3]);
                *listed += saving.max(0.0);
                *all += paid.max(0.0);
                *uncommitted += free.max(0.0);
            }
        }
        if recommendation.action != Action::Unknown {
            sums.price_book_date = sums.price_book_date.max(recommendation.price_book_date);
            sums.lambda_usd_per_day = sums.lambda_usd_per_day.or(Some(recommendation.lambda_usd_per_day));
        }
    }
    let saving = |r: &Recommendation| r.saving_usd_per_month.unwrap_or(0.0);
    sums.changes.sort_by(|a, b| saving(b).total_cmp(&saving(a)));
    sums
}

fn bottlenecks<'a>(input: &ReportInput<'a>) -> Bottlenecks<'a> {
    let mut sums = Bottlenecks::default();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for found in input.outlook.servers.iter().filter_map(|server| server.bottleneck.as_ref()) {
        sums.n_servers += 1;
        sums.n_several += usize::from(found.metrics.len() > 1);
        sums.n_together += usize::from(found.is_together() == Some(true));
        if let Some(metric) = found.metrics.first() {
            *first.entry(metric).or_default() += 1;
        }
    }
    sums.first = first.into_iter().collect();
    // The sort is stable, so equal counts stay in order of names.
    sums.first.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    sums
}

/// What could not be judged, and for whom; reasons that differ in their numbers alone count as one.
fn unknown<'a>(input: &ReportInput<'a>, threshold: f64) -> Vec<Unknown<'a>> {
    let mut found: BTreeMap<(&str, &str, String), (&'a str, Vec<&'a str>)> = BTreeMap::new();
    let mut note = |kind: &'static str, metric: &'a str, reason: &'a str, server_id: &'a str| {
        let key = (kind, metric, without_numbers(reason));
        let (_, servers) = found.entry(key).or_insert((reason, Vec::new()));
        if servers.last() != Some(&server_id) {
            servers.push(server_id);
        }
    };
    for server in &input.outlook.servers {
        let id = server.server_id.as_str();
        for risk in risks_at(server, threshold) {
            match (risk.state, risk.class) {
                (RiskState::Unknown, _) => note("saturation", risk.metric.name(), &risk.reason, id),
                (_, RiskClass::Unknown) => note("kind of risk", risk.metric.name(), &risk.reason, id),
                _ => {}
            }
        }
        if server.risks.is_empty() {
            note("saturation", "", "no series to judge", id);
        }
        if server.group.group.is_none() {
            note("behaviour group", "", &server.group.reason, id);
        }
        if server.recommendation.action == Action::Unknown {
            note("size", "", &server.recommendation.reason, id);
        }
    }
    let mut list: Vec<Unknown> = Vec::new();
    for ((kind, metric, _), (reason, servers)) in found {
        let twin = list.iter_mut().find(|u| u.kind == kind && u.reason == reason && u.servers == servers);
        match twin {
            Some(twin) => twin.metrics.push(metric),
            None => list.push(Unknown { kind, metrics: vec![metric], reason, servers }),
        }
    }
    list.sort_by_key(|unknown| std::cmp::Reverse(unknown.servers.len()));
    list
}

/// A reason with its numbers blotted out, so that `9 days` and `12 days` are one kind of reason.
fn without_numbers(reason: &str) -> String {
    let mut text = String::with_capacity(reason.len());
    for c in reason.chars() {
        let sign = if c.is_ascii_digit() { '#' } else { c };
        if sign != '#' || !text.ends_with('#') {
            text.push(sign);
        }
    }
    text
}

fn accuracy(scores: &[ScoreRow], input: &ReportInput) -> Option<Accuracy> {
    let of = |model: &str| {
        let row = scores.iter().find(|row| row.model == model && row.slice == Slice::All)?;
        Some(row.scores)
    };
    let baseline = (input.run.baseline != input.run.model).then(|| of(&input.run.baseline)).flatten();
    Some(Accuracy { model: of(&input.run.model)?, baseline })
}
