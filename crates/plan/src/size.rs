//! Which size should a server have?

use crate::candidate::{Candidate, Highest, Present, not_eligible, settle};
use crate::load::{Burdens, Resource};
use crate::retire::idle;
use crate::series::FEWEST_DAYS;
use crate::waiting::most_utilisation;
use crate::{Excuse, HOURS_PER_MONTH, Limits, PriceBook, SeriesOutlook};
use fleetcast_core::{Action, Recommendation, Server};

/// Excuses that a reason has room for.
const SHOWN_EXCUSES: usize = 3;

/// A recommendation and all that was weighed for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizing {
    /// What to do.
    pub recommendation: Recommendation,
    /// The present machine and every type of the book, cheapest first; empty when nothing was weighed.
    pub candidates: Vec<Candidate>,
}

impl Sizing {
    /// The size that was chosen, also for a server that is advised to be switched off; `None` when nothing
    /// was weighed.
    pub fn chosen(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|one| one.excuse.is_none() && one.usd_per_day.is_some())
    }

    /// The size that would be chosen with other prices; what was not eligible stays so.
    pub fn chosen_at(&self, limits: &Limits, horizon: usize) -> Option<&Candidate> {
        let eligible = self.candidates.iter().filter(|one| one.usd_per_day.is_some());
        let cost = |one: &Candidate| one.cost(limits, horizon).unwrap_or(f64::INFINITY);
        eligible.min_by(|a, b| cost(a).total_cmp(&cost(b)))
    }

    /// What the size of [`Sizing::chosen_at`] is expected to gain on the present one, bad days and the move at their
    /// prices, in USD per day; `None` where one of them has no price.
    pub fn gain_at(&self, limits: &Limits, horizon: usize) -> Option<f64> {
        let now = self.candidates.iter().find(|one| one.is_present)?.cost(limits, horizon)?;
        Some(now - self.chosen_at(limits, horizon)?.cost(limits, horizon)?)
    }

    /// The candidates that no other beats in both price and expected bad days, cheapest first: what each
    /// further bad day avoided costs.
    pub fn frontier(&self) -> Vec<&Candidate> {
        let mut fewest = f64::INFINITY;
        let allowed = self.candidates.iter().filter(|one| one.usd_per_day.is_some());
        let beats = |one: &&Candidate| {
            let better = one.expected_bad_days < fewest;
            fewest = fewest.min(one.expected_bad_days);
            better
        };
        allowed.filter(beats).collect()
    }
}

/// The size `server` should have; [`size`] without what was weighed.
pub fn recommend(server: &Server, series: &[SeriesOutlook], book: &PriceBook, limits: &Limits) -> Recommendation {
    size(server, series, book, limits).recommendation
}

/// The size `server` should have: the type with the least
/// `price + lambda * E[bad days] + move cost`, per day, over the futures of its metrics.
///
/// `series` are the server's own; others are left out. Load is rescaled by the ratio of capacities, `cpu`
/// by processors (slower ones count for less), `memory` by GiB and `network` by the bandwidth that a type always
/// has, and a bad day of any is a bad day; days beyond 100 % were not seen, and the reason says so where it
/// matters. A day that needs all of the memory counts for `limits.overload_bad_days`. A smaller type is
/// out of the question when P(some day needs more than all it has) is above `limits.most_overload` for memory
/// or `limits.most_cpu_overload` for processors. Types of the same architecture are weighed. A resource
/// that was not measured may not shrink, but for the network; and a burstable type is chosen by its baseline only, and
/// never where the book does not say it.
///
/// Prices are those of its region, where the book has them.
///
/// A server that was idle on every metric is advised to be switched off, and the reason names the size that
/// would do if it must stay; one that cannot be judged keeps its row with the reason.
pub fn size(server: &Server, series: &[SeriesOutlook], book: &PriceBook, limits: &Limits) -> Sizing {
    let book = book.of(server);
    let own: Vec<&SeriesOutlook> = (series.iter())
        .filter(|one| *one.history.id().server_id == *server.server_id() && one.history.n_observed() > 0)
        .collect();
    let mut blank = Recommendation {
        server_id: server.server_id().to_owned(),
        action: Action::Unknown,
        from_type: server.shape.instance_type.clone(),
        to_type: None,
        saving_usd_per_month: None,
        saving_effective_usd_per_month: None,
        saving_uncommitted_usd_per_month: None,
        p_violation: None,
        expected_bad_days: None,
        lambda_usd_per_day: limits.lambda_usd_per_day,
        binding: None,
        reason: String::new(),
        price_book_date: book.date(),
    };
    let weighing = Weighing::new(server, &own, book, limits);
    if let Some(reason) = idle(&own, &limits.retire) {
        let price = server.shape.instance_type.as_deref().and_then(|name| book.get(name));
        blank.action = Action::Retire;
        blank.saving_usd_per_month = price.map(|found| found.usd_per_hour * HOURS_PER_MONTH);
        blank.reason = reason;
        return weighing.map_or_else(
            |_| Sizing { recommendation: blank.clone(), candidates: Vec::new() },
            |found| found.spare(blank.clone()),
        );
    }
    match weighing {
        Ok(weighing) => weighing.sizing(blank),
        Err(reason) => Sizing { recommendation: Recommendation { reason, ..blank }, candidates: Vec::new() },
    }
}

