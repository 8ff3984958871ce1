//! Filters of ListSecrets.

use serde_json::Value;

use super::super::errors;
use super::super::input::Input;
use super::super::secret::Secret;
use crate::reply::ApiError;

/// One filter: its values are alternatives, `!` before one turns it round.
pub(super) struct Filter {
    key: Key,
    values: Vec<String>,
}

#[expect(clippy::enum_variant_names, reason = "the names are the API's")]
enum Key {
    Name,
    Description,
    TagKey,
    TagValue,
}

impl Filter {
    pub(super) fn read(filter: &Value) -> Result<Self, ApiError> {
        let input = Input::of(filter);
        let key = match input.text("Key")? {
            Some("name") => Key::Name,
            Some("description") => Key::Description,
            Some("tag-key") => Key::TagKey,
            Some("tag-value") => Key::TagValue,
            Some(known @ ("all" | "primary-region" | "owning-service")) => {
                return Err(ApiError::not_implemented("secretsmanager", &format!("ListSecrets filter {known}")));
            }
            _ => return Err(errors::parameter("Invalid filter key")),
        };
        let values = input.texts("Values")?.unwrap_or_default();
        if values.is_empty() || values.len() > 10 {
            return Err(errors::parameter("Invalid filter values"));
        }
        Ok(Self { key, values })
    }

    /// All keys match prefixes; only `description` ignores case.
    pub(super) fn matches(&self, secret: &Secret) -> bool {
        let tags = secret.tags.as_deref().unwrap_or_default();
        self.values.iter().any(|value| {
            let (wanted, prefix) = value.strip_prefix('!').map_or((true, value.as_str()), |rest| (false, rest));
            let found = match self.key {
                Key::Name => secret.name.starts_with(prefix),
                Key::Description => {
                    let description = secret.description.as_deref().unwrap_or_default();
                    description.to_lowercase().starts_with(&prefix.to_lowercase())
                }
                Key::TagKey => tags.iter().any(|(key, _)| key.starts_with(prefix)),
                Key::TagValue => tags.iter().any(|(_, tag_value)| tag_value.starts_with(prefix)),
            };
            found == wanted
        })
    }
}
