use super::*;

#[test]
fn a_user_is_made_told_and_unique_without_regard_to_case() {
    let mut bench = Bench::new();
    let made = bench
        .ask(
            "CreateUser",
            &[("UserName", "Alice"), ("Path", "/a/"), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")],
        )
        .unwrap();
    assert_eq!(text(&made, "Arn"), "arn:aws:iam::222222222222:user/a/Alice");
    let id = text(&made, "UserId");
    assert!(
        id.starts_with("AIDA") && id.len() == 21 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    );
    assert_eq!(bench.refusal("CreateUser", &[("UserName", "ALICE")]), (409, "EntityAlreadyExists"));
    let told = bench.ask("GetUser", &[("UserName", "alice")]).unwrap();
    assert_eq!((text(&told, "UserName"), text(&told, "UserId"), text(&told, "Key")), ("Alice", id, "k"));
    assert_eq!(bench.refusal("GetUser", &[("UserName", "bob")]), (404, "NoSuchEntity"));
}

#[test]
fn names_paths_and_tags_have_their_limits() {
    let mut bench = Bench::new();
    let long = "a".repeat(65);
    for name in ["", "with space", "semi;colon", long.as_str()] {
        assert_eq!(bench.refusal("CreateUser", &[("UserName", name)]), (400, "ValidationError"), "{name}");
    }
    for path in ["a", "/a", "a/", "/ /"] {
        assert_eq!(bench.refusal("CreateUser", &[("UserName", "a"), ("Path", path)]), (400, "ValidationError"));
    }
    for key in ["aws:a", ""] {
        let tag = [("UserName", "a"), ("Tags.member.1.Key", key), ("Tags.member.1.Value", "")];
        assert_eq!(bench.refusal("CreateUser", &tag), (400, "InvalidInput"), "{key}");
    }
    assert!(bench.world.account(MINE).iam.users.is_empty());
    let boundary = [("UserName", "a"), ("PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess")];
    assert_eq!(bench.refusal("CreateUser", &boundary), (501, "NotImplemented"));
    bench.ask("CreateUser", &[("UserName", &"a_+=,.@-".repeat(8))]).unwrap();
}

#[test]
fn an_account_has_five_thousand_users() {
    let mut bench = Bench::with_user("u0");
    let user = bench.world.account(MINE).iam.users["u0"].clone();
    let users = &mut bench.world.account(MINE).iam.users;
    users.extend((1..5000).map(|n| (format!("u{n}"), user.clone())));
    let error = bench.ask("CreateUser", &[("UserName", "one-more")]).unwrap_err();
    assert_eq!((error.status, error.code), (409, "LimitExceeded"));
    assert_eq!(error.message, "Cannot exceed quota for UsersPerAccount: 5000");
    let others = administrator(YOURS);
    bench.ask_as(&others, "CreateUser", &[("UserName", "one-more")]).unwrap();
}

#[test]
fn users_are_listed_by_path_in_pages() {
    let mut bench = Bench::new();
    for (name, path) in [("b", "/x/"), ("a", "/x/y/"), ("c", "/"), ("D", "/x/")] {
        bench.ask("CreateUser", &[("UserName", name), ("Path", path)]).unwrap();
    }
    let first = bench.ask("ListUsers", &[("PathPrefix", "/x/"), ("MaxItems", "2")]).unwrap();
    assert_eq!((texts(&first, "UserName"), text(&first, "IsTruncated")), (vec!["a", "b"], "true"));
    // What was told may go before the next page is asked for.
    bench.ask("DeleteUser", &[("UserName", "b")]).unwrap();
    let rest = [("PathPrefix", "/x/"), ("MaxItems", "2"), ("Marker", text(&first, "Marker"))];
    let second = bench.ask("ListUsers", &rest).unwrap();
    assert_eq!((texts(&second, "UserName"), text(&second, "IsTruncated")), (vec!["D"], "false"));
    assert!(texts(&second, "Marker").is_empty());
    assert_eq!(texts(&bench.ask("ListUsers", &[]).unwrap(), "UserName"), ["a", "c", "D"]);
    for wrong in [("MaxItems", "0"), ("MaxItems", "1001"), ("Marker", "!"), ("PathPrefix", "x")] {
        assert_eq!(bench.refusal("ListUsers", &[wrong]), (400, "ValidationError"), "{wrong:?}");
    }
}

#[test]
fn tags_are_told_by_key_and_taken_off() {
    let mut bench = Bench::with_user("a");
    for (key, value) in [("b", "1"), ("c", "2"), ("a", "3"), ("B", "4")] {
        let tag = [("UserName", "a"), ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)];
        bench.ask("TagUser", &tag).unwrap();
    }
    let first = bench.ask("ListUserTags", &[("UserName", "a"), ("MaxItems", "2")]).unwrap();
    assert_eq!((texts(&first, "Key"), texts(&first, "Value")), (vec!["B", "a"], vec!["4", "3"]));
    let rest = [("UserName", "a"), ("Marker", text(&first, "Marker"))];
    assert_eq!(texts(&bench.ask("ListUserTags", &rest).unwrap(), "Key"), ["c"]);
    let gone = [("UserName", "a"), ("TagKeys.member.1", "A"), ("TagKeys.member.2", "none")];
    bench.ask("UntagUser", &gone).unwrap();
    assert_eq!(texts(&bench.ask("ListUserTags", &[("UserName", "a")]).unwrap(), "Key"), ["B", "c"]);
}

