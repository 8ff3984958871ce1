//! The decisions of a rotation: from what was seen to what is done. Pure.

use std::time::Duration;

use aws::Credential;
use aws::keys::{self, Holder, LabelledVersion, Stray};
use aws::secrets::{self, AWSPENDING, AWSPREVIOUS, StoredSecret};
use aws::users::{self, User};
use contract::{ErrorCode, StepError};
use org::Place;

use crate::KeyChange;

/// The deployment's time limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The age from which a key that nobody stored counts as lost.
    pub(crate) grace: Duration,
    /// How long the old key goes on working; after as long again it is deleted.
    pub(crate) overlap: Duration,
}

/// An access key: what is known of it as a stray, what holds it, and how long it was not used.
#[derive(Clone, Debug)]
pub(crate) struct KeyFacts {
    pub(crate) key: Stray,
    pub(crate) holder: Holder,
    /// For ever, if it never was; not at all, if that is not known.
    pub(crate) idle_for: Duration,
}

/// The keys and the secret, looked at in one moment.
pub(crate) struct Looked {
    pub(crate) keys: Vec<KeyFacts>,
    pub(crate) secret: Option<StoredSecret>,
    /// The versions with a label other than AWSCURRENT.
    pub(crate) versions: Vec<LabelledVersion>,
    /// How long the current version has been current.
    pub(crate) current_for: Option<Duration>,
}

/// What a decision is made from.
pub(crate) struct Decision<'o> {
    pub(crate) looked: &'o Looked,
    pub(crate) secret: &'o StoredSecret,
    pub(crate) user: &'o User,
    pub(crate) terms: Terms,
}

/// Where a rotation is.
enum Stage<'o> {
    /// Its version is the current one.
    Done,
    /// Its version has no value yet.
    Empty,
    /// Its version holds this key.
    Stored(&'o Credential),
}

impl<'o> Decision<'o> {
    /// createSecret: a key of this rotation, unless it has one. A user has two keys at most, so the old key of the rotation
    /// before has to be gone.
    pub(crate) fn create(&self, token: &str, place: &Place) -> Result<Vec<KeyChange>, StepError> {
        if !matches!(self.stage(token)?, Stage::Empty) {
            return Ok(Vec::new());
        }
        self.require_current_key()?;
        let mut changes = self.lost_keys(place)?;
        if let Some(old) = self.held_by(Holder::Previous) {
            let retirement = self.retirement(old)?;
            let deleted = matches!(retirement, KeyChange::DeleteOldKey { .. });
            changes.push(retirement);
            if !deleted {
                return Ok(changes);
            }
        }
        changes.push(KeyChange::CreateKey);
        Ok(changes)
    }

