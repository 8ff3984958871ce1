//! RotateSecret and CancelRotateSecret, and what Secrets Manager does around the four steps of a rotation.
//!
//! AWS calls the function asynchronously with `createSecret`, `setSecret`, `testSecret` and `finishSecret`, each when the
//! one before it succeeded, and after a failure all of them again (user guide, "Rotation by Lambda function"). How often
//! and after what pause is not said; here it is four more times, after 1, 2, 4 and 8 minutes. A rotation that failed for
//! good leaves its version with AWSPENDING, and the next RotateSecret is refused and has it tried again. After one that
//! succeeded AWSPENDING is taken off by the service itself, outside the function.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::Input;
use super::secret::{CURRENT, Content, PENDING, Secret, Version};
use super::{active, errors, named, short, with_version};
use crate::clock::Timestamp;
use crate::lambda::AsyncInvocation;
use crate::reply::ApiError;
use crate::world::Call;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The pauses before all steps are tried again.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(60), Duration::from_secs(120), Duration::from_secs(240), Duration::from_secs(480)];

/// How a secret is rotated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    /// Whether it is rotated when it is due; CancelRotateSecret says no.
    pub enabled: bool,
    /// The function.
    pub function_arn: String,
    /// `AutomaticallyAfterDays`, as it was given.
    pub rules: Value,
    /// When a rotation last succeeded.
    pub last: Option<Timestamp>,
    /// When it was last set up.
    pub configured: Timestamp,
    /// The rotation that is under way.
    pub run: Option<Run>,
}

/// A rotation that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The token, which is the id of the version that it makes.
    pub token: String,
    /// The step whose turn it is.
    pub step: Step,
    /// How often all steps were begun anew.
    pub retries: usize,
    /// Whether it only tests the set-up: `RotateImmediately` was false.
    pub test_only: bool,
    /// The invocation that is waited for.
    pub invocation: AsyncInvocation,
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum Step {
    Create,
    Set,
    Test,
    Finish,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Create => Some(Self::Set),
            Self::Set => Some(Self::Test),
            Self::Test => Some(Self::Finish),
            Self::Finish => None,
        }
    }
}

impl Rotation {
    /// `LastRotatedDate`: not shown where rotation is off.
    pub(super) fn last_shown(&self) -> Option<Timestamp> {
        self.last.filter(|_| self.enabled)
    }

    /// `NextRotationDate`.
    pub(super) fn next_shown(&self) -> Option<Timestamp> {
        let days = u32::try_from(self.rules.get("AutomaticallyAfterDays")?.as_u64()?).ok()?;
        self.enabled.then(|| self.last.unwrap_or(self.configured).after(DAY * days))
    }
}

/// Sets rotation up, if it is told how, and begins one.
pub(super) fn rotate(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    input.without(
        "RotateSecret",
        &["ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn", "ForceRotateSecretVersion"],
    )?;
    let token = input.token()?.to_owned();
    let function = input.sized("RotationLambdaARN", 0, 2048)?.filter(|arn| !arn.is_empty()).map(str::to_owned);
    let rules = input.value("RotationRules").map(checked_rules).transpose()?;
    let immediately = input.value("RotateImmediately").is_none() || input.flag("RotateImmediately")?;
    let now = call.now;
    let request_id = call.world.ids.uuid();
    let secret = active(call, input)?;
    let known = secret.rotation.as_ref();
    let Some(function_arn) = function.or_else(|| known.map(|rotation| rotation.function_arn.clone())) else {
        return Err(errors::request("No Lambda rotation function ARN is associated with this secret."));
    };
    let Some(rules) = rules.or_else(|| known.map(|rotation| rotation.rules.clone())) else {
        return Err(errors::parameter("You must specify the RotationRules parameter when you turn on rotation."));
    };
    let (last, configured) = (known.and_then(|rotation| rotation.last), now);
    let pending = secret.holder(PENDING);
    if let Some(pending) = pending.filter(|version| !version.labels.contains(CURRENT)) {
        let token = pending.id.clone();
        if known.is_some_and(|rotation| rotation.run.is_none()) {
            let run = begin(secret, &function_arn, token, request_id, Step::Create, now);
            if let Some(rotation) = &mut secret.rotation {
                rotation.run = Some(run);
            }
        }
        return Err(errors::request("A previous rotation isn't complete. That rotation will be reattempted."));
    }
    if secret.version(&token).is_some() {
        // The same request once more.
        return Ok(with_version(secret, Some(&token)));
    }
    let mut changed = secret.clone();
    let labels = std::collections::BTreeSet::new();
    changed.versions.push(Version { id: token.clone(), content: Content::Empty, created: now, accessed: None, labels });
    changed.attach(PENDING, &token);
    changed.check_limits()?;
    let first = if immediately { Step::Create } else { Step::Test };
    let mut run = begin(&changed, &function_arn, token.clone(), request_id, first, now);
    run.test_only = !immediately;
    changed.rotation = Some(Rotation { enabled: true, function_arn, rules, last, configured, run: Some(run) });
    changed.changed = now;
    *secret = changed;
    Ok(with_version(secret, Some(&token)))
}

