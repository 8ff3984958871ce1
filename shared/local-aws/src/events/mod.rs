//! EventBridge: event buses (the classic ones), rules with patterns, targets, and delivery.
//!
//! Delivery happens within PutEvents, to queues at once and to functions by way of their asynchronous
//! invocations. A delivery that fails is not retried: what can fail here (a target that is missing, forbids, or
//! cannot take the input) EventBridge does not retry either. Archives keep events within PutEvents too; replays go
//! on by themselves as time passes. Schedules, partner and cross-account buses are not here and say so.

mod access;
mod archive;
mod archives;
mod buses;
mod deliver;
mod event;
mod filter;
mod managed;
mod paging;
mod pattern;
mod put_events;
mod replay;
mod replays;
mod rules;
mod targets;
mod transform;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use archive::Archive;
pub use event::Event;
pub use pattern::Pattern;
pub use replay::{Replay, ReplayState};
pub use targets::{DeadLetterConfig, InputTransformer, Target};

pub(crate) use replay::step as step_replays;

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
    /// Archives by name.
    #[serde(default)]
    pub archives: BTreeMap<String, Archive>,
    /// Replays by name, those that have ended too.
    #[serde(default)]
    pub replays: BTreeMap<String, Replay>,
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
    /// The service that made it and alone can change it, if one did.
    #[serde(default)]
    pub managed_by: Option<String>,
}

impl Default for Buses {
    fn default() -> Self {
        let by_name = BTreeMap::from([(DEFAULT_BUS.to_owned(), Bus::default())]);
        Self { by_name, failing_entries: 0, archives: BTreeMap::new(), replays: BTreeMap::new() }
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
    let named = ["ArchiveName", "ReplayName", "Name", "Rule", "EventBusName"]
        .iter()
        .find_map(|field| body.get(field)?.as_str());
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
        "ListRuleNamesByTarget" => rules::names_by_target(call, body),
        "ListRules" => rules::list(call, body),
        "EnableRule" => rules::enable(call, body, true),
        "DisableRule" => rules::enable(call, body, false),
        "PutTargets" => targets::put(call, body),
        "RemoveTargets" => targets::remove(call, body),
        "ListTargetsByRule" => targets::list(call, body),
        "PutEvents" => put_events::put(call, body),
        "TestEventPattern" => rules::test_pattern(call, body),
        _ => of_archives(call, body, operation),
    }
}

fn of_archives(call: &mut Call<'_>, body: &Value, operation: &str) -> Result<Reply, ApiError> {
    match operation {
        "CreateArchive" => archives::create(call, body),
        "DescribeArchive" => archives::describe(call, body),
        "ListArchives" => archives::list(call, body),
        "UpdateArchive" => archives::update(call, body),
        "DeleteArchive" => archives::delete(call, body),
        "StartReplay" => replays::start(call, body),
        "DescribeReplay" => replays::describe(call, body),
        "ListReplays" => replays::list(call, body),
        "CancelReplay" => replays::cancel(call, body),
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

/// The name of the bus with this ARN, which must be there, in the account and the region of the call.
fn own_bus(call: &mut Call<'_>, arn: &str) -> Result<String, ApiError> {
    let (account, region) = (call.account_id(), call.region);
    let name = bus_name(Some(arn));
    let found = call.in_region().buses.by_name.contains_key(name) && bus_arn(&account, region, name) == arn;
    found.then(|| name.to_owned()).ok_or_else(|| not_found(format!("Event bus {name} does not exist.")))
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

fn not_found(message: String) -> ApiError {
    ApiError::new(400, "ResourceNotFoundException", message)
}

fn already_exists(message: String) -> ApiError {
    ApiError::new(400, "ResourceAlreadyExistsException", message)
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
