//! One size that is weighed against the others, and why it is not chosen.

use crate::load::Burden;
use crate::{Architecture, InstanceType, Limits, PriceBook};
use fleetcast_core::Server;
use std::cmp::Ordering;
use std::fmt;

/// Why a type was not chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Excuse {
    /// Its bad days cost more than it saves: so many are expected.
    BadDays(f64),
    /// Days that need all of its memory cost more than it saves: so many are expected.
    Outages(f64),
    /// It would be the best choice for a new server, but moving there costs more than it saves.
    Move,
    /// It is dearer, and the days it would save are not worth it.
    Dearer,
    /// It has less memory, and nobody measured how much is used.
    UnmeasuredMemory,
    /// It has fewer processors, and nobody measured how much of them is used.
    UnmeasuredCpu,
    /// It has fewer processors than the settings allow.
    FewProcessors,
    /// Most of its bad days are of the network, and cost more than it saves: so many are expected.
    Network(f64),
    /// The busiest days may need more of this resource than it has in all.
    Overload(&'static str),
    /// It may use its processors fully only for a while.
    Burstable,
    /// Its instruction set is another one.
    Architecture(Architecture),
    /// Its price is not known.
    NoPrice,
}

impl Excuse {
    /// Order of interest to a reader.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::BadDays(_) => 0,
            Self::Overload(_) | Self::Outages(_) => 1,
            Self::UnmeasuredMemory => 2,
            Self::UnmeasuredCpu => 3,
            Self::Network(_) => 4,
            Self::Move => 5,
            Self::Architecture(_) => 6,
            Self::Burstable => 7,
            Self::FewProcessors => 8,
            Self::Dearer => 9,
            Self::NoPrice => 10,
        }
    }
}

impl fmt::Display for Excuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadDays(days) => write!(f, "{days:.1} bad days"),
            Self::Move => f.write_str("the move costs more than it saves"),
            Self::Dearer => f.write_str("dearer than the days it avoids"),
            Self::UnmeasuredMemory => f.write_str("less memory, which was not measured"),
            Self::UnmeasuredCpu => f.write_str("fewer processors, whose use was not measured"),
            Self::FewProcessors => f.write_str("fewer processors than allowed"),
            Self::Outages(days) => write!(f, "{days:.2} days that need all of its memory"),
            Self::Network(days) => write!(f, "too little network on {days:.1} days"),
            Self::Overload(resource) => write!(f, "its busiest days may need more {resource} than it has"),
            Self::Burstable => f.write_str("burstable, its baseline is not known"),
            Self::NoPrice => f.write_str("its price is not known"),
            Self::Architecture(architecture) => write!(f, "another architecture ({architecture})"),
        }
    }
}

/// One size that was weighed.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its type; `None` for a present machine whose type nobody named.
    pub instance_type: Option<String>,
    /// Whether the server has this size now.
    pub is_present: bool,
    /// Virtual processors.
    pub vcpu: f64,
    /// Present processors that they stand for: fewer than `vcpu` where they are slower, never more.
    pub vcpu_as_present: f64,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// Price in USD per hour; `None` when the book does not know it.
    pub usd_per_hour: Option<f64>,
    /// Expected bad days within the horizon.
    pub expected_bad_days: f64,
    /// P(at least one bad day within the horizon).
    pub p_violation: f64,
    /// Expected days that need all of its memory or more.
    pub overload_days: f64,
    /// Expected bad days of its network, which are among the others.
    pub network_days: f64,
    /// What is minimised: price, expected bad days, days without memory and the move, in USD per day; `None`
    /// when it may not be chosen, or has no price.
    pub usd_per_day: Option<f64>,
    /// Why it was not chosen; `None` for the chosen one.
    pub excuse: Option<Excuse>,
}

impl Candidate {
    /// A type of the book, with what is expected of it.
    pub(crate) fn of(
        found: &InstanceType,
        vcpu_as_present: f64,
        burden: Burden,
        excuse: Option<Excuse>,
        limits: &Limits,
        horizon: usize,
    ) -> Self {
        let candidate = Self {
            instance_type: Some(found.name.clone()),
            is_present: false,
            vcpu: found.vcpu,
            vcpu_as_present,
            memory_gib: found.memory_gib,
            usd_per_hour: Some(found.usd_per_hour),
            expected_bad_days: burden.bad_days,
            p_violation: burden.p_violation,
            overload_days: burden.overload_days,
            network_days: burden.network_days,
            usd_per_day: None,
            excuse,
        };
        let usd_per_day = candidate.cost(limits, horizon).filter(|_| candidate.excuse.is_none());
        Self { usd_per_day, ..candidate }
    }

