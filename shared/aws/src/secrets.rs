//! Reading the organization's secret.

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
    /// The ids of all versions that carry a label other than AWSCURRENT.
    pub other_ids: Vec<String>,
    /// The name.
    pub name: String,
    /// The tags, key and value.
    pub tags: Vec<(String, String)>,
    /// The labels of its versions, as DescribeSecret shows them, in alphabetical order: `AWSCURRENT`, ...
    pub labels: Vec<String>,
    /// The KMS key that encrypts it, as DescribeSecret names it; none for the account's `aws/secretsmanager`.
    pub kms_key_id: Option<String>,
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

const AWSCURRENT: &str = "AWSCURRENT";
const AWSPREVIOUS: &str = "AWSPREVIOUS";

/// The resource's name in messages.
pub fn resource(name: &str) -> String {
    format!("secret {name}")
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
        other_ids: description.other_ids,
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
    other_ids: Vec<String>,
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
    let versions = answer.version_ids_to_stages.unwrap_or_default();
    let labelled = |label: &str| {
        let version = versions.iter().find(|(_, stages)| stages.iter().any(|stage| stage == label));
        version.map(|(id, _)| id.clone())
    };
    let mut labels: Vec<String> = versions.values().flatten().cloned().collect();
    labels.sort();
    Ok(Some(Description {
        labels,
        kms_key_id: answer.kms_key_id,
        arn: answer.arn.unwrap_or_default(),
        tags,
        scheduled_for_deletion: answer.deleted_date.is_some(),
        current_id: labelled(AWSCURRENT),
        previous_id: labelled(AWSPREVIOUS),
        other_ids: versions
            .iter()
            .filter(|(_, stages)| !stages.iter().any(|stage| stage == AWSCURRENT))
            .map(|(id, _)| id.clone())
            .collect(),
    }))
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

/// Whether one version of a secret may hold this key: it does, or what it holds cannot be told.
///
/// # Errors
/// When Secrets Manager does not answer.
pub async fn version_may_hold(
    client: &Client,
    name: &str,
    version_id: &str,
    access_key_id: &str,
) -> Result<bool, StepError> {
    let request = client.get_secret_value().secret_id(name).version_id(version_id);
    match request.send().await.map_err(|error| AwsError::of("GetSecretValue", error)) {
        Ok(answer) => {
            let held = answer.secret_string.as_deref().map_or(Err(Unreadable), Credential::from_secret_string);
            Ok(held.map_or(true, |held| held.access_key_id == access_key_id))
        }
        Err(error) if error.code() == "ResourceNotFoundException" => Ok(false),
        // Scheduled for deletion: it can come back.
        Err(error) if error.code() == "InvalidRequestException" => Ok(true),
        Err(error) => Err(error.explain_as_usual(resource(name))),
    }
}
