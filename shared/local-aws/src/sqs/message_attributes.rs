//! The attributes that a sender puts beside a message's body, and the digests by which SDKs check them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::errors::invalid;
use crate::reply::ApiError;

/// A message has ten attributes at most.
const MOST_ATTRIBUTES: usize = 10;

/// Attributes by name.
pub type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// One attribute, in the form that the API has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with an optional label: `String.currency`.
    pub data_type: String,
    /// The value of a string or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a binary attribute, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl MessageAttribute {
    /// A string attribute.
    pub fn string(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), string_value: Some(value.into()), binary_value: None }
    }

    fn is_binary(&self) -> bool {
        self.data_type.starts_with("Binary")
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.string_value, &self.binary_value) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(binary)) => STANDARD.decode(binary).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}

/// Checks what a sender passed.
///
/// # Errors
/// `InvalidParameterValue` for a name, type or value that SQS refuses.
pub(super) fn check(attributes: &MessageAttributes) -> Result<(), ApiError> {
    if attributes.len() > MOST_ATTRIBUTES {
        let sent = attributes.len();
        return Err(invalid(format!(
            "Number of message attributes [{sent}] exceeds the allowed maximum [{MOST_ATTRIBUTES}]."
        )));
    }
    attributes.iter().try_for_each(|(name, attribute)| check_one(name, attribute))
}

fn check_one(name: &str, attribute: &MessageAttribute) -> Result<(), ApiError> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let lower = name.to_ascii_lowercase();
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if name.is_empty() || name.len() > 256 || !name.chars().all(valid) || dots {
        return Err(invalid(format!("The message attribute name '{name}' is invalid.")));
    }
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(invalid("Message (user) attribute name can not start with AWS. or Amazon."));
    }
    let base = attribute.data_type.split('.').next().unwrap_or_default();
    if !["String", "Number", "Binary"].contains(&base) {
        return Err(invalid(format!(
            "The type of message (user) attribute '{name}' is invalid. You must use only the following supported type \
             prefixes: Binary, Number, String."
        )));
    }
    let has_value = match &attribute.binary_value {
        Some(binary) => attribute.is_binary() && STANDARD.decode(binary).is_ok_and(|bytes| !bytes.is_empty()),
        None => !attribute.is_binary() && attribute.string_value.as_ref().is_some_and(|text| !text.is_empty()),
    };
    if !has_value {
        return Err(invalid(format!(
            "Message (user) attribute '{name}' must contain a non-empty value of type '{base}'."
        )));
    }
    if base == "Number" && attribute.string_value.as_ref().is_some_and(|text| text.parse::<f64>().is_err()) {
        return Err(invalid(format!("Can't cast the value of message (user) attribute '{name}' to a number.")));
    }
    Ok(())
}

/// How much of a message's size the attributes take: names, types and values all count.
pub(super) fn size(attributes: &MessageAttributes) -> usize {
    attributes.iter().map(|(name, attribute)| name.len() + attribute.data_type.len() + attribute.bytes().len()).sum()
}

/// The MD5 of a body in hex.
pub fn md5_of_body(body: &str) -> String {
    hex::encode(Md5::digest(body.as_bytes()))
}

/// The MD5 of attributes as SQS defines it (developer guide, "Calculating the MD5 message digest for message
/// attributes"): by name, each of name, type and value preceded by its length. `None` without attributes.
pub fn md5_of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        with_length(&mut digest, name.as_bytes());
        with_length(&mut digest, attribute.data_type.as_bytes());
        digest.update([if attribute.is_binary() { 2 } else { 1 }]);
        with_length(&mut digest, &attribute.bytes());
    }
    Some(hex::encode(digest.finalize()))
}

fn with_length(digest: &mut Md5, bytes: &[u8]) {
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_ones_that_sdks_compute() {
        assert_eq!(md5_of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
        let attributes = MessageAttributes::from([("a".to_owned(), MessageAttribute::string("b"))]);
        let bytes = b"\0\0\0\x01a\0\0\0\x06String\x01\0\0\0\x01b";
        assert_eq!(md5_of_attributes(&attributes), Some(hex::encode(Md5::digest(bytes))));
        assert_eq!(md5_of_attributes(&MessageAttributes::new()), None);
    }

    #[test]
    fn refuses_what_sqs_refuses() {
        let with =
            |name: &str, attribute: MessageAttribute| check(&MessageAttributes::from([(name.to_owned(), attribute)]));
        assert!(with("trace-id", MessageAttribute::string("x")).is_ok());
        assert!(with("trace id", MessageAttribute::string("x")).is_err());
        assert!(with("AWS.x", MessageAttribute::string("x")).is_err());
        assert!(with("empty", MessageAttribute::string("")).is_err());
        let number = MessageAttribute { data_type: "Number".to_owned(), ..MessageAttribute::string("twelve") };
        assert!(with("n", number).is_err());
        let unknown = MessageAttribute { data_type: "Text".to_owned(), ..MessageAttribute::string("x") };
        assert!(with("t", unknown).is_err());
    }
}
