//! The Lambda function `bucket-policy`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<bucket_policy::BucketPolicy>().await
}
