//! A batch of messages on its way through a function: the event that it receives, and what its answer means.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{FunctionError, Lambda};
use crate::sqs::{Message, MessageAttributes, md5_of_attributes, md5_of_body};

impl Lambda {
    /// Takes up to `most` messages from a queue; `None` if there is none to take.
    pub(super) fn take_batch(&self, queue_arn: &str, most: usize) -> Option<Vec<Message>> {
        let now = self.aws.now();
        // Looking first wakes nobody who waits for a change; receiving changes.
        let visible = self.aws.look(|world| {
            let queues = &world.accounts.get(&self.account)?.regions.get(&self.region)?.queues;
            queues.by_arn(queue_arn)?.next_visible_at(now).filter(|at| *at <= now)
        });
        visible?;
        let taken = self
            .aws
            .with_world(|world| world.region(&self.account, &self.region).queues.receive(queue_arn, most, None, now));
        Some(taken).filter(|taken| !taken.is_empty())
    }

    /// Invokes `function` with a batch and deletes the messages that succeeded. The others stay hidden for the
    /// rest of their visibility timeout, which the function may have changed.
    pub(super) async fn run_batch(&self, queue_arn: &str, function: &str, messages: Vec<Message>) {
        let payload = event(queue_arn, &self.region, &messages);
        let request_id = self.aws.with_world(|world| world.ids.uuid());
        let result = self.run_function(function, request_id, payload).await;
        let ids: Vec<&str> = messages.iter().map(|message| message.id.as_str()).collect();
        let failed = failures(&result, &ids);
        let succeeded = messages.iter().filter(|message| !failed.contains(message.id.as_str()));
        let handles: Vec<&String> = succeeded.filter_map(|message| message.receipt_handle.as_ref()).collect();
        if handles.is_empty() {
            return;
        }
        self.aws.with_world(|world| {
            let queues = &mut world.region(&self.account, &self.region).queues;
            let Some(queue) = queues.by_arn_mut(queue_arn) else { return };
            for handle in handles {
                // The handle is the queue's own. A queue that was deleted and made again forgot its messages,
                // and then there is nothing to delete.
                let _unknown = queue.delete(handle).is_err();
            }
        });
    }
}

/// The event for messages from a queue, as Lambda makes it.
fn event(queue_arn: &str, region: &str, messages: &[Message]) -> Value {
    let records: Vec<Value> = messages.iter().map(|message| record(queue_arn, region, message)).collect();
    json!({ "Records": records })
}

fn record(queue_arn: &str, region: &str, message: &Message) -> Value {
    let mut record = json!({
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.system_attributes(),
        "messageAttributes": attributes(&message.attributes),
        "md5OfBody": md5_of_body(&message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    });
    if let (Some(digest), Some(fields)) = (md5_of_attributes(&message.attributes), record.as_object_mut()) {
        fields.insert("md5OfMessageAttributes".to_owned(), digest.into());
    }
    record
}

fn attributes(attributes: &MessageAttributes) -> Value {
    let in_event = attributes.iter().map(|(name, attribute)| {
        let mut shown = Map::new();
        if let Some(text) = &attribute.string_value {
            shown.insert("stringValue".to_owned(), json!(text));
        }
        if let Some(binary) = &attribute.binary_value {
            shown.insert("binaryValue".to_owned(), json!(binary));
        }
        shown.insert("stringListValues".to_owned(), json!([]));
        shown.insert("binaryListValues".to_owned(), json!([]));
        shown.insert("dataType".to_owned(), json!(attribute.data_type));
        (name.clone(), Value::Object(shown))
    });
    Value::Object(in_event.collect())
}

/// The ids of the messages that failed, by the function's answer (Lambda guide, "Handling errors for an SQS event
/// source"): nothing, or an empty or absent list of failures, is success; an answer that cannot be understood
/// fails the whole batch, and so does one that names a message which is not in it.
fn failures<'i>(result: &Result<Value, FunctionError>, ids: &[&'i str]) -> BTreeSet<&'i str> {
    let named = match result {
        Ok(Value::Null) => Some(BTreeSet::new()),
        Ok(Value::Object(answer)) if answer.is_empty() => Some(BTreeSet::new()),
        Ok(Value::Object(answer)) => match answer.get("batchItemFailures") {
            Some(Value::Null) => Some(BTreeSet::new()),
            Some(Value::Array(failures)) => failures.iter().map(|failure| identified(failure, ids)).collect(),
            _ => None,
        },
        _ => None,
    };
    named.unwrap_or_else(|| ids.iter().copied().collect())
}

fn identified<'i>(failure: &Value, ids: &[&'i str]) -> Option<&'i str> {
    let identifier = failure.get("itemIdentifier")?.as_str()?;
    ids.iter().copied().find(|id| *id == identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(answer: Value) -> Vec<&'static str> {
        failures(&Ok(answer), &["a", "b"]).into_iter().collect()
    }

    #[test]
    fn nothing_and_empty_lists_are_success() {
        for answer in [json!(null), json!({}), json!({ "batchItemFailures": [] }), json!({ "batchItemFailures": null })]
        {
            assert!(failed(answer.clone()).is_empty(), "{answer}");
        }
    }

    #[test]
    fn named_messages_failed_and_the_others_did_not() {
        assert_eq!(failed(json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] })), ["b"]);
    }

    #[test]
    fn an_answer_that_cannot_be_understood_fails_the_batch() {
        for identifier in [json!(""), json!(null), json!("unknown"), json!(1)] {
            let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "a" }, { "itemIdentifier": identifier }] });
            assert_eq!(failed(answer.clone()), ["a", "b"], "{answer}");
        }
        for answer in [
            json!({ "batchItemFailures": [{ "messageId": "a" }] }),
            json!({ "batchItemFailures": "a" }),
            json!({ "failures": [] }),
            json!("ok"),
            json!([]),
        ] {
            assert_eq!(failed(answer.clone()), ["a", "b"], "{answer}");
        }
        let error = FunctionError { error_type: "E".to_owned(), error_message: String::new() };
        assert_eq!(failures(&Err(error), &["a"]).len(), 1);
    }
}
