//! What must hold when a command of the lifecycle has settled, alone or together with a sign-up.

use std::collections::BTreeSet;

use local_aws::iam::KeyStatus;
use local_aws::s3::PublicAccessBlock;
use local_aws::{Account, World};
use serde_json::Value;

use crate::judge::{
    allowed, bucket, buckets, buried, completion_of, decided, emitted, failures, of_ledger, one_key, policy,
    same_event_ids, untouched,
};
use crate::stage::{Aftermath, Trigger};
use crate::start::{ACCOUNT, BUCKET, ORG, Prepared, REGION, SECRET, Start, USER};
use crate::violation::{Promise, Violation};

/// Every promise that this execution broke.
pub(crate) fn judge(
    prepared: &Prepared,
    trigger: Trigger,
    step: &'static str,
    storm: bool,
    aftermath: &Aftermath,
) -> Vec<Violation> {
    let mut broken = of_ledger(trigger, &aftermath.ledger);
    broken.extend(allowed(aftermath));
    broken.extend(same_event_ids(aftermath));
    broken.extend(told(aftermath));
    let (alone, completes) = (matches!(trigger, Trigger::Step(_)), prepared.completes.contains(step));
    let done = emitted(aftermath, completion_of(step)) && !buried(aftermath).contains(&step);
    if alone && completes && !done {
        let seen = format!("{step} did not complete: {:?}", failures(aftermath).collect::<Vec<_>>());
        broken.push(Violation::of(Promise::NothingLost, seen));
    }
    // There is nothing to adopt until others have made something; every other command has something to say.
    if !alone && !storm && !done && (completes || step != "adopt") {
        let seen = format!("{step} did not complete: {:?}", failures(aftermath).collect::<Vec<_>>());
        broken.push(Violation::of(Promise::NothingLost, seen));
    }
    if let Trigger::With("adopt") = trigger {
        broken.extend(signed_up(prepared.start, aftermath));
    }
    if alone && !completes {
        let writes = aftermath.asked_by.get(step).into_iter().flatten();
        let writes = writes.filter(|asked| asked.is_mutating() && !["sqs", "events"].contains(&asked.service));
        broken.extend(
            writes.map(|asked| Violation::of(Promise::OthersUntouched, format!("{step} called {}", asked.operation))),
        );
    }
    if !completes && (alone || step == "adopt") {
        broken.extend(untouched(prepared.start, aftermath));
    }
    if done && let Err(seen) = end(step, alone, prepared.start, aftermath) {
        broken.push(Violation::of(Promise::StateHolds, format!("{step}: {seen}")));
    }
    if alone
        && done
        && let Some(write) = aftermath.writes_when_run_again.first()
    {
        broken.push(Violation::of(Promise::NothingToDo, write.to_string()));
    }
    broken
}

/// The sign-up beside an adoption ends. What was adopted by then, it goes on with; what was not, the next one does.
fn signed_up(start: Start, aftermath: &Aftermath) -> Option<Violation> {
    let ended = emitted(aftermath, "OrgProvisioned") || !buried(aftermath).is_empty();
    if !ended {
        return Some(Violation::of(Promise::NothingLost, "no OrgProvisioned, and no message is kept"));
    }
    let adopted = [Start::MadeByOthers, Start::AllThere].contains(&start);
    let (world, events) = aftermath.run_again.as_ref().filter(|_| adopted)?;
    let whole = || {
        if !events.iter().any(|event| event.detail_type == "OrgProvisioned") {
            return Err("the sign-up after it did not complete".to_owned());
        }
        one_key(&world.accounts[ACCOUNT])?;
        bucket(world)?;
        policy(world)
    };
    whole().err().map(|seen| Violation::of(Promise::NothingLost, format!("after the adoption: {seen}")))
}

