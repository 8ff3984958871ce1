//! `orgctl`: the command with which operators try, watch and replay provisioning.

pub mod adopt;
pub mod args;
pub mod bounded;
pub mod bus;
pub mod checklist;
pub mod commands;
mod confirm;
pub mod connection;
pub mod exit;
pub mod forecast;
pub mod http;
mod input;
pub mod local;
pub mod organizations;
pub mod pace;
pub mod plan;
pub mod queues;
pub mod reconcile;
pub mod replay;
pub mod rotate;
pub mod runbook;
pub mod shell;
pub mod status;
pub mod submit;
pub mod sweep;
pub mod terminal;

use std::process::ExitCode;

use args::{Arguments, Command, LocalCommand};

/// Runs the command.
pub fn run(arguments: Arguments) -> ExitCode {
    let result = match arguments.command {
        Command::Local(LocalCommand::Provision(arguments)) => local::provision::run(&arguments),
        Command::Local(LocalCommand::Serve(arguments)) => local::serve::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Reconcile(arguments) => reconcile::run(&arguments),
        Command::Replay(command) => replay::run(&command),
        Command::Status(arguments) => status::run(&arguments),
        Command::Submit(arguments) => submit::run(&arguments),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::man(&arguments),
        Command::Checklist(arguments) => checklist::run(&arguments),
        Command::Rotate(arguments) => rotate::run(&arguments),
        Command::Adopt(arguments) => adopt::run(&arguments),
    };
    result.unwrap_or_else(|problem| {
        anstream::eprintln!("orgctl: {problem}");
        problem.exit_code()
    })
}
