//! Which permission an IAM operation takes, and on what ("Actions defined by AWS Identity and Access
//! Management (IAM)" in the service authorization reference).

use super::entities::arn;
use super::input::texts;
use super::{Ask, Iam, check_own, managed_policies, request_context};
use crate::caller::Caller;
use crate::policy::Context;
use crate::reply::ApiError;
use crate::request::Form;
use crate::world::Call;

/// What is about the account as a whole.
const ON_EVERYTHING: [&str; 4] = ["ListUsers", "ListGroups", "ListPolicies", "GetAccountSummary"];

/// Operations on a policy as such. Those that attach one are about the user or the group.
const ON_POLICIES: [&str; 4] = ["CreatePolicy", "GetPolicy", "GetPolicyVersion", "DeletePolicy"];

/// What an operation is about: its ARN, and the tags that it has.
struct Resource {
    arn: String,
    tags: Vec<(String, String)>,
}

/// Whether the caller may: first of all, before it is known whether what the request names is there.
pub(super) fn check(call: &Call<'_>, form: &Form, operation: &str) -> Result<(), ApiError> {
    let resource = resource(call, form, operation);
    let context = context(call, form, &resource);
    for operation in permissions(form, operation) {
        let action = format!("iam:{operation}");
        let ask = Ask { caller: call.caller, action: &action, resource: &resource.arn, context: &context };
        check_own(call.world, &ask).map_err(|refusal| {
            let (who, resource, why) = (call.caller.arn(), &resource.arn, refusal.why(&action));
            let message = format!("User: {who} is not authorized to perform: {action} on resource: {resource} {why}");
            ApiError::new(403, "AccessDenied", message)
        })?;
    }
    Ok(())
}

/// Tags at creation take the permission to tag as well.
fn permissions<'o>(form: &Form, operation: &'o str) -> impl Iterator<Item = &'o str> {
    let tagging = match operation {
        "CreateUser" => Some("TagUser"),
        "CreatePolicy" => Some("TagPolicy"),
        _ => None,
    };
    let has_tags = form.get("Tags.member.1.Key").is_some();
    [operation].into_iter().chain(tagging.filter(|_| has_tags))
}

fn resource(call: &Call<'_>, form: &Form, operation: &str) -> Resource {
    let account = call.account_id();
    let iam = call.world.accounts.get(&account).map(|account| &account.iam);
    if ON_EVERYTHING.contains(&operation) {
        return Resource { arn: "*".to_owned(), tags: Vec::new() };
    }
    if ON_POLICIES.contains(&operation) {
        return policy(&account, iam, form);
    }
    if operation.contains("Group") && operation != "ListGroupsForUser" {
        return group(&account, iam, form);
    }
    user(&account, iam, form, call.caller)
}

/// The user that is named, the owner of the key that is named, or else the caller.
fn user(account: &str, iam: Option<&Iam>, form: &Form, caller: &Caller) -> Resource {
    let own_name = match caller {
        Caller::User { name, .. } => name,
        _ => "administrator",
    };
    let owns = |key_id: &str| iam?.access_key(key_id).map(|(user, _)| user.name.as_str());
    let name = form.get("UserName").or_else(|| owns(form.get("AccessKeyId")?)).unwrap_or(own_name);
    match iam.and_then(|iam| iam.users.get(&name.to_lowercase())) {
        Some(user) => Resource { arn: user.arn(account), tags: user.tags.clone() },
        None => Resource { arn: arn(account, "user", form.get("Path").unwrap_or("/"), name), tags: Vec::new() },
    }
}

fn group(account: &str, iam: Option<&Iam>, form: &Form) -> Resource {
    let name = form.get("GroupName").unwrap_or_default();
    let existing = iam.and_then(|iam| iam.groups.get(&name.to_lowercase()));
    let path = form.get("Path").unwrap_or("/");
    let arn = existing.map_or_else(|| arn(account, "group", path, name), |group| group.arn(account));
    Resource { arn, tags: Vec::new() }
}

fn policy(account: &str, iam: Option<&Iam>, form: &Form) -> Resource {
    let (path, name) = (form.get("Path").unwrap_or("/"), form.get("PolicyName").unwrap_or_default());
    let arn = form.get("PolicyArn").map_or_else(|| arn(account, "policy", path, name), str::to_owned);
    let tags = iam.and_then(|iam| managed_policies::find(iam, &arn).ok()).map(|policy| policy.tags);
    Resource { arn, tags: tags.unwrap_or_default() }
}

fn context(call: &Call<'_>, form: &Form, resource: &Resource) -> Context {
    let mut context = request_context(call).with("aws:ResourceAccount", call.account_id());
    for (key, value) in &resource.tags {
        context.insert(&format!("aws:ResourceTag/{key}"), value);
        context.insert(&format!("iam:ResourceTag/{key}"), value);
    }
    for (key, value) in form.pairs("Tags", "Key", "Value") {
        context.insert(&format!("aws:RequestTag/{key}"), value);
        context.insert("aws:TagKeys", key);
    }
    for key in texts(form, "TagKeys") {
        context.insert("aws:TagKeys", key);
    }
    if let Some(arn) = form.get("PolicyArn") {
        context.insert("iam:PolicyARN", arn);
    }
    context
}
