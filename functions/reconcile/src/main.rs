//! The Lambda function `reconcile`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<reconcile::Reconcile>().await
}
