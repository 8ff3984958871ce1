//! The Lambda function `iam-user`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    handler::run::<iam_user::IamUser>().await
}
