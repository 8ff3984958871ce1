//! A queue's attributes that can be set, with SQS's defaults and limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::invalid_value;
use crate::policy::Document;
use crate::reply::ApiError;

/// The largest body with attributes that SQS takes: 1 MiB, since August 2025.
pub(super) const LARGEST_MESSAGE_BYTES: usize = 1_048_576;

/// Visibility timeouts end at twelve hours.
pub(super) const LONGEST_VISIBILITY_S: u64 = 43_200;

/// Delays end at fifteen minutes.
pub(super) const LONGEST_DELAY_S: u64 = 900;

/// The attributes that SetQueueAttributes sets, in the order in which they are listed.
pub(super) const NAMES: [&str; 9] = [
    "VisibilityTimeout",
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
];

/// What is set on a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// How long a sent message stays hidden at first.
    pub delay: Duration,
    /// The largest message.
    pub maximum_message_bytes: usize,
    /// How long a message is kept.
    pub retention: Duration,
    /// How long a receive waits for messages. Kept, but receives answer at once here.
    pub receive_wait: Duration,
    /// Whether SQS encrypts with its own key; changes nothing here.
    pub managed_encryption: bool,
    /// The queue's resource policy.
    pub policy: Option<String>,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
    /// Which queues may use this one as their dead-letter queue; only "all" is supported.
    pub redrive_allow: Option<String>,
}

/// A redrive policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// The dead-letter queue's ARN.
    pub dead_letter_target_arn: String,
    /// How often a message may be received before it moves there, 1 to 1000.
    pub max_receive_count: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            visibility_timeout: Duration::from_secs(30),
            delay: Duration::ZERO,
            maximum_message_bytes: LARGEST_MESSAGE_BYTES,
            retention: Duration::from_secs(345_600),
            receive_wait: Duration::ZERO,
            managed_encryption: true,
            policy: None,
            redrive: None,
            redrive_allow: None,
        }
    }
}

impl Settings {
    /// Sets one attribute. An empty policy removes it.
    ///
    /// # Errors
    /// `InvalidAttributeName` for a name that does not exist or cannot be set, `InvalidAttributeValue` for a
    /// value out of range, `InvalidParameterValue` for a redrive policy of the wrong form.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let seconds = |most| in_range(name, value, 0, most).map(Duration::from_secs);
        match name {
            "VisibilityTimeout" => self.visibility_timeout = seconds(LONGEST_VISIBILITY_S)?,
            "DelaySeconds" => self.delay = seconds(LONGEST_DELAY_S)?,
            "ReceiveMessageWaitTimeSeconds" => self.receive_wait = seconds(20)?,
            "MessageRetentionPeriod" => self.retention = Duration::from_secs(in_range(name, value, 60, 1_209_600)?),
            "MaximumMessageSize" => {
                let bytes = in_range(name, value, 1024, LARGEST_MESSAGE_BYTES as u64)?;
                self.maximum_message_bytes = usize::try_from(bytes).unwrap_or(LARGEST_MESSAGE_BYTES);
            }
            "SqsManagedSseEnabled" => {
                self.managed_encryption = value.parse().map_err(|_| invalid_attribute_value(name))?;
            }
            "Policy" => self.policy = if value.is_empty() { None } else { Some(policy(value)?) },
            "RedrivePolicy" => self.redrive = if value.is_empty() { None } else { Some(Redrive::parse(value)?) },
            "RedriveAllowPolicy" => self.redrive_allow = redrive_allow(value)?,
            "FifoQueue" | "ContentBasedDeduplication" | "KmsMasterKeyId" | "KmsDataKeyReusePeriodSeconds" => {
                return Err(ApiError::not_implemented("sqs", &format!("queue attribute {name}")));
            }
            other => return Err(unknown_attribute(other)),
        }
        Ok(())
    }

    /// An attribute as GetQueueAttributes tells it; `None` if it is not set.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        match name {
            "VisibilityTimeout" => Some(self.visibility_timeout.as_secs().to_string()),
            "DelaySeconds" => Some(self.delay.as_secs().to_string()),
            "MaximumMessageSize" => Some(self.maximum_message_bytes.to_string()),
            "MessageRetentionPeriod" => Some(self.retention.as_secs().to_string()),
            "ReceiveMessageWaitTimeSeconds" => Some(self.receive_wait.as_secs().to_string()),
            "SqsManagedSseEnabled" => Some(self.managed_encryption.to_string()),
            "Policy" => self.policy.clone(),
            "RedrivePolicy" => self.redrive.as_ref().map(Redrive::to_json),
            "RedriveAllowPolicy" => self.redrive_allow.clone(),
            _ => None,
        }
    }
}

