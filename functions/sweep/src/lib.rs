//! Going through all organizations of an account: each is sent to the queue of `reconcile`, at a pace that IAM bears, and
//! in the end what there is is held against the account's limits.
//!
//! One run does one part and asks its own queue for the next. The message says where to go on, so a run that was stopped
//! anywhere is repeated by the next one from there. What was sent before is then sent twice, which costs a second look at
//! these organizations and nothing else. A run that is repeated after it asked for the next part begins a second chain, and
//! the rest of that sweep is done twice. Every part ends: a key is never gone back behind.

mod capacity;
mod secrets;

use std::fmt;
use std::time::Duration;

use aws::organizations::{self, READS_AT_ONCE};
use contract::{
    AccountSweep, Capacity, Change, Effect, OrgReconciliationRequested, Report, Run, Step, StepError, StepSpec,
    SweepPart,
};
use futures_util::stream::{self, StreamExt};
use handler::{Queues, StepContext, StepFunction};
use org::{AccountClass, Conventions, OrgId, Place};
use serde_json::{Value, json};

/// The detail type of the event that tells of a limit that is near.
const NOTICE: &str = "CapacityWarning";
/// The step that looks at an organization.
const RECONCILE: &str = "reconcile";
/// Organizations that one run sends, at most. A second for each is less than a message can be delayed.
const ORGANIZATIONS_PER_RUN: usize = 600;
/// Buckets whose tags one run reads before it asks for the next part: some seconds' worth, however few organizations they
/// belong to.
const READS_PER_RUN: usize = 500;
/// Between two organizations. A look makes some ten calls to IAM, whose rates AWS does not tell: docs/reconcile.md.
const PACE: Duration = Duration::from_secs(1);

/// The step.
pub struct Sweep {
    iam: aws_sdk_iam::Client,
    s3: aws_sdk_s3::Client,
    secrets: aws_sdk_secretsmanager::Client,
    queues: Queues,
    conventions: Conventions,
    class: AccountClass,
    warning_percent: u8,
    bucket_limit: u32,
}

/// What a run found.
pub struct Observed {
    /// Organizations to look at.
    orgs: Vec<OrgId>,
    /// The next part.
    next: Option<SweepPart>,
    /// How long the next part has to wait, for the organizations before it.
    wait: Duration,
    capacity: Vec<Capacity>,
}

/// What a run sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// These organizations to the queue of `reconcile`.
    Organizations(Vec<OrgId>),
    /// The next part to the own queue.
    Next(SweepPart, Duration),
}

impl StepFunction for Sweep {
    fn new(context: &StepContext<'_>) -> Self {
        Self {
            iam: context.clients.iam(1),
            s3: context.clients.s3(READS_AT_ONCE),
            secrets: context.clients.secrets_manager(1),
            queues: context.queues(),
            conventions: context.settings.deployment.conventions.clone(),
            class: context.settings.deployment.account_class,
            warning_percent: context.settings.capacity_warning_percent,
            bucket_limit: context.settings.bucket_limit,
        }
    }
}

impl Step for Sweep {
    const SPEC: StepSpec = StepSpec { name: "sweep", triggers: &[], completion: "AccountSwept" };
    type Command = AccountSweep;
    type Observed = Observed;
    type Change = Sending;

