//! An organization of a town, and what people do to it by hand.

use contract::{ErrorClass, ErrorCode};
use local_aws::Timestamp;
use local_aws::World;
use local_aws::iam::{AccessKey, KeyStatus, KeyUse, LoginProfile, User};
use local_aws::s3::{Bucket, PublicAccessBlock};
use local_aws::secretsmanager::{Content, Secret, Version};
use local_system::Emitted;
use serde_json::Value;

use super::life::{Drift, Life, Sent};
use super::story::Chapter;
use crate::showers::organization;
use crate::start::{ACCOUNT, REGION};

/// How many completions of earlier chapters are remembered, and of which steps.
const REMEMBERED: usize = 8;
const OF_SIGN_UP: [&str; 4] =
    ["IamUserProvisioned", "BucketProvisioned", "BucketPolicyProvisioned", "SecretProvisioned"];

/// In milliseconds: longer than the grace period, shorter than the shortest time between chapters.
const AGE_OF_A_FOREIGN_KEY: u64 = 4 * 60 * 1000;

/// An organization, what it has to be, and what was done to it.
pub(super) struct Org {
    pub(super) number: u16,
    pub(super) id: String,
    pub(super) life: Life,
    /// The id of its stored key, as it was last seen.
    pub(super) key: Option<String>,
    /// A key that somebody made.
    pub(super) foreign: Option<String>,
    /// How many commands were made up for it.
    pub(super) sent: usize,
    pub(super) history: Vec<Sent>,
    /// Some completions that it had.
    pub(super) completions: Vec<Emitted>,
    pub(super) chapters: Vec<String>,
}

impl Org {
    pub(super) fn new(number: u16) -> Self {
        Self {
            number,
            id: organization(number),
            life: Life::unborn(),
            key: None,
            foreign: None,
            sent: 0,
            history: Vec::new(),
            completions: Vec::new(),
            chapters: Vec::new(),
        }
    }

    pub(super) fn user_name(&self) -> String {
        format!("rms_{}", self.id)
    }

    pub(super) fn bucket_name(&self) -> String {
        format!("fusion-rms-{}", self.id)
    }

    pub(super) fn secret_name(&self) -> String {
        format!("fusion-rms/{}/aws", self.id)
    }

