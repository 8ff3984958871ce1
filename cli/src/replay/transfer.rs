//! From a dead-letter queue back to the step's queue, one message after the other: sent, then deleted. A message is
//! nowhere lost, and only the one under way can be sent twice.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::pin::{Pin, pin};
use std::time::Duration;

use aws::AwsError;
use aws_sdk_sqs::Client;
use contract::StepSpec;
use futures_util::StreamExt;
use indicatif::ProgressBar;

use super::letter::{Letter, MOST_AT_ONCE, receive};
use super::pick::Picked;
use crate::connection::{Connection, dead_letter_queue_name, queue_name};
use crate::exit::Problem;
use crate::pace::Pace;
use crate::queues;
use crate::terminal::printable;

/// The attributes with which a function tells why it sent a message to the dead-letter queue.
const REASONS: [&str; 4] = ["ErrorCode", "ErrorClass", "RequestId", "SourceQueue"];
/// Messages that are looked at in one queue at most. SQS lets 120,000 be received at a time.
const MOST_SCANNED: usize = 100_000;
/// Calls at the same time, to show messages to others again.
const RELEASES: usize = 10;

/// A step's dead-letter queue, and where its messages belong.
pub(super) struct Queue {
    step: StepSpec,
    url: String,
    home: String,
}

/// Messages that were received and are hidden from others, to be shown again in the end, whatever that is.
#[derive(Default)]
pub(super) struct Held(RefCell<Vec<(String, String)>>);

/// How messages are taken out of a queue.
pub(super) struct Taking<'t> {
    pub(super) sqs: &'t Client,
    pub(super) picked: &'t Picked,
    /// Messages of one queue at most.
    pub(super) limit: usize,
    /// How long a received message is hidden from others.
    pub(super) hide: Duration,
    pub(super) held: &'t Held,
    /// Whether a scan ends as soon as what SQS is giving out has come.
    pub(super) stopping: Cell<bool>,
}

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// The step's queue has them, and the dead-letter queue has not.
    pub(super) sent: usize,
    /// They are where they were.
    pub(super) kept: usize,
    /// The step's queue has them, and so has the dead-letter queue.
    pub(super) doubled: usize,
    /// Whether Ctrl-C ended it.
    pub(super) stopped: bool,
}

impl Queue {
    pub(super) async fn of(sqs: &Client, step: StepSpec) -> Result<Self, Problem> {
        let url = queues::url(sqs, &dead_letter_queue_name(&step)).await?;
        Ok(Self { step, url, home: queues::url(sqs, &queue_name(&step)).await? })
    }
}

impl Held {
    fn add(&self, queue: &Queue, letter: &Letter) {
        self.0.borrow_mut().push((queue.url.clone(), letter.receipt_handle.clone()));
    }

    /// Shows to others what is still hidden. A courtesy: it would come back by itself, a little later.
    pub(super) async fn release(&self, sqs: &Client) {
        let held = self.0.take();
        let released = futures_util::stream::iter(held).for_each_concurrent(RELEASES, async |(url, handle)| {
            let request = sqs.change_message_visibility().queue_url(url).receipt_handle(handle);
            drop(request.visibility_timeout(0).send().await);
        });
        released.await;
    }
}

