//! Making a key and storing it, so that of all runs that saw the same state exactly one key stays.
//!
//! CreateAccessKey has no idempotency token and tells the secret once. Secrets Manager's tokens are what
//! makes it safe: a token is a register that is written once, and every run that saw the same predecessor
//! derives the same token.

use std::time::Duration;

use aws::{AwsError, Credential, SecretText, secrets, users};
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_secretsmanager::types::Tag;
use backon::{BackoffBuilder, ExponentialBuilder};
use contract::{ErrorCode, OrgCreated, Run, StepError};
use futures_util::future::join;
use uuid::{Uuid, uuid};

use crate::Secret;

/// The name space of the tokens.
const TOKENS: Uuid = uuid!("0d9bd3a4-5b0f-5ac4-8f5e-5a2f3c8d7b16");

/// Attempts to store a key once it is made. Retrying is safe: the same token with the same value is no
/// change.
const STORE_RETRIES: usize = 2;
const FIRST_STORE_DELAY: Duration = Duration::from_millis(300);

/// The time that making a key, storing it or taking it back usually takes at most. To be cut off in between
/// is safe, but the next run must wait until the lost key is past the grace period.
const TIME_TO_CREATE_AND_STORE: Duration = Duration::from_secs(15);

/// The longest that a request of a run that was stopped can still be under way.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(12);
/// How far reads are assumed to lag behind writes.
const READ_LAG: Duration = Duration::from_secs(15);

/// How much later than the grace period the delayed check comes: a sibling that began before us made its key
/// within its own function's timeout, and that key must be past the grace period too.
const CHECK_MARGIN: Duration = Duration::from_secs(60);

/// Where a key is stored, with the token that makes this place one key's only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// A secret that does not exist: creating it by name is what only one run can do.
    NewSecret {
        /// Its name.
        name: String,
    },
    /// The next version of a secret that exists.
    NewVersion {
        /// The secret's name.
        name: String,
        /// The token, derived from the version that is replaced.
        token: String,
    },
}

/// How an attempt to store a key ended.
enum Stored {
    /// It is stored; this is the secret's ARN.
    Yes(String),
    /// It certainly is not.
    No(AwsError),
    /// Nobody knows.
    Unknown(AwsError),
}

impl StorePlace {
    /// The first version of a secret that exists and is empty.
    pub(crate) fn first_version(name: &str) -> Self {
        Self::NewVersion { name: name.to_owned(), token: first_token(name) }
    }

    /// The version after `replaced`. The version before that is part of the token too: should somebody move
    /// AWSCURRENT back to a version that was replaced once, its next successor has another token.
    pub(crate) fn successor_of(name: &str, replaced: &str, previous: Option<&str>) -> Self {
        let place = [name, replaced, previous.unwrap_or_default()].join("\n");
        Self::NewVersion { name: name.to_owned(), token: Uuid::new_v5(&TOKENS, place.as_bytes()).to_string() }
    }

    fn name(&self) -> &str {
        match self {
            Self::NewSecret { name } | Self::NewVersion { name, .. } => name,
        }
    }
}

fn first_token(name: &str) -> String {
    Uuid::new_v5(&TOKENS, name.as_bytes()).to_string()
}

