//! What a user may do or be given beside what bucket policies grant, as messages name it.
//!
//! Each list is read by one call: a user's quotas for all of these are below a page's 100.

use aws::{AwsError, users};
use aws_sdk_iam::Client;
use contract::StepError;
use futures_util::future::join4;

/// An answer's items, none if there is no such user or no such thing.
macro_rules! listed {
    ($operation:literal, $user:expr, $request:expr, $answer:pat => $items:expr) => {
        match $request.user_name($user).send().await.map_err(|error| AwsError::of($operation, error)) {
            Ok($answer) => Ok::<Vec<String>, StepError>($items),
            Err(error) if error.code() == "NoSuchEntity" => Ok(Vec::new()),
            Err(error) => Err(error.explain_as_usual(users::resource($user))),
        }
    };
}

/// Everything of that kind that the user has; nothing if there is no such user.
///
/// # Errors
/// When IAM does not answer.
pub(crate) async fn of(iam: &Client, user: &str) -> Result<Vec<String>, StepError> {
    let (password, inline, attached, groups) = join4(
        async { listed!("GetLoginProfile", user, iam.get_login_profile(), _ => vec!["a console password".to_owned()]) },
        async {
            listed!("ListUserPolicies", user, iam.list_user_policies(), answer => {
                answer.policy_names.into_iter().map(|name| format!("the inline policy {name}")).collect()
            })
        },
        async {
            listed!("ListAttachedUserPolicies", user, iam.list_attached_user_policies(), answer => {
                let policies = answer.attached_policies.unwrap_or_default().into_iter();
                policies.filter_map(|policy| policy.policy_arn).map(|arn| format!("the policy {arn}")).collect()
            })
        },
        async {
            listed!("ListGroupsForUser", user, iam.list_groups_for_user(), answer => {
                answer.groups.into_iter().map(|group| format!("a place in the group {}", group.group_name)).collect()
            })
        },
    )
    .await;
    let lists = [password?, inline?, attached?, groups?];
    Ok(lists.into_iter().flatten().collect())
}
