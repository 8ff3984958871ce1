//! What must hold when everything has settled.

use std::collections::{BTreeMap, BTreeSet};

use contract::{ErrorClass, ErrorCode};
use local_aws::iam::{KeyStatus, User};
use local_aws::s3::ObjectOwnership;
use local_aws::secretsmanager::Content;
use local_aws::{Account, World};
use serde_json::{Value, json};

use crate::ledger::Ledger;
use crate::lifecycle;
use crate::stage::{Aftermath, Trigger};
use crate::start::{ACCOUNT, BUCKET, End, ORG, Prepared, REGION, SECRET, Start, USER};
use crate::violation::{Promise, Violation};

const GOLDEN_POLICY: &str = include_str!("../../golden/bucket-policy.json");
/// What each function calls in its own name; infra/ allows just that.
const CALLS: &str = include_str!("../../golden/calls.json");
const FAILED: &str = "OrgProvisioningFailed";

/// Every promise that this execution broke.
///
/// In a storm an event may end as a message that is kept; else only what a person has to decide does.
pub fn judge(prepared: &Prepared, trigger: Trigger, storm: bool, aftermath: &Aftermath) -> Vec<Violation> {
    if let Some(step) = trigger.of_lifecycle() {
        return lifecycle::judge(prepared, trigger, step, storm, aftermath);
    }
    let start = prepared.start;
    let mut broken = of_ledger(trigger, &aftermath.ledger);
    broken.extend(ends(start, trigger, storm, aftermath));
    broken.extend(completion(prepared, trigger, aftermath));
    broken.extend(allowed(aftermath));
    broken.extend(resources(start, aftermath));
    if trigger != Trigger::Return {
        broken.extend(untouched(start, aftermath));
    }
    broken.extend(same_event_ids(aftermath));
    let settled = buried(aftermath).is_empty();
    if settled && let Some(write) = aftermath.writes_when_run_again.first() {
        broken.push(Violation::of(Promise::NothingToDo, write.to_string()));
    }
    broken
}

/// What the ledger saw that may not be. To delete keys is what an offboarding is for.
pub(crate) fn of_ledger(trigger: Trigger, ledger: &Ledger) -> Vec<Violation> {
    let keys_may_go = trigger.of_lifecycle() == Some("offboard");
    let broken = ledger.violations().filter(|violation| !keys_may_go || violation.promise != Promise::KnownKeysStay);
    broken.cloned().collect()
}

/// The steps that ended with their event in their dead-letter queue.
pub(crate) fn buried(aftermath: &Aftermath) -> Vec<&'static str> {
    let with_letters = aftermath.dead_letters.iter().filter(|(_, letters)| !letters.is_empty());
    with_letters.map(|(step, _)| *step).collect()
}

pub(crate) fn emitted(aftermath: &Aftermath, detail_type: &str) -> bool {
    aftermath.events.iter().any(|event| event.detail_type == detail_type)
}

/// Everything ends: in completion, or with the message kept and its failure told.
fn ends(start: Start, trigger: Trigger, storm: bool, aftermath: &Aftermath) -> Vec<Violation> {
    let mut broken = Vec::new();
    let mut lost = |seen: String| broken.push(Violation::of(Promise::NothingLost, seen));
    let failures: BTreeSet<(&str, &str)> = failures(aftermath).collect();
    let buried = buried(aftermath);
    let completion = match trigger {
        Trigger::Flow | Trigger::Return => "OrgProvisioned",
        Trigger::Step(step) | Trigger::With(step) => completion_of(step),
        Trigger::Rotation(_) => "OrgKeyRotated",
        Trigger::Watch(_) => "OrgReconciled",
    };
    if buried.is_empty() && !emitted(aftermath, completion) {
        lost(format!("no {completion}, and no message is kept"));
    }
    for step in &buried {
        let alone = aftermath.could_not_tell.contains(*step);
        if !alone && !failures.iter().any(|(failed, _)| failed == step) {
            lost(format!("{step} kept its message and told nobody"));
        }
    }
    for (step, code) in &failures {
        if !buried.contains(step) {
            lost(format!("{step} told of {code} and kept no message"));
        }
    }
    let end = if trigger == Trigger::Return { End::Provisioned } else { start.end() };
    match (end, trigger) {
        (End::Provisioned, Trigger::Flow | Trigger::Return) if !storm && !buried.is_empty() => {
            lost(format!("the organization is to be provisioned, and failed with {failures:?}"));
        }
        (End::Refused(expected), Trigger::Flow) => {
            // `verify` and the other branch may wait in vain for what the conflict keeps from being made.
            let told = failures.iter().any(|(_, code)| *code == expected.as_str());
            let others =
                failures.iter().find(|(_, code)| ![expected.as_str(), ErrorCode::Waiting.as_str()].contains(code));
            if !told || others.is_some() {
                lost(format!("the organization is to end with {expected}, and ended with {failures:?}"));
            }
        }
        _ => {}
    }
    broken
}

