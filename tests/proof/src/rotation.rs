//! Rotations and what comes after them, under the same weather as provisioning.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join;
use local_aws::iam::KeyStatus;
use local_aws::secretsmanager::Content;
use local_aws::{Clock, LocalAws, World};
use local_system::{Emitted, Functions, LocalOptions, LocalSystem};
use serde_json::{Value, json};

use crate::canary;
use crate::judge;
use crate::stage::{Aftermath, Judged, Trigger, broken};
use crate::start::{ACCOUNT, ORG, Prepared, REGION, SECRET, USER, command};
use crate::violation::{Promise, Violation};
use crate::weather::{Forecast, Weather};

/// What is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Rotation {
    /// Secrets Manager rotates.
    Rotate,
    /// The same, and the organization signs up once more at that moment: `secret` and `verify` run beside it.
    RotateBesideSignUp,
    /// Every step is delivered twice at once.
    RotateTwice,
    /// Secrets Manager rotates when the old key of the rotation before is due to be deleted.
    RotateAgain,
    /// The old key's overlap is over.
    Retire,
}

pub(crate) const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// As the functions have it if nothing else is said.
const OVERLAP: Duration = Duration::from_secs(604_800);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
/// Tries in calm weather after which a rotation is not coming to its end.
const PATIENCE: usize = 20;

/// Runs it in this weather until everything has come to its end, and judges what is there then.
pub(crate) async fn perform(prepared: &Prepared, kind: Rotation, forecast: &Forecast) -> Result<Judged, Violation> {
    let options = LocalOptions { start: prepared.at, ..LocalOptions::default() };
    fastrand::seed(options.seed);
    let aws = LocalAws::new(options.seed, Clock::starting_at(options.start));
    aws.restore(prepared.world.clone());
    let calm = LocalSystem::wire(aws.clone(), &options, &Functions::InProcess).map_err(broken)?;
    let first = prepare(&calm, kind).await?;
    calm.take_emitted().map_err(broken)?;
    let before = aws.snapshot();
    let weather = Weather::new(aws.clone(), forecast.clone(), &prepared.lost_keys);
    let system = LocalSystem::wire(aws, &options, &Functions::Between(Rc::new(weather.clone()))).map_err(broken)?;
    let token = match (kind, first) {
        (Rotation::Retire, Some(token)) => {
            until_retired(&system, &token).await;
            token
        }
        _ => set_off(&system, kind).await?,
    };
    // What a process that is gone had sent may still arrive.
    tokio::time::sleep(MINUTE).await;
    weather.clear_up();
    system.settle().await.map_err(broken)?;
    finish(&system, &token).await?;
    if kind == Rotation::Retire {
        until_retired(&system, &token).await;
    }
    system.settle().await.map_err(broken)?;
    let events = system.take_emitted().map_err(broken)?;
    system.aws.take_trace();
    again(&system, kind, &token).await;
    let writes = system.aws.take_trace().into_iter().filter(|call| call.mutating);
    let writes = writes.filter(|call| !["events", "sts"].contains(&call.service));
    let aftermath = Aftermath {
        before,
        after: system.aws.snapshot(),
        events,
        dead_letters: vec![("rotate", system.take_dead_letters("rotate").map_err(broken)?)],
        could_not_tell: weather.could_not_tell(),
        asked_by: weather.asked_by(),
        ledger: weather.ledger(),
        writes_when_run_again: writes.collect(),
        run_again: None,
    };
    let mut violations = judged(kind, &token, &aftermath);
    violations.extend(canary::violations(&aftermath));
    Ok(Judged { calls: weather.calls(), asked_by: aftermath.asked_by, violations })
}

/// What comes before the weather; answers the rotation that it is about, if it is there already.
async fn prepare(system: &LocalSystem, kind: Rotation) -> Result<Option<String>, Violation> {
    if !matches!(kind, Rotation::RotateAgain | Rotation::Retire) {
        return Ok(None);
    }
    let token = set_off(system, Rotation::Rotate).await?;
    tokio::time::sleep(OVERLAP + MINUTE).await;
    if kind == Rotation::RotateAgain {
        // Deactivated, and not deleted yet.
        let _in_progress = retire(system, &token).await;
        tokio::time::sleep(OVERLAP + MINUTE).await;
    }
    Ok(Some(token))
}

