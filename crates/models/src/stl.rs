//! Seasonal-trend decomposition by local regression.
//!
//! Cleveland, Cleveland, McRae & Terpenning (1990), "STL: a seasonal-trend decomposition procedure based on loess",
//! Journal of Official Statistics 6(1), 3-73; without robust weights, every point worked out.

/// Rounds in which season and trend are renewed in turn.
const ROUNDS: usize = 5;

/// The season of `length` steps in `y`; its shape is a local mean over `window` (odd) seasons.
///
/// `y` has at least two seasons.
pub(crate) fn season(y: &[f64], length: usize, window: usize) -> Vec<f64> {
    let low_pass_window = odd(length + 1);
    let mut trend = vec![0.0; y.len()];
    let mut season = Vec::new();
    for round in 0..ROUNDS {
        let detrended: Vec<f64> = y.iter().zip(&trend).map(|(y, trend)| y - trend).collect();
        let cycles = smoothed_cycles(&detrended, length, window);
        let passed = average(&average(&average(&cycles, length), length), 3);
        let low = loess(&passed, low_pass_window, true);
        season = cycles[length..].iter().zip(&low).map(|(cycle, low)| cycle - low).collect();
        if round + 1 < ROUNDS {
            trend = trend_beside(y, &season, length, window);
        }
    }
    season
}

/// The season of `length` steps in `y`, as [`season`] has it, and the trend beside it.
pub(crate) fn season_and_trend(y: &[f64], length: usize, window: usize) -> (Vec<f64>, Vec<f64>) {
    let season = season(y, length, window);
    let trend = trend_beside(y, &season, length, window);
    (season, trend)
}

/// What is left without the season, smoothed.
fn trend_beside(y: &[f64], season: &[f64], length: usize, window: usize) -> Vec<f64> {
    let trend_window = odd((1.5 * length as f64 / (1.0 - 1.5 / window as f64)).ceil() as usize);
    let adjusted: Vec<f64> = y.iter().zip(season).map(|(y, season)| y - season).collect();
    loess(&adjusted, trend_window, true)
}

/// The odd number at or above `n`, 3 at least.
fn odd(n: usize) -> usize {
    let n = n.max(3);
    n + usize::from(n.is_multiple_of(2))
}

/// Each step of the season smoothed over the seasons, and carried one season on at both ends.
fn smoothed_cycles(y: &[f64], length: usize, window: usize) -> Vec<f64> {
    let mut cycles = vec![0.0; y.len() + 2 * length];
    for step in 0..length.min(y.len()) {
        let values: Vec<f64> = y.iter().skip(step).step_by(length).copied().collect();
        let k = values.len();
        let before = local(&values, window, 0.0, 1, window.min(k), false).unwrap_or(values[0]);
        let after = local(&values, window, k as f64 + 1.0, (k + 1).saturating_sub(window).max(1), k, false);
        let inside = loess(&values, window, false);
        let smoothed = std::iter::once(before).chain(inside).chain(std::iter::once(after.unwrap_or(values[k - 1])));
        for (cycle, value) in smoothed.enumerate() {
            cycles[step + cycle * length] = value;
        }
    }
    cycles
}

/// Moving averages of `length` neighbours, `length - 1` fewer than values.
fn average(y: &[f64], length: usize) -> Vec<f64> {
    let mut sum: f64 = y[..length].iter().sum();
    let mut averages = vec![sum / length as f64];
    for (new, old) in y[length..].iter().zip(y) {
        sum += new - old;
        averages.push(sum / length as f64);
    }
    averages
}

/// Local regression at every point, on lines or on means.
fn loess(y: &[f64], window: usize, on_lines: bool) -> Vec<f64> {
    let n = y.len();
    if n < 2 {
        return y.to_vec();
    }
    let (mut left, mut right) = (1, window.min(n));
    let half = window.div_ceil(2);
    // In the middle of a window a line through it is worth its mean, and all middles weigh alike.
    let reach = (half - 1) as f64;
    let kernel: Vec<f64> = (0..window).map(|i| weight((i as f64 - reach).abs(), reach)).collect();
    let total: f64 = kernel.iter().sum();
    (1..=n)
        .map(|at| {
            if window < n && at > half && right < n {
                left += 1;
                right += 1;
            }
            if window <= n && at - left == half - 1 && right - at == half - 1 {
                return y[left - 1..right].iter().zip(&kernel).map(|(y, w)| y * w).sum::<f64>() / total;
            }
            local(y, window, at as f64, left, right, on_lines).unwrap_or(y[at - 1])
        })
        .collect()
}

/// The tricube weight of a point at some distance within `reach`.
fn weight(distance: f64, reach: f64) -> f64 {
    if distance > 0.999 * reach {
        return 0.0;
    }
    if distance <= 0.001 * reach {
        return 1.0;
    }
    let share = distance / reach;
    let rest = 1.0 - share * share * share;
    rest * rest * rest
}

/// Local regression at place `at` (the first value is at 1), from the values at `left..=right`; `None` without weight.
fn local(y: &[f64], window: usize, at: f64, left: usize, right: usize, on_lines: bool) -> Option<f64> {
    let n = y.len();
    let mut reach = (at - left as f64).max(right as f64 - at);
    if window > n {
        reach += ((window - n) / 2) as f64;
    }
    let weight = |place: usize| weight((place as f64 - at).abs(), reach);
    let (mut sum, mut places) = (0.0, 0.0);
    for place in left..=right {
        sum += weight(place);
        places += weight(place) * place as f64;
    }
    if sum <= 0.0 {
        return None;
    }
    let (mean, mut slope) = (places / sum, 0.0);
    if on_lines && reach > 0.0 {
        let squares: f64 = (left..=right).map(|p| weight(p) * (p as f64 - mean) * (p as f64 - mean)).sum();
        if (squares / sum).sqrt() > 0.001 * (n as f64 - 1.0) {
            slope = (at - mean) / (squares / sum);
        }
    }
    let value = (left..=right).map(|p| weight(p) * (slope * (p as f64 - mean) + 1.0) * y[p - 1]).sum::<f64>();
    Some(value / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_season_and_a_season_is_found_whole() {
        let week = [3.0, 1.0, 0.0, -1.0, 2.0, -2.0, -3.0];
        let line: Vec<f64> = (0..100).map(|t| 5.0 + 0.3 * f64::from(t)).collect();
        // A local mean leans at the ends of a line; five rounds leave 3e-6 of it, as in statsmodels' STL.
        let largest = season(&line, 7, 11).iter().fold(0.0_f64, |largest, s| largest.max(s.abs()));
        assert!((2e-6..4e-6).contains(&largest), "{largest}");
        let both: Vec<f64> = line.iter().enumerate().map(|(t, v)| v + week[t % 7]).collect();
        let found = season(&both, 7, 11);
        assert!(found.iter().enumerate().all(|(t, s)| (s - week[t % 7]).abs() < 1e-3), "{found:?}");
    }
}
