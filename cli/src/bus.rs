//! Putting events on the deployment's bus, and believing only what the bus confirms. No other module of this crate
//! puts events on a real bus.

use std::time::Duration;

use aws::AwsError;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::describe_event_bus::DescribeEventBusError;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use backon::{BackoffBuilder, ExponentialBuilder};
use contract::SOURCE;
use org::Place;

use crate::commands::COMMANDS;
use crate::connection::Connection;
use crate::exit::Problem;
use crate::pace::Pace;
use crate::terminal::{printable, quoted};

/// Entries in one call, the most that PutEvents takes.
const MOST_ENTRIES: usize = 10;
/// Bytes of the entries of one call: half of the 1 MB that PutEvents takes, so that it matters little how it counts.
const MOST_BYTES: usize = 512 * 1024;
/// How often entries that the bus asks patience for are sent again. The SDK repeats calls that fail as a whole; an
/// entry that fails within a call that succeeds is ours to send again.
const MOST_RETRIES: usize = 5;
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(8);
/// Codes of entries that may be taken later (API reference, PutEventsResultEntry).
const RETRYABLE: [&str; 2] = ["ThrottlingException", "InternalFailure"];

/// An event to put on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who says it.
    pub source: String,
    /// What kind it is.
    pub detail_type: String,
    /// What it says: a JSON object.
    pub detail: String,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The bus has it.
    Accepted {
        /// EventBridge's id of the event.
        event_id: String,
    },
    /// The bus did not take it, or did not say that it did.
    Refused {
        /// EventBridge's code.
        code: String,
        /// What it said, with control characters escaped.
        message: String,
    },
}

/// The bus of the deployment, which is known to be there.
pub struct Bus {
    client: Client,
    name: String,
    arn: String,
    allowed_sources: Vec<String>,
    pace: Pace,
}

impl Bus {
    /// Makes sure that there is a bus: PutEvents takes events for a bus that does not exist and drops them without
    /// a word (EventBridge user guide, "Sending events with PutEvents"). At most `events_per_second` are sent to it.
    ///
    /// # Errors
    /// When it is not there, or EventBridge does not say.
    pub async fn find(connection: &Connection, events_per_second: u32) -> Result<Self, Problem> {
        let (client, name) = (Client::new(&connection.sdk), connection.bus());
        let about = format!("event bus {name}");
        let answer = match client.describe_event_bus().name(name).send().await {
            Ok(answer) => answer,
            Err(error)
                if error.as_service_error().is_some_and(DescribeEventBusError::is_resource_not_found_exception) =>
            {
                let place = format!("account {}, region {}", connection.place.account, connection.place.region);
                let hint = "EventBridge would drop the events without a word; deploy it, or correct EVENT_BUS_NAME, --region or the credentials";
                return Err(Problem::Usage(format!("{about} does not exist in {place}: {hint}")));
            }
            Err(error) => return Err(Problem::call("DescribeEventBus", &about, error)),
        };
        Ok(Self {
            client,
            name: name.to_owned(),
            arn: answer.arn.unwrap_or_else(|| {
                let Place { partition, account, region } = &connection.place;
                format!("arn:{partition}:events:{region}:{account}:event-bus/{name}")
            }),
            allowed_sources: connection.settings().allowed_sources.clone(),
            pace: Pace::of(events_per_second),
        })
    }

    /// The bus's ARN, which tells account and region too.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// How many of these entries, from the first on, go into the next call. Where fewer than a call's worth are
    /// allowed in a second, calls are smaller rather than rarer.
    pub fn batch_size(&self, entries: &[Entry]) -> usize {
        let at_most = usize::try_from(self.pace.events_per_second()).unwrap_or(MOST_ENTRIES).clamp(1, MOST_ENTRIES);
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.source.len() + entry.detail_type.len() + entry.detail.len();
            bytes <= MOST_BYTES
        };
        // What is too large by itself goes alone, and is for the bus to refuse.
        entries.iter().take(at_most).take_while(fits).count().max(1).min(entries.len())
    }

    /// Waits until `events` more may be sent. A wait that is dropped uses up nothing.
    pub async fn ready(&mut self, events: usize) {
        self.pace.wait(events).await;
    }

    /// Puts these entries, a batch by [`Bus::batch_size`], and says what became of each. Entries that the bus asks
    /// patience for are sent again by themselves, a bounded number of times.
    ///
    /// # Errors
    /// When a source may not send its event, which is found before anything is sent; when the call fails. After a
    /// failed call, whether the bus has the entries is not known.
    pub async fn put(&mut self, entries: &[Entry]) -> Result<Vec<Outcome>, Problem> {
        for entry in entries {
            check_source(&self.allowed_sources, &entry.source, &entry.detail_type).map_err(Problem::Usage)?;
        }
        let mut outcomes = self.put_once(entries.iter()).await?;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(FIRST_DELAY)
            .with_max_delay(LONGEST_DELAY)
            .with_max_times(MOST_RETRIES)
            .with_jitter();
        for delay in backoff.build() {
            let (again, places): (Vec<&Entry>, Vec<&mut Outcome>) =
                entries.iter().zip(&mut outcomes).filter(|(_, outcome)| outcome.may_succeed_later()).unzip();
            if again.is_empty() {
                break;
            }
            tokio::time::sleep(delay).await;
            self.pace.wait(again.len()).await;
            // What the bus has taken is known, and must not be lost with this failure. A next call tells it again.
            let Ok(answers) = self.put_once(again.into_iter()).await else {
                places.into_iter().for_each(|place| *place = no_answer());
                break;
            };
            for (place, answer) in places.into_iter().zip(answers) {
                *place = answer;
            }
        }
        Ok(outcomes)
    }

    async fn put_once<'e>(&self, entries: impl ExactSizeIterator<Item = &'e Entry>) -> Result<Vec<Outcome>, Problem> {
        let sent = entries.len();
        let entries = entries.map(|entry| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(&entry.source)
                .detail_type(&entry.detail_type)
                .detail(&entry.detail)
                .build()
        });
        let answer = self.client.put_events().set_entries(Some(entries.collect())).send().await;
        let answer = answer.map_err(|error| {
            let said = AwsError::of("PutEvents", error).reason();
            Problem::Failed(format!("event bus {}: PutEvents failed: {}", self.name, printable(&said)))
        })?;
        Ok(outcomes(sent, answer.failed_entry_count, answer.entries()))
    }
}

