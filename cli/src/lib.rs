//! `orgctl`: the command with which operators try, watch and replay provisioning.

pub mod args;
pub mod checklist;
pub mod connection;
pub mod exit;
pub mod forecast;
pub mod local;
pub mod organizations;
pub mod plan;
pub mod registry;
pub mod sweep;

use std::process::ExitCode;

use args::{Arguments, Command, LocalCommand};

/// Runs the command.
pub fn run(arguments: Arguments) -> ExitCode {
    let result = match arguments.command {
        Command::Local(LocalCommand::Provision(arguments)) => local::provision::run(&arguments),
        Command::Local(LocalCommand::Serve(arguments)) => local::serve::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Checklist(arguments) => checklist::run(&arguments),
    };
    result.unwrap_or_else(|problem| {
        anstream::eprintln!("orgctl: {problem}");
        problem.exit_code()
    })
}
