//! Block Public Access of a bucket.

use http::StatusCode;
use serde::Deserialize;

use super::access::open;
use super::bucket::PublicAccessBlock;
use super::xml_body;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;
use crate::xml::Xml;

const ROOT: &str = "PublicAccessBlockConfiguration";

/// The setting as it is sent: what is left out is off.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Configuration {
    block_public_acls: bool,
    ignore_public_acls: bool,
    block_public_policy: bool,
    restrict_public_buckets: bool,
}

pub(super) fn get(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:GetBucketPublicAccessBlock")?;
    let setting = bucket.public_access_block.ok_or_else(no_such_setting)?;
    Ok(Reply::xml(document(setting, super::NAMESPACE)))
}

pub(super) fn put(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:PutBucketPublicAccessBlock")?;
    bucket.public_access_block = Some(read(request)?);
    Ok(Reply::default())
}

/// Needs the permission of PutPublicAccessBlock.
pub(super) fn delete(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    open(call, request, "s3:PutBucketPublicAccessBlock")?.public_access_block = None;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Reads a setting from a request's body.
pub(super) fn read(request: &Request) -> Result<PublicAccessBlock, ApiError> {
    let sent: Configuration = xml_body::read(request, ROOT)?;
    Ok(PublicAccessBlock {
        block_public_acls: sent.block_public_acls,
        ignore_public_acls: sent.ignore_public_acls,
        block_public_policy: sent.block_public_policy,
        restrict_public_buckets: sent.restrict_public_buckets,
    })
}

/// Writes a setting.
pub(super) fn document(setting: PublicAccessBlock, namespace: &str) -> String {
    Xml::document(ROOT, namespace, |xml| {
        xml.text("BlockPublicAcls", setting.block_public_acls.to_string());
        xml.text("IgnorePublicAcls", setting.ignore_public_acls.to_string());
        xml.text("BlockPublicPolicy", setting.block_public_policy.to_string());
        xml.text("RestrictPublicBuckets", setting.restrict_public_buckets.to_string());
    })
}

pub(super) fn no_such_setting() -> ApiError {
    ApiError::new(404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
}
