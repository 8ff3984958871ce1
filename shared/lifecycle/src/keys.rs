//! Whose an access key is. Pure, but for the looks that it takes to know.

use std::time::Duration;

use aws::AwsError;
use aws::keys::Holder;
use aws::users;
use contract::{ErrorCode, StepError};

use crate::Observer;

/// An access key of the organization's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `AKIA...`.
    pub id: String,
    /// Whether it may be used.
    pub active: bool,
    /// Whose it is.
    pub whose: Whose,
}

/// Whose a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The organization's: the secret's AWSCURRENT version holds it.
    Current,
    /// The secret's AWSPENDING version holds it: a rotation is about to make it the organization's.
    Pending,
    /// The secret's AWSPREVIOUS version holds it: it was the organization's.
    Labelled,
    /// A version with a label of somebody's holds it, or one that cannot be read may hold it.
    Unclear,
    /// Younger than the grace period: a run may be about to store it.
    Young,
    /// A run made it and nobody can know it: on a user that we made here, never used, in no labelled version.
    Lost,
    /// Somebody's.
    Foreign,
}

/// What has to be known of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) age: Duration,
    /// Whether the provisioner made its user here.
    pub(crate) ours: bool,
    pub(crate) holder: Holder,
    pub(crate) used: bool,
}

/// A key that somebody switched off can be lost as well: a suspension switches off what it finds.
pub(crate) fn judge(facts: Facts, grace: Duration) -> Whose {
    match facts {
        Facts { holder: Holder::Current, .. } => Whose::Current,
        Facts { holder: Holder::Pending, .. } => Whose::Pending,
        Facts { holder: Holder::Previous, .. } => Whose::Labelled,
        Facts { holder: Holder::Other, .. } => Whose::Unclear,
        Facts { age, .. } if age <= grace => Whose::Young,
        Facts { ours: true, used: false, .. } => Whose::Lost,
        _ => Whose::Foreign,
    }
}

/// That the user has no key which the provisioner did not make.
///
/// # Errors
/// `unmanaged-key`.
pub fn require_no_foreign(keys: &[Key], user: &str) -> Result<(), StepError> {
    let Some(key) = keys.iter().find(|key| key.whose == Whose::Foreign) else { return Ok(()) };
    let message = format!(
        "has the access key {}, which the provisioner did not make or which somebody may use; find out whose it is, delete it and replay the event",
        key.id
    );
    Err(StepError::new(ErrorCode::UnmanagedKey, users::resource(user), message))
}

impl Observer {
    /// Whether a key was ever used.
    pub(crate) async fn was_used(&self, user: &str, id: &str) -> Result<bool, StepError> {
        let request = self.iam.get_access_key_last_used().access_key_id(id);
        match request.send().await.map_err(|error| AwsError::of("GetAccessKeyLastUsed", error)) {
            // An answer that says nothing counts as used: a key is only lost on proof.
            Ok(answer) => Ok(answer.access_key_last_used.is_none_or(|used| used.last_used_date.is_some())),
            // Deleted since it was listed.
            Err(error) if error.code() == "NoSuchEntity" => Ok(false),
            Err(error) => Err(error.explain_as_usual(users::resource(user))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(120);
    const OLD: Facts = Facts { age: Duration::from_secs(121), ours: true, holder: Holder::Nobody, used: false };

    #[test]
    fn a_key_is_lost_only_on_proof() {
        assert_eq!(judge(OLD, GRACE), Whose::Lost);
        assert_eq!(judge(Facts { age: GRACE, used: true, ours: false, ..OLD }, GRACE), Whose::Young);
        assert_eq!(judge(Facts { used: true, ..OLD }, GRACE), Whose::Foreign);
        assert_eq!(judge(Facts { ours: false, ..OLD }, GRACE), Whose::Foreign);
        let held = |holder| judge(Facts { holder, used: true, ours: false, ..OLD }, GRACE);
        let all = [Holder::Current, Holder::Pending, Holder::Previous, Holder::Other].map(held);
        assert_eq!(all, [Whose::Current, Whose::Pending, Whose::Labelled, Whose::Unclear]);
    }

    #[test]
    fn a_foreign_key_is_a_conflict() {
        let key = |whose| Key { id: "AKIA1".into(), active: true, whose };
        assert!(require_no_foreign(&[key(Whose::Current), key(Whose::Lost), key(Whose::Young)], "u").is_ok());
        let error = require_no_foreign(&[key(Whose::Current), key(Whose::Foreign)], "u").unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnmanagedKey);
    }
}
