//! Going through many organizations: some at a time, shown in order, with progress, and to be gone on with later.

use std::fmt::Display;
use std::io::IsTerminal;

use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use org::OrgId;

use crate::args::Selection;
use crate::connection::Connection;
use crate::exit::Problem;
use crate::organizations;

/// How far a sweep came.
pub struct Swept {
    /// Organizations that were worked on.
    pub done: usize,
    /// Organizations that there are.
    pub all: usize,
    /// The last one in order, if the sweep was stopped by Ctrl-C before its end.
    pub stopped_after: Option<Option<OrgId>>,
}

/// Works on every organization that is selected with `--all`, at most `selection.concurrency` at a time, and shows
/// each result in the order of ids. Memory holds the ids, and as many results as are worked on at a time.
///
/// # Errors
/// When the organizations cannot be listed, or a result cannot be shown.
pub async fn sweep<T>(
    connection: &Connection,
    selection: &Selection,
    work: impl AsyncFn(OrgId) -> T,
    mut show: impl FnMut(&OrgId, T) -> Result<(), Problem>,
) -> Result<Swept, Problem> {
    let mut orgs = organizations::all(connection).await?;
    if let Some(after) = &selection.after {
        orgs = orgs.split_off(after);
        orgs.remove(after);
    }
    let all = orgs.len();
    let bar = progress_bar(all, "organizations");
    let worked = futures_util::stream::iter(orgs).map(async |org| (org.clone(), work(org).await));
    let mut worked = std::pin::pin!(worked.buffered(selection.concurrency.into()));
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let (mut done, mut last) = (0, None);
    let stopped = loop {
        let next = tokio::select! {
            biased;
            _ = &mut interrupted => break true,
            next = worked.next() => next,
        };
        let Some((org, result)) = next else { break false };
        bar.suspend(|| show(&org, result))?;
        bar.inc(1);
        done += 1;
        last = Some(org);
    };
    bar.finish_and_clear();
    Ok(Swept { done, all, stopped_after: stopped.then_some(last) })
}

impl Swept {
    /// Tells how to go on, if the sweep was stopped.
    ///
    /// # Errors
    /// That it was stopped: what was shown is not the whole.
    pub fn require_whole(&self, command: &str) -> Result<(), Problem> {
        let Some(last) = &self.stopped_after else { return Ok(()) };
        let go_on = last.as_ref().map_or_else(String::new, |last| format!(" --after {last}"));
        let Self { done, all, .. } = self;
        Err(Problem::Failed(format!("stopped after {done} of {all}; go on with: orgctl {command} --all{go_on}")))
    }
}

/// A bar with an estimate on standard error, if that is a terminal.
pub fn progress_bar(length: usize, what: impl Display) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(u64::try_from(length).unwrap_or(u64::MAX)), target);
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what.to_string())
}