/// Sets a rotation off and lets everything settle; answers its token.
async fn set_off(system: &LocalSystem, kind: Rotation) -> Result<String, Violation> {
    let token = begin(system)?;
    if kind == Rotation::RotateBesideSignUp {
        system.put_event("org-signup", "OrgCreated", &command()).map_err(broken)?;
    }
    if kind == Rotation::RotateTwice {
        by_hand(system);
        for step in STEPS {
            for _ in 0..PATIENCE {
                let (one, other) = join(invoke(system, step, &token), invoke(system, step, &token)).await;
                if one || other {
                    break;
                }
                tokio::time::sleep(MINUTE * 3).await;
            }
        }
    }
    system.settle().await.map_err(broken)?;
    Ok(token)
}

/// Asks Secrets Manager to rotate; answers the token.
pub(crate) fn begin(system: &LocalSystem) -> Result<String, Violation> {
    let token = system.aws.with_world(|world| world.ids.uuid());
    let rules = json!({ "AutomaticallyAfterDays": 90 });
    let function = system.lambda.function_arn("rotate");
    let body = json!({ "SecretId": SECRET, "ClientRequestToken": token, "RotationLambdaARN": function, "RotationRules": rules });
    system.aws.api(ACCOUNT, REGION, "secretsmanager", "RotateSecret", body).map_err(broken)?;
    Ok(token)
}

/// From here on the steps are called by whoever explores, and not by Secrets Manager.
pub(crate) fn by_hand(system: &LocalSystem) {
    system.aws.with_world(|world| {
        let secret = world.region(ACCOUNT, REGION).secrets.by_name.get_mut(SECRET);
        if let Some(rotation) = secret.and_then(|secret| secret.rotation.as_mut()) {
            rotation.run = None;
        }
    });
}

/// A step as Secrets Manager asks for it.
pub(crate) fn asked(system: &LocalSystem, step: &str, token: &str) -> Value {
    let arn = system.aws.with_world(|world| {
        world.region(ACCOUNT, REGION).secrets.by_name.get(SECRET).map(|secret| secret.arn.clone()).unwrap_or_default()
    });
    json!({ "Step": step, "SecretId": arn, "ClientRequestToken": token })
}

async fn invoke(system: &LocalSystem, step: &str, token: &str) -> bool {
    let asked = asked(system, step, token);
    system.invoke("rotate", asked).await.is_ok()
}

async fn retire(system: &LocalSystem, token: &str) -> bool {
    let asked = json!({ "orgId": ORG, "action": "retireKey", "token": token });
    system.invoke("rotate", asked).await.is_ok()
}

/// Asks again and again, as the state machine of infra/ does.
async fn until_retired(system: &LocalSystem, token: &str) {
    for _ in 0..PATIENCE {
        if retire(system, token).await {
            return;
        }
        tokio::time::sleep(DAY).await;
    }
}

/// Calls the steps until the rotation is done: what Secrets Manager does the next time that it is asked.
pub(crate) async fn finish(system: &LocalSystem, token: &str) -> Result<(), Violation> {
    for _ in 0..PATIENCE {
        let mut done = true;
        for step in STEPS {
            done = done && invoke(system, step, token).await;
        }
        if done {
            return Ok(());
        }
        tokio::time::sleep(MINUTE * 3).await;
        system.settle().await.map_err(broken)?;
    }
    Err(Violation::of(Promise::ComesToRest, "the rotation does not come to its end"))
}

async fn again(system: &LocalSystem, kind: Rotation, token: &str) {
    for step in STEPS {
        let _unchanged = invoke(system, step, token).await;
    }
    if kind == Rotation::Retire {
        let _unchanged = retire(system, token).await;
    }
}

