//! The checklist as JSON: one document, or of many organizations one line for each and one for the summary.

use std::io::{Result, Write};

use serde_json::json;

use super::{About, Format, Summary};
use crate::checklist::report::Report;

/// JSON.
pub(super) struct Json;

impl Format for Json {
    fn begin(&self, _: &mut dyn Write, _: &About) -> Result<()> {
        Ok(())
    }

    fn organization(&self, out: &mut dyn Write, report: &Report) -> Result<()> {
        writeln!(out, "{}", json!(report))
    }

    fn end(&self, out: &mut dyn Write, summary: &Summary) -> Result<()> {
        let Summary { organizations, lines } = summary;
        let counts = json!({ "organizations": summary.all(), "statuses": organizations, "lines": lines });
        writeln!(out, "{}", json!({ "summary": counts }))
    }

    fn alone(&self, out: &mut dyn Write, report: &Report) -> Result<()> {
        self.organization(out, report)
    }
}
