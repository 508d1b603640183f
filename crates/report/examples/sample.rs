//! Writes the report of a made-up fleet, to look at: `cargo run --release --example sample -- report.html 200`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "report.html".to_owned());
    let n_servers = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(200);
    let fleet = common::Fleet::new(n_servers);
    let (html, summary) =
        fleet.with_input(|input| (fleetcast_report::html(input), fleetcast_report::summary(input, 100)));
    print!("{summary}");
    fs::write(path, html)
}
