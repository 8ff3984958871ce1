//! Simple Storage Service: buckets with their policies, tags and public access settings, and simple objects.
//!
//! Multipart uploads, ranges, reading old versions, suspending versioning, encryption by other keys than S3's own and
//! object tags are not built, and a request that asks for one is refused. `OperationAborted`, which S3 answers to configuration calls that
//! collide, comes from the fault plan only.

mod access;
mod acl;
mod actions;
mod address;
mod authorization;
mod bucket;
mod bucket_policy;
mod buckets;
mod checksum;
mod condition_keys;
pub mod control;
mod create_bucket;
mod defaults;
mod errors;
mod list_buckets;
mod list_objects;
mod names;
mod objects;
mod operation;
mod ownership;
mod payload;
mod policy_form;
mod principals;
mod public_access_block;
mod regions;
mod tagging;
mod versions;
mod xml_body;

#[cfg(test)]
mod tests;

pub use bucket::{Acl, Bucket, Namespace, Object, ObjectOwnership, Past, PublicAccessBlock, arn};
pub use errors::error;
pub use operation::operation;

use self::address::Address;
use self::errors::invalid_request;
use crate::caller::Caller;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Carries out `operation`.
pub fn handle(call: &mut Call<'_>, request: &Request, operation: &str) -> Result<Reply, ApiError> {
    call.resource = Address::of(request).resource();
    refuse_unread_credentials(call, request)?;
    match operation {
        "ListBuckets" => list_buckets::list(call, request),
        "CreateBucket" => create_bucket::create(call, request),
        "HeadBucket" => buckets::head(call, request),
        "GetBucketLocation" => buckets::location(call, request),
        "DeleteBucket" => buckets::delete(call, request),
        "GetBucketEncryption" => defaults::encryption(call, request),
        "GetBucketVersioning" => versions::status(call, request),
        "PutBucketVersioning" => versions::switch_on(call, request),
        "ListObjectVersions" => versions::list(call, request),
        "GetBucketTagging" => tagging::get(call, request),
        "PutBucketTagging" => tagging::put(call, request),
        "DeleteBucketTagging" => tagging::delete(call, request),
        "GetPublicAccessBlock" => public_access_block::get(call, request),
        "PutPublicAccessBlock" => public_access_block::put(call, request),
        "DeletePublicAccessBlock" => public_access_block::delete(call, request),
        "GetBucketOwnershipControls" => ownership::get(call, request),
        "PutBucketOwnershipControls" => ownership::put(call, request),
        "DeleteBucketOwnershipControls" => ownership::delete(call, request),
        "GetBucketAcl" => acl::get(call, request),
        "PutBucketAcl" => acl::put(call, request),
        "GetBucketPolicy" => bucket_policy::get(call, request),
        "GetBucketPolicyStatus" => bucket_policy::status(call, request),
        "PutBucketPolicy" => bucket_policy::put(call, request),
        "DeleteBucketPolicy" => bucket_policy::delete(call, request),
        "ListObjectsV2" => list_objects::list(call, request),
        "PutObject" => objects::put(call, request),
        "GetObject" => objects::get(call, request),
        "HeadObject" => objects::head(call, request),
        "DeleteObject" => versions::delete(call, request),
        "DeleteObjects" => versions::delete_many(call, request),
        other => Err(ApiError::not_implemented("s3", other)),
    }
}

/// A presigned URL or an older signature must not pass for an anonymous request.
fn refuse_unread_credentials(call: &Call<'_>, request: &Request) -> Result<(), ApiError> {
    if ["X-Amz-Signature", "Signature"].iter().any(|name| request.query(name).is_some()) {
        return Err(ApiError::not_implemented("s3", "presigned URLs"));
    }
    if *call.caller == Caller::Anonymous && request.header("authorization").is_some() {
        return Err(invalid_request(
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ));
    }
    Ok(())
}
