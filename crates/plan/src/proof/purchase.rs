//! Sizes that were chosen at an origin, against the days that then came.

use crate::candidate::{Candidate, Highest, Present, not_eligible, settle};
use crate::load::Burden;
use crate::{Limits, PriceBook};
use fleetcast_core::Server;
use fleetcast_numeric::math;
use std::collections::BTreeMap;
use std::f64::consts::FRAC_2_PI;

/// Days of a month of a bill.
const DAYS_PER_MONTH: f64 = 365.0 / 12.0;
/// Equal bins of P(violation) that calibration is judged in.
const BINS: usize = 10;

/// One size chosen for one server at one origin, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Purchase {
    /// Number of its server, for resampling.
    pub server: usize,
    /// Price, priced bad days, priced days without memory and the move, in USD per day.
    pub loss_usd_per_day: f64,
    /// Of it the price and the move.
    pub cost_usd_per_day: f64,
    /// That of the size that would have been best.
    pub least_usd_per_day: f64,
    /// Price of the present machine less that of the chosen one, in USD per day.
    pub saving_usd_per_day: f64,
    /// Whether it is another machine than the present one.
    pub moved: bool,
    /// Days that came.
    pub days: f64,
    /// Days over the limit.
    pub bad_days: f64,
    /// Sum over those of the height above the limit, 0.1 for 10 % of it.
    pub excess: f64,
    /// Longest run of days over.
    pub worst_run: f64,
    /// Whether some day needed more than the whole machine has.
    pub overloaded: bool,
    /// P(at least one bad day) that was promised; `None` of a rule that promises nothing.
    pub promised: Option<f64>,
    /// What it was said to gain on the present machine, bad days and the move at their prices, in USD per day; `None`
    /// of a rule that says nothing.
    pub claimed_usd_per_day: Option<f64>,
    /// What it gained.
    pub gained_usd_per_day: f64,
}

/// A choice, and what was promised with it; to stay without a word by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The type; `None` to stay as it is.
    pub instance_type: Option<String>,
    /// P(at least one bad day) that was promised.
    pub promised: Option<f64>,
    /// What it was said to gain on the present machine, bad days and the move at their prices, in USD per day.
    pub claimed_usd_per_day: Option<f64>,
}

/// The days that came on one server: daily P95s in per cent; `None` where a metric was not measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct DaysThatCame<'a> {
    /// Of its processors.
    pub cpu: Option<&'a [f64]>,
    /// Of its memory.
    pub memory: Option<&'a [f64]>,
    /// Of its network.
    pub network: Option<&'a [f64]>,
}

/// The days that came on one server, and what every size of a price book would have made of them.
#[derive(Clone, Debug)]
pub struct Hindsight {
    server: usize,
    present: Present,
    threshold: f64,
    cpu: Option<Vec<f64>>,
    memory: Option<Vec<f64>>,
    network: Option<Vec<f64>>,
    days: usize,
    /// Every size, cheapest first.
    choices: Vec<Choice>,
    best: usize,
    limits: Limits,
}

/// A size, as hindsight sees it.
#[derive(Clone, Debug)]
struct Choice {
    candidate: Candidate,
    network_mbit_per_s: Option<f64>,
    is_allowed: bool,
}

/// Shares of what the present machine has, 0.5 for half of it, that a rule asks for; `None` where it has no
/// figure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Needed {
    /// Of its processors; without a figure as many as there are.
    pub cpu: Option<f64>,
    /// Of its memory; likewise.
    pub memory: Option<f64>,
    /// Of its network; without a figure any will do.
    pub network: Option<f64>,
}

impl Hindsight {
    /// The days after an origin: daily P95s in per cent of the present machine's, NaN at gaps, of equal
    /// number. `server_number` is for resampling.
    ///
    /// `None` when the present machine or its price is not known, neither processors nor memory were measured,
    /// or more than a fifth of the days of either is missing.
    pub fn new(
        server_number: usize,
        server: &Server,
        came: DaysThatCame,
        book: &PriceBook,
        limits: &Limits,
    ) -> Option<Self> {
        let book = book.of(server);
        let present = Present::of(server, book).ok().filter(|present| present.usd_per_hour.is_some())?;
        if [came.cpu, came.memory].into_iter().flatten().any(|days| observed(days).is_none()) {
            return None;
        }
        let (cpu, memory) = (came.cpu.and_then(observed), came.memory.and_then(observed));
        let network = came.network.and_then(observed);
        let days = cpu.as_ref().or(memory.as_ref())?.len();
        let limited = limits.clone();
        let mut seen = Self {
            server: server_number,
            threshold: limits.sizing_threshold(),
            present,
            cpu,
            memory,
            network,
            days,
            choices: Vec::new(),
            best: 0,
            limits: limited,
        };
        seen.weigh(book).then_some(seen)
    }