/// Whether what the trigger sets off was done, and nothing was kept.
pub(crate) fn completed(trigger: Trigger, aftermath: &Aftermath) -> bool {
    let completion = match trigger {
        Trigger::Flow | Trigger::Return => "OrgProvisioned",
        Trigger::Step(step) | Trigger::With(step) => completion_of(step),
        Trigger::Rotation(_) => "OrgKeyRotated",
        Trigger::Watch(_) => "OrgReconciled",
    };
    emitted(aftermath, completion) && buried(aftermath).is_empty()
}

/// A step that completes in calm weather completes in any; one that meets a conflict writes nothing.
fn completion(prepared: &Prepared, trigger: Trigger, aftermath: &Aftermath) -> Vec<Violation> {
    let Trigger::Step(step) = trigger else { return Vec::new() };
    if prepared.completes.contains(step) {
        let kept = failures(aftermath).collect::<Vec<_>>();
        let broken = (!completed(trigger, aftermath))
            .then(|| Violation::of(Promise::NothingLost, format!("{step} did not complete: {kept:?}")));
        return broken.into_iter().collect();
    }
    let conflict = matches!(prepared.start.end(), End::Refused(code) if code.class() == ErrorClass::Conflict);
    let writes = aftermath.asked_by.get(step).into_iter().flatten();
    let writes = writes.filter(|asked| conflict && asked.is_mutating() && !["sqs", "events"].contains(&asked.service));
    writes.map(|asked| Violation::of(Promise::OthersUntouched, format!("{step} called {}", asked.operation))).collect()
}

/// Functions call only what is written down, and what is written down is what their roles allow.
pub(crate) fn allowed(aftermath: &Aftermath) -> Vec<Violation> {
    let recorded: BTreeMap<String, BTreeSet<String>> = serde_json::from_str(CALLS).unwrap_or_default();
    let asked =
        aftermath.asked_by.iter().flat_map(|(function, asked)| asked.iter().map(move |asked| (function, asked)));
    let beyond = asked.filter_map(|(function, asked)| {
        let call = format!("{}:{}", asked.service, asked.operation);
        let known = recorded.get(function).is_some_and(|calls| calls.contains(&call));
        (!known).then(|| Violation::of(Promise::WithinItsRole, format!("{function} called {call}")))
    });
    beyond.collect()
}

pub(crate) fn completion_of(step: &str) -> &'static str {
    let registered = local_system::registry::all().find(|registered| registered.spec.name == step);
    registered.map_or("", |registered| registered.spec.completion)
}

/// The failures told: step and error code.
pub(crate) fn failures(aftermath: &Aftermath) -> impl Iterator<Item = (&str, &str)> {
    let failed = aftermath.events.iter().filter(|event| event.detail_type == FAILED);
    failed.map(|event| {
        (event.detail["step"].as_str().unwrap_or_default(), event.detail["error"]["code"].as_str().unwrap_or_default())
    })
}

pub(crate) fn same_event_ids(aftermath: &Aftermath) -> Vec<Violation> {
    let mut ids: BTreeMap<(&str, String, String), BTreeSet<String>> = BTreeMap::new();
    for event in &aftermath.events {
        let (step, request) = (event.detail["step"].to_string(), event.detail["requestId"].to_string());
        ids.entry((&event.detail_type, step, request)).or_default().insert(event.detail["eventId"].to_string());
    }
    let differing = ids.into_iter().filter(|(_, ids)| ids.len() > 1);
    differing.map(|(event, ids)| Violation::of(Promise::SameEventId, format!("{event:?}: {ids:?}"))).collect()
}

