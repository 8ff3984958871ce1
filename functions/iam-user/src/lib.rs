//! The organization's IAM user: programmatic only, without permissions of its own, tagged with its owner.
//!
//! What the user may do is granted by the bucket's policy, so that a client's key opens that client's bucket
//! and nothing else.

use std::fmt;

use aws::users::{self, User};
use aws::{AwsError, CREATED_BY_TAG, ORG_STATE_ACTIVE, ORG_STATE_TAG, created_by};
use aws_sdk_iam::Client;
use aws_sdk_iam::types::Tag;
use contract::{Change, Command, Effect, ErrorCode, OrgCreated, Report, Run, Step, StepError, StepSpec};
use handler::{StepContext, StepFunction};
use org::Conventions;

/// The step.
pub struct IamUser {
    iam: Client,
    conventions: Conventions,
}

/// What there is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Make the user, with its tags.
    Create,
}

impl StepFunction for IamUser {
    fn new(context: &StepContext<'_>) -> Self {
        Self { iam: context.clients.iam(1), conventions: context.settings.deployment.conventions.clone() }
    }
}

impl Step for IamUser {
    const SPEC: StepSpec =
        StepSpec { name: "iam-user", triggers: &[OrgCreated::DETAIL_TYPE], completion: "IamUserProvisioned" };
    type Command = OrgCreated;
    type Observed = Option<User>;
    type Change = UserChange;

    async fn observe(&self, run: &Run<'_, OrgCreated>) -> Result<Option<User>, StepError> {
        users::find(&self.iam, &self.conventions.user_name(&run.command.org_id)).await
    }

    fn plan(&self, run: &Run<'_, OrgCreated>, observed: &Option<User>) -> Result<Vec<UserChange>, StepError> {
        plan(observed.as_ref(), &self.conventions, run.command)
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgCreated>,
        observed: Option<User>,
        changes: Vec<UserChange>,
    ) -> Result<Report, StepError> {
        let name = self.conventions.user_name(&run.command.org_id);
        let mut arn = observed.map(|user| user.arn).unwrap_or_default();
        for change in changes {
            match change {
                UserChange::Create => arn = self.create(&name, run).await?,
            }
        }
        Ok(Report::of("AWS::IAM::User", arn))
    }
}

fn plan(user: Option<&User>, conventions: &Conventions, command: &OrgCreated) -> Result<Vec<UserChange>, StepError> {
    let Some(user) = user else { return Ok(vec![UserChange::Create]) };
    user.require_ours(conventions, &command.org_id)?;
    Ok(Vec::new())
}

impl IamUser {
    async fn create(&self, name: &str, run: &Run<'_, OrgCreated>) -> Result<String, StepError> {
        let resource = users::resource(name);
        let tags = [
            tag(self.conventions.tag_key(), run.command.org_id.as_str())?,
            tag(ORG_STATE_TAG, ORG_STATE_ACTIVE)?,
            tag(CREATED_BY_TAG, &created_by(run.place))?,
        ];
        let request = self.iam.create_user().user_name(name).set_tags(Some(tags.to_vec()));
        let answer = request.send().await.map_err(|error| {
            AwsError::of("CreateUser", error).explain(&resource, |error| match error.code() {
                "EntityAlreadyExists" => Some((
                    ErrorCode::ConcurrentUpdate,
                    "was made by another run at the same moment, or exists under a name that differs in case; the step is tried again later".to_owned(),
                )),
                "LimitExceeded" => Some((
                    ErrorCode::QuotaExceeded,
                    "cannot be made: the account's quota of IAM users is used up; remove users or provision in another account".to_owned(),
                )),
                _ => None,
            })
        })?;
        let arn = answer.user.map(|user| user.arn);
        arn.ok_or_else(|| StepError::new(ErrorCode::Unexpected, resource, "CreateUser answered without a user"))
    }
}

fn tag(key: &str, value: &str) -> Result<Tag, StepError> {
    let tag = Tag::builder().key(key).value(value).build();
    tag.map_err(|error| StepError::new(ErrorCode::Unexpected, "tag", error.to_string()))
}

impl Change for UserChange {
    fn effect(&self) -> Effect {
        match self {
            Self::Create => Effect::Creates,
        }
    }
}

impl fmt::Display for UserChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create the user"),
        }
    }
}
