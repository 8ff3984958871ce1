//! `orgctl replay dead-letters`: what lies in the dead-letter queues, and back to the steps with it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Write;
use std::pin::pin;
use std::process::ExitCode;

use aws_sdk_sqs::Client;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::letter::Letter;
use super::pick::Picked;
use super::transfer::{Held, Queue, Taking, Tally, queues};
use super::{can_confirm, confirmed, nothing_sent, rules, steps, unreadable};
use crate::args::DeadLettersArguments;
use crate::connection::Connection;
use crate::exit::{FAILED, Problem, written};
use crate::pace::Pace;
use crate::submit::check::order;
use crate::submit::planned;
use crate::sweep::progress_bar;
use crate::terminal::{printable, table};
use local_system::registry;

/// Rows of the list that are shown; `--json` shows all.
const MOST_ROWS: usize = 50;

pub(super) async fn run(arguments: &DeadLettersArguments) -> Result<ExitCode, Problem> {
    let sending = &arguments.sending;
    if !arguments.list && !sending.plan {
        can_confirm(sending.yes)?;
    }
    let connection = Connection::open(&arguments.connection).await?;
    let (sqs, picked, held) =
        (Client::new(&connection.sdk), Picked::new(&arguments.pick, connection.now()), Held::default());
    // To look takes nothing away, so the list is of everything.
    let chosen = if arguments.list && arguments.steps.is_empty() {
        registry::functions().map(|step| step.spec).collect()
    } else {
        steps(&arguments.steps)?
    };
    let queues = queues(&connection, chosen).await?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let (hide, stopping) = (arguments.hide, Cell::default());
    let taking = Taking { sqs: &sqs, picked: &picked, limit, hide, held: &held, stopping };
    if sending.yes {
        return send(arguments, &taking, &queues, None).await;
    }
    let (letters, more) = look(&taking, &queues).await?;
    if arguments.list {
        list(&mut anstream::stdout(), &letters, more, sending.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if sending.plan {
        return plan(&connection, &letters, sending.json).await;
    }
    if letters.is_empty() {
        return nothing_sent("no dead letter is like that", sending.json);
    }
    list(&mut anstream::stderr(), &letters, more, false)?;
    if !confirmed(&format!("Send {} messages back to their steps?", letters.len()), false)? {
        return Err(Problem::Failed("not confirmed; nothing was sent".to_owned()));
    }
    let wanted = letters.into_iter().map(|letter| letter.id).collect();
    send(arguments, &taking, &queues, Some(&wanted)).await
}

/// Looks at what there is. Whatever comes of it, everything is visible to others again afterwards.
async fn look(taking: &Taking<'_>, queues: &[Queue]) -> Result<(Vec<Letter>, bool), Problem> {
    let mut scans = pin!(join_all(queues.iter().map(|queue| taking.scan(queue))));
    let scanned = tokio::select! {
        scanned = &mut scans => Ok(scanned),
        _ = tokio::signal::ctrl_c() => {
            // What SQS is giving out at this moment would stay hidden if nobody took it.
            taking.stopping.set(true);
            scans.await;
            Err(Problem::Failed("stopped by Ctrl-C; nothing was sent".to_owned()))
        }
    };
    taking.held.release(taking.sqs).await;
    let (mut letters, mut more) = (Vec::new(), false);
    for scanned in scanned? {
        let (found, may_be_more) = scanned?;
        letters.extend(found);
        more |= may_be_more;
    }
    Ok((letters, more))
}

async fn plan(connection: &Connection, letters: &[Letter], json: bool) -> Result<ExitCode, Problem> {
    let source = connection.settings().allowed_sources.first().cloned().unwrap_or_default();
    let (mut orders, mut seen, mut refused) = (Vec::new(), BTreeSet::new(), 0);
    for letter in letters {
        let detail = letter.detail().ok_or_else(|| "the body is not JSON".to_owned());
        let command = registry::all().find(|step| step.spec == letter.step).map(|step| step.command);
        let command = command.unwrap_or_default();
        let rules = rules(connection, &source, command);
        match detail.and_then(|detail| order(detail, None, orders.len(), &rules)) {
            Ok(order) if seen.insert((command, order.entry.detail.clone())) => orders.push(order),
            Ok(_) => {}
            Err(said) => {
                refused += 1;
                let said = printable(&said);
                written(writeln!(
                    anstream::stderr(),
                    "a message of {} would be refused again: {said}",
                    letter.step.name
                ))?;
            }
        }
    }
    let verdict = planned::show(connection, &orders, json, false).await?;
    Ok(unreadable(verdict, refused))
}

/// Sends, and tells what became of it. What was received and not sent is visible to others again afterwards.
async fn send(
    arguments: &DeadLettersArguments,
    taking: &Taking<'_>,
    queues: &[Queue],
    wanted: Option<&BTreeSet<String>>,
) -> Result<ExitCode, Problem> {
    let bar = progress_bar(wanted.map_or(0, BTreeSet::len), "messages");
    let (mut pace, mut tally) = (Pace::of(arguments.sending.rate), Tally::default());
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut ended = Ok(());
    for queue in queues {
        ended = taking.transfer(queue, wanted, (&mut pace, &mut tally, &bar), interrupted.as_mut()).await;
        if ended.is_err() || tally.stopped {
            break;
        }
    }
    taking.held.release(taking.sqs).await;
    bar.finish_and_clear();
    report(tally, arguments.sending.json)?;
    ended?;
    if tally.stopped {
        let said =
            "stopped by Ctrl-C; what was not sent is in the dead-letter queues, and the same command goes on with it";
        return Err(Problem::Failed(said.to_owned()));
    }
    Ok(if tally.kept + tally.doubled == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn report(tally: Tally, json: bool) -> Result<(), Problem> {
    let Tally { sent, kept, doubled, .. } = tally;
    let mut out = anstream::stdout();
    if json {
        return written(writeln!(out, "{}", json!({ "sent": sent, "kept": kept, "doubled": doubled })));
    }
    let rest = [(kept, "kept in the dead-letter queue"), (doubled, "sent but not deleted")];
    let rest = rest.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!(", {number} {what}"));
    written(writeln!(out, "{sent} messages sent back{}", rest.collect::<String>()))
}

fn list(out: &mut impl Write, letters: &[Letter], more: bool, json: bool) -> Result<(), Problem> {
    if json {
        let all: Vec<Value> = letters.iter().map(Letter::summary).collect();
        return written(writeln!(out, "{}", json!({ "deadLetters": all, "more": more })));
    }
    let count = letters.len();
    let mut table = table(["Step", "Organization", "Error code", "Sent", "Request id"]);
    for letter in letters.iter().take(MOST_ROWS) {
        let summary = letter.summary();
        let cell = |name: &str| printable(summary.get(name).and_then(Value::as_str).unwrap_or("-"));
        table.add_row(["step", "orgId", "errorCode", "sentAt", "requestId"].map(cell));
    }
    if count > 0 {
        written(writeln!(out, "{table}"))?;
    }
    if count > MOST_ROWS {
        written(writeln!(out, "and {} more", count - MOST_ROWS))?;
    }
    let more = if more { "; there may be more than --limit" } else { "" };
    written(writeln!(out, "{count} dead letters{more}"))
}
