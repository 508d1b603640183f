//! What a user says about a file: the `--map` file.

use crate::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A map file; every key is optional, and an unknown key is an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Map {
    /// `long`, `wide` or `daily`, where the columns do not tell.
    pub(crate) layout: Option<Layout>,
    /// Zone of times without an offset, and of servers that are new.
    pub(crate) timezone: Option<String>,
    /// How times are written, as in `%d/%m/%Y %H:%M`.
    pub(crate) time_format: Option<String>,
    /// Metric of a file that does not name it.
    pub(crate) metric: Option<String>,
    /// Unit of a file that does not name it.
    pub(crate) unit: Option<String>,
    /// Which column is what.
    #[serde(default)]
    pub(crate) columns: Columns,
    /// What is known of a metric, by its name in the file.
    #[serde(default)]
    pub(crate) metrics: BTreeMap<String, MetricMap>,
    /// How to read a file of servers.
    #[serde(default)]
    pub(crate) servers: ServersMap,
}

/// Arrangement of a file's rows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    Long,
    Wide,
    Daily,
}

impl Layout {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Wide => "wide",
            Self::Daily => "daily",
        }
    }
}

/// Names of columns by what they hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Columns {
    pub(crate) server: Option<String>,
    pub(crate) time: Option<String>,
    pub(crate) metric: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) p95: Option<String>,
    pub(crate) mean: Option<String>,
    pub(crate) max: Option<String>,
    pub(crate) n: Option<String>,
}

/// What is known of a metric.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricMap {
    /// Its name in the lake.
    pub(crate) name: Option<String>,
    /// Its unit; `percent` and `fraction` are understood.
    pub(crate) unit: Option<String>,
    /// A factor for its values.
    pub(crate) scale: Option<f64>,
    /// Whether it only ever grows, so that its rate per second is what counts.
    #[serde(default)]
    pub(crate) counter: bool,
    /// Whether it is left out.
    #[serde(default)]
    pub(crate) ignore: bool,
    /// Capacity of the whole fleet's, in its unit in the lake.
    pub(crate) capacity: Option<f64>,
}

/// How to read a file of servers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServersMap {
    /// What stands before the ids of telemetry and not before those of the file.
    #[serde(default)]
    pub(crate) prefix: String,
    /// The file's column for a column of `servers`.
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, String>,
}

impl Map {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
        let unreadable = |reason: String| Error::Unreadable { file: file.to_owned(), kind: "map", reason };
        let map: Self = toml::from_str(&text).map_err(|error| unreadable(error.to_string().trim().to_owned()))?;
        for (name, metric) in &map.metrics {
            if let Some(scale) = metric.scale.filter(|scale| !scale.is_finite() || *scale == 0.0) {
                return Err(unreadable(format!("the scale of `{name}` is {scale}, it must be a number other than 0")));
            }
            if let Some(capacity) = metric.capacity.filter(|c| !(c.is_finite() && *c > 0.0)) {
                return Err(unreadable(format!("the capacity of `{name}` is {capacity}, it must be above 0")));
            }
        }
        Ok(map)
    }
}
