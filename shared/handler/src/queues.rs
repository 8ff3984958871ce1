//! Sending commands straight to queues of functions: many at a time, each after a delay of its own.
//!
//! A bare detail in a queue has no source, and needs none: who may send there is decided by IAM. So nothing is said on
//! the bus that its consumers could take for a customer's wish.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use contract::{ErrorCode, StepError};
use futures_util::future::try_join_all;
use serde_json::Value;

use crate::dead_letters::message_body;
use crate::sqs::Sqs;

/// Entries of SendMessageBatch, the most it takes (SQS API reference).
const BATCH: usize = 10;
/// Batches at the same time: enough to wait for the network once and not for each.
const BATCHES_AT_ONCE: usize = 8;
/// The longest delay of a message (SQS API reference, SendMessage).
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// The queues beside the function's own: `org-provisioning-<step>`.
#[derive(Clone)]
pub struct Queues {
    sqs: Sqs,
    /// The own queue's URL up to the last slash.
    base: String,
}

impl Queues {
    pub(crate) fn new(sqs: Sqs, own_url: &str) -> Self {
        let base = own_url.rsplit_once('/').map_or("", |(base, _)| base);
        Self { sqs, base: base.to_owned() }
    }

    /// Sends each detail to the queue of `step`, after its delay (at most [`LONGEST_DELAY`]). May send some of them twice
    /// when it is repeated after a failure.
    ///
    /// # Errors
    /// When the queue does not take them all; some may have been taken.
    pub async fn send(&self, step: &str, messages: &[(Value, Duration)]) -> Result<(), StepError> {
        let url = format!("{}/org-provisioning-{step}", self.base);
        let batches: Vec<&[(Value, Duration)]> = messages.chunks(BATCH).collect();
        for some in batches.chunks(BATCHES_AT_ONCE) {
            try_join_all(some.iter().map(async |batch| self.send_batch(&url, batch).await)).await?;
        }
        Ok(())
    }

    async fn send_batch(&self, url: &str, messages: &[(Value, Duration)]) -> Result<(), StepError> {
        let resource = || format!("queue {url}");
        let entries = messages.iter().enumerate().map(|(number, (detail, delay))| {
            let seconds = i32::try_from((*delay).min(LONGEST_DELAY).as_secs()).unwrap_or_default();
            let entry = SendMessageBatchRequestEntry::builder().id(number.to_string()).delay_seconds(seconds);
            entry.message_body(message_body(detail)).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>();
        let entries = entries.map_err(|error| StepError::new(ErrorCode::Unexpected, resource(), error.to_string()))?;
        let sent = self.sqs.client().send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
        let answer = sent.map_err(|error| AwsError::of("SendMessageBatch", error).explain_as_usual(resource()))?;
        let Some(first) = answer.failed().first() else { return Ok(()) };
        let (code, sender) = (first.code(), first.sender_fault());
        let message = format!(
            "did not take {} of {} messages ({code}: {}); the step is tried again later",
            answer.failed().len(),
            messages.len(),
            first.message().unwrap_or_default()
        );
        let code = if sender { ErrorCode::Unexpected } else { ErrorCode::ServiceUnavailable };
        Err(StepError::new(code, resource(), message).during("SendMessageBatch"))
    }
}
