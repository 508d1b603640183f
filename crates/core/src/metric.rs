//! What is measured on a server, in which unit, against which capacity.

use std::fmt;

/// Unit of a metric's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Per cent of the server's own capacity, 0 to 100.
    Percent,
    /// Any other unit, by its usual sign: `MB/s`, `bit/s`, `requests/s`; empty when nobody said.
    Other(String),
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent => f.write_str("%"),
            Self::Other(sign) => f.write_str(sign),
        }
    }
}

/// A closed range that values cannot leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Smallest possible value.
    pub low: f64,
    /// Largest possible value; observations at it are censored, not observed.
    pub high: f64,
}

impl Bounds {
    /// Per cent of capacity.
    pub const PERCENT: Self = Self { low: 0.0, high: 100.0 };

    /// The value of the range nearest to `value`.
    #[inline]
    pub fn clamp(self, value: f64) -> f64 {
        value.clamp(self.low, self.high)
    }
}

/// A kind of telemetry: its name, its unit and, where it is known for the whole fleet, its capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    name: String,
    unit: Unit,
    capacity: Option<f64>,
}

impl Metric {
    /// A metric by name; `cpu`, `memory` and `network` are per cent, `disk_io` is MB/s, and any other
    /// name has no unit until [`Metric::with_unit`] gives it one.
    pub fn named(name: &str) -> Self {
        let unit = match name {
            "cpu" | "memory" | "network" => Unit::Percent,
            "disk_io" => Unit::Other("MB/s".to_owned()),
            _ => Unit::Other(String::new()),
        };
        Self { name: name.to_owned(), unit, capacity: None }
    }

    /// The same metric in another unit.
    pub fn with_unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// The same metric with a capacity in its own unit; a capacity that is not above zero is none.
    pub fn with_capacity(mut self, capacity: Option<f64>) -> Self {
        self.capacity = capacity.filter(|c| c.is_finite() && *c > 0.0);
        self
    }

    /// Name as in tables and on the command line.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Unit of the values.
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// Capacity shared by all servers, in the metric's unit: 100 for per cent, else what was said.
    pub fn capacity(&self) -> Option<f64> {
        match self.unit {
            Unit::Percent => Some(100.0),
            Unit::Other(_) => self.capacity,
        }
    }

    /// The range values cannot leave: 0 to 100 for per cent, none otherwise.
    pub fn bounds(&self) -> Option<Bounds> {
        (self.unit == Unit::Percent).then_some(Bounds::PERCENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_percent_is_bounded_and_has_a_capacity_of_its_own() {
        assert_eq!(Metric::named("cpu").capacity(), Some(100.0));
        let traffic = Metric::named("traffic").with_unit(Unit::Other("bit/s".into()));
        assert_eq!((traffic.capacity(), traffic.bounds()), (None, None));
        assert_eq!(traffic.with_capacity(Some(1e9)).capacity(), Some(1e9));
        assert_eq!(Metric::named("disk_io").with_capacity(Some(0.0)).capacity(), None);
    }
}
