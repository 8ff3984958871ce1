//! That no message is lost: each ends in a completion or in a dead letter that says why, and bad weather never leaves what
//! only a person could decide.

use std::collections::BTreeSet;
use std::time::Duration;

use contract::ErrorCode;
use local_system::{Emitted, LocalSystem, Problem, registry};
use serde_json::{Value, json};

use super::life::{Deed, Life, Sent, State};
use super::org::{Org, is_final};
use super::story::{Chapter, Echo};
use crate::showers::named_in;
use crate::start::{ACCOUNT, REGION};
use crate::violation::{Promise, Violation};

const FAILED: &str = "OrgProvisioningFailed";
/// The message attribute of a second look, which is kept when it is sent again.
const DELAYED_CHECK: &str = "DelayedCheck";

/// A dead letter.
pub(super) struct Letter {
    pub(super) step: &'static str,
    pub(super) org: String,
    code: Option<String>,
    body: String,
    delayed_check: Value,
}

/// All dead letters as they are judged, and as SQS tells them, by step.
pub(super) type Taken = (Vec<Letter>, Vec<(&'static str, Vec<Value>)>);

/// Takes all dead letters; answers them as SQS tells them too.
pub(super) fn take(system: &LocalSystem) -> Result<Taken, Problem> {
    let (mut letters, mut all) = (Vec::new(), Vec::new());
    for function in registry::functions() {
        let step = function.spec.name;
        let taken = system.take_dead_letters(step)?;
        letters.extend(taken.iter().map(|letter| {
            let body = letter["Body"].as_str().unwrap_or_default().to_owned();
            let attributes = &letter["MessageAttributes"];
            Letter {
                step,
                org: named_in(&body).unwrap_or_default(),
                code: attributes["ErrorCode"]["StringValue"].as_str().map(str::to_owned),
                delayed_check: attributes[DELAYED_CHECK].clone(),
                body,
            }
        }));
        all.push((step, taken));
    }
    Ok((letters, all))
}

impl Letter {
    /// Sends it back to its step's queue.
    pub(super) fn replay(&self, system: &LocalSystem) -> Result<(), Problem> {
        let url = format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/org-provisioning-{}", self.step);
        let mut message = json!({ "QueueUrl": url, "MessageBody": self.body });
        if !self.delayed_check.is_null() {
            message["MessageAttributes"] = json!({ DELAYED_CHECK: self.delayed_check });
        }
        let sent = system.aws.api(ACCOUNT, REGION, "sqs", "SendMessage", message);
        sent.map(drop).map_err(|failure| Problem::Failed(failure.to_string()))
    }
}

/// Where the messages of a settlement ended.
pub(super) struct Ends<'e> {
    pub(super) events: &'e [Emitted],
    pub(super) letters: &'e [Letter],
    /// The steps that could not tell of a failure, so that the dead letter tells alone.
    pub(super) could_not_tell: BTreeSet<String>,
}

impl Ends<'_> {
    fn of<'e>(&'e self, org: &'e Org) -> impl Iterator<Item = &'e Emitted> {
        self.events.iter().filter(move |event| event.detail["orgId"] == org.id.as_str())
    }

    fn letters_of<'e>(&'e self, org: &'e Org) -> impl Iterator<Item = &'e Letter> {
        self.letters.iter().filter(move |letter| letter.org == org.id)
    }

    /// Which steps failed for good, and with which codes.
    fn failures<'e>(&'e self, org: &'e Org) -> impl Iterator<Item = (&'e str, &'e str)> {
        let failed = self.of(org).filter(|event| event.detail_type == FAILED);
        failed.map(|event| {
            let detail = &event.detail;
            (detail["step"].as_str().unwrap_or_default(), detail["error"]["code"].as_str().unwrap_or_default())
        })
    }

    /// What was lost of an organization's messages.
    pub(super) fn lost(&self, org: &Org, sent: &[Sent]) -> Vec<Violation> {
        let mut broken = Vec::new();
        let mut lost = |seen: String| {
            broken.push(Violation::of(Promise::NothingLost, format!("{seen}: {}", org.told())));
        };
        for sent in sent {
            let completed = |event: &Emitted| {
                event.detail_type == sent.completion() && event.detail["requestId"] == sent.correlation.as_str()
            };
            let named = format!("\"{}\"", sent.correlation);
            let kept = self.letters_of(org).any(|letter| letter.body.contains(&named));
            if !self.of(org).any(completed) && !kept {
                lost(format!("{} came to no end", sent.correlation));
            }
        }
        for letter in self.letters_of(org) {
            let told = self.failures(org).any(|(step, _)| step == letter.step);
            let completion = registry::functions().find(|known| known.spec.name == letter.step);
            // One that was stopped between its dead letter and the event, and then completed.
            let done =
                self.of(org).any(|event| completion.is_some_and(|known| known.spec.completion == event.detail_type));
            if !told && !done && !self.could_not_tell.contains(letter.step) {
                lost(format!("{} kept its message and told nobody", letter.step));
            }
        }
        for (step, code) in self.failures(org) {
            // Nobody queues a rotation: Secrets Manager tries it again.
            if step != "rotate" && !self.letters_of(org).any(|letter| letter.step == step) {
                lost(format!("{step} told of {code} and kept no message"));
            }
        }
        broken
    }

    /// The codes that the story does not explain: in calm weather any, in bad weather those that trying again cannot help.
    pub(super) fn unexplained(&self, org: &Org, permitted: &BTreeSet<ErrorCode>, calm: bool) -> Vec<Violation> {
        let told = self.failures(org);
        let kept = self.letters_of(org).map(|letter| (letter.step, letter.code.as_deref().unwrap_or_default()));
        let all: BTreeSet<(&str, &str)> = told.chain(kept).filter(|(_, code)| !code.is_empty()).collect();
        let counts = |code: &str| is_final(code) || calm;
        let unexplained = all.into_iter().filter(|&(step, code)| {
            let permitted = |code: &str| permitted.iter().any(|permitted| permitted.as_str() == code);
            // A rotation that a suspension met is told of it, by what it looked at first.
            let met = step == "rotate" && permitted("org-not-active") && code == "stored-key-inactive";
            counts(code) && !permitted(code) && !met
        });
        let told =
            |(step, code)| Violation::of(Promise::NothingLost, format!("{step} ended with {code}: {}", org.told()));
        unexplained.map(told).collect()
    }
}

