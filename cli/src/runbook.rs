//! The first thing to do about an error code: the first step of its page in docs/errors, which is built in.

use contract::ErrorCode;
use org::OrgId;

/// The heading under which a page says what a person does.
const WHAT_YOU_DO: &str = "\n## What you do\n";
/// The organization in the pages' examples.
const EXAMPLE: &str = "xmsqa1";

/// The page's name, for whoever wants to read all of it.
pub fn page_name(code: ErrorCode) -> String {
    format!("docs/errors/{code}.md")
}

/// The first step of the code's page as one line, with the organization in the place of the example's.
pub fn first_step(code: ErrorCode, org: &OrgId) -> String {
    let steps = page(code).split_once(WHAT_YOU_DO).map_or("", |(_, steps)| steps).trim_start();
    let first = steps.strip_prefix("1. ").unwrap_or(steps);
    let end = ["\n2. ", "\n\n"].iter().filter_map(|end| first.find(end)).min().unwrap_or(first.len());
    let words: Vec<&str> = first.get(..end).unwrap_or(first).split_whitespace().collect();
    without_links(&words.join(" ")).replace(EXAMPLE, org.as_str())
}

/// `[text](address)` as `text`: a terminal cannot follow the page's links.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, label, after)) = next_link(rest) {
        plain.push_str(before);
        plain.push_str(label);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// What stands before the first link, its text, and what follows it.
fn next_link(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('[')?;
    let (label, rest) = rest.split_once("](")?;
    let (_, after) = rest.split_once(')')?;
    Some((before, label, after))
}

/// A match without a wildcard: a new code does not compile without its page.
fn page(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Throttled => include_str!("../../docs/errors/throttled.md"),
        ErrorCode::ServiceUnavailable => include_str!("../../docs/errors/service-unavailable.md"),
        ErrorCode::Propagating => include_str!("../../docs/errors/propagating.md"),
        ErrorCode::Waiting => include_str!("../../docs/errors/waiting.md"),
        ErrorCode::InProgress => include_str!("../../docs/errors/in-progress.md"),
        ErrorCode::ConcurrentUpdate => include_str!("../../docs/errors/concurrent-update.md"),
        ErrorCode::OutcomeUnknown => include_str!("../../docs/errors/outcome-unknown.md"),
        ErrorCode::OutOfTime => include_str!("../../docs/errors/out-of-time.md"),
        ErrorCode::EventNotAccepted => include_str!("../../docs/errors/event-not-accepted.md"),
        ErrorCode::NotOurs => include_str!("../../docs/errors/not-ours.md"),
        ErrorCode::OrgNotActive => include_str!("../../docs/errors/org-not-active.md"),
        ErrorCode::BucketAmbiguous => include_str!("../../docs/errors/bucket-ambiguous.md"),
        ErrorCode::BucketElsewhere => include_str!("../../docs/errors/bucket-elsewhere.md"),
        ErrorCode::BucketNameDiffers => include_str!("../../docs/errors/bucket-name-differs.md"),
        ErrorCode::BucketNameTaken => include_str!("../../docs/errors/bucket-name-taken.md"),
        ErrorCode::PublicGrant => include_str!("../../docs/errors/public-grant.md"),
        ErrorCode::UnmanagedKey => include_str!("../../docs/errors/unmanaged-key.md"),
        ErrorCode::StoredKeyInactive => include_str!("../../docs/errors/stored-key-inactive.md"),
        ErrorCode::SecretUnreadable => include_str!("../../docs/errors/secret-unreadable.md"),
        ErrorCode::SecretScheduledForDeletion => include_str!("../../docs/errors/secret-scheduled-for-deletion.md"),
        ErrorCode::UserHasPermissions => include_str!("../../docs/errors/user-has-permissions.md"),
        ErrorCode::AdoptionDiffers => include_str!("../../docs/errors/adoption-differs.md"),
        ErrorCode::MalformedEvent => include_str!("../../docs/errors/malformed-event.md"),
        ErrorCode::InvalidField => include_str!("../../docs/errors/invalid-field.md"),
        ErrorCode::SourceNotAllowed => include_str!("../../docs/errors/source-not-allowed.md"),
        ErrorCode::WrongAccount => include_str!("../../docs/errors/wrong-account.md"),
        ErrorCode::Misconfigured => include_str!("../../docs/errors/misconfigured.md"),
        ErrorCode::AccessDenied => include_str!("../../docs/errors/access-denied.md"),
        ErrorCode::AccountBlocksPublicAccess => include_str!("../../docs/errors/account-blocks-public-access.md"),
        ErrorCode::QuotaExceeded => include_str!("../../docs/errors/quota-exceeded.md"),
        ErrorCode::Unexpected => include_str!("../../docs/errors/unexpected.md"),
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn every_page_has_a_first_step() {
        let org = OrgId::parse("acme").unwrap();
        for code in ErrorCode::iter() {
            assert!(page(code).starts_with(&format!("# {code}\n")), "{code} has another code's page");
            let step = first_step(code, &org);
            assert!(step.len() > 10 && !step.contains('\n') && !step.contains("]("), "{code}: {step:?}");
            assert!(!step.contains(EXAMPLE), "{code}: {step:?}");
        }
    }

    #[test]
    fn links_lose_their_addresses_and_commands_their_brackets_do_not() {
        assert_eq!(
            without_links("see [the page](x.md) and `Buckets[?a].[Name]`"),
            "see the page and `Buckets[?a].[Name]`"
        );
    }
}
