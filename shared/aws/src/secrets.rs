//! Reading the organization's secret.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_smithy_types::DateTime;
use contract::{ErrorCode, StepError};
use futures_util::future::join;
use org::{Conventions, OrgId};

use crate::credential::{Credential, Unreadable};
use crate::error::AwsError;
use crate::ownership::require_ours;
use crate::server_date::ServerDate;

/// A secret as DescribeSecret and GetSecretValue show it.
pub struct StoredSecret {
    /// The ARN, with the six random characters that Secrets Manager added.
    pub arn: String,
    /// Whether it is scheduled for deletion; its value cannot be read then.
    pub scheduled_for_deletion: bool,
    /// The version that is AWSCURRENT, if any.
    pub current: Option<StoredVersion>,
    /// The id of the version that is AWSPREVIOUS, if any.
    pub previous_id: Option<String>,
    /// The versions that carry a label other than AWSCURRENT and not that one: ids, with their labels.
    pub others: Vec<(String, Vec<String>)>,
    /// When anything of it was last changed but reads; the moving of labels is a change.
    pub last_changed: Option<DateTime>,
    /// When Secrets Manager's rotation last succeeded; none while rotation is off.
    pub last_rotated: Option<DateTime>,
    /// How Secrets Manager rotates it; none while rotation is off.
    pub rotation: Option<RotationSchedule>,
    /// The name.
    pub name: String,
    /// The tags, key and value.
    pub tags: Vec<(String, String)>,
    /// The labels of its versions, as DescribeSecret shows them, in alphabetical order: `AWSCURRENT`, ...
    pub labels: Vec<String>,
    /// The KMS key that encrypts it, as DescribeSecret names it; none for the account's `aws/secretsmanager`.
    pub kms_key_id: Option<String>,
}

/// When a secret is rotated, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationSchedule {
    /// The rotation function.
    pub function_arn: String,
    /// The days between two rotations; none where something else says when.
    pub days: Option<i64>,
}

/// One version of a secret.
pub struct StoredVersion {
    /// The version id, which is the token that it was put with.
    pub id: String,
    /// When it was put.
    pub created: DateTime,
    /// What it holds.
    pub value: Result<Credential, Unreadable>,
}

/// The label of the version that is read by default.
pub const AWSCURRENT: &str = "AWSCURRENT";
/// The label of the version that was current before.
pub const AWSPREVIOUS: &str = "AWSPREVIOUS";
/// The label of the version that a rotation makes.
pub const AWSPENDING: &str = "AWSPENDING";

/// The resource's name in messages.
pub fn resource(name: &str) -> String {
    format!("secret {name}")
}

/// The schedule, if one is wanted and the secret has another or none. While a rotation is under way nobody may set it:
/// Secrets Manager would refuse.
pub fn schedule_to_set<'w>(
    secret: Option<&StoredSecret>,
    wanted: Option<&'w RotationSchedule>,
) -> Option<&'w RotationSchedule> {
    let rotates = secret
        .is_some_and(|secret| secret.others.iter().any(|(_, labels)| labels.iter().any(|label| label == AWSPENDING)));
    wanted.filter(|wanted| !rotates && secret.and_then(|secret| secret.rotation.as_ref()) != Some(*wanted))
}

/// The secret of that name, if there is one.
///
/// # Errors
/// When Secrets Manager does not answer, and `concurrent-update` when two looks taken together disagree.
pub async fn find(client: &Client, name: &str, date: &ServerDate) -> Result<Option<StoredSecret>, StepError> {
    let (description, current) = join(describe(client, name, date), current(client, name, date)).await;
    let (description, current) = (description?, current?);
    let described_id = description.as_ref().and_then(|description| description.current_id.as_deref());
    let scheduled = description.as_ref().is_some_and(|description| description.scheduled_for_deletion);
    if !scheduled && described_id != current.as_ref().map(|version| version.id.as_str()) {
        let message = "changed while it was read; the step is tried again later";
        return Err(StepError::new(ErrorCode::ConcurrentUpdate, resource(name), message));
    }
    Ok(description.map(|description| StoredSecret {
        previous_id: description.previous_id,
        others: description.others,
        last_changed: description.last_changed,
        last_rotated: description.last_rotated,
        rotation: description.rotation,
        name: name.to_owned(),
        arn: description.arn,
        scheduled_for_deletion: description.scheduled_for_deletion,
        current,
        tags: description.tags,
        labels: description.labels,
        kms_key_id: description.kms_key_id,
    }))
}

