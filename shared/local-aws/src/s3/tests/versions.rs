use super::*;

fn inside<'x>(xml: &'x str, tag: &str) -> Vec<&'x str> {
    xml.split(&format!("<{tag}>")).skip(1).filter_map(|rest| rest.split('<').next()).collect()
}

fn versioned() -> S3 {
    let mut s3 = S3::with_bucket();
    assert_eq!(s3.code(ask("PUT", "/mine/k").body("before")), None);
    assert!(!s3.text(ask("GET", "/mine?versioning")).contains("Status"));
    let on = ask("PUT", "/mine?versioning")
        .body("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    assert_eq!(s3.code(on), None);
    assert!(s3.text(ask("GET", "/mine?versioning")).contains("<Status>Enabled</Status>"));
    s3
}

#[test]
fn what_was_there_stays_behind_and_comes_back() {
    let mut s3 = versioned();
    for body in ["one", "two"] {
        let reply = s3.admin(ask("PUT", "/mine/k").body(body)).expect("put");
        assert!(reply.headers.iter().any(|(name, _)| name == "x-amz-version-id"));
    }
    let listed = s3.text(ask("GET", "/mine?versions"));
    let ids: Vec<String> = inside(&listed, "VersionId").into_iter().map(str::to_owned).collect();
    assert_eq!((ids.len(), ids[2].as_str()), (3, "null"));
    assert_eq!(inside(&listed, "IsLatest"), ["true", "false", "false"]);
    // A simple delete hides, and deleting the marker shows again.
    let deleted = s3.admin(ask("DELETE", "/mine/k")).expect("deleted");
    assert!(deleted.headers.iter().any(|(name, value)| name == "x-amz-delete-marker" && value == "true"));
    assert_eq!(s3.code(ask("GET", "/mine/k")), Some("NoSuchKey"));
    let listed = s3.text(ask("GET", "/mine?versions"));
    assert_eq!(inside(&listed, "IsLatest"), ["true", "false", "false", "false"]);
    let marker = inside(&listed, "VersionId")[0].to_owned();
    assert_eq!(s3.code(ask("DELETE", &format!("/mine/k?versionId={marker}"))), None);
    assert_eq!(s3.text(ask("GET", "/mine/k")), "two");
    assert_eq!(s3.code(ask("DELETE", &format!("/mine/k?versionId={}", ids[0]))), None);
    assert_eq!(s3.text(ask("GET", "/mine/k")), "one");
    assert_eq!(s3.code(ask("DELETE", "/mine")), Some("BucketNotEmpty"));
}

#[test]
fn many_are_deleted_at_once_and_a_bucket_of_markers_is_not_empty() {
    let mut s3 = versioned();
    assert_eq!(s3.code(ask("DELETE", "/mine/k")), None);
    assert_eq!(s3.code(ask("DELETE", "/mine")), Some("BucketNotEmpty"));
    let listed = s3.text(ask("GET", "/mine?versions&max-keys=1"));
    assert!(listed.contains("<IsTruncated>true"), "{listed}");
    let marker = inside(&listed, "NextVersionIdMarker")[0].to_owned();
    let rest = s3.text(ask("GET", &format!("/mine?versions&key-marker=k&version-id-marker={marker}")));
    assert_eq!(inside(&rest, "VersionId"), ["null"]);
    let body = |ids: &[&str]| {
        let objects: String =
            ids.iter().map(|id| format!("<Object><Key>k</Key><VersionId>{id}</VersionId></Object>")).collect();
        format!("<Delete>{objects}</Delete>")
    };
    let all = body(&[&marker, "null"]);
    assert_eq!(s3.code(ask("POST", "/mine?delete").body(all.as_str())), Some("InvalidRequest"), "without a checksum");
    let crc = crate::s3::checksum::compute("x-amz-checksum-crc32", all.as_bytes()).expect("known");
    let answer = s3.text(ask("POST", "/mine?delete").with("x-amz-checksum-crc32", &crc).body(all.as_str()));
    assert_eq!(inside(&answer, "VersionId"), [marker.as_str(), "null"]);
    assert!(answer.contains("<DeleteMarker>true"), "{answer}");
    assert_eq!(s3.code(ask("DELETE", "/mine")), None);
}

#[test]
fn a_version_is_deleted_by_those_only_who_may() {
    let mut s3 = versioned();
    let user = s3.user("rms_acme");
    let principal = format!(r#"{{"AWS":"{}"}}"#, user.arn());
    s3.put_policy(&allow(&principal, "s3:DeleteObject", "mine/*")).expect("put");
    let body = "<Delete><Object><Key>k</Key><VersionId>null</VersionId></Object><Object><Key>k</Key></Object></Delete>";
    let crc = crate::s3::checksum::compute("x-amz-checksum-crc32", body.as_bytes()).expect("known");
    let reply = s3.send(&user, ask("POST", "/mine?delete").with("x-amz-checksum-crc32", &crc).body(body)).expect("200");
    let answer = String::from_utf8(reply.body.to_vec()).expect("text");
    assert_eq!((inside(&answer, "Code"), inside(&answer, "DeleteMarker")), (vec!["AccessDenied"], vec!["true"]));
    assert_eq!(s3.send(&user, ask("GET", "/mine?versions")).map_err(|error| error.code).err(), Some("AccessDenied"));
}
