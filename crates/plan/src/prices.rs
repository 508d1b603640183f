//! Price books: what a size costs, from where and as of when.

use crate::price_list::{self, is_price_list};
use crate::{Error, Result};
use fleetcast_core::Server;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::{fmt, io};

/// Hours in a month of a bill: 365 days / 12.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// Instruction set of a type; software built for one does not run on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// 64-bit x86, of Intel or AMD.
    X86,
    /// 64-bit Arm.
    Arm,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        })
    }
}

/// A size one can rent.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceType {
    /// Its name, for example `m6i.xlarge`.
    pub name: String,
    /// Virtual processors, above zero.
    pub vcpu: f64,
    /// Memory in GiB, above zero.
    pub memory_gib: f64,
    /// Its instruction set; x86_64 when the book does not say.
    pub architecture: Architecture,
    /// Network bandwidth it always has, in Mbit/s; `None` when the book does not say.
    pub network_mbit_per_s: Option<f64>,
    /// Whether it may use its processors fully only for a while.
    pub is_burstable: bool,
    /// What a type that bursts may use of its processors for good, in per cent of them; `None` when the book does not
    /// say, or for a type that does not burst.
    pub baseline_percent: Option<f64>,
    /// CoreMark iterations per second of one of its processors; `None` when the book does not say.
    pub coremark_per_vcpu: Option<f64>,
    /// Price in USD per hour, above zero.
    pub usd_per_hour: f64,
}

/// Types with their prices, in order of their names: of one region, or one list for each of several.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceBook {
    date: Option<Date>,
    source: String,
    /// The region whose prices `types` are, where the book says it.
    region: Option<String>,
    types: Vec<InstanceType>,
    /// Prices that hold for the servers of a region in place of `types`.
    by_region: BTreeMap<String, PriceBook>,
}

const EMBEDDED: &str = include_str!("../prices/ec2-us-east-1.csv");
/// What a compressed file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const NEEDED: [&str; 4] = ["instance_type", "vcpu", "memory_gib", "usd_per_hour"];

impl PriceBook {
    /// The common general, compute and memory families of Amazon EC2 at on-demand prices for Linux in
    /// us-east-1; [`PriceBook::date`] says as of when.
    pub fn embedded() -> Self {
        let book = Self::from_csv(EMBEDDED.as_bytes(), "ec2-us-east-1.csv");
        Self { region: Some("us-east-1".to_owned()), ..book.expect("a test reads the file that is built in") }
    }

    /// A price book from CSV with the columns `instance_type`, `vcpu`, `memory_gib`, `usd_per_hour` and,
    /// where known, `architecture` (`x86_64` or `arm64`), `network_mbit_per_s`, `coremark_per_vcpu`,
    /// `burstable` (`true` or `false`), `baseline_percent` (of its processors, for good), `currency` (`USD`) and
    /// `region`, for whose servers a row holds ([`PriceBook::of`]); other columns are left alone. Lines above the header
    /// may say `# source: ...` and `# date: 2026-07-20`. Amazon's own price list of EC2 in one region
    /// (`AmazonEC2/current/REGION/index.csv`) is read as it is. `source_name` is the file's name, for messages.
    ///
    /// # Errors
    /// [`Error`] with the row, the type and the column of the first value that is missing, is not a
    /// number above zero, or stands for a second time.
    pub fn from_csv(mut reader: impl io::Read, source_name: &str) -> Result<Self> {
        let unreadable = |reason: String| Error::Unreadable { source_name: source_name.to_owned(), reason };
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
        if bytes.starts_with(&GZIP) {
            return Err(unreadable("it is compressed; unpack it with `gzip -d`".to_owned()));
        }
        let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        if is_price_list(&text) {
            return price_list::read(&text, source_name);
        }
        let remarks = Remarks::of(&text, source_name)?;
        let mut csv = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .delimiter(separator(&text))
            .trim(csv::Trim::All)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let header = csv.headers().map_err(|error| unreadable(error.to_string()))?.clone();
        if header.is_empty() {
            return Err(unreadable(format!("it is empty; it needs the columns {}", NEEDED.join(", "))));
        }
        let columns = Columns::of(&header, source_name)?;
        let mut regions: BTreeMap<String, BTreeMap<String, (u64, InstanceType)>> = BTreeMap::new();
        for record in csv.records() {
            let record = record.map_err(|error| unreadable(error.to_string()))?;
            let row = Row::new(&record, source_name, &columns);
            let found = row.instance_type()?;
            let types = regions.entry(row.text("region").to_owned()).or_default();
            if let Some((first, _)) = types.get(&found.name) {
                return Err(Error::DuplicateType {
                    source_name: source_name.to_owned(),
                    row: row.line,
                    first: *first,
                    instance_type: found.name,
                });
            }
            types.insert(found.name.clone(), (row.line, found));
        }
        if regions.is_empty() {
            return Err(Error::NoTypes { source_name: source_name.to_owned() });
        }
        let book = |(region, types): (String, BTreeMap<String, (u64, InstanceType)>)| {
            let region = Some(region).filter(|name| !name.is_empty());
            let types = types.into_values().map(|(_, found)| found).collect();
            Self::new(remarks.date, remarks.source.clone(), region, types)
        };
        Self::joined(remarks.source.clone(), regions.into_iter().map(book).collect())
    }

