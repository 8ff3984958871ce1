//! The pattern language, operator by operator.

use serde_json::{Value, json};

use super::Pattern;

fn matches(pattern: Value, event: Value) -> bool {
    Pattern::parse(&pattern.to_string()).unwrap().matches(&event)
}

/// Matches `matcher` against the single value of field `a`.
fn value_matches(matcher: Value, value: Value) -> bool {
    matches(json!({ "a": [matcher] }), json!({ "a": value }))
}

#[test]
fn exact_values_of_every_kind() {
    for value in [json!("x"), json!(""), json!(12), json!(true), json!(false), json!(null)] {
        assert!(value_matches(value.clone(), value.clone()), "{value}");
        assert!(!value_matches(value.clone(), json!("other")), "{value}");
    }
    assert!(value_matches(json!(300), json!(3.0e2)));
    assert!(!value_matches(json!(1), json!("1")));
    assert!(!value_matches(json!(null), json!("")));
    assert!(!value_matches(json!("X"), json!("x")));
}

#[test]
fn all_fields_and_any_of_the_values() {
    let pattern = json!({ "source": ["one", "two"], "detail": { "state": ["on"] } });
    assert!(matches(pattern.clone(), json!({ "source": "two", "detail": { "state": "on", "more": 1 } })));
    assert!(!matches(pattern.clone(), json!({ "source": "three", "detail": { "state": "on" } })));
    assert!(!matches(pattern.clone(), json!({ "source": "one", "detail": { "state": "off" } })));
    assert!(!matches(pattern, json!({ "source": "one", "detail": "on" })));
}

#[test]
fn any_element_of_an_array_in_the_event() {
    assert!(value_matches(json!("b"), json!(["a", "b"])));
    assert!(!value_matches(json!("c"), json!(["a", "b"])));
    assert!(value_matches(json!({ "anything-but": "a" }), json!(["a", "b"])));
    assert!(!value_matches(json!({ "exists": true }), json!([])));
}

#[test]
fn one_element_of_an_array_of_objects_has_all_the_fields() {
    let pattern = json!({ "items": { "kind": ["x"], "size": [2] } });
    assert!(matches(pattern.clone(), json!({ "items": [{ "kind": "y" }, { "kind": "x", "size": 2 }] })));
    assert!(!matches(pattern, json!({ "items": [{ "kind": "x", "size": 1 }, { "kind": "y", "size": 2 }] })));
}

#[test]
fn text_operators() {
    assert!(value_matches(json!({ "prefix": "ab" }), json!("abc")));
    assert!(!value_matches(json!({ "prefix": "ab" }), json!("ABC")));
    assert!(value_matches(json!({ "prefix": { "equals-ignore-case": "AB" } }), json!("abc")));
    assert!(value_matches(json!({ "suffix": ".png" }), json!("a.png")));
    assert!(value_matches(json!({ "suffix": { "equals-ignore-case": ".PNG" } }), json!("a.png")));
    assert!(value_matches(json!({ "equals-ignore-case": "Alice" }), json!("aLICE")));
    assert!(!value_matches(json!({ "prefix": "1" }), json!(12)));
}

