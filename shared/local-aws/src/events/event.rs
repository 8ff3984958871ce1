//! An event as targets receive it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;

/// The envelope with what is in it, its fields in the order in which EventBridge writes them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are EventBridge's")]
pub struct Event {
    pub version: String,
    pub id: String,
    pub detail_type: String,
    pub source: String,
    pub account: String,
    /// `2026-11-22T10:00:00Z`: events have whole seconds.
    pub time: String,
    pub region: String,
    /// The replay that it comes from, if it was replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_name: Option<String>,
    pub resources: Vec<String>,
    pub detail: Value,
}

impl Event {
    /// The time in an event's form.
    pub fn time(at: Timestamp) -> String {
        Timestamp(at.0 - at.0 % 1000).iso8601()
    }

    /// The event as JSON, for matching and for paths.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The event as a target receives it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
