//! Tags of users, and of policies when they are made.

use super::input::{texts, user_name};
use super::paging::Page;
use super::{done, invalid_input, reply};
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

const MOST_TAGS: usize = 50;

pub(super) type Tags = Vec<(String, String)>;

pub(super) fn tag(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = user_name(form)?;
    let new = read(form)?;
    let user = call.account().iam.user(&name)?;
    user.tags = merged(user.tags.clone(), new)?;
    done("TagUser")
}

/// A key that is not there is no error.
pub(super) fn untag(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, keys) = (user_name(form)?, texts(form, "TagKeys"));
    let user = call.account().iam.user(&name)?;
    user.tags.retain(|(key, _)| !keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
    done("UntagUser")
}

/// Sorted by key.
pub(super) fn list(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = user_name(form)?;
    let mut tags = call.account().iam.user(&name)?.tags.clone();
    tags.sort();
    let page = Page::of(form, tags.into_iter().map(|tag| (tag.0.clone(), tag)))?;
    reply("ListUserTags", |xml| page.write(xml, "Tags", write_one))
}

/// Adds tags to tags: a key that is there in another case is the same key, and takes the new spelling.
pub(super) fn merged(mut tags: Tags, new: Tags) -> Result<Tags, ApiError> {
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

/// The tags that a request has.
pub(super) fn read(form: &Form) -> Result<Tags, ApiError> {
    let tags = form.pairs("Tags", "Key", "Value");
    for (n, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || key.starts_with("aws:") {
            return Err(invalid_input(format!("The tag {key} is not valid.")));
        }
        if tags.iter().take(n).any(|(earlier, _)| earlier.eq_ignore_ascii_case(key)) {
            return Err(invalid_input("Duplicate tag keys found. Tag keys are case insensitive."));
        }
    }
    Ok(tags)
}

pub(super) fn write(xml: &mut Xml, tags: &[(String, String)]) {
    xml.element("Tags", |xml| {
        for tag in tags {
            xml.element("member", |xml| write_one(xml, tag));
        }
    });
}

fn write_one(xml: &mut Xml, (key, value): &(String, String)) {
    xml.text("Key", key);
    xml.text("Value", value);
}
