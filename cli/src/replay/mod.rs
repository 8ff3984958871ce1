//! `orgctl replay`: having steps run again for requests that were made before.

mod archive;
mod dead_letters;
mod file;
mod letter;
mod preview;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use contract::StepSpec;
use futures_util::{Stream, stream};
use tokio::time::MissedTickBehavior;

use crate::args::ReplayCommand;
use crate::connection::block_on;
use crate::exit::{Problem, written};
use crate::registry::STEPS;

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

/// The steps of these names; all if there are none.
fn steps(names: &[String]) -> Result<Vec<StepSpec>, Problem> {
    if names.is_empty() {
        return Ok(STEPS.map(|step| step.spec).to_vec());
    }
    let find = |name: &String| {
        let found = STEPS.iter().find(|step| step.spec.name == name);
        let known = STEPS.map(|step| step.spec.name).join(", ");
        found
            .map(|step| step.spec)
            .ok_or_else(|| Problem::Usage(format!("there is no step {name:?}; steps are {known}")))
    };
    names.iter().map(find).collect()
}

/// Whether the person at the terminal says yes.
///
/// # Errors
/// When there is nobody to ask.
fn confirmed(question: &str, yes: bool) -> Result<bool, Problem> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Problem::Usage("there is no terminal to ask on; give --yes to go ahead".to_owned()));
    }
    let answer = dialoguer::Confirm::new().with_prompt(question).default(false).interact();
    answer.map_err(|error| Problem::Failed(format!("the question could not be asked: {error}")))
}

/// The items one after the other, at most `per_second` of them a second.
fn paced<T>(items: Vec<T>, per_second: u32) -> impl Stream<Item = T> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold((items.into_iter(), ticks), async |(mut items, mut ticks)| {
        let item = items.next()?;
        ticks.tick().await;
        Some((item, (items, ticks)))
    })
}

/// Says that nothing was done.
fn nothing_sent(why: &str) -> Result<ExitCode, Problem> {
    written(writeln!(anstream::stderr(), "{why}; nothing was sent"))?;
    Ok(ExitCode::SUCCESS)
}
