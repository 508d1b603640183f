//! One resource or several: which of a server's metrics reaches its limit first, and are they high on the same days?

use crate::SeriesOutlook;
use crate::passage::highest;
use fleetcast_core::{Bottleneck, History};
use fleetcast_numeric::quantile;

/// P(crossing) from which a metric counts as one that binds.
const BINDS_FROM: f64 = 0.1;
/// Share of the days of a metric that are its high ones.
const HIGH: f64 = 0.1;
/// Days that the high ones are looked for in.
const YEAR: usize = 365;
/// High days that a comparison needs.
const FEWEST_HIGH: usize = 5;

/// Which metrics of a server reach `threshold` within the horizon with a chance of at least 10 %, and which is first.
///
/// `series` are one server's, path `i` of each being one future. A future in which two cross on the same day counts
/// half for each. How often two metrics are high together is told from the past: of the highest tenth of the days
/// of the one that comes first, the share that is among the highest tenth of the second; unrelated metrics have 0.1.
///
/// `None` when no metric has a capacity, or none binds.
pub fn bottleneck(series: &[SeriesOutlook], threshold: f64) -> Option<Bottleneck> {
    let judged: Vec<(&SeriesOutlook, f64)> = series
        .iter()
        .filter_map(|one| Some((one, one.limit(threshold).filter(|limit| *limit > 0.0 && limit.is_finite())?)))
        .collect();
    let earliest = judged.iter().map(|(one, _)| one.history.cutoff()).min()?;
    let n_paths = judged.iter().map(|(one, _)| one.paths.len()).min()?;
    // Days from the earliest cutoff, so that series that end on different days are compared by date.
    let crossings: Vec<Vec<Option<usize>>> = (judged.iter())
        .map(|(one, limit)| {
            let offset = one.history.cutoff().duration_since(earliest).as_hours() / 24;
            let offset = usize::try_from(offset).unwrap_or(0);
            // Most futures never cross: their highest days tell so sooner than a search for the first.
            let crosses = |path: &&[f64]| highest(path) >= *limit;
            let first = |path: &[f64]| path.iter().position(|value| value >= limit).map(|day| day + offset);
            one.paths.iter().take(n_paths).map(|path| Some(path).filter(crosses).and_then(first)).collect()
        })
        .collect();
    let n = n_paths as f64;
    let p: Vec<f64> = crossings.iter().map(|days| days.iter().flatten().count() as f64 / n).collect();
    let (firsts, any) = firsts(&crossings, n_paths);
    // The sort is stable: of equals, the first in order of the series.
    let mut binding: Vec<usize> = (0..judged.len()).filter(|&at| p[at] >= BINDS_FROM).collect();
    binding.sort_by(|&a, &b| firsts[b].total_cmp(&firsts[a]).then(p[b].total_cmp(&p[a])));
    let &first = binding.first()?;
    let second = binding.get(1);
    Some(Bottleneck {
        metrics: binding.iter().map(|&at| judged[at].0.history.metric().name().to_owned()).collect(),
        p_first: firsts[first] / any,
        together: second.and_then(|&second| together(judged[first].0.history, judged[second].0.history)),
    })
}

/// How many futures each metric is the first of, and in how many any crosses.
fn firsts(crossings: &[Vec<Option<usize>>], n_paths: usize) -> (Vec<f64>, f64) {
    let (mut firsts, mut any) = (vec![0.0; crossings.len()], 0.0);
    for path in 0..n_paths {
        let Some(day) = crossings.iter().filter_map(|days| days[path]).min() else { continue };
        let ties: Vec<usize> = (0..crossings.len()).filter(|&at| crossings[at][path] == Some(day)).collect();
        ties.iter().for_each(|&at| firsts[at] += 1.0 / ties.len() as f64);
        any += 1.0;
    }
    (firsts, any)
}

