//! Making, telling, listing and deleting users.

use super::input::{path, path_prefix, user_name, user_name_or_own};
use super::paging::Page;
use super::{CredentialKind, User, already_exists, delete_conflict, done, over_quota, reply, tags};
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

/// An account has this many users; AWS does not raise it.
pub(super) const MOST_USERS: usize = 5000;

/// Every account has its administrator, who is not among the users that can be changed.
const ADMINISTRATOR: &str = "administrator";

pub(super) fn create(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    if form.get("PermissionsBoundary").is_some() {
        return Err(ApiError::not_implemented("iam", "permissions boundary"));
    }
    let name = user_name(form)?;
    let path = path(form)?;
    // One bad tag fails the whole call.
    let tags = tags::merged(Vec::new(), tags::read(form)?)?;
    let users = &call.account().iam.users;
    if users.contains_key(&name.to_lowercase()) || name.eq_ignore_ascii_case(ADMINISTRATOR) {
        return Err(already_exists(format!("User with name {name} already exists.")));
    }
    if users.len() >= MOST_USERS {
        return Err(over_quota("UsersPerAccount", MOST_USERS));
    }
    let id = call.world.ids.user_id();
    let user = User { name: name.clone(), id, path, created: call.now, tags, ..User::default() };
    let account = call.account_id();
    let answer = reply("CreateUser", |xml| xml.element("User", |xml| write_with_tags(xml, &user, &account)));
    call.account().iam.users.insert(name.to_lowercase(), user);
    answer
}

pub(super) fn get(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let account = call.account_id();
    if call.caller.is_administrator() && form.get("UserName").is_none_or(|name| name == ADMINISTRATOR) {
        let (name, id) = (ADMINISTRATOR.to_owned(), "AIDAADMINISTRATOR".to_owned());
        let user = User { name, id, path: "/".to_owned(), ..User::default() };
        return reply("GetUser", |xml| xml.element("User", |xml| write(xml, &user, &account)));
    }
    let name = user_name_or_own(call, form)?;
    let user = call.account().iam.user(&name)?;
    reply("GetUser", |xml| xml.element("User", |xml| write_with_tags(xml, user, &account)))
}

/// Users whose path begins with `PathPrefix`, without their tags.
pub(super) fn list(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (prefix, account) = (path_prefix(form)?, call.account_id());
    let users = call.account().iam.users.iter().filter(|(_, user)| user.path.starts_with(prefix));
    let page = Page::of(form, users.map(|(key, user)| (key.clone(), user)))?;
    reply("ListUsers", |xml| page.write(xml, "Users", |xml, user| write(xml, user, &account)))
}

/// Refused while anything of the user's is left: IAM deletes nothing on the way (API reference, DeleteUser).
pub(super) fn delete(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = user_name(form)?;
    let iam = &mut call.account().iam;
    let user = iam.user(&name)?;
    let has = |kind| user.credentials.iter().any(|credential| credential.kind == kind);
    let left = [
        (!user.groups.is_empty(), "remove users from group"),
        (!user.policies.attached.is_empty(), "detach all policies"),
        (!user.policies.inline.is_empty(), "delete policies"),
        (!user.access_keys.is_empty(), "delete access keys"),
        (user.login_profile.is_some(), "delete login profile"),
        (has(CredentialKind::MfaDevice), "deactivate MFA device"),
        (has(CredentialKind::SigningCertificate), "delete signing certificates"),
        (has(CredentialKind::SshPublicKey), "delete SSH public keys"),
        (has(CredentialKind::ServiceSpecificCredential), "delete service specific credentials"),
    ];
    if let Some((_, what)) = left.iter().find(|(is_left, _)| *is_left) {
        return Err(delete_conflict(&format!("Cannot delete entity, must {what} first.")));
    }
    iam.users.remove(&name.to_lowercase());
    done("DeleteUser")
}

/// Without tags, as lists have it.
pub(super) fn write(xml: &mut Xml, user: &User, account: &str) {
    xml.text("Path", &user.path);
    xml.text("UserName", &user.name);
    xml.text("UserId", &user.id);
    xml.text("Arn", user.arn(account));
    xml.text("CreateDate", user.created.iso8601());
}

fn write_with_tags(xml: &mut Xml, user: &User, account: &str) {
    write(xml, user, account);
    if !user.tags.is_empty() {
        tags::write(xml, &user.tags);
    }
}
