//! Operations on queues themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::access::{grant, own};
use super::errors::{invalid, invalid_value};
use super::settings::{NAMES, Settings, unknown_attribute};
use super::{Queue, Queues, nothing, parameters, required};
use crate::clock::Timestamp;
use crate::reply::{ApiError, Reply};
use crate::world::{Call, PARTITION};

/// For how long a deleted queue's name cannot be used, and how far apart two purges must be.
const MINUTE: Duration = Duration::from_secs(60);

/// What GetQueueAttributes tells beside what can be set.
const READ_ONLY: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateQueue {
    queue_name: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// Making a queue that is there already answers its URL, unless an attribute given differs.
pub(super) fn create(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let CreateQueue { queue_name, attributes } = parameters(body)?;
    let name = required(queue_name, "QueueName")?;
    call.resource.clone_from(&name);
    let (account, region, now) = (call.account_id(), call.region, call.now);
    let arn = format!("arn:{PARTITION}:sqs:{region}:{account}:{name}");
    own(call, "CreateQueue", Some(&arn))?;
    check_name(&name)?;
    let url = format!("https://sqs.{region}.amazonaws.com/{account}/{name}");
    let queues = &mut call.in_region().queues;
    if let Some(existing) = queues.by_name(&name) {
        same_attributes(existing, &attributes)?;
        return Ok(super::json(&json!({ "QueueUrl": existing.url })));
    }
    if queues.deleted.get(&name).is_some_and(|at| now < at.after(MINUTE)) {
        return Err(ApiError::new(
            400,
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        ));
    }
    let mut settings = Settings::default();
    for (attribute, value) in &attributes {
        settings.set(attribute, value)?;
    }
    check_redrive(queues, &settings, &arn)?;
    queues.by_name.insert(name.clone(), Queue::new(&name, arn, url.clone(), settings, now));
    Ok(super::json(&json!({ "QueueUrl": url })))
}

fn same_attributes(existing: &Queue, attributes: &BTreeMap<String, String>) -> Result<(), ApiError> {
    for (name, value) in attributes {
        let mut changed = existing.settings.clone();
        changed.set(name, value)?;
        if changed != existing.settings {
            return Err(ApiError::new(
                400,
                "QueueAlreadyExists",
                format!("A queue already exists with the same name and a different value for attribute {name}"),
            ));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.ends_with(".fifo") {
        return Err(ApiError::not_implemented("sqs", "FIFO queue"));
    }
    match name.len() {
        1..=80 if name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) => Ok(()),
        _ => Err(invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")),
    }
}

/// The dead-letter queue must exist, in the same account and region.
fn check_redrive(queues: &Queues, settings: &Settings, own_arn: &str) -> Result<(), ApiError> {
    let Some(redrive) = &settings.redrive else { return Ok(()) };
    let wrong = |reason| Err(invalid_value(redrive.to_json(), "RedrivePolicy", reason));
    if redrive.dead_letter_target_arn == own_arn {
        return wrong("Dead letter target owner should be different from the source.");
    }
    match queues.by_arn(&redrive.dead_letter_target_arn) {
        Some(_) => Ok(()),
        None => wrong("Dead letter target does not exist."),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueUrl {
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

pub(super) fn get_url(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let GetQueueUrl { queue_name, owner } = parameters(body)?;
    let name = required(queue_name, "QueueName")?;
    let owner = owner.unwrap_or_else(|| call.account_id());
    let url = format!("https://sqs.{}.amazonaws.com/{owner}/{name}", call.region);
    let url = grant(call, Some(&url), "GetQueueUrl")?.queue()?.url.clone();
    Ok(super::json(&json!({ "QueueUrl": url })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListQueues {
    queue_name_prefix: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Pages only when asked to by MaxResults; without it the first thousand. The token is the last name told.
pub(super) fn list(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListQueues { queue_name_prefix, max_results, next_token } = parameters(body)?;
    own(call, "ListQueues", None)?;
    let prefix = queue_name_prefix.unwrap_or_default();
    let queues = call.in_region().queues.iter().filter(|queue| queue.name.starts_with(&prefix));
    let (urls, token) = page(queues, max_results, next_token.as_deref())?;
    let mut answer = Map::new();
    answer.extend(token.map(|token| ("NextToken".to_owned(), token)));
    if !urls.is_empty() {
        answer.insert("QueueUrls".to_owned(), json!(urls));
    }
    Ok(super::json(&Value::Object(answer)))
}

/// A page of the URLs of `queues`, which are in the order of their names, and the token for the rest. Without a size
/// the first thousand, and no token.
fn page<'q>(
    queues: impl Iterator<Item = &'q Queue>,
    max_results: Option<usize>,
    next_token: Option<&str>,
) -> Result<(Vec<Value>, Option<Value>), ApiError> {
    if max_results.is_some_and(|max| !(1..=1000).contains(&max)) {
        return Err(invalid("MaxResults must be an integer between 1 and 1000."));
    }
    let after = |queue: &&Queue| next_token.is_none_or(|token| queue.name.as_str() > token);
    let mut rest = queues.filter(after).peekable();
    let told: Vec<&Queue> = rest.by_ref().take(max_results.unwrap_or(1000)).collect();
    let token = rest.peek().and(max_results).and(told.last()).map(|last| json!(last.name));
    Ok((told.iter().map(|queue| json!(queue.url)).collect(), token))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListDeadLetterSourceQueues {
    queue_url: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// The queues whose redrive policy names this one. The list is there when it is empty, and its name begins with a
/// small letter.
pub(super) fn list_sources(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let ListDeadLetterSourceQueues { queue_url, max_results, next_token } = parameters(body)?;
    let granted = grant(call, queue_url.as_deref(), "ListDeadLetterSourceQueues")?;
    let sources = granted.queues.sources_of(&granted.arn);
    let (urls, token) = page(sources, max_results, next_token.as_deref())?;
    let mut answer = Map::from_iter([("queueUrls".to_owned(), json!(urls))]);
    answer.extend(token.map(|token| ("NextToken".to_owned(), token)));
    Ok(super::json(&Value::Object(answer)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneQueue {
    queue_url: Option<String>,
}

pub(super) fn delete(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneQueue { queue_url } = parameters(body)?;
    let now = call.now;
    let mut granted = grant(call, queue_url.as_deref(), "DeleteQueue")?;
    let name = granted.queue()?.name.clone();
    granted.queues.by_name.remove(&name);
    granted.queues.deleted.insert(name, now);
    Ok(nothing())
}

pub(super) fn purge(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneQueue { queue_url } = parameters(body)?;
    let now = call.now;
    let mut granted = grant(call, queue_url.as_deref(), "PurgeQueue")?;
    let queue = granted.queue()?;
    if queue.purged.is_some_and(|at| now < at.after(MINUTE)) {
        return Err(ApiError::new(
            403,
            "AWS.SimpleQueueService.PurgeQueueInProgress",
            format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", queue.name),
        ));
    }
    queue.purge(now);
    Ok(nothing())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueAttributes {
    queue_url: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
}

/// Tells the attributes asked for, and none if none is asked for.
pub(super) fn get_attributes(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let GetQueueAttributes { queue_url, attribute_names } = parameters(body)?;
    let now = call.now;
    let mut granted = grant(call, queue_url.as_deref(), "GetQueueAttributes")?;
    let queue = granted.queue()?;
    let known = || NAMES.into_iter().chain(READ_ONLY);
    if let Some(other) = attribute_names.iter().find(|name| *name != "All" && !known().any(|known| known == *name)) {
        return Err(unknown_attribute(other));
    }
    let asked = |name: &str| attribute_names.iter().any(|asked| asked == name || asked == "All");
    let told: Map<String, Value> = known()
        .filter(|name| asked(name))
        .filter_map(|name| Some((name.to_owned(), json!(attribute(queue, name, now)?))))
        .collect();
    Ok(super::json(&if told.is_empty() { json!({}) } else { json!({ "Attributes": told }) }))
}

fn attribute(queue: &Queue, name: &str, now: Timestamp) -> Option<String> {
    let counts = queue.counts(now);
    match name {
        "ApproximateNumberOfMessages" => Some(counts.visible.to_string()),
        "ApproximateNumberOfMessagesNotVisible" => Some(counts.in_flight.to_string()),
        "ApproximateNumberOfMessagesDelayed" => Some(counts.delayed.to_string()),
        "CreatedTimestamp" => Some((queue.created.0 / 1000).to_string()),
        "LastModifiedTimestamp" => Some((queue.modified.0 / 1000).to_string()),
        "QueueArn" => Some(queue.arn.clone()),
        other => queue.settings.get(other),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetQueueAttributes {
    queue_url: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
}

/// All attributes are set, or none.
pub(super) fn set_attributes(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let SetQueueAttributes { queue_url, attributes } = parameters(body)?;
    let now = call.now;
    let mut granted = grant(call, queue_url.as_deref(), "SetQueueAttributes")?;
    let attributes = required(attributes, "Attributes")?;
    let mut settings = granted.queue()?.settings.clone();
    for (name, value) in &attributes {
        settings.set(name, value)?;
    }
    check_redrive(granted.queues, &settings, &granted.arn)?;
    let queue = granted.queue()?;
    queue.settings = settings;
    queue.modified = now;
    Ok(nothing())
}
