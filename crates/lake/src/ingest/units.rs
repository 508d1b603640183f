//! Units that telemetry comes in.

use fleetcast_core::Unit;

/// A unit as found in a file: what the values become, and the factor that takes them there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) unit: Unit,
    pub(crate) factor: f64,
}

const PERCENT: [&str; 6] = ["%", "percent", "pct", "percentage", "per cent", "percents"];
const FRACTION: [&str; 6] = ["fraction", "ratio", "share", "0-1", "proportion", "unit interval"];

impl Found {
    /// The unit that a word names. Fractions of a capacity become per cent; every other unit stays as
    /// it is written.
    pub(crate) fn named(word: &str) -> Self {
        let word = word.trim();
        let lower = word.to_lowercase();
        if PERCENT.contains(&lower.as_str()) {
            return Self { unit: Unit::Percent, factor: 1.0 };
        }
        if FRACTION.contains(&lower.as_str()) {
            return Self { unit: Unit::Percent, factor: 100.0 };
        }
        Self { unit: Unit::Other(word.to_owned()), factor: 1.0 }
    }

    /// The factor that takes values in this unit to `wanted`; `None` when the two measure different things.
    pub(crate) fn factor_to(&self, wanted: &Unit) -> Option<f64> {
        if self.unit == *wanted {
            return Some(self.factor);
        }
        let (Unit::Other(from), Unit::Other(to)) = (&self.unit, wanted) else { return None };
        let ((bits, same), (bits_wanted, same_wanted)) = (size(from)?, size(to)?);
        (same == same_wanted).then(|| self.factor * bits / bits_wanted)
    }
}

/// A data size or rate in bits, and whether it is per second.
fn size(unit: &str) -> Option<(f64, bool)> {
    let (amount, per_second) = match unit.strip_suffix("/s").or_else(|| unit.strip_suffix("/sec")) {
        Some(amount) => (amount, true),
        None => match unit.strip_suffix("ps") {
            Some(amount) => (amount, true),
            None => (unit, false),
        },
    };
    let (prefix, bits) = match amount {
        "bytes" | "byte" | "Bytes" => ("", 8.0),
        "bits" | "bit" => ("", 1.0),
        other => match (other.strip_suffix("bit"), other.strip_suffix('B'), other.strip_suffix('b')) {
            (Some(prefix), _, _) => (prefix, 1.0),
            (_, Some(prefix), _) => (prefix, 8.0),
            (_, _, Some(prefix)) => (prefix, 1.0),
            _ => return None,
        },
    };
    let scale = match prefix {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        _ => return None,
    };
    Some((bits * scale, per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_and_fractions_meet_and_rates_convert() {
        assert_eq!(Found::named("Percent").factor_to(&Unit::Percent), Some(1.0));
        assert_eq!(Found::named("fraction").factor_to(&Unit::Percent), Some(100.0));
        let rate = |sign: &str| Unit::Other(sign.to_owned());
        assert_eq!(Found::named("MB/s").factor_to(&rate("Mbit/s")), Some(8.0));
        assert_eq!(Found::named("KiB/s").factor_to(&rate("B/s")), Some(1024.0));
        assert_eq!(Found::named("Gbps").factor_to(&rate("bit/s")), Some(1e9));
        assert_eq!(Found::named("bytes").factor_to(&rate("MB")), Some(1e-6));
        assert_eq!(Found::named("bytes").factor_to(&rate("B/s")), None);
        assert_eq!(Found::named("users").factor_to(&rate("MB/s")), None);
        assert_eq!(Found::named("users").factor_to(&Unit::Percent), None);
    }
}
