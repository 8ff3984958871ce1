//! The checklist of one organization, ready to be shown: its lines, and what people look up about it.

use std::collections::BTreeMap;

use org::{OrgId, bucket_policy};
use serde::Serialize;
use serde_json::Value;

use super::line::{Line, Section, Status};
use super::lines::lines;
use super::observed::{Asked, Observed};

/// What stands in place of a secret, should one be where it must not be.
const CONCEALED: &str = "(a secret, not shown)";

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
    /// Decides every line. A secret access key is in none of the texts, wherever somebody may have put it.
    pub fn of(asked: &Asked, observed: &Observed, time: String) -> Self {
        let secret = observed.credential().map(|credential| credential.secret_access_key.expose().to_owned());
        let conceal = |text: &mut String| {
            if let Some(secret) = secret.as_deref().filter(|secret| !secret.is_empty() && text.contains(secret)) {
                *text = text.replace(secret, CONCEALED);
            }
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
            access_key: observed.credential().map(|stored| super::observed::key_name(&stored.access_key_id)),
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

fn pretty(policy: &str) -> String {
    serde_json::from_str::<Value>(policy).map_or_else(|_| policy.to_owned(), |policy| format!("{policy:#}"))
}
