//! The condition keys that an S3 request carries ("Condition keys for Amazon S3" in the service authorization
//! reference, and the global ones).

use crate::caller::Caller;
use crate::iam::request_context;
use crate::policy::Context;
use crate::request::Request;
use crate::world::Call;

/// The keys of `request`, which is about a bucket of `owner`.
pub(super) fn of(call: &Call<'_>, request: &Request, owner: &str) -> Context {
    let context = request_context(call).with("aws:ResourceAccount", owner).with("s3:ResourceAccount", owner);
    let context = match call.caller {
        Caller::Anonymous => context,
        _ => context.with("s3:authType", "REST-HEADER").with("s3:signatureversion", "AWS4-HMAC-SHA256"),
    };
    of_request(context, request)
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