    /// A book of types that are in order of their names, each once.
    pub(crate) fn new(date: Option<Date>, source: String, region: Option<String>, types: Vec<InstanceType>) -> Self {
        Self { date, source, region, types, by_region: BTreeMap::new() }
    }

    /// One book of several, each of other regions. A single one stays as it is and holds for every server; of several,
    /// the one that names no region holds for the servers that none of the others is of. Its date is the oldest of
    /// theirs.
    ///
    /// # Errors
    /// [`Error::Setting`] when two are of one region, or of none.
    pub fn joined(source: String, mut books: Vec<Self>) -> Result<Self> {
        if books.len() == 1 {
            return Ok(books.remove(0));
        }
        let date = books.iter().filter_map(|book| book.date).min();
        let mut whole = Self::new(date, source, None, Vec::new());
        let twice = |whole: &Self, region: &str| Error::Setting {
            key: "price_book".to_owned(),
            found: format!("`{}`, which has {region} twice", whole.source),
            allowed: "a file, or a folder with one file for each region".to_owned(),
        };
        for mut book in books {
            let mut regions = std::mem::take(&mut book.by_region);
            match book.region.clone() {
                Some(region) => drop(regions.insert(region, book)),
                None if book.types.is_empty() => {}
                None if whole.types.is_empty() => whole.types = book.types,
                None => return Err(twice(&whole, "prices of no region in particular")),
            }
            for (region, book) in regions {
                let name = format!("the region `{region}`");
                if whole.by_region.insert(region, book).is_some() {
                    return Err(twice(&whole, &name));
                }
            }
        }
        Ok(whole)
    }

    /// The prices for a server: those of its region, else those of no region in particular.
    pub fn of(&self, server: &Server) -> &Self {
        self.of_region(server.region.as_deref())
    }

    /// The prices of a region, as for its servers.
    pub fn of_region(&self, region: Option<&str>) -> &Self {
        region.and_then(|region| self.by_region.get(region)).unwrap_or(self)
    }

    /// The region whose prices a server gets though it stands in another; `None` where its own are known, or nobody
    /// says which region the prices are of.
    pub fn foreign_region(&self, server: &Server) -> Option<&str> {
        let (own, book) = (server.region.as_deref()?, self.of(server));
        book.region.as_deref().filter(|region| *region != own)
    }

    /// The same types at prices multiplied by what `factor` says of their names.
    pub fn with_prices(&self, factor: impl Fn(&str) -> f64) -> Self {
        let mut book = self.clone();
        let all = std::iter::once(&mut book.types).chain(book.by_region.values_mut().map(|one| &mut one.types));
        all.flatten().for_each(|one| one.usd_per_hour *= factor(&one.name));
        book
    }