impl Redrive {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let wrong = |reason: &str| invalid_value(text, "RedrivePolicy", reason);
        let policy: Value = serde_json::from_str(text).map_err(|_| wrong("Redrive policy is not a valid JSON map."))?;
        let target = policy.get("deadLetterTargetArn").and_then(Value::as_str);
        let target =
            target.ok_or_else(|| wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."))?;
        // The count may be written as a number or as text.
        let count = match policy.get("maxReceiveCount") {
            None => return Err(wrong("Redrive policy does not contain mandatory attribute: maxReceiveCount.")),
            Some(Value::String(text)) => text.parse().ok(),
            Some(other) => other.as_u64(),
        };
        match count.and_then(|count| u32::try_from(count).ok()) {
            Some(count @ 1..=1000) => Ok(Self { dead_letter_target_arn: target.to_owned(), max_receive_count: count }),
            _ => Err(wrong("Invalid value for maxReceiveCount, must be between 1 and 1000.")),
        }
    }

    pub(super) fn to_json(&self) -> String {
        json!({ "deadLetterTargetArn": self.dead_letter_target_arn, "maxReceiveCount": self.max_receive_count })
            .to_string()
    }
}

/// A policy that cannot be read is refused without a reason, as SQS does.
fn policy(text: &str) -> Result<String, ApiError> {
    match Document::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(invalid_attribute_value("Policy")),
    }
}

fn redrive_allow(text: &str) -> Result<Option<String>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed: Value = serde_json::from_str(text).map_err(|_| invalid_attribute_value("RedriveAllowPolicy"))?;
    match parsed.get("redrivePermission").and_then(Value::as_str) {
        Some("allowAll") => Ok(Some(text.to_owned())),
        Some("denyAll" | "byQueue") => Err(ApiError::not_implemented("sqs", "a restricting RedriveAllowPolicy")),
        _ => Err(invalid_attribute_value("RedriveAllowPolicy")),
    }
}

fn in_range(name: &str, value: &str, least: u64, most: u64) -> Result<u64, ApiError> {
    match value.parse::<u64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(invalid_attribute_value(name)),
    }
}

fn invalid_attribute_value(name: &str) -> ApiError {
    ApiError::new(400, "InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
}

pub(super) fn unknown_attribute(name: &str) -> ApiError {
    ApiError::new(400, "InvalidAttributeName", format!("Unknown Attribute {name}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_within_the_limits() {
        let mut settings = Settings::default();
        assert!(settings.set("VisibilityTimeout", "43200").is_ok());
        assert_eq!(settings.set("VisibilityTimeout", "43201").unwrap_err().code, "InvalidAttributeValue");
        assert_eq!(settings.set("DelaySeconds", "901").unwrap_err().code, "InvalidAttributeValue");
        assert_eq!(settings.set("Colour", "red").unwrap_err().code, "InvalidAttributeName");
        assert_eq!(settings.set("QueueArn", "arn:x").unwrap_err().code, "InvalidAttributeName");
    }

    #[test]
    fn a_redrive_policy_takes_its_count_as_number_or_text_and_reads_back_as_a_number() {
        let mut settings = Settings::default();
        settings.set("RedrivePolicy", r#"{"deadLetterTargetArn":"arn:q","maxReceiveCount":"3"}"#).unwrap();
        assert_eq!(settings.get("RedrivePolicy").unwrap(), r#"{"deadLetterTargetArn":"arn:q","maxReceiveCount":3}"#);
        let none = settings.set("RedrivePolicy", r#"{"deadLetterTargetArn":"arn:q","maxReceiveCount":0}"#);
        assert_eq!(none.unwrap_err().code, "InvalidParameterValue");
        settings.set("RedrivePolicy", "").unwrap();
        assert_eq!(settings.get("RedrivePolicy"), None);
    }
}