/// Everything a decision needs.
struct Weighing<'a> {
    series: &'a [&'a SeriesOutlook<'a>],
    book: &'a PriceBook,
    limits: &'a Limits,
    present: Present,
    cpu: Option<Resource<'a>>,
    memory: Option<Resource<'a>>,
    network: Option<Resource<'a>>,
    burdens: Burdens,
}

impl<'a> Weighing<'a> {
    fn new(
        server: &Server,
        series: &'a [&'a SeriesOutlook<'a>],
        book: &'a PriceBook,
        limits: &'a Limits,
    ) -> Result<Self, String> {
        if series.is_empty() {
            return Err("no telemetry".to_owned());
        }
        if book.types().is_empty() {
            let region =
                server.region.as_ref().map_or("no region in particular".to_owned(), |name| format!("`{name}`"));
            return Err(format!("the price book has no prices of {region}"));
        }
        let present = Present::of(server, book)?;
        let threshold = limits.sizing_threshold();
        let resource = |name: &str, capacity: f64| {
            let one = series.iter().find(|one| one.history.metric().name() == name)?;
            let limit = one.limit(threshold).filter(|limit| *limit > 0.0)?;
            let is_long_enough = one.history.n_observed() >= FEWEST_DAYS;
            // Only processors make requests wait.
            let is_guarded = name == "cpu" && limits.serves_requests(server.archetype.as_deref());
            let serves_requests = is_guarded.then_some(threshold / 100.0);
            is_long_enough.then_some(Resource { paths: one.paths, limit, present: capacity, serves_requests })
        };
        let (cpu, memory) = (resource("cpu", present.vcpu), resource("memory", present.memory_gib));
        let network = present.network_mbit_per_s.and_then(|capacity| resource("network", capacity));
        let mut sizes: Vec<_> = book.types().iter().map(|found| present.size_of(found)).collect();
        sizes.push(present.size());
        let burdens = Burdens::new(cpu, memory, network, &sizes, threshold)
            .ok_or_else(|| format!("neither cpu nor memory was measured on {FEWEST_DAYS} days"))?;
        Ok(Self { series, book, limits, present, cpu, memory, network, burdens })
    }

    /// The size of a server that nobody seems to need, beside the advice to switch it off.
    fn spare(&self, blank: Recommendation) -> Sizing {
        let mut candidates = self.candidates();
        let chosen = settle(&mut candidates, self.limits, self.burdens.horizon()).map(|at| &candidates[at]);
        let name = chosen.filter(|one| !one.is_present).and_then(|one| one.instance_type.as_deref());
        let hint = name.map(|name| format!("; if it must stay, `{name}` would do")).unwrap_or_default();
        let reason = format!("{}{hint}", blank.reason);
        Sizing { recommendation: Recommendation { reason, ..blank }, candidates }
    }

