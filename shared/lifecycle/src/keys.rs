//! Whose an access key is. Pure, but for the looks that it takes to know.

use std::time::Duration;

use aws::users;
use aws::{AwsError, secrets};
use contract::{ErrorCode, StepError};
use futures_util::future::{try_join, try_join_all};

use crate::Lifecycle;

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
    /// Another labelled version of the secret holds it: it was the organization's, or is about to be.
    Labelled,
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
    pub(crate) current: bool,
    pub(crate) labelled: bool,
    pub(crate) used: bool,
}

/// A key that somebody switched off can be lost as well: a suspension switches off what it finds.
pub(crate) fn judge(facts: Facts, grace: Duration) -> Whose {
    match facts {
        Facts { current: true, .. } => Whose::Current,
        Facts { labelled: true, .. } => Whose::Labelled,
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

impl Lifecycle {
    /// Whether a key that is not the current one is in another labelled version, and whether it was ever used.
    pub(crate) async fn history(
        &self,
        user: &str,
        secret: Option<&secrets::StoredSecret>,
        id: &str,
    ) -> Result<(bool, bool), StepError> {
        let labelled = async {
            // What a secret holds that is scheduled for deletion cannot be read.
            let Some(secret) = secret.filter(|secret| !secret.scheduled_for_deletion) else { return Ok(false) };
            let versions = secret.other_ids.iter();
            let looks = versions.map(|version| secrets::version_may_hold(&self.secrets, &secret.name, version, id));
            try_join_all(looks).await.map(|held| held.contains(&true))
        };
        try_join(labelled, self.was_used(user, id)).await
    }

    async fn was_used(&self, user: &str, id: &str) -> Result<bool, StepError> {
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
    const OLD: Facts =
        Facts { age: Duration::from_secs(121), ours: true, current: false, labelled: false, used: false };

    #[test]
    fn a_key_is_lost_only_on_proof() {
        assert_eq!(judge(OLD, GRACE), Whose::Lost);
        assert_eq!(judge(Facts { age: GRACE, used: true, ours: false, ..OLD }, GRACE), Whose::Young);
        assert_eq!(judge(Facts { used: true, ..OLD }, GRACE), Whose::Foreign);
        assert_eq!(judge(Facts { ours: false, ..OLD }, GRACE), Whose::Foreign);
        assert_eq!(judge(Facts { labelled: true, used: true, ours: false, ..OLD }, GRACE), Whose::Labelled);
        assert_eq!(judge(Facts { current: true, labelled: true, ..OLD }, GRACE), Whose::Current);
    }

    #[test]
    fn a_foreign_key_is_a_conflict() {
        let key = |whose| Key { id: "AKIA1".into(), active: true, whose };
        assert!(require_no_foreign(&[key(Whose::Current), key(Whose::Lost), key(Whose::Young)], "u").is_ok());
        let error = require_no_foreign(&[key(Whose::Current), key(Whose::Foreign)], "u").unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnmanagedKey);
    }
}
