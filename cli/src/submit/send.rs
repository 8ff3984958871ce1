//! Sending what was checked: in batches, paced, noted before the next call goes out, and to be stopped at any time.

use indicatif::ProgressBar;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::check::Order;
use super::journal::Journal;
use super::report::{Report, Tally};
use crate::bus::{Bus, Entry, Outcome};
use crate::exit::Problem;

/// Orders that are looked at for the next call; a batch is never larger.
const LOOK_AHEAD: usize = 10;

/// Why the sending ended.
pub(super) enum Ended {
    /// Everything was offered to the bus.
    AtTheEnd,
    /// By Ctrl-C, between two calls.
    Stopped,
    /// By a second Ctrl-C, in the middle of a call.
    Cut,
    /// The bus asked for patience until ours was used up.
    Overloaded,
    /// A call failed as a whole.
    CallFailed(Problem),
}

/// Sends every order that the journal does not have, in order.
///
/// # Errors
/// When the journal or the output cannot be written. What the bus says is no error.
pub(super) async fn send(
    bus: &mut Bus,
    orders: &[Order],
    mut journal: Option<&mut Journal>,
    (report, tally): (Report<'_>, &mut Tally),
    bar: &ProgressBar,
) -> Result<Ended, Problem> {
    let mut interrupts = Interrupts::new()?;
    let left: Vec<&Order> =
        orders.iter().filter(|order| !journal.as_ref().is_some_and(|journal| journal.has(order.number))).collect();
    let mut left = left.as_slice();
    while !left.is_empty() {
        let ahead: Vec<Entry> = left.iter().take(LOOK_AHEAD).map(|order| order.entry.clone()).collect();
        let (batch, behind) = left.split_at_checked(bus.batch_size(&ahead)).unwrap_or((left, &[]));
        let entries = ahead.get(..batch.len()).unwrap_or(&ahead);
        tokio::select! {
            biased;
            () = interrupts.next() => return Ok(Ended::Stopped),
            () = bus.ready(batch.len()) => {}
        }
        let (answer, stopped) = interrupts.during(bus.put(entries)).await;
        let outcomes = match answer {
            Some(Ok(outcomes)) => outcomes,
            Some(Err(problem)) => return Ok(Ended::CallFailed(problem)),
            None => return Ok(Ended::Cut),
        };
        let accepted = |outcome: &Outcome| matches!(outcome, Outcome::Accepted { .. });
        let noted = batch.iter().zip(&outcomes).filter(|(_, outcome)| accepted(outcome));
        let noted: Vec<usize> = noted.map(|(order, _)| order.number).collect();
        tally.sent += noted.len();
        tally.refused += batch.len() - noted.len();
        if let Some(journal) = &mut journal {
            journal.acknowledge(noted)?;
        }
        bar.suspend(|| batch.iter().zip(&outcomes).try_for_each(|(order, outcome)| report.outcome(order, outcome)))?;
        bar.inc(u64::try_from(batch.len()).unwrap_or_default());
        left = behind;
        if outcomes.iter().all(Outcome::may_succeed_later) {
            return Ok(Ended::Overloaded);
        }
        if stopped && !left.is_empty() {
            return Ok(Ended::Stopped);
        }
    }
    Ok(Ended::AtTheEnd)
}

/// Ctrl-C, once and again.
struct Interrupts {
    signal: Signal,
}

impl Interrupts {
    fn new() -> Result<Self, Problem> {
        let signal = signal(SignalKind::interrupt());
        Ok(Self { signal: signal.map_err(|error| Problem::Failed(format!("cannot listen for Ctrl-C: {error}")))? })
    }

    async fn next(&mut self) {
        if self.signal.recv().await.is_none() {
            // No more of them can come.
            std::future::pending::<()>().await;
        }
    }

    /// Does the work to its end, although Ctrl-C was pressed; not if it is pressed a second time. Says whether it was.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> (Option<T>, bool) {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return (Some(done), false),
            () = self.next() => anstream::eprintln!("orgctl: stopping after this call; Ctrl-C again stops at once"),
        }
        tokio::select! {
            biased;
            done = &mut work => (Some(done), true),
            () = self.next() => (None, true),
        }
    }
}
