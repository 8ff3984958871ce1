//! What must be there after every settlement, by what an organization's story says.

use std::collections::BTreeSet;

use local_aws::iam::{AccessKey, KeyStatus, User};
use local_aws::s3::{Bucket, ObjectOwnership, PublicAccessBlock};
use local_aws::secretsmanager::Secret;
use local_aws::{Timestamp, World};
use serde_json::{Value, json};

use super::life::{Drift, Life, MARKER, State};
use super::org::{Org, key_in, labelled, value_in};
use crate::violation::{Promise, Violation};

const GOLDEN_POLICY: &str = include_str!("../../../golden/bucket-policy.json");

type Seen = Result<(), (Promise, String)>;

/// Everything about this organization that is not as its life has it.
pub(super) fn look(org: &Org, world: &World, now: Timestamp) -> Vec<Violation> {
    let looks: &[fn(&Looked<'_>) -> Seen] = match org.life.state {
        State::Unborn => &[nothing],
        State::Active => &[tags, user, keys, secret, bucket, open, objects],
        State::Suspended => &[tags, user, keys, secret, bucket, closed, objects],
        State::Offboarded => &[tags, gone, bucket, closed, objects],
    };
    let looked = Looked {
        org,
        life: &org.life,
        before: org.key.as_deref(),
        world,
        user: org.user(world),
        secret: org.secret(world, now),
        bucket: org.bucket(world),
    };
    let wrong = looks.iter().filter_map(|look| look(&looked).err());
    wrong
        .map(|(promise, seen)| Violation::of(promise, format!("{:?}: {seen}: {}", org.life.state, org.told())))
        .collect()
}

struct Looked<'l> {
    org: &'l Org,
    life: &'l Life,
    /// The stored key before this settlement.
    before: Option<&'l str>,
    world: &'l World,
    user: Option<&'l User>,
    secret: Option<&'l Secret>,
    bucket: Option<&'l Bucket>,
}

fn wrong(promise: Promise, seen: impl Into<String>) -> Seen {
    Err((promise, seen.into()))
}

fn nothing(at: &Looked<'_>) -> Seen {
    if at.user.is_none() && at.bucket.is_none() && at.secret.is_none() {
        return Ok(());
    }
    wrong(Promise::OthersUntouched, "something was made for an organization that nobody signed up")
}

/// User and bucket say the state, and whose they are.
fn tags(at: &Looked<'_>) -> Seen {
    let (state, with_user) = match at.life.state {
        State::Unborn | State::Active => ("active", true),
        State::Suspended => ("suspended", true),
        State::Offboarded => ("offboarded", false),
    };
    let [of_user, of_bucket] = at.org.tags(at.world);
    if of_bucket.as_deref() != Some(state) || (with_user && of_user.as_deref() != Some(state)) {
        return wrong(Promise::StateHolds, format!("the user says {of_user:?} and the bucket {of_bucket:?}"));
    }
    let bucket_is_ours = at.bucket.and_then(|bucket| bucket.tags.get("OrgId")) == Some(&at.org.id);
    let user_is_ours = |user: &User| user.tags.iter().any(|(key, value)| key == "OrgId" && *value == at.org.id);
    match bucket_is_ours && at.user.is_none_or(user_is_ours) {
        true => Ok(()),
        false => wrong(Promise::OneBucket, "the tag OrgId is not there"),
    }
}

fn user(at: &Looked<'_>) -> Seen {
    let Some(user) = at.user else { return wrong(Promise::User, "there is no user") };
    let more = !user.policies.inline.is_empty() || !user.policies.attached.is_empty() || !user.groups.is_empty();
    if more != (at.life.held == Some(Drift::Permissions)) {
        return wrong(Promise::OthersUntouched, format!("the user has policies: {more}"));
    }
    if user.login_profile.is_some() != at.life.password {
        return wrong(Promise::OthersUntouched, "somebody's password is gone, or nobody's came");
    }
    Ok(())
}

/// Exactly the keys that there have to be, each in the state that it has to be in.
fn keys(at: &Looked<'_>) -> Seen {
    let (Some(user), Some(secret)) = (at.user, at.secret) else {
        return wrong(Promise::OneKeyStored, "user or secret is not there");
    };
    let current = labelled(secret, "AWSCURRENT");
    let current_key = current.and_then(key_in).unwrap_or_default();
    let runs = at.life.state == State::Active;
    let mut expected = vec![(current_key.clone(), runs && at.life.held != Some(Drift::KeyOff))];
    if let Some(old) = &at.life.old_key {
        expected.push((old.id.clone(), runs && old.active));
        let previous = labelled(secret, "AWSPREVIOUS").and_then(key_in);
        if previous.as_ref() != Some(&old.id) {
            return wrong(Promise::OneKeyStored, format!("AWSPREVIOUS holds {previous:?}, not {}", old.id));
        }
    }
    if at.life.pending.is_some() {
        let pending = labelled(secret, "AWSPENDING").and_then(key_in);
        expected.extend(pending.map(|id| (id, runs)));
    }
    if at.life.held == Some(Drift::ForeignKey) {
        expected.extend(at.org.foreign.clone().map(|id| (id, true)));
    }
    let status = |key: &AccessKey| (key.id.clone(), key.status == KeyStatus::Active);
    let (mut found, mut expected): (Vec<_>, Vec<_>) = (user.access_keys.iter().map(status).collect(), expected);
    found.sort();
    expected.sort();
    if found != expected {
        return wrong(Promise::OneKeyStored, format!("the keys are {found:?}, not {expected:?}"));
    }
    let stored = user.access_keys.iter().find(|key| key.id == current_key);
    let value =
        stored.map(|key| json!({ "accessKeyId": key.id, "secretAccessKey": key.secret, "userName": user.name }));
    if current.and_then(value_in) != value {
        return wrong(Promise::OneKeyStored, "AWSCURRENT does not hold its key's secret");
    }
    match (at.before, at.life.new_key) {
        (Some(before), false) if before != current_key => {
            wrong(Promise::KnownKeysStay, format!("{before} was replaced by {current_key}"))
        }
        (Some(before), true) if before == current_key => wrong(Promise::OneKeyStored, "the key is not a new one"),
        _ => Ok(()),
    }
}

