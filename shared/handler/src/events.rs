//! Putting events on the bus, and believing only what the bus confirms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws::{AwsError, Clients};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use backon::{ExponentialBuilder, Retryable};
use contract::{ErrorCode, SOURCE, StepError};
use serde::Serialize;

/// Attempts to put an entry that the bus answers with a failure. The SDK retries calls that fail as a whole;
/// an entry that fails within a call that succeeds is ours to send again.
const MOST_RETRIES: usize = 2;
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// The bus that the steps speak to.
pub(crate) struct Events {
    client: Client,
    bus: String,
    bus_was_seen: AtomicBool,
}

/// What the bus says of an entry that it did not take.
struct EntryFailure(StepError);

impl Events {
    pub(crate) fn new(clients: &Clients, bus: &str) -> Self {
        aws::note_destination!(clients, aws_sdk_eventbridge, "EventBridge", 1);
        Self { client: Client::new(clients.sdk()), bus: bus.to_owned(), bus_was_seen: AtomicBool::new(false) }
    }

    /// Makes sure that there is a bus, once in a process's life: PutEvents takes events for a bus that does not
    /// exist and drops them, so that a step's event would be lost without a word (EventBridge user guide,
    /// "Sending events with PutEvents").
    ///
    /// # Errors
    /// `misconfigured`. Where the question is not answered, the bus is taken to be there.
    pub(crate) async fn require_bus(&self) -> Result<(), StepError> {
        if self.bus_was_seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.client.describe_event_bus().name(&self.bus).send().await {
            Ok(_) => self.bus_was_seen.store(true, Ordering::Relaxed),
            Err(error) => {
                let error = AwsError::of("DescribeEventBus", error);
                if error.code() == "ResourceNotFoundException" {
                    let message = "does not exist, so nobody would hear of what is done; correct EVENT_BUS_NAME or make the bus, and replay the event";
                    return Err(
                        error.explain(self.resource(), |_| Some((ErrorCode::Misconfigured, message.to_owned())))
                    );
                }
                let error = error.explain_as_usual(self.resource());
                tracing::warn!(%error, "whether the bus is there is not known");
            }
        }
        Ok(())
    }

    fn resource(&self) -> String {
        format!("event bus {}", self.bus)
    }

    /// Puts one event and returns when the bus has accepted it.
    ///
    /// # Errors
    /// `event-not-accepted`, or what the call itself failed with.
    pub(crate) async fn put(&self, detail_type: &str, detail: &impl Serialize) -> Result<(), StepError> {
        let detail = serde_json::to_string(detail)
            .map_err(|error| StepError::new(ErrorCode::Unexpected, detail_type, error.to_string()))?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail)
            .build();
        let backoff =
            ExponentialBuilder::default().with_min_delay(FIRST_DELAY).with_max_times(MOST_RETRIES).with_jitter();
        (async || self.put_once(entry.clone()).await)
            .retry(backoff)
            .when(|failure| failure.0.code() == ErrorCode::EventNotAccepted)
            .await
            .map_err(|failure| failure.0)
    }

    async fn put_once(&self, entry: PutEventsRequestEntry) -> Result<(), EntryFailure> {
        let resource = self.resource();
        let answer = self.client.put_events().entries(entry).send().await;
        let answer =
            answer.map_err(|error| EntryFailure(AwsError::of("PutEvents", error).explain_as_usual(&resource)))?;
        if answer.failed_entry_count == 0 {
            return Ok(());
        }
        let failed = answer
            .entries()
            .iter()
            .find_map(|entry| Some((entry.error_code()?, entry.error_message().unwrap_or_default())));
        let (code, message) = failed.unwrap_or(("no code", ""));
        let message = format!("did not accept an event ({code}: {message}); the step is tried again later");
        Err(EntryFailure(StepError::new(ErrorCode::EventNotAccepted, resource, message).during("PutEvents")))
    }
}
