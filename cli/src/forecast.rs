//! What provisioning would do for an organization now: every step's own look and decision, without its writes.

use std::fmt;

use aws::DENIED_REMEDY;
use contract::{Command, Effect, ErrorClass, ErrorCode, FailureDetail, OrgCreated, StepError};
use futures_util::future::join_all;
use handler::Planned;
use org::{AccountClass, Environment, OrgId};
use serde::Serialize;
use serde_json::{Value, json};

use crate::connection::{Connection, dead_letter_queue_name};
use local_system::registry::{self, Previewable, Registered};

/// Every step's preview, made once for any number of organizations.
pub struct Previews {
    steps: Vec<(Registered, Previewable)>,
    connection: Connection,
}

/// What each step would do for one organization.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// The organization.
    pub organization: OrgId,
    /// All of it in one word.
    pub verdict: Verdict,
    /// The steps, in the order in which an organization meets them.
    pub steps: Vec<StepForecast>,
}

/// What one step would do.
#[derive(Clone, Debug, Serialize)]
pub struct StepForecast {
    /// The step.
    pub step: &'static str,
    /// What it would do, in one word.
    pub state: StepState,
    /// The changes, in order.
    pub changes: Vec<PlannedChange>,
    /// Why it would not do more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<FailureDetail>,
    /// Whether the command itself starts it, and not another step's completion.
    #[serde(skip)]
    starts_with_command: bool,
}

/// One change.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedChange {
    /// `create` or `update`.
    pub effect: &'static str,
    /// What is done.
    pub description: String,
}

/// What a step would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Nothing: everything is as it should be.
    InOrder,
    /// It would make or change something.
    Changes,
    /// It would wait for another step, or for time to pass.
    Waits,
    /// It would refuse: a conflict, or something that trying again cannot mend.
    Refuses,
    /// AWS did not tell.
    Unknown,
}

/// What provisioning would do for an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing.
    Nothing,
    /// Nothing is to be changed, but a step waits: for propagation, or for a key to come of age.
    Wait,
    /// Change what is there, or make what is missing of it.
    Repair,
    /// Make the organization.
    Create,
    /// Refuse: a person has to decide or to mend something first.
    Conflict,
    /// AWS did not tell.
    Unknown,
}

impl Previews {
    /// The previews of every step.
    pub fn new(connection: &Connection) -> Self {
        let step = |step: Registered| {
            let mut settings = connection.settings().clone();
            settings.dead_letter_queue_url = dead_letter_queue_name(&step.spec);
            (step, (step.preview)(settings, &connection.sdk))
        };
        Self { steps: registry::all().map(step).collect(), connection: connection.clone() }
    }

    /// What every step would do for this `OrgCreated` detail. The steps look at the same time.
    pub async fn of(&self, org: &OrgId, detail: &Value) -> Forecast {
        self.of_command(org, OrgCreated::DETAIL_TYPE, detail).await
    }

    /// The same for a command of this type.
    pub async fn of_command(&self, org: &OrgId, command: &str, detail: &Value) -> Forecast {
        let steps = self.steps.iter().filter(|(step, _)| step.command == command);
        let looks = steps.map(async |(step, preview)| {
            let previewed = preview(detail.clone(), self.connection.place.clone()).await;
            StepForecast::of(step, previewed, &self.connection.caller)
        });
        let steps = join_all(looks).await;
        Forecast { organization: org.clone(), verdict: Verdict::of(&steps), steps }
    }
}

/// The detail of the command that would provision `org`. Without an environment it is one that the account may hold.
pub fn detail(org: &OrgId, class: AccountClass, environment: Option<Environment>, bucket_name: Option<&str>) -> Value {
    let command = OrgCreated {
        org_id: org.clone(),
        environment: environment.unwrap_or_else(|| class.usual_environment()),
        bucket_name: bucket_name.map(str::to_owned),
        reonboard: false,
    };
    json!(command)
}

/// The detail of another command for `org`, confirmed, since a plan does nothing.
pub fn detail_of_command(org: &OrgId, class: AccountClass, environment: Option<Environment>) -> Value {
    let mut detail = detail(org, class, environment, None);
    if let Some(fields) = detail.as_object_mut() {
        fields.insert("confirmOrgId".to_owned(), json!(org));
    }
    detail
}

impl StepForecast {
    fn of(registered: &Registered, previewed: Result<Vec<Planned>, StepError>, caller: &str) -> Self {
        let state = match &previewed {
            Ok(changes) if changes.is_empty() => StepState::InOrder,
            Ok(_) => StepState::Changes,
            Err(error) => state_of(error.code()),
        };
        let error = previewed.as_ref().err().map(FailureDetail::from).map(|error| as_denied_to(caller, error));
        let changes = previewed.unwrap_or_default().into_iter().map(|change| PlannedChange {
            effect: match change.effect {
                Effect::Creates => "create",
                Effect::Updates => "update",
            },
            description: change.description,
        });
        let spec = registered.spec;
        let starts_with_command = spec.triggers.contains(&registered.command);
        Self { step: spec.name, state, changes: changes.collect(), error, starts_with_command }
    }
}

/// A denial tells functions what their role lacks. Here it is somebody else who looked, and who lacks it.
fn as_denied_to(caller: &str, mut error: FailureDetail) -> FailureDetail {
    if error.code == ErrorCode::AccessDenied {
        let said = error.message.split_once(DENIED_REMEDY).map_or(error.message.as_str(), |(said, _)| said);
        let needed = error
            .operation
            .as_ref()
            .map_or_else(|| "this permission".to_owned(), |operation| format!("the permission for {operation}"));
        error.message = format!(
            "{said}; it was denied to {caller}, as whom orgctl looks; give it {needed}, or look as somebody else"
        );
    }
    error
}

/// What a step that would fail with this code does instead.
fn state_of(code: ErrorCode) -> StepState {
    match (code, code.class()) {
        (ErrorCode::Waiting | ErrorCode::Propagating | ErrorCode::InProgress, _) => StepState::Waits,
        // A denial is about whoever looks, who need not be the function.
        (ErrorCode::AccessDenied | ErrorCode::Unexpected, _) | (_, ErrorClass::Retryable) => StepState::Unknown,
        (_, ErrorClass::Conflict | ErrorClass::Permanent) => StepState::Refuses,
    }
}

impl Verdict {
    fn of(steps: &[StepForecast]) -> Self {
        let any = |state: StepState| steps.iter().any(|step| step.state == state);
        let makes = |step: &StepForecast| step.changes.iter().any(|change| change.effect == "create");
        let mut first = steps.iter().filter(|step| step.starts_with_command).peekable();
        if any(StepState::Refuses) {
            Self::Conflict
        } else if any(StepState::Unknown) {
            Self::Unknown
        } else if any(StepState::Changes) {
            if first.peek().is_some() && first.all(makes) { Self::Create } else { Self::Repair }
        } else if any(StepState::Waits) {
            Self::Wait
        } else {
            Self::Nothing
        }
    }

    /// The name, as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Wait => "wait",
            Self::Repair => "repair",
            Self::Create => "create",
            Self::Conflict => "conflict",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
