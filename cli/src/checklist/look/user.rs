//! What a user has beside its tags and its stored key.

use aws::users::{self, AccessKey};
use aws::{AwsError, ServerDate};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::future::{join4, join5};

use super::Looker;
use crate::checklist::observed::{KeyHistory, Seen, UserExtras};

impl Looker {
    /// Everything that a user of ours must not have. A user who does not exist has nothing.
    ///
    /// One page of each list: what is on a second page changes no line.
    pub(super) async fn user_extras(&self, name: &str) -> UserExtras {
        let iam = &self.iam;
        let (console, inline_policies, attached_policies, groups, other_credentials) = join5(
            iam.get_login_profile().user_name(name).send(),
            iam.list_user_policies().user_name(name).send(),
            iam.list_attached_user_policies().user_name(name).send(),
            iam.list_groups_for_user().user_name(name).send(),
            self.other_credentials(name),
        )
        .await;
        UserExtras {
            console: if_there("GetLoginProfile", name, console.map(|_| true)),
            inline_policies: if_there("ListUserPolicies", name, inline_policies.map(|answer| answer.policy_names)),
            attached_policies: if_there(
                "ListAttachedUserPolicies",
                name,
                attached_policies.map(|answer| {
                    let attached = answer.attached_policies.into_iter().flatten();
                    attached.filter_map(|policy| policy.policy_arn).collect()
                }),
            ),
            groups: if_there(
                "ListGroupsForUser",
                name,
                groups.map(|answer| answer.groups.into_iter().map(|group| group.group_name).collect()),
            ),
            other_credentials,
        }
    }

    async fn other_credentials(&self, name: &str) -> Seen<Vec<String>> {
        let iam = &self.iam;
        let (devices, ssh_keys, passwords, certificates) = join4(
            iam.list_mfa_devices().user_name(name).send(),
            iam.list_ssh_public_keys().user_name(name).send(),
            iam.list_service_specific_credentials().user_name(name).send(),
            iam.list_signing_certificates().user_name(name).send(),
        )
        .await;
        let devices = devices.map(|answer| {
            answer.mfa_devices.iter().map(|device| format!("MFA device {}", device.serial_number)).collect::<Vec<_>>()
        });
        let ssh_keys = ssh_keys.map(|answer| {
            let keys = answer.ssh_public_keys.unwrap_or_default();
            keys.iter().map(|key| format!("SSH key {}", key.ssh_public_key_id)).collect::<Vec<_>>()
        });
        let passwords = passwords.map(|answer| {
            let passwords = answer.service_specific_credentials.unwrap_or_default();
            passwords.iter().map(|password| format!("password for {}", password.service_name)).collect::<Vec<_>>()
        });
        let certificates = certificates.map(|answer| {
            answer
                .certificates
                .iter()
                .map(|one| format!("signing certificate {}", one.certificate_id))
                .collect::<Vec<_>>()
        });
        let mut all: Vec<String> = if_there("ListMFADevices", name, devices)?;
        all.extend(if_there("ListSSHPublicKeys", name, ssh_keys)?);
        all.extend(if_there("ListServiceSpecificCredentials", name, passwords)?);
        all.extend(if_there("ListSigningCertificates", name, certificates)?);
        Ok(all)
    }

    /// When a key was made and last used.
    pub(super) async fn key_history(&self, key: &AccessKey, date: &ServerDate) -> Seen<KeyHistory> {
        let answer = self.iam.get_access_key_last_used().access_key_id(&key.id).send().await;
        let answer = answer.map_err(|error| {
            AwsError::of("GetAccessKeyLastUsed", error).explain_as_usual("the user's access key".to_owned())
        })?;
        let used = answer.access_key_last_used.and_then(|used| {
            let when = used.last_used_date?.fmt(Format::DateTime).ok()?;
            Some(format!("{when}, {} in {}", used.service_name, used.region))
        });
        Ok(KeyHistory { age: date.age_of(&key.created), last_used: used })
    }
}

/// The answer; nothing, if there is nobody to ask about.
fn if_there<T: Default, E>(operation: &'static str, name: &str, answer: Result<T, SdkError<E, HttpResponse>>) -> Seen<T>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer.map_err(|error| AwsError::of(operation, error)) {
        Ok(found) => Ok(found),
        Err(error) if error.code() == "NoSuchEntity" => Ok(T::default()),
        Err(error) => Err(error.explain_as_usual(users::resource(name)).into()),
    }
}
