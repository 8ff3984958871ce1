//! How long a message stays invisible before it is tried again.

use std::time::Duration;

use contract::ErrorCode;

/// The smallest delay, but for the early tries. Together with maxReceiveCount it outlasts the key protocol's grace period twice.
pub(crate) const SMALLEST_DELAY: Duration = Duration::from_secs(30);
/// The largest delay.
const LARGEST_DELAY: Duration = Duration::from_secs(900);
/// How many of a message's first receives are followed by a short delay, if all it waits for is another step, or a change that is
/// not visible everywhere in AWS yet: both are usual in an organization's first seconds, and over soon. The other delays are
/// counted from the receive after them.
pub(crate) const EARLY_TRIES: u32 = 3;
/// The smallest delay of an early try. Three of them take 6 to 28 s in all, which is assumed to be as long as IAM mostly needs until
/// every service knows a new user: AWS promises no time, and people who met it tell of about 10 s.
const SMALLEST_EARLY_DELAY: Duration = Duration::from_secs(2);

/// The delay after the `receives`-th receive, which failed with `code`: exponential, with full jitter above the smallest
/// delay, so that messages which failed together do not come back together; in whole seconds, as SQS takes it. `random` is from
/// 0 to 1.
pub(crate) fn delay(code: ErrorCode, receives: u32, random: f64) -> Duration {
    let (smallest, doublings) = match code {
        ErrorCode::Waiting | ErrorCode::Propagating if receives <= EARLY_TRIES => (SMALLEST_EARLY_DELAY, receives),
        ErrorCode::Waiting | ErrorCode::Propagating => (SMALLEST_DELAY, receives - EARLY_TRIES),
        _ => (SMALLEST_DELAY, receives),
    };
    let window = smallest.saturating_mul(2u32.saturating_pow(doublings.max(1))).min(LARGEST_DELAY);
    let delay = smallest + (window - smallest).mul_f64(random.clamp(0.0, 1.0));
    // The nearest: cut off, the longest delay would hardly ever be reached.
    Duration::from_secs((delay + Duration::from_millis(500)).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(code: ErrorCode, receives: u32) -> [u64; 2] {
        [0.0, 1.0].map(|random| delay(code, receives, random).as_secs())
    }

    #[test]
    fn grows_within_its_bounds() {
        for (receives, largest) in [(0, 60), (1, 60), (2, 120), (3, 240), (4, 480), (5, 900), (1000, 900)] {
            assert_eq!(range(ErrorCode::Throttled, receives), [30, largest], "{receives}");
        }
    }

    #[test]
    fn what_is_over_soon_is_tried_soon() {
        for code in [ErrorCode::Waiting, ErrorCode::Propagating] {
            for (receives, bounds) in
                [(1, [2, 4]), (2, [2, 8]), (3, [2, 16]), (4, [30, 60]), (5, [30, 120]), (1000, [30, 900])]
            {
                assert_eq!(range(code, receives), bounds, "{code:?} {receives}");
            }
        }
    }
}
