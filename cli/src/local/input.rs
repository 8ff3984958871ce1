//! The events that a local run begins with.

use std::path::Path;

use contract::{Command, OrgCreated};
use serde_json::Value;

use crate::exit::Problem;
use crate::input::{self, Item};

/// The source of a plain detail, which names none.
const USUAL_SOURCE: &str = "org-signup";

/// An event to put on the bus.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Who says it.
    pub source: String,
    /// What kind it is.
    pub detail_type: String,
    /// What it says.
    pub detail: Value,
}

impl Event {
    /// An EventBridge event taken apart, or a plain `OrgCreated` detail.
    fn of(value: Value) -> Self {
        let text = |field: &str| value.get(field).and_then(Value::as_str);
        match (text("source"), text("detail-type"), value.get("detail")) {
            (Some(source), Some(detail_type), Some(detail)) => {
                Self { source: source.to_owned(), detail_type: detail_type.to_owned(), detail: detail.clone() }
            }
            _ => {
                Self { source: USUAL_SOURCE.to_owned(), detail_type: OrgCreated::DETAIL_TYPE.to_owned(), detail: value }
            }
        }
    }

    /// The organization that the event is about, as far as that can be read.
    pub fn org_id(&self) -> String {
        let request = self.detail.get("request").unwrap_or(&self.detail);
        OrgCreated::subject_of(request).map_or_else(|| "unknown".to_owned(), |subject| subject.org_id)
    }
}

/// The events of a file.
///
/// # Errors
/// When the file cannot be read, holds nothing, or holds something that is no event: nothing of it is run then.
pub(super) fn read(path: &Path) -> Result<Vec<Event>, Problem> {
    let event = |item: Item| {
        let at = match item.line {
            Some(line) => format!("{}, line {line}", path.display()),
            None => path.display().to_string(),
        };
        let value = item.value.map_err(|said| Problem::Usage(format!("{at}: {said}")))?;
        if value.get("Records").is_some() {
            let message = format!("{at}: is what Lambda hands a function, not an event; give the events themselves");
            return Err(Problem::Usage(message));
        }
        Ok(Event::of(value))
    };
    input::read(path)?.items.into_iter().map(event).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plain_detail_is_a_command_from_the_usual_source() {
        let event = Event::of(json!({"orgId": "abc"}));
        assert_eq!((event.source.as_str(), event.detail_type.as_str()), ("org-signup", "OrgCreated"));
        assert_eq!(event.org_id(), "abc");
    }

    #[test]
    fn an_envelope_speaks_for_itself() {
        let event = Event::of(json!({"source": "a", "detail-type": "b", "detail": {"request": {"orgId": "abc"}}}));
        assert_eq!((event.source.as_str(), event.org_id().as_str()), ("a", "abc"));
    }
}