fn judged(kind: Rotation, token: &str, aftermath: &Aftermath) -> Vec<Violation> {
    let retired = kind == Rotation::Retire;
    let old = current_key(&aftermath.before);
    // The retired key was current once, and so was the one that a rotation deletes before it makes the next.
    let ended = aftermath.before.accounts[ACCOUNT].iam.users.get(USER).into_iter().flat_map(|user| &user.access_keys);
    let ended: Vec<String> = ended.map(|key| key.id.clone()).filter(|id| Some(id) != old.as_ref()).collect();
    let of_its_end = |violation: &&Violation| {
        violation.promise == Promise::KnownKeysStay && ended.iter().any(|id| violation.seen.starts_with(id.as_str()))
    };
    let may_end = matches!(kind, Rotation::Retire | Rotation::RotateAgain);
    let ledger = aftermath.ledger.violations().filter(|violation| !(may_end && of_its_end(violation)));
    let mut broken: Vec<Violation> = ledger.cloned().collect();
    broken.extend(judge::allowed(aftermath));
    broken.extend(judge::same_event_ids(aftermath));
    broken.extend(states(retired, token, old, &aftermath.after).err());
    let told = if retired { "OrgKeyRetired" } else { "OrgKeyRotated" };
    broken.extend(lost(told, aftermath));
    if let Some(write) = aftermath.writes_when_run_again.first() {
        broken.push(Violation::of(Promise::NothingToDo, write.to_string()));
    }
    broken
}

/// The rotation was told, and no failure: none of these ends with a person.
fn lost(told: &str, aftermath: &Aftermath) -> Vec<Violation> {
    let mut broken = Vec::new();
    let of = |detail_type: &'static str| move |event: &&Emitted| event.detail_type == detail_type;
    if !aftermath.events.iter().any(|event| event.detail_type == told) {
        broken.push(Violation::of(Promise::NothingLost, format!("nobody was told of {told}")));
    }
    for failed in aftermath.events.iter().filter(of("OrgProvisioningFailed")) {
        broken.push(Violation::of(Promise::NothingLost, failed.detail["error"].to_string()));
    }
    broken
}

/// The keys are those that the secret states: after a rotation the new and the old one, both working; after the old one's
/// end the new one alone.
pub(crate) fn states(retired: bool, token: &str, old: Option<String>, after: &World) -> Result<(), Violation> {
    let wrong = |seen: String| Err(Violation::of(Promise::OneKeyStored, seen));
    let user = &after.accounts[ACCOUNT].iam.users[USER];
    let secret = &after.accounts[ACCOUNT].regions[REGION].secrets.by_name[SECRET];
    let holder = |label: &str| secret.versions.iter().find(|version| version.labels.contains(label));
    let Some(current) = holder("AWSCURRENT").filter(|version| version.id == token) else {
        return wrong("the rotation's version is not current".to_owned());
    };
    if holder("AWSPENDING").is_some_and(|pending| pending.id != current.id) {
        return wrong("another version is AWSPENDING".to_owned());
    }
    let expected = if retired { 1 } else { 2 };
    if user.access_keys.len() != expected {
        return wrong(format!("the user has {} keys", user.access_keys.len()));
    }
    let new = key_in(&current.content);
    let previous = holder("AWSPREVIOUS").and_then(|version| key_in(&version.content));
    for key in &user.access_keys {
        let value = json!({ "accessKeyId": key.id, "secretAccessKey": key.secret, "userName": USER });
        let held = [Some(current), holder("AWSPREVIOUS")].into_iter().flatten();
        let is_stated = held.map(|version| &version.content).any(|content| value_of(content).as_ref() == Some(&value));
        if !is_stated || key.status != KeyStatus::Active {
            return wrong(format!("{} is {:?}, and stated: {is_stated}", key.id, key.status));
        }
    }
    if !retired && (previous != old || new == old) {
        return wrong(format!("AWSPREVIOUS holds {previous:?}, AWSCURRENT {new:?}, and {old:?} was current"));
    }
    Ok(())
}

/// The id of the key that is AWSCURRENT.
pub(crate) fn current_key(world: &World) -> Option<String> {
    let secret = world.accounts[ACCOUNT].regions[REGION].secrets.by_name.get(SECRET)?;
    key_in(&secret.versions.iter().find(|version| version.labels.contains("AWSCURRENT"))?.content)
}

fn key_in(content: &Content) -> Option<String> {
    Some(value_of(content)?["accessKeyId"].as_str()?.to_owned())
}

fn value_of(content: &Content) -> Option<Value> {
    match content {
        Content::Text(text) => serde_json::from_str(text).ok(),
        Content::Binary(_) | Content::Empty => None,
    }
}

impl Rotation {
    /// All of them as triggers.
    pub fn triggers() -> impl Iterator<Item = Trigger> {
        use strum::IntoEnumIterator;
        Self::iter().map(Trigger::Rotation)
    }

    /// The name in paths and tables.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
