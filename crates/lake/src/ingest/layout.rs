//! Which column of a file is what, guessed from common names.

use super::map::{Columns, Layout, Map};
use crate::{Error, Result};
use std::path::Path;

const SERVER: &[&str] = &[
    "server_id",
    "server",
    "serverid",
    "host",
    "hostname",
    "host_name",
    "instance_id",
    "instanceid",
    "instance",
    "vm_id",
    "vmid",
    "vm",
    "node",
    "machine_id",
    "machine",
    "resource_id",
    "device",
    "unique_id",
    "series_id",
    "series",
];
const TIME: &[&str] = &["timestamp", "ts", "time", "datetime", "date_time", "timestamp_utc", "ds", "_time", "date"];
const METRIC: &[&str] = &["metric", "metric_name", "metricname", "measurement", "_field", "counter_name"];
const VALUE: &[&str] = &["value", "val", "_value", "metric_value", "average", "y"];
const UNIT: &[&str] = &["unit", "units"];
const DATE: &[&str] = &["date", "day", "local_date", "ds"];
const P95: &[&str] = &["p95", "value_p95", "percentile_95", "perc95", "q95"];
const MEAN: &[&str] = &["mean", "avg", "average"];
const MAX: &[&str] = &["max", "maximum"];
const COUNT: &[&str] = &["n", "n_samples", "samples", "count", "sample_count"];
/// Numbers that describe a row and measure nothing.
const DESCRIBING: &[&str] =
    &["coverage", "freq", "frequency", "resolution", "step", "window", "index", "row", "id", "_"];

/// The columns of a metric's days.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DayColumns {
    /// The metric, where the columns' names tell it.
    pub(crate) metric: Option<String>,
    /// P95, mean and maximum.
    pub(crate) parts: [Option<usize>; 3],
}

/// What the columns of a file hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    /// One value a row.
    Long(usize),
    /// One column per metric.
    Wide(Vec<(usize, String)>),
    /// Days that are already summarised.
    Daily { days: Vec<DayColumns>, n: Option<usize> },
}

/// Which column is what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Roles {
    pub(crate) server: Option<usize>,
    pub(crate) time: usize,
    pub(crate) metric: Option<usize>,
    pub(crate) unit: Option<usize>,
    pub(crate) values: Values,
}

struct Header<'a> {
    file: &'a Path,
    names: &'a [String],
    plain: Vec<String>,
}

/// Finds the roles of columns.
///
/// # Errors
/// [`Error::Layout`] when one that is needed cannot be found, [`Error::Unknown`] when the map names a
/// column that is not there.
pub(crate) fn roles(file: &Path, names: &[String], numeric: &[bool], map: &Map) -> Result<Roles> {
    let header = Header { file, names, plain: names.iter().map(|name| plain(name)).collect() };
    let said: &Columns = &map.columns;
    let server = header.find(&said.server, SERVER)?;
    let metric = header.find(&said.metric, METRIC)?;
    let unit = header.find(&said.unit, UNIT)?;
    let layout = map.layout.unwrap_or_else(|| header.layout(said));
    let (time, values) = match layout {
        Layout::Daily => {
            let date = header.need(&said.date, DATE, "date")?;
            (date, header.days(said)?)
        }
        Layout::Long => {
            let time = header.need(&said.time, TIME, "time")?;
            (time, Values::Long(header.need(&said.value, VALUE, "value")?))
        }
        Layout::Wide => {
            let time = header.need(&said.time, TIME, "time")?;
            let taken = [server, Some(time), metric, unit];
            let metrics: Vec<(usize, String)> = (0..names.len())
                .filter(|at| numeric[*at] && !taken.contains(&Some(*at)))
                .filter(|at| {
                    !DESCRIBING.contains(&header.plain[*at].as_str()) && !SERVER.contains(&header.plain[*at].as_str())
                })
                .map(|at| (at, names[at].clone()))
                .collect();
            if metrics.is_empty() {
                return Err(header.unclear("no column holds numbers of a metric"));
            }
            (time, Values::Wide(metrics))
        }
    };
    Ok(Roles { server, time, metric, unit, values })
}

impl Roles {
    /// Columns with what they were taken for, in the order of the file.
    pub(crate) fn described(&self, names: &[String]) -> Vec<(String, String)> {
        let mut roles: Vec<(usize, String)> = vec![(self.time, "time".to_owned())];
        for (at, role) in [(self.server, "server"), (self.metric, "metric"), (self.unit, "unit")] {
            roles.extend(at.map(|at| (at, role.to_owned())));
        }
        match &self.values {
            Values::Long(value) => roles.push((*value, "value".to_owned())),
            Values::Wide(metrics) => roles.extend(metrics.iter().map(|(at, name)| (*at, format!("metric {name}")))),
            Values::Daily { days, n } => {
                roles.extend(n.map(|at| (at, "number of samples".to_owned())));
                for day in days {
                    for (part, name) in day.parts.iter().zip(["P95", "mean", "maximum"]) {
                        let of = day.metric.as_ref().map(|metric| format!(" of {metric}")).unwrap_or_default();
                        roles.extend(part.map(|at| (at, format!("{name}{of}"))));
                    }
                }
            }
        }
        roles.sort();
        roles.into_iter().map(|(at, role)| (names[at].clone(), role)).collect()
    }

