//! Sizes that were chosen at an origin, against the days that then came.

use crate::candidate::{Candidate, Highest, Present, not_eligible, settle};
use crate::load::{Grid, Resource};
use crate::{Limits, PriceBook};
use fleetcast_core::{Paths, Server};

/// Days of a month of a bill.
const DAYS_PER_MONTH: f64 = 365.0 / 12.0;
/// Equal bins of P(violation) that calibration is judged in.
const BINS: usize = 10;

/// One size chosen for one server at one origin, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Purchase {
    /// Number of its server, for resampling.
    pub server: usize,
    /// Price, priced bad days and the move, in USD per day.
    pub loss_usd_per_day: f64,
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
}

/// A choice, and what was promised with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The type; `None` to stay as it is.
    pub instance_type: Option<String>,
    /// P(at least one bad day) that was promised.
    pub promised: Option<f64>,
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
    days: usize,
    /// Every size, cheapest first, and whether it may be chosen at all.
    candidates: Vec<(Candidate, bool)>,
    best: usize,
    limits: Limits,
}

impl Hindsight {
    /// The days after an origin: daily P95s in per cent of the present machine's, NaN at gaps, of equal
    /// number. `server_number` is for resampling.
    ///
    /// Types whose network these days would have filled are left out for everybody, the rules included, which
    /// then know that much of the future. `None` when the present machine or its price is not known, neither was measured, or more than a
    /// fifth of the days is missing.
    pub fn new(
        server_number: usize,
        server: &Server,
        came: DaysThatCame,
        book: &PriceBook,
        limits: &Limits,
    ) -> Option<Self> {
        let present = Present::of(server, book).ok().filter(|present| present.usd_per_hour.is_some())?;
        if [came.cpu, came.memory].into_iter().flatten().any(|days| observed(days).is_none()) {
            return None;
        }
        let (cpu, memory) = (came.cpu.and_then(observed), came.memory.and_then(observed));
        let days = cpu.as_ref().or(memory.as_ref())?.len();
        let paths = |days: &Option<Vec<f64>>| days.as_ref().and_then(|days| Paths::new(days.len(), days.clone()).ok());
        let (cpu_path, memory_path) = (paths(&cpu), paths(&memory));
        let limit = limits.sizing_threshold();
        let resource = |paths, present| Resource { paths, limit, present, serves_requests: None };
        let types = book.types();
        let mut vcpu: Vec<f64> = types.iter().map(|found| present.vcpu_of(found)).collect();
        let mut memory_gib: Vec<f64> = types.iter().map(|found| found.memory_gib).collect();
        vcpu.push(present.vcpu);
        memory_gib.push(present.memory_gib);
        let grid = Grid::new(
            cpu_path.as_ref().map(|paths| resource(paths, present.vcpu)),
            memory_path.as_ref().map(|paths| resource(paths, present.memory_gib)),
            &vcpu,
            &memory_gib,
        )?;
        // What is measured may be made smaller; hindsight needs no guard against what did not come.
        let network = came.network.and_then(observed).map(|days| days.iter().copied().fold(0.0, f64::max) / limit);
        let highest = Highest { cpu: cpu.as_ref().map(|_| 0.0), memory: memory.as_ref().map(|_| 0.0), network };
        let others = types.iter().filter(|found| present.instance_type.as_ref() != Some(&found.name));
        let mut candidates: Vec<Candidate> = others
            .map(|found| {
                let vcpu = present.vcpu_of(found);
                let excuse = not_eligible(found, &present, highest, limits.fewest_vcpu);
                Candidate::of(found, vcpu, grid.risk(vcpu, found.memory_gib), excuse, limits, days)
            })
            .collect();
        candidates.push(Candidate::present(&present, grid.risk(present.vcpu, present.memory_gib), limits, days));
        candidates.sort_by(Candidate::cheaper);
        let allowed: Vec<bool> = candidates.iter().map(|one| one.excuse.is_none()).collect();
        let best = settle(&mut candidates, limits.lambda_usd_per_day, days)?;
        let candidates = candidates.into_iter().zip(allowed).collect();
        let (threshold, limits) = (limit, limits.clone());
        Some(Self { server: server_number, present, threshold, cpu, memory, days, candidates, best, limits })
    }

