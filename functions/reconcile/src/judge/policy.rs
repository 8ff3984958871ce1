//! What is wrong with a bucket's policy, and whose matter that is.

use aws::buckets::{self, Bucket};
use contract::{Finding, FindingCode};
use org::{bucket_policy, foreign_statement, public_grant_outside, same_policy, stale_principals};

use super::Terms;
use crate::inspect::Setup;

/// At most one finding: the one that decides what can be done. `user_arn` is none while the user is missing, whose
/// replacement comes first.
pub(super) fn findings(
    terms: &Terms<'_>,
    bucket: &Bucket<Setup>,
    policy: Option<&str>,
    user_arn: Option<&str>,
) -> Option<Finding> {
    let finding = |code, message: String| Some(Finding::new(code, buckets::resource(&bucket.name), message));
    let Some(policy) = policy else {
        return finding(FindingCode::PolicyMissing, "has no policy; sign-up puts the convention's there".to_owned());
    };
    let expected = user_arn.map_or_else(|| terms.place.user_arn(&terms.user_name()), str::to_owned);
    if same_policy(policy, &bucket_policy(terms.place, &bucket.name, &expected)) {
        return None;
    }
    if let Some(grant) = public_grant_outside(policy, terms.place, &bucket.name) {
        let message =
            format!("its policy has a grant beside the public folder ({grant}), which somebody put there; remove it");
        return finding(FindingCode::PublicGrant, message);
    }
    if let Some(statement) = foreign_statement(policy, terms.place, &bucket.name, &expected) {
        let message = format!(
            "its policy has a statement that is not the convention's ({statement}), which somebody put there; remove it, or leave it and know that a sign-up replaces the policy"
        );
        return finding(FindingCode::ForeignStatement, message);
    }
    let stale = stale_principals(policy);
    if !stale.is_empty() {
        let message = format!(
            "its policy names {}, whom AWS does not know any more: the user was deleted, and one that was made since is not meant by it; sign-up puts the convention's policy there",
            stale.join(", ")
        );
        return finding(FindingCode::StalePrincipal, message);
    }
    finding(FindingCode::PolicyDiffers, "its policy is not the convention's; sign-up puts that there".to_owned())
}