/// Turns rotation off. Labels stay as they are, AWSPENDING among them.
pub(super) fn cancel(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let now = call.now;
    let secret = named(call, input)?;
    if secret.deletion.is_some() {
        return Err(errors::marked_for_deletion());
    }
    let pending = secret.holder(PENDING).map(|version| version.id.clone());
    if let Some(rotation) = &mut secret.rotation {
        (rotation.enabled, rotation.run) = (false, None);
    }
    secret.changed = now;
    Ok(match pending {
        Some(id) => with_version(secret, Some(&id)),
        None => short(secret),
    })
}

fn checked_rules(rules: &Value) -> Result<Value, ApiError> {
    if rules.get("ScheduleExpression").is_some_and(|value| !value.is_null())
        || rules.get("Duration").is_some_and(|value| !value.is_null())
    {
        return Err(ApiError::not_implemented("secretsmanager", "RotateSecret with a schedule expression"));
    }
    match rules.get("AutomaticallyAfterDays").and_then(Value::as_u64) {
        Some(days @ 1..=1000) => Ok(json!({ "AutomaticallyAfterDays": days })),
        _ => Err(errors::parameter("RotationRules must have AutomaticallyAfterDays between 1 and 1000.")),
    }
}

fn begin(secret: &Secret, function: &str, token: String, request_id: String, step: Step, now: Timestamp) -> Run {
    let invocation = invocation(secret, function, &token, request_id, step, now);
    Run { token, step, retries: 0, test_only: false, invocation }
}

fn invocation(secret: &Secret, function: &str, token: &str, id: String, step: Step, at: Timestamp) -> AsyncInvocation {
    let payload = json!({ "Step": step.name(), "SecretId": secret.arn, "ClientRequestToken": token });
    AsyncInvocation::new(function.to_owned(), id, payload, at)
}

impl Secret {
    /// The rotation that is under way.
    pub(crate) fn run(&self) -> Option<&Run> {
        self.rotation.as_ref()?.run.as_ref()
    }

    /// The same, to note that its invocation was taken.
    pub(crate) fn run_mut(&mut self) -> Option<&mut Run> {
        self.rotation.as_mut()?.run.as_mut()
    }

    /// A step has ended: on to the next one, to the end, or all over again.
    pub(crate) fn step_ended(&mut self, ended: &Run, succeeded: bool, request_id: String, now: Timestamp) {
        let Some(rotation) = &self.rotation else { return };
        if rotation.run.as_ref().is_none_or(|run| run.invocation.request_id != ended.invocation.request_id) {
            return;
        }
        let pause = PAUSES.get(ended.retries).copied();
        let next = match (ended.test_only, succeeded, ended.step.next(), pause) {
            (true, ..) => None,
            (false, true, Some(step), _) => Some((step, ended.retries, now)),
            (false, true, None, _) => None,
            (false, false, _, Some(pause)) => Some((Step::Create, ended.retries + 1, now.after(pause))),
            (false, false, _, None) => None,
        };
        let run = next.map(|(step, retries, at)| {
            let invocation = invocation(self, &rotation.function_arn, &ended.token, request_id, step, at);
            Run { token: ended.token.clone(), step, retries, test_only: false, invocation }
        });
        let complete = run.is_none() && succeeded && !ended.test_only;
        if let Some(rotation) = &mut self.rotation {
            rotation.run = run;
            if complete {
                rotation.last = Some(now);
            }
        }
        if ended.test_only {
            self.versions.retain(|version| version.id != ended.token || version.content != Content::Empty);
        }
        let done = |version: &Version| version.id == ended.token && version.labels.contains(CURRENT);
        if complete && self.holder(PENDING).is_some_and(done) {
            self.detach(PENDING);
        }
        self.changed = now;
    }
}
