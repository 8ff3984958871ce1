//! The bucket: the organization's only one, here, tagged, open to policies, closed to everything else.

use aws::{ORG_STATE_TAG, buckets::MARKER_KEY};
use contract::ErrorCode;
use org::{BucketName, public_grant_outside};

use super::policy::proves_nothing;
use super::state_line;
use crate::checklist::line::{Line, Remedy, Rule, Section};
use crate::checklist::observed::{
    Anonymously, Asked, Attempt, BucketSetup, Buckets, NotOurs, Observed, Seen, tag_value,
};

const EXISTS: Rule = Rule::of(
    Section::Bucket,
    "bucket-exists",
    "The bucket is there, under the convention's name or a permitted other one",
);
const ONE: Rule = Rule::of(Section::Bucket, "bucket-one", "No other bucket carries the organization's tag");
const REGION: Rule = Rule::of(Section::Bucket, "bucket-region", "The bucket is in the deployment's region");
const TAG: Rule = Rule::of(Section::Bucket, "bucket-tag", "The bucket carries the organization's tag");
const STATE: Rule = Rule::of(Section::Bucket, "bucket-state", "The bucket says that the organization is active");
const BLOCK: Rule =
    Rule::of(Section::Bucket, "bucket-public-access", "The bucket's four Block Public Access settings are off");
const ACCOUNT_BLOCK: Rule =
    Rule::of(Section::Bucket, "account-public-access", "The account does not block public bucket policies");
const OWNER: Rule = Rule::of(Section::Bucket, "bucket-ownership", "Access control lists are off");
const MARKER: Rule = Rule::of(Section::Bucket, "bucket-marker", "The pub/ folder is there");
const PUBLIC_READ: Rule = Rule::of(Section::Bucket, "public-read", "Everybody can read what is in pub/");
const PRIVATE_READ: Rule =
    Rule::of(Section::Bucket, "private-read", "Nobody can read anything else without credentials");
const PRIVATE_LIST: Rule = Rule::of(Section::Bucket, "private-list", "Nobody can list the bucket without credentials");
const STATUS: Rule = Rule::of(Section::Bucket, "bucket-public-status", "S3 calls the bucket's policy public");

pub(super) fn lines(asked: &Asked, observed: &Observed) -> Vec<Line> {
    let account = account_block(&observed.account_blocks);
    let buckets = match &observed.buckets {
        Ok(buckets) => buckets,
        Err(unseen) => {
            let all = [
                EXISTS,
                ONE,
                REGION,
                TAG,
                STATE,
                BLOCK,
                OWNER,
                MARKER,
                PUBLIC_READ,
                PRIVATE_READ,
                PRIVATE_LIST,
                STATUS,
            ];
            return all.map(|rule| rule.unknown(unseen)).into_iter().chain([account]).collect();
        }
    };
    let mut lines = vec![exists(asked, buckets), one(buckets), region(asked, buckets)];
    match (buckets.chosen(), &observed.setup, &observed.anonymously) {
        (Some(name), Some(setup), Some(anonymously)) => {
            lines.extend([
                tag(asked, buckets),
                state(buckets),
                block(&setup.blocks),
                account,
                owner(setup),
                marker(setup),
            ]);
            lines.extend(public(asked, name, setup, anonymously));
        }
        _ => {
            let nothing = |rule: Rule| rule.not_applicable("there is no bucket in this region");
            lines.extend([TAG, STATE, BLOCK].map(nothing));
            lines.push(account);
            lines.extend([OWNER, MARKER, PUBLIC_READ, PRIVATE_READ, PRIVATE_LIST, STATUS].map(nothing));
        }
    }
    lines
}

fn exists(asked: &Asked, buckets: &Buckets) -> Line {
    let standard = asked.conventions.bucket_name(&asked.org);
    match (buckets.chosen(), buckets.astray()) {
        (Some(name), _) if *name == standard => EXISTS.pass(name.as_str()),
        (Some(name), _) => EXISTS.pass(format!("{name}, instead of {standard}")),
        (None, Some((name, region))) => EXISTS.pass(format!("{name}, in {region}")),
        (None, None) => EXISTS.fail(
            format!("there is no bucket {standard}, nor another one of this organization"),
            Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization"),
        ),
    }
}

