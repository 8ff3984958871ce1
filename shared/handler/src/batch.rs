//! A batch from a queue: each message on its own, and an answer that names the ones to keep.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use contract::{Command, Deadline, ErrorClass, ErrorCode, Request, StepError, Subject};
use futures_util::future::join_all;
use futures_util::stream::{FuturesOrdered, StreamExt};
use serde_json::{Value, json};

use crate::backoff;
use crate::dead_letters::Reason;
use crate::delivery::{self, Refused};
use crate::function::{Arrival, Failure, Function, Invocation, StepFunction};
use crate::journal;
use crate::own_queue::DELAYED_CHECK;

/// What is kept of the invocation's time for the answer alone: if Lambda stopped the function, the answers about the
/// other messages would be lost too.
const LAST_MOMENT: Duration = Duration::from_millis(200);

type Read<S> = Result<Request<<S as contract::Step>::Command>, Refused<<S as contract::Step>::Command>>;

impl<S: StepFunction> Function<S> {
    /// Handles all messages and answers which of them the queue must keep.
    ///
    /// Different organizations go side by side; messages about the same one go one after the other, so that
    /// a batch does not race against itself.
    pub(crate) async fn batch(&self, messages: Vec<SqsMessage>, invocation: &Invocation) -> Value {
        let mut by_subject: BTreeMap<String, Vec<(SqsMessage, Read<S>)>> = BTreeMap::new();
        for message in messages {
            let body = message.body.as_deref().unwrap_or_default();
            let read: Read<S> = delivery::read_text(body, &self.settings, S::SPEC.name);
            let key = read.as_ref().map(|request| request.command.subject().key().to_owned()).unwrap_or_default();
            by_subject.entry(key).or_default().push((message, read));
        }
        let groups = by_subject.into_values().map(async |group| {
            let mut kept = Vec::new();
            for (message, read) in group {
                if !self.message(&message, read, invocation).await {
                    // Without an id the message cannot be named; an empty one makes SQS keep the whole batch.
                    kept.push(message.message_id.unwrap_or_default());
                }
            }
            kept
        });
        let mut answer = SqsBatchResponse::default();
        for item_identifier in side_by_side(groups).await.into_iter().flatten() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = item_identifier;
            answer.batch_item_failures.push(failure);
        }
        json!(answer)
    }

    /// Whether the message is done with: the step is, or the dead-letter queue has the message.
    async fn message(&self, message: &SqsMessage, read: Read<S>, invocation: &Invocation) -> bool {
        let number = |name: &str| message.attributes.get(name).and_then(|text| text.parse::<u64>().ok());
        let count = number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok());
        let arrival = Arrival {
            invocation,
            receive: count.unwrap_or(1),
            sent: number("SentTimestamp").map(|ms| UNIX_EPOCH + Duration::from_millis(ms)),
            delayed_check: message.message_attributes.contains_key(DELAYED_CHECK),
            check_of: check_of(message),
        };
        match self.process(read, arrival).await {
            Ok(_) => true,
            Err(failure) => {
                let left = Deadline::at(invocation.deadline).left(self.time.now()).saturating_sub(LAST_MOMENT);
                tokio::time::timeout(left, self.settle(message, &failure, arrival)).await.unwrap_or_else(|_| {
                    // The message is kept: it comes back after the queue's visibility timeout.
                    let said = "what becomes of the message was not settled before the invocation's time was over";
                    let error = StepError::new(ErrorCode::OutOfTime, S::SPEC.name, said);
                    journal::untold(failure.about::<S>(arrival), &error);
                    false
                })
            }
        }
    }

    /// What becomes of the message of a failed run. Whether it is done with.
    async fn settle(&self, message: &SqsMessage, failure: &Failure<S::Command>, arrival: Arrival<'_>) -> bool {
        match failure.error.class() {
            ErrorClass::Retryable => {
                self.keep(message, failure, arrival).await;
                false
            }
            ErrorClass::Conflict | ErrorClass::Permanent => self.bury(message, failure, arrival).await,
        }
    }

    /// Back to the queue, to be tried again after the backoff; on the last receive the failure is told, and
    /// the queue itself moves the message to its dead-letter queue.
    async fn keep(&self, message: &SqsMessage, failure: &Failure<S::Command>, arrival: Arrival<'_>) {
        let delay = if arrival.receive < self.settings.max_receive_count {
            let delay = backoff::delay(failure.error.code(), arrival.receive, fastrand::f64());
            let waited = arrival.sent.and_then(|sent| self.time.now().duration_since(sent).ok());
            journal::retrying(failure.about::<S>(arrival), &failure.error, Some(delay), waited);
            delay
        } else {
            if let Err(error) = self.tell(failure, arrival).await {
                // The message is kept all the same, and the dead-letter alarm tells of it.
                journal::untold(failure.about::<S>(arrival), &error);
            }
            Duration::ZERO
        };
        if let Some(handle) = &message.receipt_handle {
            self.own_queue.hide(handle, delay).await;
        }
    }

    /// To the dead-letter queue, then the failure event, then done with: a crash in between can duplicate
    /// the message, never lose it.
    async fn bury(&self, message: &SqsMessage, failure: &Failure<S::Command>, arrival: Arrival<'_>) -> bool {
        let reason = Reason {
            error: &failure.error,
            request_id: &failure.request_id,
            source_queue: message.event_source_arn.as_deref().unwrap_or_default(),
        };
        let body = message.body.as_deref().unwrap_or_default();
        if let Err(error) = self.dead_letters.send(body, &reason).await {
            journal::untold(failure.about::<S>(arrival), &error);
            self.keep(message, failure, arrival).await;
            return false;
        }
        if let Err(error) = self.tell(failure, arrival).await {
            journal::untold(failure.about::<S>(arrival), &error);
            return false;
        }
        true
    }
}

