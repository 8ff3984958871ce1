//! Users and their tags.

use super::{NAMESPACE, User, reply, user_name, validation};
use crate::query_protocol;
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

const MOST_TAGS: usize = 50;

pub(super) fn create(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = user_name(form)?;
    let path = form.get("Path").unwrap_or("/").to_owned();
    if !path.starts_with('/') || !path.ends_with('/') || path.len() > 512 {
        return Err(validation(format!("The specified value for path is invalid: {path}")));
    }
    // One bad tag fails the whole call.
    let tags = merged(Vec::new(), tags(form)?)?;
    if call.account().iam.users.contains_key(&name.to_lowercase()) {
        return Err(ApiError::new(409, "EntityAlreadyExists", format!("User with name {name} already exists.")));
    }
    let user = User {
        id: call.world.ids.user_id(),
        created: call.now,
        access_keys: Vec::new(),
        deleted_keys: Vec::new(),
        name: name.clone(),
        path,
        tags,
    };
    let account = call.account_id();
    let answer = reply("CreateUser", |xml| write(xml, &user, &account));
    call.account().iam.users.insert(name.to_lowercase(), user);
    answer
}

pub(super) fn get(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, account) = (user_name(form)?, call.account_id());
    let user = call.account().iam.user(&name)?;
    reply("GetUser", |xml| write(xml, user, &account))
}

pub(super) fn tag(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = user_name(form)?;
    let new = tags(form)?;
    let user = call.account().iam.user(&name)?;
    user.tags = merged(user.tags.clone(), new)?;
    Ok(Reply::xml(Xml::document("TagUserResponse", NAMESPACE, |xml| {
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", "local-aws"));
    })))
}

pub(super) fn list_tags(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = user_name(form)?;
    let user = call.account().iam.user(&name)?;
    Ok(query_protocol::reply("ListUserTags", NAMESPACE, |xml| {
        write_tags(xml, user);
        xml.text("IsTruncated", "false");
    }))
}

/// Adds tags to tags: a key that is there in another case is the same key, and takes the new spelling.
fn merged(mut tags: Vec<(String, String)>, new: Vec<(String, String)>) -> Result<Vec<(String, String)>, ApiError> {
    for (key, value) in new {
        match tags.iter_mut().find(|(existing, _)| existing.eq_ignore_ascii_case(&key)) {
            Some(existing) => *existing = (key, value),
            None => tags.push((key, value)),
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(ApiError::new(409, "LimitExceeded", "The number of tags has reached the maximum limit."));
    }
    Ok(tags)
}

fn tags(form: &Form) -> Result<Vec<(String, String)>, ApiError> {
    let tags = form.pairs("Tags", "Key", "Value");
    for (n, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || key.starts_with("aws:") {
            return Err(ApiError::new(400, "InvalidInput", format!("The tag {key} is not valid.")));
        }
        if tags.iter().take(n).any(|(earlier, _)| earlier.eq_ignore_ascii_case(key)) {
            return Err(ApiError::new(400, "InvalidInput", "Duplicate tag keys found. Tag keys are case insensitive."));
        }
    }
    Ok(tags)
}

fn write(xml: &mut Xml, user: &User, account: &str) {
    xml.element("User", |xml| {
        xml.text("Path", &user.path);
        xml.text("UserName", &user.name);
        xml.text("UserId", &user.id);
        xml.text("Arn", user.arn(account));
        xml.text("CreateDate", user.created.iso8601());
        write_tags(xml, user);
    });
}

fn write_tags(xml: &mut Xml, user: &User) {
    xml.element("Tags", |xml| {
        for (key, value) in &user.tags {
            xml.element("member", |xml| {
                xml.text("Key", key);
                xml.text("Value", value);
            });
        }
    });
}
