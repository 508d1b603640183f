//! `fleetcast export`.

use super::{answer, assess, shown};
use crate::args::{ExportArgs, ExportKind, Global, Settings};
use fleetcast::Context;
use fleetcast::export::{Exported, export_lake};
use serde_json::json;

pub fn export(args: &ExportArgs, global: &Global, context: &Context) -> anyhow::Result<()> {
    let settings =
        Settings { config: args.config.clone(), horizon: None, models: Vec::new(), metrics: Vec::new(), seed: None };
    let mut config = assess::config(&settings, None)?;
    config.plan.price_book = args.price_book.clone().or(config.plan.price_book);
    let exported = match args.what {
        ExportKind::Recommendations => Exported::Recommendations,
        ExportKind::Risks => Exported::Risks,
        ExportKind::Groups => Exported::Groups,
        ExportKind::ComputeOptimizer => Exported::ComputeOptimizer,
    };
    let rows = export_lake(&assess::open(&args.lake)?, exported, &args.out, &config, context)?;
    let out = shown(&args.out);
    answer(global, &format!("{rows} rows: {out}"), &json!({ "rows": rows, "out": out }))
}
