//! S3 Control: Block Public Access of an account. Its errors have a wrapper, unlike S3's.

use http::{Method, StatusCode};

use super::access::is_account_id;
use super::authorization::check_account;
use super::errors::{access_denied, invalid_request};
use super::public_access_block::{document, no_such_setting, read};
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;

const NAMESPACE: &str = "http://awss3control.amazonaws.com/doc/2018-08-20/";
const PATH: &str = "/v20180820/configuration/publicAccessBlock";

/// Whether a request signed for S3 is for S3 Control.
pub fn is_control(request: &Request) -> bool {
    request.header("x-amz-account-id").is_some()
        || request.host.contains("s3-control.")
        || request.path.starts_with("/v20180820/")
}

/// The operation's API name; of one that is not here, the method and the path.
pub fn operation(request: &Request) -> String {
    let name = match request.method {
        Method::GET if request.path == PATH => "GetPublicAccessBlock",
        Method::PUT if request.path == PATH => "PutPublicAccessBlock",
        Method::DELETE if request.path == PATH => "DeletePublicAccessBlock",
        _ => return format!("{} {}", request.method, request.path),
    };
    name.to_owned()
}

/// Carries out `operation`, which a caller may do to its own account alone.
pub fn handle(call: &mut Call<'_>, request: &Request, operation: &str) -> Result<Reply, ApiError> {
    let account = account_id(request)?;
    call.resource = format!("account/{account}");
    let verb = if operation == "GetPublicAccessBlock" { "Get" } else { "Put" };
    check_account(call, request, &format!("s3:{verb}AccountPublicAccessBlock"), "*")?;
    if call.account_id() != account {
        return Err(access_denied());
    }
    let setting = &mut call.account().public_access_block;
    match operation {
        "GetPublicAccessBlock" => {
            setting.map(|setting| Reply::xml(document(setting, NAMESPACE))).ok_or_else(no_such_setting)
        }
        "PutPublicAccessBlock" => {
            *setting = Some(read(request)?);
            Ok(Reply::default())
        }
        "DeletePublicAccessBlock" => {
            *setting = None;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }
        other => Err(ApiError::not_implemented("s3control", other)),
    }
}

/// The account is in a header, and in the host name of real endpoints as well.
fn account_id(request: &Request) -> Result<String, ApiError> {
    match request.header("x-amz-account-id") {
        Some(account) if is_account_id(account) => Ok(account.to_owned()),
        Some(_) => Err(invalid_request("The x-amz-account-id header is not an account id")),
        None => Err(invalid_request("Missing required header for this request: x-amz-account-id")),
    }
}
