//! `orgctl replay archive`: EventBridge replays what its archive holds, to the steps' rules, and this follows it.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::describe_replay::DescribeReplayOutput;
use aws_sdk_eventbridge::types::{ReplayDestination, ReplayState};
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::StepSpec;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{confirmed, steps};
use crate::args::ArchiveArguments;
use crate::connection::{Connection, queue_name};
use crate::exit::{Problem, written};
use crate::sweep::progress_bar;

/// The time between two looks at a replay's progress.
const PAUSE: Duration = Duration::from_secs(2);
/// How long an event may take to reach the archive (EventBridge user guide, "Archiving and replaying events").
const SETTLES: Duration = Duration::from_secs(600);
/// Pages of rules to read at most. A bus has 300 rules, 100 in a page.
const MOST_PAGES: usize = 10;

/// What is to be replayed.
struct Plan {
    name: String,
    archive_arn: String,
    bus_arn: String,
    rules: Vec<String>,
    from: SystemTime,
    to: SystemTime,
}

pub(super) async fn run(arguments: &ArchiveArguments) -> Result<ExitCode, Problem> {
    let connection = Connection::open(&arguments.connection).await?;
    let events = Client::new(&connection.sdk);
    if let Some(name) = &arguments.cancel {
        return cancel(&events, name, arguments.json).await;
    }
    let plan = Plan::new(arguments, &connection, &events).await?;
    let known = describe(&events, &plan.name).await?;
    if let Some(known) = &known {
        plan.require_same(known)?;
        tell(&format!("replay {} was started before; nothing new is started", plan.name))?;
    } else {
        let [from, to] = [plan.from, plan.to].map(humantime::format_rfc3339_seconds);
        if plan.to + SETTLES > connection.now() {
            tell("events of the last ten minutes may not have reached the archive yet")?;
        }
        let question =
            format!("Replay {} from {from} to {to} through {}?", plan.archive_arn, plan.rule_names().join(", "));
        if !confirmed(&question, arguments.yes)? {
            return Err(Problem::Failed("not confirmed; nothing was sent".to_owned()));
        }
        tell(&format!("replay {}", plan.name))?;
        plan.start(&events).await?;
    }
    let following = tokio::time::timeout(arguments.timeout, follow(&events, &plan));
    let interrupted = tokio::signal::ctrl_c();
    let ended = tokio::select! {
        ended = following => ended.unwrap_or_else(|_| Err(unfinished(&plan.name))),
        _ = interrupted => Err(unfinished(&plan.name)),
    }?;
    report(&plan.name, &ended, arguments.json)
}

impl Plan {
    async fn new(arguments: &ArchiveArguments, connection: &Connection, events: &Client) -> Result<Self, Problem> {
        let now = connection.now();
        let to = arguments.until.map_or(now, |moment| moment.at(now));
        let from = arguments.since.map_or(to, |moment| moment.at(now));
        if from >= to {
            return Err(Problem::Usage("--since must be before --until".to_owned()));
        }
        let archive = arguments.archive.as_deref().unwrap_or(connection.bus());
        let about = format!("archive {archive}");
        let found = events.describe_archive().archive_name(archive).send().await;
        let found = found.map_err(|error| Problem::call("DescribeArchive", &about, error))?;
        let (Some(archive_arn), Some(bus_arn)) = (found.archive_arn, found.event_source_arn) else {
            return Err(Problem::Failed(format!("{about}: DescribeArchive answered without ARNs")));
        };
        let own_bus = format!(":event-bus/{}", connection.bus());
        if !bus_arn.ends_with(&own_bus) {
            return Err(Problem::Usage(format!(
                "{about} is of {bus_arn}, not of the deployment's bus {}",
                connection.bus()
            )));
        }
        let mut rules = Vec::new();
        for step in steps(&arguments.steps)? {
            rules.extend(rules_of(connection, events, &step).await?);
        }
        rules.sort();
        rules.dedup();
        let derived = || {
            let times = [from, to].map(|time| humantime::format_rfc3339_seconds(time).to_string());
            let text = [archive_arn.as_str(), &times.join(" "), &rules.join(" ")].join("\n");
            format!("orgctl-{}", Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()).simple())
        };
        let name = arguments.name.clone().unwrap_or_else(derived);
        Ok(Self { name, archive_arn, bus_arn, rules, from, to })
    }

    fn rule_names(&self) -> Vec<&str> {
        self.rules.iter().map(|arn| arn.rsplit('/').next().unwrap_or(arn)).collect()
    }

    async fn start(&self, events: &Client) -> Result<(), Problem> {
        let about = format!("replay {}", self.name);
        let destination = ReplayDestination::builder().arn(&self.bus_arn).set_filter_arns(Some(self.rules.clone()));
        let destination = destination.build().map_err(|error| Problem::Failed(format!("{about}: {error}")))?;
        let request = events.start_replay().replay_name(&self.name).event_source_arn(&self.archive_arn);
        let request = request.event_start_time(self.from.into()).event_end_time(self.to.into());
        match request.destination(destination).send().await {
            Ok(_) => Ok(()),
            // The reply to an earlier attempt was lost; the name says that it is the same replay.
            Err(error) if error.code() == Some("ResourceAlreadyExistsException") => Ok(()),
            Err(error) => Err(Problem::call("StartReplay", &about, error)),
        }
    }

    /// Whether a replay that is there is this one. Where times are relative, they differ from one moment to the next, and
    /// only the name can say that the same is meant.
    ///
    /// # Errors
    /// When it has another archive or goes through other rules.
    fn require_same(&self, known: &DescribeReplayOutput) -> Result<(), Problem> {
        let mut rules = known.destination().map(|to| to.filter_arns().to_vec()).unwrap_or_default();
        rules.sort();
        if known.event_source_arn() == Some(&self.archive_arn) && rules == self.rules {
            return Ok(());
        }
        let message =
            format!("replay {} is another one, of another archive or to other steps; give another --name", self.name);
        Err(Problem::Usage(message))
    }

    /// How far it is, in seconds of the replayed time.
    fn progress(&self, state: &DescribeReplayOutput) -> u64 {
        let last = state.event_last_replayed_time().and_then(|time| SystemTime::try_from(*time).ok());
        last.and_then(|last| last.duration_since(self.from).ok()).unwrap_or_default().as_secs()
    }
}

