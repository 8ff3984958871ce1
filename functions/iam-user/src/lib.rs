//! The organization's IAM user: programmatic only, without permissions of its own, tagged with its owner.
//!
//! What the user may do is granted by the bucket's policy, so that a client's key opens that client's bucket
//! and nothing else.
//!
//! The user of an offboarded organization is gone, and what says so is the bucket that was kept. So this step looks at
//! the bucket's tags too, and makes no user where they say that the organization is not active.

use std::fmt;
use std::time::Duration;

use aws::buckets::{self, Seeker, StateSeen};
use aws::users::{self, User};
use aws::{
    AwsError, CREATED_BY_TAG, ORG_STATE_ACTIVE, ORG_STATE_OFFBOARDED, ORG_STATE_TAG, STATE_SETTLES, created_by,
    require_active, require_new_return, require_settled,
};
use aws_sdk_iam::Client;
use aws_sdk_iam::types::Tag;
use contract::{Change, Command, Effect, ErrorCode, OrgCreated, Report, Run, Step, StepError, StepSpec};
use futures_util::future::join;
use handler::{StepContext, StepFunction};
use org::Conventions;

/// The step.
pub struct IamUser {
    iam: Client,
    s3: aws_sdk_s3::Client,
    conventions: Conventions,
    settled: Duration,
}

/// The user, and what the organization's buckets say of its state.
pub struct Observed {
    user: Option<User>,
    states: Vec<StateSeen>,
}

/// What there is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Make the user, with its tags.
    Create,
    /// Say that the organization is active again, on a user that offboarding kept.
    Reactivate,
}

impl StepFunction for IamUser {
    fn new(context: &StepContext<'_>) -> Self {
        Self {
            iam: context.clients.iam(1),
            s3: context.clients.s3(2),
            conventions: context.settings.deployment.conventions.clone(),
            settled: context.settings.key_grace + STATE_SETTLES,
        }
    }
}

impl Step for IamUser {
    const SPEC: StepSpec =
        StepSpec { name: "iam-user", triggers: &[OrgCreated::DETAIL_TYPE], completion: "IamUserProvisioned" };
    type Command = OrgCreated;
    type Observed = Observed;
    type Change = UserChange;

    async fn observe(&self, run: &Run<'_, OrgCreated>) -> Result<Observed, StepError> {
        let name = self.conventions.user_name(&run.command.org_id);
        let seeker = Seeker::new(&self.s3, &self.conventions, run);
        let (user, states) = join(users::find(&self.iam, &name), buckets::states(seeker)).await;
        Ok(Observed { user: user?, states: states? })
    }

    fn plan(&self, run: &Run<'_, OrgCreated>, observed: &Observed) -> Result<Vec<UserChange>, StepError> {
        plan(observed, &self.conventions, run.command, self.settled, &run.request_tag())
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgCreated>,
        observed: Observed,
        changes: Vec<UserChange>,
    ) -> Result<Report, StepError> {
        let name = self.conventions.user_name(&run.command.org_id);
        let mut arn = observed.user.map(|user| user.arn).unwrap_or_default();
        for change in changes {
            match change {
                UserChange::Create => arn = self.create(&name, run).await?,
                UserChange::Reactivate => self.reactivate(&name).await?,
            }
        }
        Ok(Report::of("AWS::IAM::User", arn))
    }
}

fn plan(
    observed: &Observed,
    conventions: &Conventions,
    command: &OrgCreated,
    settled: Duration,
    request: &str,
) -> Result<Vec<UserChange>, StepError> {
    if let Some(user) = &observed.user {
        user.require_owner(conventions, &command.org_id)?;
    }
    for StateSeen { name, state, back_by, age } in &observed.states {
        let resource = buckets::resource(name);
        match state.as_deref() {
            Some(ORG_STATE_OFFBOARDED) if command.reonboard => {
                require_new_return(&resource, back_by.as_deref(), request)?;
                require_settled(&resource, *age, settled)?;
            }
            state => require_active(&resource, state)?,
        }
    }
    match &observed.user {
        None => Ok(vec![UserChange::Create]),
        Some(user) if command.reonboard && user.tag(ORG_STATE_TAG) == Some(ORG_STATE_OFFBOARDED) => {
            require_settled(&users::resource(&user.name), user.age_of_state, settled)?;
            Ok(vec![UserChange::Reactivate])
        }
        Some(user) => user.require_ours(conventions, &command.org_id).map(|()| Vec::new()),
    }
}

impl IamUser {
    async fn reactivate(&self, name: &str) -> Result<(), StepError> {
        let request = self.iam.tag_user().user_name(name).tags(tag(ORG_STATE_TAG, ORG_STATE_ACTIVE)?);
        let tagged = request.send().await.map_err(|error| AwsError::of("TagUser", error));
        tagged.map(drop).map_err(|error| error.explain_as_usual(users::resource(name)))
    }

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
            Self::Reactivate => Effect::Updates,
        }
    }
}

impl fmt::Display for UserChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create the user"),
            Self::Reactivate => f.write_str("say on the user that the organization is active again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use org::{Environment, OrgId};

    use super::*;

    const SETTLED: Duration = Duration::from_secs(180);

    fn decide(user: Option<&str>, bucket: Option<&str>, reonboard: bool) -> Result<Vec<UserChange>, ErrorCode> {
        let conventions = Conventions::default();
        let org_id = OrgId::parse("abc").unwrap();
        let name = conventions.bucket_name(&org_id);
        let tags = |state: &str| vec![("OrgId".into(), "abc".into()), (ORG_STATE_TAG.into(), state.into())];
        let user = user.map(|state| User {
            name: "rms_abc".into(),
            arn: String::new(),
            age: SETTLED,
            tags: tags(state),
            age_of_state: Some(SETTLED),
        });
        let states =
            bucket.map(|state| StateSeen { name, state: Some(state.into()), back_by: None, age: Some(SETTLED) });
        let observed = Observed { user, states: states.into_iter().collect() };
        let command = OrgCreated { org_id, environment: Environment::Qa, bucket_name: None, reonboard };
        plan(&observed, &conventions, &command, SETTLED, "r").map_err(|error| error.code())
    }

    #[test]
    fn no_user_is_made_for_an_organization_whose_bucket_says_that_it_is_gone() {
        assert_eq!(decide(None, None, false), Ok(vec![UserChange::Create]));
        assert_eq!(decide(None, Some("active"), false), Ok(vec![UserChange::Create]));
        assert_eq!(decide(Some("active"), Some("active"), true), Ok(vec![]));
        for state in ["offboarded", "suspended", "resuming", "frozen"] {
            assert_eq!(decide(None, Some(state), false), Err(ErrorCode::OrgNotActive));
            assert_eq!(decide(Some("active"), Some(state), false), Err(ErrorCode::OrgNotActive));
            assert_eq!(decide(Some(state), None, false), Err(ErrorCode::OrgNotActive));
        }
    }

    #[test]
    fn only_what_was_offboarded_comes_back_and_only_when_asked() {
        assert_eq!(decide(None, Some("offboarded"), true), Ok(vec![UserChange::Create]));
        assert_eq!(decide(Some("offboarded"), Some("offboarded"), true), Ok(vec![UserChange::Reactivate]));
        assert_eq!(decide(Some("offboarded"), None, true), Ok(vec![UserChange::Reactivate]));
        for state in ["suspended", "resuming", "frozen"] {
            assert_eq!(decide(None, Some(state), true), Err(ErrorCode::OrgNotActive));
            assert_eq!(decide(Some(state), None, true), Err(ErrorCode::OrgNotActive));
        }
    }
}
