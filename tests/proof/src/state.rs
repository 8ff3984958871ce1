//! What makes two moments of an exploration the same: the account, what each delivery was answered and still asks,
//! what is in limbo, and how often time has passed.
//!
//! Times are told apart only by the passing of time that they lie between. The little that the clock runs while a
//! client waits before its next attempt never adds up to what would make a key old or a function end.

use std::fmt::Write;

use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bytes::Bytes;
use local_aws::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::delivery::Phase;
use crate::interleave::{Scene, Tick};
use crate::start::{ACCOUNT, REGION};

/// A reply that was lost.
pub(crate) const LOST: u64 = u64::MAX;

/// The state of a scene.
pub(crate) fn of(scene: &Scene) -> u128 {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut put = |part: std::fmt::Arguments<'_>| text.write_fmt(part).unwrap_or_default();
    put(format_args!("{:?} {} {} ", scene.ticks, scene.faults, scene.bus_was_seen));
    let epoch = |at: Timestamp| epoch(scene, at);
    scene.system.aws.look(|world| {
        let account = &world.accounts[ACCOUNT];
        for user in account.iam.users.values() {
            put(format_args!("{} {:?} ", user.id, states(&user.tags)));
            for key in &user.access_keys {
                put(format_args!("{} {:?} {} ", key.id, key.status, epoch(key.created)));
            }
        }
        let region = &account.regions[REGION];
        for secret in region.secrets.by_name.values() {
            put(format_args!("{} {} ", secret.deletion.is_some(), epoch(secret.changed)));
            for version in &secret.versions {
                let held = serde_json::to_string(&version.content).unwrap_or_default();
                put(format_args!("{} {held} {:?} {} ", version.id, version.labels, epoch(version.created)));
            }
        }
        let now = scene.system.aws.now();
        let steps = ["secret", "suspend", "offboard"].map(|step| [step.to_owned(), format!("{step}-dlq")]);
        for queue in steps.into_iter().flatten().chain(["rotate".to_owned(), "watcher".to_owned()]) {
            let queue = format!("org-provisioning-{queue}");
            let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}");
            let messages = region.queues.by_arn(&arn).into_iter().flat_map(|queue| queue.messages(now));
            let mut kinds: Vec<String> = messages
                .map(|message| {
                    let soon = is_there_after(message, now);
                    format!(
                        "{:?} {} {} {soon:?}",
                        message.attributes.keys(),
                        epoch(message.sent),
                        message.receive_count
                    )
                })
                .collect();
            kinds.sort();
            put(format_args!("{queue} {kinds:?} "));
        }
    });
    for delivery in &scene.deliveries {
        let phase = match &delivery.phase {
            Phase::Waiting => "waiting",
            Phase::Running(_) => "running",
            Phase::Ended { done: true } => "done",
            Phase::Ended { done: false } => "kept",
            Phase::Stopped => "stopped",
        };
        // Of one that has ended nothing is left but what it did.
        let replies = matches!(delivery.phase, Phase::Running(_)).then_some(&delivery.replies);
        put(format_args!("{phase} {} {replies:?} ", delivery.aged));
    }
    put(format_args!("{:?} ", scene.gate.waiting()));
    for call in &scene.limbo {
        // Bodies: which key, which value.
        let body = Sha256::digest(call.request.body());
        put(format_args!("{:?} {} ", call.id, hex(&body)));
    }
    let hash = Sha256::digest(text.as_bytes());
    u128::from_be_bytes(hash.first_chunk().copied().unwrap_or_default())
}

/// The state that tags tell. Since when is a time, and told apart by no decision here.
fn states(tags: &[(String, String)]) -> Vec<&str> {
    tags.iter().filter(|(key, _)| key == "OrgState").map(|(_, value)| value.as_str()).collect()
}

/// What a delivery learns from a reply.
pub(crate) fn of_reply(scene: &Scene, reply: &Result<http::Response<Bytes>, ConnectorError>) -> u64 {
    let Ok(reply) = reply else { return LOST };
    let body = match serde_json::from_slice::<Value>(reply.body()) {
        Ok(mut value) => {
            mark_json(scene, &mut value);
            value.to_string()
        }
        Err(_) => mark_text(scene, &String::from_utf8_lossy(reply.body())),
    };
    let learnt = format!("{} {} {body}", reply.status(), scene.ticks.len());
    u64::from_be_bytes(Sha256::digest(learnt.as_bytes()).first_chunk().copied().unwrap_or_default())
}

/// How often time had passed at this moment.
fn epoch(scene: &Scene, at: Timestamp) -> usize {
    scene.ticked_at.iter().filter(|ticked| **ticked <= at).count()
}

/// Puts epochs for the times in a JSON reply, which are seconds with a fraction.
fn mark_json(scene: &Scene, value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(seconds) = number.as_f64().filter(|seconds| *seconds > 1e9) {
                *value = format!("epoch {}", epoch(scene, Timestamp((seconds * 1000.0).round() as u64))).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mark_json(scene, item)),
        Value::Object(fields) => fields.values_mut().for_each(|field| mark_json(scene, field)),
        _ => {}
    }
}

/// Puts epochs for the times in an XML reply, and takes out the request's id.
fn mark_text(scene: &Scene, text: &str) -> String {
    let marked = text.split_inclusive(['<', '>']).map(|part| {
        let (content, end) = part.split_at(part.len() - usize::from(part.ends_with(['<', '>'])));
        match DateTime::from_str(content, Format::DateTime) {
            Ok(time) => {
                let millis = u64::try_from(time.to_millis().unwrap_or_default()).unwrap_or_default();
                format!("epoch {}{end}", epoch(scene, Timestamp(millis)))
            }
            // A request's id counts requests: 32 hexadecimal digits.
            Err(_) if content.len() == 32 && content.bytes().all(|byte| byte.is_ascii_hexdigit()) => end.to_owned(),
            Err(_) => part.to_owned(),
        }
    });
    marked.collect()
}

/// The shortest time that has to pass until a message is there, so that a delivery may take it.
fn is_there_after(message: &local_aws::sqs::Message, now: Timestamp) -> Option<Tick> {
    let message = serde_json::to_value(message).unwrap_or_default();
    let visible = message["visible_at"].as_u64()?;
    [Tick::Short, Tick::Long].into_iter().find(|tick| visible <= now.after(tick.duration()).0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