    pub(super) fn user<'w>(&self, world: &'w World) -> Option<&'w User> {
        world.accounts.get(ACCOUNT)?.iam.users.get(&self.user_name())
    }

    pub(super) fn bucket<'w>(&self, world: &'w World) -> Option<&'w Bucket> {
        world.buckets.get(&self.bucket_name())
    }

    /// Its secret, unless its time is over.
    pub(super) fn secret<'w>(&self, world: &'w World, now: Timestamp) -> Option<&'w Secret> {
        let secret = world.accounts.get(ACCOUNT)?.regions.get(REGION)?.secrets.by_name.get(&self.secret_name())?;
        Some(secret).filter(|secret| secret.deletion.is_none_or(|deletion| deletion.at > now))
    }

    /// What it is, as its tags say: the user's and the bucket's.
    pub(super) fn tags(&self, world: &World) -> [Option<String>; 2] {
        let of_user = |user: &User| user.tags.iter().find(|(key, _)| key == "OrgState").map(|(_, state)| state.clone());
        [self.user(world).and_then(of_user), self.bucket(world).and_then(|bucket| bucket.tags.get("OrgState").cloned())]
    }

    /// What somebody does in a console, and what the model says of it then.
    pub(super) fn by_hand(&mut self, world: &mut World, chapter: &Chapter, now: Timestamp) {
        if chapter.mend {
            self.mend(world);
            self.life.held = None;
        }
        if let Some(drift) = chapter.drift {
            self.drift(world, drift, now);
            self.life.held = Some(drift).filter(|drift| drift.is_held()).or(self.life.held);
            self.life.password |= drift == Drift::Password;
            self.life.new_key |= drift == Drift::NoKey;
        }
        if chapter.rotate {
            self.give_up_rotation(world);
        }
    }

    fn drift(&mut self, world: &mut World, drift: Drift, now: Timestamp) {
        let foreign = (drift == Drift::ForeignKey).then(|| format!("AKIAFOREIGN{:09}", self.sent));
        let (key, bucket_name, user_name) = (self.key.clone(), self.bucket_name(), self.user_name());
        let id = foreign.clone().unwrap_or_default();
        let Some(bucket) = world.buckets.get_mut(&bucket_name) else { return };
        match drift {
            Drift::NoPolicy => bucket.policy = None,
            Drift::Closed => bucket.public_access_block = Some(PublicAccessBlock::ALL),
            Drift::Opened => bucket.public_access_block = None,
            _ => {}
        }
        let Some(user) = world.account(ACCOUNT).iam.users.get_mut(&user_name) else { return };
        match drift {
            Drift::NoKey => user.access_keys.retain(|own| Some(&own.id) != key.as_ref()),
            Drift::KeyOff => user
                .access_keys
                .iter_mut()
                .filter(|own| Some(&own.id) == key.as_ref())
                .for_each(|own| own.status = KeyStatus::Inactive),
            Drift::ForeignKey => {
                let used = KeyUse { at: now, service: "s3".to_owned(), region: REGION.to_owned() };
                let secret = format!("ForeignSecretOf{id}");
                // Older than any run that could be about to store it.
                let created = Timestamp(now.0.saturating_sub(AGE_OF_A_FOREIGN_KEY));
                let (status, last_used) = (KeyStatus::Active, Some(used));
                user.access_keys.push(AccessKey { id, secret, status, created, last_used });
            }
            Drift::Password => user.login_profile = Some(LoginProfile { created: now, reset_required: false }),
            Drift::Permissions => {
                let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
                user.policies.inline.insert("own".to_owned(), all.to_owned());
            }
            Drift::NoPolicy | Drift::Closed | Drift::Opened => {}
        }
        self.foreign = foreign.or(self.foreign.take());
    }

    fn mend(&mut self, world: &mut World) {
        let (foreign, key) = (self.foreign.take(), self.key.clone());
        let active = self.life.state == super::life::State::Active;
        let Some(user) = world.account(ACCOUNT).iam.users.get_mut(&self.user_name()) else { return };
        user.access_keys.retain(|own| Some(&own.id) != foreign.as_ref());
        user.policies.inline.remove("own");
        let stored = user.access_keys.iter_mut().filter(|own| active && Some(&own.id) == key.as_ref());
        stored.for_each(|own| own.status = KeyStatus::Active);
    }

    /// Takes AWSPENDING off a version whose key is gone, as docs/rotation.md says: no rotation could begin otherwise.
    fn give_up_rotation(&self, world: &mut World) {
        let listed: Vec<String> = match self.user(world) {
            Some(user) => user.access_keys.iter().map(|key| key.id.clone()).collect(),
            None => return,
        };
        let secrets = &mut world.region(ACCOUNT, REGION).secrets;
        let Some(secret) = secrets.by_name.get_mut(&self.secret_name()) else { return };
        for version in secret.versions.iter_mut().filter(|version| !version.labels.contains("AWSCURRENT")) {
            if key_in(version).is_none_or(|id| !listed.contains(&id)) {
                version.labels.remove("AWSPENDING");
            }
        }
        secret.rotation.iter_mut().for_each(|rotation| rotation.run = None);
    }

    /// Keeps some completions of its sign-ups, which may come once more later.
    pub(super) fn remember(&mut self, events: &[Emitted]) {
        let of_sign_up = |event: &&Emitted| OF_SIGN_UP.contains(&event.detail_type.as_str());
        let own = events.iter().filter(of_sign_up).filter(|event| event.detail["orgId"] == self.id.as_str());
        self.completions.extend(own.take(REMEMBERED.saturating_sub(self.completions.len())).cloned());
    }

    /// Its story so far.
    pub(super) fn told(&self) -> String {
        format!("{} ({})", self.id, self.chapters.join("; "))
    }
}

/// The version with this label.
pub(super) fn labelled<'s>(secret: &'s Secret, label: &str) -> Option<&'s Version> {
    secret.versions.iter().find(|version| version.labels.contains(label))
}

/// The id of the key that a version holds.
pub(super) fn key_in(version: &Version) -> Option<String> {
    Some(value_in(version)?["accessKeyId"].as_str()?.to_owned())
}

/// What a version holds.
pub(super) fn value_in(version: &Version) -> Option<Value> {
    match &version.content {
        Content::Text(text) => serde_json::from_str(text).ok(),
        Content::Binary(_) | Content::Empty => None,
    }
}

/// Whether trying again cannot help against a failure with this code.
pub(super) fn is_final(code: &str) -> bool {
    code.parse::<ErrorCode>().is_ok_and(|code| code.class() != ErrorClass::Retryable)
}
