//! Who may do what with a secret ("Actions defined by AWS Secrets Manager" in the service authorization
//! reference). Secrets have no resource policies here, so another account's cannot be used.

use serde_json::Value;

use super::{Secret, errors};
use crate::iam::{Ask, Refusal, check_own, request_context};
use crate::policy::Context;
use crate::reply::ApiError;
use crate::world::{Call, PARTITION};

/// What policies see in place of the six random characters of a secret that is not there.
const UNKNOWN_SUFFIX: &str = "??????";

/// Condition keys that have the name and the value of a parameter.
const PARAMETERS: [&str; 6] =
    ["Name", "Description", "VersionId", "VersionStage", "RecoveryWindowInDays", "ForceDeleteWithoutRecovery"];

/// Whether the caller may do `operation` to the secret that `id` means, there or not.
pub(super) fn check(call: &Call<'_>, body: &Value, operation: &str, id: &str) -> Result<(), ApiError> {
    let owner = if id.starts_with("arn:") { id.split(':').nth(4) } else { None };
    let denied = |operation: &str, refusal: Refusal| {
        let why = refusal.why(&format!("secretsmanager:{operation}"));
        Err(errors::access_denied(&call.caller.arn(), operation, id, &why))
    };
    if owner.is_some_and(|owner| Some(owner) != call.caller.account()) {
        return denied(operation, Refusal::NotAllowedByResource);
    }
    let secret = secret(call, id);
    let resource = secret.map_or_else(|| arn_of_unknown(call, id), |secret| secret.arn.clone());
    let context = context(call, body, secret, &resource);
    // Tags at creation take the permission to tag as well.
    let tagging = operation == "CreateSecret" && tags(body).next().is_some();
    for operation in [operation].into_iter().chain(tagging.then_some("TagResource")) {
        let action = format!("secretsmanager:{operation}");
        let ask = Ask { caller: call.caller, action: &action, resource: &resource, context: &context };
        check_own(call.world, &ask).or_else(|refusal| denied(operation, refusal))?;
    }
    Ok(())
}

fn secret<'c>(call: &'c Call<'_>, id: &str) -> Option<&'c Secret> {
    let account = call.world.accounts.get(call.caller.account()?)?;
    account.regions.get(call.region)?.secrets.meant_by(id)
}

/// An operation that names no secret is about all of them.
fn arn_of_unknown(call: &Call<'_>, id: &str) -> String {
    match id {
        "" => "*".to_owned(),
        arn if arn.starts_with("arn:") => arn.to_owned(),
        name => {
            let (region, account) = (call.region, call.account_id());
            format!("arn:{PARTITION}:secretsmanager:{region}:{account}:secret:{name}-{UNKNOWN_SUFFIX}")
        }
    }
}

fn context(call: &Call<'_>, body: &Value, secret: Option<&Secret>, resource: &str) -> Context {
    let mut context = request_context(call).with("aws:ResourceAccount", call.account_id());
    for name in PARAMETERS {
        match body.get(name) {
            Some(Value::String(text)) => context.insert(&format!("secretsmanager:{name}"), text),
            Some(Value::Null) | None => {}
            Some(other) => context.insert(&format!("secretsmanager:{name}"), other.to_string()),
        }
    }
    if resource != "*" {
        context.insert("secretsmanager:SecretId", resource);
    }
    for (key, value) in secret.and_then(|secret| secret.tags.as_ref()).into_iter().flatten() {
        context.insert(&format!("aws:ResourceTag/{key}"), value);
        context.insert(&format!("secretsmanager:ResourceTag/{key}"), value);
    }
    for (key, value) in tags(body) {
        context.insert(&format!("aws:RequestTag/{key}"), value);
        context.insert("aws:TagKeys", key);
    }
    for key in list(body, "TagKeys").filter_map(Value::as_str) {
        context.insert("aws:TagKeys", key);
    }
    context
}

fn tags(body: &Value) -> impl Iterator<Item = (&str, &str)> {
    list(body, "Tags").filter_map(|tag| Some((tag.get("Key")?.as_str()?, tag.get("Value")?.as_str()?)))
}

fn list<'b>(body: &'b Value, name: &str) -> impl Iterator<Item = &'b Value> {
    body.get(name).and_then(Value::as_array).into_iter().flatten()
}
