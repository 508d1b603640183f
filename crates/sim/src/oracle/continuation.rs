//! How noise with memory goes on from a known state, in many draws at once.

use crate::driver::{Driver, State};
use crate::noise::Columns;

/// What each process of a driver is expected to have in the next value: per process, metric and draw.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    processes: Vec<Columns>,
}

impl Expected {
    /// The start of `n_draws` futures from a state.
    pub(super) fn new(driver: &Driver, state: &State, n_draws: usize) -> Self {
        let process = |quad: &[f64; 4]| quad.map(|expected| vec![expected; n_draws]);
        Self { processes: state.iter().take(driver.coefficients().len()).map(process).collect() }
    }

    /// Adds value `index` of the driver to `values`, times `scale`: one column per metric, one entry per draw,
    /// made from as many columns of normal numbers.
    pub(super) fn add(&mut self, driver: &Driver, index: usize, fresh: &Columns, scale: f64, values: &mut Columns) {
        let step = driver.step(index);
        for m in 0..4 {
            let (fresh, values) = (&fresh[m][..], &mut values[m][..]);
            let error = scale * step.error;
            values.iter_mut().zip(fresh).for_each(|(value, z)| *value += error * z);
            for ((process, phi), gain) in self.processes.iter_mut().zip(driver.coefficients()).zip(step.gains) {
                for ((value, expected), z) in values.iter_mut().zip(&mut process[m]).zip(fresh) {
                    *value += scale * *expected;
                    *expected = phi * *expected + gain * z;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    #[test]
    fn with_the_numbers_of_the_noise_itself_it_goes_on_as_the_noise_does() {
        let driver = Driver::new(&[0.0, 1.0, 30.0], &[0.4, 0.35, 0.25], 1.0);
        let stream = Stream::new(4, &["continuation"]);
        for cutoff in [0, 6, 290] {
            let mut whole: Columns = std::array::from_fn(|_| vec![0.0; cutoff + 21]);
            driver.add(stream, 0.8, &mut whole);
            let mut expected = Expected::new(&driver, &driver.state(stream, cutoff), 1);
            for index in cutoff + 1..whole[0].len() {
                let fresh = stream.normal_quad(index as u64).map(|z| vec![z]);
                let mut values: Columns = std::array::from_fn(|_| vec![0.0]);
                expected.add(&driver, index, &fresh, 0.8, &mut values);
                for (value, whole) in values.iter().zip(&whole) {
                    assert!((value[0] - whole[index]).abs() < 1e-12, "{cutoff} {index}");
                }
            }
        }
    }
}