fn secret(at: &Looked<'_>) -> Seen {
    let Some(secret) = at.secret else { return wrong(Promise::OneKeyStored, "there is no secret") };
    let ours = secret.tags.iter().flatten().any(|(key, value)| key == "OrgId" && *value == at.org.id);
    let pending = labelled(secret, "AWSPENDING").is_some_and(|version| !version.labels.contains("AWSCURRENT"));
    match (ours, secret.deletion) {
        (false, _) => wrong(Promise::OneKeyStored, "the secret lacks its tag"),
        (_, Some(_)) => wrong(Promise::StateHolds, "the secret is scheduled for deletion"),
        // What an offboarding left of a rotation is left to a person.
        _ if pending && at.life.pending.is_none() && at.life.back_by.is_none() => {
            wrong(Promise::OneKeyStored, "a version is AWSPENDING, and no rotation is under way")
        }
        _ => Ok(()),
    }
}

/// An offboarded organization has no user, so no key, and its secret is going.
fn gone(at: &Looked<'_>) -> Seen {
    if at.user.is_some() {
        return wrong(Promise::StateHolds, "the user is there");
    }
    match at.secret {
        Some(secret) if secret.deletion.is_none() => wrong(Promise::StateHolds, "the secret is not going"),
        _ => Ok(()),
    }
}

fn bucket(at: &Looked<'_>) -> Seen {
    let tagged = at.world.buckets.values().filter(|bucket| bucket.tags.get("OrgId") == Some(&at.org.id)).count();
    match at.bucket {
        Some(bucket) if bucket.object_ownership != Some(ObjectOwnership::BucketOwnerEnforced) => {
            wrong(Promise::OneBucket, format!("the ownership is {:?}", bucket.object_ownership))
        }
        Some(_) if tagged == 1 => Ok(()),
        _ => wrong(Promise::OneBucket, format!("there are {tagged} buckets, not the one")),
    }
}

/// Open to its policy, which is the golden one and names the user that there is now.
fn open(at: &Looked<'_>) -> Seen {
    let (Some(bucket), Some(user)) = (at.bucket, at.user) else { return Ok(()) };
    if bucket.public_access_block.is_some_and(|block| block != PublicAccessBlock::default()) {
        return wrong(Promise::StateHolds, "the bucket is closed");
    }
    let golden = GOLDEN_POLICY.replace("arn:aws:iam::123456789012:user/rms_xmsqa1", &user.id);
    let golden: Value =
        serde_json::from_str(&golden.replace("fusion-rms-xmsqa1", &at.org.bucket_name())).unwrap_or_default();
    let policy = bucket.policy.as_deref().unwrap_or_default();
    match org::same_policy(policy, &golden.to_string()) {
        true => Ok(()),
        false => wrong(Promise::GoldenPolicy, format!("the policy is {policy}")),
    }
}

fn closed(at: &Looked<'_>) -> Seen {
    match at.bucket.and_then(|bucket| bucket.public_access_block) {
        Some(PublicAccessBlock::ALL) => Ok(()),
        block => wrong(Promise::StateHolds, format!("the bucket is open: {block:?}")),
    }
}

/// No object is gone but by an offboarding that asked for it.
fn objects(at: &Looked<'_>) -> Seen {
    let found: BTreeSet<String> = at.bucket.iter().flat_map(|bucket| bucket.objects.keys().cloned()).collect();
    let expected = &at.life.objects;
    match found == *expected {
        true => Ok(()),
        false => {
            wrong(Promise::StateHolds, format!("the objects are {found:?}, not {expected:?} ({MARKER} among them)"))
        }
    }
}

/// Everything that an organization has, without what reading changes: of one that nothing was done to, this stays.
pub(super) fn belongings(org: &Org, world: &World, now: Timestamp) -> Value {
    let mut all = json!({
        "user": org.user(world), "bucket": org.bucket(world), "secret": org.secret(world, now),
    });
    strip(&mut all);
    all
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !["last_used", "accessed", "deleted_keys"].contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
