//! What each organization is when everything has settled, by its tags, and whether its story allows that.

use std::time::Duration;

use local_aws::World;
use local_system::{LocalSystem, Problem};

use super::life::{OldKey, Sent, State};
use super::org::{Org, key_in, labelled};
use super::story::Chapter;
use super::turn::rotate;
use crate::start::ACCOUNT;
use crate::violation::{Promise, Violation};

/// How often a rotation that is not done is asked for again in calm weather, and after which pause.
const ASKED_AGAIN: usize = 4;
const PAUSE: Duration = Duration::from_secs(1200);

/// What the tags say, of which the one counts that leaves less open.
fn found(org: &Org, world: &World) -> State {
    let tags = org.tags(world);
    let says = |state: &str| tags.iter().flatten().any(|tag| tag == state);
    if says("offboarded") {
        State::Offboarded
    } else if says("suspended") || says("resuming") {
        State::Suspended
    } else if says("active") {
        State::Active
    } else {
        State::Unborn
    }
}

/// Takes the life that the tags speak of, of those that the chapter can have led to.
pub(super) fn decide(org: &mut Org, chapter: &Chapter, world: &World, calm: bool) -> Option<Violation> {
    let sent: Vec<Sent> = chapter.sent.iter().map(|(_, sent)| sent.clone()).collect();
    let (possible, found) = (org.life.after_all(&sent, calm).0, found(org, world));
    let led_to = possible.iter().find(|life| life.state == found);
    let unexpected = led_to.is_none().then(|| {
        let states: Vec<State> = possible.iter().map(|life| life.state).collect();
        Violation::of(Promise::StateHolds, format!("it is {found:?}, not one of {states:?}: {}", org.told()))
    });
    if let Some(life) = led_to.or(possible.first()) {
        org.life = life.clone();
    }
    if chapter.retire {
        org.life.old_key = None;
    }
    unexpected
}

/// A rotation that began, now or before a suspension, is brought to its end, if the organization is active.
pub(super) async fn end_rotation(
    system: &LocalSystem,
    org: &mut Org,
    token: &str,
) -> Result<Option<Violation>, Problem> {
    if org.life.state == State::Offboarded {
        return Ok(None);
    }
    for _ in 0..ASKED_AGAIN {
        if is_done(system, org, token) || org.life.state != State::Active {
            break;
        }
        let another = system.aws.with_world(|world| world.ids.uuid());
        rotate(system, &org.secret_name(), &another);
        system.settle().await?;
        tokio::time::sleep(PAUSE).await;
    }
    match (is_done(system, org, token), org.life.state) {
        (true, state) => {
            let old = org.key.clone().map(|id| OldKey {
                id,
                token: token.to_owned(),
                // A suspension switched it off; one that is waited out leaves it as the current key was.
                active: state == State::Active,
            });
            (org.life.old_key, org.life.pending, org.life.new_key) = (old, None, true);
            Ok(None)
        }
        (false, State::Suspended) => {
            org.life.pending = Some(token.to_owned());
            Ok(None)
        }
        (false, _) => {
            Ok(Some(Violation::of(Promise::ComesToRest, format!("the rotation does not end: {}", org.told()))))
        }
    }
}

fn is_done(system: &LocalSystem, org: &Org, token: &str) -> bool {
    let now = system.aws.now();
    system.aws.look(|world| {
        let current = org.secret(world, now).and_then(|secret| labelled(secret, "AWSCURRENT"));
        current.is_some_and(|version| version.id == token)
    })
}

/// An organization that is active uses its key, whose id is noted: it stores an object in its bucket.
pub(super) async fn use_key(system: &LocalSystem, org: &mut Org, chapter: &Chapter, round: u64) -> Option<Violation> {
    let now = system.aws.now();
    let (stored, key) = system.aws.look(|world| {
        let stored = org.secret(world, now).and_then(|secret| labelled(secret, "AWSCURRENT")).and_then(key_in);
        let stored = stored.filter(|_| matches!(org.life.state, State::Active | State::Suspended));
        let keys = org.user(world).map(|user| user.access_keys.clone()).unwrap_or_default();
        let key = keys.into_iter().find(|key| Some(&key.id) == stored.as_ref());
        (stored, key)
    });
    org.key = stored;
    let works = org.life.state == State::Active && org.life.held.is_none() && !chapter.is_rest();
    let key = key.filter(|_| works)?;
    let s3 = aws_sdk_s3::Client::new(&system.sdk_config(&key.id, &key.secret));
    let object = format!("orders/{round}");
    let put = s3.put_object().bucket(org.bucket_name()).key(&object).expected_bucket_owner(ACCOUNT).send().await;
    org.life.objects.insert(object);
    let seen = |error: &dyn std::fmt::Debug| format!("its key does not open its bucket ({error:?}): {}", org.told());
    put.err().map(|error| Violation::of(Promise::OneKeyStored, seen(&error)))
}
