//! Errors of several models at once by the plain recursion: lanes side by side keep the processor busy where one model would
//! wait for its own last step.

use super::order::Coefficients;
use multiversion::multiversion;

/// Most terms by steps and by seasons.
pub(super) const MOST_TERMS: usize = 5;
pub(super) const MOST_SEASONAL_TERMS: usize = 2;

/// Coefficients of `L` models of one order.
#[derive(Clone, Debug)]
pub(super) struct Terms<const L: usize> {
    ar: Vec<[f64; L]>,
    ma: Vec<[f64; L]>,
    seasonal_ar: Vec<[f64; L]>,
    seasonal_ma: Vec<[f64; L]>,
    pub(super) mean: [f64; L],
}

impl<const L: usize> Terms<L> {
    /// The models side by side; all are of one order.
    pub(super) fn new(models: &[Coefficients; L]) -> Self {
        let lanes = |part: fn(&Coefficients) -> &[f64]| -> Vec<[f64; L]> {
            (0..part(&models[0]).len()).map(|k| std::array::from_fn(|lane| part(&models[lane])[k])).collect()
        };
        Self {
            ar: lanes(|c| &c.ar),
            ma: lanes(|c| &c.ma),
            seasonal_ar: lanes(|c| &c.seasonal_ar),
            seasonal_ma: lanes(|c| &c.seasonal_ma),
            mean: std::array::from_fn(|lane| models[lane].mean),
        }
    }
}

/// What the recursion starts from and where it writes.
pub(super) struct Room<const L: usize> {
    /// Values after the seasonal autoregression.
    across: Vec<[f64; L]>,
    /// Errors before the seasonal moving average is taken off.
    inner: Vec<[f64; L]>,
    errors: Vec<[f64; L]>,
}

impl<const L: usize> Room<L> {
    pub(super) fn new(length: usize) -> Self {
        let zeros = vec![[0.0; L]; length];
        Self { across: zeros.clone(), inner: zeros.clone(), errors: zeros }
    }
}

/// Sums of squared errors of `w` from step `first` on, of a season of `m` steps. What lies before the first value counts as
/// zero, and errors before `first` too; `known` is what the state at the beginning adds to the first expectations.
#[multiversion(targets("x86_64+avx+avx2"))]
pub(super) fn squares<const L: usize>(
    w: &[f64],
    m: usize,
    first: usize,
    terms: &Terms<L>,
    known: &[[f64; L]],
    room: &mut Room<L>,
) -> [f64; L] {
    let mut sum = [0.0; L];
    let (across, inner, errors) = (&mut room.across, &mut room.inner, &mut room.errors);
    for (t, &value) in w.iter().enumerate() {
        let mut x: [f64; L] = std::array::from_fn(|i| value - terms.mean[i]);
        for (j, c) in terms.seasonal_ar.iter().enumerate() {
            if let Some(before) = t.checked_sub((j + 1) * m) {
                let old = w[before];
                x = std::array::from_fn(|i| x[i] - c[i] * (old - terms.mean[i]));
            }
        }
        across[t] = x;
        for (old, c) in across[..t].iter().rev().zip(&terms.ar) {
            x = std::array::from_fn(|i| x[i] - c[i] * old[i]);
        }
        if let Some(known) = known.get(t) {
            x = std::array::from_fn(|i| x[i] - known[i]);
        }
        if t < first {
            (inner[t], errors[t]) = ([0.0; L], [0.0; L]);
            continue;
        }
        // The last step's term comes last: the others do not wait for it.
        let reach = terms.ma.len().min(t);
        for (old, c) in inner[t - reach..t].iter().zip(terms.ma[..reach].iter().rev()) {
            x = std::array::from_fn(|i| x[i] - c[i] * old[i]);
        }
        inner[t] = x;
        for (j, c) in terms.seasonal_ma.iter().enumerate() {
            if let Some(before) = t.checked_sub((j + 1) * m) {
                let old = errors[before];
                x = std::array::from_fn(|i| x[i] - c[i] * old[i]);
            }
        }
        errors[t] = x;
        sum = std::array::from_fn(|i| sum[i] + x[i] * x[i]);
    }
    sum
}