/// Who keeps a message tells of it.
fn told(aftermath: &Aftermath) -> Vec<Violation> {
    let failed: BTreeSet<&str> = failures(aftermath).map(|(step, _)| step).collect();
    let silent = buried(aftermath).into_iter();
    // One that was stopped between the dead letter and the event, and then found the organization active, has completed.
    let silent = silent.filter(|step| !failed.contains(step) && !aftermath.could_not_tell.contains(*step));
    let silent = silent.filter(|step| !emitted(aftermath, completion_of(step)));
    silent.map(|step| Violation::of(Promise::NothingLost, format!("{step} kept its message and told nobody"))).collect()
}

fn end(step: &str, alone: bool, start: Start, aftermath: &Aftermath) -> Result<(), String> {
    let (before, after) = (&aftermath.before, &aftermath.after);
    let account = &after.accounts[ACCOUNT];
    match step {
        "suspend" => {
            says(after, "suspended")?;
            if let Some(key) = keys(account).find(|(_, status)| *status != KeyStatus::Inactive) {
                return Err(format!("the key {} is active", key.0));
            }
            closed(after)?;
            data_are_there(before, after)
        }
        "resume" => {
            says(after, "active")?;
            data_are_there(before, after)?;
            if [Start::Suspended, Start::SuspendedWithStray].contains(&start) {
                one_key(account)?;
                bucket(after)?;
                policy(after)?;
            }
            Ok(())
        }
        "adopt" if alone => adopted(before, after),
        "adopt" => {
            owned(before, after)?;
            data_are_there(before, after)
        }
        _ => {
            says(after, "offboarded")?;
            if let Some((key, _)) = keys(account).next() {
                return Err(format!("the key {key} is there"));
            }
            if account.iam.users.contains_key(USER) && !buckets(after).is_empty() && says_itself(after, "offboarded") {
                return Err("the user is there".to_owned());
            }
            let secret = account.regions.get(REGION).and_then(|region| region.secrets.by_name.get(SECRET));
            if secret.is_some_and(|secret| secret.deletion.is_none()) {
                return Err("the secret is not scheduled for deletion".to_owned());
            }
            closed(after)?;
            let full = buckets(after)
                .into_iter()
                .find(|(_, bucket)| says_of(bucket, "offboarded") && !bucket.objects.is_empty());
            full.map_or(Ok(()), |(name, _)| Err(format!("{name} is not empty")))
        }
    }
}

/// Everything that was there carries the organization's tag, got no other one, and nothing else has changed.
fn adopted(before: &World, after: &World) -> Result<(), String> {
    owned(before, after)?;
    let (before_it, after_it) = (tags(before), tags(after));
    if before_it.len() != after_it.len() {
        return Err("something was made".to_owned());
    }
    let grown = before_it.into_iter().zip(after_it).find(|((_, had), (_, has))| has.len() > had.len() + 1);
    if let Some((_, (what, has))) = grown {
        return Err(format!("{what} got more tags than one: {has:?}"));
    }
    let same = without_tags(before) == without_tags(after);
    if same { Ok(()) } else { Err("something else than tags was changed".to_owned()) }
}

/// Everything that was there carries the organization's tag, beside the tags that it had.
fn owned(before: &World, after: &World) -> Result<(), String> {
    let after_it = tags(after);
    for (what, had) in tags(before) {
        let Some((_, has)) = after_it.iter().find(|(other, _)| *other == what) else {
            return Err(format!("{what} is gone"));
        };
        if !has.iter().any(|(key, value)| key == "OrgId" && value == ORG) {
            return Err(format!("{what} lacks the tag: {has:?}"));
        }
        // To IAM, keys that differ in case are the same.
        let kept = |key: &str, other: &str| key == other || what == "the user" && key.eq_ignore_ascii_case(other);
        let lost = had.iter().find(|(key, value)| !has.iter().any(|(other, now)| kept(key, other) && value == now));
        if let Some((key, _)) = lost {
            return Err(format!("{what} lost the tag {key}"));
        }
    }
    Ok(())
}

type Tags = Vec<(String, String)>;

