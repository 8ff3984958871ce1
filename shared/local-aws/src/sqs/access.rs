//! Who may do what with a queue.

use super::errors::{invalid, missing, no_such_queue, no_such_resource};
use super::{Queue, Queues};
use crate::caller::Caller;
use crate::iam::{Ask, Refusal, by_identity, by_resource, check_own, join, request_context};
use crate::policy::{AccessRequest, Context, Decision, Document, PrincipalIdentity, evaluate};
use crate::reply::ApiError;
use crate::world::Call;

/// What a queue policy cannot permit to other accounts (developer guide, "Limitations of Amazon SQS custom
/// policies").
const OWN_ACCOUNT_ONLY: [&str; 5] =
    ["CancelMessageMoveTask", "DeleteQueue", "ListMessageMoveTasks", "SetQueueAttributes", "StartMessageMoveTask"];

/// A queue that the caller may use, and the queues around it.
pub(super) struct Granted<'a> {
    pub(super) queues: &'a mut Queues,
    /// The queue's ARN; the queue exists.
    pub(super) arn: String,
}

impl Granted<'_> {
    pub(super) fn queue(&mut self) -> Result<&mut Queue, ApiError> {
        self.queues.by_arn_mut(&self.arn).ok_or_else(no_such_queue)
    }
}

/// The queue that `url` names, once it is clear that the caller may do `action` with it. The host of the URL
/// does not matter, its path does: `/<account>/<name>`.
pub(super) fn grant<'c>(call: &'c mut Call<'_>, url: Option<&str>, action: &str) -> Result<Granted<'c>, ApiError> {
    let url = url.ok_or_else(|| missing("QueueUrl"))?;
    let (account, name) = path(url).ok_or_else(|| {
        ApiError::new(404, "InvalidAddress", format!("The address {url} is not valid for this endpoint."))
    })?;
    call.resource = name.to_owned();
    may(call, account, name, action)?;
    // Looked up without `World::region`: another account's URL must not bring that account into being.
    let region = call.world.accounts.get_mut(account).and_then(|owner| owner.regions.get_mut(call.region));
    let queues = &mut region.ok_or_else(no_such_queue)?.queues;
    let arn = queues.by_name(name).ok_or_else(no_such_queue)?.arn.clone();
    Ok(Granted { queues, arn })
}

fn path(url: &str) -> Option<(&str, &str)> {
    let (_, rest) = url.split_once("://")?;
    let mut segments = rest.split('/').skip(1);
    match (segments.next(), segments.next(), segments.next()) {
        (Some(account), Some(name), None) if !account.is_empty() && !name.is_empty() => Some((account, name)),
        _ => None,
    }
}

/// The queue with this ARN, in the region of the call, once it is clear that the caller may do all of `actions` with
/// it. `parameter` is what the request calls the ARN.
pub(super) fn grant_by_arn<'c>(
    call: &'c mut Call<'_>,
    arn: &str,
    parameter: &str,
    actions: &[&str],
) -> Result<Granted<'c>, ApiError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", _, "sqs", region, account, name] = parts.as_slice() else {
        return Err(invalid(format!(
            "You must use this format to specify the {parameter}: \
             arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        )));
    };
    call.resource = (*name).to_owned();
    let missing =
        || no_such_resource(format!("The resource that you specified for the {parameter} parameter doesn't exist."));
    if *region != call.region || queue(call, account, name).is_none() {
        return Err(missing());
    }
    actions.iter().try_for_each(|action| may(call, account, name, action))?;
    let region = call.world.accounts.get_mut(*account).and_then(|owner| owner.regions.get_mut(call.region));
    let queues = &mut region.ok_or_else(missing)?.queues;
    Ok(Granted { queues, arn: arn.to_owned() })
}

/// Whether the caller may send to a queue of its own account.
pub(super) fn may_send_to(call: &Call<'_>, arn: &str) -> Result<(), ApiError> {
    may(call, &call.account_id(), arn.rsplit(':').next().unwrap_or_default(), "SendMessage")
}

fn queue<'c>(call: &'c Call<'_>, owner: &str, name: &str) -> Option<&'c Queue> {
    call.world.accounts.get(owner)?.regions.get(call.region)?.queues.by_name(name)
}

/// Whether the caller may do `action` with a queue that exists.
fn may(call: &Call<'_>, owner: &str, name: &str, action: &str) -> Result<(), ApiError> {
    let queue = queue(call, owner, name).ok_or_else(no_such_queue)?;
    let (full_action, context) = (format!("sqs:{action}"), context(call, owner));
    let ask = Ask { caller: call.caller, action: &full_action, resource: &queue.arn, context: &context };
    let by_queue = match policy(queue).map_or(Decision::ImplicitDeny, |policy| by_resource(&policy, owner, &ask)) {
        Decision::Allow if call.caller.account() != Some(owner) && OWN_ACCOUNT_ONLY.contains(&action) => {
            Decision::ImplicitDeny
        }
        decision => decision,
    };
    join(call.caller, owner, by_identity(call.world, &ask), by_queue)
        .map_err(|refusal| denied(call.caller, action, Some(&queue.arn), refusal))
}

/// Whether the caller may do `action`, which no queue's policy can allow, to `resource` in its own account.
/// SQS does not tell the resource of an action that is about no queue.
pub(super) fn own(call: &Call<'_>, action: &str, queue_arn: Option<&str>) -> Result<(), ApiError> {
    let (full_action, context) = (format!("sqs:{action}"), context(call, &call.account_id()));
    let resource = queue_arn.unwrap_or("*");
    check_own(call.world, &Ask { caller: call.caller, action: &full_action, resource, context: &context })
        .map_err(|refusal| denied(call.caller, action, queue_arn, refusal))
}

fn context(call: &Call<'_>, owner: &str) -> Context {
    request_context(call).with("aws:ResourceAccount", owner)
}

/// Whether an AWS service may send to a queue: only its policy can say so. `context` carries `aws:SourceArn`
/// and `aws:SourceAccount`.
pub fn service_may_send(queue: &Queue, service: &str, context: &Context) -> bool {
    let principal = PrincipalIdentity::Service { name: service };
    let request = AccessRequest { principal, action: "sqs:SendMessage", resource: &queue.arn, context };
    policy(queue).is_some_and(|policy| evaluate(&[&policy], &request) == Decision::Allow)
}

/// A policy is stored only after it was read, so one that cannot be read does not occur.
fn policy(queue: &Queue) -> Option<Document> {
    Document::parse(queue.settings.policy.as_deref()?).ok()
}

fn denied(caller: &Caller, action: &str, queue_arn: Option<&str>, refusal: Refusal) -> ApiError {
    // SQS writes the action in lower case.
    let (who, action) = (caller.arn(), format!("sqs:{}", action.to_lowercase()));
    let resource = queue_arn.map(|arn| format!(" on resource: {arn}")).unwrap_or_default();
    let why = refusal.why(&action);
    ApiError::new(403, "AccessDenied", format!("User: {who} is not authorized to perform: {action}{resource} {why}"))
}
