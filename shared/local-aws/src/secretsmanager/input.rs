//! Reading an operation's parameters, with the limits of the API's model.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::errors;
use super::secret::Content;
use crate::reply::ApiError;

const MOST_VALUE_BYTES: usize = 65_536;

/// The parameters of one call.
pub(super) struct Input<'a>(&'a Value);

impl<'a> Input<'a> {
    pub(super) fn of(body: &'a Value) -> Self {
        Self(body)
    }

    /// A parameter; null is as good as absent.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A string.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        self.value(name).map(|value| value.as_str().ok_or_else(|| wrong_type(name))).transpose()
    }

    /// A string whose length the model limits.
    pub(super) fn sized(&self, name: &str, least: usize, most: usize) -> Result<Option<&'a str>, ApiError> {
        let text = self.text(name)?;
        if let Some(text) = text {
            check_length(name, text, least, most)?;
        }
        Ok(text)
    }

    /// A string that has to be there.
    pub(super) fn required(&self, name: &str, most: usize) -> Result<&'a str, ApiError> {
        self.sized(name, 1, most)?.ok_or_else(|| constraint(name, "null", "Member must not be null"))
    }

    /// `SecretId`: a name or an ARN.
    pub(super) fn secret_id(&self) -> Result<&'a str, ApiError> {
        let id = self.required("SecretId", 2048)?;
        if id.starts_with("arn:") { Ok(id) } else { check_name(id) }
    }

    /// `VersionId` and the like.
    pub(super) fn version_id(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        self.sized(name, 32, 64)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        self.value(name).map_or(Ok(false), |value| value.as_bool().ok_or_else(|| wrong_type(name)))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.value(name).map(|value| value.as_i64().ok_or_else(|| wrong_type(name))).transpose()
    }

    /// A list of anything.
    pub(super) fn list(&self, name: &str) -> Result<Option<&'a [Value]>, ApiError> {
        self.value(name).map(|value| value.as_array().map(Vec::as_slice).ok_or_else(|| wrong_type(name))).transpose()
    }

    /// A list of strings.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let texts = |list: &[Value]| list.iter().map(|value| value.as_str().map(str::to_owned)).collect();
        self.list(name)?.map(|list| Option::ok_or_else(texts(list), || wrong_type(name))).transpose()
    }

    /// The secret value, if there is one.
    pub(super) fn content(&self) -> Result<Option<Content>, ApiError> {
        let content = match (self.text("SecretString")?, self.text("SecretBinary")?) {
            (Some(_), Some(_)) => {
                return Err(errors::parameter(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
            (Some(text), None) => Content::Text(text.to_owned()),
            (None, Some(encoded)) => Content::Binary(STANDARD.decode(encoded).map_err(|_| wrong_type("SecretBinary"))?),
            (None, None) => return Ok(None),
        };
        // The value itself is in no message.
        match content.len() {
            0 => Err(errors::validation(sensitive("greater than or equal to 1"))),
            1..=MOST_VALUE_BYTES => Ok(Some(content)),
            _ => Err(errors::validation(sensitive("less than or equal to 65536"))),
        }
    }

    /// `ClientRequestToken`, which becomes the version's id. The SDKs fill it in; AWS refuses a bare request without.
    pub(super) fn token(&self) -> Result<&'a str, ApiError> {
        self.version_id("ClientRequestToken")?.ok_or_else(|| {
            errors::request("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
        })
    }

    /// Refuses parameters that AWS has and this has not.
    pub(super) fn without(&self, operation: &str, names: &[&str]) -> Result<(), ApiError> {
        match names.iter().find(|name| self.value(name).is_some()) {
            Some(name) => Err(ApiError::not_implemented("secretsmanager", &format!("{operation} with {name}"))),
            None => Ok(()),
        }
    }
}

/// 1 to 512 characters of `A-Za-z0-9/_+=.@-`. AWS's message names `!` as well, which only its own services use.
pub(super) fn check_name(name: &str) -> Result<&str, ApiError> {
    check_length("Name", name, 1, 512)?;
    if name.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c)) {
        Ok(name)
    } else {
        Err(errors::validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ))
    }
}

/// A string's length against the model's limits.
pub(super) fn check_length(name: &str, text: &str, least: usize, most: usize) -> Result<(), ApiError> {
    let length = text.chars().count();
    if length < least {
        Err(constraint(
            name,
            &format!("'{text}'"),
            &format!("Member must have length greater than or equal to {least}"),
        ))
    } else if length > most {
        Err(constraint(name, &format!("'{text}'"), &format!("Member must have length less than or equal to {most}")))
    } else {
        Ok(())
    }
}

/// The message that AWS generates from the API's model, with the member's name in lower camel case.
pub(super) fn constraint(name: &str, value: &str, constraint: &str) -> ApiError {
    let mut characters = name.chars();
    let first = characters.next().map(|c| c.to_ascii_lowercase()).unwrap_or_default();
    errors::validation(format!(
        "1 validation error detected: Value {value} at '{first}{}' failed to satisfy constraint: {constraint}",
        characters.as_str()
    ))
}

fn sensitive(limit: &str) -> String {
    format!(
        "1 validation error detected: Value at 'secretString' failed to satisfy constraint: \
         Member must have length {limit}"
    )
}

fn wrong_type(name: &str) -> ApiError {
    errors::error("SerializationException", format!("{name} is not of the type that the operation declares"))
}
