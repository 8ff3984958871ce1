//! EventBridge: event buses (the classic ones), rules with patterns, targets, and delivery.
//!
//! Delivery happens within PutEvents, to queues at once and to functions by way of their asynchronous
//! invocations. A delivery that fails is not retried: what can fail here (a target that is missing, forbids, or
//! cannot take the input) EventBridge does not retry either. Schedules, archives, replays, partner and
//! cross-account buses are not here and say so.

mod access;
mod buses;
mod deliver;
mod event;
mod paging;
mod pattern;
mod put_events;
mod rules;
mod targets;
mod transform;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use event::Event;
pub use pattern::Pattern;
pub use targets::{DeadLetterConfig, InputTransformer, Target};

use crate::clock::Timestamp;
use crate::reply::{ApiError, Reply};
use crate::world::{Call, PARTITION};

/// The bus that every account has.
pub const DEFAULT_BUS: &str = "default";

/// The event buses of one account in one region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Buses {
    /// Buses by name; `default` is always among them.
    pub by_name: BTreeMap<String, Bus>,
    /// How many of the next PutEvents entries fail with `InternalFailure`: set by tests.
    pub failing_entries: u32,
}

/// An event bus.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bus {
    /// Rules by name.
    pub rules: BTreeMap<String, Rule>,
    /// When it was made.
    pub created: Timestamp,
    /// What it is for, if somebody said so.
    pub description: Option<String>,
}

/// A rule: events that match its pattern go to its targets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The pattern as it was given.
    pub pattern: String,
    /// Whether it is `ENABLED`.
    pub enabled: bool,
    /// What it is for, if somebody said so.
    pub description: Option<String>,
    /// Targets in the order they were put, five at most.
    pub targets: Vec<Target>,
}

impl Default for Buses {
    fn default() -> Self {
        Self { by_name: BTreeMap::from([(DEFAULT_BUS.to_owned(), Bus::default())]), failing_entries: 0 }
    }
}

impl Buses {
    /// The bus named, or with the ARN, `name`; the default bus if there is none.
    fn bus(&mut self, name: Option<&str>) -> Result<&mut Bus, ApiError> {
        let name = bus_name(name);
        self.by_name.get_mut(name).ok_or_else(|| not_found(format!("Event bus {name} does not exist.")))
    }

    fn rule(&mut self, bus: Option<&str>, rule: &str) -> Result<&mut Rule, ApiError> {
        let found = self.bus(bus)?.rules.get_mut(rule);
        found.ok_or_else(|| not_found(format!("Rule {rule} does not exist on EventBus {}.", bus_name(bus))))
    }
}

/// Carries out `operation`, if the caller's identity policies allow it.
pub fn handle(call: &mut Call<'_>, body: &Value, operation: &str) -> Result<Reply, ApiError> {
    let named = ["Name", "Rule", "EventBusName"].iter().find_map(|field| body.get(field)?.as_str());
    call.resource = named.unwrap_or_default().to_owned();
    access::check(call, body, operation)?;
    match operation {
        "CreateEventBus" => buses::create(call, body),
        "DeleteEventBus" => buses::delete(call, body),
        "DescribeEventBus" => buses::describe(call, body),
        "ListEventBuses" => buses::list(call, body),
        "PutRule" => rules::put(call, body),
        "DeleteRule" => rules::delete(call, body),
        "DescribeRule" => rules::describe(call, body),
        "ListRules" => rules::list(call, body),
        "EnableRule" => rules::enable(call, body, true),
        "DisableRule" => rules::enable(call, body, false),
        "PutTargets" => targets::put(call, body),
        "RemoveTargets" => targets::remove(call, body),
        "ListTargetsByRule" => targets::list(call, body),
        "PutEvents" => put_events::put(call, body),
        "TestEventPattern" => rules::test_pattern(call, body),
        other => Err(ApiError::not_implemented("events", other)),
    }
}

/// The name in a bus's name or ARN.
fn bus_name(name_or_arn: Option<&str>) -> &str {
    let name = name_or_arn.unwrap_or(DEFAULT_BUS);
    name.split_once(":event-bus/").map_or(name, |(_, name)| name)
}

fn bus_arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:{PARTITION}:events:{region}:{account}:event-bus/{name}")
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

fn not_found(message: String) -> ApiError {
    ApiError::new(400, "ResourceNotFoundException", message)
}

fn limit_exceeded() -> ApiError {
    ApiError::new(400, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

/// Names of buses and rules.
fn check_name(name: &str, field: &str, most: usize, also: &str) -> Result<(), ApiError> {
    let valid = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c) || also.contains(c);
    if (1..=most).contains(&name.len()) && name.chars().all(valid) {
        return Ok(());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{name}' at '{field}' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [\\.\\-_A-Za-z0-9{also}]+ and have length between 1 and {most}"
    )))
}

#[cfg(test)]
mod tests;
