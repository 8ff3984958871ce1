//! What triggered the function: a batch from a queue, one event from a bus, or somebody's own call.

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use serde_json::Value;

/// A payload, told apart.
pub(crate) enum Trigger {
    /// A batch from an SQS event source mapping.
    Batch(Vec<SqsMessage>),
    /// One event that an EventBridge rule sent to the function itself.
    Event(Value),
    /// A Step Functions task or a person.
    Direct(Value),
}

impl Trigger {
    /// Tells the payload's kind by its shape: AWS names none.
    ///
    /// # Errors
    /// When it is a batch whose records are not SQS messages: no message could be reported as failed, so the
    /// whole invocation has to fail.
    pub(crate) fn of(payload: Value) -> Result<Self, serde_json::Error> {
        if payload.get("Records").is_some_and(Value::is_array) {
            return serde_json::from_value::<SqsEvent>(payload).map(|event| Self::Batch(event.records));
        }
        Ok(if is_event(&payload) { Self::Event(payload) } else { Self::Direct(payload) })
    }
}

/// Whether a JSON value is an EventBridge envelope.
pub(crate) fn is_event(value: &Value) -> bool {
    ["detail-type", "source", "detail"].iter().all(|field| value.get(field).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_the_kinds_apart() {
        assert!(matches!(Trigger::of(json!({"Records": []})), Ok(Trigger::Batch(records)) if records.is_empty()));
        let event = json!({"detail-type": "OrgCreated", "source": "org-signup", "detail": {}});
        assert!(matches!(Trigger::of(event), Ok(Trigger::Event(_))));
        assert!(matches!(Trigger::of(json!({"orgId": "abc"})), Ok(Trigger::Direct(_))));
        assert!(matches!(Trigger::of(json!(null)), Ok(Trigger::Direct(_))));
        assert!(Trigger::of(json!({"Records": [7]})).is_err());
    }
}