impl StoredSecret {
    /// Whether the secret is this organization's. Tag keys of secrets are told apart by case.
    ///
    /// # Errors
    /// `not-ours`, or `secret-scheduled-for-deletion`: somebody decided that, and only a person takes it back.
    pub fn require_ours(&self, conventions: &Conventions, org: &OrgId) -> Result<(), StepError> {
        self.require_owner(conventions, org)?;
        if self.scheduled_for_deletion {
            let message = "is scheduled for deletion; restore it if the organization is to keep its key";
            return Err(StepError::new(ErrorCode::SecretScheduledForDeletion, resource(&self.name), message));
        }
        Ok(())
    }

    /// Whether the current version holds this key.
    pub fn holds(&self, access_key_id: &str) -> bool {
        let current = self.current.as_ref().and_then(|version| version.value.as_ref().ok());
        current.is_some_and(|credential| credential.access_key_id == access_key_id)
    }

    /// How long its current version has been current, by the services' clock; it may seem shorter, and longer only where
    /// people moved labels by hand since the last rotation. A version that a rotation makes is older than that: it was made
    /// when the rotation began. The last rotation tells; until Secrets Manager has noted it, the last change of the secret
    /// does, for the moving of AWSCURRENT is one.
    pub fn current_for(&self, date: &ServerDate) -> Option<Duration> {
        let current = self.current.as_ref()?;
        let rotated = self.last_rotated.as_ref().filter(|rotated| rotated.secs() >= current.created.secs());
        let since = rotated.or(self.last_changed.as_ref());
        Some(date.age_of(since.filter(|since| since.secs() > current.created.secs()).unwrap_or(&current.created)))
    }

    /// Whether the secret is this organization's, scheduled for deletion or not.
    ///
    /// # Errors
    /// `not-ours`.
    pub fn require_owner(&self, conventions: &Conventions, org: &OrgId) -> Result<(), StepError> {
        let key = conventions.tag_key();
        let tag = self.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        require_ours(&resource(&self.name), key, tag, None, org)
    }
}

impl StoredVersion {
    /// The credential, if it is one, and this user's.
    ///
    /// # Errors
    /// `secret-unreadable`.
    pub fn credential(&self, secret_name: &str, user_name: &str) -> Result<&Credential, StepError> {
        match &self.value {
            Ok(credential) if credential.user_name == user_name => Ok(credential),
            _ => {
                let message = format!(
                    "does not hold an access key of user {user_name} in the form that the provisioner writes; put a version that the provisioner wrote back in its place"
                );
                Err(StepError::new(ErrorCode::SecretUnreadable, resource(secret_name), message))
            }
        }
    }
}

struct Description {
    arn: String,
    tags: Vec<(String, String)>,
    scheduled_for_deletion: bool,
    current_id: Option<String>,
    previous_id: Option<String>,
    others: Vec<(String, Vec<String>)>,
    last_changed: Option<DateTime>,
    last_rotated: Option<DateTime>,
    rotation: Option<RotationSchedule>,
    labels: Vec<String>,
    kms_key_id: Option<String>,
}

