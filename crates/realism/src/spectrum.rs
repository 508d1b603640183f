//! Where in frequency the variance of a series is.

use fleetcast_numeric::math;
use std::f64::consts::TAU;

/// Bands between two cycles in the common length and one cycle in two steps, equally wide in the logarithm.
pub(crate) const BANDS: usize = 12;

/// Power per band in decibels, relative to the variance of the series; NaN where a band holds no frequency,
/// or for a constant series.
///
/// `common` is the length all series are compared at: bands of series of different lengths are the same.
pub(crate) fn log_spectrum(values: &[f64], common: usize) -> Vec<f64> {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let size = n.next_power_of_two();
    let (mut re, mut im) = (vec![0.0; size], vec![0.0; size]);
    for (at, value) in values.iter().enumerate() {
        // A Hann window keeps strong slow parts from leaking into weak fast ones.
        re[at] = (value - mean) * (0.5 - 0.5 * math::cos(TAU * (at as f64 + 0.5) / n as f64));
    }
    transform(&mut re, &mut im);
    let lowest = 2.0 / common as f64;
    let (mut power, mut counts) = ([0.0; BANDS], [0usize; BANDS]);
    let mut total = 0.0;
    for k in 1..=size / 2 {
        let frequency = k as f64 / size as f64;
        if frequency < lowest {
            continue;
        }
        let band = (math::ln(frequency / lowest) / math::ln(0.5 / lowest) * BANDS as f64) as usize;
        let here = re[k] * re[k] + im[k] * im[k];
        power[band.min(BANDS - 1)] += here;
        counts[band.min(BANDS - 1)] += 1;
        total += here;
    }
    let density = |band: usize| {
        let mean = power[band] / counts[band] as f64;
        // The floor stands for what rounding leaves of a band without power.
        10.0 * math::ln((mean / total).max(1e-12)) / std::f64::consts::LN_10
    };
    if total <= 1e-9 { vec![f64::NAN; BANDS] } else { (0..BANDS).map(density).collect() }
}

/// The discrete Fourier transform in place; the length is a power of two.
///
/// Cooley & Tukey (1965), "An algorithm for the machine calculation of complex Fourier series",
/// Mathematics of Computation 19, 297-301.
fn transform(re: &mut [f64], im: &mut [f64]) {
    let n = re.len();
    let mut reversed = 0;
    for at in 1..n {
        let mut bit = n >> 1;
        while reversed & bit != 0 {
            reversed ^= bit;
            bit >>= 1;
        }
        reversed |= bit;
        if at < reversed {
            re.swap(at, reversed);
            im.swap(at, reversed);
        }
    }
    let mut size = 2;
    while size <= n {
        let half = size / 2;
        let turns: Vec<(f64, f64)> = (0..half)
            .map(|k| -TAU * k as f64 / size as f64)
            .map(|angle| (math::cos(angle), math::sin(angle)))
            .collect();
        for start in (0..n).step_by(size) {
            for (k, &(cosine, sine)) in turns.iter().enumerate() {
                let (a, b) = (start + k, start + k + half);
                let (x, y) = (re[b] * cosine - im[b] * sine, re[b] * sine + im[b] * cosine);
                (re[b], im[b]) = (re[a] - x, im[a] - y);
                (re[a], im[a]) = (re[a] + x, im[a] + y);
            }
        }
        size *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    /// numpy 2.4.6, `np.fft.fft([1, 2, 0, -1, 3, 1, 0, 2])`
    #[test]
    fn the_transform_equals_numpy() {
        let mut re = vec![1.0, 2.0, 0.0, -1.0, 3.0, 1.0, 0.0, 2.0];
        let mut im = vec![0.0; 8];
        transform(&mut re, &mut im);
        let expected = [(8.0, 0.0), (0.828_427_124_746_190_3, std::f64::consts::SQRT_2), (4.0, -2.0)];
        for (k, (a, b)) in expected.into_iter().enumerate() {
            assert!((re[k] - a).abs() < 1e-12 && (im[k] - b).abs() < 1e-12, "{k}: {} {}", re[k], im[k]);
        }
    }

    #[test]
    fn white_noise_is_flat_and_a_random_walk_falls() {
        let stream = Stream::new(4, &["spectrum"]);
        let white: Vec<f64> = (0..8064).map(|at| stream.normal(at)).collect();
        let mut sum = 0.0;
        let walk: Vec<f64> = white
            .iter()
            .map(|v| {
                sum += v;
                sum
            })
            .collect();
        let (flat, falling) = (log_spectrum(&white, 8064), log_spectrum(&walk, 8064));
        assert!((flat[11] - flat[7]).abs() < 1.0, "{flat:?}");
        assert!(falling[2] - falling[10] > 30.0, "{falling:?}");
        assert!(log_spectrum(&[2.0; 64], 64)[0].is_nan());
    }
}
