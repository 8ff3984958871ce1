//! `orgctl status`: how far an organization is, from live AWS, and what it is stuck at.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Style};
use contract::{ErrorCode, FailureDetail};
use org::OrgId;
use serde::Serialize;
use serde_json::json;

use crate::args::StatusArguments;
use crate::connection::{Connection, block_on};
use crate::exit::{Problem, written};
use crate::forecast::{Forecast, Previews, StepForecast, StepState, Verdict, detail};
use crate::plan::exit_code;
use crate::queues::{self, Waiting};
use crate::runbook;
use crate::terminal::plain;

/// The shortest time between two looks: each is about twenty calls.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// How far an organization is.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Status {
    organization: OrgId,
    state: &'static str,
    steps: Vec<StepStatus>,
    /// Messages of any organization that lie in the steps' dead-letter queues.
    #[serde(rename = "deadLetters")]
    dead_letters: Vec<Waiting>,
}

/// How far one step is.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct StepStatus {
    step: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureDetail>,
    /// The first thing to do, where a person has to.
    #[serde(rename = "whatToDo", skip_serializing_if = "Option::is_none")]
    what_to_do: Option<String>,
    #[serde(rename = "runbook", skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When AWS cannot be asked; with `--watch` also when the organization is not done in time.
pub fn run(arguments: &StatusArguments) -> Result<ExitCode, Problem> {
    block_on(async {
        let connection = Connection::open(&arguments.connection).await?;
        let previews = Previews::new(&connection);
        let detail = detail(&arguments.org, connection.account_class(), arguments.environment, None);
        let look = async || {
            let forecast = previews.of(&arguments.org, &detail).await;
            let dead_letters = queues::dead_letters(&connection).await;
            (forecast.verdict, Status::of(forecast, dead_letters))
        };
        if !arguments.watch {
            let (verdict, status) = look().await;
            show(arguments, &status)?;
            return Ok(exit_code(verdict));
        }
        let watching = tokio::time::timeout(arguments.timeout, watch(arguments, look));
        watching.await.unwrap_or_else(|_| {
            let waited = humantime::format_duration(arguments.timeout);
            Err(Problem::Failed(format!("{} is not provisioned after {waited}", arguments.org)))
        })
    })
}

/// Looks until the organization is there, or until time alone cannot bring it about: a person has to decide, or to
/// permit the looking. A look that AWS does not answer is followed by the next. The caller bounds it.
async fn watch(arguments: &StatusArguments, look: impl AsyncFn() -> (Verdict, Status)) -> Result<ExitCode, Problem> {
    let mut shown = None;
    loop {
        let (verdict, status) = look().await;
        if shown.as_ref() != Some(&status) {
            show(arguments, &status)?;
        }
        match verdict {
            Verdict::Nothing | Verdict::Conflict => return Ok(exit_code(verdict)),
            Verdict::Unknown if status.is_denied() => return Ok(exit_code(verdict)),
            Verdict::Wait | Verdict::Repair | Verdict::Create | Verdict::Unknown => {}
        }
        shown = Some(status);
        tokio::time::sleep(arguments.every.max(LEAST_PAUSE)).await;
    }
}

impl Status {
    fn of(forecast: Forecast, dead_letters: Vec<Waiting>) -> Self {
        let state = match forecast.verdict {
            Verdict::Nothing => "provisioned",
            Verdict::Wait => "settling",
            Verdict::Repair => "incomplete",
            Verdict::Create => "not provisioned",
            Verdict::Conflict => "stuck",
            Verdict::Unknown => "unknown",
        };
        let org = &forecast.organization;
        let steps = forecast.steps.into_iter().map(|step| StepStatus::of(step, org)).collect();
        Self { organization: forecast.organization.clone(), state, steps, dead_letters }
    }

    /// Whether AWS does not let us see a step's resources, which time does not change.
    fn is_denied(&self) -> bool {
        self.steps.iter().any(|step| step.error.as_ref().is_some_and(|error| error.code == ErrorCode::AccessDenied))
    }
}

