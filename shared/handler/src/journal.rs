//! One place for the log lines that tell a run's story. An error is logged here, where it is handled, and
//! nowhere else. `orgctl local` reads the same lines to show progress.

use std::error::Error;
use std::time::Duration;

use contract::{Capacity, ErrorClass, Finding, Outcome, StepError};

/// The target of these lines.
pub const TARGET: &str = "org_provisioner";

/// What a line is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) step: &'static str,
    pub(crate) key: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) receive: u32,
    pub(crate) delayed_check: bool,
}

pub(crate) fn started(about: Subject<'_>) {
    let Subject { step, key, request_id, receive, delayed_check } = about;
    tracing::info!(target: TARGET, event = "started", step, subject = key, request_id, receive, delayed_check);
}

pub(crate) fn completed(about: Subject<'_>, outcome: Outcome, took: Duration) {
    let Subject { step, key, request_id, receive, delayed_check } = about;
    let (outcome, duration_ms) = (outcome.as_str(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    tracing::info!(target: TARGET, event = "completed", step, subject = key, request_id, receive, delayed_check, outcome, duration_ms);
}

/// Something that is not as it should be.
pub(crate) fn found(about: Subject<'_>, finding: &Finding) {
    let Subject { step, key, request_id, receive, delayed_check } = about;
    let (code, resource, message, repair) =
        (finding.code.as_str(), finding.resource.as_str(), finding.message.as_str(), finding.repair.as_str());
    tracing::warn!(target: TARGET, event = "found", step, subject = key, request_id, receive, delayed_check, code, resource, message, repair);
}

/// How much of one of the account's limits is used.
pub(crate) fn capacity(about: Subject<'_>, capacity: &Capacity) {
    let Subject { step, key, request_id, receive, delayed_check } = about;
    let Capacity { resource, used, limit, used_percent } = capacity;
    tracing::info!(target: TARGET, event = "capacity", step, subject = key, request_id, receive, delayed_check, resource, used, limit, used_percent);
}

/// A failure that leads to another try; `delay` is not known where the caller decides when. `waited` is the time
/// since the message was sent, where there is one.
pub(crate) fn retrying(about: Subject<'_>, error: &StepError, delay: Option<Duration>, waited: Option<Duration>) {
    let Subject { step, key, request_id, receive, delayed_check } = about;
    let (code, operation, resource) = (error.code().as_str(), error.operation().unwrap_or_default(), error.resource());
    let (message, cause, delay_seconds) = (error.message(), causes(error), delay.map(|delay| delay.as_secs()));
    let waited_seconds = waited.map(|waited| waited.as_secs());
    tracing::warn!(target: TARGET, event = "retrying", step, subject = key, request_id, receive, delayed_check, code, operation, resource, message, cause, delay_seconds, waited_seconds);
}

/// A failure to tell of a failure, or to keep its message; what it leads to has a line of its own.
pub(crate) fn untold(about: Subject<'_>, error: &StepError) {
    let Subject { step, key, request_id, receive, delayed_check } = about;
    let (code, operation, resource) = (error.code().as_str(), error.operation().unwrap_or_default(), error.resource());
    let (message, cause) = (error.message(), causes(error));
    tracing::error!(target: TARGET, event = "untold", step, subject = key, request_id, receive, delayed_check, code, operation, resource, message, cause);
}

/// A failure that ends the request.
pub(crate) fn failed(about: Subject<'_>, error: &StepError) {
    let Subject { step, key, request_id, receive, delayed_check } = about;
    let (code, operation, resource) = (error.code().as_str(), error.operation().unwrap_or_default(), error.resource());
    let (message, cause) = (error.message(), causes(error));
    let class = error.class().as_str();
    match error.class() {
        ErrorClass::Conflict => {
            tracing::warn!(target: TARGET, event = "failed", step, subject = key, request_id, receive, delayed_check, class, code, operation, resource, message, cause);
        }
        ErrorClass::Retryable | ErrorClass::Permanent => {
            tracing::error!(target: TARGET, event = "failed", step, subject = key, request_id, receive, delayed_check, class, code, operation, resource, message, cause);
        }
    }
}

/// The errors underneath, outermost first. SDK errors print only their kind; the reason is further down.
fn causes(error: &StepError) -> String {
    let (mut causes, mut next) = (Vec::new(), error.source());
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.join(": ")
}
