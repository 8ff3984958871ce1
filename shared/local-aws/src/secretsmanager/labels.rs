//! UpdateSecretVersionStage: a compare-and-swap on a staging label.

use serde_json::Value;

use super::input::Input;
use super::secret::{CURRENT, Secret};
use super::{active, errors, short};
use crate::reply::ApiError;
use crate::world::Call;

/// Moves a label, adds it, or takes it off. A label that is on another version moves only if
/// `RemoveFromVersionId` names that version.
pub(super) fn update(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let label = input.required("VersionStage", 256)?;
    let (from, to) = (input.version_id("RemoveFromVersionId")?, input.version_id("MoveToVersionId")?);
    let now = call.now;
    let secret = active(call, input)?;
    if [from, to].into_iter().flatten().any(|id| secret.version(id).is_none()) {
        return Err(errors::no_such_version());
    }
    compare(secret, label, from, to)?;
    let mut changed = secret.clone();
    match to {
        Some(to) => changed.attach(label, to),
        None => changed.detach(label),
    }
    changed.check_limits()?;
    changed.changed = now;
    *secret = changed;
    Ok(short(secret))
}

fn compare(secret: &Secret, label: &str, from: Option<&str>, to: Option<&str>) -> Result<(), ApiError> {
    let holder = secret.holder(label).map(|version| version.id.as_str());
    match (holder, from) {
        (Some(holder), None) if to != Some(holder) => {
            return Err(errors::parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to \
                 version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )));
        }
        (holder, Some(from)) if holder != Some(from) => {
            return Err(errors::parameter(format!("Staging label {label} is not attached to version {from}.")));
        }
        (None, None) if to.is_none() => {
            return Err(errors::parameter("You must specify MoveToVersionId, RemoveFromVersionId or both."));
        }
        _ => {}
    }
    if label == CURRENT && to.is_none() {
        return Err(errors::parameter(
            "You can only move staging label AWSCURRENT to a different secret version. \
             It can’t be completely removed.",
        ));
    }
    Ok(())
}
