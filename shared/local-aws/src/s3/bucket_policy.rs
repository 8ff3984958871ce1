//! PutBucketPolicy, GetBucketPolicy, GetBucketPolicyStatus and DeleteBucketPolicy.

use http::StatusCode;
use serde_json::Value;

use super::access::open;
use super::address::Address;
use super::authorization::effective_block;
use super::bucket::{Bucket, arn};
use super::errors::{access_denied_because, method_not_allowed};
use super::{NAMESPACE, payload, policy_form, principals};
use crate::policy::Document;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;
use crate::xml::Xml;

const BLOCKED: &str =
    "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access";

/// In this order: permission, the owner's account, the document, its principals, Block Public Access.
pub(super) fn put(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let action = "s3:PutBucketPolicy";
    let name = Address::of(request).bucket_name().to_owned();
    own(call, request, action)?;
    let body = payload::read(request)?.body;
    let (document, mut policy) = policy_form::read(&body, &name)?;
    principals::bind(&mut policy, call.world, call.now)?;
    let caller = call.caller.arn();
    let block = call.world.buckets.get(&name).map(|bucket| effective_block(call.world, bucket)).unwrap_or_default();
    if block.block_public_policy && document.is_public() {
        return Err(access_denied_because(&caller, action, &arn(&name, None), BLOCKED));
    }
    own(call, request, action)?.policy = Some(policy.to_string());
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// What is read back is the same policy in another spelling: fields in another order, a list of one as that one,
/// account ids as root ARNs, users who are no more as their ids.
pub(super) fn get(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let text = stored(own(call, request, "s3:GetBucketPolicy")?)?.to_owned();
    let mut policy: Value = serde_json::from_str(&text)
        .map_err(|error| ApiError::new(500, "InternalError", format!("the stored policy is not JSON: {error}")))?;
    principals::unbind(&mut policy, call.world);
    Ok(Reply::default().header("content-type", "application/json").body(policy.to_string()))
}

pub(super) fn status(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:GetBucketPolicyStatus")?;
    let public = Document::parse(stored(bucket)?).is_ok_and(|policy| policy.is_public());
    Ok(Reply::xml(Xml::document("PolicyStatus", NAMESPACE, |xml| xml.text("IsPublic", public.to_string()))))
}

pub(super) fn delete(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    own(call, request, "s3:DeleteBucketPolicy")?.policy = None;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Even a caller who was given the permission must be of the owner's account.
fn own<'c>(call: &'c mut Call<'_>, request: &Request, action: &str) -> Result<&'c mut Bucket, ApiError> {
    let account = call.account_id();
    let bucket = open(call, request, action)?;
    if bucket.owner == account { Ok(bucket) } else { Err(method_not_allowed()) }
}

fn stored(bucket: &Bucket) -> Result<&str, ApiError> {
    bucket.policy.as_deref().ok_or_else(|| ApiError::new(404, "NoSuchBucketPolicy", "The bucket policy does not exist"))
}