    /// The size the server has now.
    pub(crate) fn present(present: &Present, burden: Burden, limits: &Limits, horizon: usize) -> Self {
        let candidate = Self {
            instance_type: present.instance_type.clone(),
            is_present: true,
            vcpu: present.vcpu,
            vcpu_as_present: present.vcpu,
            memory_gib: present.memory_gib,
            usd_per_hour: present.usd_per_hour,
            expected_bad_days: burden.bad_days,
            p_violation: burden.p_violation,
            overload_days: burden.overload_days,
            network_days: burden.network_days,
            usd_per_day: None,
            excuse: None,
        };
        Self { usd_per_day: candidate.cost(limits, horizon), ..candidate }
    }

    /// Price and priced days, in USD per day; a day without memory counts for several bad ones. `None` without a
    /// price.
    fn running(&self, limits: &Limits, horizon: usize) -> Option<f64> {
        let counted = self.expected_bad_days + (limits.overload_bad_days - 1.0) * self.overload_days;
        self.usd_per_hour.map(|price| 24.0 * price + limits.lambda_usd_per_day * counted / horizon as f64)
    }

    /// The same with the move, spread over the days in which it must pay.
    pub(crate) fn cost(&self, limits: &Limits, horizon: usize) -> Option<f64> {
        let moving = if self.is_present { 0.0 } else { limits.move_cost_usd / limits.payback_days };
        self.running(limits, horizon).map(|running| running + moving)
    }

    /// Cheapest first; of equal prices the one with fewer bad days, then the present one, then by name.
    pub(crate) fn cheaper(&self, other: &Self) -> Ordering {
        let price = |one: &Self| one.usd_per_hour.unwrap_or(f64::INFINITY);
        price(self)
            .total_cmp(&price(other))
            .then(self.expected_bad_days.total_cmp(&other.expected_bad_days))
            .then(other.is_present.cmp(&self.is_present))
            .then(self.instance_type.cmp(&other.instance_type))
    }
}

/// Chooses among candidates sorted by [`Candidate::cheaper`], and gives every other one its excuse.
/// `None` when none may be chosen.
pub(crate) fn settle(candidates: &mut [Candidate], limits: &Limits, horizon: usize) -> Option<usize> {
    let cost = |at: usize| candidates[at].usd_per_day.unwrap_or(f64::INFINITY);
    // Of equal minima the present machine, else the first, which is the cheapest.
    let chosen = (0..candidates.len()).filter(|&at| cost(at).is_finite()).min_by(|&a, &b| {
        let staying = candidates[b].is_present.cmp(&candidates[a].is_present);
        cost(a).total_cmp(&cost(b)).then(staying)
    })?;
    let best = candidates[chosen].clone();
    for (at, one) in candidates.iter_mut().enumerate() {
        if at == chosen || one.excuse.is_some() {
            continue;
        }
        one.excuse = Some(match one.running(limits, horizon).zip(best.running(limits, horizon)) {
            None => Excuse::NoPrice,
            Some((cost, least)) if cost < least => Excuse::Move,
            _ if one.usd_per_hour >= best.usd_per_hour => Excuse::Dearer,
            _ => too_risky(one, limits),
        });
    }
    Some(chosen)
}

/// What keeps a cheaper size from being chosen.
fn too_risky(one: &Candidate, limits: &Limits) -> Excuse {
    if 2.0 * limits.overload_bad_days * one.overload_days > one.expected_bad_days {
        Excuse::Outages(one.overload_days)
    } else if 2.0 * one.network_days > one.expected_bad_days {
        Excuse::Network(one.network_days)
    } else {
        Excuse::BadDays(one.expected_bad_days)
    }
}

/// The highest days of the futures, as shares of what the present machine has; `None` where not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Highest {
    /// Of all its processors.
    pub(crate) cpu: Option<f64>,
    /// Of all its memory.
    pub(crate) memory: Option<f64>,
}

