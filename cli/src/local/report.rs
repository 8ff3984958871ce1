//! What a local run shows in the end, as a table and as a JSON document.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::builder::styling::{AnsiColor, Style};
use contract::{Command, FAILED_DETAIL_TYPE, OrgCreated, OrgSubject, Resource};
use local_system::Emitted;
use serde::Serialize;
use serde_json::Value;

use super::progress::Line;
use crate::terminal::table;
use local_system::registry;

/// What became of one organization.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) organization: OrgSubject,
    /// The commands that were asked for.
    #[serde(skip)]
    asked: BTreeSet<&'static str>,
    /// Whether the last run ended with what was asked for done, and nothing failed.
    pub(super) provisioned: bool,
    /// The steps of the last run.
    pub(super) steps: Vec<StepRow>,
    /// What exists.
    pub(super) resources: Vec<Resource>,
    /// The events emitted, in all runs.
    pub(super) events: Vec<EventRow>,
    /// The runs, one for each time the events were sent.
    pub(super) runs: Vec<RunRow>,
}

/// What a step did in a run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StepRow {
    step: &'static str,
    /// `created`, `updated`, `unchanged`, `failed`, or `not run`.
    outcome: &'static str,
    /// How often it was started.
    attempts: usize,
    /// When it was done for the last time, on the simulated clock.
    seconds: f64,
}

/// An event as it was emitted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventRow {
    detail_type: String,
    detail: Value,
}

/// One run.
#[derive(Debug, Serialize)]
pub(super) struct RunRow {
    run: u32,
    /// Whether any step changed something.
    changed: bool,
    steps: Vec<StepRow>,
}

/// The strongest of a step's outcomes counts: a delayed check that found nothing to do does not undo it.
const OUTCOMES: [&str; 4] = ["unchanged", "updated", "created", "failed"];

