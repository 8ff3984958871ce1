//! Making an access key and storing it: the one thing here that writes, for the steps `secret` and `rotate` do it by the
//! same protocol (docs/semantics.md, "The access key").

use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::types::StatusType;
use aws_smithy_types::DateTime;
use backon::{BackoffBuilder, ExponentialBuilder};
use contract::{ErrorCode, StepError};

use crate::credential::{Credential, SecretText};
use crate::error::AwsError;
use crate::users;

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

/// How much later than the grace period a delayed check comes: a sibling that began before us made its key
/// within its own function's timeout, and that key must be past the grace period too.
pub const CHECK_MARGIN: Duration = Duration::from_secs(60);

/// How an attempt to store a key ended.
pub enum Stored<T> {
    /// It is stored.
    Yes(T),
    /// It certainly is not.
    No(AwsError),
    /// Nobody knows.
    Unknown(AwsError),
}

/// Whether there is time to make a key: `left` of the invocation, and so little that whatever this run leaves behind has
/// come to rest within the grace period. `resource` is what errors are about.
///
/// # Errors
/// `misconfigured` or `out-of-time`.
pub fn require_time(left: Duration, grace: Duration, resource: &str) -> Result<(), StepError> {
    if left + CLIENT_TIMEOUT + READ_LAG > grace {
        let message = format!(
            "the function may run for {} s more, too long for a KEY_GRACE_SECONDS of {}; shorten the function's timeout or lengthen the grace",
            left.as_secs(),
            grace.as_secs()
        );
        return Err(StepError::new(ErrorCode::Misconfigured, resource, message));
    }
    if left < TIME_TO_CREATE_AND_STORE {
        let message =
            "too little of the invocation's time is left to make a key and store it; the step is tried again later";
        return Err(StepError::new(ErrorCode::OutOfTime, resource, message));
    }
    Ok(())
}

/// Makes a key. One attempt only: a retry after a lost reply would leave a key that nobody knows.
///
/// `changed_state` is whether the user was in another state once: the function's role may make keys for active users only,
/// and IAM may go by the user's old tags for a while (IAM user guide, "Changes that I make are not always immediately
/// visible").
///
/// # Errors
/// `in-progress` when there are two keys, `outcome-unknown` when nobody knows whether one was made, `propagating` where a
/// denial may be of the user's old state.
pub async fn create(iam: &Client, user_name: &str, changed_state: bool) -> Result<Credential, StepError> {
    let resource = users::resource(user_name);
    let once = aws_sdk_iam::config::Builder::new().retry_config(RetryConfig::disabled());
    let request = iam.create_access_key().user_name(user_name).customize().config_override(once);
    let answer = request.send().await.map_err(|error| {
        AwsError::of("CreateAccessKey", error).explain(&resource, |error| match error.code() {
            "LimitExceeded" => Some((
                ErrorCode::InProgress,
                "has two access keys, made by other runs; the step is tried again later".to_owned(),
            )),
            "NoSuchEntity" => {
                Some((ErrorCode::Propagating, "is not known everywhere yet; the step is tried again later".to_owned()))
            }
            "AccessDenied" if changed_state => Some((
                ErrorCode::Propagating,
                "may not be known everywhere yet to be active again, or the function's role lacks iam:CreateAccessKey; the step is tried again later"
                    .to_owned(),
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
        user_name: user_name.to_owned(),
    })
}

/// Stores a key by `once`, trying again where that is safe. Each attempt is one request, so that what is known
/// of its outcome is known for certain: once an attempt ended without an answer, nothing that a later
/// one says proves that the key is not stored.
pub async fn store<T>(mut once: impl AsyncFnMut() -> Result<T, AwsError>) -> Stored<T> {
    let mut delays = ExponentialBuilder::default()
        .with_min_delay(FIRST_STORE_DELAY)
        .with_max_times(STORE_RETRIES)
        .with_jitter()
        .build();
    let mut unknown = false;
    loop {
        let error = match once().await {
            Ok(stored) => return Stored::Yes(stored),
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

/// Deletes a key that is certainly not stored. Should that fail, the run must be repeated, whatever kept
/// the key from being stored: somebody has to find the key.
///
/// # Errors
/// `outcome-unknown`.
pub async fn take_back(iam: &Client, credential: &Credential, why: &StepError) -> Result<(), StepError> {
    let id = &credential.access_key_id;
    delete(iam, &credential.user_name, id).await.map_err(|error| {
        let message =
            format!("the new access key {id} could neither be stored ({why}) nor deleted again; the next run finds it");
        StepError::new(ErrorCode::OutcomeUnknown, users::resource(&credential.user_name), message).caused_by(error)
    })
}

/// Deletes a key; that it is gone already is as good.
///
/// # Errors
/// When IAM does not do it.
pub async fn delete(iam: &Client, user_name: &str, access_key_id: &str) -> Result<(), StepError> {
    let request = iam.delete_access_key().user_name(user_name).access_key_id(access_key_id);
    match request.send().await.map_err(|error| AwsError::of("DeleteAccessKey", error)) {
        Err(error) if error.code() != "NoSuchEntity" => Err(error.explain_as_usual(users::resource(user_name))),
        _ => Ok(()),
    }
}

/// Deactivates a key; that it is gone is as good. It can be activated again, with the same secret.
///
/// # Errors
/// When IAM does not do it.
pub async fn deactivate(iam: &Client, user_name: &str, access_key_id: &str) -> Result<(), StepError> {
    let request = iam.update_access_key().user_name(user_name).access_key_id(access_key_id);
    match request.status(StatusType::Inactive).send().await.map_err(|error| AwsError::of("UpdateAccessKey", error)) {
        Err(error) if error.code() != "NoSuchEntity" => Err(error.explain_as_usual(users::resource(user_name))),
        _ => Ok(()),
    }
}

/// When a key was last used, as GetAccessKeyLastUsed tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LastUse {
    /// It never was, or there is no such key any more.
    Never,
    /// Then.
    At(DateTime),
    /// The answer says nothing, which counts as used: a key is only deleted on proof.
    Untold,
}

/// When the key was last used. AWS shows `N/A` and no date for one that never was.
///
/// # Errors
/// When IAM does not answer.
pub async fn last_use(iam: &Client, user_name: &str, access_key_id: &str) -> Result<LastUse, StepError> {
    let request = iam.get_access_key_last_used().access_key_id(access_key_id);
    match request.send().await.map_err(|error| AwsError::of("GetAccessKeyLastUsed", error)) {
        Ok(answer) => Ok(match answer.access_key_last_used {
            None => LastUse::Untold,
            Some(used) => used.last_used_date.map_or(LastUse::Never, LastUse::At),
        }),
        // Deleted since it was listed: there is nothing left to judge, and deleting it again is no harm.
        Err(error) if error.code() == "NoSuchEntity" => Ok(LastUse::Never),
        Err(error) => Err(error.explain_as_usual(users::resource(user_name))),
    }
}
