//! The tags that are written. Each write can be made twice, and by two runs at once: it sets a tag to a value.

use std::fmt;

use aws::{AwsError, buckets, secrets, users};
use aws_sdk_iam::types::Tag as IamTag;
use aws_sdk_s3::types::{Tag as S3Tag, Tagging};
use aws_sdk_secretsmanager::types::Tag as SecretTag;
use contract::{Change, Effect, ErrorCode, StepError};
use lifecycle::Observer;
use org::{BucketName, Place};

/// A tag, key and value.
pub(crate) type Tag = (String, String);

/// What there is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdoptChange {
    /// Tag the bucket. The call replaces the whole set.
    TagBucket {
        /// The bucket.
        bucket: BucketName,
        /// All tags that it has.
        found: Vec<Tag>,
        /// The tag that it gets beside them, or in place of the one with the same key.
        tag: Tag,
    },
    /// Tag the secret; its other tags stay.
    TagSecret {
        /// The name.
        name: String,
        /// The ARN.
        arn: String,
        /// The tag.
        tag: Tag,
    },
    /// Tag the user; its other tags stay.
    TagUser {
        /// The name.
        name: String,
        /// The tag.
        tag: Tag,
        /// The key that the tag takes the place of: to IAM, keys that differ in case are the same.
        replaces: Option<String>,
    },
}

impl AdoptChange {
    /// Writes it.
    ///
    /// # Errors
    /// What AWS says.
    pub(crate) async fn make(&self, clients: &Observer, place: &Place) -> Result<(), StepError> {
        match self {
            Self::TagBucket { bucket, found, tag } => tag_bucket(&clients.s3, place, bucket, found, tag).await,
            Self::TagSecret { name, arn, tag: (key, value) } => {
                let tag = SecretTag::builder().key(key).value(value).build();
                let answer = clients.secrets.tag_resource().secret_id(arn).tags(tag).send().await;
                let answer = answer.map_err(|error| AwsError::of("TagResource", error));
                answer.map(drop).map_err(|error| {
                    error.explain(secrets::resource(name), |error| match error.code() {
                        // "The secret was marked for deletion", or was deleted since the look.
                        "InvalidRequestException" | "ResourceNotFoundException" => Some((
                            ErrorCode::ConcurrentUpdate,
                            "was deleted in the meantime; the step looks again later".to_owned(),
                        )),
                        _ => None,
                    })
                })
            }
            Self::TagUser { name, tag: (key, value), .. } => {
                let tag = IamTag::builder().key(key).value(value).build().map_err(|error| not_built(&error))?;
                let answer = clients.iam.tag_user().user_name(name).tags(tag).send().await;
                let answer = answer.map_err(|error| AwsError::of("TagUser", error));
                answer.map(drop).map_err(|error| error.explain_as_usual(users::resource(name)))
            }
        }
    }
}

/// S3 has no condition for it, so the tags are read once more right before: whoever changed them since the first look is
/// not overwritten. Between this look and the write that can still happen.
async fn tag_bucket(
    s3: &aws_sdk_s3::Client,
    place: &Place,
    name: &BucketName,
    found: &[Tag],
    tag: &Tag,
) -> Result<(), StepError> {
    let request = s3.get_bucket_tagging().bucket(name.as_str()).expected_bucket_owner(&place.account);
    let now: Vec<Tag> = match request.send().await.map_err(|error| AwsError::of("GetBucketTagging", error)) {
        Ok(answer) => answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        Err(error) if error.code() == "NoSuchTagSet" => Vec::new(),
        Err(error) => return Err(error.explain_as_usual(buckets::resource(name))),
    };
    if !same(&now, found) {
        let message = "got other tags in the meantime; the step looks again later";
        return Err(StepError::new(ErrorCode::ConcurrentUpdate, buckets::resource(name), message));
    }
    let all = now.iter().filter(|(key, _)| *key != tag.0).chain([tag]);
    let all = all.map(|(key, value)| S3Tag::builder().key(key).value(value).build());
    let all = all.collect::<Result<Vec<_>, _>>().map_err(|error| not_built(&error))?;
    let tagging = Tagging::builder().set_tag_set(Some(all)).build().map_err(|error| not_built(&error))?;
    let request = s3.put_bucket_tagging().bucket(name.as_str()).tagging(tagging);
    let answer = request.expected_bucket_owner(&place.account).send().await;
    let answer = answer.map_err(|error| AwsError::of("PutBucketTagging", error));
    answer.map(drop).map_err(|error| error.explain_as_usual(buckets::resource(name)))
}

/// Whatever their order.
fn same(one: &[Tag], other: &[Tag]) -> bool {
    one.len() == other.len() && one.iter().all(|tag| other.contains(tag))
}

fn not_built(error: &dyn fmt::Display) -> StepError {
    StepError::new(ErrorCode::Unexpected, "request", error.to_string())
}

impl Change for AdoptChange {
    fn effect(&self) -> Effect {
        Effect::Updates
    }
}

impl fmt::Display for AdoptChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TagBucket { bucket, found, tag: (key, value) } => {
                write!(f, "tag bucket {bucket} with {key}={value}, beside its {} other tags", found.len())
            }
            Self::TagSecret { name, tag: (key, value), .. } => write!(f, "tag secret {name} with {key}={value}"),
            Self::TagUser { name, tag: (key, value), replaces: None } => {
                write!(f, "tag user {name} with {key}={value}")
            }
            Self::TagUser { name, tag: (key, value), replaces: Some(old) } => {
                write!(f, "tag user {name} with {key}={value}, in place of the tag {old}={value}")
            }
        }
    }
}
