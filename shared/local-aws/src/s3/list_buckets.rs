//! ListBuckets: those of the caller's account, in all regions.

use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::authorization::check_account;
use super::errors::invalid_argument;
use super::{NAMESPACE, acl, regions};
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;
use crate::xml::Xml;

const LARGEST_PAGE: usize = 10_000;

pub(super) fn list(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    check_account(call, request, "s3:ListAllMyBuckets", "*")?;
    let account = call.account_id();
    let (prefix, region) = (request.query("prefix").unwrap_or_default(), request.query("bucket-region"));
    check_region(region, call.region)?;
    let page = page_size(request)?;
    let after = request.query("continuation-token").map(read_token).transpose()?;
    // Names are in order: those with the prefix follow one another, and the first of them is not before it.
    let start = after.as_deref().filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
    let mut buckets = call
        .world
        .buckets
        .range::<str, _>((start, Bound::Unbounded))
        .take_while(|(name, _)| name.starts_with(prefix))
        .filter(|(_, bucket)| bucket.owner == account && region.is_none_or(|region| bucket.region == region))
        .peekable();
    let listed: Vec<_> = buckets.by_ref().take(page).collect();
    let token = buckets.peek().and_then(|_| listed.last()).map(|(name, _)| URL_SAFE_NO_PAD.encode(name));
    // The region is told only where the request has one of the parameters of the paged form.
    let tells_region = ["max-buckets", "prefix", "bucket-region", "continuation-token"]
        .iter()
        .any(|name| request.query(name).is_some_and(|value| !value.is_empty()));
    Ok(Reply::xml(Xml::document("ListAllMyBucketsResult", NAMESPACE, |xml| {
        xml.element("Owner", |xml| xml.text("ID", acl::canonical_id(&account)));
        xml.element("Buckets", |xml| {
            for (name, bucket) in &listed {
                xml.element("Bucket", |xml| {
                    xml.text("Name", name);
                    xml.text("CreationDate", bucket.created.iso8601());
                    if tells_region {
                        xml.text("BucketRegion", &bucket.region);
                    }
                });
            }
        });
        if !prefix.is_empty() {
            xml.text("Prefix", prefix);
        }
        if let Some(token) = &token {
            xml.text("ContinuationToken", token);
        }
    })))
}

/// A region can only be asked for at its own endpoint.
fn check_region(asked: Option<&str>, endpoint: &str) -> Result<(), ApiError> {
    match asked {
        Some(region) if !regions::is_region(region) => {
            Err(invalid_argument(format!("Argument value {region} is not a valid AWS Region")))
        }
        Some(region) if region != endpoint => Err(invalid_argument(
            "Requests made to a Regional endpoint that is different from the bucket-region parameter are not supported",
        )),
        _ => Ok(()),
    }
}

fn page_size(request: &Request) -> Result<usize, ApiError> {
    let Some(text) = request.query("max-buckets") else { return Ok(usize::MAX) };
    match text.parse() {
        Ok(size @ 1..=LARGEST_PAGE) => Ok(size),
        _ => Err(invalid_argument(format!("max-buckets must be between 1 and {LARGEST_PAGE}"))),
    }
}

fn read_token(token: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}