impl Secret {
    /// Makes a key and stores it; answers the secret's ARN.
    ///
    /// The delayed check is on its way before anything is stored, so that whatever a sibling of this run
    /// leaves behind is found, even if this run ends here.
    pub(crate) async fn create_and_store(
        &self,
        run: &Run<'_, OrgCreated>,
        place: &StorePlace,
    ) -> Result<String, StepError> {
        let left = run.deadline.left(self.time.now());
        if left + CLIENT_TIMEOUT + READ_LAG > self.grace {
            let message = format!(
                "the function may run for {} s more, too long for a KEY_GRACE_SECONDS of {}; shorten the function's timeout or lengthen the grace",
                left.as_secs(),
                self.grace.as_secs()
            );
            return Err(StepError::new(ErrorCode::Misconfigured, secrets::resource(place.name()), message));
        }
        if left < TIME_TO_CREATE_AND_STORE {
            let message =
                "too little of the invocation's time is left to make a key and store it; the step is tried again later";
            return Err(StepError::new(ErrorCode::OutOfTime, secrets::resource(place.name()), message));
        }
        let check = self.own_queue.check_later(run, self.grace + CHECK_MARGIN);
        let (checked, created) = join(check, self.create_key(run.command)).await;
        let credential = created?;
        if let Err(error) = checked {
            self.take_back(run.command, &credential, &error).await?;
            return Err(error);
        }
        match self.store(run.command, place, &credential).await {
            Stored::Yes(arn) => Ok(arn),
            Stored::No(error) => {
                let error = explain(place, error);
                self.take_back(run.command, &credential, &error).await?;
                Err(error)
            }
            Stored::Unknown(error) => {
                let message = "whether the new key was stored is not known; the next run sees it";
                Err(error.explain(secrets::resource(place.name()), |_| {
                    Some((ErrorCode::OutcomeUnknown, message.to_owned()))
                }))
            }
        }
    }

    /// Deletes a key that is certainly not stored. Should that fail, the message must come back, whatever kept
    /// the key from being stored: somebody has to find the key.
    async fn take_back(&self, command: &OrgCreated, credential: &Credential, why: &StepError) -> Result<(), StepError> {
        let id = &credential.access_key_id;
        self.delete_key(command, id).await.map_err(|error| {
            let message = format!(
                "the new access key {id} could neither be stored ({why}) nor deleted again; the next run finds it"
            );
            StepError::new(ErrorCode::OutcomeUnknown, users::resource(&credential.user_name), message).caused_by(error)
        })
    }

    /// One attempt only: a retry after a lost reply would leave a key that nobody knows.
    async fn create_key(&self, command: &OrgCreated) -> Result<Credential, StepError> {
        let (user_name, _) = self.names(command);
        let resource = users::resource(&user_name);
        let once = aws_sdk_iam::config::Builder::new().retry_config(RetryConfig::disabled());
        let request = self.iam.create_access_key().user_name(&user_name).customize().config_override(once);
        let answer = request.send().await.map_err(|error| {
            AwsError::of("CreateAccessKey", error).explain(&resource, |error| match error.code() {
                "LimitExceeded" => Some((
                    ErrorCode::InProgress,
                    "has two access keys, made by other runs; the step is tried again later".to_owned(),
                )),
                "NoSuchEntity" => Some((
                    ErrorCode::Propagating,
                    "is not known everywhere yet; the step is tried again later".to_owned(),
                )),
                _ if !error.is_refusal() => Some((
                    ErrorCode::OutcomeUnknown,
                    "whether a key was made is not known; the next run sees it".to_owned(),
                )),
                _ => None,
            })
        })?;
        let key = answer.access_key.ok_or_else(|| {
            StepError::new(
                ErrorCode::OutcomeUnknown,
                resource,
                "CreateAccessKey answered without a key; the next run sees whether there is one",
            )
        })?;
        Ok(Credential {
            access_key_id: key.access_key_id,
            secret_access_key: SecretText::new(key.secret_access_key),
            user_name,
        })
    }

    /// Stores the key, trying again where that is safe. Each attempt is one request, so that what is known
    /// of its outcome is known for certain: once an attempt ended without an answer, nothing that a later
    /// one says proves that the key is not stored.
    async fn store(&self, command: &OrgCreated, place: &StorePlace, credential: &Credential) -> Stored {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(FIRST_STORE_DELAY)
            .with_max_times(STORE_RETRIES)
            .with_jitter()
            .build();
        let mut unknown = false;
        loop {
            let error = match self.store_once(command, place, credential).await {
                Ok(arn) => return Stored::Yes(arn),
                Err(error) => error,
            };
            unknown |= !error.is_refusal();
            let again = !error.is_refusal() || error.is_throttling();
            match delays.next().filter(|_| again) {
                Some(delay) => tokio::time::sleep(delay).await,
                None if unknown => return Stored::Unknown(error),
                None => return Stored::No(error),
            }
        }
    }

