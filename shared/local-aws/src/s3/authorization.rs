//! Who may do what ("How Amazon S3 authorizes a request" in the S3 user guide).
//!
//! A caller of the owner's account needs the bucket policy or an identity policy, a caller of another account
//! needs both, an anonymous caller the bucket policy or a public access control list. A deny beats all.

use super::bucket::{Acl, Bucket, PublicAccessBlock, arn};
use super::errors::{access_denied, access_denied_because};
use crate::caller::Caller;
use crate::policy::{AccessRequest, Context, Decision, Document, PrincipalIdentity, evaluate};
use crate::reply::ApiError;
use crate::world::World;

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
    let same_account = question.caller.account() == Some(question.bucket.owner.as_str());
    let (identity, resource) = (by_identity(question.caller), by_resource(question, same_account));
    let allowed = match question.caller {
        _ if resource == Decision::ExplicitDeny || identity == Decision::ExplicitDeny => false,
        Caller::Anonymous => resource == Decision::Allow,
        _ if same_account => resource == Decision::Allow || identity == Decision::Allow,
        _ => resource == Decision::Allow && identity == Decision::Allow,
    };
    match allowed {
        true => Ok(()),
        false if same_account => Err(refusal(question, resource)),
        false => Err(access_denied()),
    }
}

/// Block Public Access as it counts for a bucket: the stricter of the account's and the bucket's setting.
pub(super) fn effective_block(world: &World, bucket: &Bucket) -> PublicAccessBlock {
    let account = world.accounts.get(&bucket.owner).and_then(|account| account.public_access_block);
    account.unwrap_or_default().or(bucket.public_access_block.unwrap_or_default())
}

/// What the caller's own policies say. Administrators may do everything; users have no policies yet.
fn by_identity(caller: &Caller) -> Decision {
    if caller.is_administrator() { Decision::Allow } else { Decision::ImplicitDeny }
}

fn by_resource(question: &Question<'_>, same_account: bool) -> Decision {
    let block = effective_block(question.world, question.bucket);
    // A policy is stored only after it was read, so one that cannot be read does not occur.
    let policy = question.bucket.policy.as_deref().and_then(|text| Document::parse(text).ok());
    let by_policy = policy.map_or(Decision::ImplicitDeny, |policy| {
        let restricted = block.restrict_public_buckets && !same_account && policy.is_public();
        match by_policy(question, &policy) {
            Decision::Allow if restricted => Decision::ImplicitDeny,
            decision => decision,
        }
    });
    match by_policy {
        Decision::ImplicitDeny if by_acl(question, block) => Decision::Allow,
        decision => decision,
    }
}

/// The administrator is named in policies by its account or by its own ARN.
fn by_policy(question: &Question<'_>, policy: &Document) -> Decision {
    let own_arn = question.caller.arn();
    let identities = match question.caller {
        Caller::Anonymous => vec![PrincipalIdentity::Anonymous],
        Caller::Administrator { account } => vec![
            PrincipalIdentity::Account { account },
            PrincipalIdentity::User { account, arn: &own_arn, user_id: &own_arn },
        ],
        Caller::User { account, arn, user_id, .. } => vec![PrincipalIdentity::User { account, arn, user_id }],
    };
    let resource = arn(question.name, question.key);
    let decisions: Vec<Decision> = identities
        .into_iter()
        .map(|principal| {
            let request =
                AccessRequest { principal, action: question.action, resource: &resource, context: question.context };
            evaluate(&[policy], &request)
        })
        .collect();
    [Decision::ExplicitDeny, Decision::Allow]
        .into_iter()
        .find(|decision| decisions.contains(decision))
        .unwrap_or(Decision::ImplicitDeny)
}

/// `public-read` on a bucket lets everyone list it, while access control lists count.
fn by_acl(question: &Question<'_>, block: PublicAccessBlock) -> bool {
    let counts = !block.ignore_public_acls && !question.bucket.enforces_ownership();
    counts && question.bucket.acl == Acl::PublicRead && question.action == "s3:ListBucket"
}

fn refusal(question: &Question<'_>, resource: Decision) -> ApiError {
    let why = match resource {
        Decision::ExplicitDeny => "with an explicit deny in a resource-based policy".to_owned(),
        _ => format!("because no identity-based policy allows the {} action", question.action),
    };
    access_denied_because(&question.caller.arn(), question.action, &arn(question.name, question.key), &why)
}
