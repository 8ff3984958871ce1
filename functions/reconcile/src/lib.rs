//! Holding an organization that is there against the conventions: what is not as it should be is told, and what the steps
//! of sign-up can mend is mended by them, where the deployment says so.
//!
//! There is no second implementation of a step here. A repair is an ordinary `OrgCreated` in the queues of the two steps
//! that begin a sign-up, and the steps refuse by their own guards. It goes straight there, and not over the bus: nobody
//! signed up, and whoever listens for that should not hear of it. What only a person may decide is never touched.
//! docs/reconcile.md has every finding.

mod inspect;
mod judge;

use std::fmt;
use std::time::Duration;

use contract::{
    Change, Command, Effect, Evidence, OrgReconciliationRequested, Remedy, Repair, Report, Run, Step, StepError,
    StepSpec,
};
use handler::{Queues, StepContext, StepFunction};

pub use inspect::{Inspector, Seen};
pub use judge::Judged;

/// The detail type of the event that tells of findings.
const NOTICE: &str = "OrgDriftDetected";
/// The steps that a sign-up begins with. The others follow from their events.
const FIRST_STEPS: [&str; 2] = ["iam-user", "bucket"];

/// The step.
pub struct Reconcile {
    inspector: Inspector,
    queues: Queues,
    repair: bool,
}

/// Asks the steps of sign-up to mend what they can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRepair;

impl StepFunction for Reconcile {
    fn new(context: &StepContext<'_>) -> Self {
        Self {
            inspector: Inspector::new(context.clients, &context.settings),
            queues: context.queues(),
            repair: context.settings.repair_drift,
        }
    }
}

impl Step for Reconcile {
    const SPEC: StepSpec = StepSpec {
        name: "reconcile",
        triggers: &[OrgReconciliationRequested::DETAIL_TYPE],
        completion: "OrgReconciled",
    };
    type Command = OrgReconciliationRequested;
    type Observed = Seen;
    type Change = RequestRepair;

    async fn observe(&self, run: &Run<'_, OrgReconciliationRequested>) -> Result<Seen, StepError> {
        self.inspector.look(run.place, &run.command.org_id).await
    }

    fn plan(
        &self,
        run: &Run<'_, OrgReconciliationRequested>,
        observed: &Seen,
    ) -> Result<Vec<RequestRepair>, StepError> {
        let judged = self.inspector.findings(run.place, &run.command.org_id, observed)?;
        Ok(if self.repair && judged.can_be_repaired() { vec![RequestRepair] } else { Vec::new() })
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgReconciliationRequested>,
        observed: Seen,
        changes: Vec<RequestRepair>,
    ) -> Result<Report, StepError> {
        let Judged { state, mut findings } = self.inspector.findings(run.place, &run.command.org_id, &observed)?;
        if !changes.is_empty() {
            let repair = [(run.command.repair(run.request_id), Duration::ZERO)];
            for step in FIRST_STEPS {
                self.queues.send(step, &repair).await?;
            }
            let mended = findings.iter_mut().filter(|finding| finding.code.remedy() == Remedy::SignUp);
            mended.for_each(|finding| finding.repair = Repair::Requested);
        }
        let org = &observed.org;
        let resources = [org.user_resource(), org.bucket_resource(run.place), org.secret_resource()];
        Ok(Report {
            evidence: vec![Evidence::new("state", state.as_str())],
            notice: (!findings.is_empty()).then_some(NOTICE),
            findings,
            ..Report::of_those(resources)
        })
    }
}

impl Change for RequestRepair {
    fn effect(&self) -> Effect {
        Effect::Updates
    }
}

impl fmt::Display for RequestRepair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ask the steps of sign-up to mend what they can")
    }
}
