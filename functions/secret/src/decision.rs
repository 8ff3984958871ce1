//! The decision of the access key protocol: from what was seen to what is done. Pure.

use std::time::Duration;

use aws::keys::{self, Holder, Stray};
use aws::secrets::{self, StoredSecret};
use aws::users::User;
use contract::{ErrorCode, StepError};
use org::Place;

use crate::SecretChange;
use crate::store::StorePlace;

/// An access key: what is known of it as a stray, and what holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFacts {
    pub(crate) key: Stray,
    pub(crate) holder: Holder,
}

/// The keys and the secret, looked at in one moment.
pub(crate) struct Looked {
    pub(crate) keys: Vec<KeyFacts>,
    pub(crate) secret: Option<StoredSecret>,
    /// How long its current version has been current.
    pub(crate) version_age: Option<Duration>,
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
    let kept = looked.keys.iter().find(|facts| stored.is_some_and(|stored| stored.access_key_id == facts.key.id));
    if let Some(facts) = kept.filter(|facts| !facts.key.active) {
        return Err(keys::inactive(&user.name, &facts.key.id));
    }
    // What a rotation holds is the rotation's: neither lost nor somebody's.
    let of_nobody = |facts: &&KeyFacts| !facts.holder.is_a_rotation() && facts.holder != Holder::Current;
    let strays: Vec<&Stray> = looked.keys.iter().filter(of_nobody).map(|facts| &facts.key).collect();
    let lost = keys::lost(&strays, user.created_here(place), &user.name, grace)?;
    let delete = |access_key_id| SecretChange::DeleteLostKey { access_key_id };
    let mut changes: Vec<SecretChange> = lost.into_iter().map(delete).collect();
    let place = match (current, kept.is_none()) {
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

#[cfg(test)]
mod tests {
    use aws::keys::History;
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

    fn key(id: &str, age: Duration) -> Stray {
        let history = (age > GRACE).then_some(History { used: false, labelled: false });
        Stray { id: id.into(), active: true, age, history }
    }

    fn looked(keys: Vec<Stray>, secret: Option<StoredSecret>, version_age: Option<Duration>) -> Looked {
        let holder = |id: &str| keys::holder(secret.as_ref(), &[], id);
        let facts = keys.into_iter().map(|key| KeyFacts { holder: holder(&key.id), key });
        Looked { keys: facts.collect(), secret, version_age }
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
            others: Vec::new(),
            last_changed: None,
            last_rotated: None,
            rotation: None,
            name: "s".into(),
            tags: Vec::new(),
            labels: Vec::new(),
            kms_key_id: None,
        }
    }

    fn decide(keys: Vec<Stray>, secret: Option<StoredSecret>, user: &User) -> Result<Vec<SecretChange>, ErrorCode> {
        let looked = looked(keys, secret, Some(OLD));
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
        let unmanaged = |key: Stray, user: &User| {
            // Beside a young one too: waiting would not make it ours.
            let strays = vec![key.clone(), self::key("k9", YOUNG)];
            assert_eq!(decide(vec![key], None, user), Err(ErrorCode::UnmanagedKey));
            assert_eq!(decide(strays, None, user), Err(ErrorCode::UnmanagedKey));
        };
        unmanaged(key("k1", OLD), &user(false));
        unmanaged(Stray { active: false, ..key("k1", OLD) }, &user(true));
        unmanaged(Stray { history: Some(History { used: true, labelled: false }), ..key("k1", OLD) }, &user(true));
        unmanaged(Stray { history: Some(History { used: false, labelled: true }), ..key("k1", OLD) }, &user(true));
        unmanaged(Stray { history: None, ..key("k1", OLD) }, &user(true));
        let looked = looked(vec![key("k1", OLD)], None, None);
        let elsewhere = plan(&looked, &user(true), &place("eu-west-1"), "s", GRACE).map_err(|error| error.code());
        assert_eq!(elsewhere, Err(ErrorCode::UnmanagedKey), "a key from another region may be stored there");
    }

    #[test]
    fn a_stored_key_that_is_gone_is_replaced_once_it_cannot_be_a_lagging_list() {
        assert_eq!(decide(vec![], Some(holding("k1")), &user(true)), Ok(vec![successor()]));
        let looked = looked(vec![], Some(holding("k1")), Some(YOUNG));
        let code = plan(&looked, &user(true), &place("us-east-1"), "s", GRACE).map_err(|error| error.code());
        assert_eq!(code, Err(ErrorCode::InProgress));
    }

    #[test]
    fn a_deactivated_or_unreadable_stored_key_is_somebodys_decision() {
        let inactive = Stray { active: false, ..key("k1", OLD) };
        assert_eq!(decide(vec![inactive], Some(holding("k1")), &user(true)), Err(ErrorCode::StoredKeyInactive));
        let mut unreadable = holding("k1");
        unreadable.current = unreadable.current.map(|version| StoredVersion { value: Err(aws::Unreadable), ..version });
        assert_eq!(decide(vec![], Some(unreadable), &user(true)), Err(ErrorCode::SecretUnreadable));
    }

    #[test]
    fn the_keys_of_a_rotation_are_left_to_it() {
        for holder in [Holder::Pending, Holder::Previous] {
            let with = |secret: Option<StoredSecret>, others: Vec<Stray>| {
                let mut looked = looked(others, secret, Some(OLD));
                looked.keys.push(KeyFacts { key: Stray { active: false, ..key("k2", YOUNG) }, holder });
                plan(&looked, &user(false), &place("us-east-1"), "s", GRACE).map_err(|error| error.code())
            };
            assert_eq!(with(Some(holding("k1")), vec![key("k1", OLD)]), Ok(vec![]));
            assert_eq!(with(Some(holding("k1")), vec![]), Ok(vec![successor()]), "the stored key is gone all the same");
        }
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
