//! Writing the XML that the query and REST-XML protocols answer with.

use quick_xml::escape::escape;

/// An XML document being written.
pub(crate) struct Xml(String);

impl Xml {
    /// A document whose root element is `root`, filled by `fill`.
    pub(crate) fn document(root: &str, namespace: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
        xml.0.push_str(&format!("<{root} xmlns=\"{namespace}\">"));
        fill(&mut xml);
        xml.0.push_str(&format!("</{root}>"));
        xml.0
    }

    /// The same without a namespace, as S3 writes its errors.
    pub(crate) fn bare_document(root: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
        xml.element(root, fill);
        xml.0
    }

    /// An element with elements in it.
    pub(crate) fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.0.push_str(&format!("<{name}>"));
        fill(self);
        self.0.push_str(&format!("</{name}>"));
    }

    /// An element with text in it, escaped.
    pub(crate) fn text(&mut self, name: &str, value: impl AsRef<str>) {
        self.0.push_str(&format!("<{name}>{}</{name}>", escape(value.as_ref())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_text() {
        let xml = Xml::bare_document("Error", |xml| xml.text("Message", "a < b & c"));
        assert!(xml.ends_with("<Error><Message>a &lt; b &amp; c</Message></Error>"), "{xml}");
    }
}
