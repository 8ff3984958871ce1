//! The tags of a bucket. PutBucketTagging replaces the whole set.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;

use super::access::open;
use super::{NAMESPACE, xml_body};
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;
use crate::xml::Xml;

const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// Tags as they are sent.
#[derive(Deserialize)]
pub(super) struct TagList {
    #[serde(rename = "Tag", default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    tag_set: TagList,
}

pub(super) fn get(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:GetBucketTagging")?;
    if bucket.tags.is_empty() {
        return Err(ApiError::new(404, "NoSuchTagSet", "The TagSet does not exist"));
    }
    Ok(Reply::xml(Xml::document("Tagging", NAMESPACE, |xml| {
        xml.element("TagSet", |xml| {
            for (key, value) in &bucket.tags {
                xml.element("Tag", |xml| {
                    xml.text("Key", key);
                    xml.text("Value", value);
                });
            }
        });
    })))
}

pub(super) fn put(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:PutBucketTagging")?;
    let tagging: Tagging = xml_body::read(request, "Tagging")?;
    bucket.tags = check(tagging.tag_set)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Needs the permission of PutBucketTagging.
pub(super) fn delete(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    open(call, request, "s3:PutBucketTagging")?.tags.clear();
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Checks a set of tags: 50 at most, keys of 1 to 128 characters and values up to 256, each key once (keys are
/// compared with case), none of AWS's own.
pub(super) fn check(list: TagList) -> Result<BTreeMap<String, String>, ApiError> {
    if list.tags.len() > MOST_TAGS {
        let message = format!("Bucket tag count cannot be greater than {MOST_TAGS}");
        return Err(ApiError::new(400, "BadRequest", message));
    }
    let mut tags = BTreeMap::new();
    for Tag { key, value } in list.tags {
        if key.is_empty() || key.chars().count() > LONGEST_KEY || !key.chars().all(is_tag_character) {
            return Err(invalid_tag("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > LONGEST_VALUE || !value.chars().all(is_tag_character) {
            return Err(invalid_tag("The TagValue you have provided is invalid"));
        }
        if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            return Err(invalid_tag("System tags cannot be added/updated by requester"));
        }
        if tags.insert(key, value).is_some() {
            return Err(invalid_tag("Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)
}

fn invalid_tag(message: &str) -> ApiError {
    ApiError::new(400, "InvalidTag", message)
}
