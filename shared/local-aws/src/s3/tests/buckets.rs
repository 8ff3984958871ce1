use super::*;
use crate::s3::{Acl, Namespace, ObjectOwnership, PublicAccessBlock};

const WEST: &str = "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";

#[test]
fn a_new_bucket_is_closed_to_the_public_and_its_owner_owns_all() {
    let mut s3 = S3::new();
    let tags = "<CreateBucketConfiguration><Tags><Tag><Key>orgid</Key><Value>acme</Value></Tag></Tags></CreateBucketConfiguration>";
    let reply = s3.admin(ask("PUT", "/mine").body(tags)).expect("made");
    assert_eq!(reply.headers[0].1, "/mine");
    let bucket = &s3.world.buckets["mine"];
    assert_eq!(bucket.public_access_block, Some(PublicAccessBlock::ALL));
    assert_eq!(bucket.object_ownership, Some(ObjectOwnership::BucketOwnerEnforced));
    assert_eq!((bucket.owner.as_str(), bucket.region.as_str()), (MINE, "us-east-1"));
    assert_eq!((bucket.tags["orgid"].as_str(), bucket.namespace), ("acme", Namespace::Global));
}

#[test]
fn one_bad_tag_or_setting_makes_no_bucket() {
    let mut s3 = S3::new();
    let tag = |key: &str| {
        format!(
            "<CreateBucketConfiguration><Tags><Tag><Key>{key}</Key><Value>v</Value></Tag></Tags></CreateBucketConfiguration>"
        )
    };
    assert_eq!(s3.code(ask("PUT", "/mine").body(tag("aws:x"))), Some("InvalidTag"));
    assert_eq!(s3.code(ask("PUT", "/mine").with("x-amz-object-ownership", "Mine")), Some("InvalidArgument"));
    assert_eq!(s3.code(ask("PUT", "/mine").body("<Other/>")), Some("MalformedXML"));
    assert_eq!(s3.code(ask("PUT", "/mine").body("<CreateBucketConfiguration>")), Some("MalformedXML"));
    assert_eq!(s3.code(ask("PUT", "/Mine")), Some("InvalidBucketName"));
    assert_eq!(
        s3.code(ask("PUT", "/mine").with("x-amz-acl", "public-read")),
        Some("InvalidBucketAclWithObjectOwnership")
    );
    assert!(s3.world.buckets.is_empty());
}

#[test]
fn a_taken_name_is_told_by_whose_it_is_and_where() {
    let mut s3 = S3::with_bucket();
    let other = s3.send(&administrator(YOURS), ask("PUT", "/mine")).expect_err("taken");
    assert_eq!((other.status, other.code), (409, "BucketAlreadyExists"));
    s3.region = "eu-west-1";
    assert_eq!(s3.code(ask("PUT", "/west").body(WEST)), None);
    assert_eq!(s3.code(ask("PUT", "/west").body(WEST)), Some("BucketAlreadyOwnedByYou"));
    assert_eq!(s3.code(ask("PUT", "/mine").body(WEST)), Some("BucketAlreadyOwnedByYou"));
    assert_eq!(s3.code(ask("PUT", "/none")), Some("IllegalLocationConstraintException"));
}

#[test]
fn us_east_1_answers_the_owner_as_if_it_were_new_and_resets_only_the_acl() {
    let mut s3 = S3::with_bucket();
    let bucket = s3.world.buckets.get_mut("mine").expect("there");
    bucket.tags.insert("orgid".to_owned(), "acme".to_owned());
    bucket.object_ownership = Some(ObjectOwnership::ObjectWriter);
    bucket.acl = Acl::PublicRead;
    assert_eq!(s3.code(ask("PUT", "/mine")), None);
    let bucket = &s3.world.buckets["mine"];
    assert_eq!((bucket.tags.len(), bucket.object_ownership), (1, Some(ObjectOwnership::ObjectWriter)));
    assert_eq!(bucket.acl, Acl::Private);
}

#[test]
fn the_account_regional_name_space_never_answers_200_twice() {
    let mut s3 = S3::new();
    let create = || ask("PUT", "/x-222222222222-us-east-1-an").with("x-amz-bucket-namespace", "account-regional");
    assert_eq!(s3.code(create()), None);
    assert_eq!(s3.code(create()), Some("BucketAlreadyOwnedByYou"));
    assert_eq!(s3.code(ask("PUT", "/x-222222222222-us-east-1-an")), Some("MissingNamespaceHeader"));
}

#[test]
fn users_and_strangers_make_and_list_no_buckets() {
    let mut s3 = S3::new();
    let user = s3.user("rms_acme");
    for caller in [user, Caller::Anonymous] {
        for request in [ask("PUT", "/mine"), ask("GET", "/")] {
            let error = s3.send(&caller, request).expect_err("refused");
            assert_eq!((error.status, error.code), (403, "AccessDenied"));
        }
    }
}

