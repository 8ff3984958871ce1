use super::*;
use crate::s3::{Acl, PublicAccessBlock, control};

fn tagging(tags: &[(&str, &str)]) -> String {
    let tags: String =
        tags.iter().map(|(key, value)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>")).collect();
    format!("<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>{tags}</TagSet></Tagging>")
}

#[test]
fn putting_tags_replaces_the_set() {
    let mut s3 = S3::with_bucket();
    assert_eq!(s3.code(ask("GET", "/mine?tagging")), Some("NoSuchTagSet"));
    assert_eq!(s3.code(ask("PUT", "/mine?tagging").body(tagging(&[("a", "1"), ("A", "")]))), None);
    assert_eq!(s3.code(ask("PUT", "/mine?tagging").body(tagging(&[("b", " 2 + 3 ")]))), None);
    let tags = s3.text(ask("GET", "/mine?tagging"));
    assert!(tags.contains("<Tag><Key>b</Key><Value> 2 + 3 </Value></Tag>"), "{tags}");
    assert_eq!(tags.matches("<Tag>").count(), 1);
    assert_eq!(s3.code(ask("PUT", "/mine?tagging").body(tagging(&[]))), None);
    assert_eq!(s3.code(ask("DELETE", "/mine?tagging")), None);
    assert_eq!(s3.code(ask("GET", "/mine?tagging")), Some("NoSuchTagSet"));
}

#[test]
fn refuses_tags_beyond_the_limits_and_changes_nothing() {
    let mut s3 = S3::with_bucket();
    let long = "k".repeat(129);
    let names: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    for (tags, code) in [
        (vec![("k", "1"), ("k", "2")], "InvalidTag"),
        (vec![("", "1")], "InvalidTag"),
        (vec![(long.as_str(), "1")], "InvalidTag"),
        (vec![("AWS:k", "1")], "InvalidTag"),
        (vec![("k!", "1")], "InvalidTag"),
        (many, "BadRequest"),
    ] {
        assert_eq!(s3.code(ask("PUT", "/mine?tagging").body(tagging(&tags))), Some(code), "{tags:?}");
    }
    assert_eq!(s3.code(ask("PUT", "/mine?tagging")), Some("MissingRequestBodyError"));
    assert!(s3.world.buckets["mine"].tags.is_empty());
}

#[test]
fn a_public_access_block_is_put_whole_and_can_be_gone() {
    let mut s3 = S3::with_bucket();
    assert_eq!(s3.text(ask("GET", "/mine?publicAccessBlock")).matches(">true<").count(), 4);
    let acls = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>";
    assert_eq!(s3.code(ask("PUT", "/mine?publicAccessBlock").body(acls)), None);
    let expected = PublicAccessBlock { block_public_acls: true, ignore_public_acls: true, ..Default::default() };
    assert_eq!(s3.world.buckets["mine"].public_access_block, Some(expected));
    assert_eq!(s3.code(ask("DELETE", "/mine?publicAccessBlock")), None);
    assert_eq!(s3.code(ask("GET", "/mine?publicAccessBlock")), Some("NoSuchPublicAccessBlockConfiguration"));
}

#[test]
fn encryption_and_versioning_are_those_of_a_new_bucket() {
    let mut s3 = S3::with_bucket();
    let encryption = s3.text(ask("GET", "/mine?encryption"));
    assert!(encryption.contains("<SSEAlgorithm>AES256</SSEAlgorithm>"), "{encryption}");
    assert!(encryption.contains("<EncryptionType>SSE-C</EncryptionType>"), "{encryption}");
    assert!(!s3.text(ask("GET", "/mine?versioning")).contains("Status"));
    let user = s3.user("rms_acme");
    for path in ["/mine?encryption", "/mine?versioning"] {
        assert_eq!(s3.send(&user, ask("GET", path)).expect_err("refused").code, "AccessDenied", "{path}");
    }
    assert_eq!(s3.code(ask("PUT", "/mine?encryption")), Some("NotImplemented"));
    let off = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    assert_eq!(s3.code(ask("PUT", "/mine?versioning").body(off)), Some("NotImplemented"));
}

#[test]
fn users_change_no_settings() {
    let mut s3 = S3::with_bucket();
    let user = s3.user("rms_acme");
    for path in ["/mine?publicAccessBlock", "/mine?tagging", "/mine?policy", "/mine?ownershipControls", "/mine"] {
        let error = s3.send(&user, ask("DELETE", path)).expect_err("refused");
        assert_eq!(error.code, "AccessDenied", "{path}");
    }
}

fn ownership(name: &str) -> String {
    format!("<OwnershipControls><Rule><ObjectOwnership>{name}</ObjectOwnership></Rule></OwnershipControls>")
}

#[test]
fn a_public_acl_needs_acls_and_keeps_them_from_being_disabled() {
    let mut s3 = S3::with_bucket();
    let public = || ask("PUT", "/mine?acl").with("x-amz-acl", "public-read");
    assert_eq!(s3.code(public()), Some("AccessControlListNotSupported"));
    assert_eq!(s3.code(ask("PUT", "/mine?ownershipControls").body(ownership("Nobody"))), Some("MalformedXML"));
    assert_eq!(s3.code(ask("PUT", "/mine?ownershipControls").body(ownership("ObjectWriter"))), None);
    assert_eq!(s3.code(public()), Some("AccessDenied"));
    s3.open_to_the_public();
    assert_eq!(s3.code(public()), None);
    assert!(s3.text(ask("GET", "/mine?acl")).contains("AllUsers"));
    assert!(s3.send(&Caller::Anonymous, ask("HEAD", "/mine")).is_ok());
    let enforced = || ask("PUT", "/mine?ownershipControls").body(ownership("BucketOwnerEnforced"));
    assert_eq!(s3.code(enforced()), Some("InvalidBucketAclWithObjectOwnership"));
    assert_eq!(s3.code(ask("PUT", "/mine?acl").with("x-amz-acl", "private")), None);
    assert_eq!(s3.code(enforced()), None);
    assert_eq!(s3.world.buckets["mine"].acl, Acl::Private);
}

#[test]
fn without_ownership_controls_acls_count_again() {
    let mut s3 = S3::with_bucket();
    assert!(s3.text(ask("GET", "/mine?ownershipControls")).contains("BucketOwnerEnforced"));
    assert_eq!(s3.code(ask("DELETE", "/mine?ownershipControls")), None);
    assert_eq!(s3.code(ask("GET", "/mine?ownershipControls")), Some("OwnershipControlsNotFoundError"));
    assert_eq!(s3.code(ask("PUT", "/mine?acl").with("x-amz-acl", "private")), None);
}

#[test]
fn the_account_level_block_is_the_accounts_own() {
    let mut s3 = S3::new();
    let path = "/v20180820/configuration/publicAccessBlock";
    let mut send = |caller: &Caller, ask: Ask<'_>| {
        let request = ask.with("x-amz-account-id", MINE).request();
        assert!(control::is_control(&request));
        let mut call = Call { world: &mut s3.world, caller, region: "us-east-1", now: s3.now, resource: String::new() };
        control::handle(&mut call, &request, &control::operation(&request)).map_err(|error| error.code)
    };
    let admin = administrator(MINE);
    assert_eq!(send(&admin, ask("GET", path)).err(), Some("NoSuchPublicAccessBlockConfiguration"));
    let setting =
        "<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>";
    assert_eq!(send(&administrator(YOURS), ask("PUT", path).body(setting)).err(), Some("AccessDenied"));
    assert!(send(&admin, ask("PUT", path).body(setting)).is_ok());
    let told = send(&admin, ask("GET", path)).expect("set");
    assert_eq!(String::from_utf8_lossy(&told.body).matches(">true<").count(), 1);
    assert!(send(&admin, ask("DELETE", path)).is_ok());
    assert_eq!(send(&admin, ask("GET", path)).err(), Some("NoSuchPublicAccessBlockConfiguration"));
}
