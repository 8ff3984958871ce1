//! CreateBucket.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::address::Address;
use super::authorization::check_account;
use super::bucket::{Acl, Bucket, Namespace, ObjectOwnership, PublicAccessBlock, arn};
use super::errors::{access_denied, header_not_implemented, invalid_argument};
use super::regions::{US_EAST_1, check_location_constraint};
use super::tagging::{self, TagList};
use super::{acl, names, xml_body};
use crate::caller::Caller;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;

/// The default quota of an account.
const MOST_BUCKETS: usize = 10_000;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    location_constraint: Option<String>,
    tags: Option<TagList>,
}

pub(super) fn create(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let name = Address::of(request).bucket_name().to_owned();
    if *call.caller == Caller::Anonymous {
        return Err(access_denied());
    }
    let configuration: Configuration =
        xml_body::read_if_sent(request, "CreateBucketConfiguration")?.unwrap_or_default();
    authorize(call, request, &name, configuration.tags.is_some())?;
    let account = call.account_id();
    let namespace = names::check_new(&name, request.header("x-amz-bucket-namespace"), &account, call.region)?;
    let new = new_bucket(call, request, namespace, configuration)?;
    if let Some(existing) = call.world.buckets.get_mut(&name) {
        return taken(existing, &new).map(|()| created(&name, &new.region));
    }
    if call.world.buckets.values().filter(|bucket| bucket.owner == account).count() >= MOST_BUCKETS {
        return Err(ApiError::new(400, "TooManyBuckets", "You have attempted to create more buckets than allowed"));
    }
    let answer = created(&name, &new.region);
    call.world.buckets.insert(name, new);
    Ok(answer)
}

fn new_bucket(
    call: &Call<'_>,
    request: &Request,
    namespace: Namespace,
    configuration: Configuration,
) -> Result<Bucket, ApiError> {
    check_location_constraint(configuration.location_constraint.as_deref(), call.region)?;
    if request.header("x-amz-bucket-object-lock-enabled").is_some_and(|enabled| enabled.eq_ignore_ascii_case("true")) {
        return Err(header_not_implemented("x-amz-bucket-object-lock-enabled"));
    }
    let ownership = match request.header("x-amz-object-ownership") {
        None => ObjectOwnership::BucketOwnerEnforced,
        Some(name) => ObjectOwnership::named(name)
            .ok_or_else(|| invalid_argument(format!("Invalid x-amz-object-ownership header: {name}")))?,
    };
    Ok(Bucket {
        owner: call.account_id(),
        region: call.region.to_owned(),
        namespace,
        created: call.now,
        tags: configuration.tags.map_or_else(|| Ok(BTreeMap::new()), tagging::check)?,
        object_ownership: Some(ownership),
        public_access_block: Some(PublicAccessBlock::ALL),
        acl: acl::of_new_bucket(request, ownership)?,
        policy: None,
        objects: BTreeMap::new(),
        versioned: false,
        past: BTreeMap::new(),
    })
}

/// What the request sets beside making the bucket takes a permission of its own (API reference, CreateBucket).
fn authorize(call: &Call<'_>, request: &Request, name: &str, with_tags: bool) -> Result<(), ApiError> {
    let permissions = [
        ("s3:CreateBucket", true),
        ("s3:TagResource", with_tags),
        ("s3:PutBucketAcl", request.header("x-amz-acl").is_some_and(|acl| acl != "private")),
        ("s3:PutBucketOwnershipControls", request.header("x-amz-object-ownership").is_some()),
    ];
    let needed = permissions.into_iter().filter(|(_, needed)| *needed);
    needed.map(|(action, _)| action).try_for_each(|action| check_account(call, request, action, &arn(name, None)))
}

/// The name has a bucket. us-east-1 answers its owner as if it had been made now, and that resets the access
/// control list; it changes neither tags nor ownership. The account-regional name space never does so.
fn taken(existing: &mut Bucket, new: &Bucket) -> Result<(), ApiError> {
    if existing.owner != new.owner {
        return Err(ApiError::new(
            409,
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
        ));
    }
    let in_us_east_1 = existing.region == US_EAST_1 && new.region == US_EAST_1;
    if !in_us_east_1 || new.namespace == Namespace::AccountRegional {
        return Err(ApiError::new(
            409,
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
        ));
    }
    existing.acl = Acl::Private;
    Ok(())
}

fn created(name: &str, region: &str) -> Reply {
    let location = if region == US_EAST_1 { format!("/{name}") } else { format!("http://{name}.s3.amazonaws.com/") };
    Reply::default().header("location", &location)
}
