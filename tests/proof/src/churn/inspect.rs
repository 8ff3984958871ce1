//! What is looked at after a settlement, of all organizations together.

use std::collections::BTreeSet;

use local_aws::{LocalAws, Timestamp, World};
use local_system::{Emitted, Functions, LocalOptions, LocalSystem, Problem};
use serde_json::{Value, json};

use super::life::Deed;
use super::look::{belongings, look};
use super::org::Org;
use super::story::Chapter;
use crate::stage::Aftermath;
use crate::start::{ACCOUNT, REGION};
use crate::violation::{Promise, Violation};
use crate::weather::Weather;
use crate::{canary, judge};

const BYSTANDER: &str = "bystander";

/// A settlement that is over.
pub(super) struct Inspected<'i> {
    pub(super) before: &'i World,
    pub(super) after: &'i World,
    pub(super) now: Timestamp,
    pub(super) weather: &'i Weather,
    pub(super) events: Vec<Emitted>,
    pub(super) dead_letters: Vec<(&'static str, Vec<Value>)>,
}

impl Inspected<'_> {
    /// Every promise that was broken, and of which organization.
    pub(super) fn broken(self, orgs: &[Org], chapters: &[Chapter]) -> Vec<Violation> {
        let mut broken = Vec::new();
        for (org, chapter) in orgs.iter().zip(chapters) {
            broken.extend(look(org, self.after, self.now));
            let [then, now] = [self.before, self.after].map(|world| belongings(org, world, self.now));
            if chapter.is_rest() && then != now {
                broken.push(Violation::of(Promise::OthersUntouched, format!("nothing was asked for: {}", org.told())));
            }
        }
        if bystanders(self.before) != bystanders(self.after) {
            broken.push(Violation::of(Promise::OthersUntouched, "what is no organization's was changed"));
        }
        let ledger = self.weather.ledger();
        let may_lose = users_that_may_lose_keys(orgs, chapters);
        let kept = |violation: &&Violation| !may_lose.iter().any(|user| violation.seen.contains(user));
        broken.extend(ledger.violations().filter(kept).cloned());
        let aftermath = Aftermath {
            before: World::seeded(0),
            after: self.after.clone(),
            events: self.events,
            dead_letters: self.dead_letters,
            could_not_tell: self.weather.could_not_tell(),
            asked_by: self.weather.asked_by(),
            ledger,
            writes_when_run_again: Vec::new(),
            run_again: None,
        };
        // Every role allows this one, for what goes wrong (tests/infra/roles.py).
        let hides = |violation: &Violation| violation.seen.ends_with("sqs:ChangeMessageVisibility");
        broken.extend(judge::allowed(&aftermath).into_iter().filter(|violation| !hides(violation)));
        broken.extend(judge::same_event_ids(&aftermath));
        broken.extend(canary::violations(&aftermath));
        broken
    }
}

/// Offboarding deletes keys, and so does the end of an old one.
fn users_that_may_lose_keys(orgs: &[Org], chapters: &[Chapter]) -> BTreeSet<String> {
    let offboards = |chapter: &Chapter| chapter.sent.iter().any(|(_, sent)| matches!(sent.deed, Deed::Offboard { .. }));
    let losing = orgs.iter().zip(chapters).filter(|(_, chapter)| chapter.retire || offboards(chapter));
    losing.map(|(org, _)| format!("{} ", org.user_name())).collect()
}

/// Somebody else in the account: a user with a key, a bucket, a secret.
pub(super) async fn settle_bystanders(aws: &LocalAws, options: &LocalOptions) -> Result<(), Problem> {
    let system = LocalSystem::wire(aws.clone(), options, &Functions::InProcess)?;
    let failed = |error: &dyn std::fmt::Debug| Problem::Failed(format!("{error:?}"));
    let sdk = system.sdk_config(ACCOUNT, "local");
    let iam = aws_sdk_iam::Client::new(&sdk);
    iam.create_user().user_name(BYSTANDER).send().await.map_err(|error| failed(&error))?;
    iam.create_access_key().user_name(BYSTANDER).send().await.map_err(|error| failed(&error))?;
    let s3 = aws_sdk_s3::Client::new(&sdk);
    s3.create_bucket().bucket(BYSTANDER).send().await.map_err(|error| failed(&error))?;
    let secret = json!({ "Name": BYSTANDER, "SecretString": "theirs", "ClientRequestToken": "0".repeat(36) });
    aws.api(ACCOUNT, REGION, "secretsmanager", "CreateSecret", secret).map_err(|error| failed(&error))?;
    Ok(())
}

fn bystanders(world: &World) -> Value {
    let account = world.accounts.get(ACCOUNT);
    let secrets = account.and_then(|account| account.regions.get(REGION)).map(|region| &region.secrets.by_name);
    json!({
        "user": account.and_then(|account| account.iam.users.get(BYSTANDER)),
        "bucket": world.buckets.get(BYSTANDER),
        "secret": secrets.and_then(|secrets| secrets.get(BYSTANDER)),
    })
}
