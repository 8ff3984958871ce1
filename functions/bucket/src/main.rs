//! The Lambda function `bucket`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<bucket::Bucket>().await
}
