//! An organization, looked at in one moment: user, keys, secret and bucket.

use std::time::Duration;

use aws::buckets::{self, Bucket, Search, Seeker};
use aws::secrets::{self, StoredSecret};
use aws::users::{self, User};
use aws::{ORG_STATE_TAG, ServerDate, keys};
use aws_smithy_types::DateTime;
use contract::{ErrorCode, Resource, StepError};
use futures_util::future::{join4, try_join, try_join_all};
use org::{BucketName, Conventions, OrgId, Place};

use crate::keys::{Facts, Key, judge};
use crate::{Observer, State};

/// What was seen.
pub struct Observed<D> {
    /// The user, if there is one.
    pub user: Option<User>,
    /// Its access keys.
    pub keys: Vec<Key>,
    /// The secret, if there is one.
    pub secret: Option<StoredSecret>,
    /// The search for the bucket.
    pub search: Search<D>,
}

/// Whether a bucket is open to the public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doors {
    /// How many of the four settings of Block Public Access are on.
    pub blocks: usize,
}

impl Doors {
    /// Whether everything is blocked.
    pub fn are_closed(&self) -> bool {
        self.blocks == 4
    }

    /// Whether nothing is blocked.
    pub fn are_open(&self) -> bool {
        self.blocks == 0
    }
}

impl Observer {
    /// Looks at everything at once; `details` reads what the step wants to know of the bucket.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn observe<D>(
        &self,
        place: &Place,
        org: &OrgId,
        details: impl AsyncFn(&BucketName) -> Result<D, StepError>,
    ) -> Result<Observed<D>, StepError> {
        self.observe_with(place, org, None, details).await
    }

    /// The same, and what is there under a bucket name that the command gives, whose it may be.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn observe_with<D>(
        &self,
        place: &Place,
        org: &OrgId,
        named: Option<&BucketName>,
        details: impl AsyncFn(&BucketName) -> Result<D, StepError>,
    ) -> Result<Observed<D>, StepError> {
        let (user_name, secret_name) = self.names(org);
        let date = ServerDate::default();
        let seeker = Seeker::of_org(&self.s3, &self.conventions, place, org).looking_at(named);
        let (user, listed, secret, search) = join4(
            users::find(&self.iam, &user_name),
            users::access_keys(&self.iam, &user_name, &date),
            secrets::find(&self.secrets, &secret_name, &date),
            buckets::search(seeker, details),
        )
        .await;
        let (user, listed, secret) = (user?, listed?, secret?);
        let ours = user.as_ref().is_some_and(|user| user.created_here(place));
        let is_current = |id: &str| secret.as_ref().is_some_and(|secret| secret.holds(id));
        let versions = async {
            // Read only if there is a key beside the current one. What a secret holds that is scheduled for deletion cannot
            // be read.
            match secret.as_ref().filter(|secret| !secret.scheduled_for_deletion) {
                Some(secret) if listed.iter().any(|key| !secret.holds(&key.id)) => {
                    keys::labelled_versions(&self.secrets, secret).await
                }
                _ => Ok(Vec::new()),
            }
        };
        let uses = listed
            .iter()
            .map(async |key| if is_current(&key.id) { Ok(true) } else { self.was_used(&user_name, &key.id).await });
        let (versions, uses) = try_join(versions, try_join_all(uses)).await?;
        let judged = listed.into_iter().zip(uses).map(|(key, used)| {
            let holder = keys::holder(secret.as_ref(), &versions, &key.id);
            let whose = judge(Facts { age: date.age_of(&key.created), ours, holder, used }, self.grace);
            Key { id: key.id, active: key.active, whose }
        });
        Ok(Observed { keys: judged.collect(), user, secret, search: search? })
    }

    /// Whether the bucket is open to the public.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn doors(&self, place: &Place, name: &BucketName) -> Result<Doors, StepError> {
        let on = buckets::public_access_blocks(&self.s3, place, name).await?;
        Ok(Doors { blocks: on.len() })
    }
}

