use super::*;
use crate::s3::PublicAccessBlock;

const EVERYONE: &str = "\"*\"";

fn named(arn: &str) -> String {
    format!(r#"{{"AWS":["{arn}"]}}"#)
}

#[test]
fn a_policy_is_read_back_in_another_spelling() {
    let mut s3 = S3::with_bucket();
    assert_eq!(s3.code(ask("GET", "/mine?policy")), Some("NoSuchBucketPolicy"));
    assert_eq!(s3.code(ask("GET", "/mine?policyStatus")), Some("NoSuchBucketPolicy"));
    let statement = r#"{"Effect":"Allow","Principal":{"AWS":["333333333333"]},"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::mine/*"]}"#;
    let reply = s3.put_policy(statement).expect("put");
    assert_eq!(reply.status, Some(http::StatusCode::NO_CONTENT));
    let read: serde_json::Value = serde_json::from_str(&s3.text(ask("GET", "/mine?policy"))).expect("JSON");
    assert_eq!(
        read["Statement"][0],
        serde_json::json!({
            "Effect": "Allow",
            "Principal": { "AWS": "arn:aws:iam::333333333333:root" },
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::mine/*",
        })
    );
    assert!(s3.text(ask("GET", "/mine?policyStatus")).contains("<IsPublic>false</IsPublic>"));
    assert_eq!(s3.code(ask("DELETE", "/mine?policy")), None);
    assert_eq!(s3.code(ask("GET", "/mine?policy")), Some("NoSuchBucketPolicy"));
}

#[test]
fn principals_must_exist_to_the_letter() {
    let mut s3 = S3::with_bucket();
    let user = s3.user("rms_acme").arn();
    for (principal, valid) in [
        (user.clone(), true),
        (user.replace("rms_acme", "RMS_acme"), false),
        (user.replace("user/", "user/path/"), false),
        ("arn:aws:iam::222222222222:user/nobody".to_owned(), false),
        ("arn:aws:iam::222222222222:role/rms_acme".to_owned(), false),
        ("AIDAAAAAAAAAAAAAAAAAA".to_owned(), false),
        ("arn:aws:iam::444444444444:root".to_owned(), true),
        ("444444444444".to_owned(), true),
        ("44444444444".to_owned(), false),
    ] {
        let answer = s3.put_policy(&allow(&named(&principal), "s3:GetObject", "mine/*"));
        let refused = answer.err().map(|error| (error.status, error.code, error.message));
        let expected = (400, "MalformedPolicy", "Invalid principal in policy".to_owned());
        assert_eq!(refused, (!valid).then_some(expected), "{principal}");
    }
}

#[test]
fn a_new_user_is_no_principal_until_iam_has_told_s3() {
    let mut s3 = S3::with_bucket();
    s3.world.propagation.user_as_principal = Duration::from_secs(10);
    let statement = allow(&named(&s3.user("rms_acme").arn()), "s3:GetObject", "mine/*");
    s3.later(Duration::from_secs(9));
    assert!(s3.put_policy(&statement).is_err());
    s3.later(Duration::from_secs(1));
    assert!(s3.put_policy(&statement).is_ok());
}

#[test]
fn a_recreated_user_is_not_who_the_policy_names() {
    let mut s3 = S3::with_bucket();
    s3.admin(ask("PUT", "/mine/k")).expect("put");
    let old = s3.user("rms_acme");
    let statement = allow(&named(&old.arn()), "s3:GetObject", "mine/*");
    s3.put_policy(&statement).expect("put");
    assert!(s3.text(ask("GET", "/mine?policy")).contains(&old.arn()));
    assert!(s3.send(&old, ask("GET", "/mine/k")).is_ok());
    let new = s3.user("rms_acme");
    assert_eq!(new.arn(), old.arn());
    assert_eq!(s3.send(&new, ask("GET", "/mine/k")).map_err(|error| error.code).err(), Some("AccessDenied"));
    let read = s3.text(ask("GET", "/mine?policy"));
    assert!(read.contains("AIDA") && !read.contains(&new.arn()), "{read}");
    s3.put_policy(&statement).expect("put again");
    assert!(s3.send(&new, ask("GET", "/mine/k")).is_ok());
}

#[test]
fn a_public_policy_is_blocked_by_the_bucket_or_the_account() {
    let mut s3 = S3::with_bucket();
    let public = allow(EVERYONE, "s3:GetObject", "mine/pub/*");
    let ending = "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access";
    let error = s3.put_policy(&public).expect_err("blocked by the bucket");
    assert_eq!((error.status, error.code), (403, "AccessDenied"));
    assert!(error.message.ends_with(ending), "{}", error.message);
    s3.open_to_the_public();
    s3.world.account(MINE).public_access_block = Some(PublicAccessBlock::ALL);
    assert!(s3.put_policy(&public).is_err_and(|error| error.message.ends_with(ending)));
    s3.world.account(MINE).public_access_block = None;
    assert!(s3.put_policy(&public).is_ok());
    assert!(s3.text(ask("GET", "/mine?policyStatus")).contains("<IsPublic>true</IsPublic>"));
}

#[test]
fn an_unknown_principal_is_told_before_a_public_policy() {
    let mut s3 = S3::with_bucket();
    let unknown = allow(&named("arn:aws:iam::222222222222:user/nobody"), "s3:GetObject", "mine/*");
    let both = format!("{unknown},{}", allow(EVERYONE, "s3:GetObject", "mine/pub/*"));
    assert_eq!(s3.put_policy(&both).map_err(|error| error.code).err(), Some("MalformedPolicy"));
    assert!(s3.world.buckets["mine"].policy.is_none());
}

#[test]
fn another_account_is_refused_and_with_permission_still_may_not() {
    let mut s3 = S3::with_bucket();
    let yours = administrator(YOURS);
    let status = |s3: &mut S3| s3.send(&yours, ask("GET", "/mine?policy")).map_err(|error| error.status).err();
    assert_eq!(status(&mut s3), Some(403));
    s3.put_policy(&allow(&named(YOURS), "s3:GetBucketPolicy", "mine")).expect("put");
    assert_eq!(status(&mut s3), Some(405));
}

#[test]
fn the_public_reads_what_is_public_until_it_is_restricted() {
    let mut s3 = S3::with_bucket();
    s3.open_to_the_public();
    s3.put_policy(&allow(EVERYONE, "s3:GetObject", "mine/pub/*")).expect("put");
    for path in ["/mine/pub/k", "/mine/private"] {
        assert_eq!(s3.code(ask("PUT", path)), None);
    }
    let user = s3.user("rms_acme");
    let get =
        |s3: &mut S3, caller: &Caller, path| s3.send(caller, ask("GET", path)).map_err(|error| error.status).err();
    let callers = [Caller::Anonymous, administrator(YOURS), user.clone()];
    for caller in &callers {
        assert_eq!(get(&mut s3, caller, "/mine/pub/k"), None);
        assert_eq!(get(&mut s3, caller, "/mine/private"), Some(403));
        assert_eq!(get(&mut s3, caller, "/mine/pub/none"), Some(403));
    }
    let restrict = PublicAccessBlock { restrict_public_buckets: true, ..Default::default() };
    s3.world.account(MINE).public_access_block = Some(restrict);
    let answers: Vec<_> = callers.iter().map(|caller| get(&mut s3, caller, "/mine/pub/k")).collect();
    assert_eq!(answers, [Some(403), Some(403), None]);
}

#[test]
fn an_explicit_deny_binds_administrators_and_the_reason_is_the_owners_to_know() {
    let mut s3 = S3::with_bucket();
    s3.admin(ask("PUT", "/mine/k")).expect("put");
    let deny = allow(EVERYONE, "s3:GetObject", "mine/*").replace("Allow", "Deny");
    s3.put_policy(&deny).expect("a deny is not public");
    let error = s3.admin(ask("GET", "/mine/k")).expect_err("denied");
    assert!(error.message.ends_with("with an explicit deny in a resource-based policy"), "{}", error.message);
    let user = s3.user("rms_acme");
    let error = s3.send(&user, ask("HEAD", "/mine")).expect_err("not allowed");
    assert!(error.message.ends_with("because no identity-based policy allows the s3:ListBucket action"));
    let error = s3.send(&Caller::Anonymous, ask("HEAD", "/mine")).expect_err("not allowed");
    assert_eq!(error.message, "Access Denied");
}

#[test]
fn conditions_see_the_request() {
    let mut s3 = S3::with_bucket();
    let user = s3.user("rms_acme");
    let list = allow(&named(&user.arn()), "s3:ListBucket", "mine");
    let list = list.replacen('{', r#"{"Condition":{"StringLike":{"s3:prefix":"pub/*"}},"#, 1);
    s3.put_policy(&list).expect("put");
    assert!(s3.send(&user, ask("GET", "/mine?list-type=2&prefix=pub/")).is_ok());
    assert!(s3.send(&user, ask("GET", "/mine?list-type=2")).is_err());
    assert!(s3.send(&user, ask("HEAD", "/mine")).is_err());
}
