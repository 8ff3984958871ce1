//! The checklist for a terminal. Of many organizations, only what somebody has to look at.

use std::io::{Result, Write};

use clap::builder::styling::{AnsiColor, Style};

use super::{About, Format, Summary};
use crate::checklist::line::{Line, Section, Status};
use crate::checklist::report::Report;
use crate::terminal::plain;

/// Text.
pub(super) struct Text;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

impl Format for Text {
    fn begin(&self, _: &mut dyn Write, _: &About) -> Result<()> {
        Ok(())
    }

    fn organization(&self, out: &mut dyn Write, report: &Report) -> Result<()> {
        head(out, report)?;
        report.problems().try_for_each(|line| print(out, line))
    }

    fn end(&self, out: &mut dyn Write, summary: &Summary) -> Result<()> {
        writeln!(out, "{} organizations: {}", summary.all(), summary.organizations.words())
    }

    fn alone(&self, out: &mut dyn Write, report: &Report) -> Result<()> {
        head(out, report)?;
        for section in Section::ALL {
            writeln!(out, "\n{BOLD}{}{BOLD:#}", section.title())?;
            report.section(section).try_for_each(|line| print(out, line))?;
        }
        writeln!(out, "\n{}: {}", report.organization, report.counts.words())
    }
}

fn head(out: &mut dyn Write, report: &Report) -> Result<()> {
    let colour = colour(report.status);
    let mark = report.status.mark();
    writeln!(out, "{colour}{mark}{colour:#} {BOLD}{}{BOLD:#}: {}", report.organization, report.counts.words())
}

fn print(out: &mut dyn Write, line: &Line) -> Result<()> {
    let colour = colour(line.status);
    let Line { id, rule, evidence, .. } = line;
    writeln!(out, "  {colour}{}{colour:#} {id:<22}  {rule}", line.status.mark())?;
    writeln!(out, "    {:<22}  {DIM}{}{DIM:#}", "", plain(evidence))?;
    if let Some(remedy) = &line.remedy {
        let page = remedy.page.as_ref().map(|page| format!(" ({page})")).unwrap_or_default();
        writeln!(out, "    {:<22}  {colour}→{colour:#} {}{page}", "", plain(&remedy.text))?;
    }
    Ok(())
}

fn colour(status: Status) -> Style {
    match status {
        Status::Pass => AnsiColor::Green.on_default(),
        Status::NotApplicable => DIM,
        Status::Fail => AnsiColor::Red.on_default(),
        Status::Unknown => AnsiColor::Yellow.on_default(),
    }
}