/// What a step said to be done is there; what was not said to be done is at least not wrong.
fn resources(start: Start, aftermath: &Aftermath) -> Vec<Violation> {
    let account = &aftermath.after.accounts[ACCOUNT];
    let mut broken = Vec::new();
    // A user that others made is taken as it is: to IAM, its tag `OrgID` is `OrgId`.
    if emitted(aftermath, "IamUserProvisioned") && start != Start::MadeByOthers {
        broken.extend(user(account).err().map(|seen| Violation::of(Promise::User, seen)));
    }
    if emitted(aftermath, "SecretProvisioned") || emitted(aftermath, "OrgProvisioned") {
        broken.extend(one_key(account).err().map(|seen| Violation::of(Promise::OneKeyStored, seen)));
    }
    if emitted(aftermath, "BucketProvisioned") {
        broken.extend(bucket(&aftermath.after).err().map(|seen| Violation::of(Promise::OneBucket, seen)));
    }
    if emitted(aftermath, "BucketPolicyProvisioned") {
        broken.extend(policy(&aftermath.after).err().map(|seen| Violation::of(Promise::GoldenPolicy, seen)));
    }
    broken
}

pub(crate) fn the_user(account: &Account) -> Result<&User, String> {
    account.iam.users.get(USER).ok_or_else(|| "there is no user".to_owned())
}

fn user(account: &Account) -> Result<(), String> {
    let user = the_user(account)?;
    for (key, value) in [("OrgId", ORG), ("OrgState", "active")] {
        if !user.tags.iter().any(|tag| (tag.0.as_str(), tag.1.as_str()) == (key, value)) {
            return Err(format!("the user lacks {key}={value}: {:?}", user.tags));
        }
    }
    let bare = user.login_profile.is_none() && user.groups.is_empty() && user.policies.inline.is_empty();
    if bare && user.policies.attached.is_empty() { Ok(()) } else { Err("the user may do more".to_owned()) }
}

/// One key, active, and stored with its secret as AWSCURRENT: it authenticates.
pub(crate) fn one_key(account: &Account) -> Result<(), String> {
    let user = the_user(account)?;
    let [key] = &user.access_keys[..] else { return Err(format!("the user has {} keys", user.access_keys.len())) };
    if key.status != KeyStatus::Active {
        return Err(format!("the key is {:?}", key.status));
    }
    let secret = account.regions[REGION].secrets.by_name.get(SECRET).ok_or("there is no secret")?;
    let current = secret.versions.iter().find(|version| version.labels.contains("AWSCURRENT"));
    let Some(Content::Text(text)) = current.map(|version| &version.content) else {
        return Err("the secret has no current version".to_owned());
    };
    let expected = json!({ "accessKeyId": key.id, "secretAccessKey": key.secret, "userName": USER });
    if serde_json::from_str::<Value>(text).ok() != Some(expected) {
        return Err("the secret holds something else than the key".to_owned());
    }
    let tags = secret.tags.iter().flatten();
    if tags.clone().any(|(key, value)| key == "OrgId" && value == ORG) {
        Ok(())
    } else {
        Err("the secret lacks its tag".to_owned())
    }
}

/// The organization's buckets in our account.
pub(crate) fn buckets(world: &World) -> Vec<(&String, &local_aws::s3::Bucket)> {
    let ours = world.buckets.iter().filter(|(_, bucket)| bucket.owner == ACCOUNT);
    ours.filter(|(_, bucket)| bucket.tags.get("OrgId").is_some_and(|org| org == ORG)).collect()
}

