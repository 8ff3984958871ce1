//! Identity and Access Management: users and their access keys.

mod access_keys;
mod users;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::query_protocol;
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::{Call, PARTITION};
use crate::xml::Xml;

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// An account's users, and the access keys whose deletion may not be visible yet.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Iam {
    /// Users by lower-case name: uniqueness ignores case.
    pub users: BTreeMap<String, User>,
}

/// An IAM user.
#[derive(Clone, Serialize, Deserialize)]
pub struct User {
    /// The name as it was given.
    pub name: String,
    /// The unique id (`AIDA...`); a user that is deleted and made again has a new one.
    pub id: String,
    /// The path, `/` by default.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
    /// Tags in the order made. IAM compares their keys without case.
    pub tags: Vec<(String, String)>,
    /// Access keys, in the order made; two at most.
    pub access_keys: Vec<AccessKey>,
    /// Deleted keys that ListAccessKeys may still show.
    pub deleted_keys: Vec<(AccessKey, Timestamp)>,
}

/// An access key.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AKIA...`.
    pub id: String,
    /// The secret, which the API tells once.
    pub secret: String,
    /// Whether it may be used.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
    /// When, where and for what it was last used.
    pub last_used: Option<KeyUse>,
}

/// The state of an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are IAM's")]
pub enum KeyStatus {
    Active,
    Inactive,
}

/// The last use of an access key.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyUse {
    /// When.
    pub at: Timestamp,
    /// The service that was called.
    pub service: String,
    /// The region that was called.
    pub region: String,
}

impl User {
    /// The user's ARN, which includes its path.
    pub fn arn(&self, account: &str) -> String {
        format!("arn:{PARTITION}:iam::{account}:user{}{}", self.path, self.name)
    }
}

impl Iam {
    /// The user named `name`, whatever its case.
    pub fn user(&mut self, name: &str) -> Result<&mut User, ApiError> {
        self.users.get_mut(&name.to_lowercase()).ok_or_else(|| no_such_entity("user", name))
    }
}

/// Carries out `operation`. Users have no identity policies here, so only administrators may call IAM.
pub fn handle(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    if let Some(name) = form.get("UserName") {
        call.resource = name.to_owned();
    }
    if !call.caller.is_administrator() {
        let arn = call.caller.arn();
        return Err(ApiError::new(
            403,
            "AccessDenied",
            format!("User: {arn} is not authorized to perform: iam:{operation}"),
        ));
    }
    match operation {
        "CreateUser" => users::create(call, form),
        "GetUser" => users::get(call, form),
        "TagUser" => users::tag(call, form),
        "ListUserTags" => users::list_tags(call, form),
        "CreateAccessKey" => access_keys::create(call, form),
        "ListAccessKeys" => access_keys::list(call, form),
        "DeleteAccessKey" => access_keys::delete(call, form),
        "UpdateAccessKey" => access_keys::update(call, form),
        "GetAccessKeyLastUsed" => access_keys::last_used(call, form),
        other => Err(ApiError::not_implemented("iam", other)),
    }
}

fn reply(operation: &str, fill: impl FnOnce(&mut Xml)) -> Result<Reply, ApiError> {
    Ok(query_protocol::reply(operation, NAMESPACE, fill))
}

fn required<'f>(form: &'f Form, name: &str) -> Result<&'f str, ApiError> {
    form.get(name).ok_or_else(|| validation(format!("1 validation error detected: {name} must not be null")))
}

/// User names are 1 to 64 characters of letters, digits and `_+=,.@-`.
fn user_name(form: &Form) -> Result<String, ApiError> {
    let name = required(form, "UserName")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    match name.len() {
        1..=64 if name.chars().all(valid) => Ok(name.to_owned()),
        _ => Err(validation(format!("The specified value for userName is invalid: {name}"))),
    }
}

fn validation(message: String) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

fn no_such_entity(kind: &str, name: &str) -> ApiError {
    ApiError::new(404, "NoSuchEntity", format!("The {kind} with name {name} cannot be found."))
}
