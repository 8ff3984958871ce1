//! The function's process: configuration, logs, and Lambda's event loop.

use std::time::{Duration, UNIX_EPOCH};

use aws::{Clients, Connector};
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use crate::environment::Environment;
use crate::function::{Function, FunctionError, Invocation, StepFunction};
use crate::telemetry;

/// Runs step `S` as a Lambda function until Lambda stops the process.
///
/// # Errors
/// When the environment is incomplete, or Lambda's runtime API cannot be reached.
pub async fn run<S: StepFunction>() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_process()?;
    telemetry::start(environment.log_level);
    let connector = Connector::new(environment.sdk.ca_bundle.as_deref())?;
    let clients = Clients::new(aws::sdk_config(environment.sdk, &connector));
    let function = &Function::<S>::with_clients(environment.settings, &clients);
    connector.open(&clients.destinations()).await;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        // Boxed: the SDK's futures nest so deep that the compiler gives up on the whole.
        Box::pin(function.invoke(event.payload, &Invocation::from(&event.context))).await
    }))
    .await
}

impl From<&Context> for Invocation {
    fn from(context: &Context) -> Self {
        Self {
            function_arn: context.invoked_function_arn.clone(),
            deadline: UNIX_EPOCH + Duration::from_millis(context.deadline),
        }
    }
}

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        Self { error_type: error.error_type, error_message: error.error_message }
    }
}
