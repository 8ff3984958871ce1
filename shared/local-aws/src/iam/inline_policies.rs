//! Inline policies of users and groups.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::input::{group_name, policy_document, policy_name, user_name};
use super::paging::Page;
use super::{Iam, Policies, done, not_found, reply};
use crate::policy::Document;
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;

/// All inline policies of a user together, in characters that are not white space.
pub(super) const USER_POLICY_SIZE: usize = 2048;
/// The same for a group.
pub(super) const GROUP_POLICY_SIZE: usize = 5120;

/// What IAM leaves as it is in a document: it answers documents percent-encoded (RFC 3986).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who holds policies. The operations on users' and on groups' policies differ in nothing else.
#[derive(Clone)]
pub(super) enum Holder {
    User(String),
    Group(String),
}

impl Holder {
    /// The user or the group that `form` names, as the operation's name says which.
    pub(super) fn of(form: &Form, operation: &str) -> Result<Self, ApiError> {
        if operation.contains("Group") { group_name(form).map(Self::Group) } else { user_name(form).map(Self::User) }
    }

    pub(super) fn policies<'i>(&self, iam: &'i mut Iam) -> Result<&'i mut Policies, ApiError> {
        match self {
            Self::User(name) => Ok(&mut iam.user(name)?.policies),
            Self::Group(name) => Ok(&mut iam.group(name)?.policies),
        }
    }
}

/// Stores a policy, in place of one that has its name.
pub(super) fn put(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let (holder, name, document) = (Holder::of(form, operation)?, policy_name(form)?, policy_document(form)?);
    let policies = holder.policies(&mut call.account().iam)?;
    check_document(&document)?;
    let (kind, holder, most) = match &holder {
        Holder::User(user) => ("user", user, USER_POLICY_SIZE),
        Holder::Group(group) => ("group", group, GROUP_POLICY_SIZE),
    };
    let others = policies.inline.iter().filter(|(other, _)| **other != name);
    if size(&document) + others.map(|(_, document)| size(document)).sum::<usize>() > most {
        let message = format!("Maximum policy size of {most} bytes exceeded for {kind} {holder}");
        return Err(ApiError::new(409, "LimitExceeded", message));
    }
    policies.inline.insert(name, document);
    done(operation)
}

pub(super) fn get(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let (holder, name) = (Holder::of(form, operation)?, policy_name(form)?);
    let policies = holder.policies(&mut call.account().iam)?;
    let document = policies.inline.get(&name).ok_or_else(|| no_such_policy(&holder, &name))?;
    reply(operation, |xml| {
        match &holder {
            Holder::User(user) => xml.text("UserName", user),
            Holder::Group(group) => xml.text("GroupName", group),
        }
        xml.text("PolicyName", &name);
        xml.text("PolicyDocument", encoded(document));
    })
}

pub(super) fn list(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let holder = Holder::of(form, operation)?;
    let policies = holder.policies(&mut call.account().iam)?;
    let page = Page::of(form, policies.inline.keys().map(|name| (name.clone(), name)))?;
    reply(operation, |xml| page.write_texts(xml, "PolicyNames"))
}

pub(super) fn delete(call: &mut Call<'_>, form: &Form, operation: &str) -> Result<Reply, ApiError> {
    let (holder, name) = (Holder::of(form, operation)?, policy_name(form)?);
    let policies = holder.policies(&mut call.account().iam)?;
    policies.inline.remove(&name).ok_or_else(|| no_such_policy(&holder, &name))?;
    done(operation)
}

/// Whether IAM takes a document.
pub(super) fn check_document(document: &str) -> Result<(), ApiError> {
    Document::parse_identity(document).map(drop).map_err(|reason| ApiError::new(400, "MalformedPolicyDocument", reason))
}

/// A policy's size does not count white space.
pub(super) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// A document as answers have it.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, ENCODED).to_string()
}

fn no_such_policy(holder: &Holder, name: &str) -> ApiError {
    let kind = match holder {
        Holder::User(_) => "user",
        Holder::Group(_) => "group",
    };
    not_found(format!("The {kind} policy with name {name} cannot be found."))
}
