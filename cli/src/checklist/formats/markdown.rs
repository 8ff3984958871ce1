//! The checklist as Markdown, for a ticket or a wiki.

use std::io::{Result, Write};

use super::{About, Format, Summary};
use crate::checklist::line::Section;
use crate::checklist::report::{Reference, Report};
use crate::terminal::is_obeyed;

/// Markdown.
pub(super) struct Markdown;

impl Format for Markdown {
    fn begin(&self, out: &mut dyn Write, about: &About) -> Result<()> {
        writeln!(out, "# Checklist of account {}\n\n{}, {}\n", about.account, about.region, about.time)
    }

    fn organization(&self, out: &mut dyn Write, report: &Report) -> Result<()> {
        write(out, report, "##")
    }

    fn end(&self, out: &mut dyn Write, summary: &Summary) -> Result<()> {
        let Summary { organizations, lines } = summary;
        writeln!(
            out,
            "## Summary\n\n{} organizations: {}. Lines: {}.",
            summary.all(),
            organizations.words(),
            lines.words()
        )
    }

    fn alone(&self, out: &mut dyn Write, report: &Report) -> Result<()> {
        write(out, report, "#")
    }
}

fn write(out: &mut dyn Write, report: &Report, heading: &str) -> Result<()> {
    let Reference { account, region, .. } = &report.reference;
    writeln!(out, "{heading} {}\n", report.organization)?;
    writeln!(
        out,
        "**{}**: {}. Account {account}, {region}, {}.\n",
        report.status.words(),
        report.counts.words(),
        report.time
    )?;
    for section in Section::ALL {
        writeln!(out, "{heading}# {}\n", section.title())?;
        writeln!(out, "| | Line | Rule | Seen | What to do |\n|---|---|---|---|---|")?;
        for line in report.section(section) {
            let remedy = line.remedy.as_ref().map(|remedy| {
                let page = remedy.page.as_ref().map(|page| format!(" ({page})")).unwrap_or_default();
                format!("{}{page}", remedy.text)
            });
            writeln!(
                out,
                "| {} {} | `{}` | {} | {} | {} |",
                line.status.mark(),
                line.status.words(),
                line.id,
                cell(line.rule),
                cell(&line.evidence),
                cell(&remedy.unwrap_or_default())
            )?;
        }
        writeln!(out)?;
    }
    reference(out, &report.reference, heading)
}

fn reference(out: &mut dyn Write, reference: &Reference, heading: &str) -> Result<()> {
    writeln!(out, "{heading}# AWS reference\n\n| | |\n|---|---|")?;
    let none = "none".to_owned();
    for (name, value) in [
        ("Account", &reference.account),
        ("Region", &reference.region),
        ("IAM user", &reference.user_arn),
        ("Access key", reference.access_key.as_ref().unwrap_or(&none)),
        ("Bucket", &reference.bucket_arn),
        ("Public files", &reference.public_url),
        ("Secret", reference.secret_arn.as_ref().unwrap_or(&reference.secret)),
    ] {
        writeln!(out, "| {name} | {} |", cell(value))?;
    }
    for tagged in &reference.tags {
        let tags: Vec<String> = tagged.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        writeln!(out, "| Tags of the {} | {} |", tagged.resource, cell(&tags.join(", ")))?;
    }
    let policy = if reference.policy_is_live { "Bucket policy:" } else { "Bucket policy, as it should be:" };
    writeln!(out, "\n{policy}\n")?;
    // Indented: whatever is in the policy cannot end the block.
    reference.policy.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
    writeln!(out, "\nThe access key:\n\n    {}\n", reference.fetch)
}

/// Text in a cell of a table: in one line, and without anything that Markdown or HTML would read.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for c in text.chars() {
        match c {
            c if is_obeyed(c) => cell.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                cell.push('\\');
                cell.push(c);
            }
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            '&' => cell.push_str("&amp;"),
            c => cell.push(c),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_one_line_of_plain_text() {
        assert_eq!(cell("a|b\n<i>*x*</i> & fusion_rms"), "a\\|b &lt;i&gt;\\*x\\*&lt;/i&gt; &amp; fusion\\_rms");
    }
}
