//! Making, telling, changing and deleting archives.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::{check_description, check_filters, check_state};
use super::managed::{add_archive_rule, remove_archive_rule};
use super::paging::Page;
use super::rules::check_pattern;
use super::{Archive, already_exists, bus_arn, check_name, not_found, own_bus, validation};
use crate::clock::Timestamp;
use crate::json_protocol::parameters;
use crate::reply::{ApiError, Reply};
use crate::world::{Call, PARTITION};

/// The states that an archive can be in. Here it is always enabled: it is made and changed within the call.
const STATES: [&str; 6] = ["ENABLED", "DISABLED", "CREATING", "UPDATING", "CREATE_FAILED", "UPDATE_FAILED"];

/// The longest pattern in characters.
const LONGEST_PATTERN: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateArchive {
    archive_name: String,
    event_source_arn: String,
    #[serde(flatten)]
    settings: Settings,
}

/// What UpdateArchive can change too.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    description: Option<String>,
    event_pattern: Option<String>,
    retention_days: Option<i64>,
    kms_key_identifier: Option<String>,
}

impl Settings {
    fn check(&self) -> Result<(), ApiError> {
        if self.kms_key_identifier.as_ref().is_some_and(|key| !key.is_empty()) {
            return Err(ApiError::not_implemented("events", "archive with a customer managed key"));
        }
        check_description(self.description.as_deref())?;
        if let Some(days) = self.retention_days.filter(|days| *days < 0) {
            return Err(validation(format!(
                "1 validation error detected: Value '{days}' at 'retentionDays' failed to satisfy constraint: Member \
                 must have value greater than or equal to 0"
            )));
        }
        match &self.event_pattern {
            Some(pattern) if pattern.chars().count() > LONGEST_PATTERN => Err(validation(
                "1 validation error detected: Value at 'eventPattern' failed to satisfy constraint: Member must have \
                 length less than or equal to 4096",
            )),
            Some(pattern) => check_pattern(pattern).map(drop),
            None => Ok(()),
        }
    }

    /// What is not given stays as it is.
    fn set(self, archive: &mut Archive) {
        archive.description = self.description.or(archive.description.take());
        archive.pattern = self.event_pattern.or(archive.pattern.take());
        let days = self.retention_days.and_then(|days| u64::try_from(days).ok());
        archive.retention_days = days.unwrap_or(archive.retention_days);
    }
}

/// Makes an archive, and on its bus the rule that EventBridge manages for it.
pub(super) fn create(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let CreateArchive { archive_name: name, event_source_arn, settings } = parameters(body)?;
    check_name(&name, "archiveName", 48, "")?;
    settings.check()?;
    let bus = own_bus(call, &event_source_arn)?;
    let (account, region, now) = (call.account_id(), call.region, call.now);
    let buses = &mut call.in_region().buses;
    if buses.archives.contains_key(&name) {
        return Err(already_exists(format!("Archive {name} already exists.")));
    }
    let mut archive = Archive {
        name: name.clone(),
        bus,
        description: None,
        pattern: None,
        retention_days: 0,
        created: now,
        events: VecDeque::new(),
        recorded: 0,
    };
    settings.set(&mut archive);
    add_archive_rule(buses, &archive, &account, region)?;
    buses.archives.insert(name.clone(), archive);
    Ok(told(&account, region, &name, now))
}

fn told(account: &str, region: &str, name: &str, at: Timestamp) -> Reply {
    let arn = archive_arn(account, region, name);
    Reply::json(&json!({ "ArchiveArn": arn, "State": "ENABLED", "CreationTime": at.epoch_seconds() }))
}

pub(super) fn archive_arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:{PARTITION}:events:{region}:{account}:archive/{name}")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneArchive {
    archive_name: String,
}

pub(super) fn describe(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneArchive { archive_name } = parameters(body)?;
    check_name(&archive_name, "archiveName", 48, "")?;
    let (account, region, now) = (call.account_id(), call.region, call.now);
    let archive = find(call, &archive_name)?;
    let mut shown = show(archive, &account, region, now);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("ArchiveArn".to_owned(), json!(archive_arn(&account, region, &archive_name)));
        let texts = [("Description", &archive.description), ("EventPattern", &archive.pattern)];
        fields.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))));
    }
    Ok(Reply::json(&shown))
}

fn find<'c>(call: &'c mut Call<'_>, name: &str) -> Result<&'c mut Archive, ApiError> {
    let archive = call.in_region().buses.archives.get_mut(name);
    archive.ok_or_else(|| not_found(format!("Archive {name} does not exist.")))
}

/// As lists have it.
fn show(archive: &Archive, account: &str, region: &str, now: Timestamp) -> Value {
    json!({
        "ArchiveName": archive.name,
        "EventSourceArn": bus_arn(account, region, &archive.bus),
        "State": "ENABLED",
        "RetentionDays": archive.retention_days,
        "SizeBytes": archive.size_bytes(now),
        "EventCount": archive.event_count(now),
        "CreationTime": archive.created.epoch_seconds(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListArchives {
    name_prefix: Option<String>,
    event_source_arn: Option<String>,
    state: Option<String>,
    #[serde(flatten)]
    page: Page,
}

/// By prefix, by bus or by state, but by one of them only.
pub(super) fn list(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListArchives { name_prefix, event_source_arn, state, page } = parameters(body)?;
    check_filters("ListArchives", [&name_prefix, &event_source_arn, &state])?;
    check_state(state.as_deref(), &STATES)?;
    let bus = event_source_arn.map(|arn| own_bus(call, &arn)).transpose()?;
    let (account, region, now) = (call.account_id(), call.region, call.now);
    let prefix = name_prefix.unwrap_or_default();
    let is_asked_for = |archive: &&Archive| {
        archive.name.starts_with(&prefix)
            && bus.as_ref().is_none_or(|bus| archive.bus == *bus)
            && state.as_ref().is_none_or(|state| state == "ENABLED")
    };
    let archives = call.in_region().buses.archives.values().filter(is_asked_for);
    let shown = archives.map(|archive| (archive.name.clone(), show(archive, &account, region, now)));
    Ok(Reply::json(&page.of("Archives", shown)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateArchive {
    archive_name: String,
    #[serde(flatten)]
    settings: Settings,
}

/// Events that are in the archive already stay, whatever the new pattern says.
pub(super) fn update(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let UpdateArchive { archive_name: name, settings } = parameters(body)?;
    check_name(&name, "archiveName", 48, "")?;
    settings.check()?;
    let (account, region, now) = (call.account_id(), call.region, call.now);
    let archive = find(call, &name)?;
    settings.set(archive);
    let changed = archive.clone();
    let buses = &mut call.in_region().buses;
    remove_archive_rule(buses, &changed);
    add_archive_rule(buses, &changed, &account, region)?;
    Ok(told(&account, region, &name, now))
}

/// The events go with it. A replay of them that is running fails.
pub(super) fn delete(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneArchive { archive_name } = parameters(body)?;
    check_name(&archive_name, "archiveName", 48, "")?;
    find(call, &archive_name)?;
    let buses = &mut call.in_region().buses;
    if let Some(archive) = buses.archives.remove(&archive_name) {
        remove_archive_rule(buses, &archive);
    }
    Ok(Reply::json(&json!({})))
}
