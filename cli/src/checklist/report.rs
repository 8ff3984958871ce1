//! The checklist of one organization, ready to be shown: its lines, and what people look up about it.

use std::collections::BTreeMap;

use org::{OrgId, bucket_policy};
use serde::Serialize;
use serde_json::Value;

use super::line::{Line, Section, Status};
use super::lines::lines;
use super::observed::{Asked, Observed, key_name};

/// What stands in place of a secret, should one be where it must not be.
const CONCEALED: &str = "(a secret, not shown)";
/// Characters of a secret access key.
const SECRET_LENGTH: usize = 40;
/// What access key ids begin with: those of users, and those that STS lends.
const KEY_PREFIXES: [&str; 2] = ["AKIA", "ASIA"];
/// Characters of an access key id, at least.
const KEY_ID_LENGTH: usize = 20;
/// An organization's id of fewer characters is in no path of 40 that the conventions make: they put no more around it.
const LONG_ID: usize = 20;

/// One organization's checklist.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The organization.
    pub organization: OrgId,
    /// All of it in one word: the worst that any line says.
    pub status: Status,
    /// How many lines say what.
    pub counts: Counts,
    /// When it was looked at, in UTC.
    pub time: String,
    /// What people look up.
    pub reference: Reference,
    /// The lines.
    pub lines: Vec<Line>,
}

/// How many lines say what. Also of several organizations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of the statuses")]
pub struct Counts {
    pub pass: usize,
    pub fail: usize,
    pub not_applicable: usize,
    pub unknown: usize,
}

/// Names, ARNs, tags and the policy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// The account's number.
    pub account: String,
    /// What the account may hold.
    pub account_class: String,
    /// The region.
    pub region: String,
    /// The user's name.
    pub user: String,
    /// The user's ARN.
    pub user_arn: String,
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's ARN.
    pub bucket_arn: String,
    /// The secret's name.
    pub secret: String,
    /// The secret's ARN, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_arn: Option<String>,
    /// The access key's last four characters, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// What is public, as a client reads it.
    pub public_url: String,
    /// How to fetch the credential.
    pub fetch: String,
    /// The tags of each resource.
    pub tags: Vec<Tagged>,
    /// The bucket's policy as it is, or as it should be where there is none.
    pub policy: String,
    /// Whether that is the policy as it is.
    pub policy_is_live: bool,
}

/// A resource's tags.
#[derive(Clone, Debug, Serialize)]
pub struct Tagged {
    /// `user`, `bucket` or `secret`.
    pub resource: &'static str,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl Counts {
    /// How many lines have this status.
    pub fn of(self, status: Status) -> usize {
        match status {
            Status::Pass => self.pass,
            Status::Fail => self.fail,
            Status::NotApplicable => self.not_applicable,
            Status::Unknown => self.unknown,
        }
    }

    /// One more with this status.
    pub fn add(&mut self, status: Status) {
        match status {
            Status::Pass => self.pass += 1,
            Status::Fail => self.fail += 1,
            Status::NotApplicable => self.not_applicable += 1,
            Status::Unknown => self.unknown += 1,
        }
    }

    /// In words: `40 pass, 2 fail, 9 not applicable`. What is not there is not told, but for passes and failures.
    pub fn words(self) -> String {
        let told = Status::ALL
            .into_iter()
            .filter(|status| matches!(status, Status::Pass | Status::Fail) || self.of(*status) > 0);
        told.map(|status| format!("{} {}", self.of(status), status.words())).collect::<Vec<_>>().join(", ")
    }
}