impl StepStatus {
    fn of(step: StepForecast, org: &OrgId) -> Self {
        let state = match step.state {
            StepState::InOrder => "done",
            StepState::Changes => "to do",
            StepState::Waits => "waits",
            StepState::Refuses => "stuck",
            StepState::Unknown => "unknown",
        };
        let help = matches!(step.state, StepState::Refuses | StepState::Unknown);
        let code = step.error.as_ref().filter(|_| help).map(|error| error.code);
        Self {
            step: step.step,
            state,
            what_to_do: code.map(|code| runbook::first_step(code, org)),
            page: code.map(runbook::page_name),
            error: step.error,
        }
    }
}

fn show(arguments: &StatusArguments, status: &Status) -> Result<(), Problem> {
    let mut out = anstream::stdout();
    let shown = if arguments.json { writeln!(out, "{}", json!(status)) } else { print(&mut out, status) };
    written(shown.and_then(|()| out.flush()))
}

fn print(out: &mut impl Write, status: &Status) -> std::io::Result<()> {
    const BOLD: Style = Style::new().bold();
    let colour = |state: &str| match state {
        "provisioned" | "done" => AnsiColor::Green.on_default(),
        "stuck" | "unknown" => AnsiColor::Red.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    };
    let Status { organization, state, steps, dead_letters } = status;
    writeln!(out, "{BOLD}{organization}{BOLD:#}: {}{state}{:#}", colour(state), colour(state))?;
    let width = steps.iter().map(|step| step.step.len()).max().unwrap_or_default();
    for StepStatus { step, state, error, what_to_do, page } in steps {
        write!(out, "  {step:width$}  {}{state}{:#}", colour(state), colour(state))?;
        if let Some(error) = error {
            write!(out, " ({}): {} {}", error.code, plain(&error.resource), plain(&error.message))?;
        }
        writeln!(out)?;
        if let (Some(what), Some(page)) = (what_to_do, page) {
            writeln!(out, "  {:width$}  first: {what} ({page})", "")?;
        }
    }
    for Waiting { step, messages, error } in dead_letters {
        let list = format!("orgctl replay dead-letters --step {step} --list");
        match (messages, error) {
            (Some(0), _) => {}
            (Some(messages), _) => writeln!(out, "  {messages} dead letters of {step}, of any organization: {list}")?,
            (None, error) => {
                let why = error.as_deref().unwrap_or_default();
                writeln!(out, "  dead letters of {step}: not counted: {}", plain(why))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use clap::Parser;
    use contract::StepError;

    use super::*;
    use crate::args::{Arguments, Command};

    /// What watching ends with when the looks find this, one after the other, and how many it left.
    async fn watched(looks: &[(Verdict, Option<ErrorCode>)]) -> (Result<ExitCode, Problem>, usize) {
        let command = Arguments::try_parse_from(["orgctl", "status", "--org", "acme", "--watch", "--json"]).unwrap();
        let Command::Status(arguments) = command.command else { panic!("it is status") };
        let left = RefCell::new(looks.iter());
        let look = async || {
            let (verdict, code) = *left.borrow_mut().next().expect("it looks no more often");
            let error = code.map(|code| FailureDetail::from(&StepError::new(code, "user rms_acme", "failed")));
            let step = StepStatus { step: "iam-user", state: "unknown", error, what_to_do: None, page: None };
            let organization = arguments.org.clone();
            (verdict, Status { organization, state: "unknown", steps: vec![step], dead_letters: Vec::new() })
        };
        let ended = watch(&arguments, look).await;
        (ended, left.into_inner().len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_is_followed_by_another_unless_it_is_denied() {
        let failed = (Verdict::Unknown, Some(ErrorCode::ServiceUnavailable));
        let denied = (Verdict::Unknown, Some(ErrorCode::AccessDenied));
        let (ended, left) = watched(&[failed, failed, (Verdict::Nothing, None)]).await;
        assert_eq!((ended.unwrap(), left), (ExitCode::SUCCESS, 0));
        let (ended, left) = watched(&[failed, denied, (Verdict::Nothing, None)]).await;
        assert_eq!((ended.unwrap(), left), (ExitCode::from(crate::exit::FAILED), 1));
    }
}
