//! The batch forms: one to ten entries, each of which succeeds or fails by itself. The answer is HTTP 200
//! even if all of them failed.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::access::grant;
use super::change::Receipt;
use super::messages::{Outgoing, sender_id};
use super::parameters;
use super::settings::LARGEST_MESSAGE_BYTES;
use crate::reply::{ApiError, Reply};
use crate::world::Call;

const MOST_ENTRIES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound = "T: DeserializeOwned")]
struct Batch<T> {
    queue_url: Option<String>,
    #[serde(default = "Vec::new")]
    entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Entry<T> {
    #[serde(rename = "Id", default)]
    id: String,
    #[serde(flatten)]
    content: T,
}

/// What became of each entry.
#[derive(Default)]
struct Outcome {
    successful: Vec<Value>,
    failed: Vec<Value>,
}

impl Outcome {
    fn add(&mut self, id: String, result: Result<Map<String, Value>, ApiError>) {
        match result {
            Ok(mut told) => {
                told.insert("Id".to_owned(), id.into());
                self.successful.push(Value::Object(told));
            }
            Err(error) => self.failed.push(json!({
                "Id": id,
                "Code": error.code,
                "Message": error.message,
                "SenderFault": error.status < 500,
            })),
        }
    }

    /// A list with nothing in it is left out.
    fn into_reply(self) -> Reply {
        let mut answer = Map::new();
        for (name, list) in [("Successful", self.successful), ("Failed", self.failed)] {
            if !list.is_empty() {
                answer.insert(name.to_owned(), Value::Array(list));
            }
        }
        super::json(&Value::Object(answer))
    }
}

pub(super) fn send(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let batch: Batch<Outgoing> = parameters(body)?;
    let sender = sender_id(call.caller);
    let ids: Vec<String> = batch.entries.iter().map(|_| call.world.ids.uuid()).collect();
    let now = call.now;
    let mut granted = grant(call, batch.queue_url.as_deref(), "SendMessage")?;
    check(&batch.entries, "SendMessageBatchRequestEntry")?;
    let size: usize = batch.entries.iter().map(|entry| entry.content.size()).sum();
    if size > LARGEST_MESSAGE_BYTES {
        return Err(ApiError::new(
            400,
            "AWS.SimpleQueueService.BatchRequestTooLong",
            format!("Batch requests cannot be longer than {LARGEST_MESSAGE_BYTES} bytes. You have sent {size} bytes."),
        ));
    }
    let queue = granted.queue()?;
    let mut outcome = Outcome::default();
    for (entry, id) in batch.entries.into_iter().zip(ids) {
        let accepted = entry.content.accept(queue, id, sender.clone());
        outcome.add(
            entry.id,
            accepted.map(|(message, told)| {
                queue.deliver(message, now);
                told
            }),
        );
    }
    Ok(outcome.into_reply())
}

pub(super) fn delete(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let batch: Batch<Receipt> = parameters(body)?;
    let mut granted = grant(call, batch.queue_url.as_deref(), "DeleteMessage")?;
    check(&batch.entries, "DeleteMessageBatchRequestEntry")?;
    let queue = granted.queue()?;
    let mut outcome = Outcome::default();
    for entry in batch.entries {
        outcome.add(entry.id, entry.content.delete(queue).map(|()| Map::new()));
    }
    Ok(outcome.into_reply())
}

pub(super) fn change_visibility(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let batch: Batch<Receipt> = parameters(body)?;
    let now = call.now;
    let mut granted = grant(call, batch.queue_url.as_deref(), "ChangeMessageVisibility")?;
    check(&batch.entries, "ChangeMessageVisibilityBatchRequestEntry")?;
    let queue = granted.queue()?;
    let mut outcome = Outcome::default();
    for entry in batch.entries {
        outcome.add(entry.id, entry.content.change_visibility(queue, now).map(|()| Map::new()));
    }
    Ok(outcome.into_reply())
}

/// What fails a batch as a whole: too few or too many entries, ids that are wrong or the same.
fn check<T>(entries: &[Entry<T>], shape: &str) -> Result<(), ApiError> {
    let fail = |code, message| Err(ApiError::new(400, code, message));
    if entries.is_empty() {
        let message = format!("There should be at least one {shape} in the request.");
        return fail("AWS.SimpleQueueService.EmptyBatchRequest", message);
    }
    if entries.len() > MOST_ENTRIES {
        let sent = entries.len();
        let message = format!("Maximum number of entries per request are {MOST_ENTRIES}. You have sent {sent}.");
        return fail("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", message);
    }
    let mut seen = BTreeSet::new();
    for Entry { id, .. } in entries {
        let valid = (1..=80).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !valid {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be \
                           at most 80 letters long.";
            return fail("AWS.SimpleQueueService.InvalidBatchEntryId", message.to_owned());
        }
        if !seen.insert(id) {
            return fail("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", format!("Id {id} repeated."));
        }
    }
    Ok(())
}
