//! Showing what happens, from the log lines that the functions write anyway.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::builder::styling::{AnsiColor, Style};
use local_aws::{Clock, Timestamp};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// One line of a function's journal.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// When, since the system was started.
    pub(super) seconds: f64,
    fields: BTreeMap<String, String>,
}

/// Where lines are shown while they come.
#[derive(Clone, Copy)]
pub(super) enum Show {
    /// To the reader.
    OnStdout,
    /// Beside a document that has standard output for itself.
    OnStderr,
}

/// Collects the journal and shows it.
#[derive(Clone)]
pub(super) struct Progress {
    clock: Clock,
    start: Timestamp,
    show: Show,
    /// Whether lines are kept for a report; what runs for days must not keep them.
    keep: bool,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Progress {
    /// Shows lines, and keeps them for [`Progress::take`].
    pub(super) fn keeping(clock: Clock, show: Show) -> Self {
        Self { keep: true, ..Self::showing(clock, show) }
    }

    /// Shows lines only.
    pub(super) fn showing(clock: Clock, show: Show) -> Self {
        Self { start: clock.now(), clock, show, keep: false, lines: Arc::default() }
    }

    /// The lines since the last time.
    pub(super) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.lines())
    }

    /// Shows an event on the bus.
    pub(super) fn show_event(&self, org: &str, detail_type: &str, source: &str) {
        let seconds = self.clock.now().since(self.start).as_secs_f64();
        self.show(format_args!("{seconds:8.2} s  {org:<12}  {:<13}  {detail_type} from {source}", "event"));
    }

    /// Shows a line that a function's process printed: the journal's as its own, anything else as it is.
    pub(super) fn show_output(&self, function: &str, line: &str) {
        let seconds = self.clock.now().since(self.start).as_secs_f64();
        match journal_fields(line) {
            Some(fields) => self.show(format_args!("{}", Line { seconds, fields })),
            None => self.show(format_args!("{seconds:8.2} s  {:<12}  {function:<13}  {line}", "")),
        }
    }

    fn show(&self, line: fmt::Arguments<'_>) {
        // Nobody is left to tell if the terminal is gone.
        let _ = match self.show {
            Show::OnStdout => writeln!(anstream::stdout(), "{line}"),
            Show::OnStderr => writeln!(anstream::stderr(), "{line}"),
        };
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Progress {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != handler::journal::TARGET {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let seconds = self.clock.now().since(self.start).as_secs_f64();
        let line = Line { seconds, fields: fields.0 };
        self.show(format_args!("{line}"));
        if self.keep {
            self.lines().push(line);
        }
    }
}

/// The fields of a journal's line in its JSON form.
fn journal_fields(line: &str) -> Option<BTreeMap<String, String>> {
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else { return None };
    (fields.get("target")? == handler::journal::TARGET).then_some(())?;
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
}

impl Line {
    pub(super) fn event(&self) -> &str {
        self.field("event")
    }

    pub(super) fn step(&self) -> &str {
        self.field("step")
    }

    pub(super) fn subject(&self) -> &str {
        self.field("subject")
    }

    pub(super) fn outcome(&self) -> &str {
        self.field("outcome")
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map(String::as_str).unwrap_or_default()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const GREEN: Style = AnsiColor::Green.on_default();
        const YELLOW: Style = AnsiColor::Yellow.on_default();
        const RED: Style = AnsiColor::Red.on_default();
        const DIM: Style = Style::new().dimmed();
        write!(f, "{DIM}{:8.2} s{DIM:#}  {:<12}  {:<13}  ", self.seconds, self.subject(), self.step())?;
        let why = || format!("{} {} [{}]", self.field("resource"), self.field("message"), self.field("code"));
        match (self.event(), self.field("delayed_check")) {
            ("started", "true") => f.write_str("starts its delayed check"),
            ("started", _) => f.write_str("starts"),
            ("completed", _) => write!(f, "{GREEN}{}{GREEN:#}", self.outcome()),
            ("retrying", _) => write!(f, "{YELLOW}waits {} s{YELLOW:#}: {}", self.field("delay_seconds"), why()),
            ("failed", _) => write!(f, "{RED}failed{RED:#}: {}", why()),
            (event, _) => f.write_str(event),
        }
    }
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
