//! A moment as the command line gives it: a time, or a duration before now.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// A moment that may depend on when the command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A time.
    At(SystemTime),
    /// So long before now.
    Ago(Duration),
}

impl Moment {
    /// The moment as a time.
    pub fn at(self, now: SystemTime) -> SystemTime {
        match self {
            Self::At(time) => time,
            Self::Ago(duration) => {
                now.checked_sub(duration).unwrap_or(SystemTime::UNIX_EPOCH).max(SystemTime::UNIX_EPOCH)
            }
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = humantime::parse_rfc3339(text).map(Self::At);
        time.or_else(|_| humantime::parse_duration(text).map(Self::Ago))
            .map_err(|_| "must be a time like 2026-11-29T08:00:00Z, or a duration before now like 90m".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_told_apart() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let at = |text: &str| text.parse::<Moment>().map(|moment| moment.at(now));
        assert_eq!(at("2h"), Ok(now - Duration::from_secs(7200)));
        assert_eq!(at("1970-01-01T00:01:00Z"), Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(60)));
        assert_eq!(at("9000years"), Ok(SystemTime::UNIX_EPOCH));
        assert!(at("yesterday").is_err());
    }
}
