//! Long polling: a receive that waits until there is something to receive.

use std::time::Duration;

use serde_json::Value;

use super::Queue;
use crate::clock::Timestamp;
use crate::world::World;

/// The longest wait that SQS allows.
const LONGEST_WAIT: u64 = 20;

/// How long a receive from this account waits at most: what it asks for, else what the queue is set to. One that
/// asks for too much does not wait: it is refused.
pub(crate) fn longest_wait(world: &World, account: &str, region: &str, body: &Value) -> Duration {
    match body.get("WaitTimeSeconds") {
        Some(asked) => {
            Duration::from_secs(asked.as_u64().filter(|seconds| *seconds <= LONGEST_WAIT).unwrap_or_default())
        }
        None => queue(world, account, region, body).map(|queue| queue.settings.receive_wait).unwrap_or_default(),
    }
}

/// When the queue next has something to give; `None` if nothing is on its way.
pub(crate) fn next_visible_at(
    world: &World,
    account: &str,
    region: &str,
    body: &Value,
    now: Timestamp,
) -> Option<Timestamp> {
    queue(world, account, region, body)?.next_visible_at(now)
}

/// The queue that a request names by its URL, whose path ends in account and name.
fn queue<'w>(world: &'w World, account: &str, region: &str, body: &Value) -> Option<&'w Queue> {
    let mut path = body.get("QueueUrl")?.as_str()?.rsplit('/');
    let (name, owner) = (path.next()?, path.next().unwrap_or(account));
    world.accounts.get(owner)?.regions.get(region)?.queues.by_name(name)
}
