//! The Lambda function `adopt`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<adopt::Adopt>().await
}
