//! What servers really cost: files of the FinOps Open Cost and Usage Specification (FOCUS), version 1.

use crate::{Error, Result};
use fleetcast_core::{Recommendation, Server};
use std::collections::BTreeMap;

/// Columns that a file must have.
const NEEDED: [&str; 5] = ["ResourceId", "ChargeCategory", "ListCost", "EffectiveCost", "BillingCurrency"];
/// Services that are billed beside a machine, under its id or its name: other sizes leave them as they are.
const BESIDE: [&str; 5] = ["Networking", "Storage", "Security", "Identity", "Management and Governance"];
/// Words of units of what runs through a machine or lies on it, without the s of several.
const AMOUNTS: [&str; 19] = [
    "kb",
    "kib",
    "mb",
    "mib",
    "gb",
    "gib",
    "tb",
    "tib",
    "byte",
    "megabyte",
    "mebibyte",
    "gigabyte",
    "gibibyte",
    "terabyte",
    "tebibyte",
    "request",
    "operation",
    "month",
    "mo",
];
/// Words of units of time: what is billed by it is a machine, or a part of one.
const TIMES: [&str; 6] = ["h", "hr", "hour", "minute", "second", "day"];

/// What one resource costs, in its currency over the file's days.
#[derive(Clone, Debug, Default, PartialEq)]
struct Cost {
    /// At list prices.
    list: f64,
    /// After all discounts, with what was paid up front spread over its days.
    effective: f64,
    /// Of both, what no commitment covers.
    free_list: f64,
    free_effective: f64,
    currency: String,
    /// Whether rows of it are in several currencies, which cannot be added up.
    is_mixed: bool,
}

/// Costs by resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Costs {
    by_resource: BTreeMap<String, Cost>,
    /// The resource behind a name or the last part of an id; `None` where several share it.
    by_name: BTreeMap<String, Option<String>>,
}

