//! Resource-based and identity-based policies: reading them, and deciding with them.
//!
//! The grammar and the logic are those of the IAM user guide's policy reference ("Grammar of the IAM JSON
//! policy language", "Policy evaluation logic"). What AWS supports and this does not (policy variables, date
//! conditions, binary conditions) is refused when a policy is read, never ignored when it is evaluated.
//!
//! Nothing here knows which users exist: a service that answers "Invalid principal in policy" for a user who
//! does not looks at [`Statement::principals`] itself.

mod condition;
mod context;
mod document;
mod json;
mod operator;
mod principal;
mod public;
mod statement;
pub(crate) mod wildcard;

pub use condition::Condition;
pub use context::Context;
pub use document::Document;
pub use principal::{Principal, PrincipalIdentity, Principals};
pub use statement::{Effect, Selection, Statement};

/// One request as policies see it.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// Who asks.
    pub principal: PrincipalIdentity<'a>,
    /// The action: `s3:GetObject`.
    pub action: &'a str,
    /// The ARN of what it is asked about.
    pub resource: &'a str,
    /// The condition keys that the request carries.
    pub context: &'a Context,
}

/// What policies say to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allow,
    /// A statement denies it, whatever others allow.
    ExplicitDeny,
    /// No statement speaks of it.
    ImplicitDeny,
}

/// Decides with all statements of `documents` together.
pub fn evaluate(documents: &[&Document], request: &AccessRequest<'_>) -> Decision {
    let statements = documents.iter().flat_map(|document| document.statements());
    let effects: Vec<Effect> =
        statements.filter(|statement| statement.applies_to(request)).map(|statement| statement.effect).collect();
    if effects.contains(&Effect::Deny) {
        Decision::ExplicitDeny
    } else if effects.contains(&Effect::Allow) {
        Decision::Allow
    } else {
        Decision::ImplicitDeny
    }
}

#[cfg(test)]
mod tests;
