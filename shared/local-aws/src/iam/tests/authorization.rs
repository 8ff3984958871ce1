//! How policies are gathered and joined.

use super::*;
use crate::iam::{Ask, Refusal, by_identity, by_resource, join};
use crate::policy::{Context, Decision, Document};

const OBJECT: &str = "arn:aws:s3:::b/k";

fn decide(bench: &Bench, caller: &Caller, action: &str) -> Decision {
    let context = Context::default();
    by_identity(&bench.world, &Ask { caller, action, resource: OBJECT, context: &context })
}

#[test]
fn a_user_has_no_permission_of_its_own_and_the_administrator_all() {
    let mut bench = Bench::new();
    let caller = bench.caller(MINE, "a");
    assert_eq!(decide(&bench, &caller, "s3:GetObject"), Decision::ImplicitDeny);
    assert_eq!(decide(&bench, &administrator(MINE), "s3:GetObject"), Decision::Allow);
    assert_eq!(decide(&bench, &Caller::Anonymous, "s3:GetObject"), Decision::ImplicitDeny);
}

#[test]
fn inline_attached_and_group_policies_count_together_and_a_deny_beats_all() {
    let mut bench = Bench::new();
    let caller = bench.caller_with(MINE, "a", &allow("s3:GetObject", "arn:aws:s3:::b/*"));
    let (user, group) = (("UserName", "a"), ("GroupName", "g"));
    assert_eq!(decide(&bench, &caller, "s3:GetObject"), Decision::Allow);
    assert_eq!(decide(&bench, &caller, "s3:PutObject"), Decision::ImplicitDeny);

    let document = policy(&allow("s3:PutObject", "*"));
    bench.ask("CreatePolicy", &[("PolicyName", "p"), ("PolicyDocument", &document)]).unwrap();
    bench.ask("AttachUserPolicy", &[user, ("PolicyArn", "arn:aws:iam::222222222222:policy/p")]).unwrap();
    assert_eq!(decide(&bench, &caller, "s3:PutObject"), Decision::Allow);

    let document = policy(&format!("{},{}", allow("s3:DeleteObject", "*"), statement("Deny", "s3:Put*", "*")));
    bench.ask("CreateGroup", &[group]).unwrap();
    bench.ask("PutGroupPolicy", &[group, ("PolicyName", "p"), ("PolicyDocument", &document)]).unwrap();
    assert_eq!(decide(&bench, &caller, "s3:DeleteObject"), Decision::ImplicitDeny);
    bench.ask("AddUserToGroup", &[group, user]).unwrap();
    assert_eq!(decide(&bench, &caller, "s3:DeleteObject"), Decision::Allow);
    assert_eq!(decide(&bench, &caller, "s3:PutObject"), Decision::ExplicitDeny);

    bench.ask("RemoveUserFromGroup", &[group, user]).unwrap();
    bench.ask("AttachGroupPolicy", &[group, ("PolicyArn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")]).unwrap();
    bench.ask("DeleteUserPolicy", &[user, ("PolicyName", "own")]).unwrap();
    assert_eq!(decide(&bench, &caller, "s3:GetObject"), Decision::ImplicitDeny);
    bench.ask("AddUserToGroup", &[group, user]).unwrap();
    assert_eq!(decide(&bench, &caller, "s3:GetObject"), Decision::Allow);
}

#[test]
fn a_user_made_again_has_nothing_of_the_old_one() {
    let mut bench = Bench::new();
    let old = bench.caller_with(MINE, "a", &allow("*", "*"));
    bench.ask("DeleteUserPolicy", &[("UserName", "a"), ("PolicyName", "own")]).unwrap();
    bench.ask("DeleteUser", &[("UserName", "a")]).unwrap();
    let new = bench.caller_with(MINE, "a", &allow("*", "*"));
    assert_eq!(decide(&bench, &old, "s3:GetObject"), Decision::ImplicitDeny);
    assert_eq!(decide(&bench, &new, "s3:GetObject"), Decision::Allow);
}

#[test]
fn one_policy_is_enough_in_an_account_and_both_are_needed_across() {
    use Decision::{Allow, ExplicitDeny, ImplicitDeny};
    use Refusal::{DeniedByIdentity, DeniedByResource, NotAllowedByIdentity, NotAllowedByResource};
    let user = Bench::new().caller(MINE, "a");
    for (identity, resource, own, foreign) in [
        (Allow, ImplicitDeny, Ok(()), Err(NotAllowedByResource)),
        (ImplicitDeny, Allow, Ok(()), Err(NotAllowedByIdentity)),
        (Allow, Allow, Ok(()), Ok(())),
        (ImplicitDeny, ImplicitDeny, Err(NotAllowedByIdentity), Err(NotAllowedByResource)),
        (Allow, ExplicitDeny, Err(DeniedByResource), Err(DeniedByResource)),
        (ExplicitDeny, Allow, Err(DeniedByIdentity), Err(DeniedByIdentity)),
    ] {
        assert_eq!(join(&user, MINE, identity, resource), own, "{identity:?} {resource:?}");
        assert_eq!(join(&user, YOURS, identity, resource), foreign, "{identity:?} {resource:?}");
    }
    assert_eq!(join(&Caller::Anonymous, MINE, ImplicitDeny, Allow), Ok(()));
    assert_eq!(join(&Caller::Anonymous, MINE, ImplicitDeny, ImplicitDeny), Err(NotAllowedByResource));
}

#[test]
fn an_account_that_is_named_passes_on_to_its_users_only_across_accounts() {
    let mut bench = Bench::new();
    let (user, context) = (bench.caller(MINE, "a"), Context::default());
    let of = |principal: &str, effect: &str| {
        let statement =
            format!(r#"{{"Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"*","Resource":"*"}}"#);
        Document::parse(&policy(&statement)).unwrap()
    };
    let ask = Ask { caller: &user, action: "s3:GetObject", resource: OBJECT, context: &context };
    for principal in [MINE, "arn:aws:iam::222222222222:root"] {
        assert_eq!(by_resource(&of(principal, "Allow"), MINE, &ask), Decision::ImplicitDeny);
        assert_eq!(by_resource(&of(principal, "Allow"), YOURS, &ask), Decision::Allow);
        assert_eq!(by_resource(&of(principal, "Deny"), MINE, &ask), Decision::ExplicitDeny);
    }
    let named = of("arn:aws:iam::222222222222:user/a", "Allow");
    assert_eq!(by_resource(&named, MINE, &ask), Decision::Allow);
    let administrator = administrator(MINE);
    let ask = Ask { caller: &administrator, ..ask };
    assert_eq!(by_resource(&of(MINE, "Allow"), MINE, &ask), Decision::Allow);
    assert_eq!(by_resource(&of("arn:aws:iam::222222222222:user/administrator", "Allow"), YOURS, &ask), Decision::Allow);
}
