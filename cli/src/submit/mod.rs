//! `orgctl submit`: puts commands on the deployment's bus, for one organization or for a file of them.

pub(crate) mod check;
mod journal;
pub(crate) mod planned;
mod report;
mod send;

use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressBar;
use org::OrgId;
use serde_json::{Value, json};

use crate::args::{Choices, SubmitArguments};
use crate::bus::{Bus, check_source};
use crate::connection::{Connection, block_on};
use crate::exit::{FAILED, Problem};
use crate::input::{self, Input, Item};
use crate::plan::exit_code;
use crate::sweep::progress_bar;
use check::{Checked, Order, Rules, check};
use journal::{Journal, Subject};
use report::{Report, Tally};
use send::Ended;

/// Runs the command.
///
/// # Errors
/// When the input, the connection or the journal cannot be used, or when sending ended before everything was offered
/// to the bus.
pub fn run(arguments: &SubmitArguments) -> Result<ExitCode, Problem> {
    block_on(async {
        let Input { items, sha256 } = read(arguments)?;
        let connection = Connection::open(&arguments.connection).await?;
        arguments.require_choices_of_its_command()?;
        let source = usual_source(arguments, &connection)?;
        let settings = connection.settings();
        let rules = Rules {
            deployment: &settings.deployment,
            place: &connection.place,
            allowed_sources: &settings.allowed_sources,
            usual_source: &source,
            usual_command: arguments.command,
        };
        let checked = check(items, &rules);
        checked.require_sound(&name(arguments))?;
        if arguments.plan {
            let verdict = planned::show(&connection, &checked.orders, arguments.json, arguments.org.is_some()).await?;
            return Ok(exit_code(verdict));
        }
        submit(arguments, &connection, &checked, &sha256, &source).await
    })
}

async fn submit(
    arguments: &SubmitArguments,
    connection: &Connection,
    checked: &Checked,
    sha256: &str,
    source: &str,
) -> Result<ExitCode, Problem> {
    let orders = checked.orders.as_slice();
    let mut bus = Bus::find(connection, arguments.rate).await?;
    let arn = bus.arn().to_owned();
    let mut journal = match journaled(arguments) {
        Some(file) => {
            let subject = Subject::new(sha256, &arn, source, orders.len());
            Some(Journal::open(journal::path_of(file), &subject, arguments.again)?)
        }
        None => None,
    };
    let before = journal.as_ref().map_or(0, |journal| orders.iter().filter(|order| journal.has(order.number)).count());
    let mut tally = Tally { all: orders.len(), repeated: checked.repeated, before, ..Tally::default() };
    let report = Report { json: arguments.json, single: arguments.org.is_some(), bus: &arn };
    if let Some(when) = journal.as_ref().and_then(Journal::finished) {
        report.nothing_left(tally, when)?;
        return Ok(ExitCode::SUCCESS);
    }
    let bar = if report.single { ProgressBar::hidden() } else { progress_bar(orders.len() - before, "sign-ups") };
    let ended = send::send(&mut bus, orders, journal.as_mut(), (report, &mut tally), &bar).await?;
    bar.finish_and_clear();
    let finished = (tally.before + tally.sent == tally.all).then(|| connection.timestamp());
    if let (Some(when), Some(journal)) = (&finished, &mut journal) {
        journal.finish(when.clone())?;
    }
    report.summary(tally, finished.as_deref())?;
    conclude(ended, tally, &go_on(arguments, journal.as_ref()))
}

/// Sends commands that come from somewhere else than a file of sign-ups, and tells what became of each. There is no
/// journal: sent again, they change nothing.
///
/// # Errors
/// When the bus is not there, or not everything was sent.
pub(crate) async fn send_again(
    connection: &Connection,
    orders: &[Order],
    rate: u32,
    repeated: usize,
    json: bool,
) -> Result<ExitCode, Problem> {
    let mut bus = Bus::find(connection, rate).await?;
    let arn = bus.arn().to_owned();
    let mut tally = Tally { all: orders.len(), repeated, ..Tally::default() };
    let (report, bar) = (Report { json, single: false, bus: &arn }, progress_bar(orders.len(), "events"));
    let ended = send::send(&mut bus, orders, None, (report, &mut tally), &bar).await?;
    bar.finish_and_clear();
    report.summary(tally, None)?;
    conclude(ended, tally, ". The same command sends all of them again, which changes nothing")
}

