//! The condition keys that an S3 request carries ("Condition keys for Amazon S3" in the service authorization
//! reference, and the global ones).

use crate::caller::Caller;
use crate::policy::Context;
use crate::request::Request;
use crate::world::Call;

/// The keys of `request`, which is about a bucket of `owner`.
pub(super) fn of(call: &Call<'_>, request: &Request, owner: &str) -> Context {
    let context = Context::default()
        .with("aws:SecureTransport", "true")
        .with("aws:SourceIp", "127.0.0.1")
        .with("aws:CurrentTime", call.now.iso8601())
        .with("aws:EpochTime", (call.now.0 / 1000).to_string())
        .with("aws:ResourceAccount", owner)
        .with("s3:ResourceAccount", owner);
    let context = of_caller(context, call.caller);
    of_request(context, request)
}

fn of_caller(context: Context, caller: &Caller) -> Context {
    let Some(account) = caller.account() else { return context.with("aws:PrincipalType", "Anonymous") };
    let context = context
        .with("aws:PrincipalType", "User")
        .with("aws:PrincipalAccount", account)
        .with("aws:PrincipalArn", caller.arn())
        .with("s3:authType", "REST-HEADER")
        .with("s3:signatureversion", "AWS4-HMAC-SHA256");
    match caller {
        Caller::User { name, user_id, .. } => context.with("aws:username", name).with("aws:userid", user_id),
        _ => context.with("aws:username", "administrator"),
    }
}

/// S3's own keys have the names of the query parameters and headers that they come from.
fn of_request(mut context: Context, request: &Request) -> Context {
    for name in ["prefix", "delimiter", "max-keys"] {
        if let Some(value) = request.query(name) {
            context.insert(&format!("s3:{name}"), value);
        }
    }
    for (name, value) in &request.headers {
        let Ok(value) = value.to_str() else { continue };
        match name.as_str() {
            "user-agent" => context.insert("aws:UserAgent", value),
            "referer" => context.insert("aws:Referer", value),
            "if-match" | "if-none-match" => context.insert(&format!("s3:{name}"), value),
            amazon if amazon.starts_with("x-amz-") => context.insert(&format!("s3:{amazon}"), value),
            _ => {}
        }
    }
    context
}
