//! Condition operators.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::wildcard;

/// An operator as a policy names it: `ForAnyValue:StringNotLikeIfExists` and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) quantifier: Quantifier,
    pub(super) comparison: Comparison,
    pub(super) negated: bool,
    pub(super) if_exists: bool,
}

/// How a key with several values is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// The key has one value.
    One,
    /// `ForAnyValue:`, false without the key.
    Any,
    /// `ForAllValues:`, true without the key.
    All,
}

/// What is compared, before negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    /// `ArnEquals` and `ArnLike` are the same to AWS.
    Arn,
    Bool,
    Null,
    NumericEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    IpAddress,
}

impl Operator {
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        let (quantifier, rest) = if let Some(rest) = name.strip_prefix("ForAnyValue:") {
            (Quantifier::Any, rest)
        } else if let Some(rest) = name.strip_prefix("ForAllValues:") {
            (Quantifier::All, rest)
        } else {
            (Quantifier::One, name)
        };
        let (rest, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |rest| (rest, true));
        let (comparison, negated) =
            comparison(rest).ok_or_else(|| match rest.starts_with("Date") || rest == "BinaryEquals" {
                true => format!("local-aws does not evaluate the condition operator {name}"),
                false => format!("Invalid Condition type : {name}"),
            })?;
        if comparison == Comparison::Null && (if_exists || quantifier != Quantifier::One) {
            return Err(format!("Invalid Condition type : {name}"));
        }
        Ok(Self { quantifier, comparison, negated, if_exists })
    }
}

fn comparison(name: &str) -> Option<(Comparison, bool)> {
    Some(match name {
        "StringEquals" => (Comparison::StringEquals, false),
        "StringNotEquals" => (Comparison::StringEquals, true),
        "StringEqualsIgnoreCase" => (Comparison::StringEqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Comparison::StringEqualsIgnoreCase, true),
        "StringLike" => (Comparison::StringLike, false),
        "StringNotLike" => (Comparison::StringLike, true),
        "ArnEquals" | "ArnLike" => (Comparison::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Comparison::Arn, true),
        "Bool" => (Comparison::Bool, false),
        "Null" => (Comparison::Null, false),
        "NumericEquals" => (Comparison::NumericEquals, false),
        "NumericNotEquals" => (Comparison::NumericEquals, true),
        "NumericLessThan" => (Comparison::NumericLessThan, false),
        "NumericLessThanEquals" => (Comparison::NumericLessThanEquals, false),
        "NumericGreaterThan" => (Comparison::NumericGreaterThan, false),
        "NumericGreaterThanEquals" => (Comparison::NumericGreaterThanEquals, false),
        "IpAddress" => (Comparison::IpAddress, false),
        "NotIpAddress" => (Comparison::IpAddress, true),
        _ => return None,
    })
}

impl Comparison {
    /// Whether a policy may compare with `expected`.
    pub(super) fn accepts(self, expected: &str) -> bool {
        match self {
            Self::StringEquals | Self::StringEqualsIgnoreCase | Self::StringLike => true,
            Self::Arn => expected.splitn(6, ':').count() == 6,
            Self::Bool | Self::Null => expected == "true" || expected == "false",
            Self::IpAddress => Network::parse(expected).is_some(),
            Self::NumericEquals
            | Self::NumericLessThan
            | Self::NumericLessThanEquals
            | Self::NumericGreaterThan
            | Self::NumericGreaterThanEquals => number(expected).is_some(),
        }
    }

    /// Whether the request's `actual` value meets the policy's `expected` one.
    pub(super) fn matches(self, expected: &str, actual: &str) -> bool {
        let order = || number(actual)?.partial_cmp(&number(expected)?);
        match self {
            Self::StringEquals => expected == actual,
            Self::StringEqualsIgnoreCase => expected.to_lowercase() == actual.to_lowercase(),
            Self::StringLike => wildcard::matches(expected, actual),
            Self::Arn => arn_matches(expected, actual),
            Self::Bool => expected.eq_ignore_ascii_case(actual),
            // Looks at the key, not at its value: see `Condition::holds`.
            Self::Null => false,
            Self::NumericEquals => order() == Some(Ordering::Equal),
            Self::NumericLessThan => order() == Some(Ordering::Less),
            Self::NumericLessThanEquals => order().is_some_and(Ordering::is_le),
            Self::NumericGreaterThan => order() == Some(Ordering::Greater),
            Self::NumericGreaterThanEquals => order().is_some_and(Ordering::is_ge),
            Self::IpAddress => actual
                .parse()
                .is_ok_and(|address| Network::parse(expected).is_some_and(|network| network.contains(address))),
        }
    }
}

/// The six parts of an ARN are compared one by one: a `*` does not reach over a colon, except in the last.
fn arn_matches(expected: &str, actual: &str) -> bool {
    let (expected, actual) = (expected.splitn(6, ':'), actual.splitn(6, ':'));
    expected.clone().count() == actual.clone().count()
        && expected.zip(actual).all(|(pattern, part)| wildcard::matches(pattern, part))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A range of addresses in CIDR notation; an address alone is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) address: IpAddr,
    pub(super) prefix: u32,
}

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
        (prefix <= bits).then_some(Self { address, prefix })
    }

    pub(super) fn contains(&self, other: IpAddr) -> bool {
        // A shift by the whole width is none at all: then every address is in the network.
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}
