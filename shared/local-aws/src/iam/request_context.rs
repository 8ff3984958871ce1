//! The global condition keys (IAM user guide, "AWS global condition context keys").

use crate::caller::Caller;
use crate::policy::Context;
use crate::world::Call;

/// The keys that every request carries: its time and way, and who the caller is.
pub(crate) fn request_context(call: &Call<'_>) -> Context {
    let context = Context::default()
        .with("aws:SecureTransport", "true")
        .with("aws:SourceIp", "127.0.0.1")
        .with("aws:CurrentTime", call.now.iso8601())
        .with("aws:EpochTime", (call.now.0 / 1000).to_string())
        .with("aws:RequestedRegion", call.region);
    let Some(account) = call.caller.account() else { return context.with("aws:PrincipalType", "Anonymous") };
    let mut context = context
        .with("aws:PrincipalType", "User")
        .with("aws:PrincipalAccount", account)
        .with("aws:PrincipalArn", call.caller.arn());
    match call.caller {
        Caller::User { name, user_id, .. } => {
            context.insert("aws:username", name);
            context.insert("aws:userid", user_id);
            let users = call.world.accounts.get(account).map(|account| &account.iam.users);
            let user = users.and_then(|users| users.get(&name.to_lowercase())).filter(|user| user.id == *user_id);
            for (key, value) in user.iter().flat_map(|user| &user.tags) {
                context.insert(&format!("aws:PrincipalTag/{key}"), value);
            }
        }
        _ => context.insert("aws:username", "administrator"),
    }
    context
}
