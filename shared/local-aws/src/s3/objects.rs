//! PutObject, GetObject and HeadObject. Old versions, ranges and multipart uploads are not read here.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use md5::{Digest, Md5};

use super::access::{may, open};
use super::address::Address;
use super::bucket::Object;
use super::errors::{header_not_implemented, no_such_key};
use super::{acl, checksum, payload, versions};
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;

const LONGEST_KEY: usize = 1024;
const LARGEST_METADATA: usize = 2048;

/// The headers that are kept with an object and come back with it, beside `x-amz-meta-...`.
const KEPT: [&str; 5] = ["cache-control", "content-disposition", "content-language", "content-type", "expires"];

/// Headers of PutObject that mean something that is not built.
const NOT_BUILT_FOR_PUT: [&str; 8] = [
    "if-match",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
];

/// The same for GetObject and HeadObject.
const NOT_BUILT_FOR_GET: [&str; 6] = [
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "x-amz-server-side-encryption-customer-algorithm",
];

pub(super) fn put(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let (key, now) = (Address::of(request).key_name().to_owned(), call.now);
    let version_id = open(call, request, "s3:PutObject")?.versioned.then(|| versions::new_id(call));
    let bucket = open(call, request, "s3:PutObject")?;
    if key.len() > LONGEST_KEY {
        return Err(ApiError::new(400, "KeyTooLongError", "Your key is too long"));
    }
    refuse_unbuilt(request, &NOT_BUILT_FOR_PUT)?;
    acl::check_of_object(request, bucket)?;
    check_if_none_match(request, bucket.objects.contains_key(&key))?;
    let sent = payload::read(request)?;
    let (name, value) = match sent.checksum {
        Some((name, value)) => (name, value),
        None => (checksum::DEFAULT, checksum::compute(checksum::DEFAULT, &sent.body).unwrap_or_default()),
    };
    let object = Object {
        etag: hex::encode(Md5::digest(&sent.body)),
        body: sent.body,
        last_modified: now,
        headers: kept_headers(request)?,
        checksum: (name.to_owned(), value.clone()),
        version_id,
    };
    let mut answer = Reply::default()
        .header("etag", &format!("\"{}\"", object.etag))
        .header("x-amz-server-side-encryption", "AES256")
        .header("x-amz-checksum-type", "FULL_OBJECT")
        .header(name, &value);
    if let Some(version) = &object.version_id {
        answer = answer.header("x-amz-version-id", version);
    }
    versions::put(bucket, key, object);
    Ok(answer)
}

pub(super) fn get(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let object = find(call, request)?;
    Ok(described(object, request).body(object.body.clone()))
}

/// Needs what GetObject needs.
pub(super) fn head(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let object = find(call, request)?;
    Ok(described(object, request))
}

/// Only who may list the bucket learns that there is no such key; to others it is as forbidden as the rest.
fn find<'c>(call: &'c mut Call<'_>, request: &Request) -> Result<&'c Object, ApiError> {
    let key = Address::of(request).key_name().to_owned();
    let exists = open(call, request, "s3:GetObject")?.objects.contains_key(&key);
    if !exists {
        may(call, request, "s3:ListBucket", None)?;
        return Err(no_such_key());
    }
    refuse_unbuilt(request, &NOT_BUILT_FOR_GET)?;
    refuse_versions(request)?;
    open(call, request, "s3:GetObject")?.objects.get(&key).ok_or_else(no_such_key)
}

fn described(object: &Object, request: &Request) -> Reply {
    let mut reply = Reply::default()
        .header("accept-ranges", "bytes")
        .header("content-length", &object.body.len().to_string())
        .header("etag", &format!("\"{}\"", object.etag))
        .header("last-modified", &object.last_modified.http_date())
        .header("x-amz-server-side-encryption", "AES256");
    let wants_checksum = request.header("x-amz-checksum-mode") == Some("ENABLED");
    let checksum = Some((&object.checksum.0, &object.checksum.1)).filter(|_| wants_checksum);
    if wants_checksum {
        reply = reply.header("x-amz-checksum-type", "FULL_OBJECT");
    }
    for (name, value) in object.headers.iter().chain(checksum) {
        // They were headers when they came.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            reply.headers.push((name, value));
        }
    }
    reply
}

/// `*` is the only value that S3 takes: the key must not exist.
fn check_if_none_match(request: &Request, exists: bool) -> Result<(), ApiError> {
    match request.header("if-none-match") {
        Some("*") if exists => Err(ApiError::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )),
        None | Some("*") => Ok(()),
        Some(_) => Err(header_not_implemented("if-none-match")),
    }
}

fn kept_headers(request: &Request) -> Result<BTreeMap<String, String>, ApiError> {
    let mut kept = BTreeMap::from([("content-type".to_owned(), "binary/octet-stream".to_owned())]);
    let mut metadata = 0;
    for (name, value) in &request.headers {
        let (name, Ok(value)) = (name.as_str(), value.to_str()) else { continue };
        if let Some(key) = name.strip_prefix("x-amz-meta-") {
            metadata += key.len() + value.len();
            kept.insert(name.to_owned(), value.to_owned());
        } else if KEPT.contains(&name) {
            kept.insert(name.to_owned(), value.to_owned());
        }
    }
    if metadata > LARGEST_METADATA {
        return Err(ApiError::new(
            400,
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    // The transfer coding is taken off on arrival and is no property of the content.
    let codings = request.header("content-encoding").unwrap_or_default().split(',').map(str::trim);
    let codings: Vec<&str> = codings.filter(|coding| !coding.is_empty() && *coding != "aws-chunked").collect();
    if !codings.is_empty() {
        kept.insert("content-encoding".to_owned(), codings.join(","));
    }
    Ok(kept)
}

pub(super) fn refuse_unbuilt(request: &Request, names: &[&str]) -> Result<(), ApiError> {
    let other_than = |name: &str, only: &str| request.header(name).is_some_and(|value| value != only);
    match names.iter().find(|name| request.header(name).is_some()) {
        Some(name) => Err(header_not_implemented(name)),
        None if other_than("x-amz-server-side-encryption", "AES256") => {
            Err(header_not_implemented("x-amz-server-side-encryption"))
        }
        None if other_than("x-amz-storage-class", "STANDARD") => Err(header_not_implemented("x-amz-storage-class")),
        None => Ok(()),
    }
}

fn refuse_versions(request: &Request) -> Result<(), ApiError> {
    let parameter =
        |name: &&(String, String)| name.0 == "versionId" || name.0 == "partNumber" || name.0.starts_with("response-");
    match request.query.iter().find(parameter) {
        Some((name, _)) => Err(ApiError::not_implemented("s3", &format!("query parameter {name}"))),
        None => Ok(()),
    }
}
