//! Simple Queue Service: standard queues with visibility timeouts, delays, redrive, message move tasks and resource
//! policies.
//!
//! FIFO queues, tags and KMS keys are not here and say so.

mod access;
mod batch;
mod change;
mod errors;
pub(crate) mod long_poll;
mod message_attributes;
mod messages;
mod move_task;
mod move_tasks;
mod queue;
mod queues;
mod settings;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use access::service_may_send;
pub use errors::error;
pub use message_attributes::{MessageAttribute, MessageAttributes, md5_of_attributes, md5_of_body};
pub use move_task::{MoveTask, MoveTaskStatus};
pub use queue::{Counts, Message, NewMessage, Queue};
pub use settings::{Redrive, Settings};

use crate::clock::Timestamp;
use crate::reply::{ApiError, Reply};
use crate::world::Call;

/// The system attribute that tells from which queue a dead letter came.
const DEAD_LETTER_SOURCE: &str = "DeadLetterQueueSourceArn";

/// The queues of one account in one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queues {
    by_name: BTreeMap<String, Queue>,
    /// Names of deleted queues: one cannot be made again for a minute.
    deleted: BTreeMap<String, Timestamp>,
}

impl Queues {
    /// The queue named `name`.
    pub fn by_name(&self, name: &str) -> Option<&Queue> {
        self.by_name.get(name)
    }

    /// The queue with this ARN, if it is one of these.
    pub fn by_arn(&self, arn: &str) -> Option<&Queue> {
        self.by_name.get(arn.rsplit(':').next()?).filter(|queue| queue.arn == arn)
    }

    /// The same, to be changed.
    pub fn by_arn_mut(&mut self, arn: &str) -> Option<&mut Queue> {
        self.by_name.get_mut(arn.rsplit(':').next()?).filter(|queue| queue.arn == arn)
    }

    /// The queues whose redrive policy names the queue with this ARN.
    fn sources_of<'q>(&'q self, dead_letter_arn: &'q str) -> impl Iterator<Item = &'q Queue> {
        let names_it = move |redrive: &Redrive| redrive.dead_letter_target_arn == dead_letter_arn;
        self.iter().filter(move |queue| queue.settings.redrive.as_ref().is_some_and(names_it))
    }

    /// All queues by name.
    pub fn iter(&self) -> impl Iterator<Item = &Queue> {
        self.by_name.values()
    }

    /// Receives up to `max` messages from the queue with this ARN, hidden then for `visibility` or for the
    /// queue's own timeout. Messages that were received as often as the redrive policy allows move to the
    /// dead-letter queue instead; if that is gone, they stay and are received.
    pub fn receive(&mut self, arn: &str, max: usize, visibility: Option<Duration>, now: Timestamp) -> Vec<Message> {
        let Some(queue) = self.by_arn_mut(arn) else { return Vec::new() };
        queue.expire(now);
        if let Some(redrive) = queue.settings.redrive.clone()
            && self.by_arn(&redrive.dead_letter_target_arn).is_some()
        {
            self.redrive(arn, &redrive, now);
        }
        self.by_arn_mut(arn).map(|queue| queue.receive(max, visibility, now)).unwrap_or_default()
    }

    fn redrive(&mut self, arn: &str, redrive: &Redrive, now: Timestamp) {
        let given_up = self.by_arn_mut(arn).map(|queue| queue.give_up(redrive.max_receive_count, now));
        let Some(dead_letters) = self.by_arn_mut(&redrive.dead_letter_target_arn) else { return };
        for message in given_up.unwrap_or_default() {
            dead_letters.take_dead_letter(message, arn, now);
        }
    }
}

/// Carries out `operation`.
pub fn handle(call: &mut Call<'_>, body: &Value, operation: &str) -> Result<Reply, ApiError> {
    match operation {
        "CreateQueue" => queues::create(call, body),
        "GetQueueUrl" => queues::get_url(call, body),
        "ListQueues" => queues::list(call, body),
        "DeleteQueue" => queues::delete(call, body),
        "PurgeQueue" => queues::purge(call, body),
        "GetQueueAttributes" => queues::get_attributes(call, body),
        "SetQueueAttributes" => queues::set_attributes(call, body),
        "SendMessage" => messages::send(call, body),
        "ReceiveMessage" => messages::receive(call, body),
        "DeleteMessage" => change::delete(call, body),
        "ChangeMessageVisibility" => change::change_visibility(call, body),
        "SendMessageBatch" => batch::send(call, body),
        "DeleteMessageBatch" => batch::delete(call, body),
        "ChangeMessageVisibilityBatch" => batch::change_visibility(call, body),
        "ListDeadLetterSourceQueues" => queues::list_sources(call, body),
        "StartMessageMoveTask" => move_tasks::start(call, body),
        "ListMessageMoveTasks" => move_tasks::list(call, body),
        "CancelMessageMoveTask" => move_tasks::cancel(call, body),
        other => Err(ApiError::not_implemented("sqs", other)),
    }
}

fn parameters<T: DeserializeOwned>(body: &Value) -> Result<T, ApiError> {
    serde_json::from_value(body.clone())
        .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))
}

fn required<T>(value: Option<T>, parameter: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| errors::missing(parameter))
}

/// SQS speaks version 1.0 of the JSON protocol.
fn json(body: &Value) -> Reply {
    Reply::default().header("content-type", "application/x-amz-json-1.0").body(body.to_string())
}

/// What an operation answers that has nothing to say.
fn nothing() -> Reply {
    Reply::default().header("content-type", "application/x-amz-json-1.0")
}

#[cfg(test)]
mod tests;
