//! What happened to access keys in the course of an execution, seen from outside: after every call that a
//! function made, the ledger looks at the account.

use std::collections::{BTreeMap, BTreeSet};

use local_aws::secretsmanager::Content;
use local_aws::{Asked, World};
use serde_json::Value;

use crate::violation::{Promise, Violation};

/// The keys of an execution.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    keys: BTreeMap<String, Key>,
    violations: BTreeSet<Violation>,
}

#[derive(Clone, Debug)]
struct Key {
    user: String,
    secret_access_key: String,
    /// Whether nobody but the provisioner can know it, so that it may be deleted.
    unknown_to_all: bool,
    listed: bool,
}

impl Ledger {
    /// Begins with what is there. Of those keys only `lost` may be deleted.
    pub fn begin(world: &World, lost: &[String]) -> Self {
        let mut ledger = Self::default();
        ledger.look(world);
        for (id, key) in &mut ledger.keys {
            key.unknown_to_all = lost.contains(id);
        }
        ledger
    }

    /// Notes what has changed since the last look.
    pub fn look(&mut self, world: &World) {
        let users = world.accounts.values().flat_map(|account| account.iam.users.values());
        let keys = users.flat_map(|user| user.access_keys.iter().map(move |key| (user, key)));
        let listed: BTreeMap<&str, (&str, &str)> =
            keys.map(|(user, key)| (key.id.as_str(), (user.name.as_str(), key.secret.as_str()))).collect();
        for (id, key) in &mut self.keys {
            if key.listed && !listed.contains_key(id.as_str()) {
                key.listed = false;
                if !key.unknown_to_all {
                    let seen = format!("{id} of {} was deleted, which somebody could have known", key.user);
                    self.violations.insert(Violation::of(Promise::KnownKeysStay, seen));
                }
            }
        }
        for (id, (user, secret)) in listed {
            self.keys.entry(id.to_owned()).or_insert_with(|| Key {
                user: user.to_owned(),
                secret_access_key: secret.to_owned(),
                unknown_to_all: true,
                listed: true,
            });
        }
        // A key that waits in AWSPENDING is the rotation's: whoever deletes it breaks the rotation.
        for id in stored_keys(world) {
            if let Some(key) = self.keys.get_mut(&id) {
                key.unknown_to_all = false;
            }
        }
    }

    /// Notes a request that is about to be sent.
    pub fn sent(&mut self, request: &http::Request<bytes::Bytes>, asked: &Asked) {
        // "attempt=2; max=3": the SDK counts.
        let attempt = request.headers().get("amz-sdk-request").and_then(|attempt| attempt.to_str().ok());
        if asked.operation == "CreateAccessKey" && !attempt.unwrap_or_default().starts_with("attempt=1") {
            self.violations.insert(Violation::of(Promise::KeysAskedForOnce, format!("{attempt:?}")));
        }
    }

    /// The secret access keys of all keys that ever were.
    pub fn secret_access_keys(&self) -> impl Iterator<Item = &str> {
        self.keys.values().map(|key| key.secret_access_key.as_str())
    }

    /// How many keys there ever were.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// What was seen that must not be.
    pub fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.violations.iter()
    }
}

/// The ids of the access keys that can be read as AWSCURRENT or AWSPENDING.
fn stored_keys(world: &World) -> impl Iterator<Item = String> {
    let regions = world.accounts.values().flat_map(|account| account.regions.values());
    let secrets = regions.flat_map(|region| region.secrets.by_name.values());
    let versions = secrets.flat_map(|secret| &secret.versions);
    let stored = |label: &str| ["AWSCURRENT", "AWSPENDING"].contains(&label);
    versions.filter(move |version| version.labels.iter().any(|label| stored(label))).filter_map(
        |version| match &version.content {
            Content::Text(text) => {
                let value: Value = serde_json::from_str(text).ok()?;
                Some(value.get("accessKeyId")?.as_str()?.to_owned())
            }
            Content::Binary(_) | Content::Empty => None,
        },
    )
}
