//! What IAM keeps: users with their credentials, groups, and policies.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::credentials::OtherCredential;
use crate::clock::Timestamp;
use crate::world::PARTITION;

/// An IAM user.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct User {
    /// The name as it was given.
    pub name: String,
    /// The unique id (`AIDA...`); a user that is deleted and made again has a new one.
    pub id: String,
    /// The path, `/` by default.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
    /// Tags in the order made. IAM compares their keys without case.
    pub tags: Vec<(String, String)>,
    /// Access keys, in the order made; two at most.
    pub access_keys: Vec<AccessKey>,
    /// Deleted keys that ListAccessKeys may still show.
    pub deleted_keys: Vec<(AccessKey, Timestamp)>,
    /// The password for the console, if there is one.
    pub login_profile: Option<LoginProfile>,
    /// The user's own policies.
    pub policies: Policies,
    /// The groups that the user is in, by lower-case name.
    pub groups: BTreeSet<String>,
    /// Signing certificates, SSH keys, service-specific credentials and MFA devices.
    #[serde(default)]
    pub credentials: Vec<OtherCredential>,
}

/// A group of users. It is no principal: it only hands its policies on.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Group {
    /// The name as it was given.
    pub name: String,
    /// The unique id, `AGPA...`.
    pub id: String,
    /// The path, `/` by default.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
    /// The policies that all members have.
    pub policies: Policies,
}

/// The identity policies of a user or a group.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Policies {
    /// Inline policies by name. Each was read and found well-formed.
    pub inline: BTreeMap<String, String>,
    /// The ARNs of attached managed policies.
    pub attached: BTreeSet<String>,
}

/// A managed policy with its only version, `v1`.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// The name.
    pub name: String,
    /// The unique id, `ANPA...`.
    pub id: String,
    /// The path, `/` by default.
    pub path: String,
    /// The ARN, which includes the path.
    pub arn: String,
    /// What it is for, if somebody said so.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Tags in the order made.
    pub tags: Vec<(String, String)>,
    /// The document, which was read and found well-formed.
    pub document: String,
}

/// A password. The password itself is not kept: nobody signs in to a console here.
#[derive(Clone, Serialize, Deserialize)]
pub struct LoginProfile {
    /// When it was made.
    pub created: Timestamp,
    /// Whether it must be changed at the first use.
    pub reset_required: bool,
}

/// An access key.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AKIA...`.
    pub id: String,
    /// The secret, which the API tells once.
    pub secret: String,
    /// Whether it may be used.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
    /// When, where and for what it was last used.
    pub last_used: Option<KeyUse>,
}

/// The state of an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are IAM's")]
pub enum KeyStatus {
    Active,
    Inactive,
}

/// The last use of an access key.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyUse {
    /// When.
    pub at: Timestamp,
    /// The service that was called.
    pub service: String,
    /// The region that was called.
    pub region: String,
}

impl User {
    /// The user's ARN, which includes its path.
    pub fn arn(&self, account: &str) -> String {
        arn(account, "user", &self.path, &self.name)
    }
}

impl Group {
    /// The group's ARN, which includes its path.
    pub fn arn(&self, account: &str) -> String {
        arn(account, "group", &self.path, &self.name)
    }
}

/// The ARN of something of IAM's.
pub(super) fn arn(account: &str, kind: &str, path: &str, name: &str) -> String {
    format!("arn:{PARTITION}:iam::{account}:{kind}{path}{name}")
}
