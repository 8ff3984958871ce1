//! `orgctl replay dead-letters`: what lies in the dead-letter queues, and back to the steps with it.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use aws::AwsError;
use aws_sdk_sqs::Client;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::letter::{Letter, Picked, REASONS, Taken, seconds, take};
use super::{confirmed, nothing_sent, paced, preview, steps};
use crate::args::DeadLettersArguments;
use crate::connection::{Connection, dead_letter_queue_name, queue_name};
use crate::exit::{FAILED, Problem, written};
use crate::queues;
use crate::sweep::progress_bar;
use crate::terminal::{printable, table};

/// Messages that are on their way at the same time: what an interruption can send twice at most.
const UNDER_WAY: usize = 10;
/// Rows of the list that are shown; `--json` shows all.
const MOST_ROWS: usize = 50;

/// What became of one message.
enum Sent {
    /// The step's queue has it, and the dead-letter queue has not.
    Moved,
    /// Somebody else had taken it in the meantime.
    Gone,
    /// It is where it was. Why.
    Kept(String),
    /// The step's queue has it, and so has the dead-letter queue. Why.
    Doubled(String),
}

pub(super) async fn run(arguments: &DeadLettersArguments) -> Result<ExitCode, Problem> {
    let connection = Connection::open(&arguments.connection).await?;
    let sqs = Client::new(&connection.sdk);
    let now = connection.now();
    let picked = Picked::new(&arguments.pick, now);
    let bounds = (usize::try_from(arguments.limit).unwrap_or(usize::MAX), arguments.hide);
    let takes = steps(&arguments.steps)?.into_iter().map(async |step| {
        let url = queues::url(&sqs, &dead_letter_queue_name(&step)).await?;
        let home = queues::url(&sqs, &queue_name(&step)).await?;
        Ok::<_, Problem>((take(&sqs, &url, step, &picked, bounds).await?, home))
    });
    let mut all = try_join_all(takes).await?;
    let ended = decide(arguments, &connection, &sqs, &mut all).await;
    // Whatever was decided: what is left is for others to see again.
    for (taken, _) in &all {
        release(&sqs, taken).await;
    }
    ended
}

