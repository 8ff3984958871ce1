//! Who may do what with a queue.

use super::errors::{missing, no_such_queue};
use super::{Queue, Queues};
use crate::caller::Caller;
use crate::policy::{AccessRequest, Context, Decision, Document, PrincipalIdentity, evaluate};
use crate::reply::ApiError;
use crate::world::Call;

/// What a queue policy cannot permit to other accounts (developer guide, "Limitations of Amazon SQS custom
/// policies").
const OWN_ACCOUNT_ONLY: [&str; 2] = ["DeleteQueue", "SetQueueAttributes"];

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
    // Looked up without `World::region`: another account's URL must not bring that account into being.
    let region = call.world.accounts.get_mut(account).and_then(|owner| owner.regions.get_mut(call.region));
    let queues = &mut region.ok_or_else(no_such_queue)?.queues;
    let queue = queues.by_name(name).ok_or_else(no_such_queue)?;
    if !may(call.caller, account, queue, action) {
        return Err(denied(call.caller, queue, action));
    }
    let arn = queue.arn.clone();
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

/// Users have no identity policies here: they may what the queue's policy allows them. The owner's
/// administrator may everything that the policy does not deny.
fn may(caller: &Caller, owner: &str, queue: &Queue, action: &str) -> bool {
    let own = caller.account() == Some(owner);
    let who = match caller {
        Caller::Anonymous => PrincipalIdentity::Anonymous,
        Caller::Administrator { account } => PrincipalIdentity::Account { account },
        Caller::User { account, arn, user_id, .. } => PrincipalIdentity::User { account, arn, user_id },
    };
    match decide(queue, who, action, &Context::default()) {
        Decision::ExplicitDeny => false,
        Decision::Allow => own || !OWN_ACCOUNT_ONLY.contains(&action),
        Decision::ImplicitDeny => own && caller.is_administrator(),
    }
}

/// Whether an AWS service may send to a queue: only its policy can say so. `context` carries `aws:SourceArn`
/// and `aws:SourceAccount`.
pub fn service_may_send(queue: &Queue, service: &str, context: &Context) -> bool {
    decide(queue, PrincipalIdentity::Service { name: service }, "SendMessage", context) == Decision::Allow
}

fn decide(queue: &Queue, principal: PrincipalIdentity<'_>, action: &str, context: &Context) -> Decision {
    let Some(Ok(policy)) = queue.settings.policy.as_deref().map(Document::parse) else { return Decision::ImplicitDeny };
    let action = format!("sqs:{action}");
    evaluate(&[&policy], &AccessRequest { principal, action: &action, resource: &queue.arn, context })
}

fn denied(caller: &Caller, queue: &Queue, action: &str) -> ApiError {
    // SQS writes the action in lower case.
    let (who, action) = (caller.arn(), format!("sqs:{}", action.to_lowercase()));
    ApiError::new(
        403,
        "AccessDenied",
        format!(
            "User: {who} is not authorized to perform: {action} on resource: {} because no resource-based policy \
             allows the {action} action",
            queue.arn
        ),
    )
}
