//! What a target receives: the event, a fixed text, a part of the event, or a template filled from it
//! (user guide, "Input transformation").

use std::collections::BTreeMap;

use serde_json::Value;

use super::targets::InputTransformer;
use super::{Event, Rule, Target};
use crate::clock::Timestamp;

/// Placeholders that need no path.
const PREDEFINED: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
];

/// The body that `target` receives for `event`.
///
/// # Errors
/// Why there is none: the filled template is not JSON.
pub(super) fn input(event: &Event, rule: &Rule, target: &Target, now: Timestamp) -> Result<String, String> {
    if let Some(input) = &target.input {
        return Ok(input.clone());
    }
    if let Some(path) = &target.input_path {
        let value = Path::parse(path).and_then(|path| path.find(&event.to_value()).cloned());
        return value.map(|value| value.to_string()).ok_or_else(|| format!("The event has nothing at {path}"));
    }
    match &target.input_transformer {
        Some(transformer) => transform(event, rule, transformer, now),
        None => Ok(event.to_json()),
    }
}

fn transform(event: &Event, rule: &Rule, transformer: &InputTransformer, now: Timestamp) -> Result<String, String> {
    let value = event.to_value();
    let mut without_detail = value.clone();
    if let Some(fields) = without_detail.as_object_mut() {
        fields.remove("detail");
    }
    let mut values: BTreeMap<&str, Option<Value>> = BTreeMap::from([
        ("aws.events.rule-arn", Some(rule.arn.clone().into())),
        ("aws.events.rule-name", Some(rule.name.clone().into())),
        ("aws.events.event.ingestion-time", Some(now.iso8601().into())),
        ("aws.events.event", Some(without_detail)),
        ("aws.events.event.json", Some(value.clone())),
    ]);
    for (name, path) in &transformer.input_paths_map {
        values.insert(name, Path::parse(path).and_then(|path| path.find(&value).cloned()));
    }
    let filled = fill(&transformer.input_template, &|name, quoted| {
        let value = values.get(name)?;
        Some(
            value
                .as_ref()
                .map(|value| if quoted { within_quotes(value) } else { value.to_string() })
                .unwrap_or_default(),
        )
    });
    check_json(&filled)?;
    Ok(filled)
}

/// A value in the middle of a text: as it is, without escapes; objects and lists lose their quotes.
fn within_quotes(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string().replace('"', ""),
    }
}

/// Checks a template by filling it with numbers, which fit in and out of quotes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_template(transformer: &InputTransformer) -> Result<(), String> {
    let known = |name: &str| PREDEFINED.contains(&name) || transformer.input_paths_map.contains_key(name);
    check_json(&fill(&transformer.input_template, &|name, _| known(name).then(|| "0".to_owned())))
}

/// A template is one JSON value, or texts in quotes one after another.
fn check_json(text: &str) -> Result<(), String> {
    let values: Vec<Value> = serde_json::Deserializer::from_str(text)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    if values.len() == 1 || !values.is_empty() && values.iter().all(Value::is_string) {
        return Ok(());
    }
    Err("The template is not one JSON value and not a sequence of strings".to_owned())
}

/// Puts values in the place of `<name>`; the value depends on whether it is within quotes. What `value_of` does
/// not know stays as it is.
fn fill(template: &str, value_of: &dyn Fn(&str, bool) -> Option<String>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut quoted = false;
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        let placeholder = rest.strip_prefix('<').and_then(|after| after.split_once('>'));
        if let Some((value, after)) = placeholder.and_then(|(name, after)| Some((value_of(name, quoted)?, after))) {
            filled.push_str(&value);
            rest = after;
            continue;
        }
        // A backslash takes the next character with it, so that an escaped quote ends no text.
        let taken = rest.chars().take(if character == '\\' { 2 } else { 1 }).map(char::len_utf8).sum();
        let (now, after) = rest.split_at(taken);
        filled.push_str(now);
        quoted ^= character == '"';
        rest = after;
    }
    filled
}

/// A JSON path of the simple kind: `$`, `$.detail.items[0].name`, `$['detail']`.
pub(super) struct Path(Vec<Step>);

