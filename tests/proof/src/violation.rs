//! What must never be seen.

use std::fmt;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Which promise.
    pub promise: Promise,
    /// What was seen instead.
    pub seen: String,
}

/// The promises that every execution is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Promise {
    /// The user has exactly one access key, it is active, and the secret's AWSCURRENT version holds exactly it.
    OneKeyStored,
    /// No key is deleted that could have been read as AWSCURRENT, or that people made.
    KnownKeysStay,
    /// A request for a key is sent once: a second one would not tell what became of the first.
    KeysAskedForOnce,
    /// The user is there, with its tags.
    User,
    /// One bucket, with its tags, settings and marker.
    OneBucket,
    /// The bucket's policy equals the golden document and names the user that there is.
    GoldenPolicy,
    /// Nothing that belongs to somebody else, or that somebody decided, was changed.
    OthersUntouched,
    /// Every accepted event ends in completion, or in a failure event and a message that is kept.
    NothingLost,
    /// A suspended organization is closed, a resumed one open, an offboarded one gone, whatever a sign-up did meanwhile.
    StateHolds,
    /// The same event has the same id, however often it is told.
    SameEventId,
    /// A settled organization that is provisioned again is only looked at.
    NothingToDo,
    /// The secret access key is where it belongs and nowhere else.
    SecretUnseen,
    /// A function calls nothing that its role does not allow.
    WithinItsRole,
    /// No code panics.
    NoPanic,
    /// The run comes to rest.
    ComesToRest,
}

impl Violation {
    /// This promise was broken: `seen` says how.
    pub fn of(promise: Promise, seen: impl Into<String>) -> Self {
        Self { promise, seen: seen.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let promise: &str = self.promise.into();
        write!(f, "{promise}: {}", self.seen)
    }
}
