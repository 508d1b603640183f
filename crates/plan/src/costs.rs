//! What servers really cost: a file of the FinOps Open Cost and Usage Specification (FOCUS), version 1.

use crate::{Error, Result};
use fleetcast_core::{Recommendation, Server};
use std::collections::BTreeMap;
use std::io;

/// Columns that a file must have; `CommitmentDiscountStatus` and `CommitmentDiscountId` are read where they are there.
const NEEDED: [&str; 5] = ["ResourceId", "ChargeCategory", "ListCost", "EffectiveCost", "BillingCurrency"];

/// What one resource costs, in USD over the file's days.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cost {
    /// At list prices.
    list: f64,
    /// After all discounts, with what was paid up front spread over its days.
    effective: f64,
    /// Of that, what no commitment covers.
    free: f64,
}

/// Costs by resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Costs {
    by_resource: BTreeMap<String, Cost>,
}

impl Costs {
    /// The costs of a FOCUS file as CSV; `source_name` is the file's name, for messages.
    ///
    /// Rows of usage with a resource count; purchases, taxes, credits and adjustments belong to no machine's size. A
    /// resource is known by its id, or by what stands behind the last slash of it, as in an ARN.
    ///
    /// # Errors
    /// [`Error`] with the row and column of the first value that is no number, or another currency than USD.
    pub fn from_csv(reader: impl io::Read, source_name: &str) -> Result<Self> {
        let unreadable = |reason: String| Error::Costs { source_name: source_name.to_owned(), reason };
        let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(reader);
        let header = csv.headers().map_err(|error| unreadable(error.to_string()))?.clone();
        let column = |name: &str| header.iter().position(|found| found.trim_start_matches('\u{feff}') == name);
        if let Some(missing) = NEEDED.into_iter().find(|name| column(name).is_none()) {
            return Err(unreadable(format!(
                "it has no column `{missing}`; needed are {}, as in FOCUS 1.0",
                NEEDED.join(", ")
            )));
        }
        let mut costs = Self::default();
        for record in csv.records() {
            let record = record.map_err(|error| unreadable(error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let text = |name: &str| column(name).and_then(|at| record.get(at)).unwrap_or("");
            let wrong = |name: &str, allowed: &str| {
                unreadable(format!("row {line}: {name} is `{}`, it must be {allowed}", text(name)))
            };
            let resource = text("ResourceId");
            if resource.is_empty() || text("ChargeCategory") != "Usage" {
                continue;
            }
            if text("BillingCurrency") != "USD" {
                return Err(wrong("BillingCurrency", "USD; convert the costs first"));
            }
            let number = |name: &str| {
                let value: Option<f64> = text(name).parse().ok();
                value.filter(|value| value.is_finite()).ok_or_else(|| wrong(name, "a number"))
            };
            let (list, effective) = (number("ListCost")?, number("EffectiveCost")?);
            let is_covered = !text("CommitmentDiscountId").is_empty() || !text("CommitmentDiscountStatus").is_empty();
            let name = resource.rsplit('/').next().unwrap_or(resource);
            let mut names = vec![resource, name];
            names.dedup();
            for name in names {
                let cost = costs.by_resource.entry(name.to_owned()).or_default();
                cost.list += list;
                cost.effective += effective;
                cost.free += if is_covered { 0.0 } else { effective };
            }
        }
        if costs.by_resource.is_empty() {
            return Err(unreadable("it has no row of usage with a resource".to_owned()));
        }
        Ok(costs)
    }

    /// Whether a server is in the file, by its id or its name.
    pub fn has(&self, server: &Server) -> bool {
        self.of(server).is_some()
    }

    /// Says what the saving of an advice is worth at the rates that are really paid: by how much the effective cost
    /// falls, and how much of that no commitment covers. What a commitment covers is saved only when it ends or
    /// somebody else uses it. These are views of one saving, not more savings.
    pub fn tell(&self, advice: &mut Recommendation, server: &Server) {
        let Some(cost) = self.of(server).filter(|cost| cost.list > 0.0) else { return };
        advice.saving_effective_usd_per_month = advice.saving_usd_per_month.map(|usd| usd * cost.effective / cost.list);
        advice.saving_uncommitted_usd_per_month = advice.saving_usd_per_month.map(|usd| {
            // A larger machine's extra hours are covered by nothing yet.
            if usd < 0.0 { usd } else { usd * cost.free / cost.list }
        });
    }

    fn of(&self, server: &Server) -> Option<Cost> {
        self.by_resource.get(server.server_id()).or_else(|| self.by_resource.get(&server.name)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::Action;
    use proptest::prelude::*;

    const HEAD: &str = "ResourceId,ChargeCategory,ListCost,EffectiveCost,BillingCurrency,CommitmentDiscountStatus\n";

    fn read(rows: &str) -> Result<Costs> {
        Costs::from_csv(format!("{HEAD}{rows}").as_bytes(), "focus.csv")
    }

    fn advice(saving: Option<f64>) -> Recommendation {
        Recommendation {
            server_id: "i-1".to_owned(),
            action: Action::Down,
            from_type: None,
            to_type: None,
            saving_usd_per_month: saving,
            saving_effective_usd_per_month: None,
            saving_uncommitted_usd_per_month: None,
            p_violation: None,
            expected_bad_days: None,
            lambda_usd_per_day: 50.0,
            binding: None,
            reason: String::new(),
            price_book_date: None,
        }
    }

    fn told(costs: &Costs, saving: Option<f64>) -> [Option<f64>; 2] {
        let mut advice = advice(saving);
        costs.tell(&mut advice, &Server::new("i-1").expect("a name"));
        [advice.saving_effective_usd_per_month, advice.saving_uncommitted_usd_per_month]
    }

    #[test]
    fn a_saving_is_worth_what_is_paid_and_commitments_keep_their_part() {
        // Three quarters of the list price are covered by a commitment at half of it, a quarter is discounted by 20 %.
        let rows = "arn:aws:ec2:eu-west-1:1:instance/i-1,Usage,75,37.5,USD,Used\n\
                    arn:aws:ec2:eu-west-1:1:instance/i-1,Usage,25,20,USD,\n\
                    arn:aws:ec2:eu-west-1:1:instance/i-1,Tax,9,9,USD,\n,Usage,5,5,USD,\n";
        let costs = read(rows).unwrap();
        assert!(costs.has(&Server::new("i-1").unwrap()) && !costs.has(&Server::new("i-2").unwrap()));
        assert_eq!(told(&costs, Some(100.0)), [Some(57.5), Some(20.0)]);
        // A larger machine costs its full price for what is added.
        assert_eq!(told(&costs, Some(-100.0)), [Some(-57.5), Some(-100.0)]);
        assert_eq!(told(&costs, None), [None, None]);
        assert_eq!(told(&read("i-9,Usage,1,1,USD,\n").unwrap(), Some(100.0)), [None, None]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_row() {
        let message = |rows: &str| read(rows).unwrap_err().to_string();
        assert_eq!(
            message("i-1,Usage,1,1,EUR,\n"),
            "cannot read the costs `focus.csv`: row 2: BillingCurrency is `EUR`, it must be USD; convert the costs first"
        );
        assert!(
            message("i-1,Usage,1,1,USD,\ni-1,Usage,x,1,USD,\n").contains("row 3: ListCost is `x`, it must be a number")
        );
        assert!(message("").contains("it has no row of usage with a resource"));
        let error = Costs::from_csv("a,b\n".as_bytes(), "focus.csv").unwrap_err().to_string();
        assert!(error.contains("it has no column `ResourceId`; needed are ResourceId, ChargeCategory"), "{error}");
    }

    proptest! {
        #[test]
        fn the_views_of_a_saving_never_exceed_it(
            rows in prop::collection::vec((0.01f64..100.0, 0.0f64..1.0, any::<bool>()), 1..20),
            saving in 0.0f64..1e4,
        ) {
            let text: String = rows.iter().map(|(list, rate, covered)| {
                format!("i-1,Usage,{list},{},USD,{}\n", list * rate, if *covered { "Used" } else { "" })
            }).collect();
            let [effective, free] = told(&read(&text).unwrap(), Some(saving)).map(Option::unwrap);
            prop_assert!(free <= effective + 1e-9 && effective <= saving + 1e-9 && free >= 0.0);
        }
    }
}
