//! PutEvents: one to ten entries, each accepted or refused by itself, in an answer that is HTTP 200 even if
//! none was accepted.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::access::check_put_events;
use super::deliver::deliver;
use super::{Event, bus_name, validation};
use crate::clock::Timestamp;
use crate::json_protocol::parameters;
use crate::reply::{ApiError, Reply};
use crate::world::Call;

const MOST_ENTRIES: usize = 10;

/// All entries together must be smaller than this.
const LARGEST_REQUEST_BYTES: usize = 1_048_576;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    time: Option<f64>,
}

/// Why one entry is refused.
struct Refusal {
    code: &'static str,
    message: String,
}

pub(super) fn put(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let PutEvents { entries } = parameters(body)?;
    let entries = entries.ok_or_else(|| constraint("null", "not be null"))?;
    call.resource =
        entries.first().map(|entry| bus_name(entry.event_bus_name.as_deref()).to_owned()).unwrap_or_default();
    match entries.len() {
        0 => return Err(constraint("'[]'", "have length greater than or equal to 1")),
        1..=MOST_ENTRIES => {}
        _ => return Err(constraint("'[PutEventsRequestEntry, ...]'", "have length less than or equal to 10")),
    }
    if entries.iter().map(Entry::size).sum::<usize>() >= LARGEST_REQUEST_BYTES {
        return Err(validation("Total size of the entries in the request is over the limit."));
    }
    let buses: BTreeSet<Option<&str>> = entries.iter().map(|entry| entry.event_bus_name.as_deref()).collect();
    for bus in buses {
        let on_bus = entries.iter().filter(|entry| entry.event_bus_name.as_deref() == bus);
        check_put_events(call, bus, on_bus.map(|entry| (entry.source.as_deref(), entry.detail_type.as_deref())))?;
    }
    let results: Vec<Result<String, Refusal>> = entries.into_iter().map(|entry| accept(call, entry)).collect();
    let failed = results.iter().filter(|result| result.is_err()).count();
    let entries: Vec<Value> = results
        .into_iter()
        .map(|result| match result {
            Ok(id) => json!({ "EventId": id }),
            Err(Refusal { code, message }) => json!({ "ErrorCode": code, "ErrorMessage": message }),
        })
        .collect();
    Ok(Reply::json(&json!({ "FailedEntryCount": failed, "Entries": entries })))
}

fn constraint(value: &str, must: &str) -> ApiError {
    validation(format!(
        "1 validation error detected: Value {value} at 'entries' failed to satisfy constraint: Member must {must}"
    ))
}

/// Checks one entry and delivers its event. An event for a bus that is not there is accepted and lost.
fn accept(call: &mut Call<'_>, entry: Entry) -> Result<String, Refusal> {
    let failing = &mut call.in_region().buses.failing_entries;
    if *failing > 0 {
        *failing -= 1;
        return Err(refusal("InternalFailure", "Internal Service Failure"));
    }
    let source = required(entry.source, "Source")?;
    let detail_type = required(entry.detail_type, "DetailType")?;
    let detail = required(entry.detail, "Detail")?;
    if source.starts_with("aws.") {
        return Err(refusal("NotAuthorizedForSourceException", "Not authorized for the source."));
    }
    let detail: Value = match serde_json::from_str(&detail) {
        Ok(object @ Value::Object(_)) => object,
        _ => return Err(refusal("MalformedDetail", "Detail is malformed.")),
    };
    let time = entry.time.map_or(call.now, Timestamp::from_epoch_seconds);
    let event = Event {
        version: "0".to_owned(),
        id: call.world.ids.uuid(),
        detail_type,
        source,
        account: call.account_id(),
        time: Event::time(time),
        region: call.region.to_owned(),
        replay_name: None,
        resources: entry.resources,
        detail,
    };
    let bus = bus_name(entry.event_bus_name.as_deref());
    archive(call, &event, time, bus);
    deliver(call, &event, bus, &[]);
    Ok(event.id)
}

/// Gives an event to the archives of its bus.
fn archive(call: &mut Call<'_>, event: &Event, time: Timestamp, bus: &str) {
    let now = call.now;
    let archives = call.in_region().buses.archives.values_mut().filter(|archive| archive.bus == bus);
    archives.for_each(|archive| archive.take(event, time, now));
}

fn required(value: Option<String>, parameter: &str) -> Result<String, Refusal> {
    let message = || format!("Parameter {parameter} is not valid. Reason: {parameter} is a required argument.");
    value.filter(|value| !value.is_empty()).ok_or_else(|| Refusal { code: "InvalidArgument", message: message() })
}

fn refusal(code: &'static str, message: &str) -> Refusal {
    Refusal { code, message: message.to_owned() }
}

impl Entry {
    /// The size by which the limit counts (user guide, "Calculating PutEvents event entry size"): a time is
    /// fourteen bytes.
    fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let resources: usize = self.resources.iter().map(String::len).sum();
        let time = if self.time.is_some() { 14 } else { 0 };
        length(&self.source) + length(&self.detail_type) + length(&self.detail) + resources + time
    }
}
