//! Where messages go that trying again cannot help: kept whole, with the reason beside them.

use aws::AwsError;
use aws_sdk_sqs::types::MessageAttributeValue;
use contract::StepError;
use serde_json::Value;

use crate::sqs::Sqs;

/// The step's dead-letter queue.
pub(crate) struct DeadLetters {
    sqs: Sqs,
    url: String,
}

/// Message attributes of a dead letter.
pub(crate) struct Reason<'a> {
    pub(crate) error: &'a StepError,
    pub(crate) request_id: &'a str,
    pub(crate) source_queue: &'a str,
}

impl DeadLetters {
    pub(crate) fn new(sqs: Sqs, url: &str) -> Self {
        Self { sqs, url: url.to_owned() }
    }

    /// Sends a message's body to the dead-letter queue as it came.
    ///
    /// # Errors
    /// When the queue does not take it; the message must then not be acknowledged.
    pub(crate) async fn send(&self, body: &str, reason: &Reason<'_>) -> Result<(), StepError> {
        let mut request = self.sqs.client().send_message().queue_url(&self.url).message_body(body);
        for (name, value) in [
            ("ErrorCode", reason.error.code().as_str()),
            ("ErrorClass", reason.error.class().as_str()),
            ("RequestId", reason.request_id),
            ("SourceQueue", reason.source_queue),
        ] {
            // SQS refuses an attribute without a value.
            if !value.is_empty() {
                request = request.message_attributes(name, text(value)?);
            }
        }
        let sent = request.send().await.map_err(|error| AwsError::of("SendMessage", error));
        sent.map(drop).map_err(|error| error.explain_as_usual(format!("queue {}", self.url)))
    }
}

pub(crate) fn text(value: &str) -> Result<MessageAttributeValue, StepError> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .map_err(|error| StepError::new(contract::ErrorCode::Unexpected, "message attribute", error.to_string()))
}

/// JSON as the body of a message. JSON allows U+FFFE and U+FFFF as they are, SQS only escaped. Outside of strings
/// they cannot occur.
pub(crate) fn message_body(value: &Value) -> String {
    value.to_string().replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}