    /// The names of its types in every region, in no order; some more than once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = std::iter::once(&self.types).chain(self.by_region.values().map(|one| &one.types));
        all.flatten().map(|one| one.name.as_str())
    }

    /// Day on which the prices held; `None` when the book does not say.
    pub fn date(&self) -> Option<Date> {
        self.date
    }

    /// Where the prices are from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its types, in order of their names.
    pub fn types(&self) -> &[InstanceType] {
        &self.types
    }

    /// The type called `name`.
    pub fn get(&self, name: &str) -> Option<&InstanceType> {
        self.types.binary_search_by(|t| t.name.as_str().cmp(name)).ok().map(|at| &self.types[at])
    }
}

/// What stands between two columns of the header: a comma, or the semicolon of spreadsheets that write decimal commas.
fn separator(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim_start_matches('\u{feff}').starts_with('#')).unwrap_or("");
    if header.contains(';') && !header.contains(',') { b';' } else { b',' }
}

/// What the comment lines of a price book say of it.
struct Remarks {
    date: Option<Date>,
    source: String,
}

impl Remarks {
    fn of(text: &str, source_name: &str) -> Result<Self> {
        let mut remarks = Self { date: None, source: source_name.to_owned() };
        let comments = text.trim_start_matches('\u{feff}').lines().map_while(|line| line.strip_prefix('#'));
        for (key, value) in comments.filter_map(|comment| comment.split_once(':')) {
            match key.trim() {
                "source" => remarks.source = value.trim().to_owned(),
                "date" => {
                    let date = value.trim().parse().map_err(|_| Error::Setting {
                        key: format!("date of {source_name}"),
                        found: format!("`{}`", value.trim()),
                        allowed: "a date such as 2026-07-20".to_owned(),
                    })?;
                    remarks.date = Some(date);
                }
                _ => {}
            }
        }
        Ok(remarks)
    }
}

/// Where the columns stand.
struct Columns(BTreeMap<String, usize>);

impl Columns {
    fn of(header: &csv::StringRecord, source_name: &str) -> Result<Self> {
        let columns: BTreeMap<String, usize> = header.iter().map(str::to_lowercase).zip(0..).collect();
        if let Some(column) = NEEDED.iter().find(|name| !columns.contains_key(**name)) {
            return Err(Error::MissingColumn {
                source_name: source_name.to_owned(),
                column: (*column).to_owned(),
                found: header.iter().collect::<Vec<_>>().join(", "),
                needed: NEEDED.join(", "),
            });
        }
        Ok(Self(columns))
    }
}

/// One row being read, with all that a message about it needs.
struct Row<'a> {
    record: &'a csv::StringRecord,
    source_name: &'a str,
    columns: &'a Columns,
    line: u64,
}

impl<'a> Row<'a> {
    fn new(record: &'a csv::StringRecord, source_name: &'a str, columns: &'a Columns) -> Self {
        let line = record.position().map_or(0, csv::Position::line);
        Self { record, source_name, columns, line }
    }

    fn instance_type(&self) -> Result<InstanceType> {
        if self.text("instance_type").is_empty() {
            return Err(self.error("instance_type", "a name"));
        }
        if !matches!(self.text("currency"), "" | "USD") {
            return Err(self.error("currency", "USD; convert the prices first"));
        }
        let architecture = match self.text("architecture") {
            "" | "x86_64" | "amd64" => Architecture::X86,
            "arm64" | "aarch64" => Architecture::Arm,
            _ => return Err(self.error("architecture", "x86_64 or arm64")),
        };
        let is_burstable = match self.text("burstable").to_lowercase().as_str() {
            "" | "false" => false,
            "true" => true,
            _ => return Err(self.error("burstable", "true or false")),
        };
        Ok(InstanceType {
            name: self.text("instance_type").to_owned(),
            vcpu: self.number("vcpu")?,
            memory_gib: self.number("memory_gib")?,
            architecture,
            network_mbit_per_s: self.optional("network_mbit_per_s")?,
            is_burstable,
            baseline_percent: self.baseline()?.filter(|_| is_burstable),
            coremark_per_vcpu: self.optional("coremark_per_vcpu")?,
            usd_per_hour: self.number("usd_per_hour")?,
        })
    }