impl<D> Observed<D> {
    /// Checks whose everything is; answers the bucket, if there is one.
    ///
    /// # Errors
    /// `not-ours`, or what is ambiguous about the bucket; `waiting` if there is neither a user nor a bucket.
    pub fn require_ours(&self, conventions: &Conventions, org: &OrgId) -> Result<Option<&Bucket<D>>, StepError> {
        if let Some(user) = &self.user {
            user.require_owner(conventions, org)?;
        }
        if let Some(secret) = &self.secret {
            secret.require_owner(conventions, org)?;
        }
        let bucket = self.search.bucket_in_any_state()?;
        if bucket.is_none() {
            // A bucket of that name in our account that is not the organization's is a conflict.
            self.search.vacancy(conventions.tag_key(), org)?;
        }
        if bucket.is_none() && self.user.is_none() {
            let message = "has neither a user nor a bucket; the step is tried again later";
            return Err(StepError::new(ErrorCode::Waiting, format!("organization {org}"), message));
        }
        Ok(bucket)
    }

    /// That what the secret holds can be read, so that it can be told whose the keys are.
    ///
    /// # Errors
    /// `secret-scheduled-for-deletion` or `secret-unreadable`.
    pub fn require_readable(&self, conventions: &Conventions, org: &OrgId) -> Result<(), StepError> {
        let Some(secret) = &self.secret else { return Ok(()) };
        secret.require_ours(conventions, org)?;
        let (user, name) = (conventions.user_name(org), conventions.secret_name(org));
        secret.current.as_ref().map_or(Ok(()), |version| version.credential(&name, &user).map(drop))
    }

    /// The bucket, whatever state it says.
    pub fn bucket(&self) -> Option<&Bucket<D>> {
        self.search.here().first()
    }

    /// The user as reports tell of it, if there is one.
    pub fn user_resource(&self) -> Option<Resource> {
        self.user.as_ref().map(|user| Resource::new("AWS::IAM::User", &user.arn))
    }

    /// The bucket as reports tell of it, if there is one.
    pub fn bucket_resource(&self, place: &Place) -> Option<Resource> {
        let bucket = self.bucket()?;
        Some(Resource::new("AWS::S3::Bucket", place.bucket_arn(bucket.name.as_str())))
    }

    /// The secret as reports tell of it, if there is one.
    pub fn secret_resource(&self) -> Option<Resource> {
        self.secret.as_ref().map(|secret| Resource::new("AWS::SecretsManager::Secret", &secret.arn))
    }

    /// What the user says.
    pub fn state_of_user(&self) -> Option<State> {
        self.user.as_ref().map(|user| State::of(user.tag(ORG_STATE_TAG)))
    }

    /// What the bucket says.
    pub fn state_of_bucket(&self) -> Option<State> {
        self.bucket().map(|bucket| State::of(bucket.state()))
    }

    /// What both say together. An organization without a user and a bucket is active: nothing speaks against it.
    pub fn state(&self) -> State {
        self.state_of_user().into_iter().chain(self.state_of_bucket()).max().unwrap_or(State::Active)
    }

    /// For how long it has been in that state, as the younger of the tags says; none if no tag says it.
    pub fn age_of_state(&self) -> Option<Duration> {
        self.ages().into_iter().flatten().min()
    }

    /// The resource that tells the state, as messages name it.
    pub fn speaker(&self, user_name: &str) -> String {
        match self.bucket() {
            Some(bucket) if self.state_of_bucket() == Some(self.state()) => buckets::resource(&bucket.name),
            _ => users::resource(user_name),
        }
    }

    /// The time by the services' clock.
    pub(crate) fn now(&self) -> Option<DateTime> {
        self.search.date().now()
    }

    /// The ages of the state that the user and the bucket tell.
    pub(crate) fn ages(&self) -> [Option<Duration>; 2] {
        let user = self.user.as_ref().and_then(|user| user.age_of_state);
        let bucket = self.bucket().and_then(|bucket| self.search.age_of_state(bucket));
        [user, bucket]
    }
}
