//! One queue and its messages: who sees which message when.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::DEAD_LETTER_SOURCE;
use super::errors::{invalid_receipt, invalid_value, not_in_flight};
use super::message_attributes::MessageAttributes;
use super::move_task::MoveTask;
use super::settings::{LONGEST_VISIBILITY_S, Settings};
use crate::clock::Timestamp;
use crate::reply::ApiError;

/// A standard queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Queue {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The URL by which callers address it.
    pub url: String,
    /// When it was made.
    pub created: Timestamp,
    /// When an attribute was last set.
    pub modified: Timestamp,
    /// Its attributes.
    pub settings: Settings,
    /// When it was last purged.
    pub purged: Option<Timestamp>,
    messages: Vec<Message>,
    /// The latest tasks that move messages from here, in the order in which they were started.
    #[serde(default)]
    pub(super) move_tasks: Vec<MoveTask>,
}

/// A message in a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// The message id, which a move to a dead-letter queue keeps.
    pub id: String,
    /// The body.
    pub body: String,
    /// The sender's attributes.
    pub attributes: MessageAttributes,
    /// System attributes that came with the message: `SenderId`, `AWSTraceHeader`, `MessageGroupId`,
    /// `DeadLetterQueueSourceArn`.
    pub system: BTreeMap<String, String>,
    /// When it was sent; a move to a dead-letter queue does not change it.
    pub sent: Timestamp,
    /// How often it was received, in all queues that it has been in: so ReceiveMessage's documentation has it.
    pub receive_count: u32,
    /// When it was first received.
    pub first_received: Option<Timestamp>,
    /// The handle of the last receive in this queue; handles from before it delete nothing.
    pub receipt_handle: Option<String>,
    /// How often it was received in this queue: what a redrive policy counts.
    received_here: u32,
    received: Timestamp,
    visible_at: Timestamp,
}

/// A message to be sent.
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    /// The id it shall have.
    pub id: String,
    /// The body.
    pub body: String,
    /// The sender's attributes.
    pub attributes: MessageAttributes,
    /// System attributes, `SenderId` among them.
    pub system: BTreeMap<String, String>,
    /// How long it stays hidden; the queue's own delay if not given.
    pub delay: Option<Duration>,
}

/// How many messages a queue has, as its `ApproximateNumberOfMessages...` attributes tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready to be received.
    pub visible: usize,
    /// Received and not yet deleted.
    pub in_flight: usize,
    /// Sent and still hidden by a delay.
    pub delayed: usize,
}

impl Message {
    /// Every system attribute by name, as ReceiveMessage and Lambda events show them.
    pub fn system_attributes(&self) -> BTreeMap<String, String> {
        let mut all = self.system.clone();
        all.insert("SentTimestamp".to_owned(), self.sent.0.to_string());
        all.insert("ApproximateReceiveCount".to_owned(), self.receive_count.to_string());
        if let Some(first) = self.first_received {
            all.insert("ApproximateFirstReceiveTimestamp".to_owned(), first.0.to_string());
        }
        all
    }

    fn is_in_flight(&self, now: Timestamp) -> bool {
        self.receipt_handle.is_some() && self.visible_at > now
    }
}

