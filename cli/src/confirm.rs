//! Asking before something is sent.

use std::io::IsTerminal;

use crate::exit::Problem;

/// Makes sure that somebody can be asked, or need not be.
///
/// # Errors
/// When there is nobody to ask.
pub(crate) fn can_confirm(yes: bool) -> Result<(), Problem> {
    if yes || (std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(());
    }
    Err(Problem::Usage("there is no terminal to ask on; give --yes to go ahead".to_owned()))
}

/// Whether the person at the terminal says yes.
///
/// # Errors
/// When there is nobody to ask.
pub(crate) fn confirmed(question: &str, yes: bool) -> Result<bool, Problem> {
    can_confirm(yes)?;
    if yes {
        return Ok(true);
    }
    let answer = dialoguer::Confirm::new().with_prompt(question).default(false).interact();
    answer.map_err(|error| Problem::Failed(format!("the question could not be asked: {error}")))
}
