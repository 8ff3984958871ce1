//! The decision of the access key protocol: from what was seen to what is done. Pure.

use std::time::Duration;

use aws::secrets::{self, StoredSecret};
use aws::users::{self, User};
use contract::{ErrorCode, StepError};

use crate::SecretChange;
use crate::store::Place;

/// An access key, with what is needed to judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFacts {
    pub(crate) id: String,
    pub(crate) active: bool,
    /// By the services' clock, at the earliest of the looks: a key is at least this old.
    pub(crate) age: Duration,
    /// Whether it was ever used; asked only of keys beyond the grace period that are not stored.
    pub(crate) used: Option<bool>,
}

/// The keys and the secret, looked at in one moment.
pub(crate) struct Looked {
    pub(crate) keys: Vec<KeyFacts>,
    pub(crate) secret: Option<StoredSecret>,
    /// The age of the version that is AWSCURRENT.
    pub(crate) version_age: Option<Duration>,
}

/// Whether the secret's current version holds this key.
pub(crate) fn holds(secret: &StoredSecret, access_key_id: &str) -> bool {
    let current = secret.current.as_ref().and_then(|version| version.value.as_ref().ok());
    current.is_some_and(|credential| credential.access_key_id == access_key_id)
}

/// Decides. The order matters: what only a person may decide comes before what time decides, and that before
/// any write.
pub(crate) fn plan(
    looked: &Looked,
    user: &User,
    secret_name: &str,
    grace: Duration,
) -> Result<Vec<SecretChange>, StepError> {
    let current = looked.secret.as_ref().and_then(|secret| secret.current.as_ref());
    let stored = current.map(|version| version.credential(secret_name, &user.name)).transpose()?;
    let (kept, strays): (Vec<_>, Vec<_>) =
        looked.keys.iter().partition(|key| stored.is_some_and(|stored| stored.access_key_id == key.id));
    if let Some(key) = kept.iter().find(|key| !key.active) {
        let message = format!(
            "its stored access key {} is not active, which somebody decided; activate it, or delete it to have a new one made",
            key.id
        );
        return Err(StepError::new(ErrorCode::StoredKeyInactive, users::resource(&user.name), message));
    }
    let mut changes = judge_strays(&strays, user, grace)?;
    let place = match (current, kept.is_empty()) {
        (Some(_), false) => return Ok(changes),
        (None, _) if looked.secret.is_none() => Place::NewSecret { name: secret_name.to_owned() },
        (None, _) => Place::first_version(secret_name),
        (Some(version), true) => {
            // A list of keys may lag behind; a key that was stored a moment ago is not lost for not being listed.
            if looked.version_age.is_none_or(|age| age <= grace) {
                let message = "was stored a moment ago and its key is not listed yet; the step is tried again later";
                return Err(StepError::new(ErrorCode::InProgress, secrets::resource(secret_name), message));
            }
            Place::successor_of(
                secret_name,
                &version.id,
                looked.secret.as_ref().and_then(|secret| secret.previous_id.as_deref()),
            )
        }
    };
    changes.push(SecretChange::CreateKey(place));
    Ok(changes)
}

/// What becomes of the keys that are listed and not stored.
fn judge_strays(strays: &[&KeyFacts], user: &User, grace: Duration) -> Result<Vec<SecretChange>, StepError> {
    let old = || strays.iter().filter(|key| key.age > grace);
    let lost = |key: &KeyFacts| user.created_by_us() && key.used == Some(false);
    if let Some(key) = old().find(|key| !lost(key)) {
        let message = format!(
            "has the access key {}, which the provisioner did not make or which was used; delete it, or store it as the organization's key",
            key.id
        );
        return Err(StepError::new(ErrorCode::UnmanagedKey, users::resource(&user.name), message));
    }
    if let Some(key) = strays.iter().find(|key| key.age <= grace) {
        let message = format!(
            "another run may be about to store its access key {}; the step is tried again when the key is older than {} s",
            key.id,
            grace.as_secs()
        );
        return Err(StepError::new(ErrorCode::InProgress, users::resource(&user.name), message));
    }
    Ok(old().map(|key| SecretChange::DeleteLostKey { access_key_id: key.id.clone() }).collect())
}
