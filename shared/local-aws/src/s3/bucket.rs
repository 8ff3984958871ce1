//! What a bucket is and holds.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::world::PARTITION;

/// A general purpose bucket.
#[derive(Clone, Serialize, Deserialize)]
pub struct Bucket {
    /// The owner's twelve digits.
    pub owner: String,
    /// The region that it was made in, for good.
    pub region: String,
    /// The name space that its name is of.
    pub namespace: Namespace,
    /// When it was made.
    pub created: Timestamp,
    /// Tags; S3 compares their keys with case.
    pub tags: BTreeMap<String, String>,
    /// The ownership controls; without them S3 acts as with [`ObjectOwnership::ObjectWriter`].
    pub object_ownership: Option<ObjectOwnership>,
    /// The bucket-level Block Public Access setting; without it nothing is blocked at this level.
    pub public_access_block: Option<PublicAccessBlock>,
    /// The access control list, of which only canned ones are here.
    pub acl: Acl,
    /// The policy. Where it was put with the ARN of a user, it has the user's unique id.
    pub policy: Option<String>,
    /// Current objects by key, in the byte order in which S3 lists them.
    pub objects: BTreeMap<String, Object>,
    /// Whether versioning is on. Suspending it is not here.
    #[serde(default)]
    pub versioned: bool,
    /// What is behind the current objects, by key, the newest first. A key without a current object has its delete
    /// marker first.
    #[serde(default)]
    pub past: BTreeMap<String, Vec<Past>>,
}

/// A version of an object that is not the current one, or a delete marker.
#[derive(Clone, Serialize, Deserialize)]
pub struct Past {
    /// The version id.
    pub version_id: String,
    /// When it was put.
    pub last_modified: Timestamp,
    /// The object; none if this is a delete marker.
    pub object: Option<Object>,
}

/// An object.
#[derive(Clone, Serialize, Deserialize)]
pub struct Object {
    /// The content.
    #[serde(with = "base64_bytes")]
    pub body: Bytes,
    /// The entity tag, without its quotes: the content's MD5.
    pub etag: String,
    /// When it was put.
    pub last_modified: Timestamp,
    /// The headers it was put with and is answered with: `content-type`, `x-amz-meta-...`.
    pub headers: BTreeMap<String, String>,
    /// The checksum that S3 keeps with it: header name and value.
    pub checksum: (String, String),
    /// The version id; none for what was put without versioning, whose version is called `null`.
    #[serde(default)]
    pub version_id: Option<String>,
}

/// What S3 calls the version of an object that was put without versioning.
const NULL_VERSION: &str = "null";

impl Object {
    /// The version id as S3 tells it.
    pub fn version(&self) -> &str {
        self.version_id.as_deref().unwrap_or(NULL_VERSION)
    }
}

/// The name space of a bucket's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Namespace {
    /// Shared by all accounts.
    Global,
    /// `<prefix>-<account>-<region>-an`: only that account can ever have the name.
    AccountRegional,
}

/// Who owns objects, and whether access control lists count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are S3's")]
pub enum ObjectOwnership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

/// A canned access control list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Acl {
    /// The owner has everything, nobody else anything.
    Private,
    /// Everyone may list the bucket too.
    PublicRead,
}

/// A Block Public Access setting, of a bucket or of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    /// Refuse to set public access control lists.
    pub block_public_acls: bool,
    /// Act as if public access control lists were not there.
    pub ignore_public_acls: bool,
    /// Refuse to put public bucket policies.
    pub block_public_policy: bool,
    /// Let a public policy give access to the owner's account and AWS services alone.
    pub restrict_public_buckets: bool,
}

impl Bucket {
    /// Whether access control lists are disabled.
    pub fn enforces_ownership(&self) -> bool {
        self.object_ownership == Some(ObjectOwnership::BucketOwnerEnforced)
    }
}

impl ObjectOwnership {
    /// The name in headers and XML.
    pub fn name(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }

    /// The setting of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::BucketOwnerEnforced, Self::BucketOwnerPreferred, Self::ObjectWriter]
            .into_iter()
            .find(|ownership| ownership.name() == name)
    }
}

impl PublicAccessBlock {
    /// Everything blocked: what S3 gives new buckets since April 2023.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };

    /// The stricter of two settings in every point.
    pub fn or(self, other: Self) -> Self {
        Self {
            block_public_acls: self.block_public_acls || other.block_public_acls,
            ignore_public_acls: self.ignore_public_acls || other.ignore_public_acls,
            block_public_policy: self.block_public_policy || other.block_public_policy,
            restrict_public_buckets: self.restrict_public_buckets || other.restrict_public_buckets,
        }
    }
}

/// The ARN of the bucket, or of the object in it.
pub fn arn(bucket: &str, key: Option<&str>) -> String {
    match key {
        Some(key) => format!("arn:{PARTITION}:s3:::{bucket}/{key}"),
        None => format!("arn:{PARTITION}:s3:::{bucket}"),
    }
}

/// Content as base64 text, so that a stored world stays readable JSON.
mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Bytes::from).map_err(D::Error::custom)
    }
}
