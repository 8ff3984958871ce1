//! The registry of steps: a line for each. Everything that is about all steps starts here: the local system,
//! the tests that hold for every step, and the check that infra/ has them all.

use std::collections::BTreeSet;
use std::rc::Rc;

use aws_types::SdkConfig;
use contract::{Command, StepError, StepSpec};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use handler::{Function, FunctionError, Invocation, Planned, Settings, StepFunction};
use org::Place;
use serde_json::Value;

/// The steps of `OrgCreated`, in the order in which an organization meets them.
pub const STEPS: [Registered; 5] = [
    register::<iam_user::IamUser>(),
    register::<bucket::Bucket>(),
    register::<bucket_policy::BucketPolicy>(),
    register::<secret::Secret>(),
    register::<verify::Verify>(),
];

/// What can happen to an organization beside its sign-up, each by a command of its own.
pub const LIFECYCLE: [Registered; 4] = [
    register::<suspend::Suspend>(),
    register::<resume::Resume>(),
    register::<offboard::Offboard>(),
    register::<adopt::Adopt>(),
];

/// What is done with organizations that are there, on a schedule or because a person asks. Each has a command of its own.
pub const MAINTENANCE: [Registered; 3] =
    [register::<rotate::Rotate>(), register::<reconcile::Reconcile>(), register::<sweep::Sweep>()];

/// Every step, of whatever command.
pub fn all() -> impl Iterator<Item = Registered> {
    STEPS.into_iter().chain(LIFECYCLE)
}

/// Everything that is a function: the steps, then maintenance.
pub fn functions() -> impl Iterator<Item = Registered> {
    all().chain(MAINTENANCE)
}

/// A step's function, ready to be invoked.
pub type Invocable = Rc<dyn Fn(Value, Invocation) -> LocalBoxFuture<'static, Result<Value, FunctionError>>>;

/// A step's preview: what a run for this detail would change in this place.
pub type Previewable = Rc<dyn Fn(Value, Place) -> LocalBoxFuture<'static, Result<Vec<Planned>, StepError>>>;

/// A step, and how to make its function.
#[derive(Clone, Copy)]
pub struct Registered {
    /// What the step says of itself.
    pub spec: StepSpec,
    /// The detail type of the command that it works on.
    pub command: &'static str,
    /// Makes the step's function from its settings.
    pub function: fn(Settings, &SdkConfig) -> Invocable,
    /// Makes the step's preview from its settings.
    pub preview: fn(Settings, &SdkConfig) -> Previewable,
}

const fn register<S: StepFunction + 'static>() -> Registered {
    Registered {
        spec: S::SPEC,
        command: <S::Command as Command>::DETAIL_TYPE,
        function: function::<S>,
        preview: preview::<S>,
    }
}

fn function<S: StepFunction + 'static>(settings: Settings, sdk: &SdkConfig) -> Invocable {
    let function = Rc::new(Function::<S>::new(settings, sdk));
    Rc::new(move |payload, invocation| {
        let function = Rc::clone(&function);
        async move { function.invoke(payload, &invocation).await }.boxed_local()
    })
}

fn preview<S: StepFunction + 'static>(settings: Settings, sdk: &SdkConfig) -> Previewable {
    let function = Rc::new(Function::<S>::new(settings, sdk));
    Rc::new(move |detail, place| {
        let function = Rc::clone(&function);
        async move { function.preview(detail, &place).await }.boxed_local()
    })
}

/// The detail types that steps emit when they are done. Every other trigger is a command.
pub fn completions() -> BTreeSet<&'static str> {
    all().map(|step| step.spec.completion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trigger_is_a_command_or_some_steps_completion() {
        let known = completions();
        for step in all() {
            // Steps form a chain for one command.
            let own =
                |trigger: &str| all().any(|other| other.spec.completion == trigger && other.command == step.command);
            for trigger in step.spec.triggers {
                assert!(own(trigger) || *trigger == step.command, "{}: {trigger}", step.spec.name);
            }
        }
        assert_eq!(known.len(), all().count(), "two steps with the same completion");
        let names: BTreeSet<_> = functions().map(|step| step.spec.name).collect();
        assert_eq!(names.len(), functions().count(), "two functions with the same name");
    }
}