/// Of the high days of the first, the share on which the second is high too; `None` with too few.
fn together(first: &History, second: &History) -> Option<f64> {
    let high = |history: &History| {
        let values = history.values();
        let from = values.len().saturating_sub(YEAR);
        Some((from, quantile(&values[from..], 1.0 - HIGH)?))
    };
    let ((from, first_high), (_, second_high)) = (high(first)?, high(second)?);
    let pair = |day: usize| {
        let other = second.timeline().index_of(first.timeline().at(day))?;
        let (a, b) = (first.values()[day], *second.values().get(other)?);
        (!a.is_nan() && !b.is_nan()).then_some((a, b))
    };
    let days: Vec<(f64, f64)> = (from..first.len()).filter_map(pair).filter(|(a, _)| *a >= first_high).collect();
    let both = days.iter().filter(|(_, b)| *b >= second_high).count();
    (days.len() >= FEWEST_HIGH).then(|| both as f64 / days.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{Metric, Paths, SeriesId, Server, Timeline};
    use jiff::civil::date;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn history(metric: &str, value: impl Fn(usize) -> f64) -> History {
        let (metric, line) = (Arc::new(Metric::named(metric)), Timeline::daily(date(2024, 1, 1)));
        let values = (0..200).map(value).collect();
        History::new(SeriesId::new("a", metric.name()), metric, line, values).expect("finite values")
    }

    fn found(histories: [&History; 2], futures: [&[f64]; 2]) -> Option<Bottleneck> {
        let server = Server::new("a").expect("a name");
        let paths = futures.map(|values| Paths::new(4, values.to_vec()).expect("whole paths"));
        let series = [0, 1].map(|at| SeriesOutlook {
            server: &server,
            history: histories[at],
            expected: &[],
            paths: &paths[at],
        });
        bottleneck(&series, 80.0)
    }

    #[test]
    fn the_metric_that_crosses_first_in_most_futures_binds_first() {
        // Weekly peaks that cpu and memory share, or have on different days.
        let cpu = history("cpu", |day| if day % 10 == 3 { 70.0 } else { 40.0 + (day % 7) as f64 });
        let same = history("memory", |day| if day % 10 == 3 { 60.0 } else { 50.0 + (day % 7) as f64 });
        let other = history("memory", |day| if day % 10 == 8 { 60.0 } else { 50.0 + (day % 7) as f64 });
        // Four futures of four days: memory is first in the first, cpu in two more, and they tie in the last.
        let cpu_days = [0., 0., 0., 85., 85., 0., 0., 0., 0., 85., 0., 0., 85., 0., 0., 0.];
        let memory_days = [0., 85., 0., 0., 0., 0., 0., 0., 0., 0., 85., 0., 85., 0., 0., 0.];
        let both = found([&cpu, &same], [&cpu_days, &memory_days]).unwrap();
        assert_eq!(both.metrics, ["cpu", "memory"]);
        assert!((both.p_first - 2.5 / 4.0).abs() < 1e-12, "{}", both.p_first);
        assert_eq!(both.together, Some(1.0));
        let apart = found([&cpu, &other], [&cpu_days, &memory_days]).unwrap();
        assert_eq!((apart.together, apart.is_together()), (Some(0.0), Some(false)));
        let alone = found([&cpu, &same], [&cpu_days, &[0.0; 16]]).unwrap();
        assert_eq!((alone.metrics, alone.p_first, alone.together), (vec!["cpu".to_owned()], 1.0, None));
        assert_eq!(found([&cpu, &same], [&[0.0; 16], &[0.0; 16]]), None);
    }

    proptest! {
        #[test]
        fn shares_of_first_place_add_up_to_the_futures_that_cross(
            cpu in prop::collection::vec(60.0f64..90.0, 20),
            memory in prop::collection::vec(60.0f64..90.0, 20),
        ) {
            let crossings: Vec<Vec<Option<usize>>> = [&cpu, &memory]
                .map(|days| days.chunks(4).map(|path| path.iter().position(|v| *v >= 80.0)).collect()).to_vec();
            let (firsts, any) = firsts(&crossings, 5);
            let crossed = (0..5).filter(|&path| crossings.iter().any(|days| days[path].is_some())).count();
            prop_assert_eq!(any, crossed as f64);
            prop_assert!((firsts.iter().sum::<f64>() - any).abs() < 1e-12);
        }
    }
}