#[test]
fn a_user_is_deleted_only_when_nothing_of_it_is_left() {
    let mut bench = Bench::with_user("a");
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
    let (user, group, document) = (("UserName", "a"), ("GroupName", "g"), policy(&allow("s3:*", "*")));
    bench.ask("CreateGroup", &[group]).unwrap();
    bench.ask("AddUserToGroup", &[group, user]).unwrap();
    bench.ask("AttachUserPolicy", &[user, ("PolicyArn", arn)]).unwrap();
    bench.ask("PutUserPolicy", &[user, ("PolicyName", "p"), ("PolicyDocument", &document)]).unwrap();
    bench.ask("CreateLoginProfile", &[user, ("Password", "Correct-horse-1")]).unwrap();
    let key = bench.ask("CreateAccessKey", &[user]).unwrap();
    let key = ("AccessKeyId", text(&key, "AccessKeyId"));
    let inactive = [user, key, ("Status", "Inactive")];
    bench.ask("UpdateAccessKey", &inactive).unwrap();
    let steps: [(&str, Vec<(&str, &str)>); 5] = [
        ("RemoveUserFromGroup", vec![group, user]),
        ("DetachUserPolicy", vec![user, ("PolicyArn", arn)]),
        ("DeleteUserPolicy", vec![user, ("PolicyName", "p")]),
        ("DeleteAccessKey", vec![user, key]),
        ("DeleteLoginProfile", vec![user]),
    ];
    for (operation, parameters) in steps {
        assert_eq!(bench.refusal("DeleteUser", &[user]), (409, "DeleteConflict"), "before {operation}");
        bench.ask(operation, &parameters).unwrap();
    }
    bench.ask("DeleteUser", &[user]).unwrap();
    assert_eq!(bench.refusal("DeleteUser", &[user]), (404, "NoSuchEntity"));
}

#[test]
fn a_user_made_again_is_another() {
    let mut bench = Bench::new();
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let made = bench.ask("CreateUser", &[("UserName", "a")]).unwrap();
        assert!(ids.insert(text(&made, "UserId").to_owned()));
        bench.ask("DeleteUser", &[("UserName", "a")]).unwrap();
    }
}

#[test]
fn without_a_name_the_caller_is_meant() {
    let mut bench = Bench::new();
    let told = bench.ask("GetUser", &[]).unwrap();
    assert_eq!(text(&told, "Arn"), "arn:aws:iam::222222222222:user/administrator");
    assert_eq!(bench.refusal("CreateUser", &[("UserName", "Administrator")]), (409, "EntityAlreadyExists"));
    let own = "arn:aws:iam::222222222222:user/a";
    let caller = bench.caller_with(MINE, "a", &allow("iam:*", own));
    assert_eq!(text(&bench.ask_as(&caller, "GetUser", &[]).unwrap(), "Arn"), own);
    let made = bench.ask_as(&caller, "CreateAccessKey", &[]).unwrap();
    let listed = bench.ask_as(&caller, "ListAccessKeys", &[]).unwrap();
    assert_eq!(texts(&listed, "AccessKeyId"), texts(&made, "AccessKeyId"));
}

#[test]
fn the_summary_counts_and_tells_the_quotas() {
    let mut bench = Bench::with_user("a");
    let told = bench.ask("GetAccountSummary", &[]).unwrap();
    for (key, value) in [("Users", 1), ("UsersQuota", 5000), ("Groups", 0), ("AccessKeysPerUserQuota", 2)] {
        let entry = format!("<entry><key>{key}</key><value>{value}</value></entry>");
        assert!(told.contains(&entry), "{entry} in {told}");
    }
}

#[test]
fn what_is_not_here_says_so() {
    let mut bench = Bench::with_user("a");
    assert_eq!(bench.refusal("CreateRole", &[]), (501, "NotImplemented"));
    for list in ["ListSigningCertificates", "ListSSHPublicKeys", "ListServiceSpecificCredentials", "ListMFADevices"] {
        bench.ask(list, &[("UserName", "a")]).unwrap();
        assert_eq!(bench.refusal(list, &[("UserName", "b")]), (404, "NoSuchEntity"));
    }
}

#[test]
fn every_kind_of_credential_keeps_a_user_from_being_deleted() {
    use crate::iam::{CredentialKind, OtherCredential};
    let mut bench = Bench::with_user("a");
    let kinds = [
        (CredentialKind::SigningCertificate, "ListSigningCertificates", "DeleteSigningCertificate", "CertificateId"),
        (CredentialKind::SshPublicKey, "ListSSHPublicKeys", "DeleteSSHPublicKey", "SSHPublicKeyId"),
        (
            CredentialKind::ServiceSpecificCredential,
            "ListServiceSpecificCredentials",
            "DeleteServiceSpecificCredential",
            "ServiceSpecificCredentialId",
        ),
        (CredentialKind::MfaDevice, "ListMFADevices", "DeactivateMFADevice", "SerialNumber"),
    ];
    for (kind, list, delete, id) in kinds {
        let credential = OtherCredential { kind, id: format!("{id}-of-twenty-characters") };
        bench.world.account(MINE).iam.users.get_mut("a").unwrap().credentials.push(credential.clone());
        assert_eq!(bench.refusal("DeleteUser", &[("UserName", "a")]), (409, "DeleteConflict"), "{list}");
        assert_eq!(text(&bench.ask(list, &[("UserName", "a")]).unwrap(), id), credential.id);
        assert_eq!(bench.refusal(delete, &[("UserName", "a"), (id, "another")]), (404, "NoSuchEntity"));
        bench.ask(delete, &[("UserName", "a"), (id, &credential.id)]).unwrap();
        assert!(texts(&bench.ask(list, &[("UserName", "a")]).unwrap(), id).is_empty());
    }
    bench.ask("DeleteUser", &[("UserName", "a")]).unwrap();
}