impl Report {
    /// Decides every line. A secret access key is in none of the texts, wherever somebody may have put it, and of an
    /// access key's id only the end.
    pub fn of(asked: &Asked, observed: &Observed, time: String) -> Self {
        let secret = observed.credential().map(|credential| credential.secret_access_key.expose().to_owned());
        let conceal = |text: &mut String| {
            if let Some(secret) = secret.as_deref().filter(|secret| !secret.is_empty() && text.contains(secret)) {
                *text = text.replace(secret, CONCEALED);
            }
            *text = without_key_ids(&without_secret_shapes(asked, text));
        };
        let mut lines = lines(asked, observed);
        for line in &mut lines {
            conceal(&mut line.evidence);
            if let Some(remedy) = &mut line.remedy {
                conceal(&mut remedy.text);
            }
        }
        let mut reference = Reference::of(asked, observed);
        conceal(&mut reference.policy);
        conceal(&mut reference.user_arn);
        reference.secret_arn.as_mut().into_iter().for_each(conceal);
        for tagged in &mut reference.tags {
            let tags = std::mem::take(&mut tagged.tags).into_iter().map(|(mut key, mut value)| {
                conceal(&mut key);
                conceal(&mut value);
                (key, value)
            });
            tagged.tags = tags.collect();
        }
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.add(line.status));
        let worst = lines.iter().map(|line| line.status).filter(|status| *status != Status::NotApplicable).max();
        let status = worst.unwrap_or(Status::Pass);
        Self { organization: asked.org.clone(), status, counts, time, reference, lines }
    }

    /// The lines of a section.
    pub fn section(&self, section: Section) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.section == section)
    }

    /// The lines that somebody has to look at.
    pub fn problems(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| matches!(line.status, Status::Fail | Status::Unknown))
    }
}

impl Reference {
    fn of(asked: &Asked, observed: &Observed) -> Self {
        let Asked { org, place, conventions, .. } = asked;
        let user = observed.user.as_ref().ok().and_then(Option::as_ref);
        let secret = observed.secret.as_ref().ok().and_then(Option::as_ref);
        let buckets = observed.buckets.as_ref().ok();
        let bucket = buckets.and_then(|buckets| buckets.chosen()).cloned();
        let bucket = bucket.unwrap_or_else(|| conventions.bucket_name(org));
        let (user_name, secret_name) = (conventions.user_name(org), conventions.secret_name(org));
        let user_arn = user.map_or_else(|| place.user_arn(&user_name), |user| user.arn.clone());
        let live = observed.setup.as_ref().and_then(|setup| setup.policy.as_ref().ok()?.as_deref());
        let tags_of = |resource, tags: Option<&Vec<(String, String)>>| {
            Some(Tagged { resource, tags: tags?.iter().cloned().collect() })
        };
        let domain = if place.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        Self {
            account: place.account.clone(),
            account_class: asked.account_class.to_string(),
            region: place.region.clone(),
            bucket_arn: place.bucket_arn(bucket.as_str()),
            public_url: format!("https://{bucket}.s3.{}.{domain}/pub/", place.region),
            bucket: bucket.to_string(),
            secret_arn: secret.map(|secret| secret.arn.clone()),
            access_key: observed.credential().map(|stored| key_name(&stored.access_key_id)),
            fetch: format!(
                "aws secretsmanager get-secret-value --region {} --secret-id {secret_name} --query SecretString --output text",
                place.region
            ),
            secret: secret_name,
            tags: [
                tags_of("user", user.map(|user| &user.tags)),
                tags_of("bucket", buckets.map(|buckets| &buckets.tags)),
                tags_of("secret", secret.map(|secret| &secret.tags)),
            ]
            .into_iter()
            .flatten()
            .filter(|tagged| !tagged.tags.is_empty())
            .collect(),
            policy: live.map_or_else(|| bucket_policy(place, &bucket, &user_arn), pretty),
            policy_is_live: live.is_some(),
            user: user_name,
            user_arn,
        }
    }
}

/// Whether a text has something in it that could be a secret access key, of this user or any other.
pub(super) fn has_secret_shape(asked: &Asked, text: &str) -> bool {
    without_secret_shapes(asked, text) != text
}

/// The text without what could be a secret access key: 40 of its characters that stand alone. Nothing tells a key from
/// another text of that form, so a SHA-1 in hexadecimal or an object's name of 40 letters is concealed as well. Only
/// what the conventions make of a long organization id is known to be none.
fn without_secret_shapes(asked: &Asked, text: &str) -> String {
    let org = asked.org.as_str();
    let secret_name = asked.conventions.secret_name(&asked.org);
    let is_own =
        |run: &str| secret_name.contains(run) || (org.len() >= LONG_ID && run.split('/').any(|part| part == org));
    let conceal = |run: &str| (run.len() == SECRET_LENGTH && !is_own(run)).then(|| CONCEALED.to_owned());
    replace_runs(text, |c| c.is_ascii_alphanumeric() || matches!(c, '/' | '+'), conceal)
}

