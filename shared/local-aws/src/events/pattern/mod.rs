//! Event patterns: reading them and matching events with them.
//!
//! The language and its rules are those of the EventBridge user guide ("Creating EventBridge event patterns",
//! "Comparison operators"); where that is silent, those of the engine that AWS published (aws/event-ruler).

mod matcher;
mod numeric;
mod wildcard;

use serde_json::{Map, Value};

use matcher::Matcher;

/// A pattern that was found valid.
#[derive(Clone, Debug)]
pub struct Pattern(Fields);

/// What an object must have: every field, and of every `$or` one of its alternatives.
#[derive(Clone, Debug, Default)]
struct Fields {
    fields: Vec<(String, Requirement)>,
    choices: Vec<Vec<Fields>>,
}

/// What a field must be.
#[derive(Clone, Debug)]
enum Requirement {
    /// An object, or an array with one in it, that has these fields.
    Object(Fields),
    /// A value, or an array with one in it, that one of these matches.
    OneOf(Vec<Matcher>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why it is not valid, as `InvalidEventPatternException` tells it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = |reason: String| format!("Event pattern is not valid. Reason: {reason}");
        let value: Value = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        match value {
            Value::Object(object) => Fields::parse(object).map(Self).map_err(invalid),
            _ => Err(invalid("Filter is not an object".to_owned())),
        }
    }

    /// Whether `event` has all that the pattern asks for.
    pub fn matches(&self, event: &Value) -> bool {
        event.as_object().is_some_and(|object| self.0.match_object(object, &[object]))
    }
}

impl Fields {
    fn parse(object: Map<String, Value>) -> Result<Self, String> {
        if object.is_empty() {
            return Err("Empty objects are not allowed".to_owned());
        }
        let mut parsed = Self::default();
        for (name, value) in object {
            match value {
                Value::Array(alternatives) if name == "$or" => parsed.choices.push(choices(alternatives)?),
                Value::Object(nested) => parsed.fields.push((name, Requirement::Object(Self::parse(nested)?))),
                Value::Array(matchers) if matchers.is_empty() => return Err("Empty arrays are not allowed".to_owned()),
                Value::Array(matchers) => {
                    let matchers = matchers.into_iter().map(Matcher::parse).collect::<Result<_, _>>()?;
                    parsed.fields.push((name, Requirement::OneOf(matchers)));
                }
                _ => return Err(format!("\"{name}\" must be an object or an array")),
            }
        }
        Ok(parsed)
    }

    /// `peers` are all objects of the event at this path, `object` is the one of them that is looked at. Where
    /// the event has an array of objects, one and the same element must have all the fields.
    fn match_object(&self, object: &Map<String, Value>, peers: &[&Map<String, Value>]) -> bool {
        let has = |(name, requirement): &(String, Requirement)| {
            let all: Vec<&Value> = peers.iter().filter_map(|peer| peer.get(name)).collect();
            requirement.is_met(object.get(name), &all)
        };
        self.fields.iter().all(has)
            && self.choices.iter().all(|choice| choice.iter().any(|fields| fields.match_object(object, peers)))
    }
}

impl Requirement {
    fn is_met(&self, value: Option<&Value>, all: &[&Value]) -> bool {
        match self {
            Self::OneOf(matchers) => {
                let leaves: Vec<&Value> = value.map(leaves).unwrap_or_default();
                let absent = || all.iter().all(|value| self::leaves(value).is_empty());
                matchers.iter().any(|matcher| match matcher {
                    // Absent means absent everywhere, not only in this element of an array.
                    Matcher::Exists(false) => absent(),
                    other => leaves.iter().any(|leaf| other.matches(leaf)),
                })
            }
            Self::Object(fields) => {
                let peers: Vec<&Map<String, Value>> = all.iter().flat_map(|value| objects(value)).collect();
                let nothing = Map::new();
                let mut candidates = value.map(objects).unwrap_or_default();
                if candidates.is_empty() {
                    // There may be patterns below that ask for nothing but absence.
                    candidates.push(&nothing);
                }
                candidates.into_iter().any(|candidate| fields.match_object(candidate, &peers))
            }
        }
    }
}

/// The alternatives of `$or`, of which there must be two at least.
fn choices(alternatives: Vec<Value>) -> Result<Vec<Fields>, String> {
    if alternatives.len() < 2 {
        return Err("There must have at least 2 Objects in $or relationship".to_owned());
    }
    let parse = |alternative| match alternative {
        Value::Object(object) => Fields::parse(object),
        _ => Err("Only JSON objects are allowed in $or".to_owned()),
    };
    alternatives.into_iter().map(parse).collect()
}

/// The values that matchers look at: a value itself, or all those in an array. An object is no value.
fn leaves(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().flat_map(leaves).collect(),
        Value::Object(_) => Vec::new(),
        leaf => vec![leaf],
    }
}

fn objects(value: &Value) -> Vec<&Map<String, Value>> {
    match value {
        Value::Array(values) => values.iter().flat_map(objects).collect(),
        Value::Object(object) => vec![object],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
