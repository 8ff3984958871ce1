//! Starting, telling and cancelling message move tasks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{grant_by_arn, may_send_to};
use super::errors::{invalid, missing, no_such_resource, unsupported};
use super::messages::sender_id;
use super::move_task::{HIGHEST_RATE, MoveTask, MoveTaskStatus};
use super::{parameters, required};
use crate::reply::{ApiError, Reply};
use crate::world::Call;

/// A queue's latest tasks are remembered, as many as ListMessageMoveTasks can tell.
const MOST_REMEMBERED: usize = 10;

/// What it takes beside the permission for the operation itself (developer guide, "Configure a dead-letter queue
/// redrive: required permissions").
const TO_MOVE: [&str; 3] = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartMessageMoveTask {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

/// What a task's handle says; callers see it in base64.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handle {
    task_id: String,
    source_arn: String,
}

/// The source must be some queue's dead-letter queue, and may have one active task.
pub(super) fn start(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let asked: StartMessageMoveTask = parameters(body)?;
    let source = required(asked.source_arn, "SourceArn")?;
    let max_per_second = asked.max_number_of_messages_per_second.map(rate).transpose()?;
    let (id, sender_id, now) = (call.world.ids.uuid(), sender_id(call.caller), call.now);
    let mut actions = vec!["StartMessageMoveTask"];
    actions.extend(TO_MOVE);
    let mut granted = grant_by_arn(call, &source, "SourceArn", &actions)?;
    let origins: Vec<String> = granted.queues.sources_of(&source).map(|queue| queue.arn.clone()).collect();
    if origins.is_empty() {
        return Err(invalid("Source queue must be configured as a Dead Letter Queue."));
    }
    if granted.queue()?.move_tasks.iter().any(MoveTask::is_active) {
        return Err(invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ));
    }
    match &asked.destination_arn {
        Some(destination) if *destination == source => {
            return Err(invalid("Source queue arn and destination queue arn cannot be the same."));
        }
        Some(destination) if destination.split(':').nth(4) != call.caller.account() => {
            return Err(ApiError::not_implemented("sqs", "a message move to another account's queue"));
        }
        Some(destination) => drop(grant_by_arn(call, destination, "DestinationArn", &["SendMessage"])?),
        None => origins.iter().try_for_each(|origin| may_send_to(call, origin))?,
    }
    let mut granted = grant_by_arn(call, &source, "SourceArn", &actions)?;
    let queue = granted.queue()?;
    let mut task = MoveTask::new(id.clone(), sender_id, queue.counts(now).visible, now);
    task.destination_arn = asked.destination_arn;
    task.max_per_second = max_per_second;
    queue.move_tasks.push(task);
    let forgotten = queue.move_tasks.len().saturating_sub(MOST_REMEMBERED);
    queue.move_tasks.drain(..forgotten);
    Ok(super::json(&json!({ "TaskHandle": handle(&id, &source) })))
}

fn rate(asked: i64) -> Result<u32, ApiError> {
    u32::try_from(asked).ok().filter(|rate| (1..=HIGHEST_RATE).contains(rate)).ok_or_else(|| {
        invalid(format!(
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's \
             between 1 and {HIGHEST_RATE}."
        ))
    })
}

fn handle(task_id: &str, source_arn: &str) -> String {
    let handle = Handle { task_id: task_id.to_owned(), source_arn: source_arn.to_owned() };
    STANDARD.encode(serde_json::to_vec(&handle).unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListMessageMoveTasks {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

/// The latest first; only that one, if no number is given.
pub(super) fn list(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListMessageMoveTasks { source_arn, max_results } = parameters(body)?;
    let source = required(source_arn, "SourceArn")?;
    let most = usize::try_from(max_results.unwrap_or(1)).ok().filter(|most| (1..=MOST_REMEMBERED).contains(most));
    let most = most.ok_or_else(|| {
        invalid("Value for parameter MaxResults is invalid. Reason: You must enter a number that's between 1 and 10.")
    })?;
    let mut granted = grant_by_arn(call, &source, "SourceArn", &["ListMessageMoveTasks", "GetQueueAttributes"])?;
    let tasks = granted.queue()?.move_tasks.iter().rev().take(most);
    let shown: Vec<Value> = tasks.map(|task| show(task, &source)).collect();
    Ok(super::json(&json!({ "Results": shown })))
}

/// The handle is told while the task runs, as it is of use only then.
fn show(task: &MoveTask, source_arn: &str) -> Value {
    let mut shown = json!({
        "Status": task.status.name(),
        "SourceArn": source_arn,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started.0,
    });
    let running = task.status == MoveTaskStatus::Running;
    let others = [
        ("TaskHandle", running.then(|| json!(handle(&task.id, source_arn)))),
        ("DestinationArn", task.destination_arn.as_ref().map(|arn| json!(arn))),
        ("MaxNumberOfMessagesPerSecond", task.max_per_second.map(|rate| json!(rate))),
        ("FailureReason", task.failure_reason.as_ref().map(|reason| json!(reason))),
    ];
    if let Some(fields) = shown.as_object_mut() {
        fields.extend(others.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CancelMessageMoveTask {
    task_handle: Option<String>,
}

/// Only a running task can be cancelled. What was moved stays moved.
pub(super) fn cancel(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let CancelMessageMoveTask { task_handle } = parameters(body)?;
    let text = task_handle.ok_or_else(|| missing("TaskHandle"))?;
    let handle = STANDARD.decode(text).ok().and_then(|bytes| serde_json::from_slice::<Handle>(&bytes).ok());
    let Handle { task_id, source_arn } = handle.ok_or_else(|| invalid("Value for parameter TaskHandle is invalid."))?;
    let mut actions = vec!["CancelMessageMoveTask"];
    actions.extend(TO_MOVE);
    let mut granted = grant_by_arn(call, &source_arn, "SourceArn", &actions)?;
    let task = granted.queue()?.move_tasks.iter_mut().find(|task| task.id == task_id);
    let task = task.ok_or_else(|| no_such_resource("Task does not exist."))?;
    if task.status != MoveTaskStatus::Running {
        return Err(unsupported("Only a running task can be cancelled."));
    }
    task.status = MoveTaskStatus::Cancelling;
    Ok(super::json(&json!({ "ApproximateNumberOfMessagesMoved": task.moved })))
}
