//! GetAccountSummary: what the account has and may have.

use super::attachments::MOST_ATTACHED;
use super::inline_policies::{GROUP_POLICY_SIZE, USER_POLICY_SIZE};
use super::managed_policies::{MOST_POLICIES, POLICY_SIZE};
use super::{access_keys, groups, memberships, reply, users};
use crate::reply::{ApiError, Reply};
use crate::world::Call;

pub(super) fn get(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let iam = &call.account().iam;
    let entries = [
        ("Users", iam.users.len()),
        ("UsersQuota", users::MOST_USERS),
        ("Groups", iam.groups.len()),
        ("GroupsQuota", groups::MOST_GROUPS),
        ("Policies", iam.policies.len()),
        ("PoliciesQuota", MOST_POLICIES),
        ("AccessKeysPerUserQuota", access_keys::MOST_KEYS),
        ("GroupsPerUserQuota", memberships::MOST_GROUPS_OF_USER),
        ("AttachedPoliciesPerUserQuota", MOST_ATTACHED),
        ("AttachedPoliciesPerGroupQuota", MOST_ATTACHED),
        ("UserPolicySizeQuota", USER_POLICY_SIZE),
        ("GroupPolicySizeQuota", GROUP_POLICY_SIZE),
        ("PolicySizeQuota", POLICY_SIZE),
    ];
    reply("GetAccountSummary", |xml| {
        xml.element("SummaryMap", |xml| {
            for (key, value) in entries {
                xml.element("entry", |xml| {
                    xml.text("key", key);
                    xml.text("value", value.to_string());
                });
            }
        });
    })
}
