//! The checklist as one page for a browser: it asks nobody for anything, and has no script.
//!
//! The templates are in `cli/templates/checklist`, compiled in; they escape every value.

use std::collections::BTreeMap;
use std::io::{Error, Result, Write};

use askama::Template;

use super::{About, Format, Summary};
use crate::checklist::line::{Line, Section, Status};
use crate::checklist::report::{Counts, Report};

/// HTML.
pub(super) struct Html;

/// One organization's page.
#[derive(Template)]
#[template(path = "checklist/alone.html")]
struct Alone<'r> {
    title: String,
    view: View<'r>,
}

/// The beginning of a page about many.
#[derive(Template)]
#[template(path = "checklist/begin.html")]
struct Begin<'a> {
    title: String,
    about: &'a About,
}

/// One of many organizations.
#[derive(Template)]
#[template(path = "checklist/organization.html")]
struct Organization<'r> {
    view: View<'r>,
}

/// The end of a page about many.
#[derive(Template)]
#[template(path = "checklist/end.html")]
struct End<'s> {
    summary: &'s Summary,
}

/// The tags of a resource.
#[derive(Template)]
#[template(
    source = r#"<ul class="tags" aria-label="Tags">{% for (key, value) in tags %}<li>{{ key }}={{ value }}</li>{% endfor %}</ul>"#,
    ext = "html"
)]
struct Tags<'t> {
    tags: &'t BTreeMap<String, String>,
}

/// A report with what the templates ask of it.
struct View<'r> {
    report: &'r Report,
    /// What every id on the page begins with, so that no two are alike.
    prefix: String,
    user: Status,
    key: Status,
    bucket: Status,
    policy: Status,
}

/// A section as the templates show it.
struct SectionView<'r> {
    title: &'static str,
    counts: String,
    lines: Vec<&'r Line>,
}

impl Format for Html {
    fn begin(&self, out: &mut dyn Write, about: &About) -> Result<()> {
        render(out, &Begin { title: format!("Account {} · checklist", about.account), about })
    }

    fn organization(&self, out: &mut dyn Write, report: &Report) -> Result<()> {
        render(out, &Organization { view: View::of(report, format!("in-{}-", report.organization)) })
    }

    fn end(&self, out: &mut dyn Write, summary: &Summary) -> Result<()> {
        render(out, &End { summary })
    }

    fn alone(&self, out: &mut dyn Write, report: &Report) -> Result<()> {
        let title = format!("{} · {} · checklist", report.organization, verdict(&report.status));
        render(out, &Alone { title, view: View::of(report, String::new()) })
    }
}

fn render(out: &mut dyn Write, template: &impl Template) -> Result<()> {
    out.write_all(template.render().map_err(Error::other)?.as_bytes())
}

/// An organization's status in words.
fn verdict(status: &Status) -> &'static str {
    match status {
        Status::Pass | Status::NotApplicable => "In order",
        Status::Fail => "Not in order",
        Status::Unknown => "Not fully seen",
    }
}

impl<'r> View<'r> {
    fn of(report: &'r Report, prefix: String) -> Self {
        let worst = |section: Section| {
            let told = report.section(section).map(|line| line.status);
            told.filter(|status| *status != Status::NotApplicable).max().unwrap_or(Status::NotApplicable)
        };
        Self {
            report,
            prefix,
            user: worst(Section::User),
            key: worst(Section::Key),
            bucket: worst(Section::Bucket),
            policy: worst(Section::Policy),
        }
    }

    fn has_problems(&self) -> bool {
        self.report.problems().next().is_some()
    }

    fn bar(&self) -> Vec<(&'static str, usize)> {
        let parts = Status::ALL.into_iter().map(|status| (status.as_str(), self.report.counts.of(status)));
        parts.filter(|(_, count)| *count > 0).collect()
    }

    fn sections(&self) -> Vec<SectionView<'r>> {
        let view = |section: Section| {
            let lines: Vec<&Line> = self.report.section(section).collect();
            let mut counts = Counts::default();
            lines.iter().for_each(|line| counts.add(line.status));
            SectionView { title: section.title(), counts: counts.words(), lines }
        };
        Section::ALL.into_iter().map(view).collect()
    }

    /// The tags of a resource, escaped.
    fn tags(&self, resource: &str) -> String {
        let tagged = self.report.reference.tags.iter().find(|tagged| tagged.resource == resource);
        // A text of texts always renders.
        tagged.map(|tagged| Tags { tags: &tagged.tags }.render().unwrap_or_default()).unwrap_or_default()
    }
}
