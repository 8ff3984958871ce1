//! The step's own queue: putting a message back for later, and asking for a second look.

use std::time::Duration;

use aws::AwsError;
use contract::{Run, StepError};

use crate::dead_letters::{message_body, text};
use crate::sqs::Sqs;

/// The message attribute of a delayed check.
pub(crate) const DELAYED_CHECK: &str = "DelayedCheck";

/// The queue that feeds this step.
#[derive(Clone)]
pub struct OwnQueue {
    sqs: Sqs,
    url: String,
}

impl OwnQueue {
    pub(crate) fn new(sqs: Sqs, url: &str) -> Self {
        Self { sqs, url: url.to_owned() }
    }

    /// Has the step run once more for the same request, after `delay` (SQS allows up to 900 s).
    ///
    /// # Errors
    /// When the queue does not take the message.
    pub async fn check_later<C>(&self, run: &Run<'_, C>, delay: Duration) -> Result<(), StepError> {
        self.check_later_of(run, delay, None).await
    }

    /// The same, and says when the command was decided (in seconds since 1970): [`Run::check_of`] of the run to come.
    ///
    /// # Errors
    /// When the queue does not take the message.
    pub async fn check_later_of<C>(
        &self,
        run: &Run<'_, C>,
        delay: Duration,
        command: Option<u64>,
    ) -> Result<(), StepError> {
        let value = command.map_or_else(|| "true".to_owned(), |seconds| seconds.to_string());
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        let request = self
            .sqs
            .client()
            .send_message()
            .queue_url(&self.url)
            .message_body(message_body(run.detail))
            .delay_seconds(seconds)
            .message_attributes(DELAYED_CHECK, text(&value)?);
        let sent = request.send().await.map_err(|error| AwsError::of("SendMessage", error));
        sent.map(drop).map_err(|error| error.explain_as_usual(format!("queue {}", self.url)))
    }

    /// Keeps a received message invisible for `delay`. That is a courtesy: should it fail, the message comes
    /// back after the queue's visibility timeout.
    pub(crate) async fn hide(&self, receipt_handle: &str, delay: Duration) {
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        let request = self.sqs.client().change_message_visibility().queue_url(&self.url).receipt_handle(receipt_handle);
        if let Err(error) = request.visibility_timeout(seconds).send().await {
            let error = AwsError::of("ChangeMessageVisibility", error).explain_as_usual(format!("queue {}", self.url));
            tracing::warn!(%error, "the message keeps the queue's visibility timeout");
        }
    }
}