impl Taking<'_> {
    /// Looks through a queue until it gives nothing new, or the limit is reached. Everything is held. Says whether there
    /// may be more.
    ///
    /// # Errors
    /// When SQS does not answer.
    pub(super) async fn scan(&self, queue: &Queue) -> Result<(Vec<Letter>, bool), Problem> {
        let (mut letters, mut seen) = (Vec::new(), BTreeSet::new());
        while letters.len() < self.limit && seen.len() < MOST_SCANNED && !self.stopping.get() {
            let mut received = receive(self.sqs, &queue.url, queue.step, MOST_AT_ONCE, self.hide).await?;
            received.iter().for_each(|letter| self.held.add(queue, letter));
            received.retain(|letter| seen.insert(letter.id.clone()));
            if received.is_empty() {
                return Ok((letters, false));
            }
            letters.extend(received.into_iter().filter(|letter| letter.is_picked(self.picked)));
        }
        letters.truncate(self.limit);
        Ok((letters, true))
    }

    /// Sends what is picked, and of that only the messages `wanted`, if there are such. Stops at Ctrl-C between two
    /// messages.
    ///
    /// # Errors
    /// When SQS does not give messages out.
    pub(super) async fn transfer(
        &self,
        queue: &Queue,
        wanted: Option<&BTreeSet<String>>,
        (pace, tally, bar): (&mut Pace, &mut Tally, &ProgressBar),
        mut interrupted: Pin<&mut impl Future>,
    ) -> Result<(), Problem> {
        let (mut seen, mut taken) = (BTreeSet::new(), 0);
        while taken < self.limit && seen.len() < MOST_SCANNED {
            let most = (self.limit - taken).min(self.at_once(pace));
            let mut receiving = pin!(receive(self.sqs, &queue.url, queue.step, most, self.hide));
            let received = tokio::select! {
                _ = &mut interrupted => {
                    tally.stopped = true;
                    // What SQS is giving out at this moment would stay hidden if nobody took it.
                    receiving.await?
                }
                received = &mut receiving => received?,
            };
            let mut news = 0;
            for letter in received {
                let new = seen.insert(letter.id.clone());
                news += usize::from(new);
                let is_wanted = letter.is_picked(self.picked) && wanted.is_none_or(|ids| ids.contains(&letter.id));
                if !new || !is_wanted || tally.stopped {
                    self.held.add(queue, &letter);
                    continue;
                }
                tokio::select! {
                    biased;
                    _ = &mut interrupted => { tally.stopped = true; self.held.add(queue, &letter); continue }
                    () = pace.wait(1) => {}
                }
                taken += 1;
                self.send(queue, &letter, tally, bar).await;
                bar.inc(1);
            }
            if news == 0 || tally.stopped {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Messages to receive at a time: as many as can be sent well before they come back.
    fn at_once(&self, pace: &Pace) -> usize {
        let sent = u64::from(pace.events_per_second()) * self.hide.as_secs() / 4;
        usize::try_from(sent).unwrap_or(MOST_AT_ONCE).clamp(1, MOST_AT_ONCE)
    }

    async fn send(&self, queue: &Queue, letter: &Letter, tally: &mut Tally, bar: &ProgressBar) {
        let tell = |said: String| bar.suspend(|| anstream::eprintln!("orgctl: {}", printable(&said)));
        let mut message = self.sqs.send_message().queue_url(&queue.home).message_body(&letter.body);
        for (name, value) in letter.attributes.iter().filter(|(name, _)| !REASONS.contains(&name.as_str())) {
            message = message.message_attributes(name, value.clone());
        }
        let step = queue.step.name;
        if let Err(error) = message.send().await {
            tally.kept += 1;
            self.held.add(queue, letter);
            let said = AwsError::of("SendMessage", error).reason();
            return tell(format!("a message stays in the dead-letter queue of {step}: SendMessage failed: {said}"));
        }
        let delete = self.sqs.delete_message().queue_url(&queue.url).receipt_handle(&letter.receipt_handle);
        match delete.send().await {
            Ok(_) => tally.sent += 1,
            Err(error) => {
                tally.doubled += 1;
                let said = AwsError::of("DeleteMessage", error).reason();
                tell(format!("a message of {step} was sent, but is still a dead letter: DeleteMessage failed: {said}"));
            }
        }
    }
}

/// The dead-letter queues of these steps.
///
/// # Errors
/// When one is not there.
pub(super) async fn queues(connection: &Connection, steps: Vec<StepSpec>) -> Result<Vec<Queue>, Problem> {
    let sqs = Client::new(&connection.sdk);
    futures_util::future::try_join_all(steps.into_iter().map(|step| Queue::of(&sqs, step))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_received_than_can_be_sent_before_it_comes_back() {
        let (picked, held) =
            (Picked::new(&crate::args::Pick::default(), std::time::SystemTime::UNIX_EPOCH), Held::default());
        let config = aws_sdk_sqs::Config::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let sqs = Client::from_conf(config);
        let at_once = |rate, hide| {
            let (hide, stopping) = (Duration::from_secs(hide), Cell::default());
            let taking = Taking { sqs: &sqs, picked: &picked, limit: 1, hide, held: &held, stopping };
            taking.at_once(&Pace::of(rate))
        };
        assert_eq!((at_once(10, 300), at_once(1, 5), at_once(1, 20), at_once(1000, 5)), (10, 1, 5, 10));
    }
}