    pub(crate) fn layout(&self) -> Layout {
        match self.values {
            Values::Long(_) => Layout::Long,
            Values::Wide(_) => Layout::Wide,
            Values::Daily { .. } => Layout::Daily,
        }
    }
}

impl Header<'_> {
    fn unclear(&self, problem: &str) -> Error {
        Error::Layout { file: self.file.to_owned(), problem: problem.to_owned(), found: self.names.join(", ") }
    }

    /// The column the map names, else the first of the common names.
    fn find(&self, said: &Option<String>, common: &[&str]) -> Result<Option<usize>> {
        if let Some(said) = said {
            let at = self.names.iter().position(|name| name == said);
            let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
            let place = format!("`{}`", self.file.display());
            return at.map(Some).ok_or_else(|| Error::unknown("column", said, &place, &known));
        }
        Ok(common.iter().find_map(|name| self.plain.iter().position(|plain| plain == name)))
    }

    fn need(&self, said: &Option<String>, common: &[&str], role: &str) -> Result<usize> {
        let shown = &common[..common.len().min(4)];
        self.find(said, common)?
            .ok_or_else(|| self.unclear(&format!("no column for the {role} (looked for {}, ...)", shown.join(", "))))
    }

    fn layout(&self, said: &Columns) -> Layout {
        let has = |names: &[&str]| self.plain.iter().any(|plain| names.contains(&plain.as_str()));
        let has_days = has(P95) || self.plain.iter().any(|plain| plain.ends_with("_p95"));
        if said.p95.is_some() || said.date.is_some() || (has_days && has(DATE)) {
            Layout::Daily
        } else if said.value.is_some() || has(VALUE) {
            Layout::Long
        } else {
            Layout::Wide
        }
    }

    fn days(&self, said: &Columns) -> Result<Values> {
        let n = self.find(&said.n, COUNT)?;
        if let Some(p95) = self.find(&said.p95, P95)? {
            let parts = [Some(p95), self.find(&said.mean, MEAN)?, self.find(&said.max, MAX)?];
            return Ok(Values::Daily { days: vec![DayColumns { metric: None, parts }], n });
        }
        let column = |name: String| self.names.iter().position(|n| *n == name);
        let days: Vec<DayColumns> = self
            .names
            .iter()
            .filter_map(|name| name.strip_suffix("_p95"))
            .map(|metric| DayColumns {
                metric: Some(metric.to_owned()),
                parts: ["_p95", "_mean", "_max"].map(|part| column(format!("{metric}{part}"))),
            })
            .collect();
        if days.is_empty() {
            return Err(self.unclear("no column for the P95 of a day"));
        }
        Ok(Values::Daily { days, n })
    }
}

/// Lower case, with `_` for whatever is not a letter or a digit.
pub(crate) fn plain(name: &str) -> String {
    name.trim().to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(names: &str, map: &Map) -> Result<Roles> {
        let names: Vec<String> = names.split(',').map(str::to_owned).collect();
        let numeric: Vec<bool> = names.iter().map(|n| n.starts_with("cpu") || n.starts_with("mem")).collect();
        roles(Path::new("x.csv"), &names, &numeric, map)
    }

    #[test]
    fn common_names_are_understood() {
        let long = guess("series_id,timestamp,value,server_id,metric,unit", &Map::default()).unwrap();
        assert_eq!((long.server, long.time, long.metric, long.unit), (Some(3), 1, Some(4), Some(5)));
        assert_eq!(long.values, Values::Long(2));
        let wide = guess("Host Name,Timestamp (UTC),cpu %,memory,comment", &Map::default());
        assert!(
            wide.unwrap_err()
                .to_string()
                .contains("no column for the time (looked for timestamp, ts, time, datetime, ...)")
        );
        let wide = guess("hostname,ds,cpu,memory,comment", &Map::default()).unwrap();
        assert_eq!(wide.values, Values::Wide(vec![(2, "cpu".to_owned()), (3, "memory".to_owned())]));
        let daily = guess("series_id,date,p95,mean,max,n,coverage,resolution,unit", &Map::default()).unwrap();
        let days = vec![DayColumns { metric: None, parts: [Some(2), Some(3), Some(4)] }];
        assert_eq!((daily.time, daily.values), (1, Values::Daily { days, n: Some(5) }));
        let own = guess("server_id,date,n_samples,cpu_max,cpu_mean,cpu_p95", &Map::default()).unwrap();
        let days = vec![DayColumns { metric: Some("cpu".to_owned()), parts: [Some(5), Some(4), Some(3)] }];
        assert_eq!(own.values, Values::Daily { days, n: Some(2) });
    }

    #[test]
    fn a_map_overrules_and_must_be_right() {
        let map = |text: &str| toml::from_str::<Map>(text).unwrap();
        let roles = guess("a,b,c", &map("[columns]\nserver = 'a'\ntime = 'b'\nvalue = 'c'")).unwrap();
        assert_eq!((roles.server, roles.time, roles.values), (Some(0), 1, Values::Long(2)));
        let error = guess("a,b,c", &map("[columns]\ntime = 'b'\nvalue = 'd'")).unwrap_err().to_string();
        assert!(error.starts_with("unknown column `d` in `x.csv`, did you mean `a`? known: a, b, c"), "{error}");
        assert!(toml::from_str::<Map>("colums = 1").unwrap_err().to_string().contains("unknown field `colums`"));
    }
}
