//! Access control lists: the canned ones `private` and `public-read` of buckets, nothing else.

use sha2::{Digest, Sha256};

use super::NAMESPACE;
use super::access::open;
use super::address::Address;
use super::authorization::effective_block;
use super::bucket::{Acl, Bucket, ObjectOwnership, arn};
use super::errors::{access_denied_because, header_not_implemented, invalid_argument, invalid_request};
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;

const EVERYONE: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const BLOCKED: &str = "because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access";

pub(super) fn get(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let bucket = open(call, request, "s3:GetBucketAcl")?;
    Ok(Reply::xml(document(bucket)))
}

pub(super) fn put(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let action = "s3:PutBucketAcl";
    let name = Address::of(request).bucket_name().to_owned();
    if open(call, request, action)?.enforces_ownership() {
        return Err(ApiError::new(400, "AccessControlListNotSupported", "The bucket does not allow ACLs"));
    }
    let acl = canned(request)?.ok_or_else(|| ApiError::not_implemented("s3", "PutBucketAcl without x-amz-acl"))?;
    let blocks =
        call.world.buckets.get(&name).is_some_and(|bucket| effective_block(call.world, bucket).block_public_acls);
    if acl == Acl::PublicRead && blocks {
        return Err(access_denied_because(&call.caller.arn(), action, &arn(&name, None), BLOCKED));
    }
    open(call, request, action)?.acl = acl;
    Ok(Reply::default())
}

/// The list of a bucket to be made. New buckets have their owner enforced and public access blocked, so S3
/// refuses a public one whatever the ownership.
pub(super) fn of_new_bucket(request: &Request, ownership: ObjectOwnership) -> Result<Acl, ApiError> {
    match canned(request)? {
        None | Some(Acl::Private) => Ok(Acl::Private),
        Some(Acl::PublicRead) if ownership == ObjectOwnership::BucketOwnerEnforced => {
            Err(not_with_enforced_ownership())
        }
        Some(Acl::PublicRead) => Err(ApiError::new(
            400,
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
        )),
    }
}

/// Checks the list that an object is put with, which is not kept: the owner of the bucket has everything.
pub(super) fn check_of_object(request: &Request, bucket: &Bucket) -> Result<(), ApiError> {
    match request.header("x-amz-acl") {
        None | Some("bucket-owner-full-control") => Ok(()),
        Some(_) if bucket.enforces_ownership() => {
            Err(ApiError::new(400, "AccessControlListNotSupported", "The bucket does not allow ACLs"))
        }
        Some("private") => Ok(()),
        Some(_) => Err(header_not_implemented("x-amz-acl")),
    }
}

pub(super) fn not_with_enforced_ownership() -> ApiError {
    ApiError::new(
        400,
        "InvalidBucketAclWithObjectOwnership",
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    )
}

/// The canonical user id of an account: 64 hexadecimal digits that follow from its number here.
pub(super) fn canonical_id(account: &str) -> String {
    hex::encode(Sha256::digest(account))
}

fn canned(request: &Request) -> Result<Option<Acl>, ApiError> {
    if request.headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-")) {
        return Err(header_not_implemented("x-amz-grant-*"));
    }
    match request.header("x-amz-acl") {
        None => Ok(None),
        Some("private") => Ok(Some(Acl::Private)),
        Some("public-read") => Ok(Some(Acl::PublicRead)),
        Some("public-read-write" | "authenticated-read" | "log-delivery-write" | "aws-exec-read") => {
            Err(header_not_implemented("x-amz-acl"))
        }
        Some("") => Err(invalid_request("x-amz-acl is empty")),
        Some(_) => Err(invalid_argument("The canned ACL is not valid")),
    }
}

/// Grantees carry their type in an XML attribute, so this is written by hand; nothing in it needs escaping.
fn document(bucket: &Bucket) -> String {
    let owner = format!("<ID>{}</ID>", canonical_id(&bucket.owner));
    let grant = |kind: &str, who: &str, permission: &str| {
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{kind}\">{who}</Grantee><Permission>{permission}</Permission></Grant>"
        )
    };
    let mut grants = grant("CanonicalUser", &owner, "FULL_CONTROL");
    if bucket.acl == Acl::PublicRead {
        grants.push_str(&grant("Group", &format!("<URI>{EVERYONE}</URI>"), "READ"));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AccessControlPolicy xmlns=\"{NAMESPACE}\"><Owner>{owner}</Owner><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
    )
}
