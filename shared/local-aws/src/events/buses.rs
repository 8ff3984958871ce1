//! Making, telling and deleting buses.

use serde::Deserialize;
use serde_json::{Value, json};

use super::paging::Page;
use super::{Bus, DEFAULT_BUS, already_exists, bus_arn, bus_name, check_name, limit_exceeded, validation};
use crate::json_protocol::parameters;
use crate::reply::{ApiError, Reply};
use crate::world::Call;

/// An account has a hundred buses in a region.
const MOST_BUSES: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateEventBus {
    name: String,
    description: Option<String>,
}

pub(super) fn create(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let CreateEventBus { name, description } = parameters(body)?;
    if name.starts_with("aws.") || body.get("EventSourceName").is_some() {
        return Err(ApiError::not_implemented("events", "partner event bus"));
    }
    check_name(&name, "name", 256, "")?;
    let (arn, now) = (bus_arn(&call.account_id(), call.region, &name), call.now);
    let buses = &mut call.in_region().buses.by_name;
    if buses.contains_key(&name) {
        return Err(already_exists(format!("Event bus {name} already exists.")));
    }
    if buses.len() >= MOST_BUSES {
        return Err(limit_exceeded());
    }
    buses.insert(name, Bus { created: now, description, ..Bus::default() });
    Ok(Reply::json(&json!({ "EventBusArn": arn })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneBus {
    name: Option<String>,
}

/// Deleting a bus that is not there is no error.
pub(super) fn delete(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneBus { name } = parameters(body)?;
    let name = name.ok_or_else(|| {
        validation(
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
        )
    })?;
    let name = bus_name(Some(&name));
    if name == DEFAULT_BUS {
        return Err(validation("Cannot delete event bus default."));
    }
    let buses = &mut call.in_region().buses.by_name;
    if buses.get(name).is_some_and(|bus| !bus.rules.is_empty()) {
        return Err(validation("EventBus can't be deleted since it has rules."));
    }
    buses.remove(name);
    Ok(Reply::json(&json!({})))
}

pub(super) fn describe(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneBus { name } = parameters(body)?;
    let (account, region) = (call.account_id(), call.region);
    let bus = call.in_region().buses.bus(name.as_deref())?;
    Ok(Reply::json(&show(bus, bus_name(name.as_deref()), &account, region)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListEventBuses {
    name_prefix: Option<String>,
    #[serde(flatten)]
    page: Page,
}

pub(super) fn list(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListEventBuses { name_prefix, page } = parameters(body)?;
    let (account, region) = (call.account_id(), call.region);
    let prefix = name_prefix.unwrap_or_default();
    let buses = call.in_region().buses.by_name.iter().filter(|(name, _)| name.starts_with(&prefix));
    let shown = buses.map(|(name, bus)| (name.clone(), show(bus, name, &account, region)));
    Ok(Reply::json(&page.of("EventBuses", shown)))
}

fn show(bus: &Bus, name: &str, account: &str, region: &str) -> Value {
    let mut shown = json!({ "Name": name, "Arn": bus_arn(account, region, name) });
    if let (Some(description), Some(fields)) = (&bus.description, shown.as_object_mut()) {
        fields.insert("Description".to_owned(), json!(description));
    }
    shown
}
