//! What the lifecycle steps change, and which tags have to be written.

use std::fmt;
use std::time::Duration;

use aws::{ORG_STATE_SINCE_TAG, ORG_STATE_TAG, state_since};
use aws_smithy_types::DateTime;
use contract::Effect;
use org::BucketName;

use crate::{Observed, State};

/// One thing to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Say on the bucket which state the organization is in.
    TagBucket {
        /// The bucket.
        bucket: BucketName,
        /// All its tags from now on: the call replaces the whole set.
        tags: Vec<(String, String)>,
        /// The state.
        state: State,
    },
    /// Say it on the user.
    TagUser {
        /// The tags to set; others stay.
        tags: Vec<(String, String)>,
        /// The state.
        state: State,
    },
    /// Switch an access key off.
    Deactivate(String),
    /// Switch the organization's access key on.
    Activate(String),
    /// Delete an access key.
    DeleteKey(String),
    /// Switch the bucket's Block Public Access on.
    Close(BucketName),
    /// Switch the bucket's Block Public Access off.
    Open(BucketName),
}

impl<D> Observed<D> {
    /// The tags that are missing for the organization to be in `state`, the bucket's first.
    pub fn tag_as(&self, state: State) -> Vec<Change> {
        self.tags(state, |found, since| found != state || since.is_none())
    }

    /// The same for what says a later state only: what says an earlier one already has gone further.
    pub fn tag_down_to(&self, state: State) -> Vec<Change> {
        self.tags(state, |found, _| found > state)
    }

    fn tags(&self, state: State, needs: impl Fn(State, Option<Duration>) -> bool) -> Vec<Change> {
        let [user_age, bucket_age] = self.ages();
        let own = own_tags(state, self.now());
        let mut changes = Vec::new();
        if let Some((bucket, found)) = self.bucket().zip(self.state_of_bucket())
            && needs(found, bucket_age)
        {
            let others = bucket.tags().iter().filter(|(key, _)| !own.iter().any(|(own, _)| own == key));
            let tags = others.chain(&own).cloned().collect();
            changes.push(Change::TagBucket { bucket: bucket.name.clone(), tags, state });
        }
        if self.state_of_user().is_some_and(|found| needs(found, user_age)) {
            changes.push(Change::TagUser { tags: own, state });
        }
        changes
    }
}

fn own_tags(state: State, now: Option<DateTime>) -> Vec<(String, String)> {
    let since = now.map(|now| (ORG_STATE_SINCE_TAG.to_owned(), state_since(state.as_str(), now)));
    [(ORG_STATE_TAG.to_owned(), state.as_str().to_owned())].into_iter().chain(since).collect()
}

impl Change {
    /// Whether it says which state the organization is in.
    pub fn is_about_state(&self) -> bool {
        matches!(self, Self::TagBucket { .. } | Self::TagUser { .. })
    }
}

impl contract::Change for Change {
    fn effect(&self) -> Effect {
        Effect::Updates
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TagBucket { bucket, state, .. } => {
                write!(f, "say on bucket {bucket} that the organization is {}", state.as_str())
            }
            Self::TagUser { state, .. } => {
                write!(f, "say on the user that the organization is {}", state.as_str())
            }
            Self::Deactivate(key) => write!(f, "switch the access key {key} off"),
            Self::Activate(key) => write!(f, "switch the access key {key} on"),
            Self::DeleteKey(key) => write!(f, "delete the access key {key}"),
            Self::Close(bucket) => write!(f, "close bucket {bucket} to the public"),
            Self::Open(bucket) => write!(f, "open bucket {bucket} to its policy"),
        }
    }
}