    fn sizing(&self, blank: Recommendation) -> Sizing {
        let mut candidates = self.candidates();
        let Some(chosen) = settle(&mut candidates, self.limits, self.burdens.horizon()) else {
            let reason = format!("no type of the price book suits it: {}", self.remarks().join("; "));
            return Sizing { recommendation: Recommendation { reason, ..blank }, candidates };
        };
        let best = &candidates[chosen];
        let now = candidates.iter().find(|one| one.is_present);
        let saving = match (self.present.usd_per_hour, best.usd_per_hour) {
            (Some(from), Some(to)) => Some((from - to) * HOURS_PER_MONTH),
            _ => None,
        };
        let binding = self.binding(best);
        let recommendation = Recommendation {
            action: self.action(best, saving),
            to_type: best.instance_type.clone(),
            saving_usd_per_month: saving,
            p_violation: Some(best.p_violation),
            expected_bad_days: Some(best.expected_bad_days),
            binding: binding.as_ref().map(|(name, _)| (*name).to_owned()),
            reason: self.reason(best, now, binding, &candidates),
            ..blank
        };
        Sizing { recommendation, candidates }
    }

    /// The present machine and every type of the book, cheapest first.
    fn candidates(&self) -> Vec<Candidate> {
        let highest = self.highest();
        let types = self.book.types().iter().filter(|found| self.present.instance_type.as_ref() != Some(&found.name));
        let mut candidates: Vec<Candidate> = types
            .map(|found| {
                let size = self.present.size_of(found);
                let excuse = not_eligible(found, &self.present, highest, self.limits.fewest_vcpu);
                Candidate::of(found, size.0, self.burdens.of(size), excuse, self.limits, self.burdens.horizon())
            })
            .collect();
        let burden = self.burdens.of(self.present.size());
        candidates.push(Candidate::present(&self.present, burden, self.limits, self.burdens.horizon()));
        candidates.sort_by(Candidate::cheaper);
        candidates
    }

    /// The highest days of all but the few futures in which a machine may be overloaded.
    fn highest(&self) -> Highest {
        let threshold = self.limits.sizing_threshold() / 100.0;
        let share = |resource: Option<Resource>, most: f64| {
            let capped = resource.filter(|_| most < 1.0);
            capped.map(|one| threshold * one.highest_share(one.present, 1.0 - most)).or(resource.map(|_| 0.0))
        };
        Highest {
            cpu: share(self.cpu, self.limits.most_cpu_overload),
            memory: share(self.memory, self.limits.most_overload),
        }
    }

    fn action(&self, best: &Candidate, saving: Option<f64>) -> Action {
        let larger = best.vcpu > self.present.vcpu || best.memory_gib > self.present.memory_gib;
        let same = best.vcpu == self.present.vcpu && best.memory_gib == self.present.memory_gib;
        match saving {
            _ if best.is_present => Action::Keep,
            Some(usd) if usd > 0.0 => Action::Down,
            Some(_) => Action::Up,
            None if same => Action::Keep,
            None if larger => Action::Up,
            None => Action::Down,
        }
    }