    /// Weighs every size of the book and finds the best; `false` when none may be chosen.
    fn weigh(&mut self, book: &PriceBook) -> bool {
        // What is measured may be made smaller; hindsight needs no guard against what did not come.
        let highest = Highest { cpu: self.cpu.as_ref().map(|_| 0.0), memory: self.memory.as_ref().map(|_| 0.0) };
        let present = &self.present;
        let others = book.types().iter().filter(|found| present.instance_type.as_ref() != Some(&found.name));
        let mut choices: Vec<Choice> = others
            .map(|found| {
                let size = present.size_of(found);
                let excuse = not_eligible(found, present, highest, self.limits.fewest_vcpu);
                let is_allowed = excuse.is_none();
                let candidate = Candidate::of(found, size.0, self.burden(size), excuse, &self.limits, self.days);
                Choice { candidate, network_mbit_per_s: found.network_mbit_per_s, is_allowed }
            })
            .collect();
        let candidate = Candidate::present(present, self.burden(present.size()), &self.limits, self.days);
        choices.push(Choice { candidate, network_mbit_per_s: present.network_mbit_per_s, is_allowed: true });
        choices.sort_by(|a, b| a.candidate.cheaper(&b.candidate));
        let mut candidates: Vec<Candidate> = choices.iter().map(|choice| choice.candidate.clone()).collect();
        let best = settle(&mut candidates, &self.limits, self.days);
        self.choices = choices;
        self.best = best.unwrap_or(0);
        best.is_some()
    }

    /// What the days that came would have been on a size.
    fn burden(&self, size: (f64, f64, Option<f64>)) -> Burden {
        let full = 100.0 / self.threshold;
        let days = |is_counted: &dyn Fn(&[f64; 3]) -> bool| {
            (0..self.days).filter(|&day| is_counted(&self.loads(size, day))).count() as f64
        };
        let bad_days = days(&|loads| loads.iter().any(|load| *load >= 1.0));
        Burden {
            bad_days,
            p_violation: if bad_days > 0.0 { 1.0 } else { 0.0 },
            overload_days: days(&|loads| loads[1] >= full),
            network_days: days(&|loads| loads[2] >= 1.0),
        }
    }

    /// Loads of a day on a size as shares of its limits: processors, memory and network.
    fn loads(&self, (vcpu, memory_gib, mbit): (f64, f64, Option<f64>), day: usize) -> [f64; 3] {
        let share = |days: &Option<Vec<f64>>, now: f64, then: f64| {
            days.as_ref().map_or(0.0, |days| days[day] / self.threshold * now / then)
        };
        let network = self.present.network_mbit_per_s.zip(mbit);
        [
            share(&self.cpu, self.present.vcpu, vcpu),
            share(&self.memory, self.present.memory_gib, memory_gib),
            network.map_or(0.0, |(now, then)| share(&self.network, now, then)),
        ]
    }

    /// What a rule that asks for so much buys: the cheapest type that has it, unless the present machine has it
    /// too and moving costs more than it saves.
    pub fn bought(&self, needed: Needed) -> Decision {
        let vcpu = needed.cpu.unwrap_or(1.0) * self.present.vcpu;
        let memory_gib = needed.memory.unwrap_or(1.0) * self.present.memory_gib;
        let mbit = needed.network.zip(self.present.network_mbit_per_s).map(|(share, now)| share * now);
        let holds = |one: &Choice| {
            let network = mbit.zip(one.network_mbit_per_s).is_none_or(|(needed, has)| has >= needed);
            one.candidate.vcpu_as_present >= vcpu && one.candidate.memory_gib >= memory_gib && network
        };
        let stay = Decision::default();
        let Some(fitting) = self.choices.iter().find(|one| one.is_allowed && holds(one)) else { return stay };
        let saved = self.now().map_or(0.0, |now| price(now) - price(fitting));
        let present_holds = self.now().is_some_and(holds);
        if present_holds && saved <= self.moving() {
            return stay;
        }
        let fitting = &fitting.candidate;
        let instance_type = fitting.instance_type.clone().filter(|_| !fitting.is_present);
        Decision { instance_type, ..Decision::default() }
    }

    /// What the best size would have cost: the one that a planner who knew the days would choose.
    pub fn best(&self) -> Purchase {
        self.purchase(&self.choices[self.best], &Decision::default())
    }

