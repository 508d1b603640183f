//! `fleetcast demo`.

use super::{answer, shown};
use crate::args::{DemoArgs, Global};
use fleetcast::Context;
use fleetcast::demo::{DemoOptions, demo as make};

pub fn demo(args: &DemoArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let options = DemoOptions {
        n_servers: args.servers,
        days: args.days,
        seed: args.seed,
        horizon: args.horizon,
        out: args.out.clone(),
    };
    let report = make(&options, context)?;
    let files =
        serde_json::json!({ "lake": shown(&args.out.join("lake")), "report": shown(&args.out.join("report.html")) });
    answer(global, &report.summary, &files)
}
