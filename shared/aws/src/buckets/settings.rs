//! How a bucket is set up: public access, ownership, marker, policy.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::ObjectOwnership;
use contract::StepError;
use futures_util::future::join4;
use org::{BucketName, Place};

use super::resource;
use crate::error::AwsError;

/// The key of the marker that shows the public folder in file browsers.
pub const MARKER_KEY: &str = "pub/";

/// How a bucket is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Whether any of its four public access blocks is on.
    pub blocks_public_access: bool,
    /// Whether access control lists are off.
    pub enforces_owner: bool,
    /// Whether the `pub/` marker is there.
    pub has_marker: bool,
    /// Its policy, if it has one.
    pub policy: Option<String>,
}

/// How many calls [`setup`] makes at one time.
pub const SETUP_CALLS: usize = 4;

/// How the bucket is set up, read at once.
///
/// # Errors
/// When S3 does not answer.
pub async fn setup(s3: &Client, place: &Place, name: &BucketName) -> Result<Setup, StepError> {
    let (blocks_public_access, enforces_owner, has_marker, policy) = join4(
        blocks_public_access(s3, place, name),
        enforces_owner(s3, place, name),
        has_marker(s3, place, name),
        policy(s3, place, name),
    )
    .await;
    Ok(Setup {
        blocks_public_access: blocks_public_access?,
        enforces_owner: enforces_owner?,
        has_marker: has_marker?,
        policy: policy?,
    })
}

/// Whether any of the bucket's four public access blocks is on. A bucket without the setting blocks nothing.
///
/// # Errors
/// When S3 does not answer.
pub async fn blocks_public_access(s3: &Client, place: &Place, name: &BucketName) -> Result<bool, StepError> {
    public_access_blocks(s3, place, name).await.map(|on| !on.is_empty())
}

/// Which of the bucket's four public access blocks are on, by the names of the API.
///
/// # Errors
/// When S3 does not answer.
pub async fn public_access_blocks(
    s3: &Client,
    place: &Place,
    name: &BucketName,
) -> Result<Vec<&'static str>, StepError> {
    let request = s3.get_public_access_block().bucket(name.as_str()).expected_bucket_owner(&place.account);
    let block = match request.send().await.map_err(|error| AwsError::of("GetPublicAccessBlock", error)) {
        Ok(answer) => answer.public_access_block_configuration,
        Err(error) if error.code() == "NoSuchPublicAccessBlockConfiguration" => None,
        Err(error) => return Err(error.explain_as_usual(resource(name))),
    };
    let settings = block.map(|block| {
        [
            ("BlockPublicAcls", block.block_public_acls),
            ("IgnorePublicAcls", block.ignore_public_acls),
            ("BlockPublicPolicy", block.block_public_policy),
            ("RestrictPublicBuckets", block.restrict_public_buckets),
        ]
    });
    Ok(settings.into_iter().flatten().filter(|(_, on)| *on == Some(true)).map(|(setting, _)| setting).collect())
}

/// Whether access control lists are off, so that policies alone decide.
///
/// # Errors
/// When S3 does not answer.
pub async fn enforces_owner(s3: &Client, place: &Place, name: &BucketName) -> Result<bool, StepError> {
    let request = s3.get_bucket_ownership_controls().bucket(name.as_str()).expected_bucket_owner(&place.account);
    match request.send().await.map_err(|error| AwsError::of("GetBucketOwnershipControls", error)) {
        Ok(answer) => Ok(answer.ownership_controls.is_some_and(|controls| {
            controls.rules.iter().any(|rule| rule.object_ownership == ObjectOwnership::BucketOwnerEnforced)
        })),
        Err(error) if error.code() == "OwnershipControlsNotFoundError" => Ok(false),
        Err(error) => Err(error.explain_as_usual(resource(name))),
    }
}

/// The bucket's policy, if it has one.
///
/// # Errors
/// When S3 does not answer.
pub async fn policy(s3: &Client, place: &Place, name: &BucketName) -> Result<Option<String>, StepError> {
    let request = s3.get_bucket_policy().bucket(name.as_str()).expected_bucket_owner(&place.account);
    match request.send().await.map_err(|error| AwsError::of("GetBucketPolicy", error)) {
        Ok(answer) => Ok(answer.policy),
        Err(error) if error.code() == "NoSuchBucketPolicy" => Ok(None),
        Err(error) => Err(error.explain_as_usual(resource(name))),
    }
}

/// Whether the `pub/` marker is there.
///
/// # Errors
/// When S3 does not answer.
pub async fn has_marker(s3: &Client, place: &Place, name: &BucketName) -> Result<bool, StepError> {
    let request = s3.head_object().bucket(name.as_str()).key(MARKER_KEY).expected_bucket_owner(&place.account);
    match request.send().await.map_err(|error| AwsError::of("HeadObject", error)) {
        Ok(_) => Ok(true),
        // HEAD answers have no body, hence no error code to read.
        Err(error) if error.status() == Some(404) => Ok(false),
        Err(error) => Err(error.explain_as_usual(resource(name))),
    }
}
