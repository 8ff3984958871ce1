//! What is not as it should be, of an organization in its state. Pure.
//!
//! The state decides what is promised: an active organization has everything and is open to its policy; the key of a
//! suspended one is off and its bucket closed; an offboarded one has no user, and a secret that is scheduled for deletion.

mod active;
mod policy;

use std::time::Duration;

use aws::belongings::Belonging;
use aws::buckets::{self, Bucket};
use aws::secrets::{self, RotationSchedule, StoredSecret};
use aws::users::{self, User};
use aws::{CREATED_BY_TAG, ORG_STATE_TAG, created_by};
use contract::{ErrorClass, ErrorCode, Finding, FindingCode, Remedy, StepError};
use lifecycle::{Key, State, Whose};
use org::{Conventions, OrgId, Place};

use crate::inspect::{Seen, Setup};

/// How long a command may be at work before what it has not done yet counts as drift. A message that is retried is back
/// after 15 minutes at most (the handler's longest backoff).
const SETTLES: Duration = Duration::from_secs(900);

/// What the judgement depends on, beside what was seen.
pub(crate) struct Terms<'t> {
    pub(crate) place: &'t Place,
    pub(crate) org: &'t OrgId,
    pub(crate) conventions: &'t Conventions,
    /// The schedule that the deployment rotates keys on.
    pub(crate) rotation: Option<&'t RotationSchedule>,
}

/// An organization's state, and what is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The state that its own resources tell.
    pub state: State,
    /// In the order: whose things are, the user, the bucket, the secret.
    pub findings: Vec<Finding>,
}

impl Judged {
    /// Whether the steps of sign-up can be asked: there is something that they mend, the organization is active, and
    /// nothing was found at which they would refuse, or undo what somebody wanted.
    pub fn can_be_repaired(&self) -> bool {
        let any = |remedy| self.findings.iter().any(|finding| finding.code.remedy() == remedy);
        self.state == State::Active && any(Remedy::SignUp) && !any(Remedy::PersonFirst)
    }
}

/// What is the organization's own.
struct Own<'s> {
    user: Option<&'s User>,
    keys: &'s [Key],
    /// Whether it is known whose the keys are: what a secret holds that cannot be read tells of none.
    tells_whose_keys: bool,
    bucket: Option<&'s Bucket<Setup>>,
    secret: Option<&'s StoredSecret>,
    /// Whether there was something at any of the names.
    anything: bool,
    /// Whether the user of that name is not the organization's.
    user_is_somebodys: bool,
    /// Whether the secret of that name is not the organization's.
    secret_is_somebodys: bool,
    /// Whether no bucket was found, and nothing in its place either.
    no_bucket_at_all: bool,
}

/// # Errors
/// `propagating`: what was made a moment ago does not show its tags yet.
pub(crate) fn judge(terms: &Terms<'_>, seen: &Seen) -> Result<Judged, StepError> {
    if is_another_regions(terms, seen) {
        return Ok(Judged { state: seen.org.state(), findings: Vec::new() });
    }
    let mut findings = Vec::new();
    let own = own(terms, seen, &mut findings)?;
    let states = [own.user.map(|user| State::of(user.tag(ORG_STATE_TAG))), own.bucket.map(|b| State::of(b.state()))];
    let state = states.into_iter().flatten().max().unwrap_or(State::Active);
    if own.user.is_some() {
        findings.extend(keys_of_others(terms, &own, state));
        findings.extend(seen.belongings.iter().map(|belonging| extra(terms, belonging)));
    }
    // A user that was just made says a state of its own, by a sign-up or a return that is under way.
    let young = own.user.is_some_and(|user| user.age < SETTLES);
    let settled = !young && seen.org.age_of_state().is_none_or(|age| age >= SETTLES);
    let differs = matches!(states, [Some(user), Some(bucket)] if user != bucket);
    if own.user.is_none() && own.bucket.is_none() {
        findings.extend(nothing_but_a_secret(terms, &own));
    } else if state == State::Unknown {
        let message = "has a tag OrgState that no command writes; find out what it means and correct it";
        findings.push(Finding::new(FindingCode::UnknownState, seen.org.speaker(&terms.user_name()), message));
    } else if differs && settled {
        let message = format!(
            "user and bucket tell different states ({}); send the command again that was the last one",
            states.into_iter().flatten().map(State::as_str).collect::<Vec<_>>().join(", ")
        );
        findings.push(Finding::new(FindingCode::StateDiffers, terms.organization(), message));
    } else if !differs {
        match state {
            State::Active => findings.extend(active::findings(terms, &own, settled)),
            State::Suspended if settled => findings.extend(suspended(terms, &own)),
            State::Offboarded if settled => findings.extend(offboarded(terms, &own)),
            State::Resuming if settled => {
                let message = "says that it is being resumed, and that has not come to its end; send OrgResumed again";
                findings.push(Finding::new(FindingCode::ResumptionUnfinished, terms.organization(), message));
            }
            State::Suspended | State::Offboarded | State::Resuming | State::Unknown => {}
        }
    }
    Ok(Judged { state, findings })
}

