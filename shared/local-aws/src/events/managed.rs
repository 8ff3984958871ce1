//! The rules that EventBridge makes for archives: lists of rules have them, a bus with one is not empty, and nobody
//! else can change them (user guide, "Managed rules" and "Preventing replayed events from being delivered to an
//! archive"). What an archive keeps does not depend on them here.

use serde_json::{Value, json};

use super::rules::{MOST_RULES, rule_arn};
use super::{Archive, Buses, Rule, already_exists, limit_exceeded};
use crate::reply::ApiError;

/// What a rule of an archive tells as `ManagedBy`.
const ARCHIVES: &str = "prod.vhs.events.aws.internal";

/// Makes the rule of an archive, on the archive's bus.
pub(super) fn add_archive_rule(
    buses: &mut Buses,
    archive: &Archive,
    account: &str,
    region: &str,
) -> Result<(), ApiError> {
    let rules = &mut buses.bus(Some(&archive.bus))?.rules;
    if rules.len() >= MOST_RULES {
        return Err(limit_exceeded());
    }
    let name = rule_name(archive);
    if rules.contains_key(&name) {
        return Err(already_exists(format!("Rule {name} already exists.")));
    }
    let rule = Rule {
        name: name.clone(),
        arn: rule_arn(account, region, &archive.bus, &name),
        pattern: pattern(archive.pattern.as_deref()),
        enabled: true,
        description: None,
        targets: Vec::new(),
        managed_by: Some(ARCHIVES.to_owned()),
    };
    rules.insert(name, rule);
    Ok(())
}

/// Removes the rule of an archive.
pub(super) fn remove_archive_rule(buses: &mut Buses, archive: &Archive) {
    if let Some(bus) = buses.by_name.get_mut(&archive.bus) {
        bus.rules.remove(&rule_name(archive));
    }
}

fn rule_name(archive: &Archive) -> String {
    format!("Events-Archive-{}", archive.name)
}

/// The archive's pattern, and that the event is not replayed.
fn pattern(own: Option<&str>) -> String {
    let mut pattern: Value = own.and_then(|own| serde_json::from_str(own).ok()).unwrap_or_else(|| json!({}));
    if let Some(fields) = pattern.as_object_mut() {
        fields.insert("replay-name".to_owned(), json!([{ "exists": false }]));
    }
    pattern.to_string()
}

/// Refuses to change a rule that a service manages.
pub(super) fn check_unmanaged(rule: &Rule) -> Result<(), ApiError> {
    match &rule.managed_by {
        Some(service) => Err(ApiError::new(
            400,
            "ManagedRuleException",
            format!("Rule {} is managed by {service} and can't be modified.", rule.name),
        )),
        None => Ok(()),
    }
}

/// A managed rule could be deleted, and lose its targets, by force; that is not here.
pub(super) fn check_unforced(body: &Value) -> Result<(), ApiError> {
    match body.get("Force").and_then(Value::as_bool) {
        Some(true) => Err(ApiError::not_implemented("events", "Force")),
        _ => Ok(()),
    }
}
