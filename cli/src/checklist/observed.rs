//! What was looked at: everything that the lines are decided from.

use std::time::Duration;

use aws::Credential;
use aws::secrets::StoredSecret;
use aws::users::{AccessKey, User};
use contract::{ErrorCode, StepError};
use org::{AccountClass, BucketName, Conventions, Environment, OrgId, Place};

/// What a look answered, or why it did not.
pub type Seen<T> = Result<T, Unseen>;

/// Why AWS did not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// The code.
    pub code: ErrorCode,
    /// What was asked and what came back.
    pub message: String,
}

impl From<StepError> for Unseen {
    fn from(error: StepError) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }
}

/// What is known without looking.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The organization.
    pub org: OrgId,
    /// Account and region.
    pub place: Place,
    /// Who looks.
    pub caller: String,
    /// How things are called.
    pub conventions: Conventions,
    /// What the account may hold.
    pub account_class: AccountClass,
    /// Whether somebody said which account this should be.
    pub account_was_expected: bool,
    /// The environment that the organization was ordered for, if somebody said it.
    pub environment: Option<Environment>,
    /// The KMS key that secrets are to have, if not the account's own.
    pub kms_key_id: Option<String>,
}

/// What an organization has.
pub struct Observed {
    /// The user of the convention's name.
    pub user: Seen<Option<User>>,
    /// What else the user has.
    pub user_extras: UserExtras,
    /// The user's access keys.
    pub keys: Seen<Vec<AccessKey>>,
    /// The ids of those that a rotation holds: the new one in AWSPENDING, the old one in AWSPREVIOUS.
    pub rotating: Seen<Vec<String>>,
    /// When the key was made and used; none without a key.
    pub key_history: Option<Seen<KeyHistory>>,
    /// The secret.
    pub secret: Seen<Option<StoredSecret>>,
    /// The organization's buckets.
    pub buckets: Seen<Buckets>,
    /// How the chosen bucket is set up; none without a bucket.
    pub setup: Option<BucketSetup>,
    /// Which of the account's public access blocks are on.
    pub account_blocks: Seen<Vec<&'static str>>,
    /// What can be done with the stored key; none without one.
    pub with_key: Option<WithKey>,
    /// What can be done without credentials; none without a bucket.
    pub anonymously: Option<Anonymously>,
}

/// What a user has that ours must not have.
pub struct UserExtras {
    /// A password for the console.
    pub console: Seen<bool>,
    /// Names of inline policies.
    pub inline_policies: Seen<Vec<String>>,
    /// ARNs of attached policies.
    pub attached_policies: Seen<Vec<String>>,
    /// Names of groups.
    pub groups: Seen<Vec<String>>,
    /// MFA devices, SSH keys, service-specific credentials and signing certificates, by kind and id.
    pub other_credentials: Seen<Vec<String>>,
}

/// An access key's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHistory {
    /// How long ago it was made, by IAM's clock.
    pub age: Duration,
    /// When it was last used, for what and where: `2026-11-29T08:00:00Z, s3 in us-east-1`.
    pub last_used: Option<String>,
}

/// The buckets that carry the organization's tag, or could.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    /// Names of those in this region.
    pub here: Vec<BucketName>,
    /// Names and regions of the others.
    pub elsewhere: Vec<(BucketName, String)>,
    /// One of our account with the organization's name and without its tag.
    pub not_ours: Option<NotOurs>,
    /// The tags of the organization's own, else of the one that lacks its tag.
    pub tags: Vec<(String, String)>,
}

/// A bucket of our account with the organization's name and without its tag.
#[derive(Clone, Debug)]
pub struct NotOurs {
    /// The name.
    pub name: BucketName,
    /// The tag's value, if it has another one.
    pub owner: Option<String>,
    /// The region, if it is not this one.
    pub elsewhere: Option<String>,
}

impl Buckets {
    /// The bucket that is looked into: the organization's own, else the one that lacks its tag. Both in this region.
    pub fn chosen(&self) -> Option<&BucketName> {
        let untagged = self.not_ours.as_ref().filter(|bucket| bucket.elsewhere.is_none());
        self.here.first().or(untagged.map(|bucket| &bucket.name))
    }

    /// A bucket of the organization's name in another region: its name and region.
    pub fn astray(&self) -> Option<(&BucketName, &str)> {
        let tagged = self.elsewhere.first().map(|(name, region)| (name, region.as_str()));
        let untagged = || self.not_ours.as_ref().and_then(|bucket| Some((&bucket.name, bucket.elsewhere.as_deref()?)));
        tagged.or_else(untagged)
    }
}

/// How a bucket is set up.
pub struct BucketSetup {
    /// Which of its public access blocks are on.
    pub blocks: Seen<Vec<&'static str>>,
    /// Whether access control lists are off.
    pub enforces_owner: Seen<bool>,
    /// Whether the `pub/` marker is there.
    pub has_marker: Seen<bool>,
    /// Its policy.
    pub policy: Seen<Option<String>>,
    /// What S3 says of the policy: whether it is public; none without a policy.
    pub is_public: Seen<Option<bool>>,
}

/// What came of trying something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was done.
    Done,
    /// It was refused, with this code.
    Refused(String),
}

/// How a HEAD is denied: its answers have no body, hence no code.
pub const DENIED_HEAD: &str = "403 Forbidden";

impl Attempt {
    /// Whether it was refused for want of a permission. Every other refusal (of a bucket that is gone, of a key that
    /// is not known) proves nothing about permissions.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused(code) if code == "AccessDenied" || code == DENIED_HEAD)
    }
}

/// What can be done with the stored key.
pub struct WithKey {
    /// The ARN that STS says it is, or the code of the refusal.
    pub identity: Seen<Result<String, String>>,
    /// Listing the organization's bucket; none without one.
    pub own_bucket: Option<Seen<Attempt>>,
    /// Listing the account's buckets.
    pub all_buckets: Seen<Attempt>,
    /// Listing another organization's bucket, and its name; none where there is no other.
    pub other_bucket: Option<(String, Seen<Attempt>)>,
}

/// What can be done without credentials.
pub struct Anonymously {
    /// Reading the `pub/` marker.
    pub public_read: Seen<Attempt>,
    /// Reading an object outside `pub/`, and its key; none where there is no such object.
    pub private_read: Seen<Option<(String, Attempt)>>,
    /// Listing the bucket.
    pub list: Seen<Attempt>,
}

impl Observed {
    /// The stored credential, if there is one that can be read.
    pub fn credential(&self) -> Option<&Credential> {
        let version = self.secret.as_ref().ok()?.as_ref()?.current.as_ref()?;
        version.value.as_ref().ok()
    }

    /// The user's key that the secret holds, else the first.
    pub fn key(&self) -> Option<&AccessKey> {
        let keys = self.keys.as_ref().ok()?;
        let stored = self.credential().and_then(|stored| keys.iter().find(|key| key.id == stored.access_key_id));
        stored.or(keys.first())
    }
}

/// An access key's name where people may see it.
pub fn key_name(id: &str) -> String {
    format!("…{}", id.get(id.len().saturating_sub(4)..).unwrap_or_default())
}

/// Tags, keys and values as they are written in policies and messages.
pub fn tag_value<'t>(tags: &'t [(String, String)], key: &str) -> Option<&'t str> {
    tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}
