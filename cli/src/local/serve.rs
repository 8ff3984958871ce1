//! `orgctl local serve`: the local system behind real endpoints, until Ctrl-C.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use contract::{Command, OrgCreated};
use local_aws::{Clock, LocalAws, Server};
use local_system::{Functions, LocalOptions, LocalSystem, Processes, account_of};
use org::AccountClass;
use tokio::task::{JoinHandle, LocalSet};
use tracing_subscriber::layer::SubscriberExt;

use super::progress::{Progress, Show};
use super::snapshot::Snapshot;
use crate::args::ServeArguments;
use crate::exit::Problem;
use local_system::registry;

/// The region that is there from the beginning; others come when they are first spoken to.
const FIRST_REGION: &str = "us-east-1";
/// How often a changed state is written to the snapshot file.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(5);

/// Runs the command.
///
/// # Errors
/// When the port is busy, the snapshot cannot be used, or a function's binary is missing.
pub fn run(arguments: &ServeArguments) -> Result<ExitCode, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::Failed(error.to_string()))?;
    let guard = runtime.enter();
    #[expect(clippy::disallowed_methods, reason = "here time is real")]
    let clock = Clock::starting_at(SystemTime::now());
    drop(guard);
    let progress = Progress::showing(clock.clone(), Show::OnStdout);
    let subscriber = tracing_subscriber::registry().with(progress.clone());
    tracing::subscriber::with_default(subscriber, || {
        LocalSet::new().block_on(&runtime, serve(arguments, clock, progress))
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(arguments: &ServeArguments, clock: Clock, progress: Progress) -> Result<(), Problem> {
    let aws = LocalAws::new(seed(&clock), clock);
    aws.set_recording(false);
    aws.set_taking_turns(false);
    let snapshot = arguments.snapshot.clone().map(Snapshot::at);
    if let Some(snapshot) = &snapshot {
        snapshot.restore(&aws)?;
    }
    let address = SocketAddr::new(arguments.host, arguments.port);
    let server = Server::bind(aws.clone(), address).await.map_err(|error| busy(address, &error))?;
    let address = server.address().map_err(|error| Problem::Failed(error.to_string()))?;
    let endpoint = format!("http://{address}");
    let functions = match &arguments.functions {
        None => Functions::InProcess,
        Some(folder) => {
            let progress = progress.clone();
            let lines = Rc::new(move |function: &str, line: &str| progress.show_output(function, line));
            Functions::Processes(Processes::in_folder(folder, &endpoint_for_functions(address), lines)?)
        }
    };
    let systems =
        Rc::new(Systems { aws: aws.clone(), functions: functions.clone(), progress, wired: RefCell::default() });
    systems.wire_known_regions()?;
    systems.ensure(account_of(AccountClass::Production), FIRST_REGION)?;
    let ensuring = Rc::clone(&systems);
    let server = server.before_requests(Rc::new(move |access_key_id, region| {
        if let Err(problem) = ensuring.ensure(access_key_id, region) {
            tracing::error!("{problem}");
        }
    }));
    announce(&endpoint).map_err(|error| Problem::Failed(error.to_string()))?;
    let saving = async {
        match &snapshot {
            Some(snapshot) => snapshot.keep(&aws, SNAPSHOT_INTERVAL).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        () = server.run() => Ok(()),
        ended = saving => ended,
        () = stopped() => Ok(()),
    };
    systems.stop();
    functions.shut_down().await;
    if let Some(snapshot) = &snapshot {
        snapshot.save(&aws)?;
    }
    ended
}

/// An account and a region.
type Place = (String, String);

/// The systems that are wired, by account and region, and the tasks that run them.
struct Systems {
    aws: LocalAws,
    functions: Functions,
    progress: Progress,
    wired: RefCell<BTreeMap<Place, Vec<JoinHandle<()>>>>,
}

impl Systems {
    /// Wires the system for an account of ours in a region, if that has not been done. Other accounts have none.
    fn ensure(&self, account: &str, region: &str) -> Result<(), Problem> {
        let classes = [AccountClass::Production, AccountClass::NonProduction];
        let Some(class) = classes.into_iter().find(|class| account_of(*class) == account) else { return Ok(()) };
        let place = (account.to_owned(), region.to_owned());
        if !is_region(region) || self.wired.borrow().contains_key(&place) {
            return Ok(());
        }
        let options =
            LocalOptions { account_class: class, region: region.to_owned(), archive: true, ..LocalOptions::default() };
        let system = Rc::new(LocalSystem::wire(self.aws.clone(), &options, &self.functions)?);
        let lambda = system.lambda.clone();
        let tasks = vec![
            tokio::task::spawn_local(async move { lambda.run().await }),
            tokio::task::spawn_local(show_events(system, self.progress.clone())),
        ];
        self.wired.borrow_mut().insert(place, tasks);
        Ok(())
    }

    /// Wires what a restored state has messages for.
    fn wire_known_regions(&self) -> Result<(), Problem> {
        let known: Vec<Place> = self.aws.look(|world| {
            let accounts = world.accounts.iter();
            accounts
                .flat_map(|(id, account)| account.regions.keys().map(|region| (id.clone(), region.clone())))
                .collect()
        });
        known.iter().try_for_each(|(account, region)| self.ensure(account, region))
    }

    fn stop(&self) {
        for task in self.wired.borrow().values().flatten() {
            task.abort();
        }
    }
}

/// A line for each event on the bus.
async fn show_events(system: Rc<LocalSystem>, progress: Progress) {
    loop {
        if system.has_heard() {
            for event in system.take_heard().unwrap_or_default() {
                let org = OrgCreated::subject_of(&event.detail).map_or_else(String::new, |subject| subject.org_id);
                progress.show_event(&org, &event.detail_type, &event.source);
            }
        }
        system.aws.changed().await;
    }
}

/// What the reader pastes into another terminal.
fn announce(endpoint: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout();
    writeln!(out, "A local AWS listens on {endpoint} until Ctrl-C. In another terminal:\n")?;
    for (name, value) in [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", account_of(AccountClass::Production)),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_DEFAULT_REGION", FIRST_REGION),
    ] {
        writeln!(out, "    export {name}={value}")?;
    }
    let steps = registry::all().map(|step| step.spec.name).collect::<Vec<_>>().join(", ");
    writeln!(out, "\nBus org-provisioning, steps {steps}.\n")?;
    out.flush()
}

/// Functions run on this machine, so they reach a server on all addresses by the loopback one.
fn endpoint_for_functions(address: SocketAddr) -> String {
    let host: IpAddr = if address.ip().is_unspecified() { [127, 0, 0, 1].into() } else { address.ip() };
    format!("http://{}", SocketAddr::new(host, address.port()))
}

/// Ids differ from one start to the next: two servers' access keys must not be confused.
fn seed(clock: &Clock) -> u64 {
    clock.now().0
}

/// `us-east-1`, `ap-southeast-2`, `us-gov-west-1`: what could be a region, so that nonsense wires nothing.
fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, names)) => {
            (2..=3).contains(&names.len())
                && names.iter().all(letters)
                && number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => false,
    }
}

fn busy(address: SocketAddr, error: &std::io::Error) -> Problem {
    Problem::Failed(format!(
        "cannot listen on {address}: {error}; stop what uses the port, or give another one with --port"
    ))
}

/// Ctrl-C, or a service manager that asks to stop.
async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => {
            // Without that signal Ctrl-C still works.
            let _ = interrupted.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_told_from_nonsense() {
        for region in ["us-east-1", "ap-southeast-2", "us-gov-west-1"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["", "us", "us-east", "us-east-10", "US-east-1", "a-b-c-d-1", "us--1"] {
            assert!(!is_region(other), "{other}");
        }
    }
}
