//! An organization's access keys, and what holds each of them. The steps `secret`, `verify` and `rotate` read them here,
//! so that they see a rotation alike.
//!
//! While a rotation is under way the user has two keys, and the secret states both: AWSCURRENT and AWSPENDING before the
//! new key becomes current, AWSCURRENT and AWSPREVIOUS until the old one is retired.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use contract::{ErrorCode, StepError};
use futures_util::future::try_join_all;

use crate::credential::{Credential, Unreadable};
use crate::secrets::{self, AWSPENDING, AWSPREVIOUS, StoredSecret};
use crate::users;

/// A version that carries another label than AWSCURRENT.
pub struct LabelledVersion {
    /// Its id.
    pub id: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it holds; none while it waits for its value, as a rotation's version does at first.
    pub value: Option<Result<Credential, Unreadable>>,
}

/// What holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The version that is AWSCURRENT.
    Current,
    /// The version that is AWSPENDING: the new key of a rotation.
    Pending,
    /// The version that is AWSPREVIOUS: the old key of a rotation.
    Previous,
    /// A version with another label, or one that cannot be read and may hold it.
    Other,
    /// None of them.
    Nobody,
}

impl Holder {
    /// Whether the key belongs to a rotation. Nobody but the rotation deletes it.
    pub fn is_a_rotation(self) -> bool {
        matches!(self, Self::Pending | Self::Previous)
    }
}

/// An access key that is listed and not stored, with what is needed to judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// `AKIA...`.
    pub id: String,
    /// Whether it may be used.
    pub active: bool,
    /// By the services' clock, at the earliest of the looks: a key is at least this old.
    pub age: Duration,
    /// Asked only of keys beyond the grace period.
    pub history: Option<History>,
}

/// What is known of a key that has to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Whether it was ever used.
    pub used: bool,
    /// Whether a version of the secret that carries another label than AWSCURRENT holds it.
    pub labelled: bool,
}

/// The versions that carry another label than AWSCURRENT, read. At most 20 labels a secret, so at most that many.
///
/// # Errors
/// When Secrets Manager does not answer.
pub async fn labelled_versions(client: &Client, secret: &StoredSecret) -> Result<Vec<LabelledVersion>, StepError> {
    try_join_all(secret.others.iter().map(async |(id, labels)| {
        let value = secrets::value_of(client, &secret.name, id).await?;
        Ok(LabelledVersion { id: id.clone(), labels: labels.clone(), value })
    }))
    .await
}

/// What holds this key.
pub fn holder(secret: Option<&StoredSecret>, versions: &[LabelledVersion], access_key_id: &str) -> Holder {
    if secret.is_some_and(|secret| secret.holds(access_key_id)) {
        return Holder::Current;
    }
    let certainly = |label: &str| {
        versions
            .iter()
            .any(|version| version.has(label) && version.credential().is_some_and(|c| c.access_key_id == access_key_id))
    };
    let perhaps = |version: &LabelledVersion| match &version.value {
        Some(Ok(held)) => held.access_key_id == access_key_id,
        Some(Err(Unreadable)) => true,
        None => false,
    };
    if certainly(AWSPENDING) {
        Holder::Pending
    } else if certainly(AWSPREVIOUS) {
        Holder::Previous
    } else if versions.iter().any(perhaps) {
        Holder::Other
    } else {
        Holder::Nobody
    }
}

impl LabelledVersion {
    /// Whether it carries this label.
    pub fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|own| own == label)
    }

    /// The key that it holds.
    pub fn credential(&self) -> Option<&Credential> {
        self.value.as_ref()?.as_ref().ok()
    }
}

/// The ids of the strays that are lost. Lost is a key that we made and nobody can know: on a user that we made here
/// (`ours`), active as all our keys are, past the grace period and never used, and in no version of the secret that
/// anybody may still read.
///
/// # Errors
/// `unmanaged-key` for a key that may be somebody's, `in-progress` while one is so young that its maker may be about to
/// store it.
pub fn lost(strays: &[&Stray], ours: bool, user: &str, grace: Duration) -> Result<Vec<String>, StepError> {
    const UNKNOWN_TO_ALL: Option<History> = Some(History { used: false, labelled: false });
    let old = || strays.iter().filter(|key| key.age > grace);
    let lost = |key: &Stray| ours && key.active && key.history == UNKNOWN_TO_ALL;
    if let Some(key) = old().find(|key| !lost(key)) {
        let message = format!(
            "has the access key {}, which the provisioner did not make or which somebody may use; delete it, or store it as the organization's key",
            key.id
        );
        return Err(StepError::new(ErrorCode::UnmanagedKey, users::resource(user), message));
    }
    if let Some(key) = strays.iter().find(|key| key.age <= grace) {
        let message = format!(
            "another run may be about to store its access key {}; the step is tried again when the key is older than {} s",
            key.id,
            grace.as_secs()
        );
        return Err(StepError::new(ErrorCode::InProgress, users::resource(user), message));
    }
    Ok(old().map(|key| key.id.clone()).collect())
}

/// A stored key that somebody switched off.
pub fn inactive(user: &str, access_key_id: &str) -> StepError {
    let message = format!(
        "its stored access key {access_key_id} is not active, which somebody decided; activate it, or delete it to have a new one made"
    );
    StepError::new(ErrorCode::StoredKeyInactive, users::resource(user), message)
}