    /// What a rule that asks for these shares of the present processors and memory buys: the cheapest type
    /// with that much of both, unless the present machine has it and moving costs more than it saves.
    /// `None` of a share asks for what there is now.
    pub fn bought(&self, cpu_share: Option<f64>, memory_share: Option<f64>) -> Decision {
        let vcpu = cpu_share.unwrap_or(1.0) * self.present.vcpu;
        let memory_gib = memory_share.unwrap_or(1.0) * self.present.memory_gib;
        let holds = |one: &Candidate| one.vcpu_as_present >= vcpu && one.memory_gib >= memory_gib;
        let stay = Decision { instance_type: None, promised: None };
        let fitting = self.candidates.iter().find(|(one, allowed)| *allowed && holds(one)).map(|(one, _)| one);
        let Some(fitting) = fitting else { return stay };
        let price = |one: &Candidate| 24.0 * one.usd_per_hour.unwrap_or(f64::INFINITY);
        let saved = self.now().map_or(0.0, |now| price(now) - price(fitting));
        let present_holds = self.now().is_some_and(holds);
        if present_holds && saved <= self.limits.move_cost_usd / self.limits.payback_days {
            return stay;
        }
        Decision { instance_type: fitting.instance_type.clone().filter(|_| !fitting.is_present), promised: None }
    }

    /// What the best size would have cost: the one that a planner who knew the days would choose.
    pub fn best(&self) -> Purchase {
        self.purchase(&self.candidates[self.best].0, None)
    }

    /// What came of a decision; `None` when the price book has no such type.
    pub fn outcome(&self, decision: &Decision) -> Option<Purchase> {
        let found = match &decision.instance_type {
            None => self.now(),
            name => self.candidates.iter().map(|(one, _)| one).find(|one| one.instance_type == *name),
        };
        found.map(|found| self.purchase(found, decision.promised))
    }

    fn now(&self) -> Option<&Candidate> {
        self.candidates.iter().map(|(one, _)| one).find(|one| one.is_present)
    }

    fn purchase(&self, found: &Candidate, promised: Option<f64>) -> Purchase {
        let price = |one: &Candidate| 24.0 * one.usd_per_hour.unwrap_or(f64::INFINITY);
        let loss = |one: &Candidate| {
            let moving = if one.is_present { 0.0 } else { self.limits.move_cost_usd / self.limits.payback_days };
            price(one) + moving + self.limits.lambda_usd_per_day * one.expected_bad_days / self.days as f64
        };
        let (mut excess, mut run, mut worst_run, mut highest) = (0.0, 0, 0, 0.0_f64);
        for day in 0..self.days {
            let load = self.load(found, day);
            highest = highest.max(load);
            let over = load - 1.0;
            run = if over >= 0.0 { run + 1 } else { 0 };
            excess += over.max(0.0);
            worst_run = worst_run.max(run);
        }
        Purchase {
            server: self.server,
            loss_usd_per_day: loss(found),
            least_usd_per_day: loss(&self.candidates[self.best].0),
            saving_usd_per_day: self.now().map_or(0.0, |now| price(now) - price(found)),
            moved: !found.is_present,
            days: self.days as f64,
            bad_days: found.expected_bad_days,
            excess,
            worst_run: f64::from(worst_run),
            overloaded: highest * self.threshold > 100.0,
            promised,
        }
    }

    /// Load of a day on a size as a share of its limit: the higher of processors and memory.
    fn load(&self, found: &Candidate, day: usize) -> f64 {
        let share = |days: &Option<Vec<f64>>, now: f64, then: f64| {
            days.as_ref().map_or(0.0, |days| days[day] / self.threshold * now / then)
        };
        let cpu = share(&self.cpu, self.present.vcpu, found.vcpu_as_present);
        cpu.max(share(&self.memory, self.present.memory_gib, found.memory_gib))
    }
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

    /// Expected calibration error of the promised P(violation), in ten equal bins; `None` when nothing was
    /// promised.
    pub fn promise_error(&self, times: &[u32]) -> Option<f64> {
        let mut bins = [(0.0, 0.0, 0.0); BINS];
        for row in &self.rows {
            let Some(promised) = row.promised else { continue };
            let weight = f64::from(times[row.server]);
            let bin = &mut bins[((promised * BINS as f64) as usize).min(BINS - 1)];
            bin.0 += weight * promised;
            bin.1 += if row.bad_days > 0.0 { weight } else { 0.0 };
            bin.2 += weight;
        }
        let all: f64 = bins.iter().map(|bin| bin.2).sum();
        let distance: f64 = bins.iter().map(|(promised, came, _): &(f64, f64, f64)| (promised - came).abs()).sum();
        (all > 0.0).then(|| distance / all)
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
