//! CloudWatch metrics, in the embedded metric format: a log line that CloudWatch reads as data points, so that no
//! call is made for them (CloudWatch user guide, "Specification: Embedded metric format").
//!
//! They are derived from the lines of the [`journal`](crate::journal), so that logs and metrics cannot tell different
//! stories. No organization is a dimension: each value of a dimension is a metric of its own, and is paid for.

use std::io::Write;
use std::time::UNIX_EPOCH;

use aws_smithy_async::time::SharedTimeSource;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;

use crate::journal;

/// The metrics' name space.
const NAMESPACE: &str = "OrgProvisioner";

/// Writes a line of metrics for each line of the journal that ends a run or tells what it found.
pub(crate) struct Metrics<W> {
    writer: W,
    time: SharedTimeSource,
}

impl<W> Metrics<W> {
    pub(crate) fn new(writer: W, time: SharedTimeSource) -> Self {
        Self { writer, time }
    }
}

/// What a line of the journal says.
#[derive(Default)]
struct Line {
    event: String,
    step: String,
    request_id: String,
    outcome: String,
    class: String,
    code: String,
    duration_ms: Option<u64>,
    waited_seconds: Option<u64>,
    delayed_check: bool,
    resource: String,
    used: u64,
    limit: u64,
    used_percent: u64,
}

impl<S: Subscriber, W: for<'w> MakeWriter<'w> + 'static> Layer<S> for Metrics<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != journal::TARGET {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        let now = self.time.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if let Some(metrics) = line.metrics(u64::try_from(now.as_millis()).unwrap_or_default()) {
            // Nobody can be told of a line that cannot be written.
            let _ = writeln!(self.writer.make_writer(), "{metrics}");
        }
    }
}

impl Line {
    /// The data points; none for a line that ends nothing.
    fn metrics(&self, timestamp_ms: u64) -> Option<Value> {
        match self.event.as_str() {
            "found" => return Some(self.drift(timestamp_ms)),
            "capacity" => return Some(self.capacity(timestamp_ms)),
            _ => {}
        }
        let outcome = match (self.event.as_str(), self.class.as_str()) {
            // Its run was counted; the check would make two of one.
            ("completed", _) if self.delayed_check && self.outcome == "unchanged" => return None,
            ("completed", _) => self.outcome.as_str(),
            ("retrying", _) => "retrying",
            ("failed", "retryable") => "exhausted",
            ("failed", class) => class,
            _ => return None,
        };
        let mut by_step = vec![json!({ "Name": "Retries", "Unit": "Count" })];
        by_step.extend(self.duration_ms.map(|_| json!({ "Name": "Duration", "Unit": "Milliseconds" })));
        // SQS leaves a message that was received three times out of ApproximateAgeOfOldestMessage (SQS developer
        // guide, "Available CloudWatch metrics"), so the age of what waits has to be told from here.
        by_step.extend(self.waited_seconds.map(|_| json!({ "Name": "Waited", "Unit": "Seconds" })));
        let mut metrics = json!({
            "_aws": {
                "Timestamp": timestamp_ms,
                "CloudWatchMetrics": [
                    {
                        "Namespace": NAMESPACE,
                        "Dimensions": [["Step", "Outcome"]],
                        "Metrics": [{ "Name": "Runs", "Unit": "Count" }],
                    },
                    { "Namespace": NAMESPACE, "Dimensions": [["Step"]], "Metrics": by_step },
                ],
            },
            "level": "INFO",
            "Step": self.step,
            "Outcome": outcome,
            "Runs": 1,
            "Retries": u8::from(outcome == "retrying"),
            "Code": self.code,
            "RequestId": self.request_id,
        });
        for (name, value) in [("Duration", self.duration_ms), ("Waited", self.waited_seconds)] {
            if let (Some(value), Some(fields)) = (value, metrics.as_object_mut()) {
                fields.insert(name.to_owned(), value.into());
            }
        }
        Some(metrics)
    }

