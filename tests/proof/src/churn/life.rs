//! The reference model: what an organization is after each thing that is done to it, in a few lines and in words of their
//! own. Nothing of the functions is used here.

use std::collections::BTreeSet;

use contract::ErrorCode;
use serde_json::{Value, json};

/// What an organization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Unborn,
    Active,
    Suspended,
    Offboarded,
}

/// What somebody does to it by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Drift {
    /// The bucket's policy is deleted: the next sign-up puts it back.
    NoPolicy,
    /// Block Public Access is switched on: the next sign-up opens the bucket.
    Closed,
    /// The stored key is deleted: the next sign-up makes another.
    NoKey,
    /// Block Public Access is switched off while the organization is suspended: the next suspension closes the bucket.
    Opened,
    /// A password for the console: nobody's concern but the offboarding's.
    Password,
    /// The stored key is switched off. That is a decision.
    KeyOff,
    /// A second key, which is in use. That is somebody's.
    ForeignKey,
    /// The user may do more than its bucket's policy says.
    Permissions,
}

impl Drift {
    /// Whether only a person can undo it.
    pub(super) fn is_held(self) -> bool {
        matches!(self, Self::KeyOff | Self::ForeignKey | Self::Permissions)
    }
}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Deed {
    SignUp,
    Return,
    Suspend,
    Resume,
    Offboard { empty: bool },
}

/// A command as it was sent: the same once more has the same correlation id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) deed: Deed,
    pub(super) correlation: String,
}

/// The key of a rotation before, which works until its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OldKey {
    pub(super) id: String,
    /// The rotation that it was replaced in.
    pub(super) token: String,
    pub(super) active: bool,
}

/// An organization as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) state: State,
    /// What only a person can undo, and nobody has.
    pub(super) held: Option<Drift>,
    pub(super) password: bool,
    pub(super) old_key: Option<OldKey>,
    /// A rotation that a suspension met.
    pub(super) pending: Option<String>,
    /// The request that brought it back the last time.
    pub(super) back_by: Option<String>,
    /// The objects in its bucket.
    pub(super) objects: BTreeSet<String>,
    /// Whether another key than before is the stored one now.
    pub(super) new_key: bool,
}

pub(super) const MARKER: &str = "pub/";

impl Sent {
    pub(super) fn detail_type(&self) -> &'static str {
        match self.deed {
            Deed::SignUp | Deed::Return => "OrgCreated",
            Deed::Suspend => "OrgSuspended",
            Deed::Resume => "OrgResumed",
            Deed::Offboard { .. } => "OrgDeleted",
        }
    }

    pub(super) fn completion(&self) -> &'static str {
        match self.deed {
            Deed::SignUp | Deed::Return => "OrgProvisioned",
            Deed::Suspend => "OrgSuspensionCompleted",
            Deed::Resume => "OrgResumptionCompleted",
            Deed::Offboard { .. } => "OrgOffboardingCompleted",
        }
    }

    /// The steps that take the command from the bus.
    pub(super) fn steps(&self) -> &'static [&'static str] {
        match self.deed {
            Deed::SignUp | Deed::Return => &["iam-user", "bucket"],
            Deed::Suspend => &["suspend"],
            Deed::Resume => &["resume"],
            Deed::Offboard { .. } => &["offboard"],
        }
    }

    pub(super) fn detail(&self, org: &str) -> Value {
        let mut detail = json!({ "orgId": org, "environment": "production", "correlationId": self.correlation });
        match self.deed {
            Deed::Return => detail["reonboard"] = json!(true),
            Deed::Offboard { empty } => {
                detail["confirmOrgId"] = json!(org);
                detail["emptyBucket"] = json!(empty);
                // Some secrets are gone for good before the organization comes back.
                detail["recoveryWindowDays"] = json!(if empty { 7 } else { 30 });
            }
            Deed::SignUp | Deed::Suspend | Deed::Resume => {}
        }
        detail
    }
}

impl Life {
    pub(super) fn unborn() -> Self {
        Self {
            state: State::Unborn,
            held: None,
            password: false,
            old_key: None,
            pending: None,
            back_by: None,
            objects: BTreeSet::new(),
            new_key: false,
        }
    }

