//! Conditions of a statement.

use super::context::Context;
use super::json::Node;
use super::operator::{Comparison, Operator, Quantifier};

/// One operator with one key and the values that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub(super) operator: Operator,
    /// The condition key in lower case, `aws:sourcearn`: AWS compares them without case.
    pub key: String,
    /// The values of the policy.
    pub values: Vec<String>,
}

impl Condition {
    /// Whether a request with `context` meets the condition. Several values are alternatives; for a negated
    /// operator none of them may match. A key that the request does not carry meets negated operators,
    /// `...IfExists` and `ForAllValues:`, no others.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let Operator { quantifier, comparison, negated, if_exists } = self.operator;
        let found = context.get(&self.key).unwrap_or_default();
        if comparison == Comparison::Null {
            return self.values.iter().any(|value| (value == "true") == found.is_empty());
        }
        if found.is_empty() {
            return if_exists || quantifier == Quantifier::All || (negated && quantifier == Quantifier::One);
        }
        let met = |actual: &String| self.values.iter().any(|value| comparison.matches(value, actual)) != negated;
        match quantifier {
            Quantifier::All => found.iter().all(met),
            Quantifier::One if negated => found.iter().all(met),
            Quantifier::One | Quantifier::Any => found.iter().any(met),
        }
    }
}

/// Reads a `Condition` block.
pub(super) fn parse(node: Node) -> Result<Vec<Condition>, String> {
    let mut conditions = Vec::new();
    for (name, keys) in node.into_fields()? {
        let operator = Operator::parse(&name)?;
        for (key, values) in keys.into_fields()? {
            conditions.push(one(operator, &name, &key, values.into_texts()?)?);
        }
    }
    Ok(conditions)
}

fn one(operator: Operator, name: &str, key: &str, values: Vec<String>) -> Result<Condition, String> {
    if !key.split_once(':').is_some_and(|(prefix, rest)| !prefix.is_empty() && !rest.is_empty()) {
        return Err("Policy has an invalid condition key".to_owned());
    }
    for value in &values {
        refuse_variables(value)?;
        if !operator.comparison.accepts(value) {
            return Err(format!("{value} is not a valid value for the condition {name} on {key}"));
        }
    }
    Ok(Condition { operator, key: key.to_lowercase(), values })
}

/// Policy variables are not filled in here; taken literally they would match nothing without a word.
pub(super) fn refuse_variables(text: &str) -> Result<(), String> {
    if text.contains("${") { Err(format!("local-aws does not evaluate policy variables: {text}")) } else { Ok(()) }
}
