//! Managed policies: the account's own, and a few of AWS's. Each has the one version that it was made with.

use super::entities::arn;
use super::inline_policies::{check_document, encoded, size};
use super::input::{flag, path, path_prefix, policy_document, policy_name, required};
use super::paging::Page;
use super::{
    Iam, ManagedPolicy, already_exists, aws_managed, delete_conflict, done, invalid_input, not_found, over_quota,
    reply, tags, validation,
};
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

/// The quota that accounts start with.
pub(super) const MOST_POLICIES: usize = 1500;
/// A policy's size in characters that are not white space.
pub(super) const POLICY_SIZE: usize = 6144;
const VERSION: &str = "v1";

pub(super) fn create(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, path, document) = (policy_name(form)?, path(form)?, policy_document(form)?);
    let description = form.get("Description").map(str::to_owned);
    if description.as_ref().is_some_and(|text| text.chars().count() > 1000) {
        return Err(validation("1 validation error detected: description is longer than 1000".to_owned()));
    }
    let tags = tags::merged(Vec::new(), tags::read(form)?)?;
    check_document(&document)?;
    if size(&document) > POLICY_SIZE {
        return Err(over_quota("PolicySize", POLICY_SIZE));
    }
    let policies = &call.account().iam.policies;
    if policies.contains_key(&name.to_lowercase()) {
        return Err(already_exists(format!("A policy called {name} already exists. Duplicate names are not allowed.")));
    }
    if policies.len() >= MOST_POLICIES {
        return Err(over_quota("PoliciesPerAccount", MOST_POLICIES));
    }
    let (id, arn) = (call.world.ids.policy_id(), arn(&call.account_id(), "policy", &path, &name));
    let policy = ManagedPolicy { name, id, path, arn, description, created: call.now, tags, document };
    let answer = reply("CreatePolicy", |xml| xml.element("Policy", |xml| write_whole(xml, &policy, 0)));
    call.account().iam.policies.insert(policy.name.to_lowercase(), policy);
    answer
}

pub(super) fn get(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let arn = policy_arn(form)?;
    let iam = &call.account().iam;
    let policy = find(iam, arn)?;
    let uses = attachments(iam, arn);
    reply("GetPolicy", |xml| xml.element("Policy", |xml| write_whole(xml, &policy, uses)))
}

pub(super) fn get_version(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (arn, version) = (policy_arn(form)?, required(form, "VersionId")?);
    let policy = find(&call.account().iam, arn)?;
    if version != VERSION {
        let message = format!("Policy {arn} version {version} does not exist or is not attachable.");
        return Err(not_found(message));
    }
    reply("GetPolicyVersion", |xml| {
        xml.element("PolicyVersion", |xml| {
            xml.text("Document", encoded(&policy.document));
            xml.text("VersionId", VERSION);
            xml.text("IsDefaultVersion", "true");
            xml.text("CreateDate", policy.created.iso8601());
        });
    })
}

/// AWS's, the account's or all policies, those that are attached or all.
pub(super) fn list(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (prefix, only_attached) = (path_prefix(form)?, flag(form, "OnlyAttached")?);
    if form.get("PolicyUsageFilter").is_some_and(|usage| usage != "PermissionsPolicy") {
        return Err(ApiError::not_implemented("iam", "permissions boundary"));
    }
    let (aws, local) = match form.get("Scope") {
        None | Some("All") => (true, true),
        Some("AWS") => (true, false),
        Some("Local") => (false, true),
        Some(other) => return Err(validation(format!("Scope must be All, AWS or Local, not {other}"))),
    };
    let iam = &call.account().iam;
    let of_aws = aws_managed::all().filter(|_| aws);
    let own = iam.policies.values().filter(|_| local).cloned();
    let mut policies: Vec<(String, (ManagedPolicy, usize))> = of_aws
        .chain(own)
        .filter(|policy| policy.path.starts_with(prefix))
        .map(|policy| (policy.arn.clone(), (attachments(iam, &policy.arn), policy)))
        .map(|(key, (uses, policy))| (key, (policy, uses)))
        .filter(|(_, (_, uses))| *uses > 0 || !only_attached)
        .collect();
    policies.sort_by(|(one, _), (other, _)| one.cmp(other));
    let page = Page::of(form, policies)?;
    reply("ListPolicies", |xml| page.write(xml, "Policies", |xml, (policy, uses)| write(xml, policy, *uses)))
}

/// Refused while the policy is attached to anything.
pub(super) fn delete(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let arn = policy_arn(form)?;
    let iam = &mut call.account().iam;
    let policy = find(iam, arn)?;
    if arn.starts_with(&aws_managed::prefix()) {
        return Err(ApiError::new(403, "AccessDenied", format!("Policy {arn} is outside your own account.")));
    }
    if attachments(iam, arn) > 0 {
        return Err(delete_conflict("Cannot delete a policy attached to entities."));
    }
    iam.policies.remove(&policy.name.to_lowercase());
    done("DeletePolicy")
}

/// The `PolicyArn` that `form` names, whether there is such a policy or not.
pub(super) fn policy_arn(form: &Form) -> Result<&str, ApiError> {
    let arn = required(form, "PolicyArn")?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", _, resource] if resource.starts_with("policy/") => Ok(arn),
        _ => Err(invalid_input(format!("ARN {arn} is not valid."))),
    }
}

/// The policy with this ARN.
///
/// # Errors
/// `NoSuchEntity`. A policy that AWS has and that is not here says so, for it may well exist.
pub(super) fn find(iam: &Iam, arn: &str) -> Result<ManagedPolicy, ApiError> {
    if arn.starts_with(&aws_managed::prefix()) {
        return aws_managed::by_arn(arn).ok_or_else(|| ApiError::not_implemented("iam", arn));
    }
    let own = iam.policies.values().find(|policy| policy.arn == arn);
    own.cloned().ok_or_else(|| not_found(format!("Policy {arn} was not found.")))
}

/// To how many users and groups the policy is attached.
fn attachments(iam: &Iam, arn: &str) -> usize {
    let users = iam.users.values().map(|user| &user.policies);
    let holders = users.chain(iam.groups.values().map(|group| &group.policies));
    holders.filter(|policies| policies.attached.contains(arn)).count()
}

/// As lists have it: without description and tags.
fn write(xml: &mut Xml, policy: &ManagedPolicy, uses: usize) {
    xml.text("PolicyName", &policy.name);
    xml.text("PolicyId", &policy.id);
    xml.text("Arn", &policy.arn);
    xml.text("Path", &policy.path);
    xml.text("DefaultVersionId", VERSION);
    xml.text("AttachmentCount", uses.to_string());
    xml.text("PermissionsBoundaryUsageCount", "0");
    xml.text("IsAttachable", "true");
    xml.text("CreateDate", policy.created.iso8601());
    xml.text("UpdateDate", policy.created.iso8601());
}

fn write_whole(xml: &mut Xml, policy: &ManagedPolicy, uses: usize) {
    write(xml, policy, uses);
    if let Some(description) = &policy.description {
        xml.text("Description", description);
    }
    if !policy.tags.is_empty() {
        tags::write(xml, &policy.tags);
    }
}
