//! Versioning: old versions, delete markers, and deleting either for good.

use http::StatusCode;
use serde::Deserialize;

use super::access::{may, open, reach};
use super::address::Address;
use super::bucket::{Bucket, Object, Past};
use super::errors::{invalid_argument, invalid_request, malformed_xml, no_such_bucket};
use super::objects::refuse_unbuilt;
use super::{NAMESPACE, payload, xml_body};
use crate::clock::Timestamp;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;
use crate::xml::Xml;

const LARGEST_PAGE: usize = 1000;
/// DeleteObjects takes this many keys.
const MOST_KEYS: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersioningConfiguration {
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    #[serde(rename = "Object", default)]
    objects: Vec<ToDelete>,
    #[serde(default)]
    quiet: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ToDelete {
    key: String,
    version_id: Option<String>,
}

/// What a deletion did.
struct Deleted {
    /// The version that is gone, or the delete marker that was made.
    version_id: Option<String>,
    /// Whether that is a delete marker.
    is_marker: bool,
}

/// A new version id.
pub(super) fn new_id(call: &mut Call<'_>) -> String {
    call.world.ids.uuid().replace('-', "")
}

/// A bucket that never had versioning on tells no status (API reference, GetBucketVersioning).
pub(super) fn status(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let versioned = open(call, request, "s3:GetBucketVersioning")?.versioned;
    Ok(Reply::xml(Xml::document("VersioningConfiguration", NAMESPACE, |xml| {
        if versioned {
            xml.text("Status", "Enabled");
        }
    })))
}

pub(super) fn switch_on(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:PutBucketVersioning")?;
    let configuration: VersioningConfiguration = xml_body::read(request, "VersioningConfiguration")?;
    match configuration.status.as_deref() {
        Some("Enabled") => bucket.versioned = true,
        Some("Suspended") => return Err(ApiError::not_implemented("s3", "suspending versioning")),
        _ => return Err(malformed_xml()),
    }
    Ok(Reply::default())
}

/// Makes an object the current one. With versioning, what it takes the place of stays behind it.
pub(super) fn put(bucket: &mut Bucket, key: String, object: Object) {
    if object.version_id.is_some() {
        keep(bucket, &key);
    }
    bucket.objects.insert(key, object);
}

/// Moves the current object, if there is one, among the past ones.
fn keep(bucket: &mut Bucket, key: &str) {
    if let Some(object) = bucket.objects.remove(key) {
        let past =
            Past { version_id: object.version().to_owned(), last_modified: object.last_modified, object: Some(object) };
        bucket.past.entry(key.to_owned()).or_default().insert(0, past);
    }
}

/// A key or a version that is not there is deleted all the same.
pub(super) fn delete(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    refuse_unbuilt(request, &["if-match"])?;
    let (key, now, marker) = (Address::of(request).key_name().to_owned(), call.now, new_id(call));
    let version = request.query("versionId");
    let bucket = open(call, request, action(version))?;
    let deleted = remove(bucket, &key, version, (&marker, now));
    let mut reply = Reply::empty(StatusCode::NO_CONTENT);
    if let Some(version) = &deleted.version_id {
        reply = reply.header("x-amz-version-id", version);
    }
    Ok(if deleted.is_marker { reply.header("x-amz-delete-marker", "true") } else { reply })
}

/// Up to a thousand keys at once; each is allowed or refused by itself, and what is refused is told in a 200.
pub(super) fn delete_many(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    reach(call, request, "s3:DeleteObject")?;
    let is_checked = payload::read(request)?.checksum.is_some() || request.header("content-md5").is_some();
    if !is_checked {
        return Err(invalid_request("Missing required header for this request: Content-MD5 OR x-amz-checksum-*"));
    }
    let body: Delete = xml_body::read(request, "Delete")?;
    if body.objects.is_empty() || body.objects.len() > MOST_KEYS {
        return Err(malformed_xml());
    }
    let name = Address::of(request).bucket_name().to_owned();
    let now = call.now;
    let mut outcomes = Vec::new();
    for ToDelete { key, version_id } in body.objects {
        let marker = new_id(call);
        let outcome = match may(call, request, action(version_id.as_deref()), Some(&key)) {
            Ok(()) => {
                let bucket = call.world.buckets.get_mut(&name).ok_or_else(no_such_bucket)?;
                Ok(remove(bucket, &key, version_id.as_deref(), (&marker, now)))
            }
            Err(error) => Err(error),
        };
        outcomes.push((key, version_id, outcome));
    }
    Ok(Reply::xml(Xml::document("DeleteResult", NAMESPACE, |xml| {
        for (key, version, outcome) in &outcomes {
            match outcome {
                Ok(_) if body.quiet => {}
                Ok(deleted) => xml.element("Deleted", |xml| {
                    write_id(xml, key, version.as_deref());
                    if deleted.is_marker {
                        xml.text("DeleteMarker", "true");
                        xml.text("DeleteMarkerVersionId", deleted.version_id.as_deref().unwrap_or_default());
                    }
                }),
                Err(error) => xml.element("Error", |xml| {
                    write_id(xml, key, version.as_deref());
                    xml.text("Code", error.code);
                    xml.text("Message", &error.message);
                }),
            }
        }
    })))
}

fn write_id(xml: &mut Xml, key: &str, version: Option<&str>) {
    xml.text("Key", key);
    if let Some(version) = version {
        xml.text("VersionId", version);
    }
}

/// To delete a version for good takes a permission of its own.
fn action(version: Option<&str>) -> &'static str {
    if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" }
}

