//! Every decision of a rotation.

use aws::keys::History;
use aws::secrets::StoredVersion;
use aws::{CREATED_BY_TAG, SecretText, Unreadable, created_by};
use aws_smithy_types::DateTime;

use super::*;

const TERMS: Terms = Terms { grace: Duration::from_secs(120), overlap: Duration::from_secs(1000) };
const OLD: Duration = Duration::from_secs(5000);
const YOUNG: Duration = Duration::from_secs(60);
const TOKEN: &str = "new";

fn place() -> Place {
    Place { partition: "aws".into(), account: "111111111111".into(), region: "us-east-1".into() }
}

fn credential(id: &str, user: &str) -> Credential {
    Credential { access_key_id: id.into(), secret_access_key: SecretText::new("s"), user_name: user.into() }
}

fn key(id: &str, holder: Holder, age: Duration) -> KeyFacts {
    let history = (age > TERMS.grace).then_some(History { used: false, labelled: false });
    let key = Stray { id: id.into(), active: true, age, history };
    KeyFacts { key, holder, idle_for: Duration::MAX }
}

fn switched_off(facts: KeyFacts) -> KeyFacts {
    KeyFacts { key: Stray { active: false, ..facts.key }, ..facts }
}

fn version(id: &str, label: &str, value: Option<Result<Credential, Unreadable>>) -> LabelledVersion {
    LabelledVersion { id: id.into(), labels: vec![label.into()], value }
}

/// A secret whose current version `current` holds `k1`, and these other versions.
fn looked(current: &str, versions: Vec<LabelledVersion>, keys: Vec<KeyFacts>) -> Looked {
    let value = Ok(credential("k1", "rms_abc"));
    let secret = StoredSecret {
        arn: String::new(),
        scheduled_for_deletion: false,
        current: Some(StoredVersion { id: current.into(), created: DateTime::from_secs(0), value }),
        previous_id: None,
        others: versions.iter().map(|version| (version.id.clone(), version.labels.clone())).collect(),
        last_changed: None,
        last_rotated: None,
        rotation: None,
        name: "s".into(),
        tags: Vec::new(),
        labels: Vec::new(),
        kms_key_id: None,
    };
    Looked { keys, secret: Some(secret), versions, current_for: Some(OLD) }
}

type Decided<T> = Result<T, ErrorCode>;

