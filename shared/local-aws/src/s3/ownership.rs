//! The ownership controls of a bucket.

use http::StatusCode;
use serde::Deserialize;

use super::access::open;
use super::bucket::{Acl, ObjectOwnership};
use super::errors::malformed_xml;
use super::{NAMESPACE, acl, xml_body};
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;
use crate::xml::Xml;

const ROOT: &str = "OwnershipControls";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Controls {
    rule: Rule,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    object_ownership: String,
}

pub(super) fn get(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:GetBucketOwnershipControls")?;
    let ownership = bucket.object_ownership.ok_or_else(|| {
        ApiError::new(404, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
    })?;
    Ok(Reply::xml(Xml::document(ROOT, NAMESPACE, |xml| {
        xml.element("Rule", |xml| xml.text("ObjectOwnership", ownership.name()));
    })))
}

/// Access control lists cannot be disabled while one gives access to somebody else than the owner.
pub(super) fn put(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:PutBucketOwnershipControls")?;
    let controls: Controls = xml_body::read(request, ROOT)?;
    let ownership = ObjectOwnership::named(&controls.rule.object_ownership).ok_or_else(malformed_xml)?;
    if ownership == ObjectOwnership::BucketOwnerEnforced && bucket.acl != Acl::Private {
        return Err(acl::not_with_enforced_ownership());
    }
    bucket.object_ownership = Some(ownership);
    Ok(Reply::default())
}

/// Without controls S3 acts as with `ObjectWriter`: access control lists count again. Needs the permission of
/// PutBucketOwnershipControls.
pub(super) fn delete(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    open(call, request, "s3:PutBucketOwnershipControls")?.object_ownership = None;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
