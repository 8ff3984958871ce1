//! Commands: what somebody asks for. A step works on one kind of command, whatever that is keyed by.

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::deployment::Deployment;
use crate::error::{ErrorCode, StepError};
use crate::event::NAMESPACE;
use org::{Conventions, Place};

/// The largest detail that is accepted. A completion event carries the detail along and must itself stay far
/// below the 1 MB that PutEvents takes.
pub const MOST_DETAIL_BYTES: usize = 128 * 1024;

/// The deepest detail that is accepted: how many lists and objects may lie in one another. JSON readers stop at some
/// depth, serde_json's at 127, and a completion event carries the detail along two levels deeper. Without a limit of
/// our own, the first steps would take what the later ones cannot read.
pub const MOST_DETAIL_LEVELS: usize = 64;

/// The longest correlation id.
const MOST_CORRELATION_ID_CHARACTERS: usize = 128;

/// A kind of command: `OrgCreated`.
pub trait Command: Clone + Debug + Serialize {
    /// The event's detail type.
    const DETAIL_TYPE: &'static str;

    /// What the command is about, as events tell it.
    type Subject: Subject;

    /// Reads an event's detail. Fields that are not known are tolerated.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    fn parse(detail: &Value) -> Result<Self, InvalidField>;

    /// The detail in this command's own form, where somebody sends it in another. As it is, unless a command says
    /// otherwise.
    fn translated(detail: Value, conventions: &Conventions) -> Value {
        let _same_everywhere = conventions;
        detail
    }

    /// What the command is about.
    fn subject(&self) -> Self::Subject;

    /// What a detail that may be invalid is about, if that can be read: failures are told to whom they concern.
    fn subject_of(detail: &Value) -> Option<Self::Subject>;

    /// The guards that hold before the first write.
    ///
    /// # Errors
    /// `wrong-account` or `invalid-field`.
    fn admit(&self, deployment: &Deployment, place: &Place) -> Result<(), StepError>;
}

/// What a command is about.
pub trait Subject: Clone + Debug + Serialize + DeserializeOwned + JsonSchema {
    /// The key that names it, as a person would: the org id.
    fn key(&self) -> &str;
}

/// A field that breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field {field} {problem}; {field} must be {rule}")]
pub struct InvalidField {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong with its value.
    pub problem: String,
    /// The rule.
    pub rule: String,
}

impl InvalidField {
    /// A field that breaks its rule. Echoed input is cut short.
    pub fn new(field: &'static str, problem: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field, problem: problem.into(), rule: rule.into() }
    }
}

/// A command as it was received: read, and with the detail that it was read from.
#[derive(Clone, Debug)]
pub struct Request<C> {
    /// The command.
    pub command: C,
    /// The original detail, carried along so that any step can be run from any event.
    pub detail: Value,
    /// The id of this request: the correlation id if there is one, else derived from what is asked.
    pub request_id: String,
    /// The correlation id, if one was given.
    pub correlation_id: Option<String>,
}

impl<C: Command> Request<C> {
    /// Reads a command from an event's detail.
    ///
    /// # Errors
    /// `malformed-event` or `invalid-field`.
    pub fn read(detail: Value) -> Result<Self, StepError> {
        let invalid = |error: InvalidField| StepError::new(ErrorCode::InvalidField, C::DETAIL_TYPE, error.to_string());
        if !detail.is_object() {
            let message = format!("the detail must be a JSON object, not {}", kind(&detail));
            return Err(StepError::new(ErrorCode::MalformedEvent, C::DETAIL_TYPE, message));
        }
        let size = detail.to_string().len();
        if size > MOST_DETAIL_BYTES {
            let message = format!("the detail has {size} bytes; at most {MOST_DETAIL_BYTES} are accepted");
            return Err(StepError::new(ErrorCode::MalformedEvent, C::DETAIL_TYPE, message));
        }
        let levels = levels(&detail);
        if levels > MOST_DETAIL_LEVELS {
            let message = format!("the detail is {levels} levels deep; at most {MOST_DETAIL_LEVELS} are accepted");
            return Err(StepError::new(ErrorCode::MalformedEvent, C::DETAIL_TYPE, message));
        }
        let command = C::parse(&detail).map_err(invalid)?;
        let correlation_id = correlation_id(&detail).map_err(invalid)?;
        let request_id = correlation_id.clone().unwrap_or_else(|| derived_request_id(&command));
        Ok(Self { command, detail, request_id, correlation_id })
    }
}

/// Whether an event can carry the detail along, so that its readers can read it.
pub fn can_be_carried_along(detail: &Value) -> bool {
    levels(detail) <= MOST_DETAIL_LEVELS && detail.to_string().len() <= MOST_DETAIL_BYTES
}

/// How many lists and objects lie in one another. What was read from JSON is bounded by its reader.
fn levels(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(levels).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}

/// The same request has the same id, however its detail was spelled and whatever else stood in it.
fn derived_request_id<C: Command>(command: &C) -> String {
    // A JSON object's keys are sorted here, which makes the text canonical.
    let canonical = serde_json::to_value(command).unwrap_or_default();
    Uuid::new_v5(&NAMESPACE, format!("{}{canonical}", C::DETAIL_TYPE).as_bytes()).to_string()
}

/// A request's id as the value of a tag.
pub(crate) fn request_tag(request_id: &str) -> String {
    Uuid::new_v5(&NAMESPACE, request_id.as_bytes()).to_string()
}

/// The request id, and the correlation id if there is one, of a detail that cannot be read as a command.
pub fn unread_request_ids(detail: &Value) -> (String, Option<String>) {
    let correlation_id = correlation_id(detail).ok().flatten();
    let derived = || Uuid::new_v5(&NAMESPACE, detail.to_string().as_bytes()).to_string();
    (correlation_id.clone().unwrap_or_else(derived), correlation_id)
}

fn correlation_id(detail: &Value) -> Result<Option<String>, InvalidField> {
    const FIELD: &str = "correlationId";
    let rule = format!("text of 1 to {MOST_CORRELATION_ID_CHARACTERS} visible ASCII characters");
    match optional_text(detail, FIELD, &rule)? {
        Some(id)
            if id.is_empty()
                || id.len() > MOST_CORRELATION_ID_CHARACTERS
                || !id.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Err(InvalidField::new(FIELD, format!("is {}", quoted(id)), rule))
        }
        id => Ok(id.map(str::to_owned)),
    }
}

/// A field that must be there and be text.
pub(crate) fn text<'d>(detail: &'d Value, field: &'static str, rule: &str) -> Result<&'d str, InvalidField> {
    optional_text(detail, field, rule)?.ok_or_else(|| InvalidField::new(field, "is missing", rule))
}

/// A field that must be text if it is there; null counts as absent.
pub(crate) fn optional_text<'d>(
    detail: &'d Value,
    field: &'static str,
    rule: &str,
) -> Result<Option<&'d str>, InvalidField> {
    match detail.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(InvalidField::new(field, format!("is {}", kind(other)), rule)),
    }
}

/// Input as a message may echo it: in quotes, escaped, cut short.
pub(crate) fn quoted(text: &str) -> String {
    const MOST_CHARACTERS: usize = 64;
    let shown: String = text.chars().take(MOST_CHARACTERS).collect();
    let more = if shown.len() < text.len() { "..." } else { "" };
    format!("{shown:?}{more}")
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