#[test]
fn head_tells_missing_elsewhere_foreign_and_mine_apart() {
    let mut s3 = S3::with_bucket();
    let reply = s3.admin(ask("HEAD", "/mine")).expect("mine");
    assert_eq!(reply.headers[0].1, "us-east-1");
    assert!(reply.body.is_empty());
    let missing = s3.admin(ask("HEAD", "/other")).expect_err("missing");
    assert_eq!(missing.status, 404);
    let foreign = s3.send(&administrator(YOURS), ask("HEAD", "/mine")).expect_err("foreign");
    assert_eq!((foreign.status, foreign.headers), (403, vec![("x-amz-bucket-region", "us-east-1".to_owned())]));
    s3.region = "eu-west-1";
    let elsewhere = s3.admin(ask("HEAD", "/mine")).expect_err("elsewhere");
    assert_eq!((elsewhere.status, elsewhere.code), (301, "PermanentRedirect"));
    assert_eq!(elsewhere.headers, vec![("x-amz-bucket-region", "us-east-1".to_owned())]);
}

#[test]
fn another_owner_than_expected_is_forbidden_but_not_at_creation() {
    let mut s3 = S3::with_bucket();
    for (method, path) in [("HEAD", "/mine"), ("GET", "/mine?location"), ("PUT", "/mine/k"), ("DELETE", "/mine")] {
        let request = || ask(method, path).with("x-amz-expected-bucket-owner", YOURS);
        assert_eq!(s3.code(request()), Some("AccessDenied"), "{method} {path}");
    }
    let malformed = ask("HEAD", "/mine").with("x-amz-expected-bucket-owner", "me");
    assert_eq!(s3.code(malformed), Some("InvalidBucketOwnerAWSAccountID"));
    assert_eq!(s3.code(ask("HEAD", "/mine").with("x-amz-expected-bucket-owner", MINE)), None);
    assert_eq!(s3.code(ask("PUT", "/mine").with("x-amz-expected-bucket-owner", YOURS)), None);
}

#[test]
fn lists_the_callers_buckets_in_pages() {
    let mut s3 = S3::new();
    for name in ["/aa1", "/aa2", "/aa3", "/bb1"] {
        assert_eq!(s3.code(ask("PUT", name)), None);
    }
    assert!(s3.send(&administrator(YOURS), ask("PUT", "/aa4")).is_ok());
    let all = s3.text(ask("GET", "/"));
    assert_eq!(all.matches("<Bucket>").count(), 4);
    assert!(!all.contains("BucketRegion"));
    let first = s3.text(ask("GET", "/?prefix=aa&max-buckets=2&bucket-region=us-east-1"));
    assert!(first.contains("<Name>aa2</Name>") && first.contains("<BucketRegion>us-east-1</BucketRegion>"));
    let token = first.split("<ContinuationToken>").nth(1).and_then(|rest| rest.split('<').next()).expect("more");
    let second = s3.text(ask("GET", &format!("/?prefix=aa&max-buckets=2&continuation-token={token}")));
    assert!(second.contains("aa3") && !second.contains("aa2") && !second.contains("ContinuationToken"));
    for bad in ["/?max-buckets=0", "/?max-buckets=10001", "/?bucket-region=eu-west-1", "/?continuation-token=!"] {
        assert_eq!(s3.code(ask("GET", bad)), Some("InvalidArgument"), "{bad}");
    }
}

#[test]
fn the_location_is_told_at_the_global_endpoint_and_the_own() {
    let mut s3 = S3::with_bucket();
    assert!(s3.text(ask("GET", "/mine?location")).ends_with("\"></LocationConstraint>"));
    s3.region = "eu-west-1";
    assert_eq!(s3.code(ask("PUT", "/west").body(WEST)), None);
    assert_eq!(s3.code(ask("GET", "/mine?location")), Some("PermanentRedirect"));
    s3.region = "us-east-1";
    assert!(s3.text(ask("GET", "/west?location")).contains(">eu-west-1<"));
}

#[test]
fn only_an_empty_bucket_can_be_deleted_and_its_name_is_then_anybodys() {
    let mut s3 = S3::with_bucket();
    assert_eq!(s3.code(ask("PUT", "/mine/k")), None);
    assert_eq!(s3.code(ask("DELETE", "/mine")), Some("BucketNotEmpty"));
    assert_eq!(s3.code(ask("DELETE", "/mine/k")), None);
    assert_eq!(s3.code(ask("DELETE", "/mine")), None);
    assert_eq!(s3.code(ask("DELETE", "/mine")), Some("NoSuchBucket"));
    assert!(s3.send(&administrator(YOURS), ask("PUT", "/mine")).is_ok());
}
