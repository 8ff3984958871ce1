//! From what was delivered to the command in it: an event's envelope, a bare detail, or a completion event
//! that carries the original request along.

use contract::{Command, ErrorCode, OrgCreated, Request, SOURCE, StepError};
use serde_json::Value;

use crate::settings::Settings;
use crate::trigger::is_event;

/// Why a delivery was refused before any step began, and whom it concerns, if that could be read.
pub(crate) struct Refused<C: Command> {
    pub(crate) error: StepError,
    pub(crate) subject: Option<C::Subject>,
    pub(crate) detail: Value,
}

/// The command's detail in an event, in a completion or failure event's detail, or as it is: what a step would read,
/// whoever sent it.
pub fn original_detail(value: &Value) -> &Value {
    let detail = if is_event(value) { value.get("detail").unwrap_or(value) } else { value };
    request_of(detail).unwrap_or(detail)
}

/// Reads the command that a message's body holds.
pub(crate) fn read_text<C: Command>(body: &str, settings: &Settings, step: &str) -> Result<Request<C>, Refused<C>> {
    match serde_json::from_str(body) {
        Ok(value) => read(value, settings, step),
        Err(error) => {
            let error = StepError::new(ErrorCode::MalformedEvent, "message", format!("the body is not JSON: {error}"));
            Err(Refused { error, subject: None, detail: Value::Null })
        }
    }
}

/// Reads the command that an event or a plain payload holds.
///
/// What has an envelope has a source, and the source decides what is believed: commands come from the
/// allowed sources, completion events from the provisioner itself. A bare detail has no source; who may send
/// one is decided by IAM (sqs:SendMessage, lambda:InvokeFunction).
///
/// The steps of sign-up have one command, and each may take another's completion for it. Those of another command look
/// alike (an organization's id and its environment), so every other step takes only what it said itself.
pub(crate) fn read<C: Command>(value: Value, settings: &Settings, step: &str) -> Result<Request<C>, Refused<C>> {
    let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    let refuse = |code, message: String, detail: &Value| {
        let detail = request_of(detail).unwrap_or(detail);
        let error = StepError::new(code, "event", message);
        Err(Refused { error, subject: C::subject_of(detail), detail: detail.clone() })
    };
    let detail = if let (true, Some(detail)) = (is_event(&value), value.get("detail")) {
        let (source, detail_type) = (text("source"), text("detail-type"));
        let allowed = settings.allowed_sources.iter().any(|allowed| allowed == source);
        match request_of(detail) {
            _ if detail_type == C::DETAIL_TYPE && allowed => detail,
            Some(request) if detail_type != C::DETAIL_TYPE && source == SOURCE && may_carry::<C>(detail, step) => {
                request
            }
            found if detail_type != C::DETAIL_TYPE && (found.is_none() || !may_carry::<C>(detail, step)) => {
                let message = format!(
                    "detail-type {detail_type:?} is not {}, nor is the detail a completion event's of this command",
                    C::DETAIL_TYPE
                );
                return refuse(ErrorCode::MalformedEvent, message, detail);
            }
            _ => {
                let message = format!(
                    "source {source:?} may not send {detail_type}; ALLOWED_SOURCES is {}, and completion events come from {SOURCE}",
                    settings.allowed_sources.join(", ")
                );
                return refuse(ErrorCode::SourceNotAllowed, message, detail);
            }
        }
    } else {
        match request_of(&value) {
            Some(_) if !may_carry::<C>(&value, step) => {
                let message = format!("this is another step's event, and does not ask for {}", C::DETAIL_TYPE);
                return refuse(ErrorCode::MalformedEvent, message, &value);
            }
            Some(request) => request,
            None => &value,
        }
    };
    let detail = C::translated(detail.clone(), &settings.deployment.conventions);
    Request::read(detail.clone()).map_err(|error| Refused { error, subject: C::subject_of(&detail), detail })
}

/// Whether the request in an event of some step can be this command.
fn may_carry<C: Command>(detail: &Value, step: &str) -> bool {
    C::DETAIL_TYPE == OrgCreated::DETAIL_TYPE || detail.get("step").and_then(Value::as_str) == Some(step)
}