/// Whether another region's deployment looks after it: nothing of the organization is here, and the provisioner made the
/// user in another region, or the bucket lies there and the user, who is everywhere, does not say that it was made here.
fn is_another_regions(terms: &Terms<'_>, seen: &Seen) -> bool {
    let made_by = seen.org.user.as_ref().and_then(|user| user.tag(CREATED_BY_TAG));
    let made_here = made_by.is_some_and(|by| by == created_by(terms.place));
    let is_elsewhere = made_by.is_some() || !seen.org.search.elsewhere().is_empty();
    seen.org.search.here().is_empty() && seen.org.secret.is_none() && is_elsewhere && !made_here
}

/// What is the organization's own; what only has its names is a finding.
fn own<'s>(terms: &Terms<'_>, seen: &'s Seen, findings: &mut Vec<Finding>) -> Result<Own<'s>, StepError> {
    let mut is_ours = |owned: Result<(), StepError>| match owned {
        Ok(()) => Ok(true),
        Err(error) => found(error).map(|finding| {
            findings.push(finding);
            false
        }),
    };
    let mut user = seen.org.user.as_ref();
    if let Some(found) = user
        && !is_ours(found.require_owner(terms.conventions, terms.org))?
    {
        user = None;
    }
    let mut secret = seen.org.secret.as_ref();
    if let Some(found) = secret
        && !is_ours(found.require_owner(terms.conventions, terms.org))?
    {
        secret = None;
    }
    let search = &seen.org.search;
    let bucket = match search.bucket_in_any_state() {
        Ok(bucket) => bucket,
        Err(error) => {
            is_ours(Err(error))?;
            // Of two buckets either may be the organization's; what one of them says of the state still counts.
            None
        }
    };
    let mut no_bucket_at_all = bucket.is_none() && search.here().is_empty() && search.elsewhere().is_empty();
    if no_bucket_at_all {
        no_bucket_at_all = is_ours(search.vacancy(terms.conventions.tag_key(), terms.org).map(drop))?;
    }
    let anything = seen.org.user.is_some() || seen.org.secret.is_some() || !no_bucket_at_all;
    let user_is_somebodys = user.is_none() && seen.org.user.is_some();
    let secret_is_somebodys = secret.is_none() && seen.org.secret.is_some();
    let keys: &[Key] = if user.is_some() { &seen.org.keys } else { &[] };
    let tells_whose_keys = seen.org.secret.as_ref().is_none_or(can_be_read);
    Ok(Own {
        user,
        keys,
        tells_whose_keys,
        bucket,
        secret,
        anything,
        user_is_somebodys,
        secret_is_somebodys,
        no_bucket_at_all,
    })
}

fn can_be_read(secret: &StoredSecret) -> bool {
    !secret.scheduled_for_deletion && secret.current.as_ref().is_none_or(|version| version.value.is_ok())
}

/// A conflict as a finding; what passes by itself is waited for.
fn found(error: StepError) -> Result<Finding, StepError> {
    let code = match error.code() {
        ErrorCode::NotOurs => FindingCode::NotOurs,
        ErrorCode::BucketAmbiguous => FindingCode::BucketAmbiguous,
        ErrorCode::BucketElsewhere => FindingCode::BucketElsewhere,
        ErrorCode::SecretUnreadable => FindingCode::SecretUnreadable,
        code if code.class() == ErrorClass::Conflict => FindingCode::NotOurs,
        _ => return Err(error),
    };
    Ok(Finding::new(code, error.resource(), error.message()))
}

/// The user's keys that are somebody's.
fn keys_of_others(terms: &Terms<'_>, own: &Own<'_>, state: State) -> Vec<Finding> {
    // A lost key of an active organization that is off was switched off by somebody: the `secret` step leaves it alone.
    let was_stopped = |key: &Key| state == State::Active && key.whose == Whose::Lost && !key.active;
    let foreign = own.keys.iter().filter(|key| own.tells_whose_keys && (is_somebodys(key) || was_stopped(key)));
    let said = |key: &Key| {
        let works = if key.active { "which works" } else { "which is switched off" };
        let message = format!(
            "has the access key {}, {works}, and which the provisioner did not make or which somebody may use; find out whose it is and delete it",
            key.id
        );
        Finding::new(FindingCode::UnmanagedKey, users::resource(&terms.user_name()), message)
    };
    foreign.map(said).collect()
}

