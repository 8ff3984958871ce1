//! HeadBucket, GetBucketLocation and DeleteBucket.

use http::StatusCode;

use super::NAMESPACE;
use super::access::open;
use super::address::Address;
use super::regions::US_EAST_1;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;

/// Needs `s3:ListBucket`. Its errors have a status and no body, like every answer to HEAD.
pub(super) fn head(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:ListBucket")?;
    Ok(Reply::default().header("x-amz-bucket-region", &bucket.region).header("x-amz-access-point-alias", "false"))
}

/// us-east-1 is told by an empty element.
pub(super) fn location(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:GetBucketLocation")?;
    let region = if bucket.region == US_EAST_1 { "" } else { &bucket.region };
    Ok(Reply::xml(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint xmlns=\"{NAMESPACE}\">{region}</LocationConstraint>"
    )))
}

/// The name is free at once, for every account.
pub(super) fn delete(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:DeleteBucket")?;
    if !bucket.objects.is_empty() || !bucket.past.is_empty() {
        return Err(ApiError::new(409, "BucketNotEmpty", "The bucket you tried to delete is not empty"));
    }
    call.world.buckets.remove(Address::of(request).bucket_name());
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
