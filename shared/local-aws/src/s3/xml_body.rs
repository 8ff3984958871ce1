//! Reading the XML bodies of requests.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::de::DeserializeOwned;

use super::errors::malformed_xml;
use super::payload;
use crate::reply::ApiError;
use crate::request::Request;

/// The body as the shape that the operation declares, its root element named `root`.
///
/// # Errors
/// `MissingRequestBodyError` for an empty body, `MalformedXML` for one of another shape.
pub(super) fn read<T: DeserializeOwned>(request: &Request, root: &str) -> Result<T, ApiError> {
    read_if_sent(request, root)?.ok_or_else(|| ApiError::new(400, "MissingRequestBodyError", "Request Body is empty"))
}

/// The same where the body may be left out.
pub(super) fn read_if_sent<T: DeserializeOwned>(request: &Request, root: &str) -> Result<Option<T>, ApiError> {
    let body = payload::read(request)?.body;
    if body.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(&body).map_err(|_| malformed_xml())?;
    if root_element(text).as_deref() != Some(root) {
        return Err(malformed_xml());
    }
    quick_xml::de::from_str(text).map(Some).map_err(|_| malformed_xml())
}

fn root_element(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                return Some(element.local_name().as_ref().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}
