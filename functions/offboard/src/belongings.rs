//! Taking away what a user has beside access keys, and then the user.

use aws::belongings::Belonging;
use aws::belongings::Belonging::{
    AttachedPolicy, Group, InlinePolicy, LoginProfile, MfaDevice, ServiceCredential, SigningCertificate, SshKey,
};
use aws::{AwsError, users};
use aws_sdk_iam::Client;
use contract::{ErrorCode, StepError};

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
