//! The Lambda function `offboard`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<offboard::Offboard>().await
}
