use super::*;

#[test]
fn what_is_put_comes_back() {
    let mut s3 = S3::with_bucket();
    let put = ask("PUT", "/mine/pub/a%20b").with("content-type", "text/plain").with("x-amz-meta-x", "y").body("hello");
    let reply = s3.admin(put).expect("put");
    assert_eq!(reply.headers[0].1, "\"5d41402abc4b2a76b9719d911017c592\"");
    let reply = s3.admin(ask("GET", "/mine/pub/a%20b").with("x-amz-checksum-mode", "ENABLED")).expect("there");
    assert_eq!(reply.body, "hello");
    let header = |name: &str| reply.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.clone());
    assert_eq!(header("content-type").expect("kept"), "text/plain");
    assert_eq!(header("x-amz-meta-x").expect("kept"), "y");
    assert_eq!(header("last-modified").expect("told"), "Sun, 22 Nov 2026 10:00:00 GMT");
    assert!(header("x-amz-checksum-crc64nvme").is_some());
    let head = s3.admin(ask("HEAD", "/mine/pub/a%20b")).expect("there");
    assert!(head.body.is_empty() && head.headers.iter().any(|(_, value)| value == "5"));
}

#[test]
fn if_none_match_puts_once() {
    let mut s3 = S3::with_bucket();
    let marker = || ask("PUT", "/mine/pub/").with("if-none-match", "*");
    assert_eq!(s3.code(marker()), None);
    let error = s3.admin(marker()).expect_err("there");
    assert_eq!((error.status, error.code), (412, "PreconditionFailed"));
    assert_eq!(s3.code(ask("PUT", "/mine/pub/").with("if-none-match", "x")), Some("NotImplemented"));
    assert_eq!(s3.code(ask("PUT", "/mine/pub/")), None);
}

#[test]
fn a_missing_key_is_told_only_to_those_who_may_list() {
    let mut s3 = S3::with_bucket();
    let user = s3.user("rms_acme");
    let arn = user.arn();
    let principal = format!(r#"{{"AWS":"{arn}"}}"#);
    let read = allow(&principal, "s3:GetObject", "mine/*");
    s3.put_policy(&read).expect("put");
    assert_eq!(s3.code(ask("GET", "/mine/none")), Some("NoSuchKey"));
    let get = || ask("GET", "/mine/none");
    assert_eq!(s3.send(&user, get()).map_err(|error| error.status).err(), Some(403));
    s3.put_policy(&format!("{read},{}", allow(&principal, "s3:ListBucket", "mine"))).expect("put");
    assert_eq!(s3.send(&user, get()).map_err(|error| error.code).err(), Some("NoSuchKey"));
    assert_eq!(s3.code(ask("DELETE", "/mine/none")), None);
}

#[test]
fn lists_keys_and_common_prefixes_in_pages() {
    let mut s3 = S3::with_bucket();
    for key in ["a", "d/1", "d/2", "e/1", "f+g h"] {
        let path = format!("/mine/{}", key.replace(' ', "%20"));
        assert_eq!(s3.code(ask("PUT", &path)), None);
    }
    let mut names = Vec::new();
    let mut path = "/mine?list-type=2&delimiter=/&max-keys=1&encoding-type=url".to_owned();
    for _ in 0..10 {
        let page = s3.text(ask("GET", &path));
        assert!(page.contains("<KeyCount>1</KeyCount>"), "{page}");
        let inside = |tag: &str| page.split(&format!("<{tag}>")).last()?.split('<').next().map(str::to_owned);
        names.push(if page.contains("<Key>") { inside("Key") } else { inside("Prefix") }.expect("one"));
        if page.contains("<IsTruncated>false") {
            break;
        }
        let token = inside("NextContinuationToken").expect("more");
        path = format!("/mine?list-type=2&delimiter=/&max-keys=1&encoding-type=url&continuation-token={token}");
    }
    assert_eq!(names, ["a", "d/", "e/", "f%2Bg+h"]);
    let rest = s3.text(ask("GET", "/mine?list-type=2&prefix=d/&start-after=d/1"));
    assert!(rest.contains("<Key>d/2</Key>") && !rest.contains("<Key>d/1</Key>"), "{rest}");
    assert!(s3.text(ask("GET", "/mine?list-type=2&max-keys=0")).contains("<IsTruncated>false"));
    assert_eq!(s3.code(ask("GET", "/mine?list-type=2&max-keys=x")), Some("InvalidArgument"));
}

#[test]
fn what_is_not_built_is_refused_and_not_ignored() {
    let mut s3 = S3::with_bucket();
    assert_eq!(s3.code(ask("PUT", "/mine/k")), None);
    for request in [
        ask("GET", "/mine/k").with("range", "bytes=0-1"),
        ask("GET", "/mine/k?versionId=1"),
        ask("GET", "/mine/k?X-Amz-Signature=0"),
        ask("PUT", "/mine/k").with("x-amz-tagging", "a=b"),
        ask("PUT", "/mine/k").with("x-amz-server-side-encryption", "aws:kms"),
        ask("PUT", "/mine/k2").with("x-amz-copy-source", "/mine/k"),
        ask("GET", "/mine?lifecycle"),
        ask("GET", "/mine"),
    ] {
        let error = s3.admin(request).expect_err("refused");
        assert_eq!((error.status, error.code), (501, "NotImplemented"));
    }
    assert_eq!(s3.code(ask("PUT", "/mine/k").with("x-amz-acl", "private")), Some("AccessControlListNotSupported"));
    assert_eq!(s3.code(ask("PUT", "/mine/k").with("x-amz-acl", "bucket-owner-full-control")), None);
}
