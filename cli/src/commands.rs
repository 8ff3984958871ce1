//! The commands that organizations can be given: their detail types, and reading any of them.

use contract::{Command, OrgAdoptionRequested, OrgCreated, OrgDeleted, OrgResumed, OrgSubject, OrgSuspended, Request};
use local_system::registry;
use org::OrgId;
use serde_json::Value;

use crate::submit::check::Rules;

/// Their detail types; the usual one first.
pub const COMMANDS: [&str; 5] = [
    OrgCreated::DETAIL_TYPE,
    OrgSuspended::DETAIL_TYPE,
    OrgResumed::DETAIL_TYPE,
    OrgDeleted::DETAIL_TYPE,
    OrgAdoptionRequested::DETAIL_TYPE,
];

/// What of a command everybody needs.
pub(crate) struct Read {
    pub(crate) org: OrgId,
    pub(crate) request_id: String,
    pub(crate) correlation_id: Option<String>,
}

/// The detail type as the command line gives it.
pub(crate) fn parse(text: &str) -> Result<&'static str, String> {
    let known = COMMANDS.into_iter().find(|known| *known == text);
    known.ok_or_else(|| format!("must be one of {}", COMMANDS.join(", ")))
}

/// Reads a detail as the command of this type and holds it against the deployment.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn read(detail_type: &str, detail: Value, rules: &Rules<'_>) -> Result<Read, String> {
    match parse(detail_type)? {
        OrgSuspended::DETAIL_TYPE => read_as::<OrgSuspended>(detail, rules),
        OrgResumed::DETAIL_TYPE => read_as::<OrgResumed>(detail, rules),
        OrgDeleted::DETAIL_TYPE => read_as::<OrgDeleted>(detail, rules),
        OrgAdoptionRequested::DETAIL_TYPE => read_as::<OrgAdoptionRequested>(detail, rules),
        _ => read_as::<OrgCreated>(detail, rules),
    }
}

fn read_as<C: Command<Subject = OrgSubject>>(detail: Value, rules: &Rules<'_>) -> Result<Read, String> {
    let request = Request::<C>::read(detail).map_err(|error| error.message().to_owned())?;
    request.command.admit(rules.deployment, rules.place).map_err(|error| error.to_string())?;
    let org = OrgId::parse(&request.command.subject().org_id).map_err(|error| error.to_string())?;
    Ok(Read { org, request_id: request.request_id, correlation_id: request.correlation_id })
}

/// The command that an event carries: its own, or the one that the step it tells of works on. A plain detail is the usual
/// one's.
pub(crate) fn command_of(event: &Value) -> Option<&'static str> {
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let detail = event.get("detail").unwrap_or(event);
    if let Some(own) = text(event, "detail-type").and_then(|kind| parse(&kind).ok()) {
        return Some(own);
    }
    match text(detail, "step") {
        Some(step) => registry::all().find(|known| known.spec.name == step).map(|known| known.command),
        None => Some(OrgCreated::DETAIL_TYPE),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_command_of_a_step_can_be_sent() {
        let known: BTreeSet<&str> = registry::all().map(|step| step.command).collect();
        assert_eq!(known, BTreeSet::from(COMMANDS));
    }

    #[test]
    fn a_failure_is_sent_again_as_the_command_that_failed() {
        let event = |kind: &str, detail: Value| json!({ "source": "s", "detail-type": kind, "detail": detail });
        let told = |step: &str| json!({ "step": step, "request": { "orgId": "abc" } });
        for (value, command) in [
            (json!({ "orgId": "abc" }), Some("OrgCreated")),
            (event("OrgDeleted", json!({ "orgId": "abc" })), Some("OrgDeleted")),
            (event("OrgProvisioningFailed", told("suspend")), Some("OrgSuspended")),
            (event("OrgProvisioningFailed", told("verify")), Some("OrgCreated")),
            (event("OrgProvisioningFailed", told("unheard-of")), None),
            (told("offboard"), Some("OrgDeleted")),
        ] {
            assert_eq!(command_of(&value), command, "{value}");
        }
    }
}
