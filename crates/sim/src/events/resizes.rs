//! Resizes: a pool gets hardware of another size, and its percentages are of another capacity.

use super::lasting::Lasting;
use crate::scenario::Scenario;
use fleetcast_core::Shape;
use fleetcast_numeric::{Stream, math};
use std::ops::Range;

/// A server's hardware from a day on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resize {
    pub(crate) day: usize,
    pub(crate) shape: Shape,
}

/// The resizes of a pool that begin on the days `begin`, earliest first, and what they do to the demand.
///
/// A pool busier than the median of its busy kind grows to the next size of its family, any other shrinks;
/// where the family ends there it goes the other way. The n-th resize is the same however many days are
/// asked for.
pub(crate) fn resizes(
    scenario: &Scenario,
    (seed, pool): (u64, &str),
    (first, is_busy): (&Shape, bool),
    begin: Range<usize>,
) -> (Vec<Resize>, Vec<Lasting>) {
    let per_year = scenario.raw.resizes.per_pool_per_year;
    let stream = Stream::new(seed, &["resizes", pool]);
    let (mut found, mut changes) = (Vec::new(), Vec::new());
    let mut old = first.clone();
    let mut time = begin.start as f64;
    for number in 0.. {
        if per_year <= 0.0 {
            break;
        }
        time += stream.exponential(number) * 365.25 / per_year;
        if time >= begin.end as f64 {
            break;
        }
        let sizes = [is_busy, !is_busy].map(|up| next_size(&scenario.all_shapes, &old, up));
        let Some(new) = sizes.into_iter().flatten().next() else { break };
        // The volume stays, and with it the throughput of the disk.
        let new = Shape { disk_mb_per_s: old.disk_mb_per_s, ..new.clone() };
        let day = time as usize;
        changes.push(Lasting {
            start: day,
            peak: day,
            end: None,
            log: logs(&old, &new),
            event_type: "resize",
            id: format!("{pool}-resize-{number}"),
            scope: "pool",
            scope_id: pool.to_owned(),
            metric: None,
            size: ratio(new.vcpu, old.vcpu),
        });
        found.push(Resize { day, shape: new.clone() });
        old = new;
    }
    (found, changes)
}

/// The next larger or smaller shape of the same family: `m6i.large` and `m6i.xlarge` are of `m6i`.
fn next_size<'a>(shapes: &'a [Shape], of: &Shape, up: bool) -> Option<&'a Shape> {
    let family = |shape: &Shape| shape.instance_type.as_deref()?.split_once('.').map(|(family, _)| family.to_owned());
    let size = |shape: &Shape| shape.vcpu.unwrap_or(0.0);
    let own = family(of)?;
    let like = shapes.iter().filter(|shape| family(shape).as_deref() == Some(own.as_str()));
    if up {
        like.filter(|shape| size(shape) > size(of)).min_by(|a, b| size(a).total_cmp(&size(b)))
    } else {
        like.filter(|shape| size(shape) < size(of)).max_by(|a, b| size(a).total_cmp(&size(b)))
    }
}

/// What percentages of the old capacity are of the new one; throughput in MB/s is no percentage.
fn logs(old: &Shape, new: &Shape) -> [f64; 4] {
    let log = |old: Option<f64>, new: Option<f64>| -math::ln(ratio(new, old));
    [
        log(old.vcpu, new.vcpu),
        log(old.memory_gib, new.memory_gib),
        0.0,
        log(old.network_mbit_per_s, new.network_mbit_per_s),
    ]
}

fn ratio(new: Option<f64>, old: Option<f64>) -> f64 {
    new.zip(old).map_or(1.0, |(new, old)| new / old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resize_goes_to_the_next_size_of_the_family_and_halves_or_doubles_the_percentages() {
        let text = "[resizes]\nper_pool_per_year = 20.0";
        let scenario = Scenario::from_toml(text, "r.toml").unwrap();
        let find = |name: &str| {
            scenario.all_shapes.iter().find(|shape| shape.instance_type.as_deref() == Some(name)).unwrap().clone()
        };
        let first = find("m6i.large");
        let (found, changes) = resizes(&scenario, (1, "p"), (&first, true), 0..400);
        assert!(found.len() > 8);
        assert_eq!(found[0].shape, find("m6i.xlarge"));
        assert!((changes[0].log[0] + std::f64::consts::LN_2).abs() < 1e-15 && changes[0].log[2] == 0.0);
        assert_eq!(changes[0].size, 2.0);
        // The largest of its family can only shrink, and then grows again.
        assert_eq!(found[2].shape, find("m6i.4xlarge"));
        assert_eq!(found[3].shape, find("m6i.2xlarge"));
        let (short, _) = resizes(&scenario, (1, "p"), (&first, true), 0..150);
        assert_eq!(found[..short.len()], short[..]);
        let (shrunk, _) = resizes(&scenario, (1, "p"), (&find("c6i.xlarge"), false), 0..400);
        assert_eq!(shrunk[0].shape, find("c6i.large"));
    }
}