enum Step {
    Field(String),
    Index(usize),
}

impl Path {
    /// Reads a path; `None` if it is none, or of a kind that is not here (wildcards, filters).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, next) = after.split_at(end);
                let valid = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
                if name.is_empty() || !name.chars().all(valid) {
                    return None;
                }
                steps.push(Step::Field(name.to_owned()));
                rest = next;
            } else {
                let (inside, next) = rest.strip_prefix('[')?.split_once(']')?;
                let name = inside.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
                steps.push(match name {
                    Some(name) => Step::Field(name.to_owned()),
                    None => Step::Index(inside.parse().ok()?),
                });
                rest = next;
            }
        }
        Some(Self(steps))
    }

    pub(super) fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Field(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Event {
        Event {
            version: "0".to_owned(),
            id: "id-1".to_owned(),
            detail_type: "Done".to_owned(),
            source: "test".to_owned(),
            account: "222222222222".to_owned(),
            time: "2026-11-22T10:00:00Z".to_owned(),
            region: "eu-west-1".to_owned(),
            replay_name: None,
            resources: Vec::new(),
            detail: json!({ "state": "on", "count": 3, "list": [{ "x": 1 }], "odd": "say \"hi\"" }),
        }
    }

    fn filled(template: &str) -> Result<String, String> {
        let paths = [
            ("state", "$.detail.state"),
            ("count", "$.detail.count"),
            ("list", "$.detail.list"),
            ("first", "$.detail.list[0].x"),
            ("odd", "$.detail.odd"),
            ("none", "$.detail.none"),
        ];
        let input_paths_map = paths.map(|(name, path)| (name.to_owned(), path.to_owned())).into();
        let transformer = InputTransformer { input_paths_map, input_template: template.to_owned() };
        check_template(&transformer)?;
        let rule = Rule {
            name: "r".to_owned(),
            arn: "arn:rule".to_owned(),
            pattern: String::new(),
            enabled: true,
            description: None,
            targets: Vec::new(),
            managed_by: None,
        };
        transform(&event(), &rule, &transformer, Timestamp(0))
    }

    #[test]
    fn json_templates() {
        assert_eq!(filled(r#"{"s": <state>, "n": <count>}"#).unwrap(), r#"{"s": "on", "n": 3}"#);
        assert_eq!(filled(r#"{"l": <list>, "f": <first>}"#).unwrap(), r#"{"l": [{"x":1}], "f": 1}"#);
        assert_eq!(filled(r#"{"t": "is <state>, \"<count>\""}"#).unwrap(), r#"{"t": "is on, \"3\""}"#);
        assert_eq!(filled(r#"{"rule": <aws.events.rule-name>}"#).unwrap(), r#"{"rule": "r"}"#);
        assert!(filled(r#"<aws.events.event.json>"#).unwrap().contains("id-1"));
    }

    #[test]
    fn string_templates() {
        assert_eq!(filled(r#""is <state>""#).unwrap(), r#""is on""#);
        assert_eq!(filled(r#""has <list>""#).unwrap(), r#""has [{x:1}]""#);
        assert_eq!(filled(r#""nothing: <none>.""#).unwrap(), r#""nothing: .""#);
        assert_eq!(filled("\"one\"\n\"<count>\"").unwrap(), "\"one\"\n\"3\"");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        assert!(filled("is <state>").is_err());
        assert!(filled(r#"{"s": <unknown>}"#).is_err());
        assert!(filled(r#""<odd>""#).is_err(), "quotes in a value are not escaped");
        assert!(filled(r#"{"s": <none>}"#).is_err());
    }

    #[test]
    fn paths() {
        for invalid in ["", "detail", "$.", "$..a", "$.a[*]", "$.a[", "$.a b"] {
            assert!(Path::parse(invalid).is_none(), "{invalid}");
        }
        let value = event().to_value();
        assert_eq!(Path::parse("$['detail-type']").unwrap().find(&value), Some(&json!("Done")));
        assert_eq!(Path::parse("$.detail-type").unwrap().find(&value), Some(&json!("Done")));
        assert_eq!(Path::parse("$").unwrap().find(&value), Some(&value));
    }
}
