//! The access key: one, active, stored, and it works.

use aws::Credential;
use aws::users::AccessKey;
use contract::ErrorCode;

use crate::checklist::line::{Line, Remedy, Rule, Section};
use crate::checklist::observed::{Asked, Observed, key_name};
use crate::checklist::report::{has_secret_shape, pretty};

const ONE: Rule = Rule::of(Section::Key, "key-one", "The user has exactly one access key");
const ACTIVE: Rule = Rule::of(Section::Key, "key-active", "The access key is active");
const STORED: Rule = Rule::of(Section::Key, "key-stored", "The access key is the one that the secret holds");
const WORKS: Rule = Rule::of(Section::Key, "key-works", "The stored access key signs in as the user");
const AGE: Rule = Rule::of(Section::Key, "key-age", "The access key's age and last use are known");
const HIDDEN: Rule = Rule::of(Section::Key, "key-hidden", "No secret access key is in a tag or the policy");

pub(super) fn lines(asked: &Asked, observed: &Observed) -> Vec<Line> {
    vec![one(observed), active(observed), stored(observed), works(observed), age(observed), hidden(asked, observed)]
}

fn one(observed: &Observed) -> Line {
    let keys = match &observed.keys {
        Ok(keys) => keys,
        Err(unseen) => return ONE.unknown(unseen),
    };
    if let [key] = &keys[..] {
        return ONE.pass(key_name(&key.id));
    }
    let rotating = match &observed.rotating {
        Ok(rotating) => rotating,
        Err(unseen) => return ONE.unknown(unseen),
    };
    // The keys of a rotation are its own: the secret states them too.
    let (of_a_rotation, others): (Vec<&AccessKey>, Vec<&AccessKey>) =
        keys.iter().partition(|key| rotating.contains(&key.id));
    let names = |keys: &[&AccessKey]| keys.iter().map(|key| key_name(&key.id)).collect::<Vec<_>>().join(", ");
    match (&others[..], &observed.user) {
        ([key], _) => ONE.pass(format!("{}, and of a rotation {}", key_name(&key.id), names(&of_a_rotation))),
        ([], Ok(None)) => ONE.not_applicable("there is no user"),
        ([], _) => {
            let seen = if keys.is_empty() {
                "none".to_owned()
            } else {
                format!("only of a rotation {}", names(&of_a_rotation))
            };
            ONE.fail(seen, Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization"))
        }
        (several, _) => {
            let remedy = "find out who uses the one that is not stored, and delete it";
            ONE.fail(names(several), Remedy::of(ErrorCode::UnmanagedKey, remedy))
        }
    }
}

fn active(observed: &Observed) -> Line {
    if let Err(unseen) = &observed.keys {
        return ACTIVE.unknown(unseen);
    }
    match observed.key() {
        None => ACTIVE.not_applicable("there is no access key"),
        Some(key) if key.active => ACTIVE.pass(key_name(&key.id)),
        Some(key) => ACTIVE.fail(
            format!("{} is not active", key_name(&key.id)),
            Remedy::of(ErrorCode::StoredKeyInactive, "activate it, or delete it to have a new one made"),
        ),
    }
}

fn stored(observed: &Observed) -> Line {
    let keys = match (&observed.keys, &observed.secret) {
        (Ok(keys), Ok(_)) => keys,
        (Err(unseen), _) | (_, Err(unseen)) => return STORED.unknown(unseen),
    };
    let Some(Credential { access_key_id, .. }) = observed.credential() else {
        return STORED.not_applicable("the secret holds no access key that can be read");
    };
    if keys.iter().any(|key| key.id == *access_key_id) {
        return STORED.pass(format!("the secret holds {}", key_name(access_key_id)));
    }
    let evidence = format!("the secret holds {}, which the user does not have", key_name(access_key_id));
    let remedy = "send OrgCreated for the organization; a new key is made where the stored one is gone";
    STORED.fail(evidence, Remedy::of(ErrorCode::InProgress, remedy))
}

fn works(observed: &Observed) -> Line {
    let Some(with_key) = &observed.with_key else { return WORKS.not_applicable("there is no stored access key") };
    let remedy = |text: &str| Remedy::of(ErrorCode::Propagating, text);
    let user = observed.user.as_ref().ok().and_then(Option::as_ref);
    match (&with_key.identity, user) {
        (Ok(Ok(arn)), Some(user)) if *arn == user.arn => WORKS.pass(format!("STS says {arn}")),
        (Ok(Ok(arn)), _) => {
            WORKS.fail(format!("STS says {arn}"), remedy("put the user's own key back into the secret"))
        }
        (Ok(Err(code)), _) => WORKS.fail(
            format!("STS answers {code}"),
            remedy("wait a minute if the key is new; else see whether it is there and active"),
        ),
        (Err(unseen), _) => WORKS.unknown(unseen),
    }
}

/// No limit is agreed, so there is nothing to fail.
fn age(observed: &Observed) -> Line {
    match &observed.key_history {
        None => AGE.not_applicable("there is no access key"),
        Some(Err(unseen)) => AGE.unknown(unseen),
        Some(Ok(history)) => {
            let made = match history.age.as_secs() / 86_400 {
                0 => "made today".to_owned(),
                1 => "made a day ago".to_owned(),
                days => format!("made {days} days ago"),
            };
            let used = history.last_used.as_ref().map_or("never used".to_owned(), |used| format!("last used {used}"));
            AGE.pass(format!("{made}, {used}; no limit is set"))
        }
    }
}

fn hidden(asked: &Asked, observed: &Observed) -> Line {
    let credential = observed.credential();
    let secret = credential.map(|credential| credential.secret_access_key.expose());
    let secret = secret.filter(|secret| !secret.is_empty());
    let places = places(observed);
    let found = |holds: &dyn Fn(&str) -> bool| {
        let found = places.iter().filter(|(_, texts)| texts.iter().any(|text| holds(text)));
        found.map(|(place, _)| *place).collect::<Vec<_>>()
    };
    let certain = found(&|text| secret.is_some_and(|secret| text.contains(secret)));
    if !certain.is_empty() {
        let remedy = "take it out of there, then delete the key and have a new one made: it has been seen";
        return HIDDEN.fail(format!("it is in {}", certain.join(", ")), Remedy::new(remedy));
    }
    // Another key's, or one that the secret held before.
    let likely = found(&|text| has_secret_shape(asked, text));
    if !likely.is_empty() {
        let remedy = "see whether it is one; if so, take it out of there and delete its key: it has been seen";
        return HIDDEN.fail(format!("what could be one is in {}", likely.join(", ")), Remedy::new(remedy));
    }
    if credential.is_none() {
        return HIDDEN.not_applicable("there is no stored access key, and nothing like one in tags and policy");
    }
    let name = asked.conventions.secret_name(&asked.org);
    HIDDEN.pass(format!("only in secret {name}, as far as tags and policy tell"))
}

/// Where people may have put a secret, and what is written there.
fn places(observed: &Observed) -> [(&'static str, Vec<String>); 4] {
    let tags = |tags: Option<&Vec<(String, String)>>| {
        tags.into_iter().flatten().flat_map(|(key, value)| [key.clone(), value.clone()]).collect()
    };
    let user = observed.user.as_ref().ok().and_then(Option::as_ref);
    let secret = observed.secret.as_ref().ok().and_then(Option::as_ref);
    let policy = observed.setup.as_ref().and_then(|setup| setup.policy.as_ref().ok()?.as_deref());
    [
        ("a tag of the user", tags(user.map(|user| &user.tags))),
        ("a tag of the bucket", tags(observed.buckets.as_ref().ok().map(|buckets| &buckets.tags))),
        ("a tag of the secret", tags(secret.map(|secret| &secret.tags))),
        ("the bucket's policy", policy.map(pretty).into_iter().collect()),
    ]
}
