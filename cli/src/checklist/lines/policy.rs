//! The bucket's policy, statement by statement, and what the stored key can do with it.

use contract::ErrorCode;
use org::bucket_policy;

use super::super::document::{Document, Part};
use crate::checklist::line::{Line, Remedy, Rule, Section};
use crate::checklist::observed::{Asked, Attempt, Observed, Seen};

const PUBLIC: Rule = Rule::of(Section::Policy, "policy-public", "Statement 1: everybody may read objects in pub/");
const OBJECTS: Rule =
    Rule::of(Section::Policy, "policy-objects", "Statement 2: the user may read, write and delete every object");
const LIST: Rule = Rule::of(Section::Policy, "policy-list", "Statement 3: the user may list the bucket");
const NOTHING_ELSE: Rule = Rule::of(Section::Policy, "policy-nothing-else", "The policy says nothing else");
const PRINCIPAL: Rule =
    Rule::of(Section::Policy, "policy-principal", "The policy names the user who is there now, and nobody else");
const OWN: Rule = Rule::of(Section::Policy, "key-own-bucket", "The stored key lists the organization's bucket");
const ALL: Rule = Rule::of(Section::Policy, "key-all-buckets", "The stored key cannot list the account's buckets");
const OTHER: Rule =
    Rule::of(Section::Policy, "key-other-bucket", "The stored key cannot list another organization's bucket");

pub(super) fn lines(asked: &Asked, observed: &Observed) -> Vec<Line> {
    let mut lines = policy(asked, observed);
    lines.extend(isolation(observed));
    lines
}

fn policy(asked: &Asked, observed: &Observed) -> Vec<Line> {
    let all = [PUBLIC, OBJECTS, LIST, NOTHING_ELSE, PRINCIPAL];
    let every = |line: &dyn Fn(Rule) -> Line| all.iter().map(|rule| line(*rule)).collect();
    let bucket = match &observed.buckets {
        Ok(buckets) => buckets.chosen(),
        Err(unseen) => return every(&|rule| rule.unknown(unseen)),
    };
    let (Some(bucket), Some(setup)) = (bucket, &observed.setup) else {
        return every(&|rule| rule.not_applicable("there is no bucket in this region"));
    };
    let found = match &setup.policy {
        Ok(found) => found,
        Err(unseen) => return every(&|rule| rule.unknown(unseen)),
    };
    let user = observed.user.as_ref().ok().and_then(Option::as_ref);
    let name = asked.conventions.user_name(&asked.org);
    let arn = user.map_or_else(|| asked.place.user_arn(&name), |user| user.arn.clone());
    let golden = Document::read(&bucket_policy(&asked.place, bucket, &arn)).unwrap_or_default();
    let Some(found) = found else {
        let missing = [PUBLIC, OBJECTS, LIST].map(|rule| rule.fail("the bucket has no policy", again()));
        let rest = [NOTHING_ELSE, PRINCIPAL].map(|rule| rule.not_applicable("the bucket has no policy"));
        return missing.into_iter().chain(rest).collect();
    };
    let Some(document) = Document::read(found) else {
        return every(&|rule| rule.fail("the policy cannot be read", again()));
    };
    let matched = document.against(&golden);
    let statements = [PUBLIC, OBJECTS, LIST].into_iter().zip(&matched.parts).map(|(rule, part)| match part {
        Part::There(statement) => rule.pass(statement),
        Part::Missing(statement) => rule.fail(format!("not there: {statement}"), again()),
    });
    let nothing_else = if matched.extra.is_empty() {
        NOTHING_ELSE.pass(format!("{} statements, version {}", document.statements(), document.version()))
    } else {
        let remedy = "find out who needs it; the bucket-policy step replaces the whole policy by the convention's";
        NOTHING_ELSE.fail(matched.extra.join("; "), Remedy::of(ErrorCode::PublicGrant, remedy))
    };
    let strangers: Vec<&str> = matched.principals.iter().map(String::as_str).filter(|name| *name != arn).collect();
    let principal = match (&matched.principals[..], user) {
        ([], _) => PRINCIPAL.not_applicable("no statement of the convention names a user"),
        (_, None) => PRINCIPAL.not_applicable("there is no user to compare with"),
        (_, Some(_)) if strangers.is_empty() => PRINCIPAL.pass(&arn),
        _ => PRINCIPAL.fail(format!("{} instead of {arn}", strangers.join(", ")), again()),
    };
    statements.chain([nothing_else, principal]).collect()
}

fn again() -> Remedy {
    Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization; the bucket-policy step writes it")
}

/// Why a refusal does not decide a line.
pub(super) fn proves_nothing(code: &str) -> String {
    format!("it was refused with {code}, which tells nothing about permissions")
}

fn isolation(observed: &Observed) -> [Line; 3] {
    let Some(with_key) = &observed.with_key else {
        return [OWN, ALL, OTHER].map(|rule| rule.not_applicable("there is no stored access key"));
    };
    let own = match &with_key.own_bucket {
        None => OWN.not_applicable("there is no bucket in this region"),
        Some(Ok(Attempt::Done)) => OWN.pass("listed"),
        Some(Ok(Attempt::Refused(code))) => OWN.fail(
            format!("refused: {code}"),
            Remedy::of(
                ErrorCode::Propagating,
                "see the lines about the key and the policy; wait a minute if they are new",
            ),
        ),
        Some(Err(unseen)) => OWN.unknown(unseen),
    };
    let refused = |rule: Rule, what: &str, attempt: &Seen<Attempt>| match attempt {
        Ok(Attempt::Done) => rule.fail(
            format!("{what} was listed"),
            Remedy::of(
                ErrorCode::UserHasPermissions,
                "remove the user's policies and groups, or the other bucket's grant",
            ),
        ),
        // A key that does not work proves nothing by being refused.
        Ok(refused @ Attempt::Refused(code)) => match &with_key.identity {
            Ok(Err(_)) => rule.not_applicable("the stored key does not work"),
            Err(unseen) => rule.unknown(unseen),
            Ok(Ok(_)) if refused.is_denied() => rule.pass(format!("{what}: {code}")),
            Ok(Ok(_)) => rule.not_applicable(format!("{what}: {}", proves_nothing(code))),
        },
        Err(unseen) => rule.unknown(unseen),
    };
    let other = with_key.other_bucket.as_ref().map_or_else(
        || OTHER.not_applicable("there is no other organization's bucket in this region"),
        |(name, attempt)| refused(OTHER, name, attempt),
    );
    [own, refused(ALL, "the account's list", &with_key.all_buckets), other]
}