async fn decide(
    arguments: &DeadLettersArguments,
    connection: &Connection,
    sqs: &Client,
    all: &mut [(Taken, String)],
) -> Result<ExitCode, Problem> {
    let sending = &arguments.sending;
    let letters = || all.iter().flat_map(|(taken, _)| &taken.letters);
    let (count, more) = (letters().count(), all.iter().any(|(taken, _)| taken.more));
    if arguments.list {
        list(letters(), count, more, sending.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if count == 0 {
        return nothing_sent("no dead letter is like that");
    }
    if sending.plan {
        let requests = letters().filter_map(|letter| letter.request(connection.settings()).ok()).collect::<Vec<_>>();
        let unreadable = count - requests.len();
        return preview::show(connection, requests, unreadable, sending.json).await;
    }
    if !sending.yes {
        list(letters(), count, more, false)?;
    }
    if !confirmed(&format!("Send {count} messages back to their steps?"), sending.yes)? {
        return nothing_sent("not confirmed");
    }
    let work: Vec<(Letter, String, String)> = all
        .iter_mut()
        .flat_map(|(taken, home)| taken.letters.drain(..).map(|letter| (letter, taken.url.clone(), home.clone())))
        .collect();
    send_all(arguments, sqs, work).await
}

/// Sends everything, at the rate asked for. After Ctrl-C nothing new is begun, and what is under way is finished.
async fn send_all(
    arguments: &DeadLettersArguments,
    sqs: &Client,
    work: Vec<(Letter, String, String)>,
) -> Result<ExitCode, Problem> {
    let all = work.len();
    let bar = progress_bar(all, "messages");
    let stop = Box::pin(tokio::signal::ctrl_c());
    let sent = paced(work, arguments.sending.rate)
        .take_until(stop)
        .map(async |(letter, from, to)| send(sqs, &letter, &from, &to, arguments.hide).await)
        .buffer_unordered(UNDER_WAY);
    let mut sent = std::pin::pin!(sent);
    let (mut moved, mut gone, mut kept, mut doubled) = (0_usize, 0_usize, 0_usize, 0_usize);
    while let Some(sent) = sent.next().await {
        bar.inc(1);
        let said = match sent {
            Sent::Moved => {
                moved += 1;
                continue;
            }
            Sent::Gone => {
                gone += 1;
                "a message was taken by somebody else in the meantime, and was left to them".to_owned()
            }
            Sent::Kept(why) => {
                kept += 1;
                format!("a message stays in the dead-letter queue: {why}")
            }
            Sent::Doubled(why) => {
                doubled += 1;
                format!("a message was sent, but is still in the dead-letter queue too: {why}")
            }
        };
        written(bar.suspend(|| writeln!(anstream::stderr(), "{}", printable(&said))))?;
    }
    bar.finish_and_clear();
    let not_begun = all - moved - gone - kept - doubled;
    let mut out = anstream::stdout();
    let summary = if arguments.sending.json {
        writeln!(
            out,
            "{}",
            json!({ "sent": moved, "gone": gone, "kept": kept, "doubled": doubled, "notBegun": not_begun })
        )
    } else {
        let rest = [
            (gone, "taken by somebody else"),
            (kept, "kept"),
            (doubled, "sent but not deleted"),
            (not_begun, "not begun"),
        ];
        let rest = rest.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!(", {number} {what}"));
        writeln!(out, "{moved} of {all} messages sent back{}", rest.collect::<String>())
    };
    written(summary)?;
    Ok(if moved == all { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Hidden anew, sent, deleted, in this order: a message is nowhere lost, and sent twice only if this stops between the
/// last two.
async fn send(sqs: &Client, letter: &Letter, from: &str, to: &str, hide: Duration) -> Sent {
    let claim = sqs.change_message_visibility().queue_url(from).receipt_handle(&letter.receipt_handle);
    if let Err(error) = claim.visibility_timeout(seconds(hide)).send().await {
        let error = AwsError::of("ChangeMessageVisibility", error);
        return match error.code() {
            // Its time was over, and it is another receiver's, or deleted.
            "MessageNotInflight" | "InvalidParameterValue" | "ReceiptHandleIsInvalid" => Sent::Gone,
            _ => Sent::Kept(format!("ChangeMessageVisibility failed: {}", error.reason())),
        };
    }
    let mut message = sqs.send_message().queue_url(to).message_body(&letter.body);
    for (name, value) in letter.attributes.iter().filter(|(name, _)| !REASONS.contains(&name.as_str())) {
        message = message.message_attributes(name, value.clone());
    }
    if let Err(error) = message.send().await {
        return Sent::Kept(format!("SendMessage failed: {}", AwsError::of("SendMessage", error).reason()));
    }
    match sqs.delete_message().queue_url(from).receipt_handle(&letter.receipt_handle).send().await {
        Ok(_) => Sent::Moved,
        Err(error) => Sent::Doubled(format!("DeleteMessage failed: {}", AwsError::of("DeleteMessage", error).reason())),
    }
}

/// Shows to others what is not sent. A courtesy: it would come back by itself, a little later.
async fn release(sqs: &Client, taken: &Taken) {
    let handles = taken.others.iter().chain(taken.letters.iter().map(|letter| &letter.receipt_handle));
    let shown = futures_util::stream::iter(handles).for_each_concurrent(UNDER_WAY, async |handle| {
        let request = sqs.change_message_visibility().queue_url(&taken.url).receipt_handle(handle);
        drop(request.visibility_timeout(0).send().await);
    });
    shown.await;
}

fn list<'l>(letters: impl Iterator<Item = &'l Letter>, count: usize, more: bool, json: bool) -> Result<(), Problem> {
    let mut out = anstream::stdout();
    if json {
        let all: Vec<Value> = letters.map(Letter::summary).collect();
        return written(writeln!(out, "{}", json!({ "deadLetters": all, "more": more })));
    }
    let mut table = table(["Step", "Organization", "Error code", "Sent", "Request id"]);
    for letter in letters.take(MOST_ROWS) {
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
    let more = if more { "; there are more than --limit" } else { "" };
    written(writeln!(out, "{count} dead letters{more}"))
}