/// The values of one row, in the order of [`Costs::COLUMNS`].
#[derive(Clone, Copy, Debug)]
struct Row<'a>(&'a [&'a str]);

impl Costs {
    /// Columns that are read: first those that a file must have, then those that help where they are there.
    pub const COLUMNS: [&'static str; 12] = [
        NEEDED[0],
        NEEDED[1],
        NEEDED[2],
        NEEDED[3],
        NEEDED[4],
        "ResourceName",
        "ChargeClass",
        "CommitmentDiscountStatus",
        "CommitmentDiscountId",
        "ServiceCategory",
        "PricingUnit",
        "ConsumedUnit",
    ];

    /// Refuses a file that lacks a needed column; `has` says of each of [`Costs::COLUMNS`] whether it is there.
    ///
    /// # Errors
    /// [`Error::Costs`] with the column.
    pub fn check_columns(source_name: &str, has: &[bool]) -> Result<()> {
        let Some(missing) = NEEDED.iter().zip(has).find(|(_, has)| !**has).map(|(name, _)| name) else { return Ok(()) };
        let reason = format!("it has no column `{missing}`; needed are {}, as in FOCUS 1.0", NEEDED.join(", "));
        Err(Error::Costs { source_name: source_name.to_owned(), reason })
    }

    /// Adds a row, whose values stand in the order of [`Costs::COLUMNS`], empty where there is none.
    ///
    /// Rows count that say what a machine's time cost: usage with a resource. Purchases, taxes, credits and corrections
    /// of earlier bills belong to no machine's size; nor do the traffic and storage billed under its id, or the part
    /// of a commitment that nothing used.
    ///
    /// # Errors
    /// [`Error::Costs`] with the row and column of a value that is no number.
    pub fn add(&mut self, source_name: &str, line: u64, values: &[&str]) -> Result<()> {
        let row = Row(values);
        if !row.counts() {
            return Ok(());
        }
        let wrong = |name: &str| Error::Costs {
            source_name: source_name.to_owned(),
            reason: format!("row {line}: {name} is `{}`, it must be a number", row.text(name)),
        };
        let number = |name: &str| {
            let value: Option<f64> = row.text(name).parse().ok();
            value.filter(|value| value.is_finite()).ok_or_else(|| wrong(name))
        };
        let (list, effective) = (number("ListCost")?, number("EffectiveCost")?);
        let currency = row.text("BillingCurrency");
        let resource = row.text("ResourceId").to_lowercase();
        for name in [short(&resource), &row.text("ResourceName").to_lowercase()] {
            if name.is_empty() || name == resource || self.by_name.get(name).is_some_and(Option::is_none) {
                continue;
            }
            let known = self.by_name.entry(name.to_owned()).or_insert_with(|| Some(resource.clone()));
            if known.as_ref() != Some(&resource) {
                *known = None;
            }
        }
        let cost = self
            .by_resource
            .entry(resource)
            .or_insert_with(|| Cost { currency: currency.to_owned(), ..Cost::default() });
        cost.is_mixed |= cost.currency != currency;
        cost.list += list;
        cost.effective += effective;
        if !row.is_covered() {
            cost.free_list += list;
            cost.free_effective += effective;
        }
        Ok(())
    }

    /// Refuses files without a single row that counts.
    ///
    /// # Errors
    /// [`Error::Costs`].
    pub fn check(&self, source_name: &str) -> Result<()> {
        if self.by_resource.is_empty() {
            let reason = "it has no row of usage with a resource".to_owned();
            return Err(Error::Costs { source_name: source_name.to_owned(), reason });
        }
        Ok(())
    }

    /// Whether it is known what a server costs.
    pub fn has(&self, server: &Server) -> bool {
        self.of(server).is_some()
    }

    /// Says what the saving of an advice is worth at the rates that are really paid: by how much the effective cost
    /// falls, and how much of that no commitment covers. What a commitment covers is saved only when it ends or
    /// somebody else uses it. These are views of one saving, not more savings.
    pub fn tell(&self, advice: &mut Recommendation, server: &Server) {
        let Some(cost) = self.of(server) else { return };
        let Some(usd) = advice.saving_usd_per_month else { return };
        // A larger machine's extra hours are covered by nothing yet, and cost what uncovered ones do.
        let (free_list, free) = if cost.free_list > 0.0 { (cost.free_list, cost.free_effective) } else { (1.0, 1.0) };
        let [effective, free] = if usd < 0.0 {
            [usd * free / free_list; 2]
        } else {
            [cost.effective, cost.free_effective].map(|paid| usd * paid / cost.list)
        };
        advice.saving_effective_usd_per_month = Some(effective);
        advice.saving_uncommitted_usd_per_month = Some(free);
    }

    /// What a server costs, by its id, what stands last in it, or its name; `None` where that cannot be said.
    fn of(&self, server: &Server) -> Option<&Cost> {
        let (id, name) = (server.server_id().to_lowercase(), server.name.to_lowercase());
        let resource = |key: &str| {
            let behind =
                || self.by_name.get(key).and_then(|found| found.as_ref()).and_then(|id| self.by_resource.get(id));
            self.by_resource.get(key).or_else(behind)
        };
        let cost = resource(&id).or_else(|| resource(short(&id))).or_else(|| resource(&name))?;
        (cost.list > 0.0 && !cost.is_mixed).then_some(cost)
    }
}

impl<'a> Row<'a> {
    fn text(&self, column: &str) -> &'a str {
        let place = Costs::COLUMNS.iter().position(|name| *name == column);
        place.and_then(|at| self.0.get(at)).copied().unwrap_or("")
    }

    fn counts(&self) -> bool {
        let unit = [self.text("PricingUnit"), self.text("ConsumedUnit")].into_iter().find(|unit| !unit.is_empty());
        let unit = unit.unwrap_or("").to_lowercase();
        let words = unit.split(|c: char| !c.is_alphanumeric()).map(|word| word.trim_end_matches('s'));
        let holds = |known: &[&str]| words.clone().any(|word| known.contains(&word));
        !self.text("ResourceId").is_empty()
            && self.text("ChargeCategory").eq_ignore_ascii_case("Usage")
            && !self.text("ChargeClass").eq_ignore_ascii_case("Correction")
            && !self.text("CommitmentDiscountStatus").eq_ignore_ascii_case("Unused")
            && !BESIDE.iter().any(|service| self.text("ServiceCategory").eq_ignore_ascii_case(service))
            && (holds(&TIMES) || !holds(&AMOUNTS))
    }

    fn is_covered(&self) -> bool {
        !self.text("CommitmentDiscountId").is_empty() || !self.text("CommitmentDiscountStatus").is_empty()
    }
}

