//! The time that everything in here lives by. It follows tokio's clock, so in a runtime whose time is
//! paused a ten-minute visibility timeout costs nothing, and a test may also push it ahead by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This moment plus `duration`.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// How long ago `earlier` was; nothing if it is still to come.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// `2026-11-22T10:00:00Z`, as the query and REST-XML protocols write it.
    pub fn iso8601(self) -> String {
        self.format(Format::DateTime)
    }

    /// `Sun, 22 Nov 2026 10:00:00 GMT`, as the `Date` and `Last-Modified` headers carry it.
    pub fn http_date(self) -> String {
        // Headers have a resolution of a second.
        Self(self.0 - self.0 % 1000).format(Format::HttpDate)
    }

    /// Seconds since the epoch with a fraction, as the JSON protocols write it.
    pub fn epoch_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// A moment in seconds since the epoch; one before 1970 becomes 1970.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, which is what is wanted at both ends"
    )]
    pub fn from_epoch_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0) as u64)
    }

    fn format(self, format: Format) -> String {
        // Millisecond counts of this size are always within the range that can be formatted.
        DateTime::from_millis(i64::try_from(self.0).unwrap_or(i64::MAX)).fmt(format).unwrap_or_default()
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(millis(time.duration_since(UNIX_EPOCH).unwrap_or_default()))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that many hold: the services, the SDK clients (as their `TimeSource`) and the test.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    epoch: SystemTime,
    started: tokio::time::Instant,
    advanced_ms: AtomicU64,
}

impl Clock {
    /// A clock that shows `epoch` now.
    pub fn starting_at(epoch: SystemTime) -> Self {
        Self(Arc::new(Inner { epoch, started: tokio::time::Instant::now(), advanced_ms: AtomicU64::new(0) }))
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from(self.system_time())
    }

    /// Moves the clock ahead. Timers do not fire by this; it ages what is stored.
    pub fn advance(&self, by: Duration) {
        self.0.advanced_ms.fetch_add(millis(by), Ordering::SeqCst);
    }

    fn system_time(&self) -> SystemTime {
        self.0.epoch + self.0.started.elapsed() + Duration::from_millis(self.0.advanced_ms.load(Ordering::SeqCst))
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        self.system_time()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn follows_tokio_time_and_the_hand() {
        let clock = Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_000_000));
        let start = clock.now();
        tokio::time::sleep(Duration::from_secs(600)).await;
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now().since(start), Duration::from_secs(605));
    }

    #[test]
    fn formats_as_each_protocol_writes_it() {
        let moment = Timestamp(1_795_341_600_250);
        assert_eq!(moment.iso8601(), "2026-11-22T10:00:00.25Z");
        assert_eq!(moment.http_date(), "Sun, 22 Nov 2026 10:00:00 GMT");
        assert_eq!(moment.epoch_seconds(), 1_795_341_600.25);
    }
}
