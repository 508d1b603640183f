//! Elementary functions with the same bits everywhere (`libm`), and the few sums used all over.

pub use libm::{cos, exp, log as ln, pow, sin, sqrt, tanh};

/// Arithmetic mean of the values that are not NaN; `None` when there are none.
pub fn mean(values: &[f64]) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0usize);
    for &v in values.iter().filter(|v| !v.is_nan()) {
        sum += v;
        n += 1;
    }
    (n > 0).then(|| sum / n as f64)
}

/// Sample standard deviation (divisor n - 1) of the values that are not NaN; `None` below two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let (mut sum, mut n) = (0.0, 0usize);
    for &v in values.iter().filter(|v| !v.is_nan()) {
        sum += (v - centre) * (v - centre);
        n += 1;
    }
    (n > 1).then(|| sqrt(sum / (n - 1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_left_out_of_means_and_deviations() {
        let values = [1.0, f64::NAN, 2.0, 3.0];
        assert_eq!(mean(&values), Some(2.0));
        assert_eq!(standard_deviation(&values), Some(1.0));
        assert_eq!(mean(&[f64::NAN]), None);
        assert_eq!(standard_deviation(&[4.0]), None);
    }
}
