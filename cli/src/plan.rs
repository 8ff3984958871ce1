//! `orgctl plan`: what provisioning would create, change or refuse, before anything is sent.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use contract::{Command, OrgAdoptionRequested, OrgCreated};
use org::OrgId;
use serde_json::json;

use crate::adopt;
use crate::args::PlanArguments;
use crate::connection::{Connection, block_on};
use crate::exit::{DIFFERENCES, FAILED, Problem, written};
use crate::forecast::{Forecast, Previews, StepState, Verdict, detail, detail_of_command};
use crate::sweep::sweep;
use crate::terminal::plain;

/// Runs the command.
///
/// # Errors
/// When AWS cannot be asked.
pub fn run(arguments: &PlanArguments) -> Result<ExitCode, Problem> {
    block_on(async {
        let connection = Connection::open(&arguments.connection).await?;
        match &arguments.selection.org {
            Some(org) => one(arguments, &connection, org).await,
            None => all(arguments, &connection).await,
        }
    })
}

async fn one(arguments: &PlanArguments, connection: &Connection, org: &OrgId) -> Result<ExitCode, Problem> {
    let (class, environment) = (connection.account_class(), arguments.environment);
    let bucket = arguments.bucket_name.as_deref();
    let detail = match arguments.command {
        OrgCreated::DETAIL_TYPE => detail(org, class, environment, bucket),
        OrgAdoptionRequested::DETAIL_TYPE => match adopt::detail(connection, org, environment, bucket).await? {
            Some(detail) => detail,
            None => return adopt::nothing_there(org, arguments.json),
        },
        _ => detail_of_command(org, class, environment),
    };
    let forecast = Previews::new(connection).of_command(org, arguments.command, &detail).await;
    let mut out = anstream::stdout();
    if arguments.json {
        written(writeln!(out, "{}", json!(forecast)))?;
    } else {
        written(print(&mut out, &forecast))?;
    }
    Ok(exit_code(forecast.verdict))
}

async fn all(arguments: &PlanArguments, connection: &Connection) -> Result<ExitCode, Problem> {
    let previews = Previews::new(connection);
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut out = anstream::stdout();
    let look = async |org: OrgId| {
        let detail = detail(&org, connection.account_class(), arguments.environment, None);
        previews.of(&org, &detail).await
    };
    let swept = sweep(connection, &arguments.selection, look, |_, forecast| {
        *counts.entry(forecast.verdict).or_default() += 1;
        let shown = if arguments.json {
            writeln!(out, "{}", json!(forecast))
        } else if forecast.verdict == Verdict::Nothing {
            Ok(())
        } else {
            print(&mut out, &forecast)
        };
        written(shown)
    })
    .await?;
    written(summarize(&mut out, arguments.json, swept.done, &counts))?;
    swept.require_whole("plan")?;
    Ok(exit_code(counts.into_keys().max().unwrap_or(Verdict::Nothing)))
}

/// How many organizations there are of each kind.
pub(crate) fn summarize(
    out: &mut impl Write,
    json: bool,
    organizations: usize,
    counts: &BTreeMap<Verdict, usize>,
) -> std::io::Result<()> {
    if json {
        let counts: BTreeMap<&str, usize> = counts.iter().map(|(verdict, count)| (verdict.as_str(), *count)).collect();
        return writeln!(out, "{}", json!({ "summary": { "organizations": organizations, "verdicts": counts } }));
    }
    let counts: Vec<String> = counts.iter().map(|(verdict, count)| format!("{verdict} {count}")).collect();
    writeln!(out, "{organizations} organizations: {}", counts.join(", "))
}

/// The worst verdict's exit code.
pub(crate) fn exit_code(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Nothing => ExitCode::SUCCESS,
        Verdict::Wait | Verdict::Repair | Verdict::Create | Verdict::Conflict => ExitCode::from(DIFFERENCES),
        Verdict::Unknown => ExitCode::from(FAILED),
    }
}

/// One organization's forecast, like a diff.
pub(crate) fn print(out: &mut impl Write, forecast: &Forecast) -> std::io::Result<()> {
    const BOLD: Style = Style::new().bold();
    let Forecast { organization, verdict, steps } = forecast;
    let meaning = match verdict {
        Verdict::Nothing => "nothing to do",
        Verdict::Wait => "nothing to change, but not settled yet",
        Verdict::Repair => "would be repaired",
        Verdict::Create => "would be created",
        Verdict::Conflict => "would be refused",
        Verdict::Unknown => "could not be looked at",
    };
    writeln!(out, "{BOLD}{organization}{BOLD:#}: {meaning}")?;
    let width = steps.iter().map(|step| step.step.len()).max().unwrap_or_default();
    for step in steps {
        let name = step.step;
        for change in &step.changes {
            let (sign, colour) =
                if change.effect == "create" { ('+', AnsiColor::Green) } else { ('~', AnsiColor::Yellow) };
            let colour = colour.on_default();
            writeln!(out, "  {colour}{sign} {name:width$}  {}{colour:#}", plain(&change.description))?;
        }
        let sign = match step.state {
            StepState::InOrder => '=',
            StepState::Changes => continue,
            StepState::Waits => '.',
            StepState::Refuses => '!',
            StepState::Unknown => '?',
        };
        let colour = if sign == '!' || sign == '?' { AnsiColor::Red.on_default() } else { Style::new() };
        match &step.error {
            None => writeln!(out, "  {sign} {name:width$}  in order")?,
            Some(error) => writeln!(
                out,
                "  {colour}{sign} {name:width$}  {}: {}: {}{colour:#}",
                error.code,
                plain(&error.resource),
                plain(&error.message)
            )?,
        }
    }
    Ok(())
}
