//! Access keys: two at most, inactive ones count, the secret is told once.

use super::input::{required, user_name_or_own};
use super::paging::Page;
use super::{AccessKey, KeyStatus, done, no_such_entity, over_quota, reply, validation};
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

/// A user has this many keys; AWS does not raise it.
pub(super) const MOST_KEYS: usize = 2;

pub(super) fn create(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, now) = (user_name_or_own(call, form)?, call.now);
    let (id, secret) = (call.world.ids.access_key_id(), call.world.ids.secret_access_key());
    let user = call.account().iam.user(&name)?;
    if user.access_keys.len() >= MOST_KEYS {
        return Err(over_quota("AccessKeysPerUser", MOST_KEYS));
    }
    let key = AccessKey { id, secret, status: KeyStatus::Active, created: now, last_used: None };
    let answer = reply("CreateAccessKey", |xml| {
        xml.element("AccessKey", |xml| {
            write(xml, &user.name, &key);
            xml.text("SecretAccessKey", &key.secret);
        });
    });
    user.access_keys.push(key);
    answer
}

/// Keys in the order made.
pub(super) fn list(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, now, lag) = (user_name_or_own(call, form)?, call.now, call.world.propagation.clone());
    let user = call.account().iam.user(&name)?;
    let made = user.access_keys.iter().filter(|key| now >= key.created.after(lag.key_listed));
    let deleted =
        user.deleted_keys.iter().filter(|(_, at)| now < at.after(lag.key_deletion_listed)).map(|(key, _)| key);
    let mut listed: Vec<_> = made.chain(deleted).map(|key| (format!("{:020}{}", key.created.0, key.id), key)).collect();
    listed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let page = Page::of(form, listed)?;
    reply("ListAccessKeys", |xml| page.write(xml, "AccessKeyMetadata", |xml, key| write(xml, &user.name, key)))
}

pub(super) fn delete(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, key_id, now) = (user_name_or_own(call, form)?, required(form, "AccessKeyId")?, call.now);
    let user = call.account().iam.user(&name)?;
    let position = user.access_keys.iter().position(|key| key.id == key_id).ok_or_else(|| no_such_key(key_id))?;
    let key = user.access_keys.remove(position);
    user.deleted_keys.push((key, now));
    done("DeleteAccessKey")
}

pub(super) fn update(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, key_id) = (user_name_or_own(call, form)?, required(form, "AccessKeyId")?);
    let status = match required(form, "Status")? {
        "Active" => KeyStatus::Active,
        "Inactive" => KeyStatus::Inactive,
        other => return Err(validation(format!("Status must be Active or Inactive, not {other}"))),
    };
    let user = call.account().iam.user(&name)?;
    let key = user.access_keys.iter_mut().find(|key| key.id == key_id).ok_or_else(|| no_such_key(key_id))?;
    key.status = status;
    done("UpdateAccessKey")
}

/// Never used: no date, and `N/A` for service and region.
pub(super) fn last_used(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let key_id = required(form, "AccessKeyId")?;
    let (user, key) = call.account().iam.access_key(key_id).ok_or_else(|| no_such_key(key_id))?;
    reply("GetAccessKeyLastUsed", |xml| {
        xml.text("UserName", &user.name);
        xml.element("AccessKeyLastUsed", |xml| {
            if let Some(used) = &key.last_used {
                xml.text("LastUsedDate", used.at.iso8601());
            }
            xml.text("ServiceName", key.last_used.as_ref().map_or("N/A", |used| &used.service));
            xml.text("Region", key.last_used.as_ref().map_or("N/A", |used| &used.region));
        });
    })
}

fn write(xml: &mut Xml, user_name: &str, key: &AccessKey) {
    xml.text("UserName", user_name);
    xml.text("AccessKeyId", &key.id);
    xml.text(
        "Status",
        match key.status {
            KeyStatus::Active => "Active",
            KeyStatus::Inactive => "Inactive",
        },
    );
    xml.text("CreateDate", key.created.iso8601());
}

fn no_such_key(key_id: &str) -> ApiError {
    no_such_entity("Access Key", key_id)
}
