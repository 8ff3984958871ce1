//! The organization's id, from which every name is derived.

use serde::Serialize;

/// An organization's id: `^[a-z][a-z0-9]*$`, at most 52 characters, so that every name fits its service.
///
/// Ids are never folded to lower case: two spellings that meet in one bucket would be two clients in one
/// bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OrgId(Box<str>);

/// Why a text is no organization id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum InvalidOrgId {
    #[error("is empty")]
    Empty,
    #[error("is longer than {max} characters", max = OrgId::MAX_LENGTH)]
    TooLong,
    #[error("does not start with a letter from a to z")]
    Start,
    #[error("has a character that is neither a letter from a to z nor a digit")]
    Character,
}

impl OrgId {
    /// A bucket name has at most 63 characters, and 11 of them are the standard prefix `fusion-rms-`.
    pub const MAX_LENGTH: usize = 52;

    /// The rule in words, for messages.
    pub const RULE: &str = "lower-case letters and digits, starting with a letter, at most 52 characters";

    /// Checks `text`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidOrgId> {
        let first = text.bytes().next().ok_or(InvalidOrgId::Empty)?;
        if text.chars().count() > Self::MAX_LENGTH {
            return Err(InvalidOrgId::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Err(InvalidOrgId::Character);
        }
        if !first.is_ascii_lowercase() {
            return Err(InvalidOrgId::Start);
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For looking ids up by text: it is compared like an id.
impl std::borrow::Borrow<str> for OrgId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for OrgId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_vendor_uses() {
        for id in ["xmsqa1", "a", "org", &"a".repeat(52)] {
            assert_eq!(OrgId::parse(id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn rejects_and_never_folds() {
        for (id, why) in [
            ("", InvalidOrgId::Empty),
            ("1abc", InvalidOrgId::Start),
            ("Xmsqa1", InvalidOrgId::Character),
            ("xms-qa", InvalidOrgId::Character),
            ("xms qa", InvalidOrgId::Character),
            ("хmsqa", InvalidOrgId::Character), // a Cyrillic look-alike
            ("abc\n", InvalidOrgId::Character),
            (&"a".repeat(53), InvalidOrgId::TooLong),
        ] {
            assert_eq!(OrgId::parse(id), Err(why), "{id}");
        }
    }
}
