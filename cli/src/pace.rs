//! So many in a second, and no more.

use std::time::Duration;

use tokio::time::Instant;

/// Holds events back so that no more than so many go out in a second.
pub struct Pace {
    events_per_second: u32,
    next: Option<Instant>,
}

impl Pace {
    /// So many in a second; none is taken for one.
    pub fn of(events_per_second: u32) -> Self {
        Self { events_per_second: events_per_second.max(1), next: None }
    }

    /// How many may go out in a second.
    pub fn events_per_second(&self) -> u32 {
        self.events_per_second
    }

    /// Waits until `events` more may go out. A wait that is dropped uses up nothing.
    pub async fn wait(&mut self, events: usize) {
        if let Some(next) = self.next {
            tokio::time::sleep_until(next).await;
        }
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        let share = Duration::from_secs(1) / self.events_per_second;
        self.next = Some(Instant::now() + share.saturating_mul(events));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_go_out_in_a_second_than_allowed() {
        let begun = Instant::now();
        let mut pace = Pace::of(20);
        for _ in 0..11 {
            pace.wait(10).await;
        }
        assert_eq!(begun.elapsed().as_millis(), 5000, "110 events, of which the last ten need not be waited for");
    }
}
