//! What offboarding changes.

use std::fmt;

use aws::belongings::Belonging;
use contract::Effect;
use lifecycle::Change;
use org::BucketName;

/// One thing to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OffboardChange {
    /// What other lifecycle steps change too: tags, keys, the bucket's doors.
    Common(Change),
    /// Take something away from the user that keeps it from being deleted.
    TakeAway(Belonging),
    /// Delete the user.
    DeleteUser,
    /// Schedule the secret for deletion.
    ScheduleSecret {
        /// For how many days it can be restored.
        days: u8,
    },
    /// Delete everything in the bucket.
    Empty(BucketName),
}

impl OffboardChange {
    /// The change, if other lifecycle steps make it too.
    pub(crate) fn common(&self) -> Option<&Change> {
        match self {
            Self::Common(change) => Some(change),
            _ => None,
        }
    }
}

impl From<Change> for OffboardChange {
    fn from(change: Change) -> Self {
        Self::Common(change)
    }
}

impl contract::Change for OffboardChange {
    fn effect(&self) -> Effect {
        Effect::Updates
    }
}

impl fmt::Display for OffboardChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Common(change) => fmt::Display::fmt(change, f),
            Self::TakeAway(belonging) => write!(f, "take the user's {belonging} away"),
            Self::DeleteUser => f.write_str("delete the user"),
            Self::ScheduleSecret { days } => {
                write!(f, "schedule the secret for deletion, to be restored within {days} days")
            }
            Self::Empty(bucket) => write!(f, "delete every object in bucket {bucket}, with all its versions"),
        }
    }
}
