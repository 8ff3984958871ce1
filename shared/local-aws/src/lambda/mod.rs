//! What invokes functions: direct calls, SQS event source mappings, and asynchronous invocations.
//!
//! A function is a Rust closure in this process, or one that hands over to a process of its own
//! ([`processes`]). What AWS does around it is here: the time-out, the batches from queues and what becomes of
//! their messages, the retries of asynchronous invocations. Everything runs on one thread and in one future,
//! [`Lambda::settle`] or [`Lambda::run`]; dropping it kills every invocation where it stands.

mod asynchronous;
mod batch;
mod event_source;
pub mod processes;
mod rotation;
mod settle;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

pub use asynchronous::AsyncInvocation;
pub use event_source::EventSource;
pub use settle::Settled;

use crate::api::ApiFailure;
use crate::aws::LocalAws;
use crate::clock::Timestamp;
use crate::world::PARTITION;

/// The longest time-out that Lambda allows.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(900);

/// A function's code.
pub type Handler = Rc<dyn Fn(Invocation) -> LocalBoxFuture<'static, Result<Value, FunctionError>>>;

/// Somebody who watches invocations.
pub type Observer = Rc<dyn Fn(&Moment<'_>)>;

/// One invocation as the function sees it.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The input.
    pub payload: Value,
    /// The function's ARN.
    pub function_arn: String,
    /// The request id; the retries of an asynchronous invocation have the same.
    pub request_id: String,
    /// When it will be killed.
    pub deadline: Timestamp,
}

/// How a function failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// The error's name: `Sandbox.Timedout` for a time-out.
    pub error_type: String,
    /// What it says.
    pub error_message: String,
}

/// What an [`Observer`] is told.
#[derive(Debug)]
pub enum Moment<'a> {
    /// An invocation begins.
    Started(&'a Invocation),
    /// It has ended, by itself or by its time-out.
    Ended(&'a Invocation, &'a Result<Value, FunctionError>),
}

#[derive(Clone)]
struct Function {
    handler: Handler,
    timeout: Duration,
}

/// The functions of one account in one region. Clones share them.
#[derive(Clone)]
pub struct Lambda {
    aws: LocalAws,
    account: String,
    region: String,
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    functions: BTreeMap<String, Function>,
    /// Event sources by queue ARN: a queue feeds one function here.
    sources: BTreeMap<String, EventSource>,
    observer: Option<Observer>,
}

impl Lambda {
    /// No functions yet.
    pub fn new(aws: LocalAws, account: &str, region: &str) -> Self {
        Self { aws, account: account.to_owned(), region: region.to_owned(), state: Rc::default() }
    }

    /// Adds a function, or replaces the one with this name.
    ///
    /// # Errors
    /// `ValidationException` if the time-out is not one second to fifteen minutes.
    pub fn add_function(&self, name: &str, timeout: Duration, handler: Handler) -> Result<(), ApiFailure> {
        if timeout < Duration::from_secs(1) || timeout > LONGEST_TIMEOUT {
            let message = format!("The timeout must be 1 to 900 seconds, not {}", timeout.as_secs_f64());
            return Err(failure("ValidationException", message));
        }
        self.state.borrow_mut().functions.insert(name.to_owned(), Function { handler, timeout });
        Ok(())
    }

    /// Lets `observer` know of every invocation from now on.
    pub fn observe(&self, observer: Observer) {
        self.state.borrow_mut().observer = Some(observer);
    }

    /// The ARN of the function named `name`.
    pub fn function_arn(&self, name: &str) -> String {
        format!("arn:{PARTITION}:lambda:{}:{}:function:{name}", self.region, self.account)
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// The function's error; `Sandbox.Timedout` once its time is over, when its future is dropped wherever it is,
    /// as Lambda kills the process; `ResourceNotFoundException` for a function that is not there.
    pub async fn invoke(&self, name: &str, payload: Value) -> Result<Value, FunctionError> {
        let request_id = self.aws.with_world(|world| world.ids.uuid());
        self.run_function(name, request_id, payload).await
    }

    async fn run_function(&self, name: &str, request_id: String, payload: Value) -> Result<Value, FunctionError> {
        let Some(function) = self.function(name) else {
            let message = format!("Function not found: {}", self.function_arn(name));
            return Err(FunctionError { error_type: "ResourceNotFoundException".to_owned(), error_message: message });
        };
        let deadline = self.aws.now().after(function.timeout);
        let invocation = Invocation { payload, function_arn: self.function_arn(name), request_id, deadline };
        self.tell(&Moment::Started(&invocation));
        let running = (function.handler)(invocation.clone());
        let result = match tokio::time::timeout(function.timeout, running).await {
            Ok(result) => result,
            Err(_) => Err(timed_out(&invocation.request_id, function.timeout)),
        };
        self.tell(&Moment::Ended(&invocation, &result));
        result
    }

    fn function(&self, name: &str) -> Option<Function> {
        self.state.borrow().functions.get(name).cloned()
    }

    fn tell(&self, moment: &Moment<'_>) {
        // Not called while the state is borrowed: an observer may add functions.
        let observer = self.state.borrow().observer.clone();
        if let Some(observer) = observer {
            observer(moment);
        }
    }
}

fn timed_out(request_id: &str, timeout: Duration) -> FunctionError {
    FunctionError {
        error_type: "Sandbox.Timedout".to_owned(),
        error_message: format!(
            "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
            timeout.as_secs_f64()
        ),
    }
}

fn failure(code: &str, message: impl Into<String>) -> ApiFailure {
    ApiFailure { code: code.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests;
