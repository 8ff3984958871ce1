//! Sending and receiving.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::access::grant;
use super::errors::{invalid, invalid_value};
use super::message_attributes::{self, MessageAttributes, md5_of_attributes, md5_of_body};
use super::queue::{Message, NewMessage, Queue};
use super::settings::{LONGEST_DELAY_S, LONGEST_VISIBILITY_S, unknown_attribute};
use super::{parameters, required};
use crate::caller::Caller;
use crate::reply::{ApiError, Reply};
use crate::world::Call;

/// A message as SendMessage and an entry of SendMessageBatch have it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Outgoing {
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: MessageAttributes,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: Option<String>,
    #[serde(flatten)]
    message: Outgoing,
}

pub(super) fn send(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let SendMessage { queue_url, message } = parameters(body)?;
    let (id, sender, now) = (call.world.ids.uuid(), sender_id(call.caller), call.now);
    let mut granted = grant(call, queue_url.as_deref(), "SendMessage")?;
    let queue = granted.queue()?;
    let (message, answer) = message.accept(queue, id, sender)?;
    queue.deliver(message, now);
    Ok(super::json(&Value::Object(answer)))
}

/// The unique id of the caller: what `SenderId` tells.
pub(super) fn sender_id(caller: &Caller) -> String {
    match caller {
        Caller::User { user_id, .. } => user_id.clone(),
        Caller::Administrator { .. } | Caller::Anonymous => "AIDAADMINISTRATOR".to_owned(),
    }
}

impl Outgoing {
    /// The bytes that count towards the size limits: body and attributes.
    pub(super) fn size(&self) -> usize {
        self.message_body.as_ref().map_or(0, String::len) + message_attributes::size(&self.message_attributes)
    }

    /// Checks the message; answers it in the form that a queue takes, and what its sender is told.
    pub(super) fn accept(
        self,
        queue: &Queue,
        id: String,
        sender_id: String,
    ) -> Result<(NewMessage, Map<String, Value>), ApiError> {
        self.check(queue)?;
        let mut answer = Map::new();
        let mut tell = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                answer.insert(name.to_owned(), value.into());
            }
        };
        let body = self.message_body.unwrap_or_default();
        tell("MessageId", Some(id.clone()));
        tell("MD5OfMessageBody", Some(md5_of_body(&body)));
        tell("MD5OfMessageAttributes", md5_of_attributes(&self.message_attributes));
        tell("MD5OfMessageSystemAttributes", md5_of_attributes(&self.message_system_attributes));
        let mut system = BTreeMap::from([("SenderId".to_owned(), sender_id)]);
        system.extend(self.message_group_id.map(|group| ("MessageGroupId".to_owned(), group)));
        let given = self.message_system_attributes.into_iter();
        system.extend(given.filter_map(|(name, attribute)| Some((name, attribute.string_value?))));
        let delay = self.delay_seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        Ok((NewMessage { id, body, attributes: self.message_attributes, system, delay }, answer))
    }

    fn check(&self, queue: &Queue) -> Result<(), ApiError> {
        let body = required(self.message_body.as_ref().filter(|body| !body.is_empty()), "MessageBody")?;
        if !body.chars().all(is_allowed) {
            return Err(ApiError::new(
                400,
                "InvalidMessageContents",
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
            ));
        }
        let most = queue.settings.maximum_message_bytes;
        if self.size() > most {
            return Err(invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
            )));
        }
        if let Some(seconds) = self.delay_seconds {
            in_range(seconds, LONGEST_DELAY_S, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")?;
        }
        if let Some(id) = &self.message_deduplication_id {
            let reason = "The request includes a parameter that is not valid for this queue type.";
            return Err(invalid_value(id, "MessageDeduplicationId", reason));
        }
        if let Some(other) = self.message_system_attributes.keys().find(|name| *name != "AWSTraceHeader") {
            return Err(invalid(format!("Message system attribute name '{other}' is invalid.")));
        }
        message_attributes::check(&self.message_attributes)
    }
}

/// The characters of XML 1.0.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Checks a number of seconds.
pub(super) fn in_range(seconds: i64, most: u64, parameter: &str, reason: &str) -> Result<Duration, ApiError> {
    match u64::try_from(seconds) {
        Ok(valid) if valid <= most => Ok(Duration::from_secs(valid)),
        _ => Err(invalid_value(seconds, parameter, reason)),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: Option<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
}

/// An empty receive answers no `Messages` at all.
pub(super) fn receive(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let mut asked: ReceiveMessage = parameters(body)?;
    let now = call.now;
    let granted = grant(call, asked.queue_url.as_deref(), "ReceiveMessage")?;
    let max = match asked.max_number_of_messages.unwrap_or(1) {
        max @ 1..=10 => usize::try_from(max).unwrap_or(1),
        other => return Err(invalid_value(other, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")),
    };
    let visibility = asked.visibility_timeout.map(visibility_timeout).transpose()?;
    if let Some(seconds) = asked.wait_time_seconds {
        in_range(seconds, 20, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")?;
    }
    asked.message_system_attribute_names.append(&mut asked.attribute_names);
    check_system_names(&asked.message_system_attribute_names)?;
    let received = granted.queues.receive(&granted.arn, max, visibility, now);
    let messages: Vec<Value> = received.iter().map(|message| show(message, &asked)).collect();
    Ok(super::json(&if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) }))
}

/// Checks a visibility timeout.
pub(super) fn visibility_timeout(seconds: i64) -> Result<Duration, ApiError> {
    in_range(seconds, LONGEST_VISIBILITY_S, "VisibilityTimeout", "Must be between 0 and 43200 seconds.")
}

fn check_system_names(names: &[String]) -> Result<(), ApiError> {
    const KNOWN: [&str; 10] = [
        "All",
        "SenderId",
        "SentTimestamp",
        "ApproximateReceiveCount",
        "ApproximateFirstReceiveTimestamp",
        "SequenceNumber",
        "MessageDeduplicationId",
        "MessageGroupId",
        "AWSTraceHeader",
        "DeadLetterQueueSourceArn",
    ];
    match names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        Some(unknown) => Err(unknown_attribute(unknown)),
        None => Ok(()),
    }
}

/// A message with the attributes that were asked for; the digest of attributes is of those shown.
fn show(message: &Message, asked: &ReceiveMessage) -> Value {
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "Body": message.body,
        "MD5OfBody": md5_of_body(&message.body),
    });
    let Some(fields) = shown.as_object_mut() else { return shown };
    let mut system = message.system_attributes();
    let names = &asked.message_system_attribute_names;
    system.retain(|name, _| names.iter().any(|asked| asked == "All" || asked == name));
    if !system.is_empty() {
        fields.insert("Attributes".to_owned(), json!(system));
    }
    let mut attributes = message.attributes.clone();
    attributes.retain(|name, _| asked.message_attribute_names.iter().any(|asked| names_attribute(asked, name)));
    if let Some(digest) = md5_of_attributes(&attributes) {
        fields.insert("MD5OfMessageAttributes".to_owned(), digest.into());
        fields.insert("MessageAttributes".to_owned(), json!(attributes));
    }
    shown
}

/// `All` and `.*` ask for every attribute, `foo.*` for those that start with `foo`.
fn names_attribute(asked: &str, name: &str) -> bool {
    match asked.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => asked == "All" || asked == name,
    }
}
