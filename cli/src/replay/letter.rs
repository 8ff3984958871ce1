//! Dead letters: taking them out of a queue, and what they say of themselves.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use contract::{Command, OrgCreated, Request, StepError, StepSpec};
use handler::Settings;
use serde_json::{Value, json};

use crate::args::Pick;
use crate::connection::dead_letter_queue_name;
use crate::exit::Problem;

/// How long a receive waits for a first message. With any wait SQS asks all of its servers; without, only some of them,
/// and may say nothing though there are messages (SQS developer guide, "Short and long polling").
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The attributes with which a function tells why it sent a message to the dead-letter queue.
pub(super) const REASONS: [&str; 4] = ["ErrorCode", "ErrorClass", "RequestId", "SourceQueue"];
/// What stands for an error code where a message has none: SQS itself moved it, after its last receive.
const NO_CODE: &str = "none";

/// A message of a dead-letter queue.
pub(super) struct Letter {
    pub(super) step: StepSpec,
    pub(super) receipt_handle: String,
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, MessageAttributeValue>,
    sent: SystemTime,
}

/// What was taken out of a queue.
pub(super) struct Taken {
    /// The queue.
    pub(super) url: String,
    /// What was picked.
    pub(super) letters: Vec<Letter>,
    /// The receipt handles of the rest, to be shown to others again.
    pub(super) others: Vec<String>,
    /// Whether the queue may have more.
    pub(super) more: bool,
}

/// Takes up to `limit` messages out of a step's dead-letter queue, hidden from others for `hide`.
///
/// # Errors
/// When SQS does not answer.
pub(super) async fn take(
    sqs: &Client,
    url: &str,
    step: StepSpec,
    pick: &Picked,
    (limit, hide): (usize, Duration),
) -> Result<Taken, Problem> {
    let name = dead_letter_queue_name(&step);
    let mut taken = Taken { url: url.to_owned(), letters: Vec::new(), others: Vec::new(), more: false };
    while taken.letters.len() + taken.others.len() < limit {
        let request = sqs.receive_message().queue_url(url).max_number_of_messages(10);
        let request =
            request.message_attribute_names("All").message_system_attribute_names(MessageSystemAttributeName::All);
        let request = request.visibility_timeout(seconds(hide)).wait_time_seconds(seconds(LONGEST_WAIT));
        let answer = request.send().await;
        let answer = answer.map_err(|error| Problem::call("ReceiveMessage", &format!("queue {name}"), error))?;
        let messages = answer.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(taken);
        }
        for letter in messages.into_iter().filter_map(|message| Letter::of(step, message)) {
            if pick.takes(&letter) {
                taken.letters.push(letter);
            } else {
                taken.others.push(letter.receipt_handle);
            }
        }
    }
    taken.more = true;
    Ok(taken)
}

/// [`Pick`], with its moment as a time.
pub(super) struct Picked {
    org: Option<String>,
    since: Option<SystemTime>,
    error_code: Option<String>,
}

impl Picked {
    pub(super) fn new(pick: &Pick, now: SystemTime) -> Self {
        Self {
            org: pick.org.as_ref().map(ToString::to_string),
            since: pick.since.map(|moment| moment.at(now)),
            error_code: pick.error_code.clone(),
        }
    }

    /// Whether something of this organization, time and code is wanted.
    pub(super) fn wants(&self, org: Option<&str>, at: Option<SystemTime>, code: Option<&str>) -> bool {
        self.org.as_deref().is_none_or(|wanted| org == Some(wanted))
            && self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && self.error_code.as_deref().is_none_or(|wanted| code.unwrap_or(NO_CODE) == wanted)
    }

    fn takes(&self, letter: &Letter) -> bool {
        self.wants(letter.org().as_deref(), Some(letter.sent), letter.reason("ErrorCode"))
    }
}

impl Letter {
    fn of(step: StepSpec, message: Message) -> Option<Self> {
        let system = message.attributes.unwrap_or_default();
        let sent = system.get(&MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
        Some(Self {
            step,
            receipt_handle: message.receipt_handle?,
            body: message.body.unwrap_or_default(),
            attributes: message.message_attributes.unwrap_or_default().into_iter().collect(),
            sent: SystemTime::UNIX_EPOCH + Duration::from_millis(sent.unwrap_or_default()),
        })
    }

    /// What the function said of the failure, if it was a function that sent the message here.
    pub(super) fn reason(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.string_value()
    }

    /// Whom it concerns, as far as that can be read.
    pub(super) fn org(&self) -> Option<String> {
        let value: Value = serde_json::from_str(&self.body).ok()?;
        let detail = value.get("detail").unwrap_or(&value);
        let request = detail.get("request").filter(|request| request.is_object()).unwrap_or(detail);
        OrgCreated::subject_of(request).map(|subject| subject.org_id)
    }

    /// The request in it, as the step would read it.
    pub(super) fn request(&self, settings: &Settings) -> Result<Request<OrgCreated>, StepError> {
        handler::read_request(&self.body, settings)
    }

    /// What a list shows.
    pub(super) fn summary(&self) -> Value {
        json!({
            "step": self.step.name,
            "orgId": self.org(),
            "errorCode": self.reason("ErrorCode"),
            "errorClass": self.reason("ErrorClass"),
            "requestId": self.reason("RequestId"),
            "sentAt": humantime::format_rfc3339_seconds(self.sent).to_string(),
        })
    }
}

/// Whole seconds, as SQS takes them.
pub(super) fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
