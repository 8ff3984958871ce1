//! The Lambda function `sweep`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<sweep::Sweep>().await
}
