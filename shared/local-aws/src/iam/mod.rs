//! Identity and Access Management: users with their credentials and tags, groups, identity policies, and what
//! these let a caller do in every service.
//!
//! Roles, permissions boundaries and further policy versions cannot be made here. Signing certificates, SSH keys,
//! service-specific credentials and MFA devices can be listed and taken away.

mod access_keys;
mod attachments;
mod authorization;
mod aws_managed;
mod credentials;
mod entities;
mod groups;
mod inline_policies;
mod input;
mod login_profiles;
mod managed_policies;
mod memberships;
mod paging;
mod permissions;
mod request_context;
mod summary;
mod tags;
mod users;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use authorization::{Ask, Refusal, by_identity, by_resource, check_own, join};
pub use credentials::{CredentialKind, OtherCredential};
pub use entities::{AccessKey, Group, KeyStatus, KeyUse, LoginProfile, ManagedPolicy, Policies, User};
pub(crate) use request_context::request_context;

use crate::query_protocol;
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// What an account has in IAM. Names are kept in lower case: uniqueness ignores case.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Iam {
    /// Users by lower-case name.
    pub users: BTreeMap<String, User>,
    /// Groups by lower-case name.
    pub groups: BTreeMap<String, Group>,
    /// The account's own managed policies by lower-case name: a path does not make a name another one.
    pub policies: BTreeMap<String, ManagedPolicy>,
}

impl Iam {
    /// The user named `name`, whatever its case.
    pub fn user(&mut self, name: &str) -> Result<&mut User, ApiError> {
        self.users.get_mut(&name.to_lowercase()).ok_or_else(|| no_such_entity("user", name))
    }

    /// The user that has the access key `key_id`, and the key.
    pub(crate) fn access_key(&self, key_id: &str) -> Option<(&User, &AccessKey)> {
        self.users.values().find_map(|user| Some((user, user.access_keys.iter().find(|key| key.id == key_id)?)))
    }

    /// The group named `name`, whatever its case.
    fn group(&mut self, name: &str) -> Result<&mut Group, ApiError> {
        self.groups.get_mut(&name.to_lowercase()).ok_or_else(|| no_such_entity("group", name))
    }
}

/// Carries out `operation`, if the caller's identity policies allow it.
pub fn handle(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let named = ["UserName", "GroupName", "PolicyArn", "PolicyName", "AccessKeyId"];
    call.resource = named.iter().find_map(|name| form.get(name)).unwrap_or_default().to_owned();
    permissions::check(call, form, operation)?;
    match operation {
        "CreateUser" => users::create(call, form),
        "GetUser" => users::get(call, form),
        "ListUsers" => users::list(call, form),
        "DeleteUser" => users::delete(call, form),
        "TagUser" => tags::tag(call, form),
        "UntagUser" => tags::untag(call, form),
        "ListUserTags" => tags::list(call, form),
        "CreateAccessKey" => access_keys::create(call, form),
        "ListAccessKeys" => access_keys::list(call, form),
        "DeleteAccessKey" => access_keys::delete(call, form),
        "UpdateAccessKey" => access_keys::update(call, form),
        "GetAccessKeyLastUsed" => access_keys::last_used(call, form),
        "CreateLoginProfile" => login_profiles::create(call, form),
        "GetLoginProfile" => login_profiles::get(call, form),
        "DeleteLoginProfile" => login_profiles::delete(call, form),
        "ListSigningCertificates" | "ListSSHPublicKeys" | "ListServiceSpecificCredentials" | "ListMFADevices" => {
            credentials::list(call, form, operation)
        }
        "DeleteSigningCertificate"
        | "DeleteSSHPublicKey"
        | "DeleteServiceSpecificCredential"
        | "DeactivateMFADevice" => credentials::delete(call, form, operation),
        "GetAccountSummary" => summary::get(call),
        _ => of_groups(call, form, operation),
    }
}

fn of_groups(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    match operation {
        "CreateGroup" => groups::create(call, form),
        "GetGroup" => groups::get(call, form),
        "ListGroups" => groups::list(call, form),
        "DeleteGroup" => groups::delete(call, form),
        "AddUserToGroup" => memberships::add(call, form),
        "RemoveUserFromGroup" => memberships::remove(call, form),
        "ListGroupsForUser" => memberships::list(call, form),
        _ => of_policies(call, form, operation),
    }
}

fn of_policies(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    match operation {
        "PutUserPolicy" | "PutGroupPolicy" => inline_policies::put(call, form, operation),
        "GetUserPolicy" | "GetGroupPolicy" => inline_policies::get(call, form, operation),
        "ListUserPolicies" | "ListGroupPolicies" => inline_policies::list(call, form, operation),
        "DeleteUserPolicy" | "DeleteGroupPolicy" => inline_policies::delete(call, form, operation),
        "AttachUserPolicy" | "AttachGroupPolicy" => attachments::attach(call, form, operation),
        "DetachUserPolicy" | "DetachGroupPolicy" => attachments::detach(call, form, operation),
        "ListAttachedUserPolicies" | "ListAttachedGroupPolicies" => attachments::list(call, form, operation),
        "CreatePolicy" => managed_policies::create(call, form),
        "GetPolicy" => managed_policies::get(call, form),
        "GetPolicyVersion" => managed_policies::get_version(call, form),
        "ListPolicies" => managed_policies::list(call, form),
        "DeletePolicy" => managed_policies::delete(call, form),
        other => Err(ApiError::not_implemented("iam", other)),
    }
}

fn reply(operation: &str, fill: impl FnOnce(&mut Xml)) -> Result<Reply, ApiError> {
    Ok(query_protocol::reply(operation, NAMESPACE, fill))
}

/// The answer of an operation that has nothing to tell.
fn done(operation: &str) -> Result<Reply, ApiError> {
    Ok(Reply::xml(Xml::document(&format!("{operation}Response"), NAMESPACE, |xml| {
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", "local-aws"));
    })))
}

fn validation(message: String) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

fn invalid_input(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidInput", message)
}

fn no_such_entity(kind: &str, name: &str) -> ApiError {
    not_found(format!("The {kind} with name {name} cannot be found."))
}

fn not_found(message: String) -> ApiError {
    ApiError::new(404, "NoSuchEntity", message)
}

fn already_exists(message: String) -> ApiError {
    ApiError::new(409, "EntityAlreadyExists", message)
}

fn over_quota(quota: &str, most: usize) -> ApiError {
    ApiError::new(409, "LimitExceeded", format!("Cannot exceed quota for {quota}: {most}"))
}

fn delete_conflict(message: &str) -> ApiError {
    ApiError::new(409, "DeleteConflict", message)
}

#[cfg(test)]
mod tests;
