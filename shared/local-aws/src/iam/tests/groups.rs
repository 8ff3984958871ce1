use super::*;

const GROUP: (&str, &str) = ("GroupName", "Staff");
const USER: (&str, &str) = ("UserName", "a");

#[test]
fn a_group_is_made_told_and_listed() {
    let mut bench = Bench::new();
    let made = bench.ask("CreateGroup", &[GROUP, ("Path", "/x/")]).unwrap();
    assert_eq!(text(&made, "Arn"), "arn:aws:iam::222222222222:group/x/Staff");
    let id = text(&made, "GroupId");
    assert!(id.starts_with("AGPA") && id.len() == 21);
    assert_eq!(bench.refusal("CreateGroup", &[("GroupName", "STAFF")]), (409, "EntityAlreadyExists"));
    assert_eq!(bench.refusal("CreateGroup", &[("GroupName", "a b")]), (400, "ValidationError"));
    assert_eq!(bench.refusal("GetGroup", &[("GroupName", "none")]), (404, "NoSuchEntity"));
    bench.ask("CreateGroup", &[("GroupName", "other")]).unwrap();
    assert_eq!(texts(&bench.ask("ListGroups", &[("PathPrefix", "/x/")]).unwrap(), "GroupName"), ["Staff"]);
}

#[test]
fn members_come_and_go() {
    let mut bench = Bench::with_user("a");
    bench.ask("CreateUser", &[("UserName", "b")]).unwrap();
    bench.ask("CreateGroup", &[GROUP]).unwrap();
    assert_eq!(bench.refusal("AddUserToGroup", &[GROUP, ("UserName", "none")]), (404, "NoSuchEntity"));
    assert_eq!(bench.refusal("AddUserToGroup", &[("GroupName", "none"), USER]), (404, "NoSuchEntity"));
    for user in [USER, USER, ("UserName", "b")] {
        bench.ask("AddUserToGroup", &[GROUP, user]).unwrap();
    }
    let first = bench.ask("GetGroup", &[GROUP, ("MaxItems", "1")]).unwrap();
    assert_eq!((texts(&first, "UserName"), text(&first, "IsTruncated")), (vec!["a"], "true"));
    assert_eq!(texts(&bench.ask("ListGroupsForUser", &[USER]).unwrap(), "GroupName"), ["Staff"]);
    assert_eq!(bench.refusal("DeleteGroup", &[GROUP]), (409, "DeleteConflict"));
    for user in [USER, ("UserName", "b")] {
        bench.ask("RemoveUserFromGroup", &[GROUP, user]).unwrap();
    }
    assert_eq!(bench.refusal("RemoveUserFromGroup", &[GROUP, USER]), (404, "NoSuchEntity"));
    bench.ask("DeleteGroup", &[GROUP]).unwrap();
}

#[test]
fn a_group_with_policies_is_not_deleted() {
    let mut bench = Bench::new();
    bench.ask("CreateGroup", &[GROUP]).unwrap();
    let (name, document) = (("PolicyName", "p"), policy(&allow("s3:*", "*")));
    let arn = ("PolicyArn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
    bench.ask("PutGroupPolicy", &[GROUP, name, ("PolicyDocument", &document)]).unwrap();
    bench.ask("AttachGroupPolicy", &[GROUP, arn]).unwrap();
    assert_eq!(texts(&bench.ask("ListGroupPolicies", &[GROUP]).unwrap(), "member"), ["p"]);
    let attached = bench.ask("ListAttachedGroupPolicies", &[GROUP]).unwrap();
    assert_eq!(texts(&attached, "PolicyName"), ["AmazonS3ReadOnlyAccess"]);
    assert_eq!(bench.refusal("DeleteGroup", &[GROUP]), (409, "DeleteConflict"));
    bench.ask("DetachGroupPolicy", &[GROUP, arn]).unwrap();
    assert_eq!(bench.refusal("DeleteGroup", &[GROUP]), (409, "DeleteConflict"));
    bench.ask("DeleteGroupPolicy", &[GROUP, name]).unwrap();
    bench.ask("DeleteGroup", &[GROUP]).unwrap();
}

#[test]
fn a_user_is_in_ten_groups_at_most() {
    let mut bench = Bench::with_user("a");
    for n in 0..11 {
        let name = format!("g{n}");
        let group = ("GroupName", name.as_str());
        bench.ask("CreateGroup", &[group]).unwrap();
        let answer = bench.ask("AddUserToGroup", &[group, USER]).map_err(|error| error.code);
        assert_eq!(answer.err(), (n == 10).then_some("LimitExceeded"));
    }
}