    /// The same at another price of a bad day.
    pub fn best_at(&self, lambda_usd_per_day: f64) -> Purchase {
        let limits = Limits { lambda_usd_per_day, ..self.limits.clone() };
        let allowed = self.choices.iter().filter(|choice| choice.is_allowed);
        let loss = |choice: &Choice| choice.candidate.cost(&limits, self.days).unwrap_or(f64::INFINITY);
        let best = allowed.min_by(|a, b| loss(a).total_cmp(&loss(b)));
        self.purchase(best.unwrap_or(&self.choices[self.best]), &Decision::default())
    }

    /// What came of a decision; `None` when the price book has no such type.
    pub fn outcome(&self, decision: &Decision) -> Option<Purchase> {
        let found = match &decision.instance_type {
            None => self.now(),
            name => self.choices.iter().find(|one| one.candidate.instance_type == *name),
        };
        found.map(|found| self.purchase(found, decision))
    }

    fn now(&self) -> Option<&Choice> {
        self.choices.iter().find(|one| one.candidate.is_present)
    }

    /// A move, spread over the days in which it must pay, in USD per day.
    fn moving(&self) -> f64 {
        self.limits.move_cost_usd / self.limits.payback_days
    }

    /// Price, priced days and the move, in USD per day.
    fn loss(&self, one: &Candidate) -> f64 {
        one.cost(&self.limits, self.days).unwrap_or(f64::INFINITY)
    }

    fn purchase(&self, found: &Choice, decision: &Decision) -> Purchase {
        let one = &found.candidate;
        let size = (one.vcpu_as_present, one.memory_gib, found.network_mbit_per_s);
        let (mut excess, mut run, mut worst_run, mut highest) = (0.0, 0, 0, 0.0_f64);
        for day in 0..self.days {
            let [cpu, memory, network] = self.loads(size, day);
            highest = highest.max(cpu).max(memory);
            let over = cpu.max(memory).max(network) - 1.0;
            run = if over >= 0.0 { run + 1 } else { 0 };
            excess += over.max(0.0);
            worst_run = worst_run.max(run);
        }
        Purchase {
            server: self.server,
            loss_usd_per_day: self.loss(one),
            cost_usd_per_day: price(found) + if one.is_present { 0.0 } else { self.moving() },
            least_usd_per_day: self.loss(&self.choices[self.best].candidate),
            saving_usd_per_day: self.now().map_or(0.0, |now| price(now) - price(found)),
            moved: !one.is_present,
            days: self.days as f64,
            bad_days: one.expected_bad_days,
            excess,
            worst_run: f64::from(worst_run),
            overloaded: highest * self.threshold > 100.0,
            promised: decision.promised,
            claimed_usd_per_day: decision.claimed_usd_per_day,
            gained_usd_per_day: self.now().map_or(0.0, |now| self.loss(&now.candidate) - self.loss(one)),
        }
    }
}

/// The bin of a promised P(violation).
fn bin_of(promised: f64) -> usize {
    ((promised * BINS as f64) as usize).min(BINS - 1)
}

/// Price of a size, in USD per day.
fn price(one: &Choice) -> f64 {
    24.0 * one.candidate.usd_per_hour.unwrap_or(f64::INFINITY)
}

/// Days with nothing in the place of gaps, which are no days over; `None` when too many are missing.
fn observed(days: &[f64]) -> Option<Vec<f64>> {
    let gaps = days.iter().filter(|day| day.is_nan()).count();
    let enough = !days.is_empty() && 5 * gaps <= days.len();
    enough.then(|| days.iter().map(|&day| if day.is_nan() { 0.0 } else { day }).collect())
}

/// Purchases of one method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Purchases {
    /// One per server and origin.
    pub rows: Vec<Purchase>,
}

impl Purchases {
    /// Loss beyond that of the best size, in USD per server and month.
    pub fn regret_usd_per_month(&self, times: &[u32]) -> Option<f64> {
        let regret = |row: &Purchase| row.loss_usd_per_day - row.least_usd_per_day;
        Some(self.ratio(times, regret, |_| 1.0)? * DAYS_PER_MONTH)
    }

    /// Price, priced bad days and the move, in USD per server and month.
    pub fn loss_usd_per_month(&self, times: &[u32]) -> Option<f64> {
        Some(self.ratio(times, |row| row.loss_usd_per_day, |_| 1.0)? * DAYS_PER_MONTH)
    }

    /// Saved against the present machines, in USD per server and month, bad days not counted.
    pub fn saving_usd_per_month(&self, times: &[u32]) -> Option<f64> {
        Some(self.ratio(times, |row| row.saving_usd_per_day, |_| 1.0)? * DAYS_PER_MONTH)
    }