/// Whether it is somebody's, or may be: the `secret` step deletes none that a version of the secret may hold.
fn is_somebodys(key: &Key) -> bool {
    matches!(key.whose, Whose::Foreign | Whose::Unclear)
}

fn extra(terms: &Terms<'_>, belonging: &Belonging) -> Finding {
    let code = match belonging {
        Belonging::LoginProfile => FindingCode::ConsolePassword,
        Belonging::InlinePolicy(_) | Belonging::AttachedPolicy(_) => FindingCode::ExtraPolicy,
        Belonging::Group(_) => FindingCode::GroupMembership,
        Belonging::MfaDevice(_)
        | Belonging::SigningCertificate(_)
        | Belonging::SshKey(_)
        | Belonging::ServiceCredential(_) => FindingCode::OtherCredential,
    };
    let message = format!(
        "has {}, which the provisioner gives nobody; find out who needs it, or take it away",
        belonging.with_article()
    );
    Finding::new(code, users::resource(&terms.user_name()), message)
}

/// What is left when there is neither a user nor a bucket.
fn nothing_but_a_secret(terms: &Terms<'_>, own: &Own<'_>) -> Option<Finding> {
    match own.secret {
        Some(secret) if secret.scheduled_for_deletion => None,
        Some(_) if own.no_bucket_at_all && !own.user_is_somebodys => {
            let message = "is there, and its organization has neither a user nor a bucket; delete it, or sign the organization up again";
            Some(Finding::new(FindingCode::SecretLeft, secrets::resource(&terms.secret_name()), message))
        }
        Some(_) => None,
        None if own.anything => None,
        None => {
            let message = "has neither a user nor a bucket nor a secret; look at the id, or sign it up";
            Some(Finding::new(FindingCode::NothingThere, terms.organization(), message))
        }
    }
}

fn suspended(terms: &Terms<'_>, own: &Own<'_>) -> Vec<Finding> {
    let mut findings = closed(terms, own, "suspended", "OrgSuspended");
    findings.extend(own.secret.and_then(|secret| {
        let current = secret.current.as_ref().filter(|_| !secret.scheduled_for_deletion)?;
        found(current.credential(&terms.secret_name(), &terms.user_name()).err()?).ok()
    }));
    findings
}

fn offboarded(terms: &Terms<'_>, own: &Own<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Without a bucket, the user is what says that the organization was offboarded.
    let made_since = own.user.is_some_and(|user| user.age < SETTLES);
    if own.user.is_some() && own.bucket.is_some() && !made_since {
        let message = "is there, and its organization is offboarded; send OrgDeleted again";
        findings.push(Finding::new(FindingCode::UserLeft, users::resource(&terms.user_name()), message));
    }
    findings.extend(closed(terms, own, "offboarded", "OrgDeleted"));
    if own.secret.is_some_and(|secret| !secret.scheduled_for_deletion) && !made_since {
        let message = "is not scheduled for deletion, and its organization is offboarded; send OrgDeleted again";
        findings.push(Finding::new(FindingCode::SecretLeft, secrets::resource(&terms.secret_name()), message));
    }
    findings
}

/// What an organization that is not active must not have: a key that works, an open bucket.
fn closed(terms: &Terms<'_>, own: &Own<'_>, state: &str, command: &str) -> Vec<Finding> {
    // Somebody's are told as such.
    let somebodys = |key: &Key| own.tells_whose_keys && is_somebodys(key);
    let works = own.keys.iter().filter(|key| key.active && !somebodys(key));
    let mut findings: Vec<Finding> = works
        .map(|key| {
            let message = format!(
                "its access key {} works, and the organization is {state}; send {command} again, or resume the organization",
                key.id
            );
            Finding::new(FindingCode::KeyActive, users::resource(&terms.user_name()), message)
        })
        .collect();
    if let Some(bucket) = own.bucket.filter(|bucket| bucket.details.blocks.len() < 4) {
        let message = format!(
            "is not closed to the public by all four settings of Block Public Access, and the organization is {state}; send {command} again, or resume the organization"
        );
        findings.push(Finding::new(FindingCode::BucketOpen, buckets::resource(&bucket.name), message));
    }
    findings
}

impl Terms<'_> {
    fn user_name(&self) -> String {
        self.conventions.user_name(self.org)
    }

    fn secret_name(&self) -> String {
        self.conventions.secret_name(self.org)
    }

    fn organization(&self) -> String {
        format!("organization {}", self.org)
    }
}