/// The ARNs of the rules that lead to a step: to its queue, or with direct targets to its function.
async fn rules_of(connection: &Connection, events: &Client, step: &StepSpec) -> Result<Vec<String>, Problem> {
    let org::Place { partition, account, region } = &connection.place;
    let name = queue_name(step);
    let targets = [
        format!("arn:{partition}:sqs:{region}:{account}:{name}"),
        format!("arn:{partition}:lambda:{region}:{account}:function:{name}"),
    ];
    let bus = connection.bus();
    let mut rules = Vec::new();
    for target in targets {
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let request = events.list_rule_names_by_target().target_arn(&target).event_bus_name(bus);
            let page = request.set_next_token(token).send().await;
            let page =
                page.map_err(|error| Problem::call("ListRuleNamesByTarget", &format!("target {target}"), error))?;
            // A rule on the default bus does not have the bus's name in its ARN.
            let path = if bus == "default" { String::new() } else { format!("{bus}/") };
            let arn = |rule: &String| format!("arn:{partition}:events:{region}:{account}:rule/{path}{rule}");
            rules.extend(page.rule_names().iter().map(arn));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
    }
    if rules.is_empty() {
        return Err(Problem::Failed(format!("no rule on bus {bus} leads to the step {}", step.name)));
    }
    Ok(rules)
}

async fn describe(events: &Client, name: &str) -> Result<Option<DescribeReplayOutput>, Problem> {
    match events.describe_replay().replay_name(name).send().await {
        Ok(state) => Ok(Some(state)),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(Problem::call("DescribeReplay", &format!("replay {name}"), error)),
    }
}

/// Looks until the replay is at its end. The caller bounds it.
async fn follow(events: &Client, plan: &Plan) -> Result<DescribeReplayOutput, Problem> {
    let whole = plan.to.duration_since(plan.from).unwrap_or_default().as_secs();
    let bar = progress_bar(usize::try_from(whole).unwrap_or(usize::MAX), "seconds of the archive");
    loop {
        // A replay that was just started may not be known yet.
        if let Some(state) = describe(events, &plan.name).await? {
            bar.set_position(plan.progress(&state));
            if is_over(&state) {
                bar.finish_and_clear();
                return Ok(state);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn is_over(state: &DescribeReplayOutput) -> bool {
    matches!(state.state(), Some(ReplayState::Completed | ReplayState::Cancelled | ReplayState::Failed))
}

async fn cancel(events: &Client, name: &str, json: bool) -> Result<ExitCode, Problem> {
    let answer = events.cancel_replay().replay_name(name).send().await;
    let answer = answer.map_err(|error| Problem::call("CancelReplay", &format!("replay {name}"), error))?;
    let state = answer.state().map_or("unknown", ReplayState::as_str);
    let mut out = anstream::stdout();
    written(if json {
        writeln!(out, "{}", json!({ "replay": name, "state": state }))
    } else {
        writeln!(out, "replay {name}: {state}")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn report(name: &str, state: &DescribeReplayOutput, json: bool) -> Result<ExitCode, Problem> {
    let word = state.state().map_or("unknown", ReplayState::as_str);
    let time = |time: Option<&DateTime>| {
        let time = time.and_then(|time| SystemTime::try_from(*time).ok());
        time.map_or(Value::Null, |time| humantime::format_rfc3339_seconds(time).to_string().into())
    };
    let last = time(state.event_last_replayed_time());
    let mut out = anstream::stdout();
    written(if json {
        writeln!(
            out,
            "{}",
            json!({ "replay": name, "state": word, "lastReplayed": last, "reason": state.state_reason() })
        )
    } else {
        writeln!(out, "replay {name}: {word}")
    })?;
    if state.state() == Some(&ReplayState::Completed) {
        return Ok(ExitCode::SUCCESS);
    }
    let reason = state.state_reason().unwrap_or("EventBridge says no reason");
    Err(Problem::Failed(format!("replay {name} was not completed: {word}: {reason}")))
}

fn tell(said: &str) -> Result<(), Problem> {
    written(writeln!(anstream::stderr(), "{said}"))
}

fn unfinished(name: &str) -> Problem {
    Problem::Failed(format!(
        "replay {name} is not at its end and goes on; the same command with --name {name} follows it again, and orgctl replay archive --cancel {name} stops it"
    ))
}
