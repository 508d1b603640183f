//! Outages of whole regions: rare, and the other regions take over part of the load.

use super::label::{Label, Name, id_of};
use super::laws::Laws;
use super::losses::without_short_lives;
use super::pulse::Pulse;
use super::{DAY, Instants, Moment};
use crate::scenario::Scenario;
use fleetcast_numeric::{Stream, math};
use jiff::civil::Date;
use std::ops::Range;

/// Lays the outages of all regions that begin on the days `begin`, and what they mean for the servers of
/// region `here`, over what has happened to them. `first` is the fleet's first day.
pub(crate) fn add(
    scenario: &Scenario,
    laws: &Laws,
    (seed, first, here): (u64, Date, usize),
    begin: &Range<usize>,
    pulses: &mut Vec<Pulse>,
    labels: &mut Vec<Label>,
) {
    let total: f64 = scenario.regions.iter().map(|region| region.share).sum();
    let loading = scenario.raw.outages.taken_over_loading.array();
    let own_name = &scenario.regions[here].name;
    for (there, region) in scenario.regions.iter().enumerate() {
        let stream = Stream::new(seed, &["outages", "region", &region.name]);
        let rest = total - region.share;
        let taken_over = scenario.raw.outages.taken_over_share;
        let more = if rest > 0.0 { math::ln(1.0 + taken_over * region.share / rest) } else { 0.0 };
        for class in laws.classes {
            // Days of two regions begin up to a day apart.
            for arrival in laws.region_outage.arrivals(stream, *class, 1.0, begin.start..begin.end + 1) {
                let (start, end) = without_short_lives(arrival.start, arrival.start + arrival.seconds);
                let id = id_of(&region.name, "outage", &arrival);
                let told = Label {
                    event_type: "outage",
                    scope: "region",
                    name: Name::Given(region.name.clone(), id.clone()),
                    start,
                    peak: start,
                    end: Some(end),
                    metric: None,
                    size: 0.0,
                };
                if there == here {
                    pulses.push(Pulse::whole(start, end, [f64::NEG_INFINITY; 4], *class));
                    labels.push(told);
                } else if more > 0.0 {
                    let clock = |place: usize| Instants { first, zone: &scenario.regions[place].zone, days: &[] };
                    let [start, end] = [start, end].map(|at| clock(here).moment(clock(there).ms(at)));
                    pulses.push(Pulse::whole(start, end, loading.map(|loading| loading * more), *class));
                    labels.push(Label {
                        event_type: "failover",
                        name: Name::Given(own_name.clone(), format!("{id}-to-{own_name}")),
                        start,
                        peak: start,
                        end: Some(end),
                        size: math::exp(more),
                        ..told
                    });
                }
            }
        }
    }
    let last = begin.end as Moment * DAY;
    pulses.retain(|pulse| pulse.start < last);
    labels.retain(|label| label.start < last);
}