    /// One finding. Its code is a dimension: there are a few dozen, and each costs only where it is found.
    fn drift(&self, timestamp_ms: u64) -> Value {
        json!({
            "_aws": {
                "Timestamp": timestamp_ms,
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Step"], ["Step", "Code"]],
                    "Metrics": [{ "Name": "DriftFound", "Unit": "Count" }],
                }],
            },
            "level": "INFO",
            "Step": self.step,
            "Code": self.code,
            "DriftFound": 1,
            "RequestId": self.request_id,
        })
    }

    fn capacity(&self, timestamp_ms: u64) -> Value {
        json!({
            "_aws": {
                "Timestamp": timestamp_ms,
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Resource"]],
                    "Metrics": [
                        { "Name": "CapacityUsed", "Unit": "Count" },
                        { "Name": "CapacityLimit", "Unit": "Count" },
                        { "Name": "CapacityUsedPercent", "Unit": "Percent" },
                    ],
                }],
            },
            "level": "INFO",
            "Resource": self.resource,
            "CapacityUsed": self.used,
            "CapacityLimit": self.limit,
            "CapacityUsedPercent": self.used_percent,
            "RequestId": self.request_id,
        })
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        let place = match field.name() {
            "event" => &mut self.event,
            "step" => &mut self.step,
            "request_id" => &mut self.request_id,
            "outcome" => &mut self.outcome,
            "class" => &mut self.class,
            "code" => &mut self.code,
            "resource" => &mut self.resource,
            _ => return,
        };
        value.clone_into(place);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "duration_ms" => self.duration_ms = Some(value),
            "waited_seconds" => self.waited_seconds = Some(value),
            "used" => self.used = value,
            "limit" => self.limit = value,
            "used_percent" => self.used_percent = value,
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "delayed_check" {
            self.delayed_check = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use aws_smithy_async::time::StaticTimeSource;
    use contract::{Capacity, ErrorCode, Finding, FindingCode, Outcome, StepError};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The metrics of what `work` journals.
    fn metrics_of(work: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let time = SharedTimeSource::new(StaticTimeSource::from_secs(1_795_000_000));
        let metrics = Metrics::new(move || writer.clone(), time);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(metrics), work);
        let written = lines.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn about(delayed_check: bool) -> journal::Subject<'static> {
        journal::Subject { step: "secret", key: "abc", request_id: "r1", receive: 1, delayed_check }
    }

    #[test]
    fn a_run_is_counted_by_step_and_outcome_and_never_by_organization() {
        let metrics = metrics_of(|| {
            journal::started(about(false));
            journal::completed(about(false), Outcome::Created, Duration::from_millis(41));
        });
        assert_eq!(metrics.len(), 1, "{metrics:?}");
        let line = &metrics[0];
        assert_eq!(line["_aws"]["Timestamp"], 1_795_000_000_000_u64);
        assert_eq!((&line["Step"], &line["Outcome"], &line["Runs"]), (&json!("secret"), &json!("created"), &json!(1)));
        assert_eq!((&line["Duration"], &line["Retries"]), (&json!(41), &json!(0)));
        assert!(!line.to_string().contains("abc"));
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric} has a value");
            }
            for dimension in directive["Dimensions"][0].as_array().unwrap() {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension} has a value");
            }
        }
    }

    #[test]
    fn every_end_has_its_outcome() {
        let error = |code| StepError::new(code, "user rms_abc", "why");
        let metrics = metrics_of(|| {
            journal::retrying(about(false), &error(ErrorCode::Throttled), None, Some(Duration::from_secs(95)));
            journal::failed(about(false), &error(ErrorCode::Throttled));
            journal::failed(about(false), &error(ErrorCode::NotOurs));
            journal::failed(about(false), &error(ErrorCode::InvalidField));
            journal::completed(about(true), Outcome::Unchanged, Duration::ZERO);
            journal::completed(about(true), Outcome::Updated, Duration::ZERO);
        });
        let outcomes: Vec<&str> = metrics.iter().map(|line| line["Outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["retrying", "exhausted", "conflict", "permanent", "updated"]);
        let retries: Vec<u64> = metrics.iter().map(|line| line["Retries"].as_u64().unwrap()).collect();
        assert_eq!(retries, [1, 0, 0, 0, 0]);
        assert_eq!(metrics[0]["Code"], "throttled");
        let waited: Vec<Option<u64>> = metrics.iter().map(|line| line["Waited"].as_u64()).collect();
        assert_eq!(waited, [Some(95), None, None, None, None], "only what waits has waited");
    }
    #[test]
    fn what_was_found_is_counted_by_code_and_never_by_organization() {
        let metrics = metrics_of(|| {
            journal::found(about(false), &Finding::new(FindingCode::UnmanagedKey, "user rms_abc", "why"));
            journal::capacity(about(false), &Capacity::new("users", 4100, 5000));
        });
        assert_eq!(metrics.len(), 2, "{metrics:?}");
        assert_eq!((&metrics[0]["DriftFound"], &metrics[0]["Code"]), (&json!(1), &json!("unmanaged-key")));
        assert_eq!((&metrics[1]["Resource"], &metrics[1]["CapacityUsedPercent"]), (&json!("users"), &json!(82)));
        assert_eq!((&metrics[1]["CapacityUsed"], &metrics[1]["CapacityLimit"]), (&json!(4100), &json!(5000)));
        assert!(metrics.iter().all(|line| !line.to_string().contains("abc")), "{metrics:?}");
    }
}
