//! Loads with growth, week, year and quarter, and their futures.

use fleetcast_core::Forecast;
use fleetcast_numeric::{Stream, math, quantile_of_sorted};

const PATHS: usize = 100;

/// The load of one server's metric, day by day from 1 January 2022.
pub struct Load {
    stream: Stream,
    scale: f64,
    start: f64,
    growth: f64,
    week: f64,
    year: f64,
    quarter: f64,
    noise: f64,
}

impl Load {
    pub fn of(server: usize, metric: &str) -> Self {
        let stream = Stream::new(7, &[metric]).child_number(server as u64);
        let u = |i: u64| stream.uniform(i);
        let is_growing = u(0) < 0.09;
        let is_idle = u(1) < 0.18;
        let growth = if is_growing { 6.0 + 9.0 * u(3) } else { 2.0 * u(3) };
        let quarter = if u(6) < 0.05 && !is_growing { 0.25 + 0.35 * u(7) } else { 0.0 };
        // Growing loads reach 90 per cent at some time around the following year, seasonal ones nearly do at their peaks.
        let start = match (is_growing, is_idle) {
            (true, _) => 86.0 - growth * (2.85 + 1.2 * u(2)),
            _ if quarter > 0.0 => 90.0 * (0.78 + 0.2 * u(2)) / (1.0 + quarter),
            (_, true) => 8.0 + 10.0 * u(2),
            _ => 26.0 + 34.0 * u(2),
        };
        Self {
            stream: stream.child("noise"),
            scale: if metric == "disk_io" { 3.2 } else { 1.0 },
            start,
            growth,
            week: if metric == "memory" { 0.01 } else { 0.05 + 0.2 * u(4) },
            year: 0.06 * u(5),
            quarter,
            noise: if metric == "memory" { 0.008 } else { 0.015 + 0.02 * u(8) },
        }
    }

    /// The load expected on a day, free of bounds.
    pub fn expected(&self, day: usize) -> f64 {
        let years = day as f64 / 365.25;
        // 1 January 2022 was a Saturday.
        let weekend = if matches!(day % 7, 0 | 1) { 1.0 - self.week } else { 1.0 };
        let year = 1.0 + self.year * math::cos(std::f64::consts::TAU * (years - 0.9));
        let into_quarter = (day as f64 + 4.0) % 91.3125;
        let quarter = 1.0 + if into_quarter < 9.0 { self.quarter } else { 0.0 };
        (self.start + self.growth * years) * weekend * year * quarter
    }

    /// The load observed on a day; some days are missing.
    pub fn observed(&self, day: usize) -> f64 {
        if self.stream.uniform(900_000 + day as u64) < 0.004 {
            return f64::NAN;
        }
        let noise = 1.0 + self.noise * self.stream.normal(day as u64);
        self.scale * (self.expected(day) * noise).clamp(0.5, 100.0)
    }
}

/// Some joint futures of a load.
pub struct Futures {
    horizon: usize,
    paths: Vec<f64>,
}

impl Futures {
    pub fn draw(load: &Load, first: usize, horizon: usize) -> Self {
        let stream = load.stream.child("futures");
        let expected: Vec<f64> = (first..first + horizon).map(|day| load.expected(day)).collect();
        let mut paths = Vec::with_capacity(PATHS * horizon);
        for path in 0..PATHS {
            let level = stream.normal(path as u64);
            for (step, expected) in expected.iter().enumerate() {
                let [day, _] = stream.child_number(path as u64).normal_pair(step as u64);
                let drift = 0.012 + 0.06 * step as f64 / horizon as f64;
                paths.push(load.scale * (expected * (1.0 + drift * level + load.noise * day)).clamp(0.5, 100.0));
            }
        }
        Self { horizon, paths }
    }

    /// Share of futures with a day at or over `limit` among the steps from `start` to before `end`.
    pub fn p_over_between(&self, limit: f64, start: usize, end: usize) -> f64 {
        let end = end.min(self.horizon);
        let hits = self.paths.chunks(self.horizon).filter(|path| path[start..end].iter().any(|v| *v >= limit));
        hits.count() as f64 / PATHS as f64
    }

    /// The step by which a share of futures has crossed; `None` beyond the horizon.
    pub fn crossed_by(&self, limit: f64, share: f64) -> Option<usize> {
        let first = |path: &[f64]| path.iter().position(|v| *v >= limit).unwrap_or(usize::MAX);
        let mut steps: Vec<usize> = self.paths.chunks(self.horizon).map(first).collect();
        steps.sort_unstable();
        steps.get((share * PATHS as f64) as usize).copied().filter(|step| *step < self.horizon)
    }

    pub fn forecast(&self, quantiles: &[f64]) -> Forecast {
        let (mut point, mut values) = (Vec::new(), Vec::new());
        for step in 0..self.horizon {
            let mut day: Vec<f64> = self.paths.chunks(self.horizon).map(|path| path[step]).collect();
            day.sort_unstable_by(f64::total_cmp);
            point.push(quantile_of_sorted(&day, 0.5));
            values.extend(quantiles.iter().map(|q| quantile_of_sorted(&day, *q)));
        }
        Forecast::new(quantiles, point, values).expect("loads are finite")
    }
}
