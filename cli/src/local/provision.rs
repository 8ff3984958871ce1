//! `orgctl local provision`: the real functions, a local AWS, simulated time.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use contract::{Command, OrgCreated, OrgSubject};
use local_system::{Emitted, LocalOptions, LocalSystem};
use serde::Serialize;
use serde_json::json;
use tracing_subscriber::layer::SubscriberExt;

use super::input::{self, Event};
use super::progress::{Line, Progress, Show};
use super::report::{Document, by_org};
use crate::args::ProvisionArguments;
use crate::commands::command_of;
use crate::exit::{FAILED, Problem};
use local_system::registry;

/// About what a call within a region takes, so that the times shown mean something.
const CALL_LATENCY: Duration = Duration::from_millis(20);

/// Runs the command.
///
/// # Errors
/// When the files cannot be used or the local system fails; a failed organization is no error of the command,
/// but its exit code is 1.
pub fn run(arguments: &ProvisionArguments) -> Result<ExitCode, Problem> {
    let files = arguments.files.iter().map(|path| input::read(path)).collect::<Result<Vec<_>, _>>()?;
    let events: Vec<Event> = files.into_iter().flatten().collect();
    // Paused time jumps ahead as soon as everybody waits.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| Problem::Failed(error.to_string()))?;
    let guard = runtime.enter();
    let options = LocalOptions {
        account_class: arguments.account_class.into(),
        region: arguments.region.clone(),
        ..LocalOptions::default()
    };
    let system = LocalSystem::start(&options)?;
    system.aws.set_latency(CALL_LATENCY);
    let show = if arguments.json { Show::OnStderr } else { Show::OnStdout };
    let progress = Progress::keeping(system.aws.clock().clone(), show);
    // Only inside the runtime does the clock tell its paused time.
    drop(guard);
    let subscriber = tracing_subscriber::registry().with(progress.clone());
    let documents = tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(provision(&system, &events, arguments.repeat, &progress))
    })?;
    print(&documents, arguments.json).map_err(|error| Problem::Failed(error.to_string()))?;
    let in_order = documents.iter().all(|document| document.provisioned);
    Ok(if in_order { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

async fn provision(
    system: &LocalSystem,
    events: &[Event],
    repeat: u32,
    progress: &Progress,
) -> Result<Vec<Document>, Problem> {
    let mut documents: Vec<Document> = by_org(events, Event::org_id)
        .into_values()
        .map(|events| Document::new(subject(&events), asked(&events)))
        .collect();
    for _ in 0..repeat {
        for event in events {
            system.put_event(&event.source, &event.detail_type, &event.detail)?;
        }
        system.settle().await?;
        let lines = by_org(&progress.take(), |line: &Line| line.subject().to_owned());
        let emitted = by_org(&system.take_emitted()?, |event: &Emitted| {
            event.detail["orgId"].as_str().unwrap_or("unknown").to_owned()
        });
        for document in &mut documents {
            let org = &document.organization.org_id;
            let of = (lines.get(org).map(Vec::as_slice), emitted.get(org).map(Vec::as_slice));
            document.add_run(of.0.unwrap_or_default(), of.1.unwrap_or_default());
        }
        for step in registry::all() {
            // What failed was shown when it failed; the next run begins with empty queues.
            system.take_dead_letters(step.spec.name)?;
        }
    }
    Ok(documents)
}

/// What some events ask for: the command of each, or of the step whose event it is.
fn asked(events: &[Event]) -> BTreeSet<&'static str> {
    let commands = events.iter().map(|event| {
        let (kind, detail) = (&event.detail_type, &event.detail);
        command_of(&json!({ "detail-type": kind, "source": event.source, "detail": detail }))
    });
    commands.flatten().collect()
}

/// Which organization some events are about.
fn subject(events: &[Event]) -> OrgSubject {
    let read =
        events.iter().find_map(|event| OrgCreated::subject_of(event.detail.get("request").unwrap_or(&event.detail)));
    read.unwrap_or_else(|| OrgSubject { org_id: "unknown".to_owned(), environment: None })
}

/// One organization is one document; several are an object with a list of such documents.
fn print(documents: &[Document], as_json: bool) -> std::io::Result<()> {
    #[derive(Serialize)]
    struct Several<'d> {
        organizations: &'d [Document],
    }
    if !as_json {
        return documents.iter().try_for_each(Document::print);
    }
    let json = match documents {
        [one] => serde_json::to_string_pretty(one),
        several => serde_json::to_string_pretty(&Several { organizations: several }),
    };
    writeln!(anstream::stdout(), "{}", json?)
}
