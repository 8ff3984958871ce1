//! A secret, its versions, and how labels move between them.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::errors;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::reply::ApiError;

/// The label of the version that is read by default.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The label of the version that a rotation makes.
pub(super) const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";
const MOST_VERSIONS: usize = 100;
const MOST_LABELS: usize = 20;
/// A version without labels is kept at least this long.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secret {
    /// The name.
    pub name: String,
    /// The ARN: the name, a hyphen and six random characters at its end.
    pub arn: String,
    /// What it is for.
    pub description: Option<String>,
    /// The KMS key as it was given; without one it is the account's `aws/secretsmanager`.
    pub kms_key_id: Option<String>,
    /// Tags in the order made; `None` if the secret never had one. Keys are case-sensitive.
    pub tags: Option<Vec<(String, String)>>,
    /// When it was made.
    pub created: Timestamp,
    /// When anything of it was last changed.
    pub changed: Timestamp,
    /// The day of the last read of a value.
    pub accessed: Option<Timestamp>,
    /// Set while it is scheduled for deletion.
    pub deletion: Option<Deletion>,
    /// Versions in the order made.
    pub versions: Vec<Version>,
    /// How it is rotated, if it ever was.
    #[serde(default)]
    pub rotation: Option<Rotation>,
}

/// The end of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// When it is gone for good.
    pub at: Timestamp,
    /// Whether it was forced, so that it is as good as gone already.
    pub forced: bool,
}

/// A version of a secret. What it holds never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// The id: the token of the request that made it.
    pub id: String,
    /// The value.
    pub content: Content,
    /// When it was made.
    pub created: Timestamp,
    /// The day of the last read.
    pub accessed: Option<Timestamp>,
    /// The staging labels. Without one the version is deprecated.
    pub labels: BTreeSet<String>,
}

/// A secret value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Nothing yet: RotateSecret makes a version for its token, and the rotation function gives it a value.
    Empty,
    /// `SecretString`.
    Text(String),
    /// `SecretBinary`.
    Binary(Vec<u8>),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

impl Content {
    /// The length in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    pub(super) fn write(&self, body: &mut Map<String, Value>) {
        match self {
            Self::Empty => return,
            Self::Text(text) => body.insert("SecretString".to_owned(), json!(text)),
            Self::Binary(bytes) => body.insert("SecretBinary".to_owned(), json!(STANDARD.encode(bytes))),
        };
    }
}

/// What became of a value that was to be stored.
pub(super) enum Stored {
    /// As a new version.
    New,
    /// It was stored by the same request before.
    Already,
}

impl Secret {
    /// Whether `id` is the name, the ARN, or the ARN without its six random characters. AWS takes an ARN that
    /// ends in a hyphen and six characters for a whole one, so no short form of such a name is found.
    pub(super) fn is_meant_by(&self, id: &str) -> bool {
        if id == self.name || id == self.arn {
            return true;
        }
        let ends_like_an_arn = id
            .rsplit_once('-')
            .is_some_and(|(_, end)| end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let without_suffix = self.arn.rsplit_once('-').map(|(start, _)| start);
        !ends_like_an_arn && without_suffix == Some(id)
    }

    /// Whether its deletion was forced: then it is found no more, though its name is not free yet.
    pub(super) fn is_being_forced_out(&self) -> bool {
        self.deletion.is_some_and(|deletion| deletion.forced)
    }

    /// The version with this id.
    pub(super) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// The version that carries `label`.
    pub(super) fn holder(&self, label: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.labels.contains(label))
    }

    /// Stores a value as the version `token`, with `labels`. The first version is always the current one.
    ///
    /// # Errors
    /// If the version exists with another value, or a limit is reached; the secret is as it was.
    pub(super) fn store(
        &mut self,
        token: &str,
        content: Content,
        labels: &[String],
        now: Timestamp,
    ) -> Result<Stored, ApiError> {
        match self.version(token) {
            Some(version) if version.content == content => return Ok(Stored::Already),
            Some(version) if version.content != Content::Empty => return Err(errors::token_in_use(token, &self.arn)),
            _ => {}
        }
        let mut changed = self.clone();
        let first = changed.versions.is_empty();
        // A version that waits for its value keeps its place and its time.
        match changed.versions.iter_mut().find(|version| version.id == token) {
            Some(waiting) => waiting.content = content,
            None => changed.versions.push(Version {
                id: token.to_owned(),
                content,
                created: now,
                accessed: None,
                labels: BTreeSet::new(),
            }),
        }
        if first {
            changed.attach(CURRENT, token);
        }
        for label in labels {
            changed.attach(label, token);
        }
        changed.prune(now);
        changed.check_limits()?;
        changed.changed = now;
        *self = changed;
        Ok(Stored::New)
    }

    /// Puts a label on a version, off any other. The version that `AWSCURRENT` leaves becomes `AWSPREVIOUS`.
    pub(super) fn attach(&mut self, label: &str, id: &str) {
        let left = self.holder(label).map(|version| version.id.clone()).filter(|holder| holder != id);
        self.detach(label);
        self.versions.iter_mut().filter(|version| version.id == id).for_each(|version| {
            version.labels.insert(label.to_owned());
        });
        if let (CURRENT, Some(left)) = (label, left) {
            self.attach(PREVIOUS, &left);
        }
    }

    /// Takes a label off whichever version carries it.
    pub(super) fn detach(&mut self, label: &str) {
        for version in &mut self.versions {
            version.labels.remove(label);
        }
    }

    /// The secret's labels are limited over all versions together.
    pub(super) fn check_limits(&self) -> Result<(), ApiError> {
        if self.versions.len() > MOST_VERSIONS {
            return Err(errors::limit(format!("The secret has reached the limit of {MOST_VERSIONS} versions.")));
        }
        if self.versions.iter().map(|version| version.labels.len()).sum::<usize>() > MOST_LABELS {
            return Err(errors::limit(format!("The secret has reached the limit of {MOST_LABELS} staging labels.")));
        }
        Ok(())
    }

    /// Removes deprecated versions while there are too many, the oldest first, none younger than a day.
    fn prune(&mut self, now: Timestamp) {
        while self.versions.len() > MOST_VERSIONS {
            let prunable = |version: &Version| version.labels.is_empty() && now.since(version.created) >= KEPT;
            let Some(oldest) = self.versions.iter().position(prunable) else { return };
            self.versions.remove(oldest);
        }
    }
}
