//! One condition on one value.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::numeric::Range;
use super::wildcard::Wildcard;

/// A condition that a single value meets or does not.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// Equal: a string, a boolean or null.
    Equals(Value),
    /// Equal as a number, however it is written.
    EqualsNumber(f64),
    /// Text that is equal but for case.
    EqualsIgnoreCase(String),
    /// Text that begins so.
    Prefix(String),
    /// The same but for case; kept in lower case.
    PrefixIgnoreCase(String),
    /// Text that ends so.
    Suffix(String),
    /// The same but for case; kept in lower case.
    SuffixIgnoreCase(String),
    /// Text with `*` for anything.
    Wildcard(Wildcard),
    /// A number within bounds.
    Numeric(Range),
    /// An address in a network.
    Cidr(IpAddr, u8),
    /// Any value at all, or none.
    Exists(bool),
    /// A value that none of these matches.
    AnythingBut(Vec<Matcher>),
}

impl Matcher {
    pub(super) fn parse(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(object) => operator(object),
            Value::Array(_) => Err("Match value must be String, number, true, false, or null".to_owned()),
            scalar => Ok(exact(scalar)),
        }
    }

    pub(super) fn matches(&self, value: &Value) -> bool {
        let text = |test: &dyn Fn(&str) -> bool| value.as_str().is_some_and(test);
        match self {
            Self::Equals(expected) => value == expected,
            Self::EqualsNumber(expected) => value.as_f64() == Some(*expected),
            Self::EqualsIgnoreCase(expected) => text(&|text| text.to_lowercase() == *expected),
            Self::Prefix(prefix) => text(&|text| text.starts_with(prefix.as_str())),
            Self::PrefixIgnoreCase(prefix) => text(&|text| text.to_lowercase().starts_with(prefix.as_str())),
            Self::Suffix(suffix) => text(&|text| text.ends_with(suffix.as_str())),
            Self::SuffixIgnoreCase(suffix) => text(&|text| text.to_lowercase().ends_with(suffix.as_str())),
            Self::Wildcard(wildcard) => text(&|text| wildcard.matches(text)),
            Self::Numeric(range) => value.as_f64().is_some_and(|number| range.contains(number)),
            Self::Cidr(network, bits) => {
                text(&|text| text.parse().is_ok_and(|address: IpAddr| in_network(address, *network, *bits)))
            }
            Self::Exists(exists) => *exists,
            Self::AnythingBut(none_of) => !none_of.iter().any(|matcher| matcher.matches(value)),
        }
    }
}

fn exact(scalar: Value) -> Matcher {
    match scalar.as_f64() {
        Some(number) => Matcher::EqualsNumber(number),
        None => Matcher::Equals(scalar),
    }
}

fn operator(object: Map<String, Value>) -> Result<Matcher, String> {
    let mut fields = object.into_iter();
    let (Some((name, value)), None) = (fields.next(), fields.next()) else {
        return Err("Only one key allowed in match expression".to_owned());
    };
    match (name.as_str(), value) {
        ("exists", Value::Bool(exists)) => Ok(Matcher::Exists(exists)),
        ("exists", _) => Err("exists match pattern must be either true or false.".to_owned()),
        ("numeric", value) => Range::parse(&value).map(Matcher::Numeric),
        ("cidr", Value::String(cidr)) => network(&cidr),
        ("anything-but", value) => anything_but(value),
        ("prefix" | "suffix", Value::Object(inner)) => ignoring_case(&name, inner),
        (_, Value::String(value)) => text_operator(&name, value),
        ("prefix" | "suffix" | "equals-ignore-case" | "wildcard" | "cidr", _) => {
            Err(format!("{name} match pattern must be a string"))
        }
        _ => Err(unknown(&name)),
    }
}

fn unknown(name: &str) -> String {
    format!("Unrecognized match type {name}")
}

fn text_operator(name: &str, value: String) -> Result<Matcher, String> {
    match name {
        "prefix" => Ok(Matcher::Prefix(value)),
        "suffix" => Ok(Matcher::Suffix(value)),
        "equals-ignore-case" => Ok(Matcher::EqualsIgnoreCase(value.to_lowercase())),
        "wildcard" => Wildcard::parse(&value).map(Matcher::Wildcard),
        other => Err(unknown(other)),
    }
}

/// `{"prefix": {"equals-ignore-case": "x"}}`, and the same with `suffix`.
fn ignoring_case(name: &str, inner: Map<String, Value>) -> Result<Matcher, String> {
    match inner.into_iter().next() {
        Some((key, Value::String(text))) if key == "equals-ignore-case" && name == "prefix" => {
            Ok(Matcher::PrefixIgnoreCase(text.to_lowercase()))
        }
        Some((key, Value::String(text))) if key == "equals-ignore-case" => {
            Ok(Matcher::SuffixIgnoreCase(text.to_lowercase()))
        }
        _ => Err(format!("{name} match pattern must be a string")),
    }
}

/// Values of one kind, strings or numbers, or one text operator with one text or several.
fn anything_but(value: Value) -> Result<Matcher, String> {
    let none_of = match value {
        Value::Object(object) => {
            let mut fields = object.into_iter();
            let (Some((name, value)), None) = (fields.next(), fields.next()) else {
                return Err("Only one key allowed in match expression".to_owned());
            };
            texts(value)?.into_iter().map(|text| text_operator(&name, text)).collect::<Result<_, _>>()?
        }
        Value::Array(values) => {
            let same_kind = values.iter().all(Value::is_string) || values.iter().all(Value::is_number);
            if values.is_empty() || !same_kind {
                return Err(
                    "Inside anything but list, either all values are number or string, mixed type is not supported"
                        .to_owned(),
                );
            }
            values.into_iter().map(exact).collect()
        }
        scalar @ (Value::String(_) | Value::Number(_)) => vec![exact(scalar)],
        _ => return Err("Value of anything-but must be an array or single string/number value.".to_owned()),
    };
    Ok(Matcher::AnythingBut(none_of))
}

fn texts(value: Value) -> Result<Vec<String>, String> {
    let wrong = || "Inside anything-but, an operator takes a string or a list of strings".to_owned();
    let text = |value| if let Value::String(text) = value { Ok(text) } else { Err(wrong()) };
    match value {
        Value::Array(values) if values.is_empty() => Err(wrong()),
        Value::Array(values) => values.into_iter().map(text).collect(),
        other => Ok(vec![text(other)?]),
    }
}

fn network(cidr: &str) -> Result<Matcher, String> {
    let wrong = || format!("Malformed CIDR, one '/' required: {cidr}");
    let (address, bits) = cidr.split_once('/').ok_or_else(wrong)?;
    let (address, bits): (IpAddr, u8) = (address.parse().map_err(|_| wrong())?, bits.parse().map_err(|_| wrong())?);
    let most = if address.is_ipv4() { 32 } else { 128 };
    if bits > most { Err(wrong()) } else { Ok(Matcher::Cidr(address, bits)) }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differing = u32::from(address) ^ u32::from(network);
            differing.checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differing = u128::from(address) ^ u128::from(network);
            differing.checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
        }
        _ => false,
    }
}
