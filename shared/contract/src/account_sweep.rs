//! The command that has every organization of an account looked at, one part after the other.

use org::Place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::{Command, InvalidField, Subject, kind, quoted, text};
use crate::deployment::Deployment;
use crate::error::StepError;

/// A part of a sweep. The first one is asked for with the sweep's name alone; each asks for the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountSweep {
    /// What tells this sweep from others: the time at which it was due.
    pub sweep: String,
    /// The part.
    #[serde(flatten)]
    pub part: SweepPart,
}

/// What a run of the sweep does. Each part ends: organizations and secrets go on behind where the last run stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SweepPart {
    /// Has the next organizations looked at.
    Organizations {
        /// The last key that was worked on, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// Counts the next secrets.
    Secrets {
        /// How many were counted before.
        counted: u64,
        /// Where Secrets Manager goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// Holds what there is against the account's limits.
    Capacity {
        /// How many secrets were counted.
        secrets: u64,
    },
}

/// Which sweep an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SweepSubject {
    /// What tells this sweep from others.
    pub sweep: String,
}

impl Subject for SweepSubject {
    fn key(&self) -> &str {
        &self.sweep
    }
}

const SWEEP: &str = "sweep";
const SWEEP_RULE: &str = "text of 1 to 64 visible ASCII characters";
const PARTS: [&str; 3] = ["organizations", "secrets", "capacity"];

impl Command for AccountSweep {
    const DETAIL_TYPE: &'static str = "AccountSweep";
    type Subject = SweepSubject;

    fn parse(detail: &Value) -> Result<Self, InvalidField> {
        let sweep = text(detail, SWEEP, SWEEP_RULE)?;
        if !(1..=64).contains(&sweep.len()) || !sweep.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidField::new(SWEEP, format!("is {}", quoted(sweep)), SWEEP_RULE));
        }
        let mut parts = PARTS.into_iter().filter_map(|name| Some((name, detail.get(name)?)));
        let part = match (parts.next(), parts.next()) {
            (None, _) => SweepPart::Organizations { after: None },
            (Some((name, value)), None) => {
                let tagged = serde_json::json!({ name: value });
                serde_json::from_value(tagged).map_err(|error| {
                    let problem = format!("is {}, which cannot be read: {error}", kind(value));
                    InvalidField::new(name, problem, "what the sweep wrote itself")
                })?
            }
            (Some(_), Some((name, _))) => {
                return Err(InvalidField::new(name, "is there beside another part", "the only part"));
            }
        };
        Ok(Self { sweep: sweep.to_owned(), part })
    }

    fn subject(&self) -> SweepSubject {
        SweepSubject { sweep: self.sweep.clone() }
    }

    fn subject_of(detail: &Value) -> Option<SweepSubject> {
        Some(SweepSubject { sweep: detail.get(SWEEP)?.as_str()?.chars().take(64).collect() })
    }

    fn admit(&self, deployment: &Deployment, place: &Place) -> Result<(), StepError> {
        deployment.admit_place(place)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_reads_back_as_it_was_written() {
        for part in [
            SweepPart::Organizations { after: None },
            SweepPart::Organizations { after: Some("abc".to_owned()) },
            SweepPart::Secrets { counted: 0, token: None },
            SweepPart::Secrets { counted: 200, token: Some("t".to_owned()) },
            SweepPart::Capacity { secrets: 7 },
        ] {
            let command = AccountSweep { sweep: "2026-11-30T06:00:00Z".to_owned(), part };
            assert_eq!(AccountSweep::parse(&json!(command)), Ok(command));
        }
        let first = AccountSweep::parse(&json!({ "sweep": "s" })).unwrap();
        assert_eq!(first.part, SweepPart::Organizations { after: None });
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for (detail, field) in [
            (json!({}), "sweep"),
            (json!({ "sweep": "" }), "sweep"),
            (json!({ "sweep": "with space" }), "sweep"),
            (json!({ "sweep": "x".repeat(65) }), "sweep"),
            (json!({ "sweep": "s", "organizations": 1 }), "organizations"),
            (json!({ "sweep": "s", "secrets": {} }), "secrets"),
            (json!({ "sweep": "s", "capacity": { "secrets": -1 } }), "capacity"),
            (json!({ "sweep": "s", "organizations": {}, "capacity": { "secrets": 1 } }), "capacity"),
        ] {
            assert_eq!(AccountSweep::parse(&detail).unwrap_err().field, field, "{detail}");
        }
    }
}
