//! Login profiles: a user's password for the console.

use super::input::{flag, required, user_name};
use super::{LoginProfile, already_exists, done, not_found, reply};
use crate::reply::{ApiError, Reply};
use crate::request::Form;
use crate::world::Call;
use crate::xml::Xml;

pub(super) fn create(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let (name, created) = (user_name(form)?, call.now);
    let reset_required = flag(form, "PasswordResetRequired")?;
    let password = required(form, "Password")?;
    let user = call.account().iam.user(&name)?;
    if user.login_profile.is_some() {
        return Err(already_exists(format!("Login Profile for user {name} already exists.")));
    }
    check_password(password)?;
    let profile = user.login_profile.insert(LoginProfile { created, reset_required });
    reply("CreateLoginProfile", |xml| write(xml, &user.name, profile))
}

pub(super) fn get(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = user_name(form)?;
    let user = call.account().iam.user(&name)?;
    let profile = user.login_profile.as_ref().ok_or_else(|| no_profile(&name))?;
    reply("GetLoginProfile", |xml| write(xml, &user.name, profile))
}

pub(super) fn delete(call: &mut Call<'_>, form: &Form) -> Result<Reply, ApiError> {
    let name = user_name(form)?;
    call.account().iam.user(&name)?.login_profile.take().ok_or_else(|| no_profile(&name))?;
    done("DeleteLoginProfile")
}

/// What holds where an account has no password policy of its own (IAM user guide, "Default password policy").
fn check_password(password: &str) -> Result<(), ApiError> {
    let violation = |message| Err(ApiError::new(400, "PasswordPolicyViolation", message));
    if !(8..=128).contains(&password.chars().count()) {
        return violation("Password should have a minimum length of 8 and a maximum length of 128.");
    }
    let kinds: [fn(char) -> bool; 4] =
        [|c| c.is_ascii_uppercase(), |c| c.is_ascii_lowercase(), |c| c.is_ascii_digit(), |c| !c.is_alphanumeric()];
    match kinds.iter().filter(|kind| password.chars().any(*kind)).count() {
        3.. => Ok(()),
        _ => violation("Password should have at least three of uppercase, lowercase, numbers and symbols."),
    }
}

fn write(xml: &mut Xml, user_name: &str, profile: &LoginProfile) {
    xml.element("LoginProfile", |xml| {
        xml.text("UserName", user_name);
        xml.text("CreateDate", profile.created.iso8601());
        xml.text("PasswordResetRequired", profile.reset_required.to_string());
    });
}

fn no_profile(user_name: &str) -> ApiError {
    not_found(format!("Login Profile for User {user_name} cannot be found."))
}
