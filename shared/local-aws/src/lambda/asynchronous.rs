//! Asynchronous invocations: tried three times, the second time a minute after the first failed and the third
//! time two minutes after the second (Lambda guide, "How Lambda handles errors and retries with asynchronous
//! invocation").

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Lambda;
use crate::clock::Timestamp;
use crate::world::Region;

/// How long Lambda waits before each retry; there are no more.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// How much longer than its time-out an invocation that was killed from outside (its future dropped, the state
/// restored) keeps others from running it again.
const LEASE_BEYOND_TIMEOUT: Duration = Duration::from_secs(60);

/// An invocation that nobody waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsyncInvocation {
    /// Which function.
    pub function_arn: String,
    /// The request id, the same in every try.
    pub request_id: String,
    /// The input.
    pub payload: Value,
    /// How often it was tried.
    pub attempts: usize,
    /// When it may be tried next. While it runs, when it counts as killed.
    pub not_before: Timestamp,
}

impl AsyncInvocation {
    /// An invocation to be tried at once.
    pub fn new(function_arn: String, request_id: String, payload: Value, now: Timestamp) -> Self {
        Self { function_arn, request_id, payload, attempts: 0, not_before: now }
    }

    pub(super) fn function_name(&self) -> &str {
        self.function_arn.rsplit(':').next().unwrap_or_default()
    }
}

impl Lambda {
    /// Takes one invocation that is due. One for a function that is not there fails for good.
    pub(super) fn take_asynchronous(&self) -> Option<AsyncInvocation> {
        let now = self.aws.now();
        // Looking first wakes nobody who waits for a change; taking changes.
        let next = self.aws.look(|world| {
            let region = world.accounts.get(&self.account)?.regions.get(&self.region)?;
            region.async_invocations.iter().find(|invocation| invocation.not_before <= now).cloned()
        })?;
        match self.function(next.function_name()) {
            Some(function) => self.in_region(|region| {
                let taken = find(region, &next.request_id)?;
                taken.attempts += 1;
                taken.not_before = now.after(function.timeout).after(LEASE_BEYOND_TIMEOUT);
                Some(taken.clone())
            }),
            None => {
                self.in_region(|region| drop_for_good(region, &next.request_id));
                self.take_asynchronous()
            }
        }
    }

    /// Runs one try, and removes the invocation or sets the time of its retry.
    pub(super) async fn run_asynchronous(&self, invocation: AsyncInvocation) {
        let AsyncInvocation { request_id, payload, attempts, .. } = &invocation;
        let result = self.run_function(invocation.function_name(), request_id.clone(), payload.clone()).await;
        let now = self.aws.now();
        self.in_region(|region| match (result, RETRY_AFTER.get(attempts.saturating_sub(1))) {
            (Ok(_), _) => region.async_invocations.retain(|other| other.request_id != *request_id),
            (Err(_), Some(delay)) => {
                if let Some(failed) = find(region, request_id) {
                    failed.not_before = now.after(*delay);
                }
            }
            (Err(_), None) => drop_for_good(region, request_id),
        });
    }

    /// How long a taken invocation keeps others from running it again.
    pub(super) fn lease_of(&self, function: &str) -> Duration {
        self.function(function).map_or(LEASE_BEYOND_TIMEOUT, |function| function.timeout + LEASE_BEYOND_TIMEOUT)
    }

    pub(super) fn in_region<T>(&self, change: impl FnOnce(&mut Region) -> T) -> T {
        self.aws.with_world(|world| change(world.region(&self.account, &self.region)))
    }
}

fn find<'r>(region: &'r mut Region, request_id: &str) -> Option<&'r mut AsyncInvocation> {
    region.async_invocations.iter_mut().find(|invocation| invocation.request_id == request_id)
}

fn drop_for_good(region: &mut Region, request_id: &str) {
    let dropped = region.async_invocations.extract_if(.., |invocation| invocation.request_id == request_id);
    let dropped: Vec<AsyncInvocation> = dropped.collect();
    region.failed_invocations.extend(dropped);
}
