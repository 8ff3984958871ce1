//! The middle of several measurements, which a burst of other work on the machine does not move; and what grows with
//! the latency of a call.

use std::time::Duration;

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds a measurement.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a measured time.
    pub fn add_time(&mut self, time: Duration) {
        self.add(time.as_secs_f64());
    }

    /// The median; not a number if nothing was measured.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match (sorted.get(middle), middle.checked_sub(1).and_then(|below| sorted.get(below))) {
            (Some(upper), Some(lower)) if sorted.len().is_multiple_of(2) => f64::midpoint(*lower, *upper),
            (Some(only), _) => *only,
            (None, _) => f64::NAN,
        }
    }
}

/// The run of median size; the first error instead, if there is one.
///
/// # Errors
/// What one of the runs ended with, or that there was none.
pub fn median_run<T, E: From<&'static str>>(
    runs: impl Iterator<Item = Result<T, E>>,
    size: impl Fn(&T) -> f64,
) -> Result<T, E> {
    let mut runs = runs.collect::<Result<Vec<T>, E>>()?;
    runs.sort_by(|one, other| size(one).total_cmp(&size(other)));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle).ok_or(E::from("nothing was run"))
}

/// Two latencies of a call. They differ enough that no other wait could be taken for one of them.
pub const LATENCIES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];

/// How many calls wait for one another: by how much longer something takes at the second latency than at the first.
pub fn round_trips(times: [Duration; 2]) -> f64 {
    let ([short, long], [from, to]) = (times, LATENCIES);
    (long.as_secs_f64() - short.as_secs_f64()) / (to.as_secs_f64() - from.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_run_is_of_sizes_and_an_error_is_not_left_out() {
        let median_of = |runs: Vec<Result<u8, String>>| median_run(runs.into_iter(), |run| f64::from(*run));
        assert_eq!(median_of(vec![Ok(30), Ok(10), Ok(20)]), Ok(20));
        assert_eq!(median_of(vec![Ok(30), Err("lost".to_owned()), Ok(20)]), Err("lost".to_owned()));
        assert_eq!(median_of(vec![]), Err("nothing was run".to_owned()));
    }

    #[test]
    fn the_slope_counts_what_waits_and_leaves_out_what_does_not_depend_on_the_latency() {
        let times = LATENCIES.map(|latency| Duration::from_millis(70) + 3 * latency);
        assert!((round_trips(times) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn one_that_is_far_off_does_not_move_the_median() {
        let median = |values: &[f64]| Samples(values.to_vec()).median();
        assert_eq!(median(&[3.0, 1.0, 1000.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 1000.0]), 3.0);
        assert!(median(&[]).is_nan());
    }
}
