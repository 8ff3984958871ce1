//! The least that a Lambda function can be: what `lambda_runtime` alone costs. The floor of the measurements.

use std::convert::Infallible;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        Ok::<_, Infallible>(json!({ "hello": event.context.request_id }))
    }))
    .await
}
