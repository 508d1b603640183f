use fleetcast_sim::{Fleet, FleetSpec, SampleStep, Scenario};
fn main() {
    for step in [SampleStep::Day, SampleStep::Hour] {
        let spec = FleetSpec { n_servers: 60, start: jiff::civil::date(2022, 1, 1), days: 1095, step, seed: 42 };
        let fleet = Fleet::new(Scenario::named("enterprise").unwrap(), spec).unwrap();
        let mut by = std::collections::BTreeMap::new();
        for i in 0..60 {
            for e in fleet.generate(i).events {
                *by.entry((e.scope, e.event_type)).or_insert(0) += 1;
            }
        }
        println!("{by:?}");
    }
}
