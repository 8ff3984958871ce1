//! What a user has beside access keys. An organization's user has none of it, and each keeps IAM from deleting the user
//! (API reference, DeleteUser). A permissions boundary does not.
//!
//! Each list is read by one call: a user's quotas for all of these are below a page's 100.

use std::fmt;

use aws_sdk_iam::Client;
use contract::StepError;
use futures_util::future::{join, join4};

use crate::error::AwsError;
use crate::users;

/// How many calls [`of`] makes at one time.
pub const CALLS: usize = 8;

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
pub async fn of(iam: &Client, user: &str) -> Result<Vec<Belonging>, StepError> {
    let (permissions, credentials) = join(permissions(iam, user), credentials(iam, user)).await;
    let mut all = permissions?;
    all.extend(credentials?);
    Ok(all)
}

/// What of it lets the user do something: its password for the console, its policies, its groups.
///
/// # Errors
/// When IAM does not answer.
pub async fn permissions(iam: &Client, user: &str) -> Result<Vec<Belonging>, StepError> {
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

impl Belonging {
    /// With its article: `an inline policy own`.
    pub fn with_article(&self) -> String {
        let article = match self {
            LoginProfile | Group(_) | SigningCertificate(_) | ServiceCredential(_) => "a",
            InlinePolicy(_) | AttachedPolicy(_) | MfaDevice(_) | SshKey(_) => "an",
        };
        format!("{article} {self}")
    }
}

impl fmt::Display for Belonging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoginProfile => f.write_str("password for the console"),
            InlinePolicy(name) => write!(f, "inline policy {name}"),
            AttachedPolicy(arn) => write!(f, "attached policy {arn}"),
            Group(name) => write!(f, "membership in the group {name}"),
            MfaDevice(serial) => write!(f, "MFA device {serial}"),
            SigningCertificate(id) => write!(f, "signing certificate {id}"),
            SshKey(id) => write!(f, "SSH key {id}"),
            ServiceCredential(id) => write!(f, "service-specific credential {id}"),
        }
    }
}
