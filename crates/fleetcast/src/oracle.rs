//! What could be known of a generated fleet at a cutoff, as a table.

use crate::generate::{GenerateOptions, Sink};
use crate::{Context, Error, Result};
use fleetcast_core::SCORED_QUANTILES;
use fleetcast_lake::{Frame, Table};
use fleetcast_sim::{Fleet, METRICS, Oracle, OracleSeries, OracleSpec, ServerOracle};
use jiff::civil::Date;
use rayon::prelude::*;
use std::sync::Arc;

/// Rows that one part of the table has at most.
const PART_ROWS: usize = 120_000;
/// Servers that one thread asks about one after the other: neighbours share a pool, and what is drawn for it.
const TOGETHER: usize = 8;

/// The names of the columns of [`SCORED_QUANTILES`].
const QUANTILE_COLUMNS: [&str; SCORED_QUANTILES.len()] = ["q05", "q10", "q25", "q50", "q75", "q90", "q95"];

/// The oracles that were asked for, by cutoff.
///
/// # Errors
/// When a cutoff is no day of the run, or the horizon makes no sense.
pub(crate) fn oracles<'a>(fleet: &'a Fleet, options: &GenerateOptions) -> Result<Vec<Oracle<'a>>> {
    let mut cutoffs = options.oracle_cutoffs.clone();
    cutoffs.sort_unstable();
    cutoffs.dedup();
    let oracle = |cutoff| {
        let horizon_days = options.oracle_horizon_days;
        Ok(fleet.oracle(OracleSpec { cutoff, horizon_days, n_draws: OracleSpec::DRAWS })?)
    };
    cutoffs.into_iter().map(oracle).collect()
}

/// Writes the table `oracle`; nothing when there is none.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(oracles: &[Oracle<'_>], members: &[usize], context: &Context, sink: Sink<'_>) -> Result<()> {
    let Some(horizon) = oracles.iter().map(|oracle| oracle.spec().horizon_days).max() else { return Ok(()) };
    context.progress.begin("asking the oracle", members.len());
    let rows_per_server = METRICS.len() * horizon * oracles.len();
    let servers_per_part = (PART_ROWS / rows_per_server).clamp(1, 512);
    for (part, members) in members.chunks(servers_per_part).enumerate() {
        if context.progress.interrupted() {
            return Err(Error::Interrupted);
        }
        let ask = |run: &[usize]| {
            let of_server = |&index: &usize| -> Vec<(Date, ServerOracle)> {
                let answers = oracles.iter().map(|oracle| (oracle.spec().cutoff, oracle.server(index))).collect();
                context.progress.advance(1);
                answers
            };
            run.iter().map(of_server).collect::<Vec<_>>()
        };
        let mut servers: Vec<_> = members.par_chunks(TOGETHER).flat_map_iter(ask).collect();
        servers.sort_by(|a, b| a[0].1.server.server_id().cmp(b[0].1.server.server_id()));
        sink(Table::Oracle, &frame(&servers)?, part)?;
    }
    Ok(())
}

/// One metric of one server at one cutoff.
struct Block<'a> {
    server_id: Arc<str>,
    metric: Arc<str>,
    cutoff: Date,
    dates: &'a [Date],
    series: &'a OracleSeries,
}

/// Rows in the order of the table's key, in which metrics stand by their names.
fn frame(servers: &[Vec<(Date, ServerOracle)>]) -> Result<Frame> {
    let mut by_name: Vec<(Arc<str>, usize)> =
        METRICS.iter().enumerate().map(|(at, name)| (Arc::from(*name), at)).collect();
    by_name.sort();
    let mut blocks = Vec::new();
    for cutoffs in servers {
        for (metric, at) in &by_name {
            for (cutoff, answer) in cutoffs {
                blocks.push(Block {
                    server_id: answer.server.server_id().into(),
                    metric: metric.clone(),
                    cutoff: *cutoff,
                    dates: &answer.dates,
                    series: &answer.metrics[*at],
                });
            }
        }
    }
    let mut frame = Frame::new()
        .with("server_id", repeated(&blocks, |block| block.server_id.clone()))?
        .with("metric", repeated(&blocks, |block| block.metric.clone()))?
        .with("cutoff", repeated(&blocks, |block| block.cutoff))?
        .with("date", blocks.iter().flat_map(|block| block.dates.iter().copied()).collect::<Vec<_>>())?;
    for (at, name) in QUANTILE_COLUMNS.iter().enumerate() {
        let values = blocks.iter().flat_map(|block| block.series.quantiles[at].iter().copied());
        frame = frame.with(name, values.collect::<Vec<f64>>())?;
    }
    for (at, name) in ["p_crossed_80", "p_crossed_90"].into_iter().enumerate() {
        let values = blocks.iter().flat_map(|block| {
            let share = block.series.p_crossed[at].as_deref();
            (0..block.dates.len()).map(move |day| share.map_or(f64::NAN, |share| share[day]))
        });
        frame = frame.with(name, values.collect::<Vec<f64>>())?;
    }
    Ok(frame)
}

/// A column of one value per date of each block.
fn repeated<T: Clone>(blocks: &[Block<'_>], value: impl Fn(&Block<'_>) -> T) -> Vec<T> {
    blocks.iter().flat_map(|block| std::iter::repeat_n(value(block), block.dates.len())).collect()
}
