//! `orgctl replay`: having steps run again for requests that were made before.

mod archive;
mod dead_letters;
mod file;
mod letter;
mod pick;
mod transfer;

use std::io::Write;
use std::process::ExitCode;

use contract::StepSpec;
use serde_json::json;

use crate::args::ReplayCommand;
use crate::confirm::{can_confirm, confirmed};
use crate::connection::{Connection, block_on};
use crate::exit::{DIFFERENCES, Problem, written};
use crate::forecast::Verdict;
use crate::plan::exit_code;
use crate::submit::check::Rules;
use local_system::registry;

/// Runs the command.
///
/// # Errors
/// When nothing can be sent, or not everything was.
pub fn run(command: &ReplayCommand) -> Result<ExitCode, Problem> {
    block_on(async {
        match command {
            ReplayCommand::File(arguments) => file::run(arguments).await,
            ReplayCommand::DeadLetters(arguments) => dead_letters::run(arguments).await,
            ReplayCommand::Archive(arguments) => archive::run(arguments).await,
        }
    })
}

/// The steps of these names; those of sign-up if there are none. The others undo each other: what suspended or deleted an
/// organization once must not do it again because an hour of events is replayed.
fn steps(names: &[String]) -> Result<Vec<StepSpec>, Problem> {
    if names.is_empty() {
        return Ok(registry::STEPS.into_iter().map(|step| step.spec).collect());
    }
    let find = |name: &String| {
        let found = registry::functions().find(|step| step.spec.name == name);
        let known = registry::functions().map(|step| step.spec.name).collect::<Vec<_>>().join(", ");
        found
            .map(|step| step.spec)
            .ok_or_else(|| Problem::Usage(format!("there is no step {name:?}; steps are {known}")))
    };
    names.iter().map(find).collect()
}

/// What a command is held against before it is sent or planned.
pub(crate) fn rules<'r>(connection: &'r Connection, source: &'r str, command: &'r str) -> Rules<'r> {
    let settings = connection.settings();
    Rules {
        deployment: &settings.deployment,
        place: &connection.place,
        allowed_sources: &settings.allowed_sources,
        usual_source: source,
        usual_command: command,
    }
}

/// The exit code of a plan in which so many could not be read, which would be refused again.
fn unreadable(verdict: Verdict, count: usize) -> ExitCode {
    if count > 0 && verdict == Verdict::Nothing { ExitCode::from(DIFFERENCES) } else { exit_code(verdict) }
}

/// Says that there was nothing to send.
fn nothing_sent(why: &str, json: bool) -> Result<ExitCode, Problem> {
    if json {
        written(writeln!(anstream::stdout(), "{}", json!({ "sent": 0 })))?;
    }
    written(writeln!(anstream::stderr(), "{why}; nothing was sent"))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str]) -> Vec<&'static str> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        steps(&names).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn what_is_not_named_is_sign_up_and_nothing_that_takes_away() {
        assert_eq!(chosen(&[]), ["iam-user", "bucket", "bucket-policy", "secret", "verify"]);
        assert_eq!(chosen(&["offboard", "rotate"]), ["offboard", "rotate"]);
        assert!(steps(&["ofboard".to_owned()]).is_err());
    }
}
