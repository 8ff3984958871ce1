//! The API name of what a request asks for: S3 has it in the method, the path and the query.

use http::Method;

use super::address::Address;
use crate::request::Request;

/// Subresources of a bucket, with the noun in the names of their operations.
const OF_BUCKETS: [(&str, &str); 22] = [
    ("accelerate", "BucketAccelerateConfiguration"),
    ("acl", "BucketAcl"),
    ("analytics", "BucketAnalyticsConfiguration"),
    ("cors", "BucketCors"),
    ("encryption", "BucketEncryption"),
    ("intelligent-tiering", "BucketIntelligentTieringConfiguration"),
    ("inventory", "BucketInventoryConfiguration"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("location", "BucketLocation"),
    ("logging", "BucketLogging"),
    ("metrics", "BucketMetricsConfiguration"),
    ("notification", "BucketNotificationConfiguration"),
    ("object-lock", "ObjectLockConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("policyStatus", "BucketPolicyStatus"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("replication", "BucketReplication"),
    ("requestPayment", "BucketRequestPayment"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
    ("website", "BucketWebsite"),
];

/// Subresources of an object.
const OF_OBJECTS: [(&str, &str); 6] = [
    ("acl", "ObjectAcl"),
    ("attributes", "ObjectAttributes"),
    ("legal-hold", "ObjectLegalHold"),
    ("retention", "ObjectRetention"),
    ("tagging", "ObjectTagging"),
    ("torrent", "ObjectTorrent"),
];

/// The operation's API name; of one that is not here at all, the method and the path.
pub fn operation(request: &Request) -> String {
    let address = Address::of(request);
    let name = match (&address.bucket, &address.key) {
        (None, _) => on_service(request),
        (Some(_), None) => on_bucket(request),
        (Some(_), Some(_)) => on_object(request),
    };
    name.unwrap_or_else(|| format!("{} {}", request.method, request.path))
}

fn on_service(request: &Request) -> Option<String> {
    (request.method == Method::GET).then(|| "ListBuckets".to_owned())
}

fn on_bucket(request: &Request) -> Option<String> {
    if let Some((_, noun)) = OF_BUCKETS.iter().find(|(name, _)| request.query(name).is_some()) {
        return with_verb(request, noun);
    }
    let has = |name: &str| request.query(name).is_some();
    let name = match request.method {
        Method::GET if has("versions") => "ListObjectVersions",
        Method::GET if has("uploads") => "ListMultipartUploads",
        Method::GET if request.query("list-type") == Some("2") => "ListObjectsV2",
        Method::GET => "ListObjects",
        Method::POST if has("delete") => "DeleteObjects",
        Method::PUT => "CreateBucket",
        Method::HEAD => "HeadBucket",
        Method::DELETE => "DeleteBucket",
        _ => return None,
    };
    Some(name.to_owned())
}

fn on_object(request: &Request) -> Option<String> {
    if let Some((_, noun)) = OF_OBJECTS.iter().find(|(name, _)| request.query(name).is_some()) {
        return with_verb(request, noun);
    }
    let has = |name: &str| request.query(name).is_some();
    let name = match request.method {
        Method::POST if has("uploads") => "CreateMultipartUpload",
        Method::PUT if has("uploadId") => "UploadPart",
        Method::POST if has("uploadId") => "CompleteMultipartUpload",
        Method::DELETE if has("uploadId") => "AbortMultipartUpload",
        Method::GET if has("uploadId") => "ListParts",
        Method::PUT if request.header("x-amz-copy-source").is_some() => "CopyObject",
        Method::PUT => "PutObject",
        Method::GET => "GetObject",
        Method::HEAD => "HeadObject",
        Method::DELETE => "DeleteObject",
        _ => return None,
    };
    Some(name.to_owned())
}

fn with_verb(request: &Request, noun: &str) -> Option<String> {
    let verb = match request.method {
        Method::GET => "Get",
        Method::PUT => "Put",
        Method::DELETE => "Delete",
        _ => return None,
    };
    Some(format!("{verb}{noun}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_operations_as_the_api_does() {
        for (method, path, expected) in [
            ("GET", "/", "ListBuckets"),
            ("PUT", "/b", "CreateBucket"),
            ("GET", "/b?tagging", "GetBucketTagging"),
            ("DELETE", "/b/?publicAccessBlock=", "DeletePublicAccessBlock"),
            ("GET", "/b?policyStatus", "GetBucketPolicyStatus"),
            ("GET", "/b?list-type=2&prefix=tagging", "ListObjectsV2"),
            ("PUT", "/b/k?x-id=PutObject", "PutObject"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
            ("GET", "/b/k?tagging", "GetObjectTagging"),
            ("PATCH", "/b", "PATCH /b"),
        ] {
            let request = http::Request::builder()
                .method(method)
                .uri(format!("http://127.0.0.1:4566{path}"))
                .body(bytes::Bytes::new())
                .expect("a request");
            assert_eq!(operation(&Request::from_http(request)), expected, "{method} {path}");
        }
    }
}
