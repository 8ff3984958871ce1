//! A statement of a policy.

use super::AccessRequest;
use super::condition::{self, Condition};
use super::json::Node;
use super::principal::{Principal, Principals};
use super::wildcard;

/// What a statement does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the policy language's")]
pub enum Effect {
    Allow,
    Deny,
}

/// Patterns, and whether what matches is meant or everything else (`NotAction`, `NotResource`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The patterns as they were written.
    pub patterns: Vec<String>,
    /// Whether everything else is meant.
    pub negated: bool,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The statement's id.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// Who it is about.
    pub principals: Principals,
    /// What they do.
    pub actions: Selection,
    /// What they do it to.
    pub resources: Selection,
    /// All of these must hold.
    pub conditions: Vec<Condition>,
}

impl Statement {
    /// Whether the statement speaks of `request`. Actions are compared without case, resources with it.
    pub(super) fn applies_to(&self, request: &AccessRequest<'_>) -> bool {
        self.principals.include(&request.principal, self.effect)
            && self.actions.select(|pattern| wildcard::matches_ignoring_case(pattern, request.action))
            && self.resources.select(|pattern| wildcard::matches(pattern, request.resource))
            && self.conditions.iter().all(|condition| condition.holds(request.context))
    }

    pub(super) fn parse(node: Node) -> Result<Self, String> {
        let mut parts = Parts::read(node)?;
        let effect = parts.effect.ok_or("Missing required field Effect")?;
        let principals = parts.principals.take().ok_or("Missing required field Principal")?;
        if effect == Effect::Allow && matches!(principals, Principals::AllBut(_)) {
            return Err("Allow with NotPrincipal is not allowed.".to_owned());
        }
        parts.complete(effect, principals)
    }

    /// A statement of an identity policy, which applies to everyone who holds it.
    pub(super) fn parse_identity(node: Node) -> Result<Self, String> {
        let parts = Parts::read(node)?;
        let effect = parts.effect.ok_or("Missing required field Effect")?;
        if parts.principals.is_some() {
            return Err("Policy document should not specify a principal.".to_owned());
        }
        parts.complete(effect, Principals::Only(vec![Principal::Any]))
    }
}

impl Selection {
    fn select(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern)) != self.negated
    }
}

/// The elements of a statement as they come.
#[derive(Default)]
struct Parts {
    sid: Option<String>,
    effect: Option<Effect>,
    principals: Option<Principals>,
    actions: Option<Selection>,
    resources: Option<Selection>,
    conditions: Vec<Condition>,
}

impl Parts {
    fn read(node: Node) -> Result<Self, String> {
        let mut parts = Self::default();
        for (key, value) in node.into_fields()? {
            parts.take(&key, value)?;
        }
        Ok(parts)
    }

    fn complete(self, effect: Effect, principals: Principals) -> Result<Statement, String> {
        Ok(Statement {
            sid: self.sid,
            effect,
            principals,
            actions: self.actions.ok_or("Missing required field Action")?,
            resources: self.resources.ok_or("Missing required field Resource")?,
            conditions: self.conditions,
        })
    }

    fn take(&mut self, key: &str, value: Node) -> Result<(), String> {
        match key {
            "Sid" => self.sid = Some(value.into_text()?),
            "Effect" => self.effect = Some(effect(&value.into_text()?)?),
            "Principal" => only_one(key, self.principals.replace(Principals::Only(Principals::parse(value)?)))?,
            "NotPrincipal" => only_one(key, self.principals.replace(Principals::AllBut(Principals::parse(value)?)))?,
            "Action" | "NotAction" => only_one(key, self.actions.replace(actions(key, value)?))?,
            "Resource" | "NotResource" => only_one(key, self.resources.replace(resources(key, value)?))?,
            "Condition" => self.conditions = condition::parse(value)?,
            _ => return Err(format!("Unknown field {key}")),
        }
        Ok(())
    }
}

/// An element and its negation exclude each other.
fn only_one<T>(key: &str, earlier: Option<T>) -> Result<(), String> {
    earlier.map_or(Ok(()), |_| Err(format!("{key} and its counterpart cannot both be in a statement")))
}

fn effect(name: &str) -> Result<Effect, String> {
    match name {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        _ => Err(format!("Invalid effect: {name}")),
    }
}

fn actions(key: &str, value: Node) -> Result<Selection, String> {
    let patterns = value.into_texts()?;
    let valid = |pattern: &String| {
        pattern == "*" || pattern.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty())
    };
    if !patterns.iter().all(valid) {
        return Err("Policy has invalid action".to_owned());
    }
    Ok(Selection { patterns, negated: key == "NotAction" })
}

fn resources(key: &str, value: Node) -> Result<Selection, String> {
    let patterns = value.into_texts()?;
    let valid = |pattern: &String| pattern == "*" || pattern.starts_with("arn:");
    if !patterns.iter().all(valid) {
        return Err("Policy has invalid resource".to_owned());
    }
    patterns.iter().try_for_each(|pattern| condition::refuse_variables(pattern))?;
    Ok(Selection { patterns, negated: key == "NotResource" })
}
