//! New capacity takes time: will the load cross its limit before it can arrive, and by when must it be ordered?

use crate::passage::Passage;
use crate::{Error, Result};
use fleetcast_core::{History, Lead};
use jiff::ToSpan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest wait that makes sense, in days.
const LONGEST_WAIT: u32 = 730;

/// How long new capacity takes, and which chance of its coming too late is accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeadTime {
    /// Days from the order until the capacity serves, for servers whose criticality has no entry below.
    pub days: u32,
    /// P(the limit is crossed first) that is accepted for those.
    pub accept: f64,
    /// Days that are added to every lead time, for what goes wrong.
    pub slack_days: u32,
    /// The same by the criticality of a server, in the words of the table `servers`.
    pub by_criticality: BTreeMap<String, Tier>,
}

/// The lead time of one criticality.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Days from the order until the capacity serves.
    pub days: u32,
    /// P(the limit is crossed first) that is accepted.
    pub accept: f64,
}

impl Default for LeadTime {
    fn default() -> Self {
        let tier = |accept| Tier { days: 30, accept };
        Self {
            days: 30,
            accept: 0.2,
            slack_days: 7,
            by_criticality: [("high", 0.1), ("medium", 0.2), ("low", 0.3)]
                .map(|(name, accept)| (name.to_owned(), tier(accept)))
                .into(),
        }
    }
}

impl LeadTime {
    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that makes no sense.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: String, found: String, allowed: &str| {
            Err(Error::Setting { key: format!("lead_time.{key}"), found, allowed: allowed.to_owned() })
        };
        let named = self.by_criticality.iter().map(|(name, tier)| (format!("by_criticality.{name}."), *tier));
        for (table, tier) in [(String::new(), self.tier(None))].into_iter().chain(named) {
            if tier.days > LONGEST_WAIT {
                return wrong(format!("{table}days"), tier.days.to_string(), "0 to 730 days");
            }
            if !(0.0..1.0).contains(&tier.accept) {
                let allowed = "a probability from 0 to below 1";
                return wrong(format!("{table}accept"), tier.accept.to_string(), allowed);
            }
        }
        if self.slack_days > LONGEST_WAIT {
            return wrong("slack_days".to_owned(), self.slack_days.to_string(), "0 to 730 days");
        }
        Ok(())
    }

    /// What holds for servers of this criticality.
    pub fn tier(&self, criticality: Option<&str>) -> Tier {
        let named = criticality.and_then(|name| self.by_criticality.get(name)).copied();
        named.unwrap_or(Tier { days: self.days, accept: self.accept })
    }

    /// What the futures of one series say for a server of this criticality.
    pub(crate) fn lead(&self, criticality: Option<&str>, passage: &Passage, history: &History) -> Lead {
        let tier = self.tier(criticality);
        let days = tier.days.saturating_add(self.slack_days);
        // Ordered `wait` days after the cutoff, capacity serves from day `wait + days` on.
        let first = passage.first_step_above(tier.accept);
        let wait = first.map(|step| step as i64 - i64::from(days)).map(|wait| wait.max(0));
        let order_by = wait
            .filter(|_| history.timeline().has_calendar())
            .and_then(|wait| history.cutoff().date().checked_add(wait.days()).ok());
        Lead { days, p_late: passage.probability(days as usize), order_by }
    }
}
