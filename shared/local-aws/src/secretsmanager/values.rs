//! Reading and storing secret values.

use serde_json::{Value, json};

use super::input::Input;
use super::secret::{CURRENT, Content, Secret, Stored};
use super::{active, errors, with_version};
use crate::clock::Timestamp;
use crate::reply::ApiError;
use crate::world::Call;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A version by id, by label (`AWSCURRENT` unless told), or by both, which then have to agree.
pub(super) fn get(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let (id, label) = (input.version_id("VersionId")?, input.sized("VersionStage", 1, 256)?);
    // The day of a read is kept, not the time.
    let today = Timestamp(call.now.0 - call.now.0 % DAY_MS);
    let secret = active(call, input)?;
    let found = chosen(secret, id, label)?;
    let mut body = serde_json::Map::new();
    if let Some(version) = secret.versions.iter_mut().find(|version| version.id == found) {
        version.accessed = Some(today);
        body.insert("VersionId".to_owned(), json!(version.id));
        body.insert("VersionStages".to_owned(), json!(version.labels));
        body.insert("CreatedDate".to_owned(), json!(version.created.epoch_seconds()));
        version.content.write(&mut body);
    }
    secret.accessed = Some(today);
    body.insert("ARN".to_owned(), json!(secret.arn));
    body.insert("Name".to_owned(), json!(secret.name));
    Ok(Value::Object(body))
}

fn chosen(secret: &Secret, id: Option<&str>, label: Option<&str>) -> Result<String, ApiError> {
    let version = match id {
        Some(id) => secret.version(id).ok_or_else(|| errors::no_such_value("VersionId", id))?,
        None => {
            let label = label.unwrap_or(CURRENT);
            secret.holder(label).ok_or_else(|| errors::no_such_value("staging label", label))?
        }
    };
    if label.is_some_and(|label| !version.labels.contains(label)) {
        return Err(errors::request("You provided a VersionStage that is not associated to the provided VersionId."));
    }
    // A version that waits for its value cannot be read: the rotation templates of AWS tell by that whether to make one.
    if version.content == Content::Empty {
        return Err(match id {
            Some(id) => errors::no_such_value("VersionId", id),
            None => errors::no_such_value("staging label", label.unwrap_or(CURRENT)),
        });
    }
    Ok(version.id.clone())
}

/// Without `VersionStages` the new version becomes the current one. The same token with the same value is
/// ignored, whatever labels it comes with.
pub(super) fn put(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    input.without("PutSecretValue", &["RotationToken"])?;
    let content =
        input.content()?.ok_or_else(|| errors::request("You must provide either SecretString or SecretBinary."))?;
    let token = input.token()?;
    let labels = input.texts("VersionStages")?.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    if labels.is_empty() || labels.len() > 20 {
        return Err(errors::validation("versionStages must have between 1 and 20 members"));
    }
    labels.iter().try_for_each(|label| super::input::check_length("VersionStage", label, 1, 256))?;
    let now = call.now;
    let secret = active(call, input)?;
    secret.store(token, content, &labels, now)?;
    let mut body = with_version(secret, Some(token));
    body["VersionStages"] = json!(secret.version(token).map(|version| &version.labels));
    Ok(body)
}

/// Changes the description, the key, the value, or several of them.
pub(super) fn update(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    input.without("UpdateSecret", &["Type"])?;
    let description = input.sized("Description", 0, 2048)?;
    let kms_key_id = input.sized("KmsKeyId", 0, 2048)?;
    let version = input.content()?.map(|content| Ok::<_, ApiError>((input.token()?, content))).transpose()?;
    let now = call.now;
    let secret = active(call, input)?;
    let mut version_id = None;
    if let Some((token, content)) = version {
        version_id = Some(token);
        if matches!(secret.store(token, content, &[CURRENT.to_owned()], now)?, Stored::Already) {
            return Ok(with_version(secret, version_id));
        }
    }
    if let Some(description) = description {
        secret.description = Some(description.to_owned());
    }
    if let Some(key) = kms_key_id {
        secret.kms_key_id = Some(key.to_owned());
    }
    secret.changed = now;
    Ok(with_version(secret, version_id))
}