/// Whether this source may send this type of event: commands come from the deployment's allowed sources, all others
/// from the provisioner itself. Functions refuse what comes from elsewhere.
///
/// # Errors
/// Which sources may.
pub fn check_source(allowed_sources: &[String], source: &str, detail_type: &str) -> Result<(), String> {
    let is_command = COMMANDS.contains(&detail_type);
    let allowed = if is_command { allowed_sources.iter().any(|allowed| allowed == source) } else { source == SOURCE };
    if allowed {
        return Ok(());
    }
    let who = if is_command {
        format!("ALLOWED_SOURCES is {}", allowed_sources.join(", "))
    } else {
        format!("only {SOURCE} may")
    };
    Err(format!("source {} may not send {}; {who}", quoted(source), quoted(detail_type)))
}

impl Outcome {
    /// Whether the bus asked for patience, or failed itself.
    pub fn may_succeed_later(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if RETRYABLE.contains(&code.as_str()))
    }
}

/// Each entry's outcome, by its place in the answer.
fn outcomes(sent: usize, failed_entry_count: i32, results: &[PutEventsResultEntry]) -> Vec<Outcome> {
    let outcome =
        |result: Option<&PutEventsResultEntry>| match result.map(|result| (result.error_code(), result.event_id())) {
            Some((None, Some(event_id))) => Outcome::Accepted { event_id: event_id.to_owned() },
            Some((Some(code), _)) => {
                let message = result.and_then(PutEventsResultEntry::error_message).unwrap_or_default();
                Outcome::Refused { code: printable(code), message: printable(message) }
            }
            None | Some((None, None)) => no_answer(),
        };
    let outcomes: Vec<Outcome> = (0..sent).map(|place| outcome(results.get(place))).collect();
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Refused { .. })).count();
    // More failures than entries that say so: then no entry can be believed.
    if usize::try_from(failed_entry_count).is_ok_and(|failed| failed > refused) {
        return vec![no_answer(); sent];
    }
    outcomes
}

