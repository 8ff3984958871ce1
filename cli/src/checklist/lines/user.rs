//! The IAM user: there, tagged, programmatic only, without permissions of its own.

use aws::users::User;
use aws::{CREATED_BY_TAG, ORG_STATE_TAG};
use contract::ErrorCode;

use super::state_line;
use crate::checklist::line::{Line, Remedy, Rule, Section};
use crate::checklist::observed::{Asked, Observed, Seen, UserExtras, tag_value};

const EXISTS: Rule = Rule::of(Section::User, "user-exists", "The user is there, under the convention's name");
const ARN: Rule = Rule::of(Section::User, "user-arn", "The user has no path, so that its ARN follows from its name");
const TAG: Rule =
    Rule::of(Section::User, "user-tag", "The user carries the organization's tag, the key spelled exactly");
const STATE: Rule = Rule::of(Section::User, "user-state", "The user says that the organization is active");
const CREATED_BY: Rule = Rule::of(Section::User, "user-created-by", "The user says who made it, and where");
const CONSOLE: Rule = Rule::of(Section::User, "user-console", "The user has no password for the console");
const INLINE: Rule = Rule::of(Section::User, "user-inline-policies", "The user has no inline policies");
const ATTACHED: Rule = Rule::of(Section::User, "user-attached-policies", "The user has no attached policies");
const GROUPS: Rule = Rule::of(Section::User, "user-groups", "The user is in no group");
const CREDENTIALS: Rule = Rule::of(
    Section::User,
    "user-other-credentials",
    "The user has no MFA device, SSH key, service-specific credential or signing certificate",
);
/// The lines that need a user.
const OF_THE_USER: [Rule; 9] = [ARN, TAG, STATE, CREATED_BY, CONSOLE, INLINE, ATTACHED, GROUPS, CREDENTIALS];

pub(super) fn lines(asked: &Asked, observed: &Observed) -> Vec<Line> {
    match &observed.user {
        Ok(Some(user)) => of(asked, user, &observed.user_extras),
        Ok(None) => {
            let name = asked.conventions.user_name(&asked.org);
            let exists = EXISTS.fail(
                format!("there is no user {name}"),
                Remedy::of(ErrorCode::Waiting, "send OrgCreated for the organization"),
            );
            let others = OF_THE_USER.map(|rule| rule.not_applicable("there is no user"));
            [exists].into_iter().chain(others).collect()
        }
        Err(unseen) => [EXISTS].into_iter().chain(OF_THE_USER).map(|rule| rule.unknown(unseen)).collect(),
    }
}

fn of(asked: &Asked, user: &User, extras: &UserExtras) -> Vec<Line> {
    vec![
        EXISTS.pass(&user.name),
        arn(asked, user),
        tag(asked, user),
        state(user),
        created_by(asked, user),
        match &extras.console {
            Ok(false) => CONSOLE.pass("no login profile"),
            Ok(true) => CONSOLE.fail(
                "it has a login profile",
                Remedy::new(format!("aws iam delete-login-profile --user-name {}", user.name)),
            ),
            Err(unseen) => CONSOLE.unknown(unseen),
        },
        none_of(INLINE, &extras.inline_policies, "move what is needed elsewhere, and delete them"),
        none_of(ATTACHED, &extras.attached_policies, "detach them"),
        none_of(GROUPS, &extras.groups, "remove the user from them"),
        without_credentials(extras),
    ]
}

fn arn(asked: &Asked, user: &User) -> Line {
    let expected = asked.place.user_arn(&user.name);
    if user.arn == expected {
        return ARN.pass(&user.arn);
    }
    let remedy = Remedy::new(format!("aws iam update-user --user-name {} --new-path /", user.name));
    ARN.fail(format!("{} instead of {expected}", user.arn), remedy)
}

fn tag(asked: &Asked, user: &User) -> Line {
    let key = asked.conventions.tag_key();
    if let Some(value) = tag_value(&user.tags, key).filter(|value| *value == asked.org.as_str()) {
        return TAG.pass(format!("{key}={value}"));
    }
    // IAM takes it for the same key, but a billing report does not.
    let misspelled = user.tags.iter().find(|(name, _)| name != key && name.eq_ignore_ascii_case(key));
    match (tag_value(&user.tags, key), misspelled) {
        (None, Some((name, value))) if value == asked.org.as_str() => {
            let remedy = format!("remove the tag {name} and set {key}={}", asked.org);
            TAG.fail(format!("{name}={value}: the key should be {key}"), Remedy::new(remedy))
        }
        (other, misspelled) => {
            let other = other.map(|value| (key, value));
            let other = other.or(misspelled.map(|(name, value)| (name.as_str(), value.as_str())));
            let evidence = other.map_or(format!("no tag {key}"), |(key, value)| format!("{key}={value}"));
            let remedy = format!("if the user is this organization's, tag it {key}={}", asked.org);
            TAG.fail(evidence, Remedy::of(ErrorCode::NotOurs, remedy))
        }
    }
}

fn state(user: &User) -> Line {
    state_line(STATE, user.tag(ORG_STATE_TAG))
}

fn created_by(asked: &Asked, user: &User) -> Line {
    match user.tag(CREATED_BY_TAG) {
        Some(by) if user.created_here(&asked.place) => CREATED_BY.pass(format!("{CREATED_BY_TAG}={by}")),
        Some(by) => CREATED_BY.not_applicable(format!(
            "{CREATED_BY_TAG}={by}: not made by the provisioner in {}, so lost keys are left to people here",
            asked.place.region
        )),
        None => CREATED_BY.not_applicable(format!(
            "no tag {CREATED_BY_TAG}: the provisioner did not make this user, so lost keys are left to people"
        )),
    }
}

fn none_of(rule: Rule, found: &Seen<Vec<String>>, remedy: &str) -> Line {
    match found {
        Ok(found) if found.is_empty() => rule.pass("none"),
        Ok(found) => rule.fail(found.join(", "), Remedy::of(ErrorCode::UserHasPermissions, remedy)),
        Err(unseen) => rule.unknown(unseen),
    }
}

fn without_credentials(extras: &UserExtras) -> Line {
    match &extras.other_credentials {
        Ok(found) if found.is_empty() => CREDENTIALS.pass("none"),
        Ok(found) => CREDENTIALS.fail(found.join(", "), Remedy::new("find out who uses them, and delete them")),
        Err(unseen) => CREDENTIALS.unknown(unseen),
    }
}
