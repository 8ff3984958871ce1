//! `orgctl checklist`: every convention, held against what an organization has, with evidence.
//!
//! Reads only. What is looked at is in [`observed`], how in [`look`]; [`lines`] decides, and [`formats`] shows.

pub mod document;
pub mod formats;
pub mod line;
pub mod lines;
pub mod look;
pub mod observed;
pub mod output;
pub mod report;

use std::process::ExitCode;

use org::OrgId;

use crate::args::{ChecklistArguments, ChecklistFormat};
use crate::connection::{Connection, block_on};
use crate::exit::{DIFFERENCES, FAILED, Problem, written};
use crate::sweep::sweep;
use formats::{About, Summary};
use line::Status;
use look::Looker;
use output::Output;
use report::Report;

/// Runs the command.
///
/// # Errors
/// When AWS cannot be asked, or the output cannot be written.
pub fn run(arguments: &ChecklistArguments) -> Result<ExitCode, Problem> {
    block_on(async {
        let connection = Connection::open(&arguments.connection).await?;
        let looker = Looker::new(&connection, arguments.environment);
        match &arguments.selection.org {
            Some(org) => one(arguments, &connection, &looker, org).await,
            None => all(arguments, &connection, &looker).await,
        }
    })
}

async fn one(
    arguments: &ChecklistArguments,
    connection: &Connection,
    looker: &Looker,
    org: &OrgId,
) -> Result<ExitCode, Problem> {
    let mut out = Output::open(arguments.output.as_deref())?;
    let report = report(connection, looker, org).await;
    written(format(arguments).alone(&mut out, &report))?;
    out.finish()?;
    Ok(exit_code(report.status))
}

async fn all(arguments: &ChecklistArguments, connection: &Connection, looker: &Looker) -> Result<ExitCode, Problem> {
    let mut out = Output::open(arguments.output.as_deref())?;
    let format = format(arguments);
    let (account, region) = (connection.place.account.clone(), connection.place.region.clone());
    written(format.begin(&mut out, &About { account, region, time: connection.timestamp() }))?;
    let (mut summary, mut worst) = (Summary::default(), Status::Pass);
    let look = async |org: OrgId| report(connection, looker, &org).await;
    let swept = sweep(connection, &arguments.selection, look, |_, report| {
        summary.organizations.add(report.status);
        report.lines.iter().for_each(|line| summary.lines.add(line.status));
        worst = worst.max(report.status);
        written(format.organization(&mut out, &report))
    })
    .await?;
    // What is not whole ends without a summary, and never takes a file's place.
    swept.require_whole("checklist")?;
    written(format.end(&mut out, &summary))?;
    out.finish()?;
    Ok(exit_code(worst))
}

async fn report(connection: &Connection, looker: &Looker, org: &OrgId) -> Report {
    let asked = looker.asked(org);
    let observed = looker.look(&asked).await;
    Report::of(&asked, &observed, connection.timestamp())
}

fn format(arguments: &ChecklistArguments) -> &'static dyn formats::Format {
    formats::of(if arguments.json { ChecklistFormat::Json } else { arguments.format })
}

/// Of the worst status: a failure is told even where something else could not be seen.
fn exit_code(status: Status) -> ExitCode {
    match status {
        Status::Pass | Status::NotApplicable => ExitCode::SUCCESS,
        Status::Fail => ExitCode::from(DIFFERENCES),
        Status::Unknown => ExitCode::from(FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_told_before_what_could_not_be_seen() {
        let code = |statuses: &[Status]| exit_code(statuses.iter().copied().max().unwrap());
        assert_eq!(code(&[Status::Unknown, Status::Fail, Status::Pass]), ExitCode::from(DIFFERENCES));
        assert_eq!(code(&[Status::Unknown, Status::NotApplicable, Status::Pass]), ExitCode::from(FAILED));
        assert_eq!(code(&[Status::NotApplicable, Status::Pass]), ExitCode::SUCCESS);
    }
}
