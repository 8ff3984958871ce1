//! A dead letter: taking it out of its queue, and what it says of itself.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use contract::{Command, OrgCreated, StepSpec};
use serde_json::{Value, json};

use super::pick::Picked;
use crate::connection::dead_letter_queue_name;
use crate::exit::Problem;

/// How long a receive waits for a first message. With any wait SQS asks all of its servers; without, only some of them,
/// and may say nothing though there are messages (SQS developer guide, "Short and long polling").
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Messages in one answer, the most that SQS gives.
pub(super) const MOST_AT_ONCE: usize = 10;

/// A message of a dead-letter queue.
pub(super) struct Letter {
    pub(super) step: StepSpec,
    /// The same at every receive.
    pub(super) id: String,
    /// Of this receive.
    pub(super) receipt_handle: String,
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, MessageAttributeValue>,
    sent: SystemTime,
}

/// Receives up to `most` messages, at most ten, which are then hidden from others for `hide`.
///
/// # Errors
/// When SQS does not answer.
pub(super) async fn receive(
    sqs: &Client,
    url: &str,
    step: StepSpec,
    most: usize,
    hide: Duration,
) -> Result<Vec<Letter>, Problem> {
    let most = i32::try_from(most.clamp(1, MOST_AT_ONCE)).unwrap_or(1);
    let request = sqs.receive_message().queue_url(url).max_number_of_messages(most);
    let request =
        request.message_attribute_names("All").message_system_attribute_names(MessageSystemAttributeName::All);
    let request = request.visibility_timeout(seconds(hide)).wait_time_seconds(seconds(LONGEST_WAIT));
    let answer = request
        .send()
        .await
        .map_err(|error| Problem::call("ReceiveMessage", &format!("queue {}", dead_letter_queue_name(&step)), error))?;
    Ok(answer.messages.unwrap_or_default().into_iter().filter_map(|message| Letter::of(step, message)).collect())
}

impl Letter {
    fn of(step: StepSpec, message: Message) -> Option<Self> {
        let system = message.attributes.unwrap_or_default();
        let sent = system.get(&MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
        Some(Self {
            step,
            id: message.message_id?,
            receipt_handle: message.receipt_handle?,
            body: message.body.unwrap_or_default(),
            attributes: message.message_attributes.unwrap_or_default().into_iter().collect(),
            sent: SystemTime::UNIX_EPOCH + Duration::from_millis(sent.unwrap_or_default()),
        })
    }

    /// Whether it is one of those that are wanted.
    pub(super) fn is_picked(&self, picked: &Picked) -> bool {
        picked.wants(self.org().as_deref(), Some(self.sent), self.reason("ErrorCode"))
    }

    /// What the function said of the failure, if it was a function that sent the message here.
    pub(super) fn reason(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.string_value()
    }

    /// The command's detail in it, if it is JSON.
    pub(super) fn detail(&self) -> Option<Value> {
        let value: Value = serde_json::from_str(&self.body).ok()?;
        Some(handler::original_detail(&value).clone())
    }

    /// Whom it concerns, as far as that can be read.
    fn org(&self) -> Option<String> {
        OrgCreated::subject_of(&self.detail()?).map(|subject| subject.org_id)
    }

    /// What a list shows.
    pub(super) fn summary(&self) -> Value {
        json!({
            "step": self.step.name,
            "orgId": self.org(),
            "errorCode": self.reason("ErrorCode"),
            "errorClass": self.reason("ErrorClass"),
            "requestId": self.reason("RequestId"),
            "sentAt": humantime::format_rfc3339_seconds(self.sent).to_string(),
        })
    }
}

/// Whole seconds, as SQS takes them.
pub(super) fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
