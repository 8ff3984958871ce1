//! The organization's id, the account and who looks.

use contract::ErrorCode;
use org::{AccountClass, OrgId};

use crate::checklist::line::{Line, Remedy, Rule, Section};
use crate::checklist::observed::Asked;

const ID: Rule =
    Rule::of(Section::Account, "org-id", "The id is lower-case letters and digits, starting with a letter");
const LENGTH: Rule = Rule::of(Section::Account, "org-id-length", "The id is short enough for every name made of it");
const ENVIRONMENT: Rule = Rule::of(
    Section::Account,
    "account-environment",
    "Production and staging organizations are in a production account, the others are not",
);
const EXPECTED: Rule = Rule::of(Section::Account, "account-expected", "The account is the expected one");
const CALLER: Rule = Rule::of(Section::Account, "account-caller", "Nobody works as the account's root user");

pub(super) fn lines(asked: &Asked) -> Vec<Line> {
    let Asked { org, place, account_class, .. } = asked;
    // An id that breaks its rule, another account and a root user are refused before anything is looked at.
    let length = format!("{} of at most {} characters", org.as_str().len(), OrgId::MAX_LENGTH);
    let expected = if asked.account_was_expected {
        EXPECTED.pass(format!("{}, as expected", place.account))
    } else {
        EXPECTED.not_applicable(format!(
            "this is {}; nobody said which one it should be (--expected-account)",
            place.account
        ))
    };
    vec![
        ID.pass(org.as_str()),
        LENGTH.pass(length),
        environment(asked, *account_class),
        expected,
        CALLER.pass(format!("looked at as {}", asked.caller)),
    ]
}

fn environment(asked: &Asked, class: AccountClass) -> Line {
    let holds = match class {
        AccountClass::Production => "production and staging",
        AccountClass::NonProduction => "qa, development and demo",
    };
    match asked.environment {
        None => ENVIRONMENT.not_applicable(format!(
            "a {class} account, which holds {holds}; nobody said what this organization is (--environment)"
        )),
        Some(environment) if environment.account_class() == class => {
            ENVIRONMENT.pass(format!("a {environment} organization in a {class} account"))
        }
        Some(environment) => ENVIRONMENT.fail(
            format!("a {environment} organization in a {class} account, which holds {holds}"),
            Remedy::of(ErrorCode::WrongAccount, "provision it in the right account, and remove it from this one"),
        ),
    }
}
