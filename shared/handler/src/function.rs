//! A step as a Lambda function: one request from its reading to its event, however it was triggered.

use std::time::{Duration, SystemTime};

use aws::Clients;
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;
use contract::{
    Command, Completed, Deadline, ErrorClass, ErrorCode, FAILED_DETAIL_TYPE, Failed, Outcome, Request, Run,
    SCHEMA_VERSION, Step, StepError, Subject, can_be_carried_along, event_id, unread_request_ids,
};
use futures_util::future::join;
use org::Place;
use serde_json::{Value, json};

use crate::dead_letters::{DeadLetters, Reason, message_body};
use crate::delivery::{self, Refused};
use crate::events::Events;
use crate::journal;
use crate::own_queue::OwnQueue;
use crate::queues::Queues;
use crate::settings::Settings;
use crate::sqs::Sqs;
use crate::trigger::Trigger;

/// With less than this left, a run is not begun: it could hardly end.
const LEAST_TIME_TO_BEGIN: Duration = Duration::from_secs(5);

/// What is kept of the invocation's time for the answer. A run that is cut off by Lambda takes the answers of
/// its neighbours in the batch along; one that is cut off here does not.
const TIME_TO_ANSWER: Duration = Duration::from_secs(2);

/// A step that can be made from a function's settings.
pub trait StepFunction: Step {
    /// Makes the step, its SDK clients included.
    fn new(context: &StepContext<'_>) -> Self;
}

/// What a step is made from.
pub struct StepContext<'a> {
    /// The settings.
    pub settings: Settings,
    /// Makes the step's SDK clients.
    pub clients: &'a Clients,
    /// The clock that deadlines are told by.
    pub time: SharedTimeSource,
    sqs: Sqs,
}

impl StepContext<'_> {
    /// The step's own queue. A step that asks for it sends messages to it as a matter of course, so the connection
    /// is opened with the others.
    pub fn own_queue(&self) -> OwnQueue {
        self.sqs.prepare(self.clients);
        OwnQueue::new(self.sqs.clone(), self.settings.own_queue_url())
    }

    /// The queues of all functions, for one that sends commands to others or to itself. Which of them it may send to is
    /// its role's to say.
    pub fn queues(&self) -> Queues {
        Queues::new(self.sqs.clone(), self.settings.own_queue_url())
    }
}

/// One invocation, as Lambda describes it.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The ARN of the function: where it runs.
    pub function_arn: String,
    /// When Lambda stops the function.
    pub deadline: SystemTime,
}

/// An error as Lambda and Step Functions see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// The error code, or `malformed-event` for a batch that is none.
    pub error_type: String,
    /// What went wrong and what can be done.
    pub error_message: String,
}

/// A step behind everything that Lambda and the queues ask for.
pub struct Function<S> {
    pub(crate) step: S,
    pub(crate) settings: Settings,
    pub(crate) events: Events,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) own_queue: OwnQueue,
    pub(crate) time: SharedTimeSource,
}

/// How one delivery came, for the log and the answer.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) invocation: &'a Invocation,
    /// How often the queue has given the message out; 1 where there is no queue.
    pub(crate) receive: u32,
    /// A delayed check clears up and says nothing: the run that asked for it has its own event.
    pub(crate) delayed_check: bool,
    /// What the delayed check says of the command that asked for it.
    pub(crate) check_of: Option<u64>,
    /// When the message was sent; nothing where there is no queue.
    pub(crate) sent: Option<SystemTime>,
}

/// A request that could not be done, with what is known of it.
pub(crate) struct Failure<C: Command> {
    pub(crate) error: StepError,
    pub(crate) subject: Option<C::Subject>,
    pub(crate) request_id: String,
    correlation_id: Option<String>,
    detail: Value,
    took: Duration,
}

pub(crate) type Done<S> = Completed<<<S as Step>::Command as Command>::Subject>;

