//! The permissions that IAM's own operations take.

use super::*;

fn denial(answer: Result<String, ApiError>) -> String {
    let error = answer.expect_err("denied");
    assert_eq!((error.status, error.code), (403, "AccessDenied"));
    error.message
}

#[test]
fn users_may_what_their_policies_say_and_are_told_why_not() {
    let mut bench = Bench::new();
    let caller = bench.caller_with(
        MINE,
        "a",
        &format!(
            "{},{}",
            allow("iam:GetUser", "arn:aws:iam::222222222222:user/team/*"),
            statement("Deny", "iam:DeleteUser", "*")
        ),
    );
    bench.ask("CreateUser", &[("UserName", "b"), ("Path", "/team/")]).unwrap();
    // The path is the user's, not of the request.
    bench.ask_as(&caller, "GetUser", &[("UserName", "B")]).unwrap();
    assert_eq!(
        denial(bench.ask_as(&caller, "GetUser", &[])),
        "User: arn:aws:iam::222222222222:user/a is not authorized to perform: iam:GetUser on resource: \
         arn:aws:iam::222222222222:user/a because no identity-based policy allows the iam:GetUser action"
    );
    assert_eq!(
        denial(bench.ask_as(&caller, "DeleteUser", &[("UserName", "b")])),
        "User: arn:aws:iam::222222222222:user/a is not authorized to perform: iam:DeleteUser on resource: \
         arn:aws:iam::222222222222:user/team/b with an explicit deny in an identity-based policy"
    );
    // Not even whether there is such a user.
    denial(bench.ask_as(&caller, "GetUser", &[("UserName", "none")]));
}

#[test]
fn each_operation_is_about_its_resource() {
    let mut bench = Bench::new();
    let key = {
        bench.ask("CreateUser", &[("UserName", "b")]).unwrap();
        text(&bench.ask("CreateAccessKey", &[("UserName", "b")]).unwrap(), "AccessKeyId").to_owned()
    };
    let iam = |resource: &str| format!("arn:aws:iam::222222222222:{resource}");
    let aws_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    for (operation, parameters, resource) in [
        ("CreateUser", vec![("UserName", "n"), ("Path", "/p/")], iam("user/p/n")),
        ("GetAccessKeyLastUsed", vec![("AccessKeyId", key.as_str())], iam("user/b")),
        ("ListGroupsForUser", vec![("UserName", "b")], iam("user/b")),
        ("AttachUserPolicy", vec![("UserName", "b"), ("PolicyArn", aws_arn)], iam("user/b")),
        ("CreateGroup", vec![("GroupName", "g"), ("Path", "/p/")], iam("group/p/g")),
        ("AddUserToGroup", vec![("GroupName", "g"), ("UserName", "b")], iam("group/p/g")),
        ("GetPolicy", vec![("PolicyArn", aws_arn)], aws_arn.to_owned()),
        ("ListUsers", vec![], "*".to_owned()),
        ("ListPolicies", vec![], "*".to_owned()),
        ("GetAccountSummary", vec![], "*".to_owned()),
    ] {
        let action = format!("iam:{operation}");
        let caller = bench.caller_with(MINE, "a", &allow(&action, "arn:aws:iam::222222222222:other/x"));
        let message = denial(bench.ask_as(&caller, operation, &parameters));
        assert!(message.contains(&format!(" on resource: {resource} ")), "{message}");
        let caller = bench.caller_with(MINE, "a", &allow(&action, &resource));
        bench.ask_as(&caller, operation, &parameters).unwrap();
    }
}

#[test]
fn tags_at_creation_take_the_permission_to_tag() {
    let mut bench = Bench::new();
    let tagged = [("UserName", "n"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "x")];
    let caller = bench.caller_with(MINE, "a", &allow("iam:CreateUser", "*"));
    assert!(denial(bench.ask_as(&caller, "CreateUser", &tagged)).contains("iam:TagUser"));
    let both = r#"{"Effect":"Allow","Action":["iam:CreateUser","iam:TagUser"],"Resource":"*",
        "Condition":{"StringEquals":{"aws:RequestTag/team":"x"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}}"#;
    let caller = bench.caller_with(MINE, "a", both);
    denial(bench.ask_as(&caller, "CreateUser", &[("UserName", "n"), ("Tags.member.1.Key", "team")]));
    bench.ask_as(&caller, "CreateUser", &tagged).unwrap();
}

#[test]
fn conditions_see_tags_and_policies() {
    let mut bench = Bench::new();
    for (name, team) in [("mine", "x"), ("other", "y")] {
        let tagged = [("UserName", name), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", team)];
        bench.ask("CreateUser", &tagged).unwrap();
    }
    let own = r#"{"Effect":"Allow","Action":"iam:CreateAccessKey","Resource":"*",
        "Condition":{"StringEquals":{"aws:ResourceTag/team":"x","iam:ResourceTag/team":"x"}}}"#;
    let attach = r#"{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*",
        "Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/ReadOnlyAccess"}}}"#;
    let caller = bench.caller_with(MINE, "a", &format!("{own},{attach}"));
    bench.ask_as(&caller, "CreateAccessKey", &[("UserName", "mine")]).unwrap();
    denial(bench.ask_as(&caller, "CreateAccessKey", &[("UserName", "other")]));
    let arn = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    let (read, all) = (arn("ReadOnlyAccess"), arn("AdministratorAccess"));
    bench.ask_as(&caller, "AttachUserPolicy", &[("UserName", "mine"), ("PolicyArn", &read)]).unwrap();
    denial(bench.ask_as(&caller, "AttachUserPolicy", &[("UserName", "mine"), ("PolicyArn", &all)]));
}

#[test]
fn aws_policies_permit_what_they_promise() {
    let mut bench = Bench::new();
    for (policy, reads, writes) in [
        ("AdministratorAccess", true, true),
        ("IAMReadOnlyAccess", true, false),
        ("ReadOnlyAccess", true, false),
        ("AmazonS3ReadOnlyAccess", false, false),
    ] {
        let caller = bench.caller(MINE, "a");
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        let attachment = [("UserName", "a"), ("PolicyArn", arn.as_str())];
        bench.ask("AttachUserPolicy", &attachment).unwrap();
        assert_eq!(bench.ask_as(&caller, "ListUsers", &[]).is_ok(), reads, "{policy}");
        assert_eq!(bench.ask_as(&caller, "TagUser", &[("UserName", "a")]).is_ok(), writes, "{policy}");
        bench.ask("DetachUserPolicy", &attachment).unwrap();
    }
}
