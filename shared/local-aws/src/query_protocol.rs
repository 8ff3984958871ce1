//! The query protocol of IAM and STS: a form in, XML out.

use crate::reply::{ApiError, Reply};
use crate::xml::Xml;

/// The answer to `operation`, its result filled by `fill`.
pub(crate) fn reply(operation: &str, namespace: &str, fill: impl FnOnce(&mut Xml)) -> Reply {
    Reply::xml(Xml::document(&format!("{operation}Response"), namespace, |xml| {
        xml.element(&format!("{operation}Result"), fill);
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", "local-aws"));
    }))
}

/// An error in its XML form.
pub(crate) fn error(error: &ApiError, request_id: &str) -> Reply {
    let side = if error.status < 500 { "Sender" } else { "Receiver" };
    let body = Xml::bare_document("ErrorResponse", |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", side);
            xml.text("Code", error.code);
            xml.text("Message", &error.message);
        });
        xml.text("RequestId", request_id);
    });
    Reply { status: Some(error.status_code()), ..Reply::xml(body) }
}