/// What stands last in an id: behind its last slash or, in an ARN without one, its last colon.
fn short(id: &str) -> &str {
    let last = id.rsplit('/').next().unwrap_or(id);
    if last.starts_with("arn:") { last.rsplit(':').next().unwrap_or(last) } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::Action;
    use proptest::prelude::*;

    /// Rows under the needed columns and the one named.
    fn read(more: &str, rows: &[&str]) -> Result<Costs> {
        let mut costs = Costs::default();
        for (line, row) in (2..).zip(rows) {
            let values: Vec<&str> = row.split(',').collect();
            let mut all = [""; Costs::COLUMNS.len()];
            all[..5].copy_from_slice(&values[..5]);
            for (name, value) in more.split(',').zip(values.iter().skip(5)) {
                let at = Costs::COLUMNS.iter().position(|known| *known == name).expect("a column that is read");
                all[at] = value;
            }
            costs.add("focus.csv", line, &all)?;
        }
        costs.check("focus.csv").map(|()| costs)
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
        let rows = [
            "arn:aws:ec2:eu-west-1:1:instance/i-1,Usage,75,37.5,USD,Used",
            "arn:aws:ec2:eu-west-1:1:instance/i-1,Usage,25,20,USD,",
            "arn:aws:ec2:eu-west-1:1:instance/i-1,Tax,9,9,USD,",
            ",Usage,5,5,USD,",
        ];
        let costs = read("CommitmentDiscountStatus", &rows).unwrap();
        assert!(costs.has(&Server::new("i-1").unwrap()) && !costs.has(&Server::new("i-2").unwrap()));
        assert_eq!(told(&costs, Some(100.0)), [Some(57.5), Some(20.0)]);
        // A larger machine costs what hours cost that nothing covers, and puts nothing at risk.
        assert_eq!(told(&costs, Some(-100.0)), [Some(-80.0), Some(-80.0)]);
        assert_eq!(told(&costs, None), [None, None]);
        assert_eq!(told(&read("", &["i-9,Usage,1,1,USD"]).unwrap(), Some(100.0)), [None, None]);
    }

    #[test]
    fn only_a_machines_time_counts() {
        // Traffic under the machine's id, a month's snapshot, an address beside it, a correction, unused hours.
        let more = "PricingUnit,ServiceCategory,ChargeClass,CommitmentDiscountStatus";
        let rows = [
            "i-1,Usage,10,6,USD,Hrs,Compute,,",
            "i-1,Usage,90,90,USD,GB,Compute,,",
            "i-1,Usage,5,5,USD,GB-Mo,Compute,,",
            "i-1,Usage,3,3,USD,1 Hour,Networking,,",
            "i-1,Usage,-8,-1,USD,Hrs,Compute,Correction,",
            "i-1,Usage,0,4,USD,Hrs,Compute,,Unused",
            "i-1,Credit,0,-7,USD,,Compute,,",
        ];
        assert_eq!(told(&read(more, &rows).unwrap(), Some(100.0)), [Some(60.0), Some(60.0)]);
        // Processors and memory of one machine, each by the hour.
        let rows = ["i-1,Usage,8,6,USD,hour,Compute,,", "i-1,Usage,2,2,USD,gibibyte hour,Compute,,"];
        assert_eq!(told(&read(more, &rows).unwrap(), Some(100.0)), [Some(80.0), Some(80.0)]);
    }

    #[test]
    fn units_say_what_is_time() {
        let counts = |unit: &str| read("PricingUnit", &[&format!("i-1,Usage,1,1,USD,{unit}")]).is_ok();
        for unit in
            ["Hrs", "1 Hour", "100 Hours", "gibibyte hour", "vCPU-Hours", "seconds", "OCPU Per Hour", "Number", ""]
        {
            assert!(counts(unit), "{unit}");
        }
        for unit in ["GB", "GB-Mo", "1 GB/Month", "gibibyte", "gibibyte month", "Requests", "1/Month", "10K Operations"]
        {
            assert!(!counts(unit), "{unit}");
        }
    }

    #[test]
    fn resources_are_found_as_clouds_write_them() {
        let paid = |resource: &str, name: &str, server: &str| {
            let costs = read("ResourceName", &[&format!("{resource},Usage,10,6,USD,{name}")]).unwrap();
            costs.has(&Server::new(server).unwrap())
        };
        assert!(paid("arn:aws:rds:us-east-1:1:db:orders", "", "orders"));
        assert!(paid("i-1", "", "arn:aws:ec2:eu-west-1:1:instance/i-1"));
        let azure = "/subscriptions/1/resourcegroups/r/providers/microsoft.compute/virtualmachines/web-1";
        assert!(paid(azure, "", "Web-1") && paid("//compute.googleapis.com/7", "web-1", "web-1"));
        assert!(!paid(azure, "", "web"));
        // Two machines of one name: nobody knows which is meant.
        let two = ["/subscriptions/1/vm/i-1,Usage,10,6,USD", "/subscriptions/2/vm/i-1,Usage,10,9,USD"];
        assert_eq!(told(&read("", &two).unwrap(), Some(100.0)), [None, None]);
    }

    #[test]
    fn rates_are_known_in_any_currency_but_not_in_two() {
        assert_eq!(told(&read("", &["i-1,Usage,10,6,EUR"]).unwrap(), Some(100.0)), [Some(60.0); 2]);
        let both = ["i-1,Usage,10,6,EUR", "i-1,Usage,10,6,USD", "i-2,Usage,1,1,USD"];
        assert_eq!(told(&read("", &both).unwrap(), Some(100.0)), [None, None]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_row() {
        let message = |rows: &[&str]| read("", rows).unwrap_err().to_string();
        assert_eq!(
            message(&["i-1,Usage,1,1,USD", "i-1,Usage,x,1,USD"]),
            "cannot read the costs `focus.csv`: row 3: ListCost is `x`, it must be a number"
        );
        assert!(message(&[]).contains("it has no row of usage with a resource"));
        let mut has = [true; Costs::COLUMNS.len()];
        assert_eq!(Costs::check_columns("focus.csv", &has), Ok(()));
        has[3] = false;
        let error = Costs::check_columns("focus.csv", &has).unwrap_err().to_string();
        assert!(error.contains("it has no column `EffectiveCost`; needed are ResourceId, ChargeCategory"), "{error}");
    }

    proptest! {
        #[test]
        fn the_views_of_a_saving_never_exceed_it(
            rows in prop::collection::vec((0.01f64..100.0, 0.0f64..1.0, any::<bool>()), 1..20),
            saving in 0.0f64..1e4,
        ) {
            let rows: Vec<String> = rows.iter().map(|(list, rate, covered)| {
                format!("i-1,Usage,{list},{},USD,{}", list * rate, if *covered { "Used" } else { "" })
            }).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let costs = read("CommitmentDiscountStatus", &rows).unwrap();
            let [effective, free] = told(&costs, Some(saving)).map(Option::unwrap);
            prop_assert!(free <= effective + 1e-9 && effective <= saving + 1e-9 && free >= 0.0);
        }
    }
}
