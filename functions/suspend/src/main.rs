//! The Lambda function `suspend`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<suspend::Suspend>().await
}
