//! How busy processors may be before requests wait: the larger the machine, the busier.

use fleetcast_numeric::math;

/// Share of requests that may wait longer than one service time.
const MOST_WAITING: f64 = 0.05;

/// The largest utilisation, in (0, 1), at which P(a request waits longer than one service time) is at most
/// 5 % on a machine with this many processors; parts of a processor serve nobody.
///
/// Requests arrive at random and are served one per processor in times of exponential length (M/M/c). With
/// `c` processors, `a` of them busy on average, P(wait is longer than t) is C exp(-(c - a) t), and C is
/// Erlang's formula for waiting. Erlang (1917), "Solution of some problems in the theory of probabilities of
/// significance in automatic telephone exchanges".
pub fn most_utilisation(vcpu: f64) -> f64 {
    // The cast makes 0 of what is no number.
    let processors = (vcpu.clamp(1.0, 4096.0) as u32).max(1);
    let (mut low, mut high) = (0.0, 1.0);
    // P rises with utilisation; 50 halvings leave nothing of the interval.
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if p_waiting(processors, middle) <= MOST_WAITING { low = middle } else { high = middle }
    }
    low
}

/// P(a request waits longer than one service time).
fn p_waiting(processors: u32, utilisation: f64) -> f64 {
    let c = f64::from(processors);
    let busy = c * utilisation;
    // Erlang's formula for loss, by its recursion, which neither overflows nor cancels.
    let lost = (1..=processors).fold(1.0, |lost, k| busy * lost / (f64::from(k) + busy * lost));
    let waits = lost / (1.0 - utilisation * (1.0 - lost));
    waits * math::exp(-(c - busy))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python 3.11, `decimal` with 50 digits, the sums of Erlang's formula as they stand, 70 halvings.
    #[test]
    fn headroom_equals_the_exact_sums() {
        let exact = [
            (1.0, 0.12048637),
            (2.0, 0.35156140),
            (4.0, 0.58270749),
            (8.0, 0.75259681),
            (16.0, 0.86069281),
            (32.0, 0.92421667),
            (64.0, 0.95975124),
            (96.0, 0.97243208),
            (128.0, 0.97898573),
        ];
        for (vcpu, expected) in exact {
            let found = most_utilisation(vcpu);
            assert!((found - expected).abs() < 1e-7, "{vcpu}: {found} {expected}");
        }
        assert_eq!(most_utilisation(2.9), most_utilisation(2.0));
        assert_eq!(most_utilisation(f64::NAN), most_utilisation(1.0));
    }

    #[test]
    fn larger_machines_may_be_busier() {
        let table: Vec<f64> = (1..300).map(|vcpu| most_utilisation(f64::from(vcpu))).collect();
        assert!(table.is_sorted() && table.iter().all(|share| (0.0..1.0).contains(share)));
    }
}
