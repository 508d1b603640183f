//! Amazon's own price list of EC2, as it is published for a region (`AmazonEC2/current/REGION/index.csv`).
//!
//! Of its rows those count that a plain Linux server pays: on demand, shared tenancy, nothing installed,
//! no reserved capacity.

use crate::{Architecture, Error, InstanceType, PriceBook, Result};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Lines above the header.
const PREAMBLE: usize = 5;

/// What the columns of a row that counts must say.
const COUNTS: [(&str, &str); 5] = [
    ("TermType", "OnDemand"),
    ("Operating System", "Linux"),
    ("Tenancy", "Shared"),
    ("Pre Installed S/W", "NA"),
    ("CapacityStatus", "Used"),
];

/// Other columns that are read.
const READ: [&str; 6] = ["Instance Type", "vCPU", "Memory", "PricePerUnit", "Currency", "Unit"];

/// Whether a text is such a list.
pub(crate) fn is_price_list(text: &str) -> bool {
    text.starts_with("\"FormatVersion\"")
}

/// The price book of a list.
///
/// Facts of the hardware that the list does not say (lasting bandwidth, benchmark) are those of the
/// embedded book, for types that stand in both.
///
/// # Errors
/// [`Error`] for a column that is missing, a value that makes no sense, several regions or prices of one
/// type, or no price that counts.
pub(crate) fn read(text: &str, source_name: &str) -> Result<PriceBook> {
    let unreadable = |reason: String| Error::Unreadable { source_name: source_name.to_owned(), reason };
    let mut preamble = text.lines();
    let date = preamble.by_ref().take(PREAMBLE).find_map(publication_date);
    let start = text.match_indices('\n').nth(PREAMBLE - 1).map_or(text.len(), |(at, _)| at + 1);
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(&text.as_bytes()[start..]);
    let header = csv.headers().map_err(|error| unreadable(error.to_string()))?.clone();
    let columns: BTreeMap<String, usize> = header.iter().map(str::to_owned).zip(0..).collect();
    let needed = || COUNTS.iter().map(|(name, _)| *name).chain(READ);
    if let Some(column) = needed().find(|name| !columns.contains_key(*name)) {
        return Err(Error::MissingColumn {
            source_name: source_name.to_owned(),
            column: column.to_owned(),
            found: format!("{} columns", columns.len()),
            needed: needed().collect::<Vec<_>>().join(", "),
        });
    }
    let facts = PriceBook::embedded();
    let mut types: BTreeMap<String, (u64, InstanceType)> = BTreeMap::new();
    let mut regions: Vec<String> = Vec::new();
    for record in csv.records() {
        let record = record.map_err(|error| unreadable(error.to_string()))?;
        let row = Row { record: &record, columns: &columns, source_name };
        if !row.counts() {
            continue;
        }
        let region = row.text("Region Code").to_owned();
        if !regions.contains(&region) {
            regions.push(region);
        }
        let found = row.instance_type(&facts)?;
        let line = row.line();
        if let Some((first, _)) = types.insert(found.name.clone(), (line, found.clone())).filter(|_| regions.len() == 1)
        {
            let (source_name, instance_type) = (source_name.to_owned(), found.name);
            return Err(Error::DuplicateType { source_name, row: line, first, instance_type });
        }
    }
    if regions.len() > 1 {
        regions.sort();
        let list = regions.join(", ");
        return Err(unreadable(format!("it has prices of several regions ({list}); take the list of one of them")));
    }
    if types.is_empty() {
        return Err(Error::NoTypes { source_name: source_name.to_owned() });
    }
    let region = regions.pop().filter(|region| !region.is_empty());
    let place = region.as_deref().unwrap_or("an unnamed region");
    let source = format!("Amazon EC2 price list, on demand, Linux, shared tenancy, {place}");
    Ok(PriceBook::new(date, source, region, types.into_values().map(|(_, found)| found).collect()))
}

/// `"Publication Date","2026-07-01T12:00:00Z"`.
fn publication_date(line: &str) -> Option<Date> {
    let (key, value) = line.split_once(',')?;
    (key.trim_matches('"') == "Publication Date").then_some(())?;
    value.trim().trim_matches('"').get(..10)?.parse().ok()
}

struct Row<'a> {
    record: &'a csv::StringRecord,
    columns: &'a BTreeMap<String, usize>,
    source_name: &'a str,
}

