//! Finding an IAM user and its access keys.

use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::StatusType;
use aws_smithy_types::DateTime;
use contract::{ErrorCode, OrgCreated, StepError};
use org::{Conventions, OrgId, Place};

use crate::error::AwsError;
use crate::ownership::{
    CREATED_BY_TAG, ORG_STATE_ACTIVE, ORG_STATE_SINCE_TAG, ORG_STATE_TAG, created_by, require_active,
    require_active_for, require_ours, since_of,
};
use crate::server_date::ServerDate;

/// Pages of access keys to read at most. A user has two keys; parallel creations were seen to leave eight.
const MOST_PAGES: usize = 10;

/// A user as GetUser shows it.
#[derive(Clone, Debug)]
pub struct User {
    /// The name.
    pub name: String,
    /// The ARN, which includes the path.
    pub arn: String,
    /// How long ago it was made, by IAM's clock.
    pub age: Duration,
    /// The tags, key and value.
    pub tags: Vec<(String, String)>,
    /// For how long it has been in the state that its tag `OrgState` names, by IAM's clock, if its tags say since when.
    pub age_of_state: Option<Duration>,
}

/// An access key as ListAccessKeys shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessKey {
    /// `AKIA...`.
    pub id: String,
    /// Whether it may be used; a key can also be expired.
    pub active: bool,
    /// When it was made.
    pub created: DateTime,
}

/// The resource's name in messages.
pub fn resource(name: &str) -> String {
    format!("user {name}")
}

/// The user of that name, if there is one.
///
/// # Errors
/// When IAM does not answer.
pub async fn find(iam: &Client, name: &str) -> Result<Option<User>, StepError> {
    let date = ServerDate::default();
    let request = iam.get_user().user_name(name).customize().interceptor(date.clone());
    let user = match request.send().await.map_err(|error| AwsError::of("GetUser", error)) {
        Ok(answer) => answer.user,
        Err(error) if error.code() == "NoSuchEntity" => None,
        Err(error) => return Err(error.explain_as_usual(resource(name))),
    };
    Ok(user.map(|user| {
        let mut user = User {
            tags: user.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
            age: date.age_of(&user.create_date),
            age_of_state: None,
            name: user.user_name,
            arn: user.arn,
        };
        let since = user.tag(ORG_STATE_TAG).zip(user.tag(ORG_STATE_SINCE_TAG));
        user.age_of_state = since.and_then(|(state, tag)| since_of(state, tag)).map(|since| date.age_of(&since));
        user
    }))
}

/// The user's access keys; none if there is no such user.
///
/// # Errors
/// When IAM does not answer.
pub async fn access_keys(iam: &Client, name: &str, date: &ServerDate) -> Result<Vec<AccessKey>, StepError> {
    let (mut keys, mut marker) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let request = iam.list_access_keys().user_name(name).set_marker(marker);
        let page = match request
            .customize()
            .interceptor(date.clone())
            .send()
            .await
            .map_err(|error| AwsError::of("ListAccessKeys", error))
        {
            Ok(page) => page,
            Err(error) if error.code() == "NoSuchEntity" => return Ok(Vec::new()),
            Err(error) => return Err(error.explain_as_usual(resource(name))),
        };
        for key in page.access_key_metadata {
            let (Some(id), Some(created)) = (key.access_key_id, key.create_date) else { continue };
            keys.push(AccessKey { id, active: key.status == Some(StatusType::Active), created });
        }
        if !page.is_truncated {
            return Ok(keys);
        }
        marker = page.marker;
    }
    let message = "has more access keys than can be read; delete the ones that are not needed";
    Err(StepError::new(ErrorCode::UnmanagedKey, resource(name), message))
}

impl User {
    /// Whether the user is this organization's and the organization is active.
    ///
    /// # Errors
    /// `not-ours` or `org-not-active`.
    pub fn require_ours(&self, conventions: &Conventions, org: &OrgId) -> Result<(), StepError> {
        self.require_owner(conventions, org)?;
        require_active(&resource(&self.name), self.tag(ORG_STATE_TAG))
    }

    /// Whether the user is this organization's, active or not.
    ///
    /// # Errors
    /// `not-ours`.
    pub fn require_owner(&self, conventions: &Conventions, org: &OrgId) -> Result<(), StepError> {
        let key = conventions.tag_key();
        require_ours(&resource(&self.name), key, self.tag(key), Some(self.age), org)
    }

    /// The value of a tag. IAM ignores the case of tag keys, so `OrgID` is `OrgId`.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str())
    }

    /// Whether the provisioner made this user, in this region, rather than a person or an older process.
    pub fn created_here(&self, place: &Place) -> bool {
        self.tag(CREATED_BY_TAG) == Some(&created_by(place))
    }
}

/// The user, once it is there and if it is this organization's: what other steps wait for.
///
/// # Errors
/// `waiting` while there is no user, and what [`User::require_ours`] answers.
pub fn require<'u>(
    user: Option<&'u User>,
    name: &str,
    conventions: &Conventions,
    org: &OrgId,
) -> Result<&'u User, StepError> {
    let user = user.ok_or_else(|| {
        StepError::new(ErrorCode::Waiting, resource(name), "is not there yet; the step is tried again later")
    })?;
    user.require_ours(conventions, org)?;
    Ok(user)
}

/// The same for a request that may ask an offboarded organization to come back.
///
/// # Errors
/// As [`require`], and `waiting` while the user still says that the organization is offboarded.
pub fn require_for<'u>(
    user: Option<&'u User>,
    conventions: &Conventions,
    command: &OrgCreated,
) -> Result<&'u User, StepError> {
    let name = conventions.user_name(&command.org_id);
    if let Some(user) = user {
        user.require_owner(conventions, &command.org_id)?;
        require_active_for(&resource(&name), user.tag(ORG_STATE_TAG), command.reonboard)?;
    }
    require(user, &name, conventions, &command.org_id)
}

/// Whether the organization was suspended or offboarded since a delayed check was asked for. What is left of it then is for
/// the steps of the lifecycle to clear up, which look again themselves.
pub fn is_gone(user: Option<&User>) -> bool {
    user.is_none_or(|user| user.tag(ORG_STATE_TAG).is_some_and(|state| state != ORG_STATE_ACTIVE))
}
