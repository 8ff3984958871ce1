//! Secrets Manager: secrets, their versions and the staging labels on them.
//!
//! Replication and resource policies are not here. Rotation is, but for its schedule: a secret tells when it is due, and is
//! rotated when RotateSecret asks for it.

#![expect(clippy::indexing_slicing, reason = "only JSON objects are indexed, which make room for what is assigned")]

mod access;
mod catalog;
mod create;
mod deletion;
mod errors;
mod input;
mod labels;
mod rotation;
mod secret;
mod tags;
mod values;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::reply::{ApiError, Reply};
use crate::world::Call;
use input::Input;
pub use rotation::{Rotation, Run, Step};
pub use secret::{Content, Deletion, Secret, Version};

/// The secrets of one account in one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// Secrets by name, those that are scheduled for deletion among them.
    pub by_name: BTreeMap<String, Secret>,
}

impl Secrets {
    /// The secret that `id` means: a name, an ARN, or an ARN without the six random characters.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, also for a secret whose forced deletion is under way.
    fn find(&mut self, id: &str) -> Result<&mut Secret, ApiError> {
        let name = self.meant_by(id).map(|secret| secret.name.clone());
        let found = name.and_then(|name| self.by_name.get_mut(&name));
        found.filter(|secret| !secret.is_being_forced_out()).ok_or_else(errors::no_such_secret)
    }

    /// The secret that `id` means, even while its forced deletion is under way.
    fn meant_by(&self, id: &str) -> Option<&Secret> {
        // No name has a colon, so what is behind the last one of an ARN is the name, with or without the six characters.
        let name = id.rsplit(':').next().unwrap_or(id);
        let shorter = name.rsplit_once('-').map_or(name, |(shorter, _)| shorter);
        let called = |name| self.by_name.get(name).filter(|secret| secret.is_meant_by(id));
        called(name).or_else(|| called(shorter))
    }

    /// Forgets the secrets whose deletion is due: the one that `id` means, or all of them. AWS gives no time for it; here a secret stays
    /// in `by_name` until a call names it or lists all.
    fn purge(&mut self, id: Option<&str>, now: Timestamp) {
        let due = |secret: &Secret| secret.deletion.is_some_and(|deletion| now >= deletion.at);
        match id {
            Some(id) => {
                if let Some(name) = self.meant_by(id).filter(|secret| due(secret)).map(|secret| secret.name.clone()) {
                    self.by_name.remove(&name);
                }
            }
            None => self.by_name.retain(|_, secret| !due(secret)),
        }
    }
}

/// Carries out `operation`, if the caller's identity policies allow it, on its own account's secrets.
pub fn handle(call: &mut Call<'_>, body: &Value, operation: &str) -> Result<Reply, ApiError> {
    let input = Input::of(body);
    let named = match operation {
        "ListSecrets" => None,
        "CreateSecret" => input.text("Name")?,
        _ => input.text("SecretId")?,
    };
    let id = named.unwrap_or_default();
    call.resource = id.to_owned();
    let now = call.now;
    call.in_region().secrets.purge(named, now);
    access::check(call, body, operation, id)?;
    let answer = match operation {
        "CreateSecret" => create::create(call, &input),
        "UpdateSecret" => values::update(call, &input),
        "PutSecretValue" => values::put(call, &input),
        "GetSecretValue" => values::get(call, &input),
        "UpdateSecretVersionStage" => labels::update(call, &input),
        "ListSecretVersionIds" => catalog::list_versions(call, &input),
        "DescribeSecret" => catalog::describe(call, &input),
        "ListSecrets" => catalog::list(call, &input),
        "DeleteSecret" => deletion::delete(call, &input),
        "RestoreSecret" => deletion::restore(call, &input),
        "RotateSecret" => rotation::rotate(call, &input),
        "CancelRotateSecret" => rotation::cancel(call, &input),
        "TagResource" => tags::tag(call, &input),
        "UntagResource" => tags::untag(call, &input),
        other => Err(ApiError::not_implemented("secretsmanager", other)),
    };
    answer.map(|body| Reply::json(&body))
}

/// The secret that the request's `SecretId` names. Its name is what the trace shows.
fn named<'c>(call: &'c mut Call<'_>, input: &Input<'_>) -> Result<&'c mut Secret, ApiError> {
    let id = input.secret_id()?;
    let name = call.in_region().secrets.find(id)?.name.clone();
    call.resource.clone_from(&name);
    call.in_region().secrets.find(&name)
}

/// The same, refusing a secret that is scheduled for deletion.
fn active<'c>(call: &'c mut Call<'_>, input: &Input<'_>) -> Result<&'c mut Secret, ApiError> {
    let secret = named(call, input)?;
    if secret.deletion.is_some() { Err(errors::marked_for_deletion()) } else { Ok(secret) }
}

/// What most operations answer.
fn short(secret: &Secret) -> Value {
    json!({ "ARN": secret.arn, "Name": secret.name })
}

/// The same with the version that the request made, or had made before.
fn with_version(secret: &Secret, id: Option<&str>) -> Value {
    let mut body = short(secret);
    if let Some(id) = id {
        body["VersionId"] = json!(id);
    }
    body
}

#[cfg(test)]
mod tests;