impl Queue {
    pub(super) fn new(name: &str, arn: String, url: String, settings: Settings, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            arn,
            url,
            created: now,
            modified: now,
            settings,
            purged: None,
            messages: Vec::new(),
            move_tasks: Vec::new(),
        }
    }

    /// Puts a message in.
    pub fn deliver(&mut self, message: NewMessage, now: Timestamp) {
        let visible_at = now.after(message.delay.unwrap_or(self.settings.delay));
        self.messages.push(Message {
            id: message.id,
            body: message.body,
            attributes: message.attributes,
            system: message.system,
            sent: now,
            receive_count: 0,
            first_received: None,
            receipt_handle: None,
            received_here: 0,
            received: now,
            visible_at,
        });
    }

    /// Takes in a message from a queue whose redrive policy gave it up. Id, body, attributes, counts and the
    /// time it was sent stay, so that retention runs from the first sending, as for all standard queues.
    pub(super) fn take_dead_letter(&mut self, mut message: Message, source_arn: &str, now: Timestamp) {
        message.receipt_handle = None;
        message.received_here = 0;
        message.visible_at = now;
        message.system.insert(DEAD_LETTER_SOURCE.to_owned(), source_arn.to_owned());
        self.messages.push(message);
    }

    /// The message that came first of those that can be received.
    pub(super) fn first_visible(&self, now: Timestamp) -> Option<&Message> {
        self.messages(now).find(|message| message.visible_at <= now)
    }

    /// Removes a message, in whatever state it is.
    pub(super) fn remove(&mut self, id: &str) {
        self.messages.retain(|message| message.id != id);
    }

    /// Removes the messages that were received as often as the redrive policy allows and would be received
    /// once more.
    pub(super) fn give_up(&mut self, max_receive_count: u32, now: Timestamp) -> Vec<Message> {
        let given_up = |message: &mut Message| message.visible_at <= now && message.received_here >= max_receive_count;
        self.messages.extract_if(.., given_up).collect()
    }

    /// Receives up to `max` visible messages and hides them for `visibility`, or the queue's own timeout.
    pub(super) fn receive(&mut self, max: usize, visibility: Option<Duration>, now: Timestamp) -> Vec<Message> {
        let hidden_until = now.after(visibility.unwrap_or(self.settings.visibility_timeout));
        let visible = self.messages.iter_mut().filter(|message| message.visible_at <= now).take(max);
        let mut received = Vec::new();
        for message in visible {
            message.receive_count += 1;
            message.received_here += 1;
            message.first_received.get_or_insert(now);
            message.received = now;
            message.visible_at = hidden_until;
            message.receipt_handle = Some(handle(&self.arn, &message.id, message.receive_count));
            received.push(message.clone());
        }
        received
    }

    /// Deletes the message that a receipt handle stands for. A handle that a later receive has replaced
    /// deletes nothing, and neither that nor a message that is gone is an error: so do standard queues.
    ///
    /// # Errors
    /// `ReceiptHandleIsInvalid` for a handle that this queue never issued.
    pub fn delete(&mut self, receipt_handle: &str) -> Result<(), ApiError> {
        self.message_id(receipt_handle)?;
        self.messages.retain(|message| message.receipt_handle.as_deref() != Some(receipt_handle));
        Ok(())
    }

    /// Hides a message in flight for `timeout` from now; zero makes it visible at once.
    ///
    /// # Errors
    /// `ReceiptHandleIsInvalid` for garbage; `InvalidParameterValue` for a message that is gone, or that would
    /// be hidden for more than twelve hours in all; `MessageNotInflight` for a message that is visible, or that
    /// another receive holds.
    pub fn change_visibility(
        &mut self,
        receipt_handle: &str,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let id = self.message_id(receipt_handle)?;
        let message = self.messages.iter_mut().find(|message| message.id == id).ok_or_else(|| {
            let reason = "Message does not exist or is not available for visibility timeout change.";
            invalid_value(receipt_handle, "ReceiptHandle", reason)
        })?;
        if !message.is_in_flight(now) || message.receipt_handle.as_deref() != Some(receipt_handle) {
            return Err(not_in_flight());
        }
        let until = now.after(timeout);
        if until.since(message.received) > Duration::from_secs(LONGEST_VISIBILITY_S) {
            let reason = format!(
                "Total VisibilityTimeout for the message is beyond the limit [{LONGEST_VISIBILITY_S} seconds]."
            );
            return Err(invalid_value(timeout.as_secs(), "VisibilityTimeout", &reason));
        }
        message.visible_at = until;
        Ok(())
    }

    /// Forgets the messages that are older than the retention period.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let retention = self.settings.retention;
        self.messages.retain(|message| message.sent.after(retention) > now);
    }

    pub(super) fn purge(&mut self, now: Timestamp) {
        self.messages.clear();
        self.purged = Some(now);
    }

    /// The messages that are here, received or not, in the order they came.
    pub fn messages(&self, now: Timestamp) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |message| message.sent.after(self.settings.retention) > now)
    }

    /// How many messages are in which state.
    pub fn counts(&self, now: Timestamp) -> Counts {
        let mut counts = Counts::default();
        for message in self.messages(now) {
            match (message.visible_at <= now, message.receipt_handle.is_some()) {
                (true, _) => counts.visible += 1,
                (false, true) => counts.in_flight += 1,
                (false, false) => counts.delayed += 1,
            }
        }
        counts
    }

    /// The next moment at which a message can be received or expires: `now` if one is visible, `None` if
    /// the queue is empty.
    pub fn next_visible_at(&self, now: Timestamp) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        for message in self.messages(now) {
            if message.visible_at <= now {
                return Some(now);
            }
            let at = message.visible_at.min(message.sent.after(self.settings.retention));
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        next
    }

    /// The message id in a receipt handle of this queue.
    fn message_id(&self, receipt_handle: &str) -> Result<String, ApiError> {
        let text = STANDARD.decode(receipt_handle).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let mut parts = text.as_deref().unwrap_or_default().split(' ');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(arn), Some(id), Some(_)) if arn == self.arn => Ok(id.to_owned()),
            _ => Err(invalid_receipt(receipt_handle)),
        }
    }
}

