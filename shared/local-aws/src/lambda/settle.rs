//! Letting everything run that queues and asynchronous invocations ask for.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;

use super::Lambda;
use super::event_source::{EventSource, MOST_CONCURRENT};
use crate::clock::Timestamp;

/// A function that fails without taking time on the clock, from a queue without visibility timeout and
/// dead-letter queue, would run for ever; it ends here.
const MOST_INVOCATIONS: u64 = 1_000_000;

/// How [`Lambda::settle`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Whether nothing was left to do; if not, the time or the number of invocations ran out.
    pub settled: bool,
    /// How many invocations were started.
    pub invocations: u64,
}

/// What runs, and how many batches of it come from each queue.
struct Running {
    /// Each tells in the end from which queue its batch came.
    futures: FuturesUnordered<LocalBoxFuture<'static, Option<String>>>,
    batches: BTreeMap<String, usize>,
    started: u64,
    most_started: u64,
}

impl Running {
    fn at_most(most_started: u64) -> Self {
        Self { futures: FuturesUnordered::new(), batches: BTreeMap::new(), started: 0, most_started }
    }

    fn used_up(&self) -> bool {
        self.started >= self.most_started
    }

    fn full(&self) -> bool {
        self.futures.len() >= MOST_CONCURRENT || self.used_up()
    }

    fn has_room_for(&self, queue_arn: &str, source: &EventSource) -> bool {
        !self.full() && self.batches.get(queue_arn).copied().unwrap_or_default() < source.concurrency()
    }

    fn start(&mut self, future: LocalBoxFuture<'static, Option<String>>) {
        self.started += 1;
        self.futures.push(future);
    }

    fn ended(&mut self, queue_arn: Option<String>) {
        if let Some(batches) = queue_arn.and_then(|queue_arn| self.batches.get_mut(&queue_arn)) {
            *batches = batches.saturating_sub(1);
        }
    }
}

impl Lambda {
    /// Runs functions until no mapped queue has a message in any state, no asynchronous invocation is pending,
    /// none runs and nothing goes on by itself, or until `limit` has passed on the clock. What still runs then is killed.
    ///
    /// Where everything waits for time it sleeps, which costs nothing while tokio's time is paused. The
    /// pollers are AWS itself: what they receive and delete is in no trace.
    pub async fn settle(&self, limit: Duration) -> Settled {
        let end = self.aws.now().after(limit);
        let mut running = Running::at_most(MOST_INVOCATIONS);
        loop {
            let over = self.aws.now() >= end || running.used_up();
            if !over {
                self.start(&mut running);
            }
            // After starting, for a poll may have left a queue empty: a dead-letter queue took the rest.
            let idle = running.futures.is_empty() && !self.anything_left();
            if idle || over {
                return Settled { settled: idle, invocations: running.started };
            }
            self.proceed(&mut running, Some(end)).await;
        }
    }

    /// Runs functions as queues and asynchronous invocations ask for them, for ever. Dropping the future kills
    /// what runs then.
    pub async fn run(&self) {
        let mut running = Running::at_most(u64::MAX);
        loop {
            self.start(&mut running);
            self.proceed(&mut running, None).await;
            // Functions that are always done at once would keep the thread from everybody else on it.
            tokio::task::yield_now().await;
        }
    }

    /// Starts what can be started now.
    fn start(&self, running: &mut Running) {
        self.aws.proceed();
        self.start_batches(running);
        self.start_asynchronous(running);
        self.start_rotations(running);
    }

    /// Lets what runs go on until something has changed, a function has ended, or there may be something to
    /// start; no longer than until `end`.
    async fn proceed(&self, running: &mut Running, end: Option<Timestamp>) {
        let wake_at = self.next_start(running).into_iter().chain(end).min();
        let pause = async {
            match wake_at {
                Some(at) => tokio::time::sleep(at.since(self.aws.now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // First, so that it hears of what the functions change while they are polled below.
            () = self.aws.changed() => {}
            Some(queue_arn) = running.futures.next() => running.ended(queue_arn),
            () = pause => {}
        }
    }

    fn start_batches(&self, running: &mut Running) {
        for (queue_arn, source) in self.sources() {
            while running.has_room_for(&queue_arn, &source) {
                let Some(messages) = self.take_batch(&queue_arn, source.batch_size) else { break };
                *running.batches.entry(queue_arn.clone()).or_default() += 1;
                let (lambda, queue_arn, function) = (self.clone(), queue_arn.clone(), source.function.clone());
                running.start(
                    async move {
                        lambda.run_batch(&queue_arn, &function, messages).await;
                        Some(queue_arn)
                    }
                    .boxed_local(),
                );
            }
        }
    }

    fn start_asynchronous(&self, running: &mut Running) {
        while !running.full() {
            let Some(invocation) = self.take_asynchronous() else { break };
            let lambda = self.clone();
            running.start(
                async move {
                    lambda.run_asynchronous(invocation).await;
                    None
                }
                .boxed_local(),
            );
        }
    }

    fn start_rotations(&self, running: &mut Running) {
        while !running.full() {
            let Some(turn) = self.take_rotation() else { break };
            let lambda = self.clone();
            running.start(
                async move {
                    lambda.run_rotation(turn).await;
                    None
                }
                .boxed_local(),
            );
        }
    }

    /// The next moment at which there may be something to start, other than because an invocation ends.
    fn next_start(&self, running: &Running) -> Option<Timestamp> {
        let now = self.aws.now();
        let sources = self.sources();
        self.aws.look(|world| {
            let region = world.accounts.get(&self.account)?.regions.get(&self.region)?;
            let with_room = sources.iter().filter(|(queue_arn, source)| running.has_room_for(queue_arn, source));
            let messages = with_room.filter_map(|(queue_arn, _)| region.queues.by_arn(queue_arn)?.next_visible_at(now));
            let invocations = region.async_invocations.iter().filter(|_| !running.full());
            let by_itself = region.next_background_step();
            let rotations = region.rotations_due().filter(|_| !running.full());
            let invocations = invocations.map(|invocation| invocation.not_before);
            messages.chain(invocations).chain(rotations).chain(by_itself).min()
        })
    }

    fn anything_left(&self) -> bool {
        let now = self.aws.now();
        let sources = self.sources();
        self.aws.look(|world| {
            let region = world.accounts.get(&self.account).and_then(|account| account.regions.get(&self.region));
            region.is_some_and(|region| {
                let has_messages = |queue_arn: &String| {
                    region.queues.by_arn(queue_arn).is_some_and(|queue| queue.messages(now).next().is_some())
                };
                region.next_background_step().is_some()
                    || !region.async_invocations.is_empty()
                    || region.rotations_due().next().is_some()
                    || sources.keys().any(has_messages)
            })
        })
    }

    fn sources(&self) -> BTreeMap<String, EventSource> {
        self.state.borrow().sources.clone()
    }
}