/// The tags of the user, the bucket and the secret, of what there is.
fn tags(world: &World) -> Vec<(&'static str, Tags)> {
    let account = &world.accounts[ACCOUNT];
    let user = account.iam.users.get(USER).map(|user| ("the user", user.tags.clone()));
    let bucket = world.buckets.get(BUCKET).map(|bucket| ("the bucket", bucket.tags.clone().into_iter().collect()));
    let secret = account.regions.get(REGION).and_then(|region| region.secrets.by_name.get(SECRET));
    let secret = secret.map(|secret| ("the secret", secret.tags.clone().unwrap_or_default()));
    user.into_iter().chain(bucket).chain(secret).collect()
}

/// What the user, the bucket and the secret are, but for their tags and when that was changed.
fn without_tags(world: &World) -> Value {
    let all = decided(world);
    let secret = format!("/accounts/{ACCOUNT}/regions/{REGION}/secrets/by_name/{}", SECRET.replace('/', "~1"));
    let paths = [format!("/accounts/{ACCOUNT}/iam/users/{USER}"), format!("/buckets/{BUCKET}"), secret];
    let part = |path: &String| {
        let mut part = all.pointer(path).cloned().unwrap_or_default();
        if let Some(fields) = part.as_object_mut() {
            fields.retain(|name, _| !["tags", "changed"].contains(&name.as_str()));
        }
        part
    };
    paths.iter().map(part).collect()
}

fn keys(account: &Account) -> impl Iterator<Item = (String, KeyStatus)> {
    let keys = account.iam.users.get(USER).into_iter().flat_map(|user| &user.access_keys);
    keys.map(|key| (key.id.clone(), key.status)).collect::<Vec<_>>().into_iter()
}

/// The user or the bucket says so. A bucket that a sign-up makes after the command says nothing of it; then the user does.
fn says(world: &World, state: &str) -> Result<(), String> {
    let tags = world.accounts[ACCOUNT].iam.users.get(USER).map(|user| user.tags.clone()).unwrap_or_default();
    let user = tags.iter().any(|(key, value)| key == "OrgState" && value == state);
    let both = user && says_itself(world, state);
    match state {
        // Nothing may speak against it.
        "active" if both => Ok(()),
        "active" => Err(format!("user and bucket do not both say {state}")),
        _ if user || says_itself(world, state) => Ok(()),
        _ => Err(format!("neither user nor bucket says {state}")),
    }
}

fn says_itself(world: &World, state: &str) -> bool {
    buckets(world).into_iter().any(|(_, bucket)| says_of(bucket, state))
}

fn says_of(bucket: &local_aws::s3::Bucket, state: &str) -> bool {
    bucket.tags.get("OrgState").is_some_and(|tag| tag == state)
}

/// Nobody reads anything: everything is blocked, or there is no policy that could open it.
fn closed(world: &World) -> Result<(), String> {
    let open = buckets(world)
        .into_iter()
        .find(|(_, bucket)| bucket.public_access_block != Some(PublicAccessBlock::ALL) && bucket.policy.is_some());
    open.map_or(Ok(()), |(name, _)| Err(format!("{name} is open")))
}

/// Every object that was there is there, and so is the secret's value.
fn data_are_there(before: &World, after: &World) -> Result<(), String> {
    for (name, bucket) in buckets(before) {
        let now = after.buckets.get(name).ok_or_else(|| format!("{name} is gone"))?;
        if let Some(key) = bucket.objects.keys().find(|key| !now.objects.contains_key(*key)) {
            return Err(format!("{name}/{key} is gone"));
        }
    }
    let scheduled = |world: &World| {
        let region = world.accounts.get(ACCOUNT).and_then(|account| account.regions.get(REGION));
        region.and_then(|region| region.secrets.by_name.get(SECRET).map(|secret| secret.deletion.is_some()))
    };
    match (scheduled(before), scheduled(after)) {
        (Some(before), Some(after)) if before != after => Err("the secret was scheduled or restored".to_owned()),
        (Some(_), None) => Err("the secret is gone".to_owned()),
        _ => Ok(()),
    }
}
