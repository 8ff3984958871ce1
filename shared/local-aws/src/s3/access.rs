//! The way to a bucket: does it exist, is it here, is it whose the client expects, may the caller.

use super::address::Address;
use super::authorization::{self, Question};
use super::bucket::Bucket;
use super::errors::{access_denied, no_such_bucket};
use super::{condition_keys, names, regions};
use crate::caller::Caller;
use crate::reply::ApiError;
use crate::request::Request;
use crate::world::Call;

/// The bucket that `request` is addressed to, for a caller who may do `action` to it (or, for an action on
/// objects, to the key that is addressed).
///
/// # Errors
/// In S3's order: `NoSuchBucket`, `PermanentRedirect` to another region, `AccessDenied` for another owner than
/// `x-amz-expected-bucket-owner` names, `AccessDenied` for a caller who may not.
pub(super) fn open<'c>(call: &'c mut Call<'_>, request: &Request, action: &str) -> Result<&'c mut Bucket, ApiError> {
    let address = Address::of(request);
    reach(call, request, action)?;
    may(call, request, action, address.key.as_deref())?;
    call.world.buckets.get_mut(address.bucket_name()).ok_or_else(no_such_bucket)
}

/// Whether the caller may do `action` to the addressed bucket, or to `key` in it.
pub(super) fn may(call: &Call<'_>, request: &Request, action: &str, key: Option<&str>) -> Result<(), ApiError> {
    let address = Address::of(request);
    let bucket = call.world.buckets.get(address.bucket_name()).ok_or_else(no_such_bucket)?;
    let context = condition_keys::of(call, request, &bucket.owner);
    let question = Question {
        world: &*call.world,
        caller: call.caller,
        name: address.bucket_name(),
        bucket,
        action,
        key,
        context: &context,
    };
    authorization::check(&question).map_err(|error| with_region(error, bucket))
}

/// The same without asking whether the caller may: for a request about many keys, each of which is asked for.
pub(super) fn reach(call: &Call<'_>, request: &Request, action: &str) -> Result<(), ApiError> {
    let address = &Address::of(request);
    if !names::is_well_formed(address.bucket_name()) {
        return Err(ApiError::new(400, "InvalidBucketName", "The specified bucket is not valid."));
    }
    let bucket = call.world.buckets.get(address.bucket_name()).ok_or_else(no_such_bucket)?;
    let elsewhere = sent_to(call, address).is_some_and(|region| region != bucket.region);
    // The global endpoint tells every bucket's region.
    let asks_where = action == "s3:GetBucketLocation" && call.region == regions::US_EAST_1;
    if elsewhere && !asks_where {
        return Err(with_region(redirect(), bucket));
    }
    check_expected_owner(request, &bucket.owner).map_err(|error| with_region(error, bucket))
}

/// The region that the request went to: what it was signed for, or for an unsigned one what its host says.
fn sent_to<'a>(call: &Call<'a>, address: &'a Address) -> Option<&'a str> {
    match call.caller {
        Caller::Anonymous => address.region.as_deref(),
        _ => Some(call.region),
    }
}

fn check_expected_owner(request: &Request, owner: &str) -> Result<(), ApiError> {
    match request.header("x-amz-expected-bucket-owner") {
        None => Ok(()),
        Some(expected) if expected == owner => Ok(()),
        Some(expected) if is_account_id(expected) => Err(access_denied()),
        Some(_) => Err(ApiError::new(
            400,
            "InvalidBucketOwnerAWSAccountID",
            "The value of the expected bucket owner parameter must be an AWS account ID.",
        )),
    }
}

/// Whether `text` is the twelve digits of an account.
pub(super) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn redirect() -> ApiError {
    ApiError::new(
        301,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
    )
}

/// S3 tells a bucket's region to those as well who may not do more: HeadBucket is used to find it.
fn with_region(error: ApiError, bucket: &Bucket) -> ApiError {
    error.header("x-amz-bucket-region", &bucket.region)
}