fn one(buckets: &Buckets) -> Line {
    let elsewhere = buckets.elsewhere.iter().map(|(name, region)| format!("{name} in {region}"));
    let all: Vec<String> = buckets.here.iter().map(BucketName::to_string).chain(elsewhere).collect();
    match all.len() {
        0 if buckets.not_ours.is_none() => ONE.not_applicable("there is no bucket"),
        0 | 1 => ONE.pass("no other"),
        _ => ONE.fail(
            all.join(", "),
            Remedy::of(ErrorCode::BucketAmbiguous, "remove the tag from the ones that are not the organization's"),
        ),
    }
}

fn region(asked: &Asked, buckets: &Buckets) -> Line {
    match (buckets.chosen(), buckets.astray()) {
        (Some(_), _) => REGION.pass(&asked.place.region),
        (None, Some((name, region))) => {
            let key = asked.conventions.tag_key();
            let (untagged, whose) = if buckets.elsewhere.is_empty() {
                (format!(", without the tag {key}={}", asked.org), "if the bucket is this organization's: ")
            } else {
                (String::new(), "")
            };
            let remedy = format!("{whose}provision the organization there, or move the content and delete it");
            REGION.fail(
                format!("{name} is in {region}{untagged}, not in {}", asked.place.region),
                Remedy::of(ErrorCode::BucketElsewhere, remedy),
            )
        }
        (None, None) => REGION.not_applicable("there is no bucket"),
    }
}

fn tag(asked: &Asked, buckets: &Buckets) -> Line {
    let key = asked.conventions.tag_key();
    // What carries the tag is ours: that is how it was found.
    let Some(NotOurs { owner, .. }) = buckets.not_ours.as_ref().filter(|_| buckets.here.is_empty()) else {
        return TAG.pass(format!("{key}={}", asked.org));
    };
    let evidence = owner.as_ref().map_or(format!("no tag {key}"), |owner| format!("{key}={owner}"));
    let remedy = format!("if the bucket is this organization's, tag it {key}={}", asked.org);
    TAG.fail(evidence, Remedy::of(ErrorCode::NotOurs, remedy))
}

fn state(buckets: &Buckets) -> Line {
    if buckets.here.is_empty() {
        return STATE.not_applicable("the bucket does not carry the organization's tag");
    }
    state_line(STATE, tag_value(&buckets.tags, ORG_STATE_TAG))
}

fn block(blocks: &Seen<Vec<&'static str>>) -> Line {
    match blocks {
        Ok(on) if on.is_empty() => BLOCK.pass("all four are off"),
        Ok(on) => BLOCK.fail(
            format!("on: {}", on.join(", ")),
            Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization; the bucket step switches them off"),
        ),
        Err(unseen) => BLOCK.unknown(unseen),
    }
}

/// What concerns access control lists does not matter: they are off.
fn account_block(blocks: &Seen<Vec<&'static str>>) -> Line {
    let policies = ["BlockPublicPolicy", "RestrictPublicBuckets"];
    match blocks {
        Ok(on) if !on.iter().any(|setting| policies.contains(setting)) => {
            let on = if on.is_empty() { "all four are off".to_owned() } else { format!("on: {}", on.join(", ")) };
            ACCOUNT_BLOCK.pass(on)
        }
        Ok(on) => ACCOUNT_BLOCK.fail(
            format!("on: {}", on.join(", ")),
            Remedy::of(ErrorCode::AccountBlocksPublicAccess, "switch them off for this account, on purpose"),
        ),
        Err(unseen) => ACCOUNT_BLOCK.unknown(unseen),
    }
}

