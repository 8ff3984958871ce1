//! The decision of the access key protocol: from what was seen to what is done. Pure.

use std::time::Duration;

use aws::secrets::{self, StoredSecret};
use aws::users::{self, User};
use contract::{ErrorCode, StepError};
use org::Place;

use crate::SecretChange;
use crate::store::StorePlace;

/// An access key, with what is needed to judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFacts {
    pub(crate) id: String,
    pub(crate) active: bool,
    /// By the services' clock, at the earliest of the looks: a key is at least this old.
    pub(crate) age: Duration,
    /// Asked only of keys beyond the grace period that are not stored.
    pub(crate) history: Option<History>,
}

/// What is known of a key that has to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct History {
    /// Whether it was ever used.
    pub(crate) used: bool,
    /// Whether a version of the secret that carries another label than AWSCURRENT holds it.
    pub(crate) labelled: bool,
}

/// The keys and the secret, looked at in one moment.
pub(crate) struct Looked {
    pub(crate) keys: Vec<KeyFacts>,
    pub(crate) secret: Option<StoredSecret>,
    /// The age of the version that is AWSCURRENT.
    pub(crate) version_age: Option<Duration>,
}

/// Whether the secret's current version holds this key.
pub(crate) fn holds(secret: &StoredSecret, access_key_id: &str) -> bool {
    let current = secret.current.as_ref().and_then(|version| version.value.as_ref().ok());
    current.is_some_and(|credential| credential.access_key_id == access_key_id)
}

/// Decides. The order matters: what only a person may decide comes before what time decides, and that before
/// any write.
pub(crate) fn plan(
    looked: &Looked,
    user: &User,
    place: &Place,
    secret_name: &str,
    grace: Duration,
) -> Result<Vec<SecretChange>, StepError> {
    let current = looked.secret.as_ref().and_then(|secret| secret.current.as_ref());
    let stored = current.map(|version| version.credential(secret_name, &user.name)).transpose()?;
    let (kept, strays): (Vec<_>, Vec<_>) =
        looked.keys.iter().partition(|key| stored.is_some_and(|stored| stored.access_key_id == key.id));
    if let Some(key) = kept.iter().find(|key| !key.active) {
        let message = format!(
            "its stored access key {} is not active, which somebody decided; activate it, or delete it to have a new one made",
            key.id
        );
        return Err(StepError::new(ErrorCode::StoredKeyInactive, users::resource(&user.name), message));
    }
    let mut changes = judge_strays(&strays, user.created_here(place), &user.name, grace)?;
    let place = match (current, kept.is_empty()) {
        (Some(_), false) => return Ok(changes),
        (None, _) if looked.secret.is_none() => StorePlace::NewSecret { name: secret_name.to_owned() },
        (None, _) => StorePlace::first_version(secret_name),
        (Some(version), true) => {
            // A list of keys may lag behind; a key that was stored a moment ago is not lost for not being listed.
            if looked.version_age.is_none_or(|age| age <= grace) {
                let message = "was stored a moment ago and its key is not listed yet; the step is tried again later";
                return Err(StepError::new(ErrorCode::InProgress, secrets::resource(secret_name), message));
            }
            StorePlace::successor_of(
                secret_name,
                &version.id,
                looked.secret.as_ref().and_then(|secret| secret.previous_id.as_deref()),
            )
        }
    };
    changes.push(SecretChange::CreateKey(place));
    Ok(changes)
}

/// What becomes of the keys that are listed and not stored. Lost is one that we made and nobody can know: on a
/// user that we made here, active as all our keys are, never used, and in no version of the secret that
/// anybody may still read.
fn judge_strays(strays: &[&KeyFacts], ours: bool, user: &str, grace: Duration) -> Result<Vec<SecretChange>, StepError> {
    const UNKNOWN_TO_ALL: Option<History> = Some(History { used: false, labelled: false });
    let old = || strays.iter().filter(|key| key.age > grace);
    let lost = |key: &KeyFacts| ours && key.active && key.history == UNKNOWN_TO_ALL;
    if let Some(key) = old().find(|key| !lost(key)) {
        let message = format!(
            "has the access key {}, which the provisioner did not make or which somebody may use; delete it, or store it as the organization's key",
            key.id
        );
        return Err(StepError::new(ErrorCode::UnmanagedKey, users::resource(user), message));
    }
    if let Some(key) = strays.iter().find(|key| key.age <= grace) {
        let message = format!(
            "another run may be about to store its access key {}; the step is tried again when the key is older than {} s",
            key.id,
            grace.as_secs()
        );
        return Err(StepError::new(ErrorCode::InProgress, users::resource(user), message));
    }
    Ok(old().map(|key| SecretChange::DeleteLostKey { access_key_id: key.id.clone() }).collect())
}

#[cfg(test)]
mod tests {
    use aws::secrets::StoredVersion;
    use aws::{CREATED_BY_TAG, Credential, SecretText, created_by};
    use aws_smithy_types::DateTime;

    use super::*;

    const GRACE: Duration = Duration::from_secs(120);
    const YOUNG: Duration = Duration::from_secs(120);
    const OLD: Duration = Duration::from_secs(121);

    fn place(region: &str) -> Place {
        Place { partition: "aws".into(), account: "111111111111".into(), region: region.into() }
    }

    fn user(created_by_us: bool) -> User {
        let tags =
            if created_by_us { vec![(CREATED_BY_TAG.to_owned(), created_by(&place("us-east-1")))] } else { Vec::new() };
        User { name: "rms_abc".into(), arn: String::new(), age: OLD, tags, age_of_state: None }
    }

