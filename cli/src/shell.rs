//! `orgctl completions` and `orgctl man`: what shells and `man` know of the command line, made from the command line
//! itself.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{Arguments, CompletionsArguments, ManArguments};
use crate::exit::{Problem, written};

/// Prints a shell's completions.
///
/// # Errors
/// When they cannot be written.
pub fn completions(arguments: &CompletionsArguments) -> Result<ExitCode, Problem> {
    // Into memory first: the generator panics where its output cannot be written.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "orgctl", &mut script);
    written(std::io::stdout().write_all(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the first manual page, or writes all of them into a folder.
///
/// # Errors
/// When a page cannot be written.
pub fn man(arguments: &ManArguments) -> Result<ExitCode, Problem> {
    let mut command = without_help(Arguments::command());
    // Gives every command its whole name, and the options that all share.
    command.build();
    match &arguments.folder {
        None => written(std::io::stdout().write_all(&page(command)?))?,
        Some(folder) => {
            let failed = |error| Problem::Failed(format!("{}: {error}", folder.display()));
            std::fs::create_dir_all(folder).map_err(failed)?;
            let count = write_pages(command, folder)?;
            written(writeln!(anstream::stdout(), "{count} pages in {}", folder.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Without the commands `help`, whose pages would say nothing.
fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

/// Writes the page of this command and those of its subcommands, and counts them.
fn write_pages(command: Command, folder: &Path) -> Result<usize, Problem> {
    let mut count = 1;
    for subcommand in command.get_subcommands() {
        count += write_pages(subcommand.clone(), folder)?;
    }
    let path = folder.join(format!("{}.1", file_stem(&command)));
    let page = page(command)?;
    std::fs::write(&path, page).map_err(|error| Problem::Failed(format!("{}: {error}", path.display())))?;
    Ok(count)
}

fn page(command: Command) -> Result<Vec<u8>, Problem> {
    let title = file_stem(&command);
    let mut page = Vec::new();
    written(Man::new(command).title(title).render(&mut page))?;
    // The name that the library has for what stands behind the options in the help.
    let text = String::from_utf8_lossy(&page).replacen("\n.SH EXTRA\n", "\n.SH NOTES\n", 1);
    Ok(text.into_bytes())
}

/// `orgctl-local-serve`, as `man` looks for it.
fn file_stem(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}
