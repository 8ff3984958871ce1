//! CreateSecret.

use serde_json::Value;

use super::errors;
use super::input::{Input, check_name};
use super::secret::{CURRENT, Content, Secret};
use super::{tags, with_version};
use crate::reply::ApiError;
use crate::world::{Call, PARTITION};

/// A request that is sent again, with the same token and value, is answered again and changes nothing. Any
/// other request for a name that is taken fails, also while the secret is scheduled for deletion.
pub(super) fn create(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    input.without("CreateSecret", &["AddReplicaRegions", "ForceOverwriteReplicaSecret", "Type"])?;
    let name = check_name(input.required("Name", 512)?)?;
    let content = input.content()?;
    // Without a value there is no version to name.
    let version = content.map(|content| Ok::<_, ApiError>((input.token()?, content))).transpose()?;
    let tags = input.list("Tags")?.map(|list| tags::merged(Vec::new(), list)).transpose()?;
    let description = input.sized("Description", 0, 2048)?.map(str::to_owned);
    let kms_key_id = input.sized("KmsKeyId", 0, 2048)?.map(str::to_owned);
    if let Some(existing) = call.in_region().secrets.by_name.get(name) {
        return again(existing, version.as_ref());
    }
    let (suffix, now) = (call.world.ids.secret_suffix(), call.now);
    let arn = format!("arn:{PARTITION}:secretsmanager:{}:{}:secret:{name}-{suffix}", call.region, call.account_id());
    let mut secret = Secret {
        name: name.to_owned(),
        arn,
        description,
        kms_key_id,
        tags,
        created: now,
        changed: now,
        accessed: None,
        deletion: None,
        versions: Vec::new(),
        rotation: None,
    };
    let token = version.as_ref().map(|(token, _)| *token);
    if let Some((token, content)) = version {
        secret.store(token, content, &[CURRENT.to_owned()], now)?;
    }
    let body = with_version(&secret, token);
    call.in_region().secrets.by_name.insert(name.to_owned(), secret);
    Ok(body)
}

/// The answer for a name that is taken.
fn again(existing: &Secret, version: Option<&(&str, Content)>) -> Result<Value, ApiError> {
    if existing.deletion.is_some() {
        return Err(errors::request(
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    let stored = version.and_then(|(token, content)| Some((existing.version(token)?, content)));
    match stored {
        Some((version, content)) if version.content == *content => Ok(with_version(existing, Some(&version.id))),
        Some((version, _)) => Err(errors::token_in_use(&version.id, &existing.arn)),
        None => Err(errors::error(
            "ResourceExistsException",
            format!("The operation failed because the secret {} already exists.", existing.name),
        )),
    }
}