pub(crate) fn bucket(world: &World) -> Result<(), String> {
    let found = buckets(world);
    let [(name, bucket)] = &found[..] else { return Err(format!("there are {} buckets", found.len())) };
    let open = bucket.public_access_block.is_none_or(|block| {
        !(block.block_public_acls
            || block.ignore_public_acls
            || block.block_public_policy
            || block.restrict_public_buckets)
    });
    if !open {
        return Err(format!("{name} blocks public access"));
    }
    if bucket.object_ownership != Some(ObjectOwnership::BucketOwnerEnforced) {
        return Err(format!("the ownership of {name} is {:?}", bucket.object_ownership));
    }
    if bucket.objects.contains_key("pub/") { Ok(()) } else { Err(format!("{name} has no marker")) }
}

pub(crate) fn policy(world: &World) -> Result<(), String> {
    let found = buckets(world);
    let [(name, bucket)] = &found[..] else { return Err(format!("there are {} buckets", found.len())) };
    let user = the_user(&world.accounts[ACCOUNT])?;
    // Inside, S3 keeps the user's unique id for its ARN, so that a user made again is another one.
    let golden = GOLDEN_POLICY.replace("arn:aws:iam::123456789012:user/rms_xmsqa1", &user.id);
    let golden = golden.replace("fusion-rms-xmsqa1", name);
    let policy = bucket.policy.as_deref().unwrap_or_default();
    if org::same_policy(policy, &golden) { Ok(()) } else { Err(format!("the policy of {name} is {policy}")) }
}

/// What is somebody else's, or somebody's decision, is as it was.
pub(crate) fn untouched(start: Start, aftermath: &Aftermath) -> Vec<Violation> {
    let parts = parts_that_stay(start);
    let (before, after) = (decided(&aftermath.before), decided(&aftermath.after));
    let (before_bucket, after_bucket) = (tags(&aftermath.before), tags(&aftermath.after));
    let lost_tags = before_bucket.into_iter().filter(|(key, value)| after_bucket.get(key) != Some(value));
    let lost_tags: Vec<Violation> =
        lost_tags.map(|(key, _)| Violation::of(Promise::OthersUntouched, format!("tag {key:?} was lost"))).collect();
    let changed = parts.into_iter().filter(|part| before.pointer(part) != after.pointer(part));
    let changed = changed.map(|part| Violation::of(Promise::OthersUntouched, format!("{part} was changed")));
    changed.chain(lost_tags).collect()
}

/// The tags of the organization's buckets, by bucket and key.
fn tags(world: &World) -> BTreeMap<(String, String), String> {
    let ours = buckets(world).into_iter();
    ours.flat_map(|(name, bucket)| {
        bucket.tags.iter().map(move |(key, value)| ((name.clone(), key.clone()), value.clone()))
    })
    .collect()
}

fn parts_that_stay(start: Start) -> Vec<String> {
    let users = format!("/accounts/{ACCOUNT}/iam/users");
    let secrets = format!("/accounts/{ACCOUNT}/regions/{REGION}/secrets");
    let bucket = format!("/buckets/{BUCKET}");
    match start {
        Start::AllThere
        | Start::SecretScheduled
        | Start::StoredKeyInactive
        | Start::Suspended
        | Start::SuspendedWithStray
        | Start::Offboarded
        | Start::OffboardedInPart
        | Start::MadeByOthers => {
            vec![users, secrets, "/buckets".to_owned()]
        }
        // The `bucket` step looks at buckets alone: what it makes is empty, and stays without a policy (docs/lifecycle.md).
        Start::UserSaysOffboarded => vec![users, secrets],
        Start::KeyOfAPerson | Start::UserOfAnother => vec![users, secrets],
        Start::SecretOfAnother => vec![secrets],
        Start::BucketOfAnother | Start::NameTaken => vec![bucket],
        Start::Nothing
        | Start::PartlyThere
        | Start::KeyWithoutSecret
        | Start::YoungKeyWithoutSecret
        | Start::SecretWithoutKey
        | Start::TwoStrays
        | Start::StrayBesideStored
        | Start::UserMadeAgain
        | Start::BucketDrifted
        | Start::NameTakenThenFree
        | Start::AccountBlocked => Vec::new(),
    }
}

/// The account without what reading changes.
pub(crate) fn decided(world: &World) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| !["last_used", "accessed"].contains(&name.as_str()));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = json!({ "accounts": world.accounts, "buckets": world.buckets });
    strip(&mut value);
    value
}
