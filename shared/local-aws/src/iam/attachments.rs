//! Managed policies attached to users and groups.

use super::inline_policies::Holder;
use super::input::path_prefix;
use super::managed_policies::{find, policy_arn};
use super::paging::Page;
use super::{ManagedPolicy, done, not_found, over_quota, reply};
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;

/// The quota that users and groups start with.
pub(super) const MOST_ATTACHED: usize = 10;

/// Attaching again is no error.
pub(super) fn attach(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let (holder, arn) = (Holder::of(form, operation)?, policy_arn(form)?);
    let iam = &mut call.account().iam;
    holder.policies(iam)?;
    find(iam, arn).map_err(|error| match error.code {
        "NoSuchEntity" => not_found(format!("Policy {arn} does not exist or is not attachable.")),
        _ => error,
    })?;
    let attached = &mut holder.policies(iam)?.attached;
    if !attached.contains(arn) && attached.len() >= MOST_ATTACHED {
        let quota = if matches!(holder, Holder::User(_)) { "PoliciesPerUser" } else { "PoliciesPerGroup" };
        return Err(over_quota(quota, MOST_ATTACHED));
    }
    attached.insert(arn.to_owned());
    done(operation)
}

pub(super) fn detach(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let (holder, arn) = (Holder::of(form, operation)?, policy_arn(form)?);
    match holder.policies(&mut call.account().iam)?.attached.remove(arn) {
        true => done(operation),
        false => Err(not_found(format!("Policy {arn} was not found."))),
    }
}

/// Attached policies whose path begins with `PathPrefix`.
pub(super) fn list(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let (holder, prefix) = (Holder::of(form, operation)?, path_prefix(form)?);
    let iam = &mut call.account().iam;
    let attached = holder.policies(iam)?.attached.clone();
    let policies: Vec<ManagedPolicy> = attached.iter().filter_map(|arn| find(iam, arn).ok()).collect();
    let shown = policies.iter().filter(|policy| policy.path.starts_with(prefix));
    let page = Page::of(form, shown.map(|policy| (policy.arn.clone(), policy)))?;
    reply(operation, |xml| {
        page.write(xml, "AttachedPolicies", |xml, policy| {
            xml.text("PolicyName", &policy.name);
            xml.text("PolicyArn", &policy.arn);
        });
    })
}