    fn key(id: &str, age: Duration) -> KeyFacts {
        let history = (age > GRACE).then_some(History { used: false, labelled: false });
        KeyFacts { id: id.into(), active: true, age, history }
    }

    /// A secret whose current version `v1` holds this key.
    fn holding(id: &str) -> StoredSecret {
        let value = Credential {
            access_key_id: id.into(),
            secret_access_key: SecretText::new("s"),
            user_name: "rms_abc".into(),
        };
        StoredSecret {
            arn: String::new(),
            scheduled_for_deletion: false,
            current: Some(StoredVersion { id: "v1".into(), created: DateTime::from_secs(0), value: Ok(value) }),
            previous_id: None,
            other_ids: Vec::new(),
            name: "s".into(),
            tags: Vec::new(),
            labels: Vec::new(),
            kms_key_id: None,
        }
    }

    fn decide(keys: Vec<KeyFacts>, secret: Option<StoredSecret>, user: &User) -> Result<Vec<SecretChange>, ErrorCode> {
        let looked = Looked { keys, secret, version_age: Some(OLD) };
        plan(&looked, user, &place("us-east-1"), "s", GRACE).map_err(|error| error.code())
    }

    fn lost(id: &str) -> SecretChange {
        SecretChange::DeleteLostKey { access_key_id: id.into() }
    }

    fn new_secret() -> SecretChange {
        SecretChange::CreateKey(StorePlace::NewSecret { name: "s".into() })
    }

    fn successor() -> SecretChange {
        SecretChange::CreateKey(StorePlace::successor_of("s", "v1", None))
    }

    #[test]
    fn one_key_that_is_stored_is_all_there_should_be() {
        assert_eq!(decide(vec![key("k1", OLD)], Some(holding("k1")), &user(true)), Ok(vec![]));
        assert_eq!(decide(vec![], None, &user(true)), Ok(vec![new_secret()]));
    }

    #[test]
    fn a_young_stray_is_waited_for_and_an_old_one_deleted() {
        assert_eq!(decide(vec![key("k1", YOUNG)], None, &user(true)), Err(ErrorCode::InProgress));
        assert_eq!(decide(vec![key("k1", OLD)], None, &user(true)), Ok(vec![lost("k1"), new_secret()]));
        assert_eq!(decide(vec![key("k1", OLD), key("k2", YOUNG)], None, &user(true)), Err(ErrorCode::InProgress));
        let both = vec![key("k1", OLD), key("k2", OLD)];
        assert_eq!(decide(both.clone(), Some(holding("k1")), &user(true)), Ok(vec![lost("k2")]));
        assert_eq!(decide(both, None, &user(true)), Ok(vec![lost("k1"), lost("k2"), new_secret()]));
    }

    #[test]
    fn what_may_be_somebodys_is_never_deleted() {
        let unmanaged = |key: KeyFacts, user: &User| {
            // Beside a young one too: waiting would not make it ours.
            let strays = vec![key.clone(), self::key("k9", YOUNG)];
            assert_eq!(decide(vec![key], None, user), Err(ErrorCode::UnmanagedKey));
            assert_eq!(decide(strays, None, user), Err(ErrorCode::UnmanagedKey));
        };
        unmanaged(key("k1", OLD), &user(false));
        unmanaged(KeyFacts { active: false, ..key("k1", OLD) }, &user(true));
        unmanaged(KeyFacts { history: Some(History { used: true, labelled: false }), ..key("k1", OLD) }, &user(true));
        unmanaged(KeyFacts { history: Some(History { used: false, labelled: true }), ..key("k1", OLD) }, &user(true));
        unmanaged(KeyFacts { history: None, ..key("k1", OLD) }, &user(true));
        let looked = Looked { keys: vec![key("k1", OLD)], secret: None, version_age: None };
        let elsewhere = plan(&looked, &user(true), &place("eu-west-1"), "s", GRACE).map_err(|error| error.code());
        assert_eq!(elsewhere, Err(ErrorCode::UnmanagedKey), "a key from another region may be stored there");
    }

    #[test]
    fn a_stored_key_that_is_gone_is_replaced_once_it_cannot_be_a_lagging_list() {
        assert_eq!(decide(vec![], Some(holding("k1")), &user(true)), Ok(vec![successor()]));
        let looked = Looked { keys: vec![], secret: Some(holding("k1")), version_age: Some(YOUNG) };
        let code = plan(&looked, &user(true), &place("us-east-1"), "s", GRACE).map_err(|error| error.code());
        assert_eq!(code, Err(ErrorCode::InProgress));
    }

    #[test]
    fn a_deactivated_or_unreadable_stored_key_is_somebodys_decision() {
        let inactive = KeyFacts { active: false, ..key("k1", OLD) };
        assert_eq!(decide(vec![inactive], Some(holding("k1")), &user(true)), Err(ErrorCode::StoredKeyInactive));
        let mut unreadable = holding("k1");
        unreadable.current = unreadable.current.map(|version| StoredVersion { value: Err(aws::Unreadable), ..version });
        assert_eq!(decide(vec![], Some(unreadable), &user(true)), Err(ErrorCode::SecretUnreadable));
    }

    #[test]
    fn tokens_tell_places_apart() {
        let places = [
            StorePlace::first_version("s"),
            StorePlace::successor_of("s", "v1", None),
            StorePlace::successor_of("s", "v1", Some("v0")),
            StorePlace::successor_of("s", "v2", Some("v1")),
            StorePlace::successor_of("t", "v1", None),
        ];
        for (n, one) in places.iter().enumerate() {
            assert!(places.iter().skip(n + 1).all(|other| one != other), "{one:?}");
        }
        assert_eq!(StorePlace::successor_of("s", "v1", None), StorePlace::successor_of("s", "v1", None));
    }
}