/// The codes that a chapter can end with: of each of its commands, in each state that it can meet.
pub(super) fn permitted(start: &Life, chapter: &Chapter) -> BTreeSet<ErrorCode> {
    let sent: Vec<Sent> = chapter.sent.iter().map(|(_, sent)| sent.clone()).collect();
    let mut lives = vec![start.clone()];
    for one in &sent {
        let next: Vec<Life> = lives.iter().filter_map(|life| life.after(one).ok()).collect();
        let back: Vec<Life> =
            next.iter().flat_map(|life| sent.iter().filter_map(move |sent| life.after(sent).ok())).collect();
        lives.extend(next.into_iter().chain(back));
    }
    let old = chapter.echoes.iter().filter_map(|(_, echo)| match echo {
        Echo::OldSignUp(sent) => Some(sent.clone()),
        Echo::OldCompletion(_) => Some(Sent { deed: Deed::SignUp, correlation: String::new() }),
        Echo::Event(_) | Echo::Message(_) => None,
    });
    let all: Vec<Sent> = sent.iter().cloned().chain(old).collect();
    let refused =
        lives.iter().flat_map(|life| all.iter().filter_map(move |sent| life.after(sent).err())).flatten().copied();
    let mut codes: BTreeSet<ErrorCode> = refused.collect();
    let not_active = lives.iter().any(|life| life.state != State::Active);
    let old = |echo: &(Duration, Echo)| matches!(echo.1, Echo::OldSignUp(_) | Echo::OldCompletion(_));
    if not_active && chapter.echoes.iter().any(old) {
        // A sign-up that a command overtakes, or a step in the middle of one: what comes before it in the flow is not there
        // any more, and what it would restore is not its to restore.
        codes.extend([ErrorCode::OrgNotActive, ErrorCode::Waiting, ErrorCode::SecretScheduledForDeletion]);
        // It saw the user before a suspension wrote its tags, and the key after it was switched off.
        codes.insert(ErrorCode::StoredKeyInactive);
    }
    if sent.len() > 1 && lives.iter().any(|life| life.state == State::Offboarded) {
        // A command that an offboarding overtakes finds what that one has done before it finds its tags.
        codes.insert(ErrorCode::SecretScheduledForDeletion);
    }
    if not_active && chapter.rotate {
        codes.insert(ErrorCode::OrgNotActive);
    }
    codes
}