/// The original request, if the detail is a completion or failure event's.
fn request_of(detail: &Value) -> Option<&Value> {
    ["schemaVersion", "eventId", "step"].iter().try_for_each(|field| detail.get(*field).map(drop))?;
    detail.get("request").filter(|request| request.is_object())
}

#[cfg(test)]
mod tests {
    use contract::OrgDeleted;
    use serde_json::json;

    use super::*;
    use crate::settings::Settings;

    fn settings() -> Settings {
        Settings {
            deployment: contract::Deployment {
                expected_account: "111111111111".into(),
                account_class: org::AccountClass::Production,
                conventions: org::Conventions::default(),
            },
            event_bus: "b".into(),
            dead_letter_queue_url: "q-dlq".into(),
            kms_key_id: None,
            key_grace: std::time::Duration::from_secs(120),
            key_overlap: std::time::Duration::from_secs(604_800),
            rotation: None,
            max_receive_count: 13,
            secret_recovery_days: 30,
            repair_drift: false,
            capacity_warning_percent: 80,
            bucket_limit: 10_000,
            allowed_sources: vec!["org-signup".into()],
        }
    }

    fn code(value: Value) -> Option<ErrorCode> {
        read::<OrgCreated>(value, &settings(), "s").err().map(|refused| refused.error.code())
    }

    fn event(source: &str, detail_type: &str, detail: Value) -> Value {
        json!({"source": source, "detail-type": detail_type, "detail": detail})
    }

    #[test]
    fn the_source_decides_what_is_believed() {
        let request = json!({"orgId": "abc", "environment": "production"});
        let completed = json!({"schemaVersion": 1, "eventId": "e", "step": "s", "request": request});
        assert_eq!(code(request.clone()), None);
        assert_eq!(code(completed.clone()), None);
        assert_eq!(code(event("org-signup", "OrgCreated", request.clone())), None);
        assert_eq!(code(event("org-provisioner", "IamUserProvisioned", completed.clone())), None);
        assert_eq!(code(event("somebody", "OrgCreated", request.clone())), Some(ErrorCode::SourceNotAllowed));
        assert_eq!(code(event("org-provisioner", "OrgCreated", request.clone())), Some(ErrorCode::SourceNotAllowed));
        assert_eq!(code(event("org-signup", "IamUserProvisioned", completed)), Some(ErrorCode::SourceNotAllowed));
        assert_eq!(code(event("org-signup", "Other", request)), Some(ErrorCode::MalformedEvent));
    }

    #[test]
    fn no_other_steps_event_is_taken_for_a_deletion() {
        let request = json!({"orgId": "abc", "environment": "qa", "confirmOrgId": "abc"});
        let of = |step: &str| json!({"schemaVersion": 1, "eventId": "e", "step": step, "orgId": "abc", "environment": "qa", "request": request});
        let read = |value| read::<OrgDeleted>(value, &settings(), "offboard").err().map(|refused| refused.error.code());
        assert_eq!(read(of("offboard")), None);
        assert_eq!(read(event("org-provisioner", "OrgProvisioningFailed", of("offboard"))), None);
        for step in ["suspend", "iam-user", "verify"] {
            assert_eq!(read(of(step)), Some(ErrorCode::MalformedEvent));
            let failed = event("org-provisioner", "OrgProvisioningFailed", of(step));
            assert_eq!(read(failed), Some(ErrorCode::MalformedEvent));
        }
    }

    #[test]
    fn fields_that_look_like_a_completions_are_only_fields_of_a_command() {
        let detail =
            json!({"orgId": "abc", "environment": "production", "schemaVersion": 7, "request": {"orgId": "xyz"}});
        for delivered in [detail.clone(), event("org-signup", "OrgCreated", detail)] {
            let request = read::<OrgCreated>(delivered, &settings(), "s").ok();
            assert_eq!(request.map(|request| request.command.org_id.to_string()), Some("abc".to_owned()));
        }
    }

    #[test]
    fn a_refusal_says_whom_it_concerns() {
        let refused =
            read::<OrgCreated>(event("somebody", "OrgCreated", json!({"orgId": "abc"})), &settings(), "s").err();
        assert_eq!(refused.and_then(|refused| refused.subject).map(|subject| subject.org_id), Some("abc".to_owned()));
        assert!(read_text::<OrgCreated>("{", &settings(), "s").is_err_and(|refused| refused.subject.is_none()));
    }
}