    /// The metric nearest to its limit on a machine, and its highest day there as a share of the limit.
    fn binding(&self, best: &Candidate) -> Option<(&'static str, f64)> {
        let cpu = self.cpu.map(|resource| ("cpu", resource.highest_share(best.vcpu_as_present, 0.95)));
        let memory = self.memory.map(|resource| ("memory", resource.highest_share(best.memory_gib, 0.95)));
        let mbit = best.instance_type.as_deref().and_then(|name| self.book.get(name)?.network_mbit_per_s);
        let network = self.network.zip(mbit).map(|(one, mbit)| ("network", one.highest_share(mbit, 0.95)));
        cpu.into_iter().chain(memory).chain(network).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn reason(
        &self,
        best: &Candidate,
        now: Option<&Candidate>,
        binding: Option<(&str, f64)>,
        candidates: &[Candidate],
    ) -> String {
        let threshold = self.limits.sizing_threshold();
        let days = self.burdens.horizon();
        let mut phrases = Vec::new();
        if let Some((name, share)) = binding {
            let percent = share * threshold;
            phrases.push(format!("{name} decides: in 95 % of futures its highest day stays under {percent:.0} %"));
        }
        let now = now.filter(|_| !best.is_present).map(|now| format!(", {:.1} as it is", now.expected_bad_days));
        phrases.push(format!(
            "{:.1} bad days at {threshold} % expected in {days} days{} (a bad day costs {} USD)",
            best.expected_bad_days,
            now.unwrap_or_default(),
            self.limits.lambda_usd_per_day,
        ));
        if best.overload_days >= 0.005 {
            let (days, times) = (best.overload_days, self.limits.overload_bad_days);
            phrases.push(format!("{days:.2} days that need all of its memory (each counts for {times} bad days)"));
        }
        if self.cpu.is_some_and(|cpu| cpu.serves_requests.is_some()) {
            let most = 100.0 * most_utilisation(best.vcpu_as_present).min(threshold / 100.0);
            phrases.push(format!(
                "its processors may be {most:.0} % busy, so that 95 % of requests wait no longer than they take"
            ));
        }
        phrases.extend(nearest_excuses(best, candidates));
        phrases.extend(self.remarks());
        phrases.join("; ")
    }

    /// What the reader must know of the data behind a decision.
    fn remarks(&self) -> Vec<String> {
        let mut remarks: Vec<String> = self.present.remarks.clone();
        if self.memory.is_none() {
            remarks.push("memory was not measured: measure it to size it".to_owned());
        }
        if self.cpu.is_none() {
            remarks.push("cpu was not measured: measure it to size it".to_owned());
        }
        let at_ceiling = |one: &&&SeriesOutlook| matches!(one.history.metric().name(), "cpu" | "memory");
        let days = |one: &&SeriesOutlook| (0..one.history.len()).filter(|&day| one.history.is_censored(day)).count();
        let censored = self.series.iter().filter(at_ceiling).map(days).max().unwrap_or(0);
        if censored > 0 {
            remarks.push(format!("load stood at 100 % on {censored} days, so the need may be higher than seen"));
        }
        if self.series.iter().any(|one| one.history.metric().name() == "disk_io") {
            remarks.push("disk throughput was not weighed".to_owned());
        }
        let timeline = |one: &&SeriesOutlook| (one.history.timeline().date(0), one.history.cutoff().date());
        let spans: Vec<_> = self.series.iter().map(timeline).collect();
        let first = spans.iter().map(|span| span.0).min();
        let last = spans.iter().map(|span| span.1).max();
        remarks.extend(first.zip(last).map(|(first, last)| format!("history {first} to {last}")));
        remarks.extend(self.book.date().map(|date| format!("prices of {date}")));
        remarks
    }
}

/// Why the nearest cheaper types were not chosen: of each excuse the type nearest in price.
fn nearest_excuses(best: &Candidate, candidates: &[Candidate]) -> Option<String> {
    let cheaper = |one: &&Candidate| one.usd_per_hour.zip(best.usd_per_hour).is_some_and(|(one, best)| one < best);
    let mut shown: Vec<(&Excuse, &Candidate)> = Vec::new();
    for one in candidates.iter().filter(cheaper).rev() {
        let Some(excuse) = &one.excuse else { continue };
        if !shown.iter().any(|(other, _)| other.rank() == excuse.rank()) {
            shown.push((excuse, one));
        }
    }
    shown.sort_by_key(|(excuse, _)| excuse.rank());
    let phrase = |(excuse, one): &(&Excuse, &Candidate)| {
        let name = one.instance_type.as_deref().unwrap_or("as it is");
        format!("{name}: {excuse}")
    };
    let phrases: Vec<String> = shown.iter().take(SHOWN_EXCUSES).map(phrase).collect();
    (!phrases.is_empty()).then(|| format!("cheaper but not chosen: {}", phrases.join(", ")))
}
