//! Making, telling, listing and deleting groups.

use super::input::{group_name, path, path_prefix};
use super::paging::Page;
use super::{Group, already_exists, delete_conflict, done, over_quota, reply, users};
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

/// The quota that accounts start with.
pub(super) const MOST_GROUPS: usize = 300;

pub(super) fn create(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, path) = (group_name(form)?, path(form)?);
    let groups = &call.account().iam.groups;
    if groups.contains_key(&name.to_lowercase()) {
        return Err(already_exists(format!("Group with name {name} already exists.")));
    }
    if groups.len() >= MOST_GROUPS {
        return Err(over_quota("GroupsPerAccount", MOST_GROUPS));
    }
    let id = call.world.ids.group_id();
    let group = Group { name: name.clone(), id, path, created: call.now, ..Group::default() };
    let account = call.account_id();
    let answer = reply("CreateGroup", |xml| xml.element("Group", |xml| write(xml, &group, &account)));
    call.account().iam.groups.insert(name.to_lowercase(), group);
    answer
}

/// The group and, in pages, its members.
pub(super) fn get(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, account) = (group_name(form)?, call.account_id());
    let iam = &mut call.account().iam;
    let group = iam.group(&name)?.clone();
    let key = name.to_lowercase();
    let members = iam.users.iter().filter(|(_, user)| user.groups.contains(&key));
    let page = Page::of(form, members.map(|(key, user)| (key.clone(), user)))?;
    reply("GetGroup", |xml| {
        xml.element("Group", |xml| write(xml, &group, &account));
        page.write(xml, "Users", |xml, user| users::write(xml, user, &account));
    })
}

/// Groups whose path begins with `PathPrefix`.
pub(super) fn list(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (prefix, account) = (path_prefix(form)?, call.account_id());
    let groups = call.account().iam.groups.iter().filter(|(_, group)| group.path.starts_with(prefix));
    let page = Page::of(form, groups.map(|(key, group)| (key.clone(), group)))?;
    reply("ListGroups", |xml| page.write(xml, "Groups", |xml, group| write(xml, group, &account)))
}

/// Refused while the group has members or policies.
pub(super) fn delete(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = group_name(form)?;
    let key = name.to_lowercase();
    let iam = &mut call.account().iam;
    let group = iam.group(&name)?;
    let (attached, inline) = (!group.policies.attached.is_empty(), !group.policies.inline.is_empty());
    let left = [
        (iam.users.values().any(|user| user.groups.contains(&key)), "remove users from group"),
        (attached, "detach all policies"),
        (inline, "delete policies"),
    ];
    if let Some((_, what)) = left.iter().find(|(is_left, _)| *is_left) {
        return Err(delete_conflict(&format!("Cannot delete entity, must {what} first.")));
    }
    iam.groups.remove(&key);
    done("DeleteGroup")
}

pub(super) fn write(xml: &mut Xml, group: &Group, account: &str) {
    xml.text("Path", &group.path);
    xml.text("GroupName", &group.name);
    xml.text("GroupId", &group.id);
    xml.text("Arn", group.arn(account));
    xml.text("CreateDate", group.created.iso8601());
}