/// The exit code of an end.
fn conclude(ended: Ended, tally: Tally, go_on: &str) -> Result<ExitCode, Problem> {
    let left = tally.all - tally.before - tally.sent;
    let failed = |said: &str| Err(Problem::Failed(format!("{said}; {left} of {} are left{go_on}", tally.all)));
    match ended {
        Ended::AtTheEnd if left == 0 => Ok(ExitCode::SUCCESS),
        Ended::AtTheEnd if tally.all == 1 => Ok(ExitCode::from(FAILED)),
        Ended::AtTheEnd => failed("the bus refused some"),
        Ended::Stopped => failed("stopped by Ctrl-C"),
        Ended::Cut => failed("stopped by Ctrl-C in the middle of a call, whose events may have arrived"),
        Ended::Overloaded => failed("the bus takes no more events at present; try again later"),
        Ended::CallFailed(problem) => failed(&problem.to_string()),
    }
}

/// How what is left can be sent.
fn go_on(arguments: &SubmitArguments, journal: Option<&Journal>) -> String {
    match journal {
        Some(journal) => {
            let without = if arguments.again { ", without --again," } else { "" };
            format!(". The same command{without} goes on where {} says", journal.path().display())
        }
        None if arguments.org.is_some() => String::new(),
        None => ". Only a file has a journal to go on with; this was standard input".to_owned(),
    }
}

/// The file that has a journal.
fn journaled(arguments: &SubmitArguments) -> Option<&Path> {
    arguments.file.as_deref().filter(|file| *file != Path::new("-"))
}

/// What problems are about.
fn name(arguments: &SubmitArguments) -> String {
    match (&arguments.file, &arguments.org) {
        (Some(file), _) if file == Path::new("-") => "standard input".to_owned(),
        (Some(file), _) => file.display().to_string(),
        (None, org) => org.as_ref().map_or_else(String::new, OrgId::to_string),
    }
}

fn read(arguments: &SubmitArguments) -> Result<Input, Problem> {
    if let Some(file) = &arguments.file {
        return input::read(file);
    }
    let choices = &arguments.choices;
    let fields = [
        ("orgId", arguments.org.as_ref().map(|org| json!(org.as_str()))),
        ("environment", arguments.environment.map(|environment| json!(environment.as_str()))),
        ("bucketName", arguments.bucket_name.as_ref().map(|name| json!(name))),
        ("correlationId", arguments.correlation_id.as_ref().map(|id| json!(id))),
        ("reonboard", choices.reonboard.then_some(Value::Bool(true))),
        ("confirmOrgId", choices.confirm.as_ref().map(|org| json!(org))),
        ("emptyBucket", choices.empty_bucket.then_some(Value::Bool(true))),
        ("recoveryWindowDays", choices.recovery_window_days.map(|days| json!(days))),
        ("adopt", adoptees(choices)),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let item = Item { line: None, value: Ok(Value::Object(given.collect())) };
    Ok(Input { items: vec![item], sha256: String::new() })
}

/// What an adoption names, if it names anything.
fn adoptees(choices: &Choices) -> Option<Value> {
    let Choices { adopt_user, adopt_bucket, adopt_secret, .. } = choices;
    let fields = [("userArn", adopt_user), ("bucket", adopt_bucket), ("secretArn", adopt_secret)];
    let given: serde_json::Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))).collect();
    (!given.is_empty()).then_some(Value::Object(given))
}

/// The source of what names none: `--source`, else the first that the deployment allows.
fn usual_source(arguments: &SubmitArguments, connection: &Connection) -> Result<String, Problem> {
    let allowed = &connection.settings().allowed_sources;
    let Some(source) = arguments.source.as_ref().or(allowed.first()) else {
        return Err(Problem::Usage("ALLOWED_SOURCES names no source, so nobody may send commands".to_owned()));
    };
    check_source(allowed, source, arguments.command).map_err(Problem::Usage)?;
    Ok(source.clone())
}
