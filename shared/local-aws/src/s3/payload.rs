//! The body of a request: out of its `aws-chunked` coding, and checked against what the client says of it.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::checksum;
use super::errors::{invalid_argument, invalid_request};
use crate::reply::ApiError;
use crate::request::Request;

/// A body that arrived as it was sent.
#[derive(Debug)]
pub(super) struct Payload {
    /// The content.
    pub(super) body: Bytes,
    /// The checksum that came with it: header name and value.
    pub(super) checksum: Option<(&'static str, String)>,
}

/// Reads the body.
///
/// # Errors
/// What S3 answers when hash, length or checksum are not the body's. Signatures of single chunks are not
/// checked.
pub(super) fn read(request: &Request) -> Result<Payload, ApiError> {
    let signed = request.header("authorization").is_some();
    let (body, trailers) = match request.header("x-amz-content-sha256") {
        None if signed => {
            return Err(invalid_request("Missing required header for this request: x-amz-content-sha256"));
        }
        None | Some("UNSIGNED-PAYLOAD") => (request.body.clone(), Vec::new()),
        Some(streaming) if streaming.starts_with("STREAMING-") => decoded(request)?,
        Some(hash) => {
            check_hash(&request.body, hash)?;
            (request.body.clone(), Vec::new())
        }
    };
    checksum::verify_md5(&body, request.header("content-md5"))?;
    let in_trailer = |name: &str| trailers.iter().find(|(trailer, _)| trailer == name).map(|(_, value)| value.as_str());
    let checksum = checksum::verify(&body, |name| request.header(name).or_else(|| in_trailer(name)))?;
    if checksum.is_none() && request.header("x-amz-sdk-checksum-algorithm").is_some() {
        return Err(invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
        ));
    }
    Ok(Payload { body, checksum })
}

fn check_hash(body: &[u8], sent: &str) -> Result<(), ApiError> {
    if sent.len() != 64 || !sent.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid_argument(
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD or a valid sha256 value.",
        ));
    }
    if hex::encode(Sha256::digest(body)) != sent {
        return Err(ApiError::new(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ));
    }
    Ok(())
}

type Trailers = Vec<(String, String)>;

/// The content of an `aws-chunked` body and its trailers.
fn decoded(request: &Request) -> Result<(Bytes, Trailers), ApiError> {
    let length =
        request.header("x-amz-decoded-content-length").and_then(|length| length.parse::<usize>().ok()).ok_or_else(
            || ApiError::new(411, "MissingContentLength", "You must provide the Content-Length HTTP header."),
        )?;
    let (content, rest) = chunks(&request.body).ok_or_else(incomplete)?;
    if content.len() != length {
        return Err(incomplete());
    }
    let trailers = trailers(rest).ok_or_else(malformed_trailer)?;
    if let Some(announced) = request.header("x-amz-trailer")
        && !trailers.iter().any(|(name, _)| announced.eq_ignore_ascii_case(name))
    {
        return Err(malformed_trailer());
    }
    Ok((content.into(), trailers))
}

/// Chunks are `<hex size>[;chunk-signature=...]\r\n<content>\r\n`; one of size zero ends them.
fn chunks(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut content = Vec::new();
    loop {
        let (line, after) = line(rest)?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some((content, after));
        }
        let (chunk, after) = after.split_at_checked(size)?;
        content.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n")?;
    }
}

/// `name:value` lines up to an empty one.
fn trailers(mut rest: &[u8]) -> Option<Trailers> {
    let mut trailers = Vec::new();
    while !rest.is_empty() {
        let (line, after) = line(rest)?;
        rest = after;
        if !line.is_empty() {
            let (name, value) = line.split_once(':')?;
            trailers.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    Some(trailers)
}

fn line(text: &[u8]) -> Option<(&str, &[u8])> {
    let end = text.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, after) = text.split_at_checked(end)?;
    Some((std::str::from_utf8(line).ok()?, after.strip_prefix(b"\r\n")?))
}

fn incomplete() -> ApiError {
    ApiError::new(400, "IncompleteBody", "The request body terminated unexpectedly")
}

fn malformed_trailer() -> ApiError {
    ApiError::new(
        400,
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(headers: &[(&str, &str)], body: &'static str) -> Result<Payload, &'static str> {
        let mut request = http::Request::put("http://127.0.0.1/b/k");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from_static(body.as_bytes())).expect("a request");
        read(&Request::from_http(request)).map_err(|error| error.code)
    }

    #[test]
    fn decodes_chunks_and_checks_the_trailer() {
        let headers = [
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", "9"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ];
        let good = "4\r\n1234\r\n5;chunk-signature=00\r\n56789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n";
        let read = payload(&headers, good).expect("well-formed");
        assert_eq!(read.body, "123456789");
        assert_eq!(read.checksum, Some(("x-amz-checksum-crc32", "y/Q5Jg==".to_owned())));
        let altered = "9\r\n923456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n";
        assert_eq!(payload(&headers, altered).err(), Some("BadDigest"));
        assert_eq!(payload(&headers, "9\r\n123456789\r\n0\r\n\r\n").err(), Some("MalformedTrailerError"));
        assert_eq!(payload(&headers, "4\r\n1234\r\n0\r\n\r\n").err(), Some("IncompleteBody"));
        assert_eq!(payload(&headers, "9\r\n1234").err(), Some("IncompleteBody"));
    }

    #[test]
    fn checks_the_hash_of_a_plain_body() {
        let hash = hex::encode(Sha256::digest("a"));
        assert!(payload(&[("x-amz-content-sha256", &hash)], "a").is_ok());
        assert_eq!(payload(&[("x-amz-content-sha256", &hash)], "b").err(), Some("XAmzContentSHA256Mismatch"));
        assert_eq!(payload(&[("x-amz-content-sha256", "a")], "b").err(), Some("InvalidArgument"));
        assert_eq!(payload(&[("authorization", "AWS4-HMAC-SHA256")], "b").err(), Some("InvalidRequest"));
    }
}
