//! Where the filter of a stationary model starts.

/// Variance of the values, and what the first one tells of the next state: the covariance of the state after the first step with
/// the first value. Both in units of the errors' variance.
///
/// The autocovariances of the autoregression come from stepping it down order by order and up again (Levinson & Durbin), those of
/// the whole from its moving average. `phi` is stationary; otherwise numbers may be infinite or none.
pub(super) fn start(phi: &[f64], theta: &[f64], size: usize) -> (f64, Vec<f64>) {
    let covariances = autocovariances(phi, theta, size + 1);
    let gain = (0..size)
        .map(|i| {
            let told: f64 = phi.iter().take(i).enumerate().map(|(k, c)| c * covariances[i - k]).sum();
            covariances[i + 1] - told
        })
        .collect();
    (covariances[0], gain)
}

/// The first `n` autocovariances of an ARMA process whose errors have variance 1.
fn autocovariances(phi: &[f64], theta: &[f64], n: usize) -> Vec<f64> {
    let q = theta.len();
    let pure = pure_autocovariances(phi, n + q);
    let whole: Vec<f64> = std::iter::once(1.0).chain(theta.iter().copied()).collect();
    let weights: Vec<f64> = (0..=q).map(|l| whole.iter().zip(&whole[l..]).map(|(a, b)| a * b).sum()).collect();
    (0..n)
        .map(|k| {
            let both = (1..=q).filter(|&l| weights[l] != 0.0).map(|l| weights[l] * (pure[k.abs_diff(l)] + pure[k + l]));
            weights[0] * pure[k] + both.sum::<f64>()
        })
        .collect()
}

/// The first `n` autocovariances of an autoregression whose errors have variance 1.
fn pure_autocovariances(phi: &[f64], n: usize) -> Vec<f64> {
    let p = phi.len();
    // The best predictors of each shorter order, the longest last.
    let mut predictors = vec![phi.to_vec()];
    let mut variance = 1.0;
    for k in (0..p).rev() {
        let longer = &predictors[predictors.len() - 1];
        let last = longer[k];
        let rest = 1.0 - last * last;
        variance /= rest;
        let shorter = (0..k).map(|i| (longer[i] + last * longer[k - 1 - i]) / rest).collect();
        predictors.push(shorter);
    }
    let mut covariances = vec![variance];
    for k in 1..n.max(1) {
        let predictor = &predictors[p - k.min(p)];
        covariances.push(predictor.iter().zip(covariances.iter().rev()).map(|(c, g)| c * g).sum());
    }
    covariances
}

#[cfg(test)]
mod tests {
    use super::*;

    /// statsmodels 0.15.0, `arma_acovf([1, -.5, .3], [1, .4, -.2], 5)`
    #[test]
    fn autocovariances_are_those_of_statsmodels() {
        let got = autocovariances(&[0.5, -0.3], &[0.4, -0.2], 5);
        for (got, expected) in
            got.iter().zip([1.92063492063, 0.907936507937, -0.322222222222, -0.433492063492, -0.120079365079])
        {
            assert!((got - expected).abs() < 1e-9, "{got} for {expected}");
        }
    }
}