    /// The rotation's key, if it is listed and active; none if the rotation is done. What setSecret asks, and the others
    /// before they go on.
    pub(crate) fn new_key(&self, token: &str) -> Result<Option<&'o Credential>, StepError> {
        let credential = match self.stage(token)? {
            Stage::Done => return Ok(None),
            Stage::Stored(credential) => credential,
            Stage::Empty => return Err(self.waiting("its version holds no key yet")),
        };
        match self.looked.keys.iter().find(|facts| facts.key.id == credential.access_key_id) {
            None => {
                let message = format!(
                    "does not show the new access key {} yet; the step is tried again later. If it was deleted, take AWSPENDING off version {token} and rotate again",
                    credential.access_key_id
                );
                Err(StepError::new(ErrorCode::Propagating, users::resource(&self.user.name), message))
            }
            Some(facts) if !facts.key.active => Err(keys::inactive(&self.user.name, &facts.key.id)),
            Some(_) => Ok(Some(credential)),
        }
    }

    /// testSecret: the new key was tried in the same run, if there is one. Where rotation is only set up, Secrets Manager asks
    /// for this step alone, with a version that never gets a value (RotateSecret, `RotateImmediately`).
    pub(crate) fn test(&self, token: &str) -> Result<(), StepError> {
        match self.stage(token)? {
            Stage::Empty => Ok(()),
            Stage::Done | Stage::Stored(_) => self.new_key(token).map(drop),
        }
    }

    /// finishSecret: the new key becomes current. It was tried in the same run.
    pub(crate) fn finish(&self, token: &str) -> Result<Vec<KeyChange>, StepError> {
        let instead_of = self.secret.current.as_ref().map(|version| version.id.clone());
        Ok(self.new_key(token)?.map(|_| KeyChange::MakeCurrent { instead_of }).into_iter().collect())
    }

    /// retireKey: what is due of the old key's end. Nothing, once no second key is there but one that a rotation is making.
    /// Where the label AWSPREVIOUS does not tell which key the old one is, because another version is current or a person
    /// moved the label, no key is touched, and the retirement is not done as long as there are two.
    pub(crate) fn retire(&self, token: &str) -> Result<Vec<KeyChange>, StepError> {
        // Secrets Manager may leave AWSPENDING on a version that became current; one that is AWSPREVIOUS by now was.
        let unfinished = |labels: &[String]| {
            let has = |label: &str| labels.iter().any(|own| own == label);
            has(AWSPENDING) && !has(AWSPREVIOUS)
        };
        if self.secret.others.iter().any(|(id, labels)| id == token && unfinished(labels)) {
            return Err(self.waiting("its rotation is not finished"));
        }
        let is_current = self.secret.current.as_ref().is_some_and(|version| version.id == token);
        let Some(old) = self.held_by(Holder::Previous).filter(|_| is_current) else {
            let second = |facts: &&KeyFacts| !matches!(facts.holder, Holder::Current | Holder::Pending);
            let Some(second) = self.looked.keys.iter().find(second) else { return Ok(Vec::new()) };
            let message = format!(
                "its access key {} is not the old one of this rotation, or not any more; the next rotation, or a person, sees to it",
                second.key.id
            );
            return Err(StepError::new(ErrorCode::InProgress, users::resource(&self.user.name), message));
        };
        // Never the last key that works.
        self.require_current_key()?;
        Ok(vec![self.retirement(old)?])
    }

    /// The lost keys, which are deleted.
    pub(crate) fn lost_keys(&self, place: &Place) -> Result<Vec<KeyChange>, StepError> {
        let of_nobody = |facts: &&KeyFacts| matches!(facts.holder, Holder::Nobody | Holder::Other);
        let strays: Vec<&Stray> = self.looked.keys.iter().filter(of_nobody).map(|facts| &facts.key).collect();
        let lost = keys::lost(&strays, self.user.created_here(place), &self.user.name, self.terms.grace)?;
        Ok(lost.into_iter().map(|access_key_id| KeyChange::DeleteLostKey { access_key_id }).collect())
    }

    /// The next step of the old key's end: it works for an overlap, rests for another one, and is deleted when it was not
    /// used for as long.
    fn retirement(&self, old: &KeyFacts) -> Result<KeyChange, StepError> {
        let Terms { overlap, .. } = self.terms;
        let since = self.looked.current_for.unwrap_or_default();
        let access_key_id = old.key.id.clone();
        let wait = |what: &str| {
            let message = format!("its old access key {access_key_id} {what}; the step is tried again later");
            Err(StepError::new(ErrorCode::InProgress, users::resource(&self.user.name), message))
        };
        if since <= overlap {
            return wait(&format!("works until {} s after the rotation", overlap.as_secs()));
        }
        if old.key.active {
            return Ok(KeyChange::DeactivateOldKey { access_key_id });
        }
        if since <= overlap * 2 || old.idle_for <= overlap {
            return wait("is deactivated and not idle for long enough to be deleted");
        }
        Ok(KeyChange::DeleteOldKey { access_key_id })
    }

    /// Where the rotation with this token is.
    fn stage(&self, token: &str) -> Result<Stage<'o>, StepError> {
        if self.secret.current.as_ref().is_some_and(|version| version.id == token) {
            return Ok(Stage::Done);
        }
        let resource = || secrets::resource(&self.secret.name);
        let version = self.looked.versions.iter().find(|version| version.id == token && version.has(AWSPENDING));
        let Some(version) = version else {
            let message = format!("its version {token} is not AWSPENDING, or not yet; the step is tried again later");
            return Err(StepError::new(ErrorCode::Propagating, resource(), message));
        };
        match &version.value {
            None => Ok(Stage::Empty),
            Some(Ok(credential)) if credential.user_name == self.user.name => Ok(Stage::Stored(credential)),
            Some(_) => {
                let message = format!(
                    "its version {token} does not hold an access key of user {}; take AWSPENDING off it and rotate again",
                    self.user.name
                );
                Err(StepError::new(ErrorCode::SecretUnreadable, resource(), message))
            }
        }
    }

    /// The stored key is readable, listed and active: a rotation replaces a key, the `secret` step makes the first one.
    fn require_current_key(&self) -> Result<(), StepError> {
        let Some(version) = &self.secret.current else { return Err(self.waiting("it has no current version yet")) };
        let credential = version.credential(&self.secret.name, &self.user.name)?;
        match self.held_by(Holder::Current) {
            None => Err(self.waiting(&format!("its key {} is not listed", credential.access_key_id))),
            Some(facts) if !facts.key.active => Err(keys::inactive(&self.user.name, &facts.key.id)),
            Some(_) => Ok(()),
        }
    }

    fn held_by(&self, holder: Holder) -> Option<&'o KeyFacts> {
        self.looked.keys.iter().find(|facts| facts.holder == holder)
    }

    fn waiting(&self, what: &str) -> StepError {
        let message = format!("{what}; the step is tried again later");
        StepError::new(ErrorCode::Waiting, secrets::resource(&self.secret.name), message)
    }
}

#[cfg(test)]
mod tests;
