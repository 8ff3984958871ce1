//! Who may do what ("How Amazon S3 authorizes a request" in the S3 user guide).
//!
//! A caller of the owner's account needs the bucket policy or an identity policy, a caller of another account
//! needs both, an anonymous caller the bucket policy or a public access control list. A deny beats all.

use super::bucket::{Acl, Bucket, PublicAccessBlock, arn};
use super::condition_keys;
use super::errors::{access_denied, access_denied_because};
use crate::caller::Caller;
use crate::iam::{Ask, by_identity, by_resource, check_own, join};
use crate::policy::{Context, Decision, Document};
use crate::reply::ApiError;
use crate::request::Request;
use crate::world::{Call, World};

/// What a caller wants to do to a bucket or to a key in it.
pub(super) struct Question<'a> {
    pub(super) world: &'a World,
    pub(super) caller: &'a Caller,
    pub(super) name: &'a str,
    pub(super) bucket: &'a Bucket,
    pub(super) action: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) context: &'a Context,
}

/// Answers the question.
///
/// # Errors
/// `AccessDenied`, with the reason for callers of the owner's account.
pub(super) fn check(question: &Question<'_>) -> Result<(), ApiError> {
    let (caller, owner) = (question.caller, question.bucket.owner.as_str());
    let same_account = caller.account() == Some(owner);
    let resource = arn(question.name, question.key);
    let ask = Ask { caller, action: question.action, resource: &resource, context: question.context };
    let decisions = (by_identity(question.world, &ask), of_bucket(question, &ask, same_account));
    join(caller, owner, decisions.0, decisions.1).map_err(|refusal| match same_account {
        true => access_denied_because(&caller.arn(), ask.action, &resource, &refusal.why(ask.action)),
        false => access_denied(),
    })
}

/// Whether the caller may do what is about no bucket that exists: then its identity policies alone decide.
///
/// # Errors
/// `AccessDenied`, with the reason.
pub(super) fn check_account(call: &Call<'_>, request: &Request, action: &str, resource: &str) -> Result<(), ApiError> {
    if *call.caller == Caller::Anonymous {
        return Err(access_denied());
    }
    let context = condition_keys::of(call, request, &call.account_id());
    let ask = Ask { caller: call.caller, action, resource, context: &context };
    check_own(call.world, &ask)
        .map_err(|refusal| access_denied_because(&call.caller.arn(), action, resource, &refusal.why(action)))
}

/// Block Public Access as it counts for a bucket: the stricter of the account's and the bucket's setting.
pub(super) fn effective_block(world: &World, bucket: &Bucket) -> PublicAccessBlock {
    let account = world.accounts.get(&bucket.owner).and_then(|account| account.public_access_block);
    account.unwrap_or_default().or(bucket.public_access_block.unwrap_or_default())
}

/// What the bucket says: its policy, as far as Block Public Access lets it, and its access control list.
fn of_bucket(question: &Question<'_>, ask: &Ask<'_>, same_account: bool) -> Decision {
    let block = effective_block(question.world, question.bucket);
    // A policy is stored only after it was read, so one that cannot be read does not occur.
    let policy = question.bucket.policy.as_deref().and_then(|text| Document::parse(text).ok());
    let by_policy = policy.map_or(Decision::ImplicitDeny, |policy| {
        let restricted = block.restrict_public_buckets && !same_account && policy.is_public();
        match by_resource(&policy, &question.bucket.owner, ask) {
            Decision::Allow if restricted => Decision::ImplicitDeny,
            decision => decision,
        }
    });
    match by_policy {
        Decision::ImplicitDeny if by_acl(question, block) => Decision::Allow,
        decision => decision,
    }
}

/// `public-read` on a bucket lets everyone list it, while access control lists count.
fn by_acl(question: &Question<'_>, block: PublicAccessBlock) -> bool {
    let counts = !block.ignore_public_acls && !question.bucket.enforces_ownership();
    counts && question.bucket.acl == Acl::PublicRead && question.action == "s3:ListBucket"
}
