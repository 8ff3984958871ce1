//! Mishaps that follow from whom a call is about: the same organization meets the same, whoever else is there.

use bytes::Bytes;

use crate::weather::Mishap;

/// What organizations are called whose calls are told apart: this, and three digits.
pub const PREFIX: &str = "churn";
const DIGITS: usize = 3;

/// Mishaps at random, for the first calls about each organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Showers {
    /// What they follow from.
    pub seed: u64,
    /// How many calls of a hundred meet something.
    pub percent: u32,
    /// How many calls about each organization can; after them it is calm, so that everything can come to its end.
    pub calls: u64,
}

impl Showers {
    /// What the n-th call about an organization meets, from 1.
    pub fn at(&self, subject: &str, nth: u64) -> Option<Mishap> {
        use strum::IntoEnumIterator;
        let of_subject = subject.bytes().fold(self.seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let mut random = fastrand::Rng::with_seed(of_subject ^ nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let meets = nth <= self.calls && random.u32(..100) < self.percent;
        let kinds: Vec<Mishap> = Mishap::iter().collect();
        meets.then(|| kinds[random.usize(..kinds.len())])
    }
}

/// The organization that a request is about: the first one that it names; empty where it names none.
pub fn subject_of(request: &http::Request<Bytes>) -> String {
    let uri = request.uri().to_string();
    named_in(&uri).or_else(|| named_in(&String::from_utf8_lossy(request.body()))).unwrap_or_default()
}

/// The first organization that a text names.
pub fn named_in(text: &str) -> Option<String> {
    let number = |at: usize| text.get(at + PREFIX.len()..at + PREFIX.len() + DIGITS);
    let is_one = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit());
    let found = text.match_indices(PREFIX).find_map(|(at, _)| number(at).filter(|number| is_one(number)));
    found.map(|number| format!("{PREFIX}{number}"))
}

/// The organization of this number.
pub fn organization(number: u16) -> String {
    format!("{PREFIX}{number:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named_is_found_wherever_the_name_stands() {
        assert_eq!(named_in("Action=TagUser&UserName=rms_churn017&Tags"), Some(organization(17)));
        assert_eq!(named_in("churns and churn00, then fusion-rms/churn1234/aws"), Some("churn123".to_owned()));
        assert_eq!(named_in("churn01"), None);
    }
}