fn remove(bucket: &mut Bucket, key: &str, version: Option<&str>, marker: (&str, Timestamp)) -> Deleted {
    match version {
        Some(version) => remove_version(bucket, key, version),
        None if bucket.versioned => {
            keep(bucket, key);
            let (id, last_modified) = marker;
            let past = Past { version_id: id.to_owned(), last_modified, object: None };
            bucket.past.entry(key.to_owned()).or_default().insert(0, past);
            Deleted { version_id: Some(id.to_owned()), is_marker: true }
        }
        None => {
            bucket.objects.remove(key);
            Deleted { version_id: None, is_marker: false }
        }
    }
}

/// What was behind a deleted current version, or a deleted marker, is current again, unless it is a marker itself.
fn remove_version(bucket: &mut Bucket, key: &str, version: &str) -> Deleted {
    let gone = |is_marker| Deleted { version_id: Some(version.to_owned()), is_marker };
    let mut past = bucket.past.remove(key).unwrap_or_default();
    let mut is_marker = false;
    if bucket.objects.get(key).is_some_and(|object| object.version() == version) {
        bucket.objects.remove(key);
    } else if let Some(position) = past.iter().position(|past| past.version_id == version) {
        is_marker = past.remove(position).object.is_none();
    }
    let next = past.first().and_then(|past| past.object.clone());
    if let (false, Some(object)) = (bucket.objects.contains_key(key), next) {
        past.remove(0);
        bucket.objects.insert(key.to_owned(), object);
    }
    if !past.is_empty() {
        bucket.past.insert(key.to_owned(), past);
    }
    gone(is_marker)
}

/// One line of the list of versions.
struct Line<'b> {
    key: &'b str,
    version_id: &'b str,
    is_latest: bool,
    last_modified: Timestamp,
    object: Option<&'b Object>,
}

/// Keys in byte order, each with its versions, the newest first.
pub(super) fn list(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let name = Address::of(request).bucket_name().to_owned();
    let bucket = open(call, request, "s3:ListBucketVersions")?;
    if request.query("delimiter").is_some_and(|delimiter| !delimiter.is_empty()) {
        return Err(ApiError::not_implemented("s3", "delimiter of ListObjectVersions"));
    }
    let parameter = |name| request.query(name).unwrap_or_default();
    let (prefix, key_marker, version_marker) =
        (parameter("prefix"), parameter("key-marker"), parameter("version-id-marker"));
    if !version_marker.is_empty() && key_marker.is_empty() {
        return Err(invalid_argument("A version-id marker cannot be specified without a key marker."));
    }
    let page = match request.query("max-keys").map(str::parse::<usize>) {
        None => LARGEST_PAGE,
        Some(Ok(most)) => most.min(LARGEST_PAGE),
        Some(Err(_)) => return Err(invalid_argument("Provided max-keys not an integer or within integer range")),
    };
    let mut rest = lines(bucket)
        .into_iter()
        .filter(|line| line.key.starts_with(prefix) && line.key >= key_marker)
        .skip_while(|line| line.key == key_marker && version_marker.is_empty())
        .peekable();
    if !version_marker.is_empty() {
        // Up to and including the marker's version, which may be gone by now: then the key's versions are told again.
        let told: Vec<Line<'_>> = lines(bucket).into_iter().filter(|line| line.key == key_marker).collect();
        let position = told.iter().position(|line| line.version_id == version_marker).map_or(0, |at| at + 1);
        rest.by_ref().take(position).for_each(drop);
    }
    let entries: Vec<Line<'_>> = rest.by_ref().take(page).collect();
    let more = page > 0 && rest.peek().is_some();
    Ok(Reply::xml(Xml::document("ListVersionsResult", NAMESPACE, |xml| {
        xml.text("Name", &name);
        xml.text("Prefix", prefix);
        xml.text("KeyMarker", key_marker);
        xml.text("VersionIdMarker", version_marker);
        xml.text("MaxKeys", page.to_string());
        xml.text("IsTruncated", more.to_string());
        if let Some(last) = entries.last().filter(|_| more) {
            xml.text("NextKeyMarker", last.key);
            xml.text("NextVersionIdMarker", last.version_id);
        }
        entries.iter().for_each(|line| line.write(xml));
    })))
}

fn lines(bucket: &Bucket) -> Vec<Line<'_>> {
    let mut keys: Vec<&String> = bucket.objects.keys().chain(bucket.past.keys()).collect();
    keys.sort();
    keys.dedup();
    let of_key = |key: &'_ String| {
        let current = bucket.objects.get_key_value(key).map(|(key, object)| Line {
            key,
            version_id: object.version(),
            is_latest: true,
            last_modified: object.last_modified,
            object: Some(object),
        });
        let has_current = current.is_some();
        let past = bucket.past.get_key_value(key).into_iter().flat_map(move |(key, past)| {
            past.iter().enumerate().map(move |(place, past)| Line {
                key,
                version_id: &past.version_id,
                is_latest: place == 0 && !has_current,
                last_modified: past.last_modified,
                object: past.object.as_ref(),
            })
        });
        current.into_iter().chain(past).collect::<Vec<_>>()
    };
    keys.into_iter().flat_map(of_key).collect()
}

impl Line<'_> {
    fn write(&self, xml: &mut Xml) {
        let kind = if self.object.is_some() { "Version" } else { "DeleteMarker" };
        xml.element(kind, |xml| {
            xml.text("Key", self.key);
            xml.text("VersionId", self.version_id);
            xml.text("IsLatest", self.is_latest.to_string());
            xml.text("LastModified", self.last_modified.iso8601());
            if let Some(object) = self.object {
                xml.text("ETag", format!("\"{}\"", object.etag));
                xml.text("Size", object.body.len().to_string());
                xml.text("StorageClass", "STANDARD");
            }
        });
    }
}