/// What each of these answers, in their order, when all have.
///
/// Each is polled only when it can go on itself. `join_all` polls all of up to thirty futures whenever one of them can, so
/// that a call's answer would cost a batch of ten messages ten polls, each down to where its message waits.
async fn side_by_side<F: Future>(futures: impl ExactSizeIterator<Item = F>) -> Vec<F::Output> {
    // Alone, a future in `FuturesOrdered` has its task woken once more after every poll.
    if futures.len() == 1 {
        return join_all(futures).await;
    }
    futures.collect::<FuturesOrdered<F>>().collect().await
}

/// When the command of a delayed check was decided, if the step that asked for the check said so.
fn check_of(message: &SqsMessage) -> Option<u64> {
    message.message_attributes.get(DELAYED_CHECK)?.string_value.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{Ready, pending, ready};
    use std::iter::empty;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use futures_util::future::{FutureExt, join, poll_fn};
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_waits_is_not_polled_because_another_goes_on() {
        let polls = Cell::new(0);
        let (answers, waiting): (Vec<_>, Vec<_>) = (0..10).map(|_| oneshot::channel()).unzip();
        let waiting = waiting.into_iter().map(|mut answer| {
            let polls = &polls;
            poll_fn(move |context| {
                polls.set(polls.get() + 1);
                answer.poll_unpin(context)
            })
        });
        let answering = async {
            // The last first: the answers are in order all the same.
            for (number, answer) in answers.into_iter().enumerate().rev() {
                answer.send(number).unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (answered, ()) = join(side_by_side(waiting), answering).await;
        let answered: Vec<usize> = answered.into_iter().map(Result::unwrap).collect();
        assert_eq!(answered, Vec::from_iter(0..10));
        assert_eq!(polls.get(), 2 * 10, "each is polled at first, and when it is answered");
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn one_alone_wakes_nobody_while_it_waits() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut waiting = Box::pin(side_by_side([pending::<()>()].into_iter()));
        assert!(waiting.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        assert_eq!(side_by_side([ready(1)].into_iter()).now_or_never(), Some(vec![1]));
        assert_eq!(side_by_side(empty::<Ready<()>>()).now_or_never(), Some(vec![]));
    }
}
