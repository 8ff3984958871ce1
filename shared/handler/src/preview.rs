//! What a run would do now, without doing it: the same guards, the same look, the same decision.

use std::time::Duration;

use contract::{Change, Command, Deadline, Effect, Request, Run, StepError};
use org::Place;
use serde_json::Value;

use crate::function::{Function, StepFunction};

/// The time that a run is given, as infra/ gives it to a function.
const RUN_TIME: Duration = Duration::from_secs(30);

/// A change that a run would make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Whether it makes something new.
    pub effect: Effect,
    /// What it does, for people.
    pub description: String,
}

impl<S: StepFunction> Function<S> {
    /// What a run for this detail would change at `place`. Nothing is written and no event is put.
    ///
    /// # Errors
    /// What the run would fail with.
    pub async fn preview(&self, detail: Value, place: &Place) -> Result<Vec<Planned>, StepError> {
        let request = Request::<S::Command>::read(detail)?;
        request.command.admit(&self.settings.deployment, place)?;
        let run = Run {
            command: &request.command,
            place,
            detail: &request.detail,
            request_id: &request.request_id,
            deadline: Deadline::at(self.time.now() + RUN_TIME),
            delayed_check: false,
            check_of: None,
        };
        let observed = Box::pin(self.step.observe(&run)).await?;
        let changes = self.step.plan(&run, &observed)?;
        Ok(changes.iter().map(|change| Planned { effect: change.effect(), description: change.to_string() }).collect())
    }
}