    fn baseline(&self) -> Result<Option<f64>> {
        let found = self.optional("baseline_percent")?;
        match found {
            Some(percent) if percent > 100.0 => Err(self.error("baseline_percent", "above 0 and at most 100")),
            found => Ok(found),
        }
    }

    fn text(&self, column: &str) -> &'a str {
        self.columns.0.get(column).and_then(|&at| self.record.get(at)).unwrap_or("")
    }

    fn optional(&self, column: &str) -> Result<Option<f64>> {
        if self.text(column).is_empty() { Ok(None) } else { self.number(column).map(Some) }
    }

    fn number(&self, column: &str) -> Result<f64> {
        let value: f64 = self.text(column).parse().map_err(|_| self.error(column, "a number above 0"))?;
        if value > 0.0 && value.is_finite() { Ok(value) } else { Err(self.error(column, "a number above 0")) }
    }

    fn error(&self, column: &str, allowed: &str) -> Error {
        let found = match self.text(column) {
            "" => "missing".to_owned(),
            text => format!("`{text}`"),
        };
        Error::Price {
            source_name: self.source_name.to_owned(),
            row: self.line,
            what: format!("{column} of `{}`", self.text("instance_type")),
            found,
            allowed: allowed.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_built_in_book_is_dated_and_has_the_common_families() {
        let book = PriceBook::embedded();
        assert_eq!(book.date(), Some(date(2026, 7, 20)));
        assert!(book.source().contains("us-east-1"), "{}", book.source());
        let type_ = book.get("m6i.xlarge").expect("a common type");
        assert_eq!((type_.vcpu, type_.memory_gib, type_.usd_per_hour), (4.0, 16.0, 0.192));
        assert!(book.types().iter().all(|one| one.coremark_per_vcpu.is_some()));
        assert!(book.get("t3.large").is_some_and(|t| t.is_burstable));
        assert_eq!(book.get("m7g.large").map(|t| t.architecture), Some(Architecture::Arm));
        assert_eq!(book.get("m6i.xlargest"), None);
    }

    fn read(rows: &str) -> Result<PriceBook> {
        PriceBook::from_csv(format!("instance_type,vcpu,memory_gib,usd_per_hour,currency\n{rows}").as_bytes(), "p.csv")
    }

    #[test]
    fn errors_name_the_row_the_type_and_what_would_do() {
        let message = |rows: &str| read(rows).unwrap_err().to_string();
        let good = "a,2,8,0.1,USD\n";
        assert_eq!(
            message(&format!("{good}b,4,16,,USD\n")),
            "row 3 of `p.csv`: usd_per_hour of `b` is missing, it must be a number above 0"
        );
        assert_eq!(message("b,0,16,1,USD\n"), "row 2 of `p.csv`: vcpu of `b` is `0`, it must be a number above 0");
        assert!(message("b,2,inf,1,USD\n").contains("memory_gib of `b` is `inf`"));
        assert!(message("b,2,4,1,EUR\n").contains("currency of `b` is `EUR`, it must be USD"));
        assert_eq!(
            message(&format!("{good}{good}")),
            "row 3 of `p.csv`: `a` stands in row 2 already; keep one of them"
        );
        assert!(message("").contains("has no types"));
        assert!(message("b,2\n").contains("cannot read the price book `p.csv`"));
        let error = PriceBook::from_csv("".as_bytes(), "p.csv").unwrap_err().to_string();
        assert!(error.contains("`p.csv`: it is empty; it needs the columns instance_type, vcpu"), "{error}");
        let error = PriceBook::from_csv("name,vcpu\n".as_bytes(), "p.csv").unwrap_err().to_string();
        assert!(error.contains("no column `instance_type`; it has name, vcpu"), "{error}");
        let error = PriceBook::from_csv("# date: July\n".as_bytes(), "p.csv").unwrap_err().to_string();
        assert!(error.contains("a date such as"), "{error}");
    }

    #[test]
    fn servers_get_the_prices_of_their_region() {
        let server = |region: Option<&str>| {
            let mut server = Server::new("web-1").unwrap();
            server.region = region.map(str::to_owned);
            server
        };
        let head = "instance_type,vcpu,memory_gib,usd_per_hour,region\n";
        let book = |rows: &str| PriceBook::from_csv(format!("{head}{rows}").as_bytes(), "p.csv").unwrap();
        let price = |book: &PriceBook, region| book.of(&server(region)).get("a").map(|found| found.usd_per_hour);
        let several = book("a,2,8,0.1,us\na,2,8,0.2,eu\na,2,8,0.3,\nb,2,8,0.3,eu\n");
        assert_eq!(
            [Some("us"), Some("eu"), Some("ap"), None].map(|region| price(&several, region)),
            [0.1, 0.2, 0.3, 0.3].map(Some)
        );
        assert_eq!((several.foreign_region(&server(Some("ap"))), several.names().count()), (None, 4));
        let dearer = several.with_prices(|name| if name == "a" { 10.0 } else { 1.0 });
        assert_eq!(price(&dearer, Some("eu")), Some(2.0));
        // The prices of one region alone are better than none, and it can be told where they are not a server's own.
        let one = book("a,2,8,0.1,us\n");
        assert_eq!((price(&one, Some("eu")), one.foreign_region(&server(Some("eu")))), (Some(0.1), Some("us")));
        assert_eq!((one.foreign_region(&server(Some("us"))), one.foreign_region(&server(None))), (None, None));
        let without = book("a,2,8,0.1,us\na,2,8,0.2,eu\n");
        assert_eq!((price(&without, Some("ap")), price(&without, None)), (None, None));
        let twice = PriceBook::from_csv(format!("{head}a,2,8,1,us\na,2,8,1,eu\na,2,8,1,us\n").as_bytes(), "p.csv");
        assert!(twice.unwrap_err().to_string().contains("row 4 of `p.csv`: `a` stands in row 2 already"));
    }

    #[test]
    fn books_come_as_spreadsheets_write_them() {
        let text = "# date: 2026-01-31\nInstance_Type;vCPU;Memory_GiB;USD_per_hour;Burstable;baseline_percent\n\
                    a;2;8;0.1;FALSE;\nb;2;8;0.05;True;20\n";
        let book = PriceBook::from_csv(text.as_bytes(), "p.csv").unwrap();
        let bursts = |name: &str| book.get(name).map(|found| (found.is_burstable, found.baseline_percent));
        assert_eq!((bursts("a"), bursts("b")), (Some((false, None)), Some((true, Some(20.0)))));
        let error = PriceBook::from_csv([0x1f, 0x8b, 8, 0].as_slice(), "p.csv.gz").unwrap_err().to_string();
        assert_eq!(error, "cannot read the price book `p.csv.gz`: it is compressed; unpack it with `gzip -d`");
    }

    #[test]
    fn a_book_of_ones_own_keeps_its_source_and_ignores_other_columns() {
        let text = "\u{feff}# source: our contract\n# date: 2026-01-31\nowner,instance_type,vcpu,memory_gib,usd_per_hour\nme, big ,8,32,0.5\n";
        let book = PriceBook::from_csv(text.as_bytes(), "p.csv").unwrap();
        assert_eq!((book.source(), book.date()), ("our contract", Some(date(2026, 1, 31))));
        assert_eq!(book.get("big").map(|t| t.vcpu), Some(8.0));
    }
}
