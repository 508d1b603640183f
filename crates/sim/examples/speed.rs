use fleetcast_sim::{Fleet, FleetSpec, SampleStep, Scenario, Workspace};
fn cpu() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap()
        / 1e9
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (scenario, step, servers, days) =
        (&args[1], SampleStep::named(&args[2]).unwrap(), args[3].parse().unwrap(), args[4].parse().unwrap());
    let mut rates = Vec::new();
    for _ in 0..args.get(5).map_or(5, |n| n.parse().unwrap()) {
        let t = cpu();
        let spec = FleetSpec { n_servers: servers, start: jiff::civil::date(2022, 1, 1), days, step, seed: 42 };
        let fleet = Fleet::new(Scenario::named(scenario).unwrap(), spec).unwrap();
        let mut memory = Workspace::default();
        let mut rows = 0;
        for i in 0..servers {
            let s = fleet.generate_in(&mut memory, i);
            rows += s.ts_ms.len();
            memory.take_back(s);
        }
        rates.push(rows as f64 / (cpu() - t) / 1e6);
    }
    rates.sort_by(f64::total_cmp);
    println!("{scenario} {step} median {:.2} best {:.2} M rows/s", rates[rates.len() / 2], rates[rates.len() - 1]);
}
