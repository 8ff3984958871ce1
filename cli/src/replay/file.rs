//! `orgctl replay file`: the requests of event files, sent again as commands.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use contract::{Command, OrgCreated, Request};
use serde_json::{Value, json};

use super::letter::Picked;
use super::{confirmed, nothing_sent, preview};
use crate::args::ReplayFileArguments;
use crate::bus::{Bus, Entry, Outcome};
use crate::connection::Connection;
use crate::exit::{FAILED, Problem, written};
use crate::submit::input;
use crate::sweep::progress_bar;
use crate::terminal::printable;

/// What the files hold, of what was asked for.
#[derive(Default)]
struct Found {
    /// Each request once.
    requests: BTreeMap<String, Request<OrgCreated>>,
    /// What no step could read, and why.
    unreadable: Vec<String>,
}

pub(super) async fn run(arguments: &ReplayFileArguments) -> Result<ExitCode, Problem> {
    let connection = Connection::open(&arguments.connection).await?;
    let picked = Picked::new(&arguments.pick, connection.now());
    let found = Found::read(arguments, &connection, &picked)?;
    let sending = &arguments.sending;
    for why in &found.unreadable {
        written(writeln!(anstream::stderr(), "left out: {}", printable(why)))?;
    }
    if found.requests.is_empty() && found.unreadable.is_empty() {
        return nothing_sent("no event is like that");
    }
    if sending.plan {
        let requests = found.requests.into_values().collect();
        return preview::show(&connection, requests, found.unreadable.len(), sending.json).await;
    }
    let question = format!("Send {} requests again?", found.requests.len());
    if found.requests.is_empty() || !confirmed(&question, sending.yes)? {
        return nothing_sent(if found.requests.is_empty() { "no event can be read" } else { "not confirmed" });
    }
    send(arguments, &connection, found).await
}

impl Found {
    fn read(arguments: &ReplayFileArguments, connection: &Connection, picked: &Picked) -> Result<Self, Problem> {
        let mut found = Self::default();
        for path in &arguments.files {
            for (number, item) in input::read(path)?.items.into_iter().enumerate() {
                let at = |said: &str| match item.line {
                    Some(line) => format!("{}, line {line}: {said}", path.display()),
                    None => format!("{}, event {}: {said}", path.display(), number + 1),
                };
                let event = match &item.value {
                    Ok(event) => event,
                    Err(said) => {
                        found.unreadable.push(at(said));
                        continue;
                    }
                };
                let (org, time, code) = described(event);
                if !picked.wants(org.as_deref(), time, code.as_deref()) {
                    continue;
                }
                match handler::read_request::<OrgCreated>(&event.to_string(), connection.settings()) {
                    Ok(request) => drop(found.requests.insert(request.request_id.clone(), request)),
                    Err(error) => found.unreadable.push(at(&error.to_string())),
                }
            }
        }
        Ok(found)
    }
}

/// Whom an event concerns, when it was put, and the error code that it tells.
fn described(event: &Value) -> (Option<String>, Option<SystemTime>, Option<String>) {
    let detail = event.get("detail").unwrap_or(event);
    let request = detail.get("request").filter(|request| request.is_object()).unwrap_or(detail);
    let org = OrgCreated::subject_of(request).map(|subject| subject.org_id);
    let at = event.get("time").and_then(Value::as_str).and_then(|time| humantime::parse_rfc3339_weak(time).ok());
    let code = detail.pointer("/error/code").and_then(Value::as_str).map(str::to_owned);
    (org, at, code)
}

/// Sends the requests. After Ctrl-C no further call is made; what was sent is told.
async fn send(arguments: &ReplayFileArguments, connection: &Connection, found: Found) -> Result<ExitCode, Problem> {
    let mut bus = Bus::find(connection, arguments.sending.rate).await?;
    let source = connection.settings().allowed_sources.first().cloned().unwrap_or_default();
    let entry = |request: &Request<OrgCreated>| Entry {
        source: source.clone(),
        detail_type: OrgCreated::DETAIL_TYPE.to_owned(),
        detail: request.detail.to_string(),
    };
    let entries: Vec<Entry> = found.requests.values().map(entry).collect();
    let bar = progress_bar(entries.len(), "events");
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let (mut rest, mut accepted, mut refused) = (entries.as_slice(), 0_usize, 0_usize);
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(bus.batch_size(rest));
        tokio::select! {
            biased;
            _ = &mut interrupted => break,
            () = bus.ready(batch.len()) => {}
        }
        for outcome in bus.put(batch).await? {
            bar.inc(1);
            match outcome {
                Outcome::Accepted { .. } => accepted += 1,
                Outcome::Refused { code, message } => {
                    refused += 1;
                    written(bar.suspend(|| writeln!(anstream::stderr(), "an event was refused: {code}: {message}")))?;
                }
            }
        }
        rest = later;
    }
    bar.finish_and_clear();
    let (all, unread, not_begun) = (entries.len(), found.unreadable.len(), rest.len());
    let mut out = anstream::stdout();
    written(if arguments.sending.json {
        let counts = json!({ "sent": accepted, "refused": refused, "notBegun": not_begun, "unreadable": unread });
        writeln!(out, "{counts}")
    } else {
        let rest = [(refused, "refused"), (not_begun, "not begun"), (unread, "unreadable and left out")];
        let rest = rest.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!(", {number} {what}"));
        writeln!(out, "{accepted} of {all} requests sent again{}", rest.collect::<String>())
    })?;
    Ok(if accepted == all && unread == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