    /// Share of the days that were over.
    pub fn bad_day_rate(&self, times: &[u32]) -> Option<f64> {
        self.ratio(times, |row| row.bad_days, |row| row.days)
    }

    /// Mean height of bad days above the limit, 0.1 for 10 % of it.
    pub fn severity(&self, times: &[u32]) -> Option<f64> {
        self.ratio(times, |row| row.excess, |row| row.bad_days)
    }

    /// Longest run of bad days, in the mean over servers and origins.
    pub fn worst_run(&self, times: &[u32]) -> Option<f64> {
        self.ratio(times, |row| row.worst_run, |_| 1.0)
    }

    /// Share of the purchases with a day that needed more than the whole machine has.
    pub fn overloaded(&self, times: &[u32]) -> Option<f64> {
        self.ratio(times, |row| f64::from(u8::from(row.overloaded)), |_| 1.0)
    }

    /// Share of the moves to another machine.
    pub fn moved(&self, times: &[u32]) -> Option<f64> {
        self.ratio(times, |row| f64::from(u8::from(row.moved)), |_| 1.0)
    }

    /// Share of what downsizes save that is saved by those that never had a bad day.
    pub fn sound_savings(&self, times: &[u32]) -> Option<f64> {
        let saved = |row: &Purchase| if row.moved { row.saving_usd_per_day.max(0.0) } else { 0.0 };
        self.ratio(times, |row| if row.bad_days > 0.0 { 0.0 } else { saved(row) }, saved)
    }

    /// What moves to cheaper machines gained, as a share of what they were said to gain; `None` when nothing was said.
    pub fn realised_savings(&self, times: &[u32]) -> Option<f64> {
        let claimed = |row: &Purchase| row.claimed_usd_per_day.filter(|_| row.moved && row.saving_usd_per_day > 0.0);
        let gained = |row: &Purchase| claimed(row).map_or(0.0, |_| row.gained_usd_per_day);
        self.ratio(times, gained, |row| claimed(row).unwrap_or(0.0))
    }

    /// Expected calibration error of the promised P(violation), in ten equal bins; `None` when nothing was
    /// promised.
    pub fn promise_error(&self, times: &[u32]) -> Option<f64> {
        let mut bins = [(0.0, 0.0, 0.0); BINS];
        for row in &self.rows {
            let Some(promised) = row.promised else { continue };
            let weight = f64::from(times[row.server]);
            let bin = &mut bins[bin_of(promised)];
            bin.0 += weight * promised;
            bin.1 += if row.bad_days > 0.0 { weight } else { 0.0 };
            bin.2 += weight;
        }
        let all: f64 = bins.iter().map(|bin| bin.2).sum();
        let distance: f64 = bins.iter().map(|(promised, came, _): &(f64, f64, f64)| (promised - came).abs()).sum();
        (all > 0.0).then(|| distance / all)
    }

    /// What [`Self::promise_error`] is to be expected to be of promises without any fault, on as many servers.
    ///
    /// A bin's distance is then the mean absolute value of a normal number, whose variance is that of a sum over
    /// servers: purchases of one server, whose days overlap, are not taken to be independent.
    pub fn promise_error_by_chance(&self, times: &[u32]) -> Option<f64> {
        let (mut distances, mut all) = (BTreeMap::<(usize, usize), f64>::new(), 0.0);
        for row in &self.rows {
            let Some(promised) = row.promised else { continue };
            let came = if row.bad_days > 0.0 { 1.0 } else { 0.0 };
            *distances.entry((bin_of(promised), row.server)).or_default() += came - promised;
            all += f64::from(times[row.server]);
        }
        let mut variances = [0.0; BINS];
        for ((bin, server), distance) in distances {
            variances[bin] += f64::from(times[server]) * distance * distance;
        }
        let expected: f64 = variances.iter().map(|variance| math::sqrt(FRAC_2_PI * variance)).sum();
        (all > 0.0).then(|| expected / all)
    }

    /// Ratio of two sums over the rows, each counted as often as its server was drawn.
    fn ratio(&self, times: &[u32], above: impl Fn(&Purchase) -> f64, below: impl Fn(&Purchase) -> f64) -> Option<f64> {
        let (mut top, mut bottom) = (0.0, 0.0);
        for row in &self.rows {
            let weight = f64::from(times[row.server]);
            top += weight * above(row);
            bottom += weight * below(row);
        }
        (bottom > 0.0).then(|| top / bottom)
    }
}
