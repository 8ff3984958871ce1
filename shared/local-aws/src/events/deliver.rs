//! From an event on a bus to the targets of the rules that it matches.

use super::transform::input;
use super::{Event, Pattern, Rule, Target};
use crate::lambda::AsyncInvocation;
use crate::policy::Context;
use crate::sqs::{MessageAttribute, MessageAttributes, NewMessage, Queue, service_may_send};
use crate::world::Call;

const PRINCIPAL: &str = "events.amazonaws.com";

/// The sender id that queues show for messages from EventBridge.
const SENDER_ID: &str = "AIDAEVENTBRIDGE";

/// Why a delivery failed, in the words of EventBridge's `ERROR_CODE`s.
struct Undelivered {
    code: &'static str,
    message: String,
}

/// Delivers `event` to all targets of all enabled rules on `bus` that it matches; of these rules only, if their ARNs
/// are given.
pub(super) fn deliver(call: &mut Call<'_>, event: &Event, bus: &str, only: &[String]) {
    let value = event.to_value();
    let matching = |rule: &&Rule| {
        rule.enabled
            && (only.is_empty() || only.contains(&rule.arn))
            && Pattern::parse(&rule.pattern).is_ok_and(|pattern| pattern.matches(&value))
    };
    let rules: Vec<Rule> = match call.in_region().buses.by_name.get(bus) {
        Some(bus) => bus.rules.values().filter(matching).cloned().collect(),
        None => return,
    };
    for rule in &rules {
        for target in &rule.targets {
            if let Err(undelivered) = deliver_to(call, event, rule, target) {
                give_up(call, event, rule, target, &undelivered);
            }
        }
    }
}

fn deliver_to(call: &mut Call<'_>, event: &Event, rule: &Rule, target: &Target) -> Result<(), Undelivered> {
    let body = input(event, rule, target, call.now).map_err(|message| Undelivered { code: "INVALID_JSON", message })?;
    if target.arn.split(':').nth(2) == Some("lambda") {
        return invoke(call, target, &body);
    }
    send(call, rule, &target.arn, body, MessageAttributes::new())
}

/// Sends to a queue of this account and region whose policy lets this rule send.
fn send(
    call: &mut Call<'_>,
    rule: &Rule,
    queue_arn: &str,
    body: String,
    attributes: MessageAttributes,
) -> Result<(), Undelivered> {
    let (id, account, now) = (call.world.ids.uuid(), call.account_id(), call.now);
    let queue = call.in_region().queues.by_arn_mut(queue_arn).ok_or_else(|| Undelivered {
        code: "NO_RESOURCE",
        message: "The specified queue does not exist.".to_owned(),
    })?;
    if !may_send(queue, rule, &account) {
        let message = format!("EventBridge is not authorized to perform: sqs:SendMessage on resource: {queue_arn}");
        return Err(Undelivered { code: "NO_PERMISSIONS", message });
    }
    let system = [("SenderId".to_owned(), SENDER_ID.to_owned())].into();
    queue.deliver(NewMessage { id, body, attributes, system, delay: None }, now);
    Ok(())
}

fn may_send(queue: &Queue, rule: &Rule, account: &str) -> bool {
    let context = Context::default().with("aws:SourceArn", rule.arn.as_str()).with("aws:SourceAccount", account);
    service_may_send(queue, PRINCIPAL, &context)
}

/// Functions have no policies here: one may be invoked by every rule of its account.
fn invoke(call: &mut Call<'_>, target: &Target, body: &str) -> Result<(), Undelivered> {
    let (request_id, now) = (call.world.ids.uuid(), call.now);
    let mut parts = target.arn.split(':').skip(3);
    if (parts.next(), parts.next()) != (Some(call.region), call.caller.account()) {
        let message = "The function is in another account or region.".to_owned();
        return Err(Undelivered { code: "NO_PERMISSIONS", message });
    }
    let payload =
        serde_json::from_str(body).map_err(|error| Undelivered { code: "INVALID_JSON", message: error.to_string() })?;
    let invocation = AsyncInvocation::new(target.arn.clone(), request_id, payload, now);
    call.in_region().async_invocations.push(invocation);
    Ok(())
}

/// Puts the event in the target's dead-letter queue, with the reason; if it has none, or that queue does not
/// let EventBridge send either, the event is lost.
fn give_up(call: &mut Call<'_>, event: &Event, rule: &Rule, target: &Target, undelivered: &Undelivered) {
    let Some(queue_arn) = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref()) else { return };
    let attributes = [
        ("RULE_ARN", rule.arn.as_str()),
        ("TARGET_ARN", target.arn.as_str()),
        ("ERROR_CODE", undelivered.code),
        ("ERROR_MESSAGE", undelivered.message.as_str()),
        ("RETRY_ATTEMPTS", "0"),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), MessageAttribute::string(value))).into();
    // There is nowhere left to report a failure to.
    let _lost = send(call, rule, queue_arn, event.to_json(), attributes).is_err();
}
