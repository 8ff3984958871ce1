//! The setting of buckets that nobody can change here, as a new bucket has it: encryption.

use super::NAMESPACE;
use super::access::open;
use crate::reply::{ApiError, Reply};
use crate::request::Request;
use crate::world::Call;
use crate::xml::Xml;

/// S3's own keys, and no keys of customers, which new buckets block since April 2026 (user guide, "Blocking or
/// unblocking SSE-C for a general purpose bucket").
pub(super) fn encryption(call: &mut Call<'_>, request: &Request) -> Result<Reply, ApiError> {
    open(call, request, "s3:GetEncryptionConfiguration")?;
    Ok(Reply::xml(Xml::document("ServerSideEncryptionConfiguration", NAMESPACE, |xml| {
        xml.element("Rule", |xml| {
            xml.element("ApplyServerSideEncryptionByDefault", |xml| xml.text("SSEAlgorithm", "AES256"));
            xml.text("BucketKeyEnabled", "false");
            xml.element("BlockedEncryptionTypes", |xml| xml.text("EncryptionType", "SSE-C"));
        });
    })))
}