    /// What it is after a command was obeyed; or what keeps the command from being obeyed, by any of these codes, and then
    /// it is as it was.
    pub(super) fn after(&self, sent: &Sent) -> Result<Self, &'static [ErrorCode]> {
        let mut life = self.clone();
        match (sent.deed, self.state) {
            (Deed::SignUp | Deed::Return, State::Unborn) => {
                life.become_active();
                life.new_key = true;
            }
            (Deed::SignUp | Deed::Return, State::Active) => match self.held {
                Some(Drift::KeyOff) => return Err(&[ErrorCode::StoredKeyInactive]),
                // `verify` waits for the step that says whose the key is, and that one can only ask.
                Some(Drift::ForeignKey) => return Err(&[ErrorCode::UnmanagedKey, ErrorCode::InProgress]),
                Some(Drift::Permissions) => return Err(&[ErrorCode::UserHasPermissions]),
                _ => life.become_active(),
            },
            (Deed::Return, State::Offboarded) if self.back_by.as_ref() != Some(&sent.correlation) => {
                life.become_active();
                (life.new_key, life.back_by) = (true, Some(sent.correlation.clone()));
            }
            (Deed::SignUp | Deed::Return, State::Suspended | State::Offboarded)
            | (Deed::Suspend | Deed::Resume, State::Offboarded) => return Err(&[ErrorCode::OrgNotActive]),
            (_, State::Unborn) => return Err(&[ErrorCode::Waiting]),
            (Deed::Suspend, State::Active) | (Deed::Offboard { .. }, State::Active | State::Suspended)
                if self.held == Some(Drift::ForeignKey) =>
            {
                return Err(&[ErrorCode::UnmanagedKey]);
            }
            (Deed::Suspend, State::Active | State::Suspended) => {
                life.state = State::Suspended;
                // An old key goes off with the others, and nobody switches it on again.
                life.old_key.iter_mut().for_each(|old| old.active = false);
            }
            (Deed::Resume, _) if self.held == Some(Drift::ForeignKey) => return Err(&[ErrorCode::UnmanagedKey]),
            (Deed::Resume, State::Active) if self.held == Some(Drift::KeyOff) => {
                return Err(&[ErrorCode::StoredKeyInactive]);
            }
            (Deed::Resume, State::Active) => {}
            (Deed::Resume, State::Suspended) => {
                life.state = State::Active;
                // It does not know what a person had switched off before.
                life.held = life.held.filter(|held| *held != Drift::KeyOff);
            }
            (Deed::Offboard { empty }, State::Active | State::Suspended | State::Offboarded) => {
                let objects = if empty { BTreeSet::new() } else { life.objects };
                life = Self { state: State::Offboarded, back_by: life.back_by, objects, ..Self::unborn() };
            }
        }
        Ok(life)
    }

    fn become_active(&mut self) {
        self.state = State::Active;
        self.objects.insert(MARKER.to_owned());
    }

    /// What it can be after commands that came at the same time, and with which codes some of them can have been refused. In
    /// calm weather what comes first is done first; else one that is tried again can come last.
    pub(super) fn after_all(&self, sent: &[Sent], calm: bool) -> (Vec<Self>, BTreeSet<ErrorCode>) {
        let orders: Vec<Vec<&Sent>> = match sent {
            [one, other] if !calm => vec![vec![one, other], vec![other, one]],
            _ => vec![sent.iter().collect()],
        };
        let (mut ends, mut codes) = (Vec::new(), BTreeSet::new());
        for order in orders {
            let mut life = self.clone();
            for sent in order {
                match life.after(sent) {
                    Ok(after) => life = after,
                    Err(refused) => codes.extend(refused.iter().copied()),
                }
            }
            ends.push(life);
        }
        (ends, codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(deed: Deed, correlation: &str) -> Sent {
        Sent { deed, correlation: correlation.to_owned() }
    }

    #[test]
    fn a_life_from_its_beginning_to_a_return() {
        let mut life = Life::unborn();
        for (deed, state) in [
            (Deed::SignUp, State::Active),
            (Deed::Suspend, State::Suspended),
            (Deed::Resume, State::Active),
            (Deed::Offboard { empty: true }, State::Offboarded),
            (Deed::Return, State::Active),
        ] {
            life = life.after(&sent(deed, "c1")).unwrap();
            assert_eq!(life.state, state);
        }
        let gone = life.after(&sent(Deed::Offboard { empty: false }, "c2")).unwrap();
        assert_eq!(gone.after(&sent(Deed::Return, "c1")), Err(&[ErrorCode::OrgNotActive][..]));
        assert!(gone.after(&sent(Deed::Return, "c3")).is_ok());
    }

    #[test]
    fn in_bad_weather_the_first_can_come_last() {
        let active = Life::unborn().after(&sent(Deed::SignUp, "c1")).unwrap();
        let both = [sent(Deed::Suspend, "c2"), sent(Deed::Resume, "c3")];
        let states = |calm| active.after_all(&both, calm).0.iter().map(|life| life.state).collect::<Vec<_>>();
        assert_eq!(states(true), [State::Active]);
        assert_eq!(states(false), [State::Active, State::Suspended]);
    }
}
