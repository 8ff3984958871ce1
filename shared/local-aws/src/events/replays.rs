//! Starting, telling and cancelling replays.

use serde::Deserialize;
use serde_json::{Value, json};

use super::archive::Range;
use super::archives::archive_arn;
use super::filter::{check_description, check_filters, check_state};
use super::paging::Page;
use super::{Replay, ReplayState, already_exists, bus_arn, check_name, limit_exceeded, not_found, own_bus, validation};
use crate::clock::Timestamp;
use crate::json_protocol::parameters;
use crate::reply::{ApiError, Reply};
use crate::world::{Call, PARTITION};

/// As many replays run at once in an account and region (user guide, "Replaying archived events").
const MOST_ACTIVE: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartReplay {
    replay_name: String,
    description: Option<String>,
    event_source_arn: String,
    event_start_time: f64,
    event_end_time: f64,
    destination: Destination,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    arn: String,
    #[serde(default)]
    filter_arns: Vec<String>,
}

/// Starts to replay the events whose own time is in the range. They go back to the bus that they came from.
pub(super) fn start(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let asked: StartReplay = parameters(body)?;
    let name = asked.replay_name;
    check_name(&name, "replayName", 64, "")?;
    check_description(asked.description.as_deref())?;
    if !asked.destination.arn.contains(":event-bus/") {
        return Err(invalid("Destination.Arn", "Must contain an event bus ARN."));
    }
    let bus = own_bus(call, &asked.destination.arn)?;
    let (account, region, now) = (call.account_id(), call.region, call.now);
    let archive_name = asked.event_source_arn.rsplit('/').next().unwrap_or_default();
    let buses = &mut call.in_region().buses;
    let archive = buses.archives.get(archive_name);
    let archive = archive.filter(|archive| archive_arn(&account, region, &archive.name) == asked.event_source_arn);
    let Some(archive) = archive else {
        return Err(invalid("EventSourceArn", &format!("Archive {archive_name} does not exist.")));
    };
    if archive.bus != bus {
        return Err(invalid("Destination.Arn", "Cross event bus replay is not permitted."));
    }
    let range = Range {
        start: Timestamp::from_epoch_seconds(asked.event_start_time),
        end: Timestamp::from_epoch_seconds(asked.event_end_time),
    };
    if range.start >= range.end {
        return Err(invalid("EventEndTime", "EventStartTime must be before EventEndTime."));
    }
    if buses.replays.contains_key(&name) {
        return Err(already_exists(format!("Replay {name} already exists.")));
    }
    if buses.replays.values().filter(|replay| replay.is_active()).count() >= MOST_ACTIVE {
        return Err(limit_exceeded());
    }
    let mut replay = Replay::new(&name, archive_name, &bus, range, now);
    replay.description = asked.description;
    replay.filter_arns = asked.destination.filter_arns;
    let told = json!({
        "ReplayArn": replay_arn(&account, region, &name),
        "State": replay.state.name(),
        "ReplayStartTime": now.epoch_seconds(),
    });
    buses.replays.insert(name, replay);
    Ok(Reply::json(&told))
}

fn invalid(parameter: &str, reason: &str) -> ApiError {
    validation(format!("Parameter {parameter} is not valid. Reason: {reason}"))
}

pub(super) fn replay_arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:{PARTITION}:events:{region}:{account}:replay/{name}")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneReplay {
    replay_name: String,
}

pub(super) fn describe(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneReplay { replay_name } = parameters(body)?;
    let (account, region) = (call.account_id(), call.region);
    let replay = find(call, &replay_name)?;
    let mut shown = show(replay, &account, region);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("ReplayArn".to_owned(), json!(replay_arn(&account, region, &replay_name)));
        let mut destination = json!({ "Arn": bus_arn(&account, region, &replay.bus) });
        if let (false, Some(destination)) = (replay.filter_arns.is_empty(), destination.as_object_mut()) {
            destination.insert("FilterArns".to_owned(), json!(replay.filter_arns));
        }
        fields.insert("Destination".to_owned(), destination);
        if let Some(description) = &replay.description {
            fields.insert("Description".to_owned(), json!(description));
        }
    }
    Ok(Reply::json(&shown))
}

fn find<'c>(call: &'c mut Call<'_>, name: &str) -> Result<&'c mut Replay, ApiError> {
    check_name(name, "replayName", 64, "")?;
    let replay = call.in_region().buses.replays.get_mut(name);
    replay.ok_or_else(|| not_found(format!("Replay {name} does not exist.")))
}

/// As lists have it.
fn show(replay: &Replay, account: &str, region: &str) -> Value {
    let mut shown = json!({
        "ReplayName": replay.name,
        "EventSourceArn": archive_arn(account, region, &replay.archive),
        "State": replay.state.name(),
        "EventStartTime": replay.range.start.epoch_seconds(),
        "EventEndTime": replay.range.end.epoch_seconds(),
        "ReplayStartTime": replay.started.epoch_seconds(),
    });
    if let Some(fields) = shown.as_object_mut() {
        let times = [("EventLastReplayedTime", replay.last_replayed()), ("ReplayEndTime", replay.ended)];
        fields.extend(times.into_iter().filter_map(|(name, at)| Some((name.to_owned(), json!(at?.epoch_seconds())))));
        fields.extend(replay.state_reason.iter().map(|reason| ("StateReason".to_owned(), json!(reason))));
    }
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListReplays {
    name_prefix: Option<String>,
    event_source_arn: Option<String>,
    state: Option<String>,
    #[serde(flatten)]
    page: Page,
}

/// By prefix, by archive or by state, but by one of them only.
pub(super) fn list(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListReplays { name_prefix, event_source_arn, state, page } = parameters(body)?;
    check_filters("ListReplays", [&name_prefix, &event_source_arn, &state])?;
    check_state(state.as_deref(), &ReplayState::NAMES)?;
    let (account, region) = (call.account_id(), call.region);
    let prefix = name_prefix.unwrap_or_default();
    let is_asked_for = |replay: &&Replay| {
        let source = || archive_arn(&account, region, &replay.archive);
        replay.name.starts_with(&prefix)
            && event_source_arn.as_ref().is_none_or(|arn| *arn == source())
            && state.as_ref().is_none_or(|state| state == replay.state.name())
    };
    let replays = call.in_region().buses.replays.values().filter(is_asked_for);
    let shown = replays.map(|replay| (replay.name.clone(), show(replay, &account, region)));
    Ok(Reply::json(&page.of("Replays", shown)))
}

/// Only a replay that is starting or running can be cancelled. What was replayed stays replayed.
pub(super) fn cancel(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneReplay { replay_name } = parameters(body)?;
    let arn = replay_arn(&call.account_id(), call.region, &replay_name);
    let replay = find(call, &replay_name)?;
    if !matches!(replay.state, ReplayState::Starting | ReplayState::Running) {
        return Err(ApiError::new(
            400,
            "IllegalStatusException",
            format!("Replay {replay_name} is not in a valid state for this operation."),
        ));
    }
    replay.state = ReplayState::Cancelling;
    Ok(Reply::json(&json!({ "ReplayArn": arn, "State": replay.state.name() })))
}
