//! The Lambda function `secret`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<secret::Secret>().await
}