#[test]
fn wildcards() {
    let wild = |pattern: &str, text: &str| value_matches(json!({ "wildcard": pattern }), json!(text));
    for (pattern, text) in
        [("*", ""), ("a*c", "abbc"), ("*/dir/*.png", "x/dir/a.png"), (r"a\*", "a*"), (r"a\\*", r"a\b")]
    {
        assert!(wild(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("a*c", "acb"), (r"a\*", "ab"), ("a?c", "abc")] {
        assert!(!wild(pattern, text), "{pattern} {text}");
    }
}

#[test]
fn numeric_ranges() {
    let within = json!({ "numeric": [">", 0, "<=", 5] });
    for (number, expected) in [(0.0, false), (0.1, true), (5.0, true), (5.1, false)] {
        assert_eq!(value_matches(within.clone(), json!(number)), expected, "{number}");
    }
    assert!(value_matches(json!({ "numeric": ["=", 301.8] }), json!(301.8)));
    assert!(value_matches(json!({ "numeric": ["<", 10] }), json!(-3)));
    assert!(!value_matches(json!({ "numeric": ["<", 10] }), json!("3")));
}

#[test]
fn anything_but() {
    let but = |inner: Value, value: Value| value_matches(json!({ "anything-but": inner }), value);
    assert!(but(json!("a"), json!("b")));
    assert!(!but(json!("a"), json!("a")));
    assert!(!but(json!(["a", "b"]), json!("b")));
    assert!(but(json!([1, 2]), json!(3)));
    assert!(!but(json!({ "prefix": "in" }), json!("init")));
    assert!(!but(json!({ "prefix": ["in", "out"] }), json!("outer")));
    assert!(!but(json!({ "suffix": ".txt" }), json!("a.txt")));
    assert!(!but(json!({ "equals-ignore-case": ["A", "B"] }), json!("b")));
    assert!(!but(json!({ "wildcard": "*/lib/*" }), json!("a/lib/b")));
    assert!(but(json!({ "wildcard": "*/lib/*" }), json!("a/bin/b")));
    assert!(!matches(json!({ "a": [{ "anything-but": "x" }] }), json!({})), "an absent field is not anything");
}

#[test]
fn exists() {
    let there = json!({ "detail": { "a": [{ "exists": true }] } });
    let absent = json!({ "detail": { "a": [{ "exists": false }] } });
    for (detail, exists) in
        [(json!({ "a": null }), true), (json!({ "b": 1 }), false), (json!({ "a": { "b": 1 } }), false)]
    {
        let event = json!({ "detail": detail });
        assert_eq!(matches(there.clone(), event.clone()), exists, "{event}");
        assert_eq!(matches(absent.clone(), event.clone()), !exists, "{event}");
    }
    assert!(matches(absent.clone(), json!({})), "nothing above it either");
    assert!(!matches(absent, json!({ "detail": [{ "b": 1 }, { "a": 1 }] })), "absent from every element");
    assert!(matches(json!({ "a": ["x", { "exists": false }] }), json!({ "b": 1 })), "absent or x");
}

#[test]
fn networks() {
    let inside = |cidr: &str, address: &str| value_matches(json!({ "cidr": cidr }), json!(address));
    assert!(inside("10.0.0.0/24", "10.0.0.255"));
    assert!(!inside("10.0.0.0/24", "10.0.1.0"));
    assert!(inside("0.0.0.0/0", "1.2.3.4"));
    assert!(inside("2001:db8::/32", "2001:db8::1"));
    assert!(!inside("10.0.0.0/24", "not an address"));
}

#[test]
fn or_beside_other_fields() {
    let pattern = json!({ "source": ["s"], "detail": { "$or": [{ "a": [1] }, { "b": [{ "prefix": "x" }] }] } });
    assert!(matches(pattern.clone(), json!({ "source": "s", "detail": { "a": 1 } })));
    assert!(matches(pattern.clone(), json!({ "source": "s", "detail": { "a": 2, "b": "xy" } })));
    assert!(!matches(pattern.clone(), json!({ "source": "s", "detail": { "a": 2 } })));
    assert!(!matches(pattern, json!({ "source": "t", "detail": { "a": 1 } })));
}

#[test]
fn refuses_invalid_patterns() {
    for invalid in [
        "",
        "[]",
        "{}",
        r#"{"a":"x"}"#,
        r#"{"a":[]}"#,
        r#"{"a":{}}"#,
        r#"{"a":[["x"]]}"#,
        r#"{"a":[{"like":"x"}]}"#,
        r#"{"a":[{"prefix":"x","suffix":"y"}]}"#,
        r#"{"a":[{"prefix":1}]}"#,
        r#"{"a":[{"exists":"yes"}]}"#,
        r#"{"a":[{"numeric":["<",1,">",2]}]}"#,
        r#"{"a":[{"numeric":[">",5,"<",5]}]}"#,
        r#"{"a":[{"numeric":["=",6e9]}]}"#,
        r#"{"a":[{"wildcard":"a**"}]}"#,
        r#"{"a":[{"wildcard":"a\\b"}]}"#,
        r#"{"a":[{"anything-but":["x",1]}]}"#,
        r#"{"a":[{"anything-but":true}]}"#,
        r#"{"a":[{"cidr":"10.0.0.0"}]}"#,
        r#"{"$or":[{"a":[1]}]}"#,
    ] {
        let error = Pattern::parse(invalid).err();
        assert!(
            error.as_ref().is_some_and(|reason| reason.starts_with("Event pattern is not valid. Reason: ")),
            "{invalid}"
        );
    }
}
