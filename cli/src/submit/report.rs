//! What a submit shows: a line for each organization, and a summary.

use std::io::Write;

use serde_json::{Value, json};

use super::check::Order;
use crate::bus::Outcome;
use crate::exit::{Problem, written};

/// How much is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Organizations in all.
    pub(super) all: usize,
    /// How often the file repeats one of them.
    pub(super) repeated: usize,
    /// Sent by earlier runs.
    pub(super) before: usize,
    /// Sent by this one.
    pub(super) sent: usize,
    /// Not taken by the bus.
    pub(super) refused: usize,
}

/// Shows it, as text or as JSON.
#[derive(Clone, Copy)]
pub(super) struct Report<'r> {
    /// Whether as JSON.
    pub(super) json: bool,
    /// Whether one organization was given by itself, so that there is no summary.
    pub(super) single: bool,
    /// The bus's ARN.
    pub(super) bus: &'r str,
}

impl Report<'_> {
    /// What became of one organization's command.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn outcome(&self, order: &Order, outcome: &Outcome) -> Result<(), Problem> {
        let Order { org, request_id, .. } = order;
        let mut out = anstream::stdout();
        let shown = if self.json {
            let mut document = json!({ "organization": org, "requestId": request_id, "bus": self.bus });
            let (name, value) = match outcome {
                Outcome::Accepted { event_id } => ("eventId", json!(event_id)),
                Outcome::Refused { code, message } => ("refused", json!({ "code": code, "message": message })),
            };
            if let Value::Object(fields) = &mut document {
                fields.insert(name.to_owned(), value);
            }
            writeln!(out, "{document}")
        } else {
            let org = org.as_str();
            match outcome {
                Outcome::Accepted { event_id } => {
                    writeln!(out, "{org:<20}  sent      request {request_id}  event {event_id}")
                }
                Outcome::Refused { code, message } => {
                    writeln!(out, "{org:<20}  not sent  request {request_id}  {code}: {message}")
                }
            }
        };
        written(shown)
    }

    /// All of it.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn summary(&self, tally: Tally, finished: Option<&str>) -> Result<(), Problem> {
        if self.single {
            return Ok(());
        }
        let Tally { all, repeated, before, sent, refused } = tally;
        let mut out = anstream::stdout();
        if self.json {
            let summary = json!({ "organizations": all, "repeated": repeated, "sentBefore": before, "sent": sent,
                "refused": refused, "bus": self.bus, "finished": finished });
            return written(writeln!(out, "{}", json!({ "summary": summary })));
        }
        let mut parts = vec![format!("{sent} of {all} sent")];
        parts.extend((before > 0).then(|| format!("{before} before")));
        parts.extend((refused > 0).then(|| format!("{refused} refused")));
        parts.extend((repeated > 0).then(|| format!("{repeated} repeated in the file")));
        written(writeln!(out, "{}, to {}", parts.join(", "), self.bus))
    }

    /// That there is nothing left to send.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn nothing_left(&self, tally: Tally, when: &str) -> Result<(), Problem> {
        if self.json {
            return self.summary(tally, Some(when));
        }
        let (all, bus) = (tally.all, self.bus);
        let said = format!("all {all} were sent on {when} to {bus}; give --again to send them again");
        written(writeln!(anstream::stdout(), "{said}"))
    }
}
