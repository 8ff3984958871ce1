//! Which bucket and which key a request is about.
//!
//! Virtual-host style: `bucket.s3.eu-west-1.amazonaws.com/key`, `bucket.localhost/key`. Path style: any
//! other host, `s3.eu-west-1.amazonaws.com/bucket/key`, `127.0.0.1:4566/bucket/key`.

use percent_encoding::percent_decode_str;

use crate::request::Request;

/// What a request is addressed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    /// The bucket, unless the request is about all of them.
    pub(super) bucket: Option<String>,
    /// The key, decoded, unless the request is about the bucket.
    pub(super) key: Option<String>,
    /// The region that the host names, if it names one.
    pub(super) region: Option<String>,
}

impl Address {
    /// Reads host and path.
    pub(super) fn of(request: &Request) -> Self {
        let (bucket_in_host, region) = host_parts(&request.host);
        let path = request.path.strip_prefix('/').unwrap_or(&request.path);
        let (bucket, key) = match bucket_in_host {
            Some(bucket) => (bucket, path),
            None => {
                let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
                (decode(bucket), key)
            }
        };
        Self { bucket: some(bucket), key: some(decode(key)), region }
    }

    /// The bucket's name, empty if there is none.
    pub(super) fn bucket_name(&self) -> &str {
        self.bucket.as_deref().unwrap_or_default()
    }

    /// The key, empty if there is none.
    pub(super) fn key_name(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// `bucket`, or `bucket/key`, as the trace has it.
    pub(super) fn resource(&self) -> String {
        match &self.key {
            Some(key) => format!("{}/{key}", self.bucket_name()),
            None => self.bucket_name().to_owned(),
        }
    }
}

/// The bucket and the region in a host name.
fn host_parts(host: &str) -> (Option<String>, Option<String>) {
    let name = without_port(host);
    if let Some(bucket) = name.strip_suffix(".localhost") {
        return (some(bucket.to_owned()), None);
    }
    let Some(rest) = name.strip_suffix(".amazonaws.com") else { return (None, None) };
    let (front, region) = match rest.rsplit_once('.') {
        Some((front, last)) if last != "s3" => (front, Some(last.to_owned())),
        _ => (rest, None),
    };
    let front = front.strip_suffix(".dualstack").unwrap_or(front);
    let bucket = front.strip_suffix(".s3").map(str::to_owned);
    (bucket, region)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> (Option<String>, Option<String>, Option<String>) {
        let request = http::Request::get(url).body(bytes::Bytes::new()).expect("a URL");
        let Address { bucket, key, region } = Address::of(&Request::from_http(request));
        (bucket, key, region)
    }

    #[test]
    fn reads_both_styles() {
        let text = |text: &str| Some(text.to_owned());
        let east = || text("us-east-1");
        for (url, expected) in [
            ("https://b-1.s3.us-east-1.amazonaws.com/", (text("b-1"), None, east())),
            ("https://b-1.s3.us-east-1.amazonaws.com/pub/a%20b", (text("b-1"), text("pub/a b"), east())),
            ("https://b-1.s3.amazonaws.com/k", (text("b-1"), text("k"), None)),
            ("https://my.s3.bucket.s3.us-east-1.amazonaws.com/", (text("my.s3.bucket"), None, east())),
            ("https://b-1.s3.dualstack.us-east-1.amazonaws.com/", (text("b-1"), None, east())),
            ("https://s3.us-east-1.amazonaws.com/b-1", (text("b-1"), None, east())),
            ("https://s3.us-east-1.amazonaws.com/", (None, None, east())),
            ("https://s3.amazonaws.com/b-1/", (text("b-1"), None, None)),
            ("http://127.0.0.1:4566/b-1/pub/", (text("b-1"), text("pub/"), None)),
            ("http://b-1.localhost:4566/pub/", (text("b-1"), text("pub/"), None)),
            ("http://localhost:4566/", (None, None, None)),
        ] {
            assert_eq!(address(url), expected, "{url}");
        }
    }
}