impl Document {
    pub(super) fn new(organization: OrgSubject, asked: BTreeSet<&'static str>) -> Self {
        Self {
            organization,
            asked,
            provisioned: false,
            steps: Vec::new(),
            resources: Vec::new(),
            events: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds what happened in one run.
    pub(super) fn add_run(&mut self, lines: &[Line], emitted: &[Emitted]) {
        // The steps of what was asked for, and what else ran.
        let steps = registry::all().map(|step| (step.command, step_row(step.spec.name, lines)));
        let steps = steps.filter(|(command, row)| self.asked.contains(command) || row.attempts > 0);
        let steps: Vec<StepRow> = steps.map(|(_, row)| row).collect();
        // The last step of each command ends it.
        let completions = self.asked.iter().filter_map(|command| {
            registry::all().filter(|step| step.command == *command).last().map(|step| step.spec.completion)
        });
        let saw = |detail_type: &str| emitted.iter().any(|event| event.detail_type == detail_type);
        let done = !self.asked.is_empty() && completions.into_iter().all(saw);
        self.provisioned = done && !saw(FAILED_DETAIL_TYPE) && steps.iter().all(|step| step.outcome != "failed");
        self.resources = resources(emitted);
        self.events.extend(
            emitted
                .iter()
                .map(|event| EventRow { detail_type: event.detail_type.clone(), detail: event.detail.clone() }),
        );
        let changed = steps.iter().any(|step| step.outcome != "unchanged");
        self.runs.push(RunRow {
            run: u32::try_from(self.runs.len()).unwrap_or_default() + 1,
            changed,
            steps: steps.clone(),
        });
        self.steps = steps;
    }

    /// Prints the document for people.
    pub(super) fn print(&self) -> std::io::Result<()> {
        const BOLD: Style = Style::new().bold();
        const GREEN: Style = AnsiColor::Green.on_default().bold();
        const RED: Style = AnsiColor::Red.on_default().bold();
        let mut out = anstream::stdout();
        let OrgSubject { org_id, environment } = &self.organization;
        let environment = environment.as_deref().unwrap_or("no environment");
        let done =
            if self.asked.iter().all(|command| *command == OrgCreated::DETAIL_TYPE) { "provisioned" } else { "done" };
        let verdict =
            if self.provisioned { format!("{GREEN}{done}{GREEN:#}") } else { format!("{RED}not {done}{RED:#}") };
        writeln!(out, "\n{BOLD}{org_id}{BOLD:#} ({environment}): {verdict}\n")?;
        let mut resources = table(["Resource", "ARN"]);
        resources.add_rows(self.resources.iter().map(|resource| [resource.kind.as_str(), &resource.arn]));
        if !self.resources.is_empty() {
            writeln!(out, "{resources}\n")?;
        }
        let mut steps = table(["Step", "Outcome", "Attempts", "Done at"]);
        for row in &self.steps {
            steps.add_row([
                row.step.to_owned(),
                row.outcome.to_owned(),
                row.attempts.to_string(),
                format!("{:.2} s", row.seconds),
            ]);
        }
        writeln!(out, "{steps}\n")?;
        let mut events = table(["Event", "Step", "Result", "Event id"]);
        for row in &self.events {
            let text = |field: &str| row.detail[field].as_str().unwrap_or_default().to_owned();
            let result = row.detail["error"]["code"].as_str().map_or_else(|| text("outcome"), str::to_owned);
            events.add_row([row.detail_type.clone(), text("step"), result, text("eventId")]);
        }
        writeln!(out, "{events}")?;
        for failure in self.events.iter().filter(|event| event.detail_type == FAILED_DETAIL_TYPE) {
            let (step, error) = (&failure.detail["step"], &failure.detail["error"]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (code, resource, message) = (text(&error["code"]), text(&error["resource"]), text(&error["message"]));
            writeln!(out, "{RED}{}{RED:#} failed: {resource} {message}. See docs/errors/{code}.md.", text(step))?;
        }
        for run in &self.runs {
            let what = if run.changed { "changed" } else { "unchanged; every step found its work done" };
            writeln!(out, "Run {}: {what}.", run.run)?;
        }
        Ok(())
    }
}

fn step_row(step: &'static str, lines: &[Line]) -> StepRow {
    let of_step = || lines.iter().filter(|line| line.step() == step);
    let ended = || of_step().filter(|line| line.event() == "completed" || line.event() == "failed");
    let rank = |line: &Line| {
        OUTCOMES.iter().position(|outcome| *outcome == if line.event() == "failed" { "failed" } else { line.outcome() })
    };
    let outcome = ended().filter_map(rank).max().and_then(|rank| OUTCOMES.get(rank)).copied();
    StepRow {
        step,
        outcome: outcome.unwrap_or("not run"),
        attempts: of_step().filter(|line| line.event() == "started").count(),
        // Of the strongest outcome: the delayed check comes minutes later and says nothing new.
        seconds: ended()
            .filter(|line| {
                rank(line) == outcome.and_then(|outcome| OUTCOMES.iter().position(|other| *other == outcome))
            })
            .map(|line| line.seconds)
            .fold(0.0, f64::max),
    }
}

/// Every resource that an event names, once. The last step names all of them in their order, so the latest
/// events come first.
fn resources(emitted: &[Emitted]) -> Vec<Resource> {
    let named = emitted.iter().rev().flat_map(|event| event.detail["resources"].as_array().into_iter().flatten());
    let read = named.filter_map(|resource| serde_json::from_value::<Resource>(resource.clone()).ok());
    let mut seen = BTreeSet::new();
    read.filter(|resource| seen.insert((resource.kind.clone(), resource.arn.clone()))).collect()
}

/// Splits by the organization that something is about, in a stable order.
pub(super) fn by_org<T: Clone>(items: &[T], org: impl Fn(&T) -> String) -> BTreeMap<String, Vec<T>> {
    let mut split: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for item in items {
        split.entry(org(item)).or_default().push(item.clone());
    }
    split
}
