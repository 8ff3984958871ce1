//! A second reading of what may be delivered to a function: which organization is asked for, or why it is refused.
//!
//! It is that of a production account with the default conventions. Reading JSON itself is not read a second time.

use serde_json::{Value, json};

use crate::org_ids::{self, is_org_id};
use crate::{Choices, SEPARATOR};

/// What must become of a message, as far as the message itself decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A command for this organization. A requested bucket name is the organization's, but which is its bucket is
    /// seen in AWS.
    Accepted {
        /// The organization.
        org: String,
    },
    /// Refused with this code; the failure event names this organization.
    Refused {
        /// The error's code.
        code: &'static str,
        /// What stands in the message where an id should be; none if there is no text.
        told: Option<String>,
    },
}

/// The verdict on a body from a queue.
pub fn of_body(body: &str) -> Verdict {
    match serde_json::from_str(body) {
        Ok(value) => of_value(&value),
        Err(_) => Verdict::Refused { code: "malformed-event", told: None },
    }
}

/// The verdict on an event or a bare detail.
pub fn of_value(value: &Value) -> Verdict {
    let Value::Object(fields) = value else { return Verdict::Refused { code: "malformed-event", told: None } };
    let (Some(source), Some(kind), Some(detail)) =
        (fields.get("source"), fields.get("detail-type"), fields.get("detail"))
    else {
        return of_command(inner(value).unwrap_or(value));
    };
    let carried = inner(detail);
    let refused = |code| Verdict::Refused { code, told: told(carried.unwrap_or(detail)) };
    match (kind == "OrgCreated", carried) {
        (true, _) if source == "org-signup" => of_command(detail),
        (false, Some(request)) if source == "org-provisioner" => of_command(request),
        (false, None) => refused("malformed-event"),
        _ => refused("source-not-allowed"),
    }
}

/// The request in a completion or failure event's detail.
fn inner(detail: &Value) -> Option<&Value> {
    let fields = detail.as_object()?;
    let all = ["schemaVersion", "eventId", "step"].iter().all(|name| fields.contains_key(*name));
    fields.get("request").filter(|request| all && request.is_object())
}

fn told(detail: &Value) -> Option<String> {
    Some(detail.as_object()?.get("orgId")?.as_str()?.chars().take(64).collect())
}

fn of_command(detail: &Value) -> Verdict {
    let refused = |code| Verdict::Refused { code, told: told(detail) };
    if !detail.is_object() || detail.to_string().len() > 128 * 1024 || depth(detail) > 64 {
        return refused("malformed-event");
    }
    let field = |name: &str| Some(&detail[name]).filter(|value| !value.is_null());
    let optional =
        |name: &str, rule: &dyn Fn(&str) -> bool| field(name).is_none_or(|value| value.as_str().is_some_and(rule));
    let environment = field("environment").and_then(Value::as_str).unwrap_or_default();
    let (Some(org), true) = (
        field("orgId").and_then(Value::as_str).filter(|id| is_org_id(id)),
        ["production", "staging", "qa", "development", "demo"].contains(&environment)
            && optional("bucketName", &|_| true)
            && field("reonboard").is_none_or(Value::is_boolean)
            && optional("correlationId", &|id| {
                (1..=128).contains(&id.len()) && id.chars().all(|c| ('!'..='~').contains(&c))
            }),
    ) else {
        return refused("invalid-field");
    };
    if !environment.ends_with("ion") && environment != "staging" {
        return refused("wrong-account");
    }
    if !optional("bucketName", &|name| is_bucket_of(name, org)) {
        return refused("invalid-field");
    }
    Verdict::Accepted { org: org.to_owned() }
}

/// The standard name, or that with a hyphen and more behind it, where S3 would take it.
fn is_bucket_of(name: &str, org: &str) -> bool {
    let standard = format!("fusion-rms-{org}");
    let rest = name.strip_prefix(standard.as_str()).unwrap_or("no");
    let reserved = ["-an", "-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    rest.is_empty()
        || rest.starts_with('-')
            && name.len() <= 63
            && rest.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
            && !rest.ends_with('-')
            && !reserved.iter().any(|suffix| name.ends_with(suffix))
}

/// Level by level, where the code goes down at once.
fn depth(value: &Value) -> usize {
    let mut level = vec![value];
    let mut levels = 0;
    loop {
        let holders: Vec<&Value> = level.into_iter().filter(|value| value.is_array() || value.is_object()).collect();
        if holders.is_empty() {
            return levels;
        }
        levels += 1;
        level = holders.into_iter().flat_map(children).collect();
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

/// One to ten messages that are right or nearly so.
pub fn build(choices: &mut Choices<'_>) -> String {
    let first = message(choices);
    let more = choices.some(4, message);
    more.into_iter().fold(first, |all, message| format!("{all}{SEPARATOR}{message}"))
}

fn message(choices: &mut Choices<'_>) -> String {
    let mut value = command(choices);
    if choices.one_in(3) {
        value = json!({ "schemaVersion": choices.json(0), "eventId": "e", "step": choices.json(0), "request": value });
    }
    if choices.one_in(2) {
        let source = choices.of(&["org-signup", "org-provisioner", "somebody", "org-signup "]);
        let kind = choices.of(&["OrgCreated", "BucketProvisioned", "OrgProvisioningFailed", "orgcreated", ""]);
        value = json!({ "detail-type": kind, "source": source, "detail": value });
    }
    if choices.one_in(8) {
        value = choices.json(4);
    }
    if let (true, Some(fields)) = (choices.one_in(4), value.as_object_mut()) {
        let names: Vec<String> = fields.keys().cloned().collect();
        if !names.is_empty() {
            let (name, other) = (choices.of(&names), choices.json(2));
            if choices.one_in(2) { drop(fields.remove(&name)) } else { drop(fields.insert(name, other)) }
        }
    }
    let mut text = value.to_string();
    if choices.one_in(10) {
        let at = (0..=choices.below(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(at);
    }
    text
}

fn command(choices: &mut Choices<'_>) -> Value {
    let id = if choices.one_in(3) { org_ids::build(choices) } else { choices.of(&["abc", "xyz", "abd"]).to_owned() };
    let environments = ["production", "staging", "qa", "development", "demo", "prod", "Production", ""];
    let mut command = json!({ "orgId": id, "environment": choices.of(&environments[..2]) });
    if choices.one_in(3) {
        command["environment"] = json!(choices.of(&environments));
    }
    if choices.one_in(3) {
        let ending = choices.of(&["", "-media", "-", "-an", "--x-s3", "2", "-\u{e9}", "-A"]);
        command["bucketName"] = json!(format!("fusion-rms-{id}{ending}"));
    }
    if choices.one_in(4) {
        command["reonboard"] = choices.of(&[json!(true), json!(false), json!(null), json!("true"), json!(1)]).clone();
    }
    if choices.one_in(4) {
        command["correlationId"] = json!(choices.text("c-7~! \u{7f}é", 4));
    }
    if choices.one_in(4) {
        let name = choices.of(&["plan", "request", "schemaVersion", "Records", "detail", "orgId", "bucketName"]);
        command[name] = choices.json(3);
    }
    command
}
