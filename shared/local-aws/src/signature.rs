//! AWS Signature Version 4, header form: reading it and checking it
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::request::Request;

/// The characters that a canonical request leaves as they are.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A signed request's `Authorization` header, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    /// The access key id.
    pub access_key_id: String,
    /// The day in the credential scope: `20261122`.
    pub date: String,
    /// The region in the credential scope.
    pub region: String,
    /// The service in the credential scope: `s3`, `iam`, `events`.
    pub service: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    /// Reads the header; `None` if there is none or it is not of this form.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let header = request.header("authorization")?.strip_prefix("AWS4-HMAC-SHA256")?;
        let field = |name: &str| {
            header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        };
        let credential = field("Credential")?;
        let mut scope = credential.split('/');
        let (access_key_id, date, region, service) = (scope.next()?, scope.next()?, scope.next()?, scope.next()?);
        Some(Self {
            access_key_id: access_key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?,
        })
    }
}

/// Whether the request was signed with `secret`.
pub(crate) fn matches(request: &Request, authorization: &Authorization, secret: &str) -> bool {
    let Authorization { date, region, service, .. } = authorization;
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        request.header("x-amz-date").unwrap_or_default(),
        hex::encode(Sha256::digest(canonical_request(request, authorization)))
    );
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), date);
    for part in [region.as_str(), service.as_str(), "aws4_request"] {
        key = hmac(&key, part);
    }
    hex::encode(hmac(&key, &to_sign)) == authorization.signature
}

fn canonical_request(request: &Request, authorization: &Authorization) -> String {
    let mut query: Vec<(String, String)> =
        request.query.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers: String = authorization
        .signed_headers
        .iter()
        .map(|name| {
            let sent = request.header(name).map(str::to_owned);
            // An HTTP client adds Host after signing; it is what the request was addressed to.
            let value = if name == "host" { sent.or_else(|| Some(request.host.clone())) } else { sent };
            format!("{name}:{}\n", value.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect();
    let payload = request
        .header("x-amz-content-sha256")
        .map_or_else(|| hex::encode(Sha256::digest(&request.body)), str::to_owned);
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload}",
        request.method,
        canonical_path(&request.path, &authorization.service),
        query.join("&"),
        authorization.signed_headers.join(";"),
    )
}

/// S3 signs the path encoded once, every other service encodes what was sent once more.
fn canonical_path(path: &str, service: &str) -> String {
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| match service {
            "s3" => encode(&percent_decode_str(segment).decode_utf8_lossy()),
            _ => encode(segment),
        })
        .collect();
    segments.join("/")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, &UNRESERVED).to_string()
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    // HMAC takes a key of any length, so this is never an error.
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac.chain_update(message).finalize().into_bytes().to_vec(),
        Err(_) => Vec::new(),
    }
}