/// The text with the last four characters of access key ids in their place: the console writes whole ids into tags,
/// as the names of keys' descriptions.
fn without_key_ids(text: &str) -> String {
    let shorten = |run: &str| {
        let start = KEY_PREFIXES.iter().filter_map(|prefix| run.find(prefix)).min()?;
        let (before, id) = run.split_at_checked(start)?;
        (id.len() >= KEY_ID_LENGTH).then(|| format!("{before}{}", key_name(id)))
    };
    replace_runs(text, |c| c.is_ascii_uppercase() || c.is_ascii_digit(), shorten)
}

/// The text with other words for some of its longest runs of such characters.
fn replace_runs(text: &str, belongs: impl Fn(char) -> bool, replacement: impl Fn(&str) -> Option<String>) -> String {
    let (mut replaced, mut run) = (String::with_capacity(text.len()), String::new());
    for c in text.chars().map(Some).chain([None]) {
        if let Some(c) = c.filter(|c| belongs(*c)) {
            run.push(c);
            continue;
        }
        replaced.push_str(replacement(&run).as_deref().unwrap_or(&run));
        run.clear();
        replaced.extend(c);
    }
    replaced
}

/// A policy as people read it, without JSON's escapes.
pub(super) fn pretty(policy: &str) -> String {
    serde_json::from_str::<Value>(policy).map_or_else(|_| policy.to_owned(), |policy| format!("{policy:#}"))
}

#[cfg(test)]
mod tests {
    use org::{AccountClass, Conventions, Place};

    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn asked(org: &str) -> Asked {
        Asked {
            org: OrgId::parse(org).unwrap(),
            place: Place { partition: "aws".into(), account: "123456789012".into(), region: "us-east-1".into() },
            caller: "arn:aws:iam::123456789012:user/me".into(),
            conventions: Conventions::default(),
            account_class: AccountClass::Production,
            account_was_expected: false,
            environment: None,
            kms_key_id: None,
        }
    }

    #[test]
    fn what_could_be_a_secret_is_concealed_where_it_stands_alone() {
        let asked = asked("acme");
        for (before, after) in [("", ""), ("key=", "."), ("AKIA:", "\n"), ("é", "é"), ("\"", "\"")] {
            let shown = without_secret_shapes(&asked, &format!("{before}{SECRET}{after}"));
            assert_eq!(shown, format!("{before}{CONCEALED}{after}"));
        }
        let both = without_secret_shapes(&asked, &format!("{SECRET} {SECRET}"));
        assert_eq!(both, format!("{CONCEALED} {CONCEALED}"));
        assert!(has_secret_shape(&asked, "da39a3ee5e6b4b0d3255bfef95601890afd80709"), "a SHA-1 has the same form");
        for other in [SECRET.get(1..).unwrap(), &format!("{SECRET}x"), "arn:aws:iam::123456789012:user/rms_acme", ""] {
            assert!(!has_secret_shape(&asked, other), "{other}");
        }
    }

    #[test]
    fn names_of_every_length_are_shown() {
        for length in 1..=52 {
            let asked = asked(&"o".repeat(length));
            let (org, bucket) = (asked.org.as_str(), asked.conventions.bucket_name(&asked.org));
            let secret = asked.conventions.secret_name(&asked.org);
            let arn = asked.place.user_arn(&asked.conventions.user_name(&asked.org));
            let policy = bucket_policy(&asked.place, &bucket, &arn);
            for text in [org, &secret, &format!("{secret}-AbCdEf"), &arn, &policy, &pretty(&policy)] {
                assert!(!has_secret_shape(&asked, text), "{text}");
            }
        }
    }

    #[test]
    fn of_access_key_ids_only_the_end_is_shown() {
        for (text, shown) in [
            ("AKIAIOSFODNN7EXAMPLE", "…MPLE"),
            ("keys AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPL2", "keys …MPLE, …MPL2"),
            ("xAKIAIOSFODNN7EXAMPLEx", "x…MPLEx"),
            ("AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN7EXAMPL"),
            ("AIDAIOSFODNN7EXAMPLE", "AIDAIOSFODNN7EXAMPLE"),
            ("AKIA…MPLE", "AKIA…MPLE"),
        ] {
            assert_eq!(without_key_ids(text), shown);
        }
    }
}
