//! The principals of a stored bucket policy: IAM users are kept by their unique id.
//!
//! So a user who is deleted and made again is not who the policy names, and what is read back has the id in
//! place of the ARN (IAM user guide, "AWS JSON policy elements: Principal").

use serde_json::Value;

use super::access::is_account_id;
use super::errors::malformed_policy;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::reply::ApiError;
use crate::world::{PARTITION, World};

const ELEMENTS: [&str; 2] = ["Principal", "NotPrincipal"];

/// Elements in which a list of one is given back as that one.
const COLLAPSING: [&str; 4] = ["Action", "NotAction", "Resource", "NotResource"];

/// Puts unique ids in place of users' ARNs, and root ARNs in place of account ids.
///
/// # Errors
/// `MalformedPolicy` for a principal that does not exist, or does not yet: S3 says nothing more.
pub(super) fn bind(policy: &mut Value, world: &World, now: Timestamp) -> Result<(), ApiError> {
    for (kind, names) in principals(policy) {
        for name in each(names) {
            *name = bound(&kind, name, world, now).ok_or_else(|| malformed_policy("Invalid principal in policy"))?;
        }
    }
    collapse(policy);
    Ok(())
}

/// Puts ARNs back in place of the ids of users who exist.
pub(super) fn unbind(policy: &mut Value, world: &World) {
    for (_, names) in principals(policy) {
        for name in each(names) {
            if let Some(arn) = arn_of(name, world) {
                *name = arn;
            }
        }
    }
}

fn bound(kind: &str, name: &str, world: &World, now: Timestamp) -> Option<String> {
    match kind {
        "AWS" if name == "*" => Some(name.to_owned()),
        "AWS" if is_account_id(name) => Some(format!("arn:{PARTITION}:iam::{name}:root")),
        "AWS" => bound_arn(name, world, now),
        "Service" if name.ends_with(".amazonaws.com") => Some(name.to_owned()),
        // Neither identity providers nor canonical user ids are known here.
        _ => None,
    }
}

/// A root user's ARN is always valid, a user's if it is the user's to the letter; there are no roles.
fn bound_arn(arn: &str, world: &World, now: Timestamp) -> Option<String> {
    let (account, resource) = arn.strip_prefix(&format!("arn:{PARTITION}:iam::"))?.split_once(':')?;
    if !is_account_id(account) {
        return None;
    }
    let administrator = Caller::Administrator { account: account.to_owned() };
    if resource == "root" || arn == administrator.arn() {
        return Some(arn.to_owned());
    }
    let users = &world.accounts.get(account)?.iam.users;
    let user = users.values().find(|user| user.arn(account) == arn)?;
    let known = now >= user.created.after(world.propagation.user_as_principal);
    known.then(|| user.id.clone())
}

fn arn_of(id: &str, world: &World) -> Option<String> {
    world.accounts.iter().find_map(|(account, state)| {
        let user = state.iam.users.values().find(|user| user.id == id)?;
        Some(user.arn(account))
    })
}

/// All named principals, by kind: `AWS`, `Service`.
fn principals(policy: &mut Value) -> impl Iterator<Item = (String, &mut Value)> {
    statements(policy)
        .filter_map(Value::as_object_mut)
        .flat_map(|statement| statement.iter_mut().filter(|(name, _)| ELEMENTS.contains(&name.as_str())))
        .filter_map(|(_, principal)| principal.as_object_mut())
        .flat_map(|kinds| kinds.iter_mut().map(|(kind, names)| (kind.clone(), names)))
}

fn statements(policy: &mut Value) -> impl Iterator<Item = &mut Value> {
    policy.get_mut("Statement").into_iter().flat_map(|statement| match statement {
        Value::Array(statements) => statements.iter_mut().collect::<Vec<_>>(),
        single => vec![single],
    })
}

fn each(names: &mut Value) -> impl Iterator<Item = &mut String> {
    let list = match names {
        Value::Array(list) => list.iter_mut().collect::<Vec<_>>(),
        single => vec![single],
    };
    list.into_iter().filter_map(|name| if let Value::String(name) = name { Some(name) } else { None })
}

fn collapse(policy: &mut Value) {
    for (_, names) in principals(policy) {
        collapse_value(names);
    }
    for statement in statements(policy).filter_map(Value::as_object_mut) {
        statement
            .iter_mut()
            .filter(|(name, _)| COLLAPSING.contains(&name.as_str()))
            .for_each(|(_, value)| collapse_value(value));
    }
}

fn collapse_value(value: &mut Value) {
    if let Value::Array(list) = value
        && let [single] = list.as_mut_slice()
    {
        *value = single.take();
    }
}