/// A handle that differs for every receive and that only its own queue takes.
fn handle(arn: &str, message_id: &str, receive_count: u32) -> String {
    STANDARD.encode(format!("{arn} {message_id} {receive_count}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        let mut queue = Queue::new("q", "arn:q".to_owned(), "url".to_owned(), Settings::default(), Timestamp(0));
        queue.deliver(
            NewMessage { id: "m".to_owned(), body: "hello".to_owned(), ..NewMessage::default() },
            Timestamp(0),
        );
        queue
    }

    fn receive(queue: &mut Queue, at_s: u64) -> Option<Message> {
        queue.receive(10, None, Timestamp(at_s * 1000)).pop()
    }

    #[test]
    fn a_received_message_is_hidden_until_its_timeout_has_passed() {
        let mut queue = queue();
        assert_eq!(receive(&mut queue, 1).unwrap().receive_count, 1);
        assert!(receive(&mut queue, 30).is_none());
        assert_eq!(queue.next_visible_at(Timestamp(30_000)), Some(Timestamp(31_000)));
        assert_eq!(receive(&mut queue, 31).unwrap().receive_count, 2);
    }

    #[test]
    fn a_handle_deletes_until_the_message_is_received_again() {
        let mut queue = queue();
        let first = receive(&mut queue, 0).unwrap().receipt_handle.unwrap();
        let second = receive(&mut queue, 30).unwrap().receipt_handle.unwrap();
        queue.delete(&first).unwrap();
        assert_eq!(queue.counts(Timestamp(30_000)).in_flight, 1);
        queue.delete(&second).unwrap();
        assert_eq!(queue.counts(Timestamp(30_000)), Counts::default());
        assert_eq!(queue.delete("garbage").unwrap_err().code, "ReceiptHandleIsInvalid");
    }

    #[test]
    fn visibility_changes_only_in_flight_and_up_to_twelve_hours() {
        let mut queue = queue();
        let handle = receive(&mut queue, 0).unwrap().receipt_handle.unwrap();
        let change = |queue: &mut Queue, timeout, at| {
            queue.change_visibility(&handle, Duration::from_secs(timeout), Timestamp(at))
        };
        change(&mut queue, 60, 1000).unwrap();
        assert!(receive(&mut queue, 60).is_none());
        assert_eq!(change(&mut queue, 43_200, 1000).unwrap_err().code, "InvalidParameterValue");
        change(&mut queue, 0, 2000).unwrap();
        assert_eq!(change(&mut queue, 60, 2000).unwrap_err().code, "AWS.SimpleQueueService.MessageNotInflight");
        queue.delete(&handle).unwrap();
        assert_eq!(change(&mut queue, 60, 2000).unwrap_err().code, "InvalidParameterValue");
    }

    #[test]
    fn the_next_moment_is_that_of_the_first_message_to_come_or_to_go() {
        let mut queue = queue();
        receive(&mut queue, 0).unwrap();
        let send = |queue: &mut Queue, id: &str, delay_s, at_s: u64| {
            let (id, delay) = (id.to_owned(), Some(Duration::from_secs(delay_s)));
            queue.deliver(NewMessage { id, delay, ..NewMessage::default() }, Timestamp(at_s * 1000));
        };
        send(&mut queue, "later", 60, 0);
        send(&mut queue, "soon", 20, 0);
        assert_eq!(queue.next_visible_at(Timestamp(1000)), Some(Timestamp(20_000)));
        assert_eq!(queue.next_visible_at(Timestamp(25_000)), Some(Timestamp(25_000)));
        queue.remove("soon");
        assert_eq!(queue.next_visible_at(Timestamp(25_000)), Some(Timestamp(30_000)));
        queue.settings.retention = Duration::from_secs(28);
        assert_eq!(queue.next_visible_at(Timestamp(25_000)), Some(Timestamp(28_000)));
        assert_eq!(queue.next_visible_at(Timestamp(28_000)), None);
    }

    #[test]
    fn messages_expire() {
        let mut queue = queue();
        let end = Timestamp(345_600_000);
        assert_eq!(queue.counts(Timestamp(end.0 - 1)).visible, 1);
        assert_eq!(queue.counts(end).visible, 0);
        queue.expire(end);
        assert!(queue.messages.is_empty());
    }
}
