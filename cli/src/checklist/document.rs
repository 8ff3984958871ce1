//! A bucket policy taken apart into its statements, so that each can have its line.
//!
//! Whether two statements say the same is `org`'s to tell; what is written here is only for people.

use org::same_policy;
use serde_json::{Map, Value, json};

/// The version of the policy language that the convention's policy has.
const VERSION: &str = "2012-10-17";

/// A policy document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    version: Option<String>,
    statements: Vec<Value>,
    other: Vec<String>,
}

/// How a policy compares with the convention's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// The convention's statements, in their order.
    pub parts: Vec<Part>,
    /// Whatever else the policy has, in words.
    pub extra: Vec<String>,
    /// The users that stand in the convention's statements, each once.
    pub principals: Vec<String>,
}

/// A statement of the convention's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It is there; as it stands.
    There(String),
    /// It is not; as it should be.
    Missing(String),
}

impl Document {
    /// Reads a policy; none if it is not one.
    pub fn read(text: &str) -> Option<Self> {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return None };
        let statements = match fields.remove("Statement")? {
            Value::Array(statements) => statements,
            single => vec![single],
        };
        let version = fields.remove("Version").and_then(|version| version.as_str().map(str::to_owned));
        // The document's name says nothing about what it grants, but the convention's has none.
        let other = fields.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
        Some(Self { version, statements, other })
    }

    /// Statements in it.
    pub fn statements(&self) -> usize {
        self.statements.len()
    }

    /// The version that it is written in.
    pub fn version(&self) -> &str {
        self.version.as_deref().unwrap_or("2008-10-17, as none is named")
    }

    /// Which statements of the convention's are there, whomever they name, and what else is.
    pub fn against(&self, golden: &Self) -> Matched {
        let mut matched = Matched::default();
        let mut left: Vec<&Value> = self.statements.iter().collect();
        for expected in &golden.statements {
            let exact = left.iter().position(|found| says_the_same(found, expected));
            let alike = || left.iter().position(|found| says_the_same(&named_alike(found, expected), expected));
            match exact.or_else(alike).map(|index| left.remove(index)) {
                Some(found) => {
                    matched.parts.push(Part::There(words(found)));
                    // Everybody stands only in the statement that is about everybody.
                    for name in principals(found).into_iter().filter(|name| name != "*") {
                        if !matched.principals.contains(&name) {
                            matched.principals.push(name);
                        }
                    }
                }
                None => matched.parts.push(Part::Missing(words(expected))),
            }
        }
        matched.extra = left.into_iter().map(words).chain(self.other.iter().cloned()).collect();
        if self.version.as_deref() != Some(VERSION) {
            matched.extra.push(format!("version {}", self.version()));
        }
        matched
    }
}

fn says_the_same(one: &Value, other: &Value) -> bool {
    let document = |statement: &Value| json!({ "Version": VERSION, "Statement": [statement] }).to_string();
    same_policy(&document(one), &document(other))
}

/// The statement with the principal of the other, if both are about users and nobody else: whom a statement names has
/// a line of its own, and a user who was deleted stands there with an id of the past.
fn named_alike(statement: &Value, expected: &Value) -> Value {
    let mut changed = statement.clone();
    let (Some(Value::Object(kinds)), Some(principal)) = (statement.get("Principal"), expected.get("Principal")) else {
        return changed;
    };
    let only_users = kinds.len() == 1 && kinds.contains_key("AWS");
    if only_users
        && principals(statement).iter().all(|name| name != "*")
        && let (Some(fields), true) = (changed.as_object_mut(), principal.is_object())
    {
        fields.insert("Principal".to_owned(), principal.clone());
    }
    changed
}

/// The principals that a statement names. Those that are not AWS's own go by their kind:
/// `Service logging.s3.amazonaws.com`.
fn principals(statement: &Value) -> Vec<String> {
    let Some(Value::Object(kinds)) = statement.get("Principal") else { return Vec::new() };
    let of_kind = |(kind, names): (&String, &Value)| -> Vec<String> {
        let names = texts(names).into_iter();
        names.map(|name| if kind == "AWS" { name } else { format!("{kind} {name}") }).collect()
    };
    kinds.iter().flat_map(of_kind).collect()
}