    async fn store_once(
        &self,
        command: &OrgCreated,
        place: &StorePlace,
        credential: &Credential,
    ) -> Result<String, AwsError> {
        let once = aws_sdk_secretsmanager::config::Builder::new().retry_config(RetryConfig::disabled());
        let value = credential.to_secret_string();
        let arn = match place {
            StorePlace::NewSecret { name } => {
                let tag = Tag::builder().key(self.conventions.tag_key()).value(command.org_id.as_str()).build();
                let request = self
                    .secrets
                    .create_secret()
                    .name(name)
                    .client_request_token(first_token(name))
                    .description("Access key of the organization's IAM user, made by org-provisioner")
                    .secret_string(value.expose())
                    .set_kms_key_id(self.kms_key_id.clone())
                    .tags(tag);
                let answer = request.customize().config_override(once).send().await;
                answer.map_err(|error| AwsError::of("CreateSecret", error))?.arn
            }
            StorePlace::NewVersion { name, token } => {
                let request = self
                    .secrets
                    .put_secret_value()
                    .secret_id(name)
                    .client_request_token(token)
                    .secret_string(value.expose());
                let answer = request.customize().config_override(once).send().await;
                answer.map_err(|error| AwsError::of("PutSecretValue", error))?.arn
            }
        };
        Ok(arn.unwrap_or_default())
    }

    /// Deletes a key; that it is gone already is as good.
    pub(crate) async fn delete_key(&self, command: &OrgCreated, access_key_id: &str) -> Result<(), StepError> {
        let (user_name, _) = self.names(command);
        let request = self.iam.delete_access_key().user_name(&user_name).access_key_id(access_key_id);
        match request.send().await.map_err(|error| AwsError::of("DeleteAccessKey", error)) {
            Err(error) if error.code() != "NoSuchEntity" => Err(error.explain_as_usual(users::resource(&user_name))),
            _ => Ok(()),
        }
    }

    /// Whether the key was ever used. AWS shows `N/A` and no date for one that never was.
    pub(crate) async fn was_used(&self, user_name: &str, access_key_id: &str) -> Result<bool, StepError> {
        let request = self.iam.get_access_key_last_used().access_key_id(access_key_id);
        match request.send().await.map_err(|error| AwsError::of("GetAccessKeyLastUsed", error)) {
            // An answer that says nothing counts as used: a key is only deleted on proof.
            Ok(answer) => Ok(answer.access_key_last_used.is_none_or(|used| used.last_used_date.is_some())),
            // Deleted since it was listed: there is nothing left to judge, and deleting it again is no harm.
            Err(error) if error.code() == "NoSuchEntity" => Ok(false),
            Err(error) => Err(error.explain_as_usual(users::resource(user_name))),
        }
    }
}

/// What a certain refusal to store means.
fn explain(place: &StorePlace, error: AwsError) -> StepError {
    error.explain(secrets::resource(place.name()), |error| match error.code() {
        "ResourceExistsException" => {
            Some((ErrorCode::ConcurrentUpdate, "another run stored a key first; the step looks again later".to_owned()))
        }
        "ResourceNotFoundException" | "InvalidRequestException" => Some((
            ErrorCode::ConcurrentUpdate,
            "was deleted or scheduled for deletion in the meantime; the step looks again later".to_owned(),
        )),
        "LimitExceededException" => Some((
            ErrorCode::QuotaExceeded,
            "cannot be stored: a quota of Secrets Manager is used up; have it raised and replay the event".to_owned(),
        )),
        _ => None,
    })
}