fn no_answer() -> Outcome {
    let message = "the answer does not say what became of it; it may have arrived".to_owned();
    Outcome::Refused { code: "no answer".to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use local_aws::{Fault, FaultPlan};
    use local_system::{LocalOptions, LocalSystem};

    /// A local system, of which the next entries fail, and its bus.
    fn failing(entries: u32) -> (LocalSystem, Bus) {
        let system = LocalSystem::start(&LocalOptions::default()).unwrap();
        let place = &system.place;
        system.aws.with_world(|world| world.region(&place.account, &place.region).buses.failing_entries = entries);
        let bus = Bus {
            client: Client::new(&system.sdk_config(&place.account, "local")),
            name: "org-provisioning".to_owned(),
            arn: String::new(),
            allowed_sources: vec!["org-signup".to_owned()],
            pace: Pace::of(1000),
        };
        (system, bus)
    }

    fn entry(number: usize) -> Entry {
        let detail = format!(r#"{{"orgId":"org{number}","environment":"production"}}"#);
        Entry { source: "org-signup".to_owned(), detail_type: "OrgCreated".to_owned(), detail }
    }

    fn calls(system: &LocalSystem) -> usize {
        system.aws.take_trace().iter().filter(|call| call.operation == "PutEvents").count()
    }

    #[tokio::test(start_paused = true)]
    async fn entries_that_fail_are_sent_again_by_themselves() {
        let (system, mut bus) = failing(12);
        let entries: Vec<Entry> = (0..10).map(entry).collect();
        assert!(bus.put(&entries).await.unwrap().iter().all(is_accepted));
        assert_eq!(calls(&system), 3, "ten fail, then two of them, then none");
        let heard = system.take_heard().unwrap();
        let mut orgs: Vec<&str> = heard.iter().filter_map(|event| event.detail["orgId"].as_str()).collect();
        orgs.sort_unstable();
        assert_eq!(orgs, (0..10).map(|n| format!("org{n}")).collect::<Vec<_>>(), "each once");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_a_bound() {
        let (system, mut bus) = failing(1000);
        let outcomes = bus.put(&[entry(1), entry(2)]).await.unwrap();
        assert!(outcomes.iter().all(Outcome::may_succeed_later), "{outcomes:?}");
        assert_eq!(calls(&system), 1 + MOST_RETRIES);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_failed_resend_may_have_brought_is_not_called_refused() {
        let (system, mut bus) = failing(1);
        // The call that sends the failed entry again, with every attempt that the SDK makes of it.
        let lost = (2..10).fold(FaultPlan::default(), |plan, nth| plan.on("PutEvents", nth, Fault::LostReply));
        system.aws.plan_faults(lost);
        let outcomes = bus.put(&[entry(1), entry(2)]).await.unwrap();
        assert_eq!(outcomes[0], no_answer());
        assert!(is_accepted(&outcomes[1]), "{outcomes:?}");
        let heard = system.take_heard().unwrap();
        assert!(heard.iter().any(|event| event.detail["orgId"] == "org1"), "it did arrive");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_source_may_not_send_is_not_sent() {
        let (system, mut bus) = failing(0);
        let foreign = Entry { source: "stranger".to_owned(), ..entry(1) };
        assert!(matches!(bus.put(&[entry(2), foreign]).await, Err(Problem::Usage(_))));
        assert_eq!(calls(&system), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn batches_keep_below_the_limits_of_a_call() {
        let (_system, mut bus) = failing(0);
        let entries: Vec<Entry> = (0..12).map(entry).collect();
        assert_eq!(bus.batch_size(&entries), 10);
        assert_eq!(bus.batch_size(&entries[..3]), 3);
        assert_eq!(bus.batch_size(&[]), 0);
        let large = Entry { detail: "x".repeat(200 * 1024), ..entry(1) };
        assert_eq!(bus.batch_size(&vec![large; 10]), 2);
        let too_large = Entry { detail: "x".repeat(MOST_BYTES), ..entry(1) };
        assert_eq!(bus.batch_size(&[too_large, entry(2)]), 1);
        bus.pace = Pace::of(3);
        assert_eq!(bus.batch_size(&entries), 3, "one call in a second");
    }

    fn result(event_id: Option<&str>, code: Option<&str>) -> PutEventsResultEntry {
        let entry = PutEventsResultEntry::builder();
        entry.set_event_id(event_id.map(str::to_owned)).set_error_code(code.map(str::to_owned)).build()
    }

    fn is_accepted(outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Accepted { .. })
    }

    #[test]
    fn every_entry_has_its_own_outcome() {
        let results = [result(Some("a"), None), result(None, Some("MalformedDetail")), result(None, None)];
        let found = outcomes(4, 1, &results);
        assert_eq!(found.iter().map(is_accepted).collect::<Vec<_>>(), [true, false, false, false]);
        assert!(found.iter().all(|outcome| !outcome.may_succeed_later()));
        assert!(outcomes(1, 1, &[result(None, Some("ThrottlingException"))]).iter().all(Outcome::may_succeed_later));
    }

    #[test]
    fn an_answer_that_counts_more_failures_than_it_shows_is_not_believed() {
        let results = [result(Some("a"), None), result(Some("b"), None)];
        assert!(outcomes(2, 0, &results).iter().all(is_accepted));
        assert!(!outcomes(2, 1, &results).iter().any(is_accepted));
    }

    #[test]
    fn commands_come_from_allowed_sources_and_completions_from_the_provisioner() {
        let allowed = ["org-signup".to_owned()];
        assert!(check_source(&allowed, "org-signup", "OrgCreated").is_ok());
        assert!(check_source(&allowed, "org-signup", "OrgDeleted").is_ok());
        assert!(check_source(&allowed, SOURCE, "BucketProvisioned").is_ok());
        for (source, detail_type) in [(SOURCE, "OrgCreated"), ("org-signup", "BucketProvisioned"), ("", "OrgCreated")] {
            assert!(check_source(&allowed, source, detail_type).is_err(), "{source} {detail_type}");
        }
        let said = check_source(&allowed, "\u{1b}[31mx", "OrgCreated").unwrap_err();
        assert!(!said.contains('\u{1b}') && said.contains("ALLOWED_SOURCES is org-signup"), "{said}");
    }
}
