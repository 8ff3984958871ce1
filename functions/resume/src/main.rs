//! The Lambda function `resume`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<resume::Resume>().await
}
