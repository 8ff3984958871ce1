//! Reading parameters, with the limits of the API's model.

use super::validation;
use crate::caller::Caller;
use crate::reply::ApiError;
use crate::request::Form;
use crate::world::Call;

/// The longest policy document that is taken at all; the quotas for storing one are smaller.
const LONGEST_DOCUMENT: usize = 131_072;

pub(super) fn required<'f>(form: &'f Form, name: &str) -> Result<&'f str, ApiError> {
    form.get(name).ok_or_else(|| validation(format!("1 validation error detected: {name} must not be null")))
}

/// User names are 1 to 64 characters of letters, digits and `_+=,.@-`.
pub(super) fn user_name(form: &Form) -> Result<String, ApiError> {
    name(form, "UserName", 64)
}

/// The same where the parameter may be left out: then it is the user who signed the request.
pub(super) fn user_name_or_own(call: &Call<'_>, form: &Form) -> Result<String, ApiError> {
    match (form.get("UserName"), call.caller) {
        (None, Caller::User { name, .. }) => Ok(name.clone()),
        (None, Caller::Administrator { .. }) => {
            Err(ApiError::not_implemented("iam", "operation on the administrator: UserName must be given"))
        }
        _ => user_name(form),
    }
}

/// Group names are 1 to 128 characters, of the same kind.
pub(super) fn group_name(form: &Form) -> Result<String, ApiError> {
    name(form, "GroupName", 128)
}

/// Policy names are 1 to 128 characters, of the same kind.
pub(super) fn policy_name(form: &Form) -> Result<String, ApiError> {
    name(form, "PolicyName", 128)
}

fn name(form: &Form, parameter: &str, most: usize) -> Result<String, ApiError> {
    let name = required(form, parameter)?;
    let valid = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    match name.len() {
        1.. if name.len() <= most && name.chars().all(valid) => Ok(name.to_owned()),
        _ => {
            let mut letters = parameter.chars();
            let first = letters.next().map(|c| c.to_ascii_lowercase());
            let field: String = first.into_iter().chain(letters).collect();
            Err(validation(format!("The specified value for {field} is invalid: {name}")))
        }
    }
}

/// A path begins and ends with a slash; the default is a slash alone.
pub(super) fn path(form: &Form) -> Result<String, ApiError> {
    let path = form.get("Path").unwrap_or("/");
    let visible = path.chars().all(|c| ('!'..='\u{7f}').contains(&c));
    if !path.starts_with('/') || !path.ends_with('/') || path.len() > 512 || !visible {
        return Err(validation(format!("The specified value for path is invalid: {path}")));
    }
    Ok(path.to_owned())
}

/// The prefix of paths that a list is limited to; the default is all.
pub(super) fn path_prefix(form: &Form) -> Result<&str, ApiError> {
    let prefix = form.get("PathPrefix").unwrap_or("/");
    if prefix.starts_with('/') && prefix.len() <= 512 {
        return Ok(prefix);
    }
    Err(validation(format!("The specified value for pathPrefix is invalid: {prefix}")))
}

/// A policy document as it was sent; whether it is well-formed is checked where it is stored.
pub(super) fn policy_document(form: &Form) -> Result<String, ApiError> {
    let document = required(form, "PolicyDocument")?;
    match document.len() {
        1..=LONGEST_DOCUMENT => Ok(document.to_owned()),
        _ => Err(validation("1 validation error detected: policyDocument has a wrong length".to_owned())),
    }
}

pub(super) fn flag(form: &Form, name: &str) -> Result<bool, ApiError> {
    match form.get(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(validation(format!("{name} must be true or false, not {other}"))),
    }
}

/// A list of texts: `TagKeys.member.1`, `TagKeys.member.2`, ...
pub(super) fn texts(form: &Form, list: &str) -> Vec<String> {
    (1_usize..).map_while(|n| form.get(&format!("{list}.member.{n}"))).map(str::to_owned).collect()
}
