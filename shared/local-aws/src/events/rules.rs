//! Making, telling, switching and deleting rules.

use serde::Deserialize;
use serde_json::{Value, json};

use super::managed::{check_unforced, check_unmanaged};
use super::paging::Page;
use super::{DEFAULT_BUS, Pattern, Rule, bus_name, check_name, limit_exceeded, validation};
use crate::json_protocol::parameters;
use crate::reply::{ApiError, Reply};
use crate::world::{Call, PARTITION};

/// A bus has 300 rules.
pub(super) const MOST_RULES: usize = 300;

/// The longest pattern in characters, by the quota that accounts start with.
const LONGEST_PATTERN: usize = 2048;

/// What every event has: TestEventPattern insists on it.
const MANDATORY_FIELDS: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRule {
    name: String,
    event_pattern: Option<String>,
    schedule_expression: Option<String>,
    state: Option<String>,
    description: Option<String>,
    event_bus_name: Option<String>,
}

/// Makes a rule or replaces all of it but its targets.
pub(super) fn put(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let asked: PutRule = parameters(body)?;
    check_name(&asked.name, "name", 64, "")?;
    if asked.schedule_expression.is_some() {
        return Err(ApiError::not_implemented("events", "rule with a schedule"));
    }
    let pattern = asked
        .event_pattern
        .ok_or_else(|| validation("Parameter(s) EventPattern or ScheduleExpression must be specified."))?;
    check_pattern(&pattern)?;
    let enabled = match asked.state.as_deref() {
        None | Some("ENABLED") => true,
        Some("DISABLED") => false,
        Some(other) => return Err(ApiError::not_implemented("events", &format!("rule state {other}"))),
    };
    let bus_name = bus_name(asked.event_bus_name.as_deref());
    let arn = rule_arn(&call.account_id(), call.region, bus_name, &asked.name);
    let rules = &mut call.in_region().buses.bus(Some(bus_name))?.rules;
    if rules.len() >= MOST_RULES && !rules.contains_key(&asked.name) {
        return Err(limit_exceeded());
    }
    rules.get(&asked.name).map_or(Ok(()), check_unmanaged)?;
    let targets = rules.remove(&asked.name).map(|rule| rule.targets).unwrap_or_default();
    let (name, description) = (asked.name, asked.description);
    let rule = Rule { name, arn: arn.clone(), pattern, enabled, description, targets, managed_by: None };
    rules.insert(rule.name.clone(), rule);
    Ok(Reply::json(&json!({ "RuleArn": arn })))
}

/// A rule on the default bus does not have the bus's name in its ARN.
pub(super) fn rule_arn(account: &str, region: &str, bus: &str, rule: &str) -> String {
    let path = if bus == DEFAULT_BUS { rule.to_owned() } else { format!("{bus}/{rule}") };
    format!("arn:{PARTITION}:events:{region}:{account}:rule/{path}")
}

pub(super) fn check_pattern(pattern: &str) -> Result<Pattern, ApiError> {
    let invalid = |reason: String| ApiError::new(400, "InvalidEventPatternException", reason);
    if pattern.chars().count() > LONGEST_PATTERN {
        return Err(limit_exceeded());
    }
    Pattern::parse(pattern).map_err(invalid)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneRule {
    name: String,
    event_bus_name: Option<String>,
}

/// Deleting a rule that is not there is no error.
pub(super) fn delete(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    check_unforced(body)?;
    let OneRule { name, event_bus_name } = parameters(body)?;
    let rules = &mut call.in_region().buses.bus(event_bus_name.as_deref())?.rules;
    if rules.get(&name).is_some_and(|rule| !rule.targets.is_empty()) {
        return Err(validation("Rule can't be deleted since it has targets."));
    }
    rules.get(&name).map_or(Ok(()), check_unmanaged)?;
    rules.remove(&name);
    Ok(Reply::json(&json!({})))
}

pub(super) fn describe(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneRule { name, event_bus_name } = parameters(body)?;
    let account = call.account_id();
    let rule = call.in_region().buses.rule(event_bus_name.as_deref(), &name)?;
    let mut shown = show(rule, bus_name(event_bus_name.as_deref()));
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("CreatedBy".to_owned(), json!(account));
    }
    Ok(Reply::json(&shown))
}

pub(super) fn enable(call: &mut Call<'_>, body: &Value, enabled: bool) -> Result<Reply, ApiError> {
    let OneRule { name, event_bus_name } = parameters(body)?;
    let rule = call.in_region().buses.rule(event_bus_name.as_deref(), &name)?;
    check_unmanaged(rule)?;
    rule.enabled = enabled;
    Ok(Reply::json(&json!({})))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRules {
    name_prefix: Option<String>,
    event_bus_name: Option<String>,
    #[serde(flatten)]
    page: Page,
}

pub(super) fn list(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListRules { name_prefix, event_bus_name, page } = parameters(body)?;
    let prefix = name_prefix.unwrap_or_default();
    let bus_name = bus_name(event_bus_name.as_deref());
    let rules = &call.in_region().buses.bus(Some(bus_name))?.rules;
    let shown = rules.values().filter(|rule| rule.name.starts_with(&prefix));
    Ok(Reply::json(&page.of("Rules", shown.map(|rule| (rule.name.clone(), show(rule, bus_name))))))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRuleNamesByTarget {
    target_arn: String,
    event_bus_name: Option<String>,
    #[serde(flatten)]
    page: Page,
}

/// The rules of one bus that send to a target.
pub(super) fn names_by_target(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListRuleNamesByTarget { target_arn, event_bus_name, page } = parameters(body)?;
    let rules = &call.in_region().buses.bus(event_bus_name.as_deref())?.rules;
    let sends = |rule: &&Rule| rule.targets.iter().any(|target| target.arn == target_arn);
    let names = rules.values().filter(sends).map(|rule| (rule.name.clone(), json!(rule.name)));
    Ok(Reply::json(&page.of("RuleNames", names)))
}

fn show(rule: &Rule, bus: &str) -> Value {
    let mut shown = json!({
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern,
        "State": if rule.enabled { "ENABLED" } else { "DISABLED" },
        "EventBusName": bus,
    });
    if let Some(fields) = shown.as_object_mut() {
        let texts = [("Description", &rule.description), ("ManagedBy", &rule.managed_by)];
        fields.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))));
    }
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TestEventPattern {
    event_pattern: String,
    event: String,
}

pub(super) fn test_pattern(_: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let TestEventPattern { event_pattern, event } = parameters(body)?;
    let pattern = check_pattern(&event_pattern)?;
    let event: Value = serde_json::from_str(&event).map_err(|_| validation("Parameter Event is not valid."))?;
    if let Some(missing) = MANDATORY_FIELDS.iter().find(|field| event.get(field).is_none()) {
        return Err(validation(format!("Parameter Event is not valid. Reason: {missing} is a required field.")));
    }
    Ok(Reply::json(&json!({ "Result": pattern.matches(&event) })))
}