fn with<T>(looked: &Looked, decide: impl FnOnce(&Decision<'_>) -> Result<T, StepError>) -> Decided<T> {
    let tags = vec![(CREATED_BY_TAG.to_owned(), created_by(&place()))];
    let user = User { name: "rms_abc".into(), arn: String::new(), age: OLD, tags, age_of_state: None };
    let secret = looked.secret.as_ref().unwrap();
    decide(&Decision { looked, secret, user: &user, terms: TERMS }).map_err(|error| error.code())
}

fn create(looked: &Looked) -> Decided<Vec<KeyChange>> {
    with(looked, |decision| decision.create(TOKEN, &place()))
}

fn finish(looked: &Looked) -> Decided<Vec<KeyChange>> {
    with(looked, |decision| decision.finish(TOKEN))
}

fn retire(looked: &Looked) -> Decided<Vec<KeyChange>> {
    with(looked, |decision| decision.retire(TOKEN))
}

fn begun(keys: Vec<KeyFacts>) -> Looked {
    looked("v1", vec![version(TOKEN, "AWSPENDING", None)], keys)
}

fn stored(value: Result<Credential, Unreadable>, keys: Vec<KeyFacts>) -> Looked {
    looked("v1", vec![version(TOKEN, "AWSPENDING", Some(value))], keys)
}

fn current() -> KeyFacts {
    key("k1", Holder::Current, OLD)
}

fn old() -> KeyFacts {
    key("k0", Holder::Previous, OLD)
}

fn pending() -> KeyFacts {
    key("k2", Holder::Pending, YOUNG)
}

#[test]
fn a_rotation_makes_one_key_and_never_a_second_one() {
    assert_eq!(create(&begun(vec![current()])), Ok(vec![KeyChange::CreateKey]));
    let held = stored(Ok(credential("k2", "rms_abc")), vec![current(), pending()]);
    assert_eq!(create(&held), Ok(vec![]), "it has its key");
    assert_eq!(create(&looked(TOKEN, vec![], vec![current()])), Ok(vec![]), "it is done");
    assert_eq!(create(&looked("v1", vec![], vec![current()])), Err(ErrorCode::Propagating), "nobody asked for it");
    let kept = looked("v1", vec![version(TOKEN, "KEPT", None)], vec![current()]);
    assert_eq!(create(&kept), Err(ErrorCode::Propagating), "it is no rotation's any more");
    let unreadable = stored(Err(Unreadable), vec![current()]);
    assert_eq!(create(&unreadable), Err(ErrorCode::SecretUnreadable));
    let anothers = stored(Ok(credential("k2", "rms_abd")), vec![current()]);
    assert_eq!(create(&anothers), Err(ErrorCode::SecretUnreadable));
}

#[test]
fn a_rotation_replaces_a_key_that_is_there_and_active() {
    assert_eq!(create(&begun(vec![])), Err(ErrorCode::Waiting), "the secret step makes it");
    assert_eq!(create(&begun(vec![switched_off(current())])), Err(ErrorCode::StoredKeyInactive));
    let mut empty = begun(vec![]);
    empty.secret.as_mut().unwrap().current = None;
    assert_eq!(create(&empty), Err(ErrorCode::Waiting));
    let mut unreadable = begun(vec![current()]);
    unreadable.secret.as_mut().unwrap().current.as_mut().unwrap().value = Err(Unreadable);
    assert_eq!(create(&unreadable), Err(ErrorCode::SecretUnreadable));
}

#[test]
fn strays_are_judged_as_the_secret_step_judges_them() {
    let lost = KeyChange::DeleteLostKey { access_key_id: "k9".into() };
    let beside = |stray: KeyFacts| create(&begun(vec![current(), stray]));
    assert_eq!(beside(key("k9", Holder::Nobody, OLD)), Ok(vec![lost.clone(), KeyChange::CreateKey]));
    assert_eq!(beside(key("k9", Holder::Nobody, YOUNG)), Err(ErrorCode::InProgress));
    assert_eq!(beside(switched_off(key("k9", Holder::Nobody, OLD))), Err(ErrorCode::UnmanagedKey));
    let mut labelled = key("k9", Holder::Other, OLD);
    labelled.key.history = Some(History { used: false, labelled: true });
    assert_eq!(beside(labelled), Err(ErrorCode::UnmanagedKey));
    let check = begun(vec![current(), key("k9", Holder::Nobody, OLD)]);
    assert_eq!(with(&check, |decision| decision.lost_keys(&place())), Ok(vec![lost]), "a delayed check makes no key");
}

#[test]
fn a_new_key_becomes_current_when_it_is_there_and_active() {
    let credential = || Ok(credential("k2", "rms_abc"));
    let ready = stored(credential(), vec![current(), pending()]);
    let moved = KeyChange::MakeCurrent { instead_of: Some("v1".into()) };
    assert_eq!(finish(&ready), Ok(vec![moved]));
    assert_eq!(finish(&looked(TOKEN, vec![], vec![current()])), Ok(vec![]), "it is");
    assert_eq!(finish(&begun(vec![current()])), Err(ErrorCode::Waiting));
    assert_eq!(finish(&stored(credential(), vec![current()])), Err(ErrorCode::Propagating));
    let off = stored(credential(), vec![current(), switched_off(pending())]);
    assert_eq!(finish(&off), Err(ErrorCode::StoredKeyInactive));
}

#[test]
fn a_test_of_the_set_up_alone_has_no_key_to_try() {
    let test = |looked: &Looked| with(looked, |decision| decision.test(TOKEN));
    assert_eq!(test(&begun(vec![current()])), Ok(()));
    assert_eq!(test(&looked(TOKEN, vec![], vec![current()])), Ok(()));
    assert_eq!(test(&stored(Ok(credential("k2", "rms_abc")), vec![current()])), Err(ErrorCode::Propagating));
    assert_eq!(test(&looked("v1", vec![], vec![current()])), Err(ErrorCode::Propagating));
}

/// The rotation `new` is done; `k0` was the key before.
fn done(current_for: Duration, old: KeyFacts) -> Looked {
    let held = Some(Ok(credential("k0", "rms_abc")));
    let looked = looked(TOKEN, vec![version("v0", "AWSPREVIOUS", held)], vec![current(), old]);
    Looked { current_for: Some(current_for), ..looked }
}

#[test]
fn an_old_key_works_for_an_overlap_rests_for_another_and_is_deleted() {
    let deactivate = || Ok(vec![KeyChange::DeactivateOldKey { access_key_id: "k0".into() }]);
    let delete = || Ok(vec![KeyChange::DeleteOldKey { access_key_id: "k0".into() }]);
    let after = |overlaps: u32, seconds: u64| TERMS.overlap * overlaps + Duration::from_secs(seconds);
    assert_eq!(retire(&done(after(1, 0), old())), Err(ErrorCode::InProgress));
    assert_eq!(retire(&done(after(1, 1), old())), deactivate());
    assert_eq!(retire(&done(after(9, 0), old())), deactivate(), "never deleted while it is active");
    assert_eq!(retire(&done(after(2, 0), switched_off(old()))), Err(ErrorCode::InProgress));
    assert_eq!(retire(&done(after(2, 1), switched_off(old()))), delete());
    let used = |idle_for| KeyFacts { idle_for, ..switched_off(old()) };
    assert_eq!(retire(&done(OLD, used(TERMS.overlap))), Err(ErrorCode::InProgress), "somebody used it lately");
    assert_eq!(retire(&done(OLD, used(after(1, 1)))), delete());
    assert_eq!(retire(&Looked { current_for: None, ..done(OLD, old()) }), Err(ErrorCode::InProgress));
}

#[test]
fn a_retirement_is_its_own_rotations_only() {
    let mut later = done(OLD, old());
    later.secret.as_mut().unwrap().current.as_mut().unwrap().id = "newer".into();
    assert_eq!(retire(&later), Err(ErrorCode::InProgress), "two keys: nothing is told to be retired");
    later.keys.retain(|facts| facts.holder == Holder::Current);
    assert_eq!(retire(&later), Ok(vec![]), "the old key is gone");
    let mut unlabelled = done(OLD, key("k0", Holder::Nobody, OLD));
    assert_eq!(retire(&unlabelled), Err(ErrorCode::InProgress), "the label was moved");
    unlabelled.keys = vec![current(), pending()];
    assert_eq!(retire(&unlabelled), Ok(vec![]), "the second key is the next rotation's new one");
    let early = stored(Ok(credential("k2", "rms_abc")), vec![current(), pending()]);
    assert_eq!(retire(&early), Err(ErrorCode::Waiting));
    assert_eq!(retire(&looked(TOKEN, vec![], vec![current()])), Ok(vec![]), "the old key is gone");
}

#[test]
fn the_last_key_that_works_is_not_retired() {
    let mut gone = done(OLD, old());
    gone.keys.retain(|facts| facts.holder == Holder::Previous);
    assert_eq!(retire(&gone), Err(ErrorCode::Waiting));
    let mut off = done(OLD, old());
    off.keys[0].key.active = false;
    assert_eq!(retire(&off), Err(ErrorCode::StoredKeyInactive));
}

#[test]
fn the_next_rotation_waits_for_the_old_key_and_sees_to_its_end() {
    let next = |current_for, old| {
        let held = Some(Ok(credential("k0", "rms_abc")));
        let versions = vec![version("v0", "AWSPREVIOUS", held), version(TOKEN, "AWSPENDING", None)];
        create(&Looked { current_for: Some(current_for), ..looked("v1", versions, vec![current(), old]) })
    };
    let (deactivate, delete) = (
        KeyChange::DeactivateOldKey { access_key_id: "k0".into() },
        KeyChange::DeleteOldKey { access_key_id: "k0".into() },
    );
    assert_eq!(next(TERMS.overlap, old()), Err(ErrorCode::InProgress));
    assert_eq!(next(OLD, old()), Ok(vec![deactivate]), "and no key is made in that run");
    assert_eq!(next(OLD, switched_off(old())), Ok(vec![delete, KeyChange::CreateKey]));
}
