//! Tags of a secret. Their keys are case-sensitive.

use serde_json::{Value, json};

use super::input::{Input, check_length, constraint};
use super::{active, errors};
use crate::reply::ApiError;
use crate::world::Call;

const MOST_TAGS: usize = 50;

/// Adds tags, and gives those that are there a new value.
pub(super) fn tag(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let new = input.list("Tags")?.ok_or_else(|| constraint("Tags", "null", "Member must not be null"))?;
    let now = call.now;
    let secret = active(call, input)?;
    secret.tags = Some(merged(secret.tags.clone().unwrap_or_default(), new)?);
    secret.changed = now;
    Ok(json!({}))
}

/// Removes tags; one that is not there is no error.
pub(super) fn untag(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let keys = input.texts("TagKeys")?.ok_or_else(|| constraint("TagKeys", "null", "Member must not be null"))?;
    let now = call.now;
    let secret = active(call, input)?;
    if let Some(tags) = &mut secret.tags {
        tags.retain(|(key, _)| !keys.contains(key));
    }
    secret.changed = now;
    Ok(json!({}))
}

/// `tags` with the tags of a request, all or none.
pub(super) fn merged(mut tags: Vec<(String, String)>, new: &[Value]) -> Result<Vec<(String, String)>, ApiError> {
    for tag in new {
        let (key, value) = read(tag)?;
        match tags.iter_mut().find(|(existing, _)| *existing == key) {
            Some((_, existing)) => *existing = value,
            None => tags.push((key, value)),
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(errors::parameter(format!("A secret can have at most {MOST_TAGS} tags.")));
    }
    Ok(tags)
}

fn read(tag: &Value) -> Result<(String, String), ApiError> {
    let input = Input::of(tag);
    let key = input.required("Key", 128)?;
    let value = input.text("Value")?.unwrap_or_default();
    check_length("Value", value, 0, 256)?;
    // The prefix is AWS's own, in any case of its letters.
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(errors::parameter(format!("The tag key {key} begins with the reserved prefix aws:")));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Tags as the API writes them.
pub(super) fn written(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}
