//! Who may do what with buses and rules ("Actions defined by Amazon EventBridge" in the service authorization
//! reference). Buses have no policies here, so another account's cannot be used.

use serde_json::Value;

use super::archives::archive_arn;
use super::replays::replay_arn;
use super::rules::rule_arn;
use super::{bus_arn, bus_name};
use crate::iam::{Ask, Refusal, check_own, request_context};
use crate::policy::Context;
use crate::reply::ApiError;
use crate::world::Call;

/// Operations on a bus as such, which is their `Name`.
const ON_BUSES: [&str; 3] = ["CreateEventBus", "DeleteEventBus", "DescribeEventBus"];

/// Operations on nothing in particular.
const ON_EVERYTHING: [&str; 6] =
    ["ListArchives", "ListEventBuses", "ListReplays", "ListRuleNamesByTarget", "ListRules", "TestEventPattern"];

/// Whether the caller may do `operation`. Of PutEvents each bus is asked for by itself, see [`check_put_events`].
pub(super) fn check(call: &Call<'_>, body: &Value, operation: &str) -> Result<(), ApiError> {
    let text = |field: &str| body.get(field).and_then(Value::as_str);
    let bus = match operation {
        "CreateArchive" => text("EventSourceArn"),
        "StartReplay" => body.pointer("/Destination/Arn").and_then(Value::as_str),
        _ if ON_BUSES.contains(&operation) => text("Name"),
        _ => text("EventBusName"),
    };
    check_own_bus(call, operation, bus)?;
    let (account, region, context) = (call.account_id(), call.region, context(call));
    let bus = bus_arn(&account, region, bus_name(bus));
    let archive = || archive_arn(&account, region, text("ArchiveName").unwrap_or_default());
    let replay = || replay_arn(&account, region, text("ReplayName").unwrap_or_default());
    let resources = match operation {
        "PutEvents" => Vec::new(),
        "CreateArchive" => vec![archive(), bus],
        "DescribeArchive" | "UpdateArchive" | "DeleteArchive" => vec![archive()],
        "StartReplay" => vec![text("EventSourceArn").unwrap_or_default().to_owned(), bus, replay()],
        "DescribeReplay" | "CancelReplay" => vec![replay()],
        _ if ON_EVERYTHING.contains(&operation) => vec!["*".to_owned()],
        _ if ON_BUSES.contains(&operation) => vec![bus],
        _ => {
            let rule = text("Rule").or(text("Name")).unwrap_or_default();
            vec![rule_arn(&account, region, bus_name(text("EventBusName")), rule)]
        }
    };
    resources.iter().try_for_each(|resource| allowed(call, operation, resource, &context))
}

/// Whether the caller may put events of these sources and detail types on a bus.
pub(super) fn check_put_events<'e>(
    call: &Call<'_>,
    bus: Option<&str>,
    kinds: impl Iterator<Item = (Option<&'e str>, Option<&'e str>)>,
) -> Result<(), ApiError> {
    check_own_bus(call, "PutEvents", bus)?;
    let mut context = context(call);
    for (source, detail_type) in kinds {
        source.into_iter().for_each(|source| context.insert("events:source", source));
        detail_type.into_iter().for_each(|detail_type| context.insert("events:detail-type", detail_type));
    }
    allowed(call, "PutEvents", &bus_arn(&call.account_id(), call.region, bus_name(bus)), &context)
}

fn check_own_bus(call: &Call<'_>, operation: &str, bus: Option<&str>) -> Result<(), ApiError> {
    match bus.filter(|bus| bus.starts_with("arn:")) {
        Some(arn) if arn.split(':').nth(4) != call.caller.account() => {
            Err(denied(call, operation, arn, Refusal::NotAllowedByResource))
        }
        _ => Ok(()),
    }
}

fn allowed(call: &Call<'_>, operation: &str, resource: &str, context: &Context) -> Result<(), ApiError> {
    let action = format!("events:{operation}");
    check_own(call.world, &Ask { caller: call.caller, action: &action, resource, context })
        .map_err(|refusal| denied(call, operation, resource, refusal))
}

fn context(call: &Call<'_>) -> Context {
    request_context(call).with("aws:ResourceAccount", call.account_id())
}

fn denied(call: &Call<'_>, operation: &str, resource: &str, refusal: Refusal) -> ApiError {
    let (who, action) = (call.caller.arn(), format!("events:{operation}"));
    let why = refusal.why(&action);
    let message = format!("User: {who} is not authorized to perform: {action} on resource: {resource} {why}");
    ApiError::new(400, "AccessDeniedException", message)
}
