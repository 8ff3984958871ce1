//! A line of the checklist: a rule, whether it holds, what was seen, and what to do if it does not.

use contract::ErrorCode;
use serde::Serialize;

use super::observed::Unseen;

/// Whether a rule holds, from good to bad: what could not be seen never hides that something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It does.
    Pass,
    /// There is nothing to hold it against, or nobody here can tell. The evidence says why.
    NotApplicable,
    /// AWS did not tell.
    Unknown,
    /// It does not.
    Fail,
}

/// The part of the checklist that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the titles say it")]
pub enum Section {
    Account,
    User,
    Key,
    Bucket,
    Policy,
    ByHand,
}

/// A rule of the conventions.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Never changes, so that scripts can rely on it.
    pub id: &'static str,
    /// Where it stands.
    pub section: Section,
    /// What it says.
    pub text: &'static str,
}

/// A rule, held against one organization.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The rule's id.
    pub id: &'static str,
    /// The rule's section.
    pub section: Section,
    /// What the rule says.
    pub rule: &'static str,
    /// Whether it holds.
    pub status: Status,
    /// What was seen: names, ARNs, values. Never a secret.
    pub evidence: String,
    /// What to do about it, where it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

/// What to do about a line that does not pass.
#[derive(Clone, Debug, Serialize)]
pub struct Remedy {
    /// In words.
    pub text: String,
    /// The code that provisioning would fail with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// The page of that code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Status {
    /// Every status, in the order of summaries.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fail, Self::NotApplicable, Self::Unknown];

    /// The name, as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }

    /// The name in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NotApplicable => "not applicable",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }

    /// One character for it.
    pub fn mark(self) -> char {
        match self {
            Self::Pass => '✓',
            Self::NotApplicable => '–',
            Self::Fail => '✗',
            Self::Unknown => '?',
        }
    }
}

impl Section {
    /// Every section, in the order of the checklist.
    pub const ALL: [Self; 6] = [Self::Account, Self::User, Self::Key, Self::Bucket, Self::Policy, Self::ByHand];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Account => "Organization and account",
            Self::User => "IAM user",
            Self::Key => "Access key and secret",
            Self::Bucket => "Bucket",
            Self::Policy => "Bucket policy and isolation",
            Self::ByHand => "Done by hand",
        }
    }
}

impl Remedy {
    /// What to do, without a page.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: None, page: None }
    }

    /// What to do, and the page of the code that provisioning would fail with.
    pub fn of(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { text: text.into(), code: Some(code), page: Some(format!("docs/errors/{code}.md")) }
    }
}

impl Rule {
    /// A rule.
    pub const fn of(section: Section, id: &'static str, text: &'static str) -> Self {
        Self { id, section, text }
    }

    /// It holds.
    pub fn pass(self, evidence: impl Into<String>) -> Line {
        self.line(Status::Pass, evidence.into(), None)
    }

    /// It does not hold.
    pub fn fail(self, evidence: impl Into<String>, remedy: Remedy) -> Line {
        self.line(Status::Fail, evidence.into(), Some(remedy))
    }

    /// There is nothing to hold it against.
    pub fn not_applicable(self, why: impl Into<String>) -> Line {
        self.line(Status::NotApplicable, why.into(), None)
    }

    /// AWS did not tell.
    pub fn unknown(self, why: &Unseen) -> Line {
        self.line(Status::Unknown, why.message.clone(), Some(Remedy::of(why.code, "mend the cause and look again")))
    }

    fn line(self, status: Status, evidence: String, remedy: Option<Remedy>) -> Line {
        Line { id: self.id, section: self.section, rule: self.text, status, evidence, remedy }
    }
}
