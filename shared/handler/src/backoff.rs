//! How long a message stays invisible before it is tried again.

use std::time::Duration;

/// The smallest delay. Together with maxReceiveCount it outlasts the key protocol's grace period twice.
pub const SMALLEST_DELAY: Duration = Duration::from_secs(30);
/// The largest delay.
const LARGEST_DELAY: Duration = Duration::from_secs(900);

/// The delay after the `receives`-th receive: exponential, with full jitter above the smallest delay, so that
/// messages which failed together do not come back together. `random` is from 0 to 1.
pub(crate) fn delay(receives: u32, random: f64) -> Duration {
    let window = SMALLEST_DELAY.saturating_mul(2u32.saturating_pow(receives.max(1))).min(LARGEST_DELAY);
    SMALLEST_DELAY + (window - SMALLEST_DELAY).mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_within_its_bounds() {
        assert_eq!(delay(1, 0.0), SMALLEST_DELAY);
        assert_eq!(delay(1, 1.0), Duration::from_secs(60));
        assert_eq!(delay(3, 1.0), Duration::from_secs(240));
        assert_eq!(delay(1000, 1.0), LARGEST_DELAY);
        assert_eq!(delay(0, 0.0), SMALLEST_DELAY);
    }
}