impl Row<'_> {
    fn text(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|&at| self.record.get(at)).unwrap_or("").trim()
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line) + PREAMBLE as u64
    }

    /// Whether a plain server pays it. A price of nothing is one of somebody else's term, listed beside it.
    fn counts(&self) -> bool {
        let hourly = self.text("Unit") == "Hrs" && self.text("PricePerUnit").parse::<f64>() != Ok(0.0);
        hourly && COUNTS.iter().all(|(column, value)| self.text(column) == *value)
    }

    fn instance_type(&self, facts: &PriceBook) -> Result<InstanceType> {
        let name = self.text("Instance Type");
        if name.is_empty() {
            return Err(self.error("Instance Type", "a name"));
        }
        if self.text("Currency") != "USD" {
            return Err(self.error("Currency", "USD; take the list in that currency"));
        }
        let known = facts.get(name);
        let is_arm = self.text("Physical Processor").contains("Graviton");
        Ok(InstanceType {
            name: name.to_owned(),
            vcpu: self.number("vCPU", "")?,
            memory_gib: self.number("Memory", "GiB")?,
            architecture: if is_arm { Architecture::Arm } else { Architecture::X86 },
            network_mbit_per_s: known.and_then(|known| known.network_mbit_per_s),
            // The families whose names begin with a t earn credits for what is above a baseline.
            baseline_percent: None,
            is_burstable: name.starts_with('t') && name[1..].starts_with(|next: char| next.is_ascii_digit()),
            coremark_per_vcpu: known.and_then(|known| known.coremark_per_vcpu),
            usd_per_hour: self.number("PricePerUnit", "")?,
        })
    }

    fn number(&self, column: &str, unit: &str) -> Result<f64> {
        let digits = self.text(column).trim_end_matches(unit).trim().replace(',', "");
        let value: Option<f64> = digits.parse().ok();
        value.filter(|value| *value > 0.0 && value.is_finite()).ok_or_else(|| self.error(column, "a number above 0"))
    }

    fn error(&self, column: &str, allowed: &str) -> Error {
        let found = match self.text(column) {
            "" => "missing".to_owned(),
            text => format!("`{text}`"),
        };
        Error::Price {
            source_name: self.source_name.to_owned(),
            row: self.line(),
            what: format!("{column} of `{}`", self.text("Instance Type")),
            found,
            allowed: allowed.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const HEAD: &str = "\"FormatVersion\",\"v1.0\"\n\"Disclaimer\",\"a, b\"\n\"Publication Date\",\"2026-07-01T20:16:28Z\"\n\
        \"Version\",\"20260701201628\"\n\"OfferCode\",\"AmazonEC2\"\n\
        \"SKU\",\"TermType\",\"Unit\",\"PricePerUnit\",\"Currency\",\"Instance Type\",\"vCPU\",\"Physical Processor\",\"Memory\",\
        \"Tenancy\",\"Operating System\",\"CapacityStatus\",\"Pre Installed S/W\",\"Region Code\"\n";

    fn row(name: &str, term: &str, price: &str, memory: &str, tenancy: &str, region: &str) -> String {
        format!(
            "\"X\",\"{term}\",\"Hrs\",\"{price}\",\"USD\",\"{name}\",\"4\",\"Intel Xeon\",\"{memory}\",\"{tenancy}\",\"Linux\",\"Used\",\"NA\",\
             \"{region}\"\n"
        )
    }

    fn plain(name: &str, price: &str, memory: &str) -> String {
        row(name, "OnDemand", price, memory, "Shared", "eu-west-1")
    }

    fn book(rows: &str) -> Result<PriceBook> {
        PriceBook::from_csv(format!("{HEAD}{rows}").as_bytes(), "index.csv")
    }

    #[test]
    fn the_prices_that_a_plain_server_pays_are_read() {
        let others = row("m6i.xlarge", "Reserved", "0.1", "16 GiB", "Shared", "eu-west-1")
            + &row("m6i.xlarge", "OnDemand", "0.3", "16 GiB", "Dedicated", "eu-west-1")
            + &plain("m6i.xlarge", "0.0000000000", "16 GiB");
        let rows =
            plain("m6i.xlarge", "0.2140000000", "16 GiB") + &others + &plain("u-6tb1.metal", "54.6", "6,144 GiB");
        let arm = plain("m7g.xlarge", "0.1821", "16 GiB").replace("Intel Xeon", "AWS Graviton3 Processor");
        let book = book(&(rows + &arm + &plain("t3.xlarge", "0.1824", "16 GiB"))).unwrap();
        assert_eq!((book.types().len(), book.date()), (4, Some(date(2026, 7, 1))));
        assert!(book.source().ends_with("shared tenancy, eu-west-1"), "{}", book.source());
        let found = book.get("m6i.xlarge").unwrap();
        assert_eq!((found.vcpu, found.memory_gib, found.usd_per_hour), (4.0, 16.0, 0.214));
        assert_eq!(found.network_mbit_per_s, PriceBook::embedded().get("m6i.xlarge").unwrap().network_mbit_per_s);
        assert_eq!(book.get("u-6tb1.metal").map(|one| (one.memory_gib, one.network_mbit_per_s)), Some((6144.0, None)));
        assert_eq!(book.get("m7g.xlarge").map(|one| one.architecture), Some(Architecture::Arm));
        assert!(book.get("t3.xlarge").unwrap().is_burstable && !found.is_burstable);
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said_with_its_line() {
        let message = |rows: &str| book(rows).unwrap_err().to_string();
        let good = plain("m6i.xlarge", "0.214", "16 GiB");
        assert_eq!(
            message(&(good.clone() + &plain("m6i.large", "0.1", "NA"))),
            "row 8 of `index.csv`: Memory of `m6i.large` is `NA`, it must be a number above 0"
        );
        assert_eq!(
            message(&good.repeat(2)),
            "row 8 of `index.csv`: `m6i.xlarge` stands in row 7 already; keep one of them"
        );
        assert!(message(&good.replace("USD", "CNY")).contains("Currency of `m6i.xlarge` is `CNY`, it must be USD"));
        let regions = good.clone() + &row("m6i.xlarge", "OnDemand", "0.2", "16 GiB", "Shared", "us-east-1");
        assert!(message(&regions).contains("several regions (eu-west-1, us-east-1); take the list of one"));
        assert!(message("").contains("has no types"));
        let short =
            PriceBook::from_csv("\"FormatVersion\",\"v1.0\"\n".as_bytes(), "index.csv").unwrap_err().to_string();
        assert!(short.contains("no column `TermType`"), "{short}");
    }
}
