//! The formats of the checklist, one file for each.

mod html;
mod json;
mod markdown;
mod text;

use std::io::Write;

use super::report::{Counts, Report};
use crate::args::ChecklistFormat;

/// What a checklist is written with: a head, a part for each organization, and an end, each as soon as it is known.
pub trait Format {
    /// Before the first of many organizations.
    ///
    /// # Errors
    /// When it cannot be written.
    fn begin(&self, out: &mut dyn Write, about: &About) -> std::io::Result<()>;

    /// One of many organizations.
    ///
    /// # Errors
    /// When it cannot be written.
    fn organization(&self, out: &mut dyn Write, report: &Report) -> std::io::Result<()>;

    /// After the last of many organizations.
    ///
    /// # Errors
    /// When it cannot be written.
    fn end(&self, out: &mut dyn Write, summary: &Summary) -> std::io::Result<()>;

    /// One organization alone.
    ///
    /// # Errors
    /// When it cannot be written.
    fn alone(&self, out: &mut dyn Write, report: &Report) -> std::io::Result<()>;
}

/// What is known before any of many organizations was looked at.
pub struct About {
    /// The account's number.
    pub account: String,
    /// The region.
    pub region: String,
    /// When it began, in UTC.
    pub time: String,
}

/// What there is to say after many organizations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Organizations by their status.
    pub organizations: Counts,
    /// All their lines.
    pub lines: Counts,
}

impl Summary {
    /// How many organizations there were.
    pub fn all(&self) -> usize {
        let Counts { pass, fail, not_applicable, unknown } = self.organizations;
        pass + fail + not_applicable + unknown
    }
}

/// What writes this format.
pub fn of(format: ChecklistFormat) -> &'static dyn Format {
    match format {
        ChecklistFormat::Text => &text::Text,
        ChecklistFormat::Json => &json::Json,
        ChecklistFormat::Markdown => &markdown::Markdown,
        ChecklistFormat::Html => &html::Html,
    }
}