fn owner(setup: &BucketSetup) -> Line {
    match &setup.enforces_owner {
        Ok(true) => OWNER.pass("BucketOwnerEnforced"),
        Ok(false) => OWNER.fail(
            "object ownership is not BucketOwnerEnforced",
            Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization; the bucket step switches them off"),
        ),
        Err(unseen) => OWNER.unknown(unseen),
    }
}

fn marker(setup: &BucketSetup) -> Line {
    match &setup.has_marker {
        Ok(true) => MARKER.pass(MARKER_KEY),
        Ok(false) => MARKER.fail(
            format!("there is no object {MARKER_KEY}"),
            Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization; the bucket step puts it there"),
        ),
        Err(unseen) => MARKER.unknown(unseen),
    }
}

fn public(asked: &Asked, name: &BucketName, setup: &BucketSetup, anonymously: &Anonymously) -> [Line; 4] {
    [
        public_read(setup, anonymously),
        private_read(asked, name, setup, anonymously),
        match &anonymously.list {
            Ok(attempt) if attempt.is_denied() => PRIVATE_LIST.pass("listing it without credentials was denied"),
            Ok(Attempt::Refused(code)) => PRIVATE_LIST.not_applicable(proves_nothing(code)),
            Ok(Attempt::Done) => PRIVATE_LIST.fail(
                "the bucket was listed without credentials",
                Remedy::of(ErrorCode::PublicGrant, "take the grant out of the policy"),
            ),
            Err(unseen) => PRIVATE_LIST.unknown(unseen),
        },
        match &setup.is_public {
            Ok(Some(true)) => STATUS.pass("IsPublic: true"),
            Ok(Some(false)) => STATUS.fail(
                "IsPublic: false",
                Remedy::of(ErrorCode::Waiting, "see the lines about the policy: its public statement is missing"),
            ),
            Ok(None) => STATUS.not_applicable("the bucket has no policy"),
            Err(unseen) => STATUS.unknown(unseen),
        },
    ]
}

fn public_read(setup: &BucketSetup, anonymously: &Anonymously) -> Line {
    match &anonymously.public_read {
        // Without the marker, and without the permission to list, S3 refuses what it would not find.
        _ if matches!(setup.has_marker, Ok(false)) => PUBLIC_READ.not_applicable("there is nothing in pub/ to read"),
        Ok(Attempt::Done) => PUBLIC_READ.pass(format!("{MARKER_KEY} was read without credentials")),
        Ok(Attempt::Refused(code)) => PUBLIC_READ.fail(
            format!("reading {MARKER_KEY} without credentials was refused: {code}"),
            Remedy::of(ErrorCode::Propagating, "see the lines about the policy and about Block Public Access"),
        ),
        Err(unseen) => PUBLIC_READ.unknown(unseen),
    }
}

fn private_read(asked: &Asked, name: &BucketName, setup: &BucketSetup, anonymously: &Anonymously) -> Line {
    let grant = setup
        .policy
        .as_ref()
        .map(|policy| policy.as_ref().and_then(|policy| public_grant_outside(policy, &asked.place, name)));
    let remedy = || Remedy::of(ErrorCode::PublicGrant, "take the grant out of the policy");
    match (&anonymously.private_read, grant) {
        (Ok(Some((key, Attempt::Done))), _) => {
            PRIVATE_READ.fail(format!("{key} can be read without credentials"), remedy())
        }
        (_, Ok(Some(grant))) => PRIVATE_READ.fail(format!("the policy grants {grant}"), remedy()),
        (Ok(Some((key, attempt))), Ok(None)) if attempt.is_denied() => {
            PRIVATE_READ.pass(format!("reading {key} without credentials was denied"))
        }
        (Ok(Some((_, Attempt::Refused(code)))), Ok(None)) => PRIVATE_READ.not_applicable(proves_nothing(code)),
        (Ok(None), Ok(None)) => {
            PRIVATE_READ.pass("the policy grants nothing else to everybody; there is no object to try")
        }
        (Err(unseen), _) | (_, Err(unseen)) => PRIVATE_READ.unknown(unseen),
    }
}
