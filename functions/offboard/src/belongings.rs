//! What a user has beside access keys that keeps IAM from deleting it (API reference, DeleteUser). A permissions boundary
//! does not.
//!
//! Each list is read by one call: a user's quotas for all of these are below a page's 100.

use std::fmt;

use aws::{AwsError, users};
use aws_sdk_iam::Client;
use contract::{ErrorCode, StepError};
use futures_util::future::{join, join4};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belonging {
    /// The password for the console.
    LoginProfile,
    /// An inline policy, by name.
    InlinePolicy(String),
    /// An attached policy, by ARN.
    AttachedPolicy(String),
    /// The membership in a group, by name.
    Group(String),
    /// An MFA device, by serial number. A virtual one stays in the account, assigned to nobody.
    MfaDevice(String),
    /// An X.509 signing certificate, by id.
    SigningCertificate(String),
    /// An SSH key, by id.
    SshKey(String),
    /// A service-specific credential, by id.
    ServiceCredential(String),
}

use Belonging::{
    AttachedPolicy, Group, InlinePolicy, LoginProfile, MfaDevice, ServiceCredential, SigningCertificate, SshKey,
};

/// An answer's items, none if there is no such user or no such thing.
macro_rules! listed {
    ($operation:literal, $user:expr, $request:expr, $answer:pat => $items:expr) => {
        match $request.user_name($user).send().await.map_err(|error| AwsError::of($operation, error)) {
            Ok($answer) => Ok::<Vec<Belonging>, StepError>($items),
            Err(error) if error.code() == "NoSuchEntity" => Ok(Vec::new()),
            Err(error) => Err(error.explain_as_usual(users::resource($user))),
        }
    };
}

/// Everything that the user has; nothing if there is no such user.
///
/// # Errors
/// When IAM does not answer.
pub(crate) async fn of(iam: &Client, user: &str) -> Result<Vec<Belonging>, StepError> {
    let (permissions, credentials) = join(permissions(iam, user), credentials(iam, user)).await;
    let mut all = permissions?;
    all.extend(credentials?);
    Ok(all)
}

async fn permissions(iam: &Client, user: &str) -> Result<Vec<Belonging>, StepError> {
    let all = join4(
        async { listed!("GetLoginProfile", user, iam.get_login_profile(), _ => vec![LoginProfile]) },
        async {
            listed!("ListUserPolicies", user, iam.list_user_policies(), answer => {
                answer.policy_names.into_iter().map(InlinePolicy).collect()
            })
        },
        async {
            listed!("ListAttachedUserPolicies", user, iam.list_attached_user_policies(), answer => {
                let policies = answer.attached_policies.unwrap_or_default().into_iter();
                policies.filter_map(|policy| policy.policy_arn).map(AttachedPolicy).collect()
            })
        },
        async {
            listed!("ListGroupsForUser", user, iam.list_groups_for_user(), answer => {
                answer.groups.into_iter().map(|group| Group(group.group_name)).collect()
            })
        },
    )
    .await;
    together([all.0, all.1, all.2, all.3])
}

async fn credentials(iam: &Client, user: &str) -> Result<Vec<Belonging>, StepError> {
    let all = join4(
        async {
            listed!("ListMFADevices", user, iam.list_mfa_devices(), answer => {
                answer.mfa_devices.into_iter().map(|device| MfaDevice(device.serial_number)).collect()
            })
        },
        async {
            listed!("ListSigningCertificates", user, iam.list_signing_certificates(), answer => {
                answer.certificates.into_iter().map(|one| SigningCertificate(one.certificate_id)).collect()
            })
        },
        async {
            listed!("ListSSHPublicKeys", user, iam.list_ssh_public_keys(), answer => {
                let keys = answer.ssh_public_keys.unwrap_or_default().into_iter();
                keys.map(|key| SshKey(key.ssh_public_key_id)).collect()
            })
        },
        async {
            listed!("ListServiceSpecificCredentials", user, iam.list_service_specific_credentials(), answer => {
                let credentials = answer.service_specific_credentials.unwrap_or_default().into_iter();
                credentials.map(|one| ServiceCredential(one.service_specific_credential_id)).collect()
            })
        },
    )
    .await;
    together([all.0, all.1, all.2, all.3])
}

fn together(lists: [Result<Vec<Belonging>, StepError>; 4]) -> Result<Vec<Belonging>, StepError> {
    lists.into_iter().collect::<Result<Vec<_>, _>>().map(|lists| lists.into_iter().flatten().collect())
}

/// What is gone already is as good as taken away.
macro_rules! gone {
    ($operation:literal, $user:expr, $request:expr) => {
        match $request.user_name($user).send().await.map_err(|error| AwsError::of($operation, error)) {
            Err(error) if error.code() != "NoSuchEntity" => Err(error.explain_as_usual(users::resource($user))),
            _ => Ok(()),
        }
    };
}

/// Takes one away.
///
/// # Errors
/// When IAM does not answer, or refuses.
pub(crate) async fn take_away(iam: &Client, user: &str, belonging: &Belonging) -> Result<(), StepError> {
    match belonging {
        LoginProfile => gone!("DeleteLoginProfile", user, iam.delete_login_profile()),
        InlinePolicy(name) => gone!("DeleteUserPolicy", user, iam.delete_user_policy().policy_name(name)),
        AttachedPolicy(arn) => gone!("DetachUserPolicy", user, iam.detach_user_policy().policy_arn(arn)),
        Group(name) => gone!("RemoveUserFromGroup", user, iam.remove_user_from_group().group_name(name)),
        MfaDevice(serial) => gone!("DeactivateMFADevice", user, iam.deactivate_mfa_device().serial_number(serial)),
        SigningCertificate(id) => {
            gone!("DeleteSigningCertificate", user, iam.delete_signing_certificate().certificate_id(id))
        }
        SshKey(id) => gone!("DeleteSSHPublicKey", user, iam.delete_ssh_public_key().ssh_public_key_id(id)),
        ServiceCredential(id) => gone!(
            "DeleteServiceSpecificCredential",
            user,
            iam.delete_service_specific_credential().service_specific_credential_id(id)
        ),
    }
}

/// Deletes the user, which has nothing left.
///
/// # Errors
/// `concurrent-update` when it was given something in the meantime: a key, by a run that looked too early.
pub(crate) async fn delete_user(iam: &Client, user: &str) -> Result<(), StepError> {
    match iam.delete_user().user_name(user).send().await.map_err(|error| AwsError::of("DeleteUser", error)) {
        Ok(_) => Ok(()),
        Err(error) if error.code() == "NoSuchEntity" => Ok(()),
        Err(error) => Err(error.explain(users::resource(user), |error| match error.code() {
            "DeleteConflict" => Some((
                ErrorCode::ConcurrentUpdate,
                format!("was given something in the meantime ({}); the step looks again later", error.message()),
            )),
            _ => None,
        })),
    }
}

impl fmt::Display for Belonging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoginProfile => f.write_str("delete the user's console password"),
            InlinePolicy(name) => write!(f, "delete the user's inline policy {name}"),
            AttachedPolicy(arn) => write!(f, "detach the policy {arn} from the user"),
            Group(name) => write!(f, "take the user out of the group {name}"),
            MfaDevice(serial) => write!(f, "deactivate the user's MFA device {serial}"),
            SigningCertificate(id) => write!(f, "delete the user's signing certificate {id}"),
            SshKey(id) => write!(f, "delete the user's SSH key {id}"),
            ServiceCredential(id) => write!(f, "delete the user's service-specific credential {id}"),
        }
    }
}
