//! `orgctl replay file`: the requests of event files, sent again as commands.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

use contract::{Command, OrgCreated};
use serde_json::Value;

use super::pick::Picked;
use super::{confirmed, nothing_sent, rules, unreadable};
use crate::args::ReplayFileArguments;
use crate::commands::command_of;
use crate::connection::Connection;
use crate::exit::{FAILED, Problem, written};
use crate::input;
use crate::submit::check::{Order, order};
use crate::submit::{planned, send_again};
use crate::terminal::printable;

/// What the files hold, of what was asked for.
#[derive(Default)]
struct Found {
    /// Each request once: one organization's detail, however many of its events there are.
    orders: Vec<Order>,
    /// How often a request stands there again.
    repeated: usize,
    /// What no step would take, and why.
    unreadable: Vec<String>,
}

pub(super) async fn run(arguments: &ReplayFileArguments) -> Result<ExitCode, Problem> {
    let connection = Connection::open(&arguments.connection).await?;
    let found = Found::read(arguments, &connection)?;
    let sending = &arguments.sending;
    for why in &found.unreadable {
        written(writeln!(anstream::stderr(), "left out: {}", printable(why)))?;
    }
    if sending.plan {
        let verdict = planned::show(&connection, &found.orders, sending.json, false).await?;
        return Ok(unreadable(verdict, found.unreadable.len()));
    }
    if found.orders.is_empty() && found.unreadable.is_empty() {
        return nothing_sent("no event is like that", sending.json);
    }
    if found.orders.is_empty() {
        return Err(Problem::Failed("no event can be sent".to_owned()));
    }
    if !confirmed(&format!("Send {} requests again?", found.orders.len()), sending.yes)? {
        return Err(Problem::Failed("not confirmed; nothing was sent".to_owned()));
    }
    let sent = send_again(&connection, &found.orders, sending.rate, found.repeated, sending.json).await?;
    Ok(if found.unreadable.is_empty() { sent } else { ExitCode::from(FAILED) })
}

impl Found {
    fn read(arguments: &ReplayFileArguments, connection: &Connection) -> Result<Self, Problem> {
        let picked = Picked::new(&arguments.pick, connection.now());
        let source = connection.settings().allowed_sources.first().cloned().unwrap_or_default();
        let (mut found, mut seen) = (Self::default(), BTreeSet::new());
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
                let Some(command) = command_of(event) else {
                    found.unreadable.push(at("tells of a step that this orgctl does not know"));
                    continue;
                };
                let rules = rules(connection, &source, command);
                match order(handler::original_detail(event).clone(), item.line, found.orders.len(), &rules) {
                    Ok(order) if seen.insert((command, order.entry.detail.clone())) => found.orders.push(order),
                    Ok(_) => found.repeated += 1,
                    Err(said) => found.unreadable.push(at(&said)),
                }
            }
        }
        Ok(found)
    }
}

/// Whom an event concerns, when it was put, and the error code that it tells.
fn described(event: &Value) -> (Option<String>, Option<SystemTime>, Option<String>) {
    let org = OrgCreated::subject_of(handler::original_detail(event)).map(|subject| subject.org_id);
    let at = event.get("time").and_then(Value::as_str).and_then(|time| humantime::parse_rfc3339_weak(time).ok());
    let detail = event.get("detail").unwrap_or(event);
    let code = detail.pointer("/error/code").and_then(Value::as_str).map(str::to_owned);
    (org, at, code)
}
