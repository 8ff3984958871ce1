//! Security Token Service: who am I.

use crate::query_protocol;
use crate::reply::{ApiError, Reply};
use crate::world::Call;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Carries out `operation`.
pub(crate) fn handle(call: &mut Call<'_>, operation: &str) -> Result<Reply, ApiError> {
    match operation {
        // Needs no permission, not even against an explicit deny.
        "GetCallerIdentity" => {
            let user_id = match call.caller {
                crate::Caller::User { user_id, .. } => user_id.clone(),
                _ => "AIDAADMINISTRATOR".to_owned(),
            };
            Ok(query_protocol::reply(operation, NAMESPACE, |xml| {
                xml.text("Arn", call.caller.arn());
                xml.text("UserId", user_id);
                xml.text("Account", call.account_id());
            }))
        }
        other => Err(ApiError::not_implemented("sts", other)),
    }
}
