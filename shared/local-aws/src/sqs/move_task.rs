//! A message move task on its way through a dead-letter queue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::queue::{Message, NewMessage, Queue};
use super::{DEAD_LETTER_SOURCE, Queues};
use crate::clock::Timestamp;
use crate::ids::Ids;

/// How far steps are apart, and the first one from the start: rates are by the second.
const STEP: Duration = Duration::from_secs(1);

/// The highest rate, in messages a second. One that SQS chooses itself is as high here.
pub(super) const HIGHEST_RATE: u32 = 500;

/// A task ends after so long (developer guide, "Configure a dead-letter queue redrive").
const LONGEST: Duration = Duration::from_secs(36 * 3600);

/// The state of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are SQS's")]
pub enum MoveTaskStatus {
    Running,
    Completed,
    Cancelling,
    Cancelled,
    Failed,
}

/// A task that moves what is in a dead-letter queue to another queue, or back to where it came from. It ends when the
/// dead-letter queue has no visible message; those in flight stay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MoveTask {
    /// The id, a UUID.
    pub id: String,
    /// The queue that receives the messages; where each came from, if not given.
    pub destination_arn: Option<String>,
    /// The rate, in messages a second, if one was given.
    pub max_per_second: Option<u32>,
    /// How many messages the dead-letter queue had at the start.
    pub to_move: usize,
    /// How many messages have been moved.
    pub moved: usize,
    /// How far it is.
    pub status: MoveTaskStatus,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// When it was started.
    pub started: Timestamp,
    /// The unique id of who started it: the sender of the messages that it moves.
    pub(super) sender_id: String,
    /// When it goes on, while it does.
    next_step: Option<Timestamp>,
}

impl MoveTaskStatus {
    /// The name that the API gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }
}

impl MoveTask {
    /// A task that starts now.
    pub(super) fn new(id: String, sender_id: String, to_move: usize, now: Timestamp) -> Self {
        Self {
            id,
            destination_arn: None,
            max_per_second: None,
            to_move,
            moved: 0,
            status: MoveTaskStatus::Running,
            failure_reason: None,
            started: now,
            sender_id,
            next_step: Some(now.after(STEP)),
        }
    }

    /// Whether it has not ended.
    pub fn is_active(&self) -> bool {
        self.next_step.is_some()
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.next_step.is_some_and(|at| at <= now)
    }

    fn end(&mut self, status: MoveTaskStatus, failure_reason: Option<&str>) {
        self.status = status;
        self.failure_reason = failure_reason.map(str::to_owned);
        self.next_step = None;
    }
}

impl Queues {
    /// When a task goes on next.
    pub fn next_move_step(&self) -> Option<Timestamp> {
        self.iter().flat_map(|queue| &queue.move_tasks).filter_map(|task| task.next_step).min()
    }

    /// Takes the steps that are due. A queue has one active task at most, its latest.
    pub(crate) fn step_moves(&mut self, ids: &mut Ids, now: Timestamp) {
        let is_due = |queue: &&Queue| queue.move_tasks.last().is_some_and(|task| task.is_due(now));
        let due: Vec<String> = self.iter().filter(is_due).map(|queue| queue.arn.clone()).collect();
        for source in due {
            let Some(mut task) = self.by_arn_mut(&source).and_then(|queue| queue.move_tasks.pop()) else { continue };
            self.step_move(&source, &mut task, ids, now);
            if let Some(queue) = self.by_arn_mut(&source) {
                queue.move_tasks.push(task);
            }
        }
    }

    fn step_move(&mut self, source: &str, task: &mut MoveTask, ids: &mut Ids, now: Timestamp) {
        if task.status == MoveTaskStatus::Cancelling {
            return task.end(MoveTaskStatus::Cancelled, None);
        }
        if now >= task.started.after(LONGEST) {
            return task.end(MoveTaskStatus::Failed, Some("The task ran for 36 hours."));
        }
        for _ in 0..task.max_per_second.unwrap_or(HIGHEST_RATE) {
            match self.move_one(source, task, ids, now) {
                Ok(true) => task.moved += 1,
                Ok(false) => return task.end(MoveTaskStatus::Completed, None),
                Err(reason) => return task.end(MoveTaskStatus::Failed, Some(reason)),
            }
        }
        task.next_step = Some(now.after(STEP));
    }

    /// Moves the oldest visible message; whether there was one.
    fn move_one(&mut self, source: &str, task: &MoveTask, ids: &mut Ids, now: Timestamp) -> Result<bool, &'static str> {
        let Some(queue) = self.by_arn_mut(source) else { return Ok(false) };
        let Some(message) = queue.first_visible(now).cloned() else { return Ok(false) };
        let destination = task.destination_arn.as_ref().or(message.system.get(DEAD_LETTER_SOURCE));
        let destination = destination.ok_or("CouldNotDetermineMessageSource")?;
        let destination = self.by_arn_mut(destination).ok_or("AWS.SimpleQueueService.NonExistentQueue")?;
        let moved = message.id.clone();
        destination.deliver(anew(message, ids.uuid(), &task.sender_id), now);
        if let Some(queue) = self.by_arn_mut(source) {
            queue.remove(&moved);
        }
        Ok(true)
    }
}

/// A moved message is a new one: its id, its time and its receive count begin anew (developer guide, "Configure a
/// dead-letter queue redrive").
fn anew(message: Message, id: String, sender_id: &str) -> NewMessage {
    let mut system = message.system;
    system.remove(DEAD_LETTER_SOURCE);
    system.insert("SenderId".to_owned(), sender_id.to_owned());
    NewMessage { id, body: message.body, attributes: message.attributes, system, delay: None }
}
