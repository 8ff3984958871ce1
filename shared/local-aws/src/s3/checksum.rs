//! The checksums that S3 verifies and keeps ("Checking object integrity" in the S3 user guide).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::errors::{header_not_implemented, invalid_request};
use crate::reply::ApiError;

/// The checksum that S3 computes where the client sends none.
pub(super) const DEFAULT: &str = "x-amz-checksum-crc64nvme";

/// The headers that carry a checksum. SHA-1 is not built.
const HEADERS: [&str; 5] =
    ["x-amz-checksum-crc32", "x-amz-checksum-crc32c", DEFAULT, "x-amz-checksum-sha256", "x-amz-checksum-sha1"];

/// Checks the checksum that `sent` finds for a header, and answers it with its header's name.
///
/// # Errors
/// `BadDigest` if it is not the body's, `InvalidRequest` if there is more than one.
pub(super) fn verify<'v>(
    body: &[u8],
    sent: impl Fn(&str) -> Option<&'v str>,
) -> Result<Option<(&'static str, String)>, ApiError> {
    let mut found = HEADERS.iter().filter_map(|header| Some((*header, sent(header)?)));
    let Some((header, value)) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    let computed = compute(header, body).ok_or_else(|| header_not_implemented(header))?;
    if STANDARD.decode(value).map(|bytes| bytes.len()).ok() != STANDARD.decode(&computed).map(|bytes| bytes.len()).ok()
    {
        return Err(invalid_request(format!("Value for {header} header is invalid.")));
    }
    if computed != value {
        let algorithm = header.trim_start_matches("x-amz-checksum-").to_uppercase();
        let message = format!("The {algorithm} you specified did not match the calculated checksum.");
        return Err(ApiError::new(400, "BadDigest", message));
    }
    Ok(Some((header, computed)))
}

/// Checks a `Content-MD5` header.
pub(super) fn verify_md5(body: &[u8], sent: Option<&str>) -> Result<(), ApiError> {
    let Some(sent) = sent else { return Ok(()) };
    let Some(sent) = STANDARD.decode(sent).ok().filter(|digest| digest.len() == 16) else {
        return Err(ApiError::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid."));
    };
    if sent != Md5::digest(body).as_slice() {
        return Err(ApiError::new(400, "BadDigest", "The Content-MD5 you specified did not match what we received."));
    }
    Ok(())
}

/// The checksum of `body` in the form that `header` carries; `None` for an algorithm that is not built.
pub(super) fn compute(header: &str, body: &[u8]) -> Option<String> {
    let bytes = match header {
        "x-amz-checksum-crc32" => crc32(body, 0xEDB8_8320),
        "x-amz-checksum-crc32c" => crc32(body, 0x82F6_3B78),
        DEFAULT => crc(body, 0x9A6C_9329_AC4B_C9B5, u64::MAX).to_be_bytes().to_vec(),
        "x-amz-checksum-sha256" => Sha256::digest(body).to_vec(),
        _ => return None,
    };
    Some(STANDARD.encode(bytes))
}

fn crc32(body: &[u8], polynomial: u64) -> Vec<u8> {
    // 32 bits by construction: the register starts with 32 bits and only moves right.
    crc(body, polynomial, u64::from(u32::MAX)).to_be_bytes().into_iter().skip(4).collect()
}

/// A reflected CRC with all ones in and out; `ones` gives its width.
fn crc(body: &[u8], polynomial: u64, ones: u64) -> u64 {
    let register = body.iter().fold(ones, |register, byte| {
        (0..8).fold(register ^ u64::from(*byte), |register, _| {
            if register & 1 == 1 { register >> 1 ^ polynomial } else { register >> 1 }
        })
    });
    register ^ ones
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_the_check_values_of_the_algorithms() {
        let of = |header: &str| STANDARD.decode(compute(header, b"123456789").expect("built")).map(hex::encode);
        assert_eq!(of("x-amz-checksum-crc32").expect("base64"), "cbf43926");
        assert_eq!(of("x-amz-checksum-crc32c").expect("base64"), "e3069283");
        assert_eq!(of(DEFAULT).expect("base64"), "ae8b14860a799888");
    }

    #[test]
    fn refuses_a_digest_that_is_not_the_bodys() {
        let verify = |value| verify(b"123456789", |header| (header == "x-amz-checksum-crc32").then_some(value));
        assert!(verify("y/Q5Jg==").is_ok());
        assert_eq!(verify("AAAAAA==").map_err(|error| error.code), Err("BadDigest"));
        assert_eq!(verify("zzz").map_err(|error| error.code), Err("InvalidRequest"));
        assert_eq!(verify_md5(b"a", Some("AAAAAAAAAAAAAAAAAAAAAA==")).map_err(|error| error.code), Err("BadDigest"));
        assert_eq!(verify_md5(b"a", Some("a")).map_err(|error| error.code), Err("InvalidDigest"));
    }
}
