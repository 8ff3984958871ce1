//! Which users are in which groups.

use super::input::{group_name, user_name};
use super::paging::Page;
use super::{done, groups, no_such_entity, over_quota, reply};
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;

/// A user is in this many groups at most; AWS does not raise it.
pub(super) const MOST_GROUPS_OF_USER: usize = 10;

/// Adding a member again is no error.
pub(super) fn add(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (group, user) = (group_name(form)?, user_name(form)?);
    let iam = &mut call.account().iam;
    iam.group(&group)?;
    let groups = &mut iam.user(&user)?.groups;
    let key = group.to_lowercase();
    if !groups.contains(&key) && groups.len() >= MOST_GROUPS_OF_USER {
        return Err(over_quota("GroupsPerUser", MOST_GROUPS_OF_USER));
    }
    groups.insert(key);
    done("AddUserToGroup")
}

/// A user who is not a member cannot be removed.
pub(super) fn remove(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (group, user) = (group_name(form)?, user_name(form)?);
    let iam = &mut call.account().iam;
    iam.group(&group)?;
    match iam.user(&user)?.groups.remove(&group.to_lowercase()) {
        true => done("RemoveUserFromGroup"),
        false => Err(no_such_entity("user", &user)),
    }
}

pub(super) fn list(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, account) = (user_name(form)?, call.account_id());
    let iam = &mut call.account().iam;
    let keys = iam.user(&name)?.groups.clone();
    let of_user = iam.groups.iter().filter(|(key, _)| keys.contains(*key));
    let page = Page::of(form, of_user.map(|(key, group)| (key.clone(), group)))?;
    reply("ListGroupsForUser", |xml| page.write(xml, "Groups", |xml, group| groups::write(xml, group, &account)))
}