impl<S: StepFunction> Function<S> {
    /// The function for step `S`.
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        Self::with_clients(settings, &Clients::new(sdk.clone()))
    }

    /// The function for step `S`, whose clients are made by `clients`.
    pub(crate) fn with_clients(settings: Settings, clients: &Clients) -> Self {
        let sqs = Sqs::new(clients.sdk());
        let time = clients.sdk().time_source().unwrap_or_default();
        let context = StepContext { settings: settings.clone(), clients, time: time.clone(), sqs: sqs.clone() };
        Self {
            step: S::new(&context),
            events: Events::new(clients, &settings.event_bus),
            dead_letters: DeadLetters::new(sqs.clone(), &settings.dead_letter_queue_url),
            own_queue: OwnQueue::new(sqs, settings.own_queue_url()),
            settings,
            time,
        }
    }

    /// Answers one invocation.
    ///
    /// # Errors
    /// What a direct caller is told; for one event, only what Lambda should retry; for a batch, only a
    /// payload that is no batch.
    pub async fn invoke(&self, payload: Value, invocation: &Invocation) -> Result<Value, FunctionError> {
        let once = Arrival { invocation, receive: 1, delayed_check: false, check_of: None, sent: None };
        match Trigger::of(payload) {
            Ok(Trigger::Batch(messages)) => Ok(self.batch(messages, invocation).await),
            Ok(Trigger::Event(event)) => self.event(event, once).await,
            Ok(Trigger::Direct(detail)) => self.direct(detail, once).await,
            Err(error) => {
                tracing::error!(target: journal::TARGET, %error, "Records is not a batch of SQS messages");
                let message = format!("Records is not a batch of SQS messages: {error}");
                Err(StepError::new(ErrorCode::MalformedEvent, S::SPEC.name, message).into())
            }
        }
    }

    /// A direct call is answered with the completion, or with an error that a state machine can match.
    async fn direct(&self, detail: Value, arrival: Arrival<'_>) -> Result<Value, FunctionError> {
        let failure = match self.process(delivery::read(detail, &self.settings, S::SPEC.name), arrival).await {
            Ok(done) => return Ok(json!(done)),
            Err(failure) => failure,
        };
        match failure.error.class() {
            ErrorClass::Retryable => journal::retrying(failure.about::<S>(arrival), &failure.error, None, None),
            ErrorClass::Conflict | ErrorClass::Permanent => {
                if let Err(error) = self.tell(&failure, arrival).await {
                    // The caller is told of the failure itself, which is what it has to decide on.
                    journal::untold(failure.about::<S>(arrival), &error);
                }
            }
        }
        Err(failure.error.into())
    }

    /// One event from a rule that targets the function: Lambda retries when it fails, so only what may
    /// succeed later fails; the rest is kept in the dead-letter queue.
    async fn event(&self, event: Value, arrival: Arrival<'_>) -> Result<Value, FunctionError> {
        let body = message_body(&event);
        let failure = match self.process(delivery::read(event, &self.settings, S::SPEC.name), arrival).await {
            Ok(done) => return Ok(json!(done)),
            Err(failure) => failure,
        };
        match failure.error.class() {
            ErrorClass::Retryable => {
                journal::retrying(failure.about::<S>(arrival), &failure.error, None, None);
                Err(failure.error.into())
            }
            ErrorClass::Conflict | ErrorClass::Permanent => {
                let reason = Reason { error: &failure.error, request_id: &failure.request_id, source_queue: "" };
                self.dead_letters.send(&body, &reason).await?;
                self.tell(&failure, arrival).await?;
                Ok(json!(self.failed(&failure)))
            }
        }
    }

    /// Runs the step for what was delivered, and has its completion event accepted.
    pub(crate) async fn process(
        &self,
        read: Result<Request<S::Command>, Refused<S::Command>>,
        arrival: Arrival<'_>,
    ) -> Result<Done<S>, Failure<S::Command>> {
        let begun = self.time.now();
        let took = || self.time.now().duration_since(begun).unwrap_or_default();
        let request = read.map_err(|refused| {
            let (request_id, correlation_id) = unread_request_ids(&refused.detail);
            let Refused { error, subject, detail } = refused;
            Failure { error, subject, request_id, correlation_id, detail, took: took() }
        })?;
        let subject = request.command.subject();
        let about = journal::Subject {
            step: S::SPEC.name,
            key: subject.key(),
            request_id: &request.request_id,
            receive: arrival.receive,
            delayed_check: arrival.delayed_check,
        };
        journal::started(about);
        let left = Deadline::at(arrival.invocation.deadline).left(begun).saturating_sub(TIME_TO_ANSWER);
        let run = tokio::time::timeout(left, self.run(&request, arrival, begun)).await;
        let out_of_time = |_| {
            let message = "was stopped before its time was over; the step is tried again later";
            Err(StepError::new(ErrorCode::OutOfTime, S::SPEC.name, message))
        };
        match run.unwrap_or_else(out_of_time) {
            Ok(done) => {
                journal::completed(about, done.outcome, took());
                done.findings.iter().for_each(|finding| journal::found(about, finding));
                done.capacity.iter().for_each(|capacity| journal::capacity(about, capacity));
                Ok(done)
            }
            Err(error) => Err(Failure {
                error,
                subject: Some(subject),
                request_id: request.request_id,
                correlation_id: request.correlation_id,
                detail: request.detail,
                took: took(),
            }),
        }
    }

    /// Guards, then look, decide and do, then the event.
    async fn run(
        &self,
        request: &Request<S::Command>,
        arrival: Arrival<'_>,
        begun: SystemTime,
    ) -> Result<Done<S>, StepError> {
        let place = Place::of_function(&arrival.invocation.function_arn)
            .map_err(|error| StepError::new(ErrorCode::WrongAccount, "function", error.to_string()))?;
        request.command.admit(&self.settings.deployment, &place)?;
        let deadline = Deadline::at(arrival.invocation.deadline);
        if deadline.left(begun) < LEAST_TIME_TO_BEGIN {
            let message = "too little of the invocation's time is left; the step is tried again later";
            return Err(StepError::new(ErrorCode::OutOfTime, S::SPEC.name, message));
        }
        let run = Run {
            command: &request.command,
            place: &place,
            detail: &request.detail,
            request_id: &request.request_id,
            deadline,
            delayed_check: arrival.delayed_check,
            check_of: arrival.check_of,
        };
        // Boxed: the SDK's futures nest so deep that the compiler gives up on the whole.
        let bus = async { if arrival.delayed_check { Ok(()) } else { self.events.require_bus().await } };
        let looks = join(Box::pin(self.step.observe(&run)), bus);
        let (observed, bus) = looks.await;
        bus?;
        let observed = observed?;
        let changes = self.step.plan(&run, &observed)?;
        let outcome = Outcome::of(&changes);
        let report = Box::pin(self.step.apply(&run, observed, changes)).await?;
        let (subject, completion) = (request.command.subject(), S::completion(&request.command));
        let key = subject.key().to_owned();
        let id_of = |detail_type: &str| event_id(&key, S::SPEC.name, &request.request_id, detail_type);
        let mut done = Completed {
            schema_version: SCHEMA_VERSION,
            event_id: id_of(completion.unwrap_or(S::SPEC.completion)),
            request_id: request.request_id.clone(),
            correlation_id: request.correlation_id.clone(),
            subject,
            step: S::SPEC.name.to_owned(),
            outcome,
            resources: report.resources,
            evidence: report.evidence,
            findings: report.findings,
            capacity: report.capacity,
            duration_ms: millis(self.time.now().duration_since(begun).unwrap_or_default()),
            request: request.detail.clone(),
        };
        // Before the completion: whoever hears of a run's end can rely on its notice having been told.
        if let Some(notice) = report.notice {
            let own = std::mem::replace(&mut done.event_id, id_of(notice));
            self.events.put(notice, &done).await?;
            done.event_id = own;
        }
        if let (Some(completion), false) = (completion, arrival.delayed_check) {
            self.events.put(completion, &done).await?;
        }
        Ok(done)
    }

    /// Logs a failure that ends the request and emits its event, if it is known whom it concerns.
    pub(crate) async fn tell(&self, failure: &Failure<S::Command>, arrival: Arrival<'_>) -> Result<(), StepError> {
        journal::failed(failure.about::<S>(arrival), &failure.error);
        match self.failed(failure) {
            Some(event) => self.events.put(FAILED_DETAIL_TYPE, &event).await,
            None => Ok(()),
        }
    }

    fn failed(&self, failure: &Failure<S::Command>) -> Option<Failed<<S::Command as Command>::Subject>> {
        let subject = failure.subject.clone()?;
        Some(Failed {
            schema_version: SCHEMA_VERSION,
            event_id: event_id(subject.key(), S::SPEC.name, &failure.request_id, FAILED_DETAIL_TYPE),
            request_id: failure.request_id.clone(),
            correlation_id: failure.correlation_id.clone(),
            subject,
            step: S::SPEC.name.to_owned(),
            error: (&failure.error).into(),
            duration_ms: millis(failure.took),
            request: if can_be_carried_along(&failure.detail) { failure.detail.clone() } else { Value::Null },
        })
    }
}

impl<C: Command> Failure<C> {
    pub(crate) fn about<S: Step>(&self, arrival: Arrival<'_>) -> journal::Subject<'_> {
        let key = self.subject.as_ref().map_or("unknown", |subject| subject.key());
        journal::Subject {
            step: S::SPEC.name,
            key,
            request_id: &self.request_id,
            receive: arrival.receive,
            delayed_check: arrival.delayed_check,
        }
    }
}

impl From<StepError> for FunctionError {
    fn from(error: StepError) -> Self {
        Self { error_type: error.code().to_string(), error_message: error.to_string() }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
