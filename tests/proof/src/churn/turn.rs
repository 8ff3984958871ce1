//! Sending what the chapters of a settlement send, each at its time, while everything runs.

use std::time::Duration;

use local_system::{Emitted, LocalSystem, Problem};
use serde_json::{Value, json};

use super::org::Org;
use super::story::{Chapter, Echo};
use crate::stage::settle_beside;
use crate::start::{ACCOUNT, REGION};

/// When rotations begin.
const ROTATIONS: Duration = Duration::from_secs(10);

/// Something that is sent.
enum Act {
    Event { source: &'static str, detail_type: String, detail: Value },
    Message { step: &'static str, detail: Value },
    Rotate { secret: String, token: String },
}

/// What a settlement is made of.
pub(super) struct Turn {
    acts: Vec<(Duration, Act)>,
}

impl Turn {
    /// What the organizations' chapters send. `tokens` are those of the rotations, by organization.
    pub(super) fn of(orgs: &[Org], chapters: &[Chapter], tokens: &[Option<String>]) -> Self {
        let mut turn = Self { acts: Vec::new() };
        for ((org, chapter), token) in orgs.iter().zip(chapters).zip(tokens) {
            turn.add(org, chapter);
            if let Some(token) = token {
                turn.acts.push((ROTATIONS, Act::Rotate { secret: org.secret_name(), token: token.clone() }));
            }
        }
        turn.acts.sort_by_key(|(at, _)| *at);
        turn
    }

    fn add(&mut self, org: &Org, chapter: &Chapter) {
        let mut at = Duration::ZERO;
        let mut sent = Vec::new();
        for (pause, one) in &chapter.sent {
            at += *pause;
            sent.push((at, one));
        }
        let event = |one: &super::life::Sent| Act::Event {
            source: "org-signup",
            detail_type: one.detail_type().to_owned(),
            detail: one.detail(&org.id),
        };
        self.acts.extend(sent.iter().map(|(at, one)| (*at, event(one))));
        for (delay, echo) in &chapter.echoes {
            match echo {
                Echo::Event(n) => self.acts.extend(sent.get(*n).map(|(at, one)| (*at + *delay, event(one)))),
                Echo::Message(n) => {
                    if let Some((at, one)) = sent.get(*n) {
                        let steps = one.steps().iter();
                        let messages = steps.map(|step| Act::Message { step, detail: one.detail(&org.id) });
                        self.acts.extend(messages.map(|message| (*at + *delay, message)));
                    }
                }
                Echo::OldSignUp(one) => self.acts.push((*delay, event(one))),
                Echo::OldCompletion(n) => {
                    let old = org.completions.get(*n).cloned().map(|Emitted { detail_type, detail, .. }| Act::Event {
                        source: "org-provisioner",
                        detail_type,
                        detail,
                    });
                    self.acts.extend(old.map(|act| (*delay, act)));
                }
            }
        }
    }

    /// Sends everything, and lets everything run until there is nothing left to do.
    pub(super) async fn settle(self, system: &LocalSystem) -> Result<(), Problem> {
        let count = self.acts.len();
        let sending = async move |arrived: &dyn Fn()| {
            let mut passed = Duration::ZERO;
            for (at, act) in self.acts {
                tokio::time::sleep(at.saturating_sub(passed)).await;
                passed = at;
                act.perform(system)?;
                arrived();
            }
            Ok(())
        };
        settle_beside(system, count, sending).await
    }
}

impl Act {
    fn perform(self, system: &LocalSystem) -> Result<(), Problem> {
        match self {
            Self::Event { source, detail_type, detail } => system.put_event(source, &detail_type, &detail),
            Self::Message { step, detail } => system.send(step, &detail.to_string()),
            Self::Rotate { secret, token } => {
                rotate(system, &secret, &token);
                Ok(())
            }
        }
    }
}

/// Asks Secrets Manager to rotate. It refuses while a rotation is not done, and has that one tried again.
pub(super) fn rotate(system: &LocalSystem, secret: &str, token: &str) {
    let function = system.lambda.function_arn("rotate");
    let rules = json!({ "AutomaticallyAfterDays": 90 });
    let asked = json!({ "SecretId": secret, "ClientRequestToken": token, "RotationLambdaARN": function, "RotationRules": rules });
    // What became of it is looked at in the end.
    let _refused = system.aws.api(ACCOUNT, REGION, "secretsmanager", "RotateSecret", asked);
}

/// Asks for the end of an old key, as the state machine of infra/ does; whether it has come.
pub(super) async fn retire(system: &LocalSystem, org: &str, token: &str) -> bool {
    let asked = json!({ "orgId": org, "action": "retireKey", "token": token });
    system.invoke("rotate", asked).await.is_ok()
}