async fn describe(client: &Client, name: &str, date: &ServerDate) -> Result<Option<Description>, StepError> {
    let request = client.describe_secret().secret_id(name).customize().interceptor(date.clone());
    let answer = match request.send().await.map_err(|error| AwsError::of("DescribeSecret", error)) {
        Ok(answer) => answer,
        Err(error) if error.code() == "ResourceNotFoundException" => return Ok(None),
        Err(error) => return Err(error.explain_as_usual(resource(name))),
    };
    let tags = answer.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect();
    let days =
        answer.rotation_rules().and_then(aws_sdk_secretsmanager::types::RotationRulesType::automatically_after_days);
    let function = answer.rotation_lambda_arn().filter(|_| answer.rotation_enabled() == Some(true));
    let rotation = function.map(|arn| RotationSchedule { function_arn: arn.to_owned(), days });
    let versions = answer.version_ids_to_stages.unwrap_or_default();
    let labelled = |label: &str| {
        let version = versions.iter().find(|(_, stages)| stages.iter().any(|stage| stage == label));
        version.map(|(id, _)| id.clone())
    };
    let mut labels: Vec<String> = versions.values().flatten().cloned().collect();
    labels.sort();
    Ok(Some(Description {
        rotation,
        labels,
        kms_key_id: answer.kms_key_id,
        arn: answer.arn.unwrap_or_default(),
        tags,
        scheduled_for_deletion: answer.deleted_date.is_some(),
        current_id: labelled(AWSCURRENT),
        previous_id: labelled(AWSPREVIOUS),
        others: others(versions),
        last_changed: answer.last_changed_date,
        last_rotated: answer.last_rotated_date,
    }))
}

/// In the order of their ids: a run that is repeated does the same.
fn others(versions: impl IntoIterator<Item = (String, Vec<String>)>) -> Vec<(String, Vec<String>)> {
    let other = |(_, stages): &(String, Vec<String>)| !stages.iter().any(|stage| stage == AWSCURRENT);
    let mut others: Vec<(String, Vec<String>)> = versions.into_iter().filter(other).collect();
    others.sort();
    others
}

/// The current version; none if the secret is not there, has no current version or is scheduled for deletion.
async fn current(client: &Client, name: &str, date: &ServerDate) -> Result<Option<StoredVersion>, StepError> {
    let request =
        client.get_secret_value().secret_id(name).version_stage(AWSCURRENT).customize().interceptor(date.clone());
    let answer = match request.send().await.map_err(|error| AwsError::of("GetSecretValue", error)) {
        Ok(answer) => answer,
        Err(error) if error.code() == "ResourceNotFoundException" => return Ok(None),
        // "You can't perform this operation on the secret because it was marked for deletion."
        Err(error) if error.code() == "InvalidRequestException" => return Ok(None),
        Err(error) => return Err(error.explain_as_usual(resource(name))),
    };
    let (Some(id), Some(created)) = (answer.version_id, answer.created_date) else { return Ok(None) };
    let value = answer.secret_string.as_deref().map_or(Err(Unreadable), Credential::from_secret_string);
    Ok(Some(StoredVersion { id, created, value }))
}

/// What one version of a secret holds; none if there is no such version, or it waits for its value.
///
/// # Errors
/// When Secrets Manager does not answer.
pub async fn value_of(
    client: &Client,
    name: &str,
    version_id: &str,
) -> Result<Option<Result<Credential, Unreadable>>, StepError> {
    let request = client.get_secret_value().secret_id(name).version_id(version_id);
    match request.send().await.map_err(|error| AwsError::of("GetSecretValue", error)) {
        Ok(answer) => Ok(Some(answer.secret_string.as_deref().map_or(Err(Unreadable), Credential::from_secret_string))),
        Err(error) if error.code() == "ResourceNotFoundException" => Ok(None),
        // Scheduled for deletion: it can come back.
        Err(error) if error.code() == "InvalidRequestException" => Ok(Some(Err(Unreadable))),
        Err(error) => Err(error.explain_as_usual(resource(name))),
    }
}
