//! ListObjectsV2.

use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::NAMESPACE;
use super::access::open;
use super::address::Address;
use super::bucket::{Bucket, Object};
use super::errors::invalid_argument;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;
use crate::xml::Xml;

const LARGEST_PAGE: usize = 1000;

/// What `encoding-type=url` leaves as it is; a space becomes a plus.
const UNENCODED: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/').remove(b' ');

/// What the client asks for.
struct Query<'r> {
    prefix: &'r str,
    delimiter: &'r str,
    page: usize,
    /// Keys up to and including this one were listed before, and keys that start with it if it was rolled up.
    after: String,
    urlencoded: bool,
}

/// One line of the answer.
enum Entry<'b> {
    Object(&'b str, &'b Object),
    CommonPrefix(&'b str),
}

pub(super) fn list(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    let name = Address::of(request).bucket_name().to_owned();
    let bucket = open(call, request, "s3:ListBucket")?;
    let query = read(request)?;
    let (entries, more) = select(bucket, &query);
    let token = entries.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last.name()));
    Ok(Reply::xml(Xml::document("ListBucketResult", NAMESPACE, |xml| {
        xml.text("Name", &name);
        xml.text("Prefix", query.encode(query.prefix));
        for (element, parameter) in [("StartAfter", "start-after"), ("Delimiter", "delimiter")] {
            if let Some(value) = request.query(parameter).filter(|value| !value.is_empty()) {
                xml.text(element, query.encode(value));
            }
        }
        for (element, parameter) in [("ContinuationToken", "continuation-token"), ("EncodingType", "encoding-type")] {
            if let Some(value) = request.query(parameter) {
                xml.text(element, value);
            }
        }
        xml.text("MaxKeys", query.page.to_string());
        xml.text("KeyCount", entries.len().to_string());
        xml.text("IsTruncated", more.to_string());
        if let Some(token) = &token {
            xml.text("NextContinuationToken", token);
        }
        entries.iter().for_each(|entry| entry.write(xml, &query));
    })))
}

/// The next page, and whether something follows it.
fn select<'b>(bucket: &'b Bucket, query: &Query<'_>) -> (Vec<Entry<'b>>, bool) {
    let mut entries: Vec<Entry<'b>> = Vec::new();
    if query.page == 0 {
        return (entries, false);
    }
    for (key, object) in bucket.objects.range::<str, _>((Bound::Excluded(query.after.as_str()), Bound::Unbounded)) {
        let Some(rest) = key.strip_prefix(query.prefix) else { continue };
        let rolled_up = (!query.delimiter.is_empty())
            .then(|| rest.find(query.delimiter))
            .flatten()
            .and_then(|at| key.get(..query.prefix.len() + at + query.delimiter.len()));
        let seen = |prefix: &str| prefix == query.after || entries.last().is_some_and(|last| last.name() == prefix);
        let entry = match rolled_up {
            Some(prefix) if seen(prefix) => continue,
            Some(prefix) => Entry::CommonPrefix(prefix),
            None => Entry::Object(key, object),
        };
        if entries.len() == query.page {
            return (entries, true);
        }
        entries.push(entry);
    }
    (entries, false)
}

fn read(request: &Request) -> Result<Query<'_>, ApiError> {
    let page = match request.query("max-keys") {
        None => LARGEST_PAGE,
        Some(text) => text
            .parse::<u32>()
            .map(|keys| usize::try_from(keys).unwrap_or(usize::MAX).min(LARGEST_PAGE))
            .map_err(|_| invalid_argument("Provided max-keys not an integer or within integer range"))?,
    };
    let after = match request.query("continuation-token") {
        None => request.query("start-after").unwrap_or_default().to_owned(),
        Some(token) => read_token(token)?,
    };
    let urlencoded = match request.query("encoding-type") {
        None => false,
        Some("url") => true,
        Some(_) => return Err(invalid_argument("Invalid Encoding Method specified in Request")),
    };
    let parameter = |name| request.query(name).unwrap_or_default();
    Ok(Query { prefix: parameter("prefix"), delimiter: parameter("delimiter"), page, after, urlencoded })
}

fn read_token(token: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| !bytes.is_empty());
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

impl Query<'_> {
    fn encode(&self, text: &str) -> String {
        if self.urlencoded {
            utf8_percent_encode(text, &UNENCODED).to_string().replace(' ', "+")
        } else {
            text.to_owned()
        }
    }
}

impl Entry<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Object(name, _) | Self::CommonPrefix(name) => name,
        }
    }

    fn write(&self, xml: &mut Xml, query: &Query<'_>) {
        match self {
            Self::CommonPrefix(prefix) => {
                xml.element("CommonPrefixes", |xml| xml.text("Prefix", query.encode(prefix)));
            }
            Self::Object(key, object) => xml.element("Contents", |xml| {
                xml.text("Key", query.encode(key));
                xml.text("LastModified", object.last_modified.iso8601());
                xml.text("ETag", format!("\"{}\"", object.etag));
                xml.text("Size", object.body.len().to_string());
                xml.text("StorageClass", "STANDARD");
            }),
        }
    }
}
