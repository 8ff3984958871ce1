//! Lists in pages: `MaxItems` of them, from 1 to 1000 and 100 by default, after the `Marker`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::validation;
use crate::reply::ApiError;
use crate::request::Form;
use crate::xml::Xml;

const MOST_ITEMS: usize = 1000;
const DEFAULT_ITEMS: usize = 100;

/// One page of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    marker: Option<String>,
}

impl<T> Page<T> {
    /// The page of `items`, each with the key by which they are in order, that `form` asks for. The marker is
    /// the last key told, so what is deleted between two pages moves nothing out of sight.
    pub(super) fn of(form: &Form, items: impl IntoIterator<Item = (String, T)>) -> Result<Self, ApiError> {
        let most = match form.get("MaxItems").map(str::parse) {
            None => DEFAULT_ITEMS,
            Some(Ok(most @ 1..=MOST_ITEMS)) => most,
            Some(_) => return Err(validation(format!("MaxItems must be between 1 and {MOST_ITEMS}"))),
        };
        let after = form.get("Marker").map(read).transpose()?;
        let is_left = |(key, _): &(String, T)| after.as_ref().is_none_or(|after| key > after);
        let mut rest = items.into_iter().filter(is_left).peekable();
        let page: Vec<(String, T)> = rest.by_ref().take(most).collect();
        let marker = rest.peek().and(page.last()).map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
        Ok(Self { items: page.into_iter().map(|(_, item)| item).collect(), marker })
    }

    /// Writes the items as members of `list`, and whether there are more.
    pub(super) fn write(&self, xml: &mut Xml, list: &str, member: impl Fn(&mut Xml, &T)) {
        xml.element(list, |xml| {
            for item in &self.items {
                xml.element("member", |xml| member(xml, item));
            }
        });
        self.write_end(xml);
    }

    /// The same for a list of texts.
    pub(super) fn write_texts(&self, xml: &mut Xml, list: &str)
    where
        T: AsRef<str>,
    {
        xml.element(list, |xml| self.items.iter().for_each(|item| xml.text("member", item)));
        self.write_end(xml);
    }

    fn write_end(&self, xml: &mut Xml) {
        xml.text("IsTruncated", self.marker.is_some().to_string());
        if let Some(marker) = &self.marker {
            xml.text("Marker", marker);
        }
    }
}

fn read(marker: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| validation("The specified value for marker is invalid.".to_owned()))
}