/// A statement in one line: `Allow s3:ListBucket on arn:aws:s3:::b for arn:aws:iam::1:user/u`.
fn words(statement: &Value) -> String {
    let Some(fields) = statement.as_object() else { return "a statement that cannot be read".to_owned() };
    let field = |names: [&str; 2]| {
        let found = names.into_iter().find_map(|name| Some((name, fields.get(name)?)));
        found.map(|(name, value)| {
            let list = texts(value).join(", ");
            if name.starts_with("Not") { format!("all but {list}") } else { list }
        })
    };
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| "nothing".to_owned());
    let effect = fields.get("Effect").and_then(Value::as_str).unwrap_or("?");
    let actions = or_nothing(field(["Action", "NotAction"]));
    let resources = or_nothing(field(["Resource", "NotResource"]));
    let named = Some(principals(statement).join(", ")).filter(|names| !names.is_empty());
    let whom = or_nothing(
        named
            .or_else(|| field(["Principal", "NotPrincipal"]))
            .map(|whom| if whom == "*" { "everybody".into() } else { whom }),
    );
    format!("{effect} {actions} on {resources} for {whom}{}", further(fields))
}

fn further(fields: &Map<String, Value>) -> String {
    let usual = ["Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal"];
    let further = fields.iter().filter(|(key, _)| !usual.contains(&key.as_str()));
    further.map(|(key, value)| format!(", {key} {value}")).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(kinds) => kinds.values().flat_map(texts).collect(),
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../../tests/golden/bucket-policy.json");
    const USER: &str = "arn:aws:iam::123456789012:user/rms_xmsqa1";

    fn compare(policy: &str) -> Matched {
        Document::read(policy).unwrap().against(&Document::read(GOLDEN).unwrap())
    }

    fn missing(matched: &Matched) -> Vec<bool> {
        matched.parts.iter().map(|part| matches!(part, Part::Missing(_))).collect()
    }

    #[test]
    fn the_golden_policy_is_all_there_and_nothing_else() {
        let matched = compare(GOLDEN);
        assert_eq!(missing(&matched), [false; 3]);
        assert_eq!((matched.extra.len(), &matched.principals[..]), (0, &[USER.to_owned()][..]));
        assert_eq!(
            matched.parts[0],
            Part::There("Allow s3:GetObject on arn:aws:s3:::fusion-rms-xmsqa1/pub/* for everybody".to_owned())
        );
    }

    #[test]
    fn a_user_of_the_past_is_a_matter_of_its_own() {
        let matched = compare(&GOLDEN.replace(USER, "AIDAOLD"));
        assert_eq!(missing(&matched), [false; 3]);
        assert_eq!((matched.extra.len(), &matched.principals[..]), (0, &["AIDAOLD".to_owned()][..]));
    }

    #[test]
    fn a_stranger_of_another_kind_is_not_a_user_by_another_name() {
        let user = format!(r#""AWS": "{USER}""#);
        for (kind, name) in [
            ("Service", "logging.s3.amazonaws.com"),
            ("CanonicalUser", "79a59df900b949e5"),
            ("Federated", "cognito-identity.amazonaws.com"),
        ] {
            let beside = compare(&GOLDEN.replacen(&user, &format!(r#"{user}, "{kind}": "{name}""#), 1));
            assert_eq!((missing(&beside), beside.extra.len()), (vec![false, true, false], 1), "{kind}");
            let shown = beside.extra[0].as_str();
            assert!(shown.contains(USER) && shown.ends_with(&format!("{kind} {name}")), "{shown}");
            let instead = compare(&GOLDEN.replacen(&user, &format!(r#""{kind}": "{name}""#), 1));
            assert_eq!((missing(&instead), instead.extra.len()), (vec![false, true, false], 1), "{kind}");
        }
        let two = compare(&GOLDEN.replacen(&user, &format!(r#""AWS": ["{USER}", "AIDAOLD"]"#), 1));
        assert_eq!(
            (missing(&two), &two.principals[..]),
            (vec![false; 3], &[USER.to_owned(), "AIDAOLD".to_owned()][..])
        );
    }

    #[test]
    fn what_differs_is_both_missing_and_too_much() {
        let wider = compare(&GOLDEN.replacen("/pub/*", "/*", 1));
        assert_eq!((missing(&wider), wider.extra.len()), (vec![true, false, false], 1));
        let everybody = compare(&GOLDEN.replacen(&format!(r#""AWS": "{USER}""#), r#""AWS": "*""#, 1));
        assert_eq!((missing(&everybody), everybody.extra.len()), (vec![false, true, false], 1));
        assert_eq!(compare(&GOLDEN.replace(VERSION, "2008-10-17")).extra, ["version 2008-10-17"]);
        let conditional = compare(&GOLDEN.replacen("\"Effect\"", "\"Condition\": {}, \"Effect\"", 1));
        assert_eq!((missing(&conditional), conditional.extra.len()), (vec![true, false, false], 1));
        assert!(Document::read("{}").is_none() && Document::read("no").is_none());
    }
}
