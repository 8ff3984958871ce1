//! Whether everything that an organization should have is there and as it should be. Pure.

use aws::keys;
use aws::secrets::{self, StoredSecret};
use aws::users::{self, User};
use aws::{Credential, buckets};
use contract::{ErrorCode, OrgCreated, Run, StepError};
use org::{BucketName, bucket_policy, same_policy};

use crate::{Observed, Verify};

/// Everything that an organization should have.
pub(crate) struct Inventory<'o> {
    pub(crate) user: &'o User,
    pub(crate) bucket: &'o BucketName,
    pub(crate) secret: &'o StoredSecret,
    pub(crate) credential: &'o Credential,
    rotates: bool,
}

impl Inventory<'_> {
    /// What evidence says of the stored key beside that it is active.
    pub(crate) fn place_of_key(&self) -> &'static str {
        if self.rotates { "the current one of a rotation" } else { "the only one" }
    }
}

impl Verify {
    /// Everything in its place, or the first thing that is not. What another step still brings about is
    /// waited for; what only a person can mend is a conflict.
    pub(crate) fn inventory<'o>(
        &self,
        run: &Run<'_, OrgCreated>,
        observed: &'o Observed,
    ) -> Result<Inventory<'o>, StepError> {
        let org = &run.command.org_id;
        let (user_name, secret_name) = self.names(run.command);
        // Before the user is waited for: an organization that was offboarded has none any more.
        observed.search.bucket()?;
        let user = users::require_for(observed.user.as_ref(), &self.conventions, run.command)?;
        let bucket = observed.search.require(self.conventions.tag_key(), org)?;
        let setup = &bucket.details;
        let golden = bucket_policy(run.place, &bucket.name, &user.arn);
        let waits = [
            (setup.blocks_public_access, "still blocks public access"),
            (!setup.enforces_owner, "still has access control lists"),
            (!setup.has_marker, "has no marker of the public folder yet"),
            (
                !setup.policy.as_ref().is_some_and(|policy| same_policy(policy, &golden)),
                "does not have the convention's policy yet",
            ),
        ];
        if let Some((_, what)) = waits.into_iter().find(|(waits, _)| *waits) {
            return Err(waiting(buckets::resource(&bucket.name), what));
        }
        let secret =
            observed.secret.as_ref().ok_or_else(|| waiting(secrets::resource(&secret_name), "is not there yet"))?;
        if run.command.reonboard && secret.scheduled_for_deletion {
            secret.require_owner(&self.conventions, org)?;
            return Err(waiting(
                secrets::resource(&secret_name),
                "is still scheduled for deletion, and about to be restored",
            ));
        }
        secret.require_ours(&self.conventions, org)?;
        let version =
            secret.current.as_ref().ok_or_else(|| waiting(secrets::resource(&secret_name), "has no value yet"))?;
        let credential = version.credential(&secret_name, &user_name)?;
        let rotates = only_key(observed, credential)?;
        Ok(Inventory { user, bucket: &bucket.name, secret, credential, rotates })
    }
}

/// Exactly one key, active, and the stored one; beside it only what a rotation holds. Whether there is such a key.
fn only_key(observed: &Observed, credential: &Credential) -> Result<bool, StepError> {
    let resource = || users::resource(&credential.user_name);
    let stored = observed.keys.iter().find(|key| key.id == credential.access_key_id);
    let holder = |id: &str| keys::holder(observed.secret.as_ref(), &observed.versions, id);
    let mut others = observed.keys.iter().filter(|key| key.id != credential.access_key_id);
    match stored {
        None => Err(waiting(resource(), "does not show its stored access key yet")),
        Some(key) if !key.active => Err(keys::inactive(&credential.user_name, &key.id)),
        Some(_) if !others.all(|key| holder(&key.id).is_a_rotation()) => {
            let message = "has another access key beside the stored one; the secret step finds out whose, and this step is tried again later";
            Err(StepError::new(ErrorCode::InProgress, resource(), message))
        }
        Some(_) => Ok(observed.keys.len() > 1),
    }
}

fn waiting(resource: String, what: &str) -> StepError {
    StepError::new(ErrorCode::Waiting, resource, format!("{what}; the step is tried again later"))
}