    /// Only the last part is news.
    fn completion(command: &AccountSweep) -> Option<&'static str> {
        matches!(command.part, SweepPart::Capacity { .. }).then_some(Self::SPEC.completion)
    }

    async fn observe(&self, run: &Run<'_, AccountSweep>) -> Result<Observed, StepError> {
        match &run.command.part {
            SweepPart::Organizations { after } => self.organizations(run.place, after.as_deref()).await,
            SweepPart::Secrets { counted, token } => self.more_secrets(*counted, token.clone()).await,
            SweepPart::Capacity { secrets } => {
                let capacity = self.capacity(&run.place.account, *secrets).await?;
                Ok(Observed { orgs: Vec::new(), next: None, wait: Duration::ZERO, capacity })
            }
        }
    }

    fn plan(&self, _: &Run<'_, AccountSweep>, observed: &Observed) -> Result<Vec<Sending>, StepError> {
        let orgs = (!observed.orgs.is_empty()).then(|| Sending::Organizations(observed.orgs.clone()));
        let next = observed.next.clone().map(|part| Sending::Next(part, observed.wait));
        Ok(orgs.into_iter().chain(next).collect())
    }

    async fn apply(
        &self,
        run: &Run<'_, AccountSweep>,
        observed: Observed,
        changes: Vec<Sending>,
    ) -> Result<Report, StepError> {
        for change in changes {
            match change {
                Sending::Organizations(orgs) => {
                    let requests = orgs.into_iter().zip(0_u32..).map(|(org, n)| (self.request(run, org), PACE * n));
                    self.queues.send(RECONCILE, &requests.collect::<Vec<_>>()).await?;
                }
                Sending::Next(part, wait) => {
                    let next = AccountSweep { sweep: run.command.sweep.clone(), part };
                    self.queues.send(Self::SPEC.name, &[(json!(next), wait)]).await?;
                }
            }
        }
        let near = observed.capacity.iter().any(|one| one.used_percent >= u64::from(self.warning_percent));
        Ok(Report { capacity: observed.capacity, notice: near.then_some(NOTICE), ..Report::default() })
    }
}

impl Sweep {
    /// The next organizations behind `after`, in the order of their names. The account is listed anew in every run: that is
    /// a call for each 250 users and for each thousand buckets, and no list has to be kept anywhere.
    async fn organizations(&self, place: &Place, after: Option<&str>) -> Result<Observed, StepError> {
        let candidates = organizations::candidates(&self.iam, &self.s3, &self.conventions).await?;
        let owners = stream::iter(candidates.after(after))
            .map(async |candidate| (candidate, candidate.owners(&self.s3, &self.conventions, place).await));
        let mut owners = std::pin::pin!(owners.buffered(READS_AT_ONCE));
        let (mut orgs, mut last, mut read) = (Vec::new(), None, 0);
        while let Some((candidate, owners)) = owners.next().await {
            if orgs.len() >= ORGANIZATIONS_PER_RUN || read >= READS_PER_RUN {
                let next = SweepPart::Organizations { after: last };
                let wait = PACE * u32::try_from(orgs.len()).unwrap_or_default();
                return Ok(Observed { orgs, next: Some(next), wait, capacity: Vec::new() });
            }
            // A bucket whose tags may not be read names nobody. Who has a user is looked at all the same, and its search for
            // the bucket says what is denied.
            orgs.extend(owners?.orgs);
            last = Some(candidate.key.to_owned());
            read += candidate.reads();
        }
        let next = SweepPart::Secrets { counted: 0, token: None };
        Ok(Observed { orgs, next: Some(next), wait: Duration::ZERO, capacity: Vec::new() })
    }

    /// What `reconcile` is asked. The environment is one of the account's class: which one an organization was ordered for
    /// stands on none of its resources.
    fn request(&self, run: &Run<'_, AccountSweep>, org_id: OrgId) -> Value {
        let mut detail = json!(OrgReconciliationRequested { org_id, environment: self.class.usual_environment() });
        if let Some(fields) = detail.as_object_mut() {
            fields.insert("correlationId".to_owned(), format!("sweep-{}", run.command.sweep).into());
        }
        detail
    }
}

impl Change for Sending {
    fn effect(&self) -> Effect {
        Effect::Updates
    }
}

impl fmt::Display for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organizations(orgs) => write!(f, "have {} organizations looked at", orgs.len()),
            Self::Next(_, wait) => write!(f, "go on in {} s", wait.as_secs()),
        }
    }
}
