//! The shape that every step has: look, decide, do.

use std::fmt;
use std::time::{Duration, SystemTime};

use org::Place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::{Command, request_tag};
use crate::error::StepError;
use crate::finding::{Capacity, Finding};

/// A step's entry in the registry: what it is called, what starts it, what it says when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepSpec {
    /// The name, from which the function's and the queues' names follow: `iam-user`.
    pub name: &'static str,
    /// The detail types of the events that start it.
    pub triggers: &'static [&'static str],
    /// The detail type of the event that it emits.
    pub completion: &'static str,
}

/// One step: makes one kind of resource, and can be run at any time, any number of times, also at once.
#[expect(async_fn_in_trait, reason = "one thread runs every step; no caller needs its futures to be Send")]
pub trait Step {
    /// The registry entry.
    const SPEC: StepSpec;

    /// What the step works on.
    type Command: Command;

    /// What a look at AWS found.
    type Observed;

    /// One thing to change.
    type Change: Change;

    /// The detail type of the event that tells that this command is done; none for one that is only a part of something
    /// longer. [`StepSpec::completion`], unless a step says otherwise.
    fn completion(command: &Self::Command) -> Option<&'static str> {
        let _same_for_all = command;
        Some(Self::SPEC.completion)
    }

    /// Looks, and changes nothing.
    ///
    /// # Errors
    /// When AWS did not answer, or answered with something that ends the run.
    async fn observe(&self, run: &Run<'_, Self::Command>) -> Result<Self::Observed, StepError>;

    /// Decides, without asking anybody: what must change so that what is becomes what should be.
    ///
    /// # Errors
    /// A conflict, or something that has to be waited for. Nothing was written then.
    fn plan(&self, run: &Run<'_, Self::Command>, observed: &Self::Observed) -> Result<Vec<Self::Change>, StepError>;

    /// Makes the changes, in their order, and reports what there is now. Also called when there are none.
    ///
    /// # Errors
    /// When a change failed; those before it stay, and the next run sees them.
    async fn apply(
        &self,
        run: &Run<'_, Self::Command>,
        observed: Self::Observed,
        changes: Vec<Self::Change>,
    ) -> Result<Report, StepError>;
}

/// What one run of a step is given.
#[derive(Debug)]
pub struct Run<'a, C> {
    /// The command.
    pub command: &'a C,
    /// Where the function runs.
    pub place: &'a Place,
    /// The command's original detail.
    pub detail: &'a serde_json::Value,
    /// The request's id: what asks for the same again has the same.
    pub request_id: &'a str,
    /// When the function is stopped.
    pub deadline: Deadline,
    /// Whether this is a delayed check: it clears up what an earlier run left behind, and begins nothing new.
    pub delayed_check: bool,
    /// Of a delayed check: when the command that asked for it was decided, in seconds since 1970 by the services' clock, if
    /// the step said so.
    pub check_of: Option<u64>,
}

impl<C> Run<'_, C> {
    /// The request, as the value of a tag: a request's id may have characters and a length that tags must not have.
    pub fn request_tag(&self) -> String {
        request_tag(self.request_id)
    }
}

/// When the function is stopped, whatever it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(SystemTime);

impl Deadline {
    /// A run that is stopped at `time`.
    pub fn at(time: SystemTime) -> Self {
        Self(time)
    }

    /// How much time is left at `now`.
    pub fn left(self, now: SystemTime) -> Duration {
        self.0.duration_since(now).unwrap_or_default()
    }
}

/// Something to change, described for people.
pub trait Change: fmt::Display {
    /// Whether it makes something new.
    fn effect(&self) -> Effect;
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Effect {
    Updates,
    Creates,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Something was made.
    Created,
    /// Something that existed was changed.
    Updated,
    /// Everything was as it should be.
    Unchanged,
}

impl Outcome {
    /// What a run that makes these changes amounts to.
    pub fn of<C: Change>(changes: &[C]) -> Self {
        match changes.iter().map(Change::effect).max() {
            None => Self::Unchanged,
            Some(Effect::Updates) => Self::Updated,
            Some(Effect::Creates) => Self::Created,
        }
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What there is after a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The resources that the step is responsible for.
    pub resources: Vec<Resource>,
    /// What the step convinced itself of; only `verify` gives evidence.
    pub evidence: Vec<Evidence>,
    /// What was found that is not as it should be.
    pub findings: Vec<Finding>,
    /// How much of the account's limits is used.
    pub capacity: Vec<Capacity>,
    /// The detail type of an event that goes out right before the completion, with the same content: for those who want to
    /// hear of a run only if something came of it.
    pub notice: Option<&'static str>,
}

impl Report {
    /// A report of one resource.
    pub fn of(kind: &str, arn: impl Into<String>) -> Self {
        Self { resources: vec![Resource::new(kind, arn)], ..Self::default() }
    }

    /// A report of those resources that are there.
    pub fn of_those(resources: impl IntoIterator<Item = Option<Resource>>) -> Self {
        Self { resources: resources.into_iter().flatten().collect(), ..Self::default() }
    }
}

/// A resource, by type and ARN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// The CloudFormation resource type: `AWS::IAM::User`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The ARN.
    pub arn: String,
}

impl Resource {
    /// A resource.
    pub fn new(kind: &str, arn: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), arn: arn.into() }
    }
}

/// One thing that was checked and found in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was checked.
    pub item: String,
    /// What was seen.
    pub seen: String,
}

impl Evidence {
    /// A piece of evidence.
    pub fn new(item: &str, seen: impl Into<String>) -> Self {
        Self { item: item.to_owned(), seen: seen.into() }
    }
}
