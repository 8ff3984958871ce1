//! The targets of a rule.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::managed::{check_unforced, check_unmanaged};
use super::paging::Page;
use super::transform::{Path, check_template};
use super::{check_name, limit_exceeded, validation};
use crate::json_protocol::parameters;
use crate::reply::{ApiError, Reply};
use crate::world::Call;

/// A rule has five targets.
const MOST_TARGETS: usize = 5;

/// The parts of a target that are here. What else a target can have is refused, for it would be without effect.
const KNOWN_FIELDS: [&str; 8] =
    ["Id", "Arn", "Input", "InputPath", "InputTransformer", "DeadLetterConfig", "RetryPolicy", "RoleArn"];

/// Where a rule sends events, and in which form: as they are, or as one of `Input`, `InputPath` and
/// `InputTransformer` says. RetryPolicy and RoleArn are kept and have no effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are EventBridge's")]
pub struct Target {
    pub id: String,
    pub arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_transformer: Option<InputTransformer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_config: Option<DeadLetterConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
}

/// A template and the paths of what is put in its placeholders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are EventBridge's")]
pub struct InputTransformer {
    #[serde(default)]
    pub input_paths_map: BTreeMap<String, String>,
    pub input_template: String,
}

/// The queue for events that could not be delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are EventBridge's")]
pub struct DeadLetterConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutTargets {
    rule: String,
    event_bus_name: Option<String>,
    targets: Vec<Value>,
}

/// Adds targets, and replaces those that have the same id.
pub(super) fn put(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let PutTargets { rule, event_bus_name, targets } = parameters(body)?;
    if targets.is_empty() {
        return Err(validation(
            "1 validation error detected: Value '[]' at 'targets' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
        ));
    }
    let targets: Vec<Target> = targets.iter().map(read).collect::<Result<_, _>>()?;
    let rule = call.in_region().buses.rule(event_bus_name.as_deref(), &rule)?;
    check_unmanaged(rule)?;
    let mut merged = rule.targets.clone();
    for target in targets {
        merged.retain(|existing| existing.id != target.id);
        merged.push(target);
    }
    if merged.len() > MOST_TARGETS {
        return Err(limit_exceeded());
    }
    rule.targets = merged;
    Ok(Reply::json(&json!({ "FailedEntryCount": 0, "FailedEntries": [] })))
}

fn read(value: &Value) -> Result<Target, ApiError> {
    let fields = value.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(unknown) = fields.into_iter().find(|field| !KNOWN_FIELDS.contains(&field.as_str())) {
        return Err(ApiError::not_implemented("events", &format!("target with {unknown}")));
    }
    let target: Target = parameters(value)?;
    check_name(&target.id, "targets.1.member.id", 64, "")?;
    check_arn(&target.arn)?;
    check_input(&target)?;
    Ok(target)
}

fn check_arn(arn: &str) -> Result<(), ApiError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "sqs", _, _, name] if name.ends_with(".fifo") => {
            Err(ApiError::not_implemented("events", "FIFO queue as target"))
        }
        ["arn", _, "sqs" | "lambda", _, _, _] => Ok(()),
        ["arn", _, service, _, _, _] => Err(ApiError::not_implemented("events", &format!("target in {service}"))),
        _ => Err(validation(format!("Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."))),
    }
}

fn check_input(target: &Target) -> Result<(), ApiError> {
    let id = &target.id;
    let given = [target.input.is_some(), target.input_path.is_some(), target.input_transformer.is_some()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        return Err(validation(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        )));
    }
    if target.input.as_ref().is_some_and(|input| serde_json::from_str::<Value>(input).is_err()) {
        return Err(validation(format!("JSON syntax error in input for target {id}")));
    }
    if target.input_path.as_ref().is_some_and(|path| Path::parse(path).is_none()) {
        return Err(validation(format!("Invalid InputPath for target {id}.")));
    }
    let Some(transformer) = &target.input_transformer else { return Ok(()) };
    if transformer.input_paths_map.len() > 100
        || transformer.input_paths_map.values().any(|path| Path::parse(path).is_none())
    {
        return Err(validation(format!("Invalid InputPathsMap for target {id}.")));
    }
    check_template(transformer)
        .map_err(|reason| validation(format!("Invalid InputTemplate for target {id} : [{reason}].")))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemoveTargets {
    rule: String,
    event_bus_name: Option<String>,
    ids: Vec<String>,
}

/// An id that is not there is no error.
pub(super) fn remove(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    check_unforced(body)?;
    let RemoveTargets { rule, event_bus_name, ids } = parameters(body)?;
    let rule = call.in_region().buses.rule(event_bus_name.as_deref(), &rule)?;
    check_unmanaged(rule)?;
    rule.targets.retain(|target| !ids.contains(&target.id));
    Ok(Reply::json(&json!({ "FailedEntryCount": 0, "FailedEntries": [] })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListTargetsByRule {
    rule: String,
    event_bus_name: Option<String>,
    #[serde(flatten)]
    page: Page,
}

pub(super) fn list(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListTargetsByRule { rule, event_bus_name, page } = parameters(body)?;
    let rule = call.in_region().buses.rule(event_bus_name.as_deref(), &rule)?;
    let mut shown: Vec<(String, Value)> =
        rule.targets.iter().map(|target| (target.id.clone(), json!(target))).collect();
    shown.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(Reply::json(&page.of("Targets", shown.into_iter())))
}