/// Why a type may not be chosen, whatever it costs.
pub(crate) fn not_eligible(
    found: &InstanceType,
    present: &Present,
    highest: Highest,
    fewest_vcpu: f64,
) -> Option<Excuse> {
    if found.architecture != present.architecture {
        return Some(Excuse::Architecture(found.architecture));
    }
    if found.is_burstable && found.baseline_percent.is_none() {
        return Some(Excuse::Burstable);
    }
    if highest.memory.is_none() && found.memory_gib < present.memory_gib {
        return Some(Excuse::UnmeasuredMemory);
    }
    if highest.cpu.is_none() && found.vcpu < present.vcpu {
        return Some(Excuse::UnmeasuredCpu);
    }
    if found.vcpu < fewest_vcpu.min(present.vcpu) {
        return Some(Excuse::FewProcessors);
    }
    let overloads =
        |share: Option<f64>, now: f64, then: f64| share.is_some_and(|share| then < now && share * now / then > 1.0);
    if overloads(highest.memory, present.memory_gib, found.memory_gib) {
        return Some(Excuse::Overload("memory"));
    }
    if overloads(highest.cpu, present.vcpu, present.vcpu_of(found)) {
        return Some(Excuse::Overload("cpu"));
    }
    None
}

/// The machine a server is now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Present {
    pub(crate) instance_type: Option<String>,
    pub(crate) vcpu: f64,
    pub(crate) memory_gib: f64,
    pub(crate) architecture: Architecture,
    pub(crate) network_mbit_per_s: Option<f64>,
    pub(crate) coremark_per_vcpu: Option<f64>,
    pub(crate) usd_per_hour: Option<f64>,
    /// What is not known of it and was done about that.
    pub(crate) remarks: Vec<String>,
}

impl Present {
    /// What is known of a server, from its description and, where that is silent, from the book's entry
    /// for its type; or what is missing to size it.
    pub(crate) fn of(server: &Server, book: &PriceBook) -> Result<Self, String> {
        let name = server.shape.instance_type.as_deref();
        let known = name.and_then(|name| book.get(name));
        let above_zero = |value: &f64| *value > 0.0 && value.is_finite();
        let vcpu = server.shape.vcpu.filter(above_zero).or(known.map(|found| found.vcpu));
        let memory = server.shape.memory_gib.filter(above_zero).or(known.map(|found| found.memory_gib));
        let (Some(vcpu), Some(memory_gib)) = (vcpu, memory) else {
            let missing = match (vcpu, memory) {
                (None, None) => "processors and memory",
                (None, Some(_)) => "number of processors",
                _ => "memory size",
            };
            return Err(match name {
                Some(name) => format!("`{name}` is not in the price book, and nothing says the server's {missing}"),
                None => format!("neither the server's type nor its {missing} is known"),
            });
        };
        let mut remarks = Vec::new();
        match (name, known) {
            (_, Some(_)) => {}
            (Some(name), None) => remarks.push(format!("`{name}` is not in the price book, so no saving is known")),
            (None, None) => remarks.push("its present type and price are not known".to_owned()),
        }
        match known.filter(|found| found.is_burstable).map(|found| found.baseline_percent) {
            None => {}
            Some(None) => remarks
                .push("its type bursts, and its baseline is not known: lasting load may be slowed down".to_owned()),
            Some(Some(percent)) => {
                remarks.push(format!("its type bursts: above {percent} % of its processors load may be slowed down"));
            }
        }
        if known.is_none() {
            remarks.push("its architecture is not known, so only x86_64 types were weighed".to_owned());
        }
        Ok(Self {
            instance_type: server.shape.instance_type.clone(),
            vcpu,
            memory_gib,
            architecture: known.map_or(Architecture::X86, |found| found.architecture),
            network_mbit_per_s: server.shape.network_mbit_per_s.or(known.and_then(|found| found.network_mbit_per_s)),
            coremark_per_vcpu: known.and_then(|found| found.coremark_per_vcpu),
            usd_per_hour: known.map(|found| found.usd_per_hour),
            remarks,
        })
    }

    /// Its processors, memory in GiB and network in Mbit/s.
    pub(crate) fn size(&self) -> (f64, f64, Option<f64>) {
        (self.vcpu, self.memory_gib, self.network_mbit_per_s)
    }

    /// The same of a type, in the present machine's processors.
    pub(crate) fn size_of(&self, found: &InstanceType) -> (f64, f64, Option<f64>) {
        (self.vcpu_of(found), found.memory_gib, found.network_mbit_per_s)
    }

    /// Present processors that those of a type stand for. Slower ones count for less; faster ones count
    /// as one each, because a benchmark promises nothing of somebody's own load. Of those of a type that bursts
    /// only its baseline counts: what is above it lasts as long as the credits do, which nobody knows here.
    pub(crate) fn vcpu_of(&self, found: &InstanceType) -> f64 {
        let lasting = found.baseline_percent.map_or(1.0, |percent| percent / 100.0);
        let speed = found.coremark_per_vcpu.zip(self.coremark_per_vcpu).map_or(1.0, |(then, now)| then / now);
        found.vcpu * lasting * speed.min(1.0)
    }
}
