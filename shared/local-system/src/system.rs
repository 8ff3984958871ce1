//! The deployment in small: bus, rules, queues, dead-letter queues and functions, wired as in production.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;
use contract::{SOURCE, StepSpec};
use local_aws::lambda::{EventSource, FunctionError, Lambda, Settled};
use local_aws::{Clock, LocalAws};
use org::{AccountClass, Place};
use serde_json::{Value, json};

use crate::functions::Functions;
use crate::problem::Problem;
use crate::registry::{self, Registered};

/// Who may give commands.
const COMMAND_SOURCE: &str = "org-signup";
/// The bus.
const BUS: &str = "org-provisioning";
/// The queue that hears every event of the provisioner, for whoever watches.
const WATCHER: &str = "org-provisioning-watcher";
/// As in infra/: the queue hides a message for six times the function's timeout.
const VISIBILITY_TIMEOUTS: u32 = 6;
/// How often a queue gives a message out before it goes to the dead-letter queue.
pub const MAX_RECEIVE_COUNT: u32 = 13;
const BATCH_SIZE: usize = 10;
const MAXIMUM_CONCURRENCY: usize = 10;
/// Longer than a message can live through all its receives and the delayed check.
const LONGEST_RUN: Duration = Duration::from_secs(24 * 3600);

/// How a local system is made.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// Ids, keys and the jitter of retries follow from it.
    pub seed: u64,
    /// What the account may hold.
    pub account_class: AccountClass,
    /// The region.
    pub region: String,
    /// What the clock shows at first.
    pub start: SystemTime,
    /// The functions' timeout.
    pub function_timeout: Duration,
    /// Environment variables of the functions beside the necessary ones.
    pub environment: BTreeMap<String, String>,
    /// Whether the bus has an archive, as infra/ gives it one: called as the bus.
    pub archive: bool,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            account_class: AccountClass::Production,
            region: "us-east-1".to_owned(),
            // 2026-01-01T00:00:00Z: the same in every run, so that runs can be compared.
            start: UNIX_EPOCH + Duration::from_secs(1_767_225_600),
            function_timeout: Duration::from_secs(30),
            environment: BTreeMap::new(),
            archive: false,
        }
    }
}

/// An event that the provisioner emitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Emitted {
    /// Who put it.
    pub source: String,
    /// The detail type.
    pub detail_type: String,
    /// The detail.
    pub detail: Value,
}

/// A running system. Make it inside a tokio runtime; where time is paused, waiting costs nothing.
pub struct LocalSystem {
    /// The AWS underneath.
    pub aws: LocalAws,
    /// The functions.
    pub lambda: Lambda,
    /// Where everything is.
    pub place: Place,
}

impl LocalSystem {
    /// A system of its own, on an AWS of its own.
    ///
    /// # Errors
    /// When the options contradict each other.
    pub fn start(options: &LocalOptions) -> Result<Self, Problem> {
        fastrand::seed(options.seed);
        Self::wire(LocalAws::new(options.seed, Clock::starting_at(options.start)), options, &Functions::InProcess)
    }

    /// Wires a system in the options' account and region of an AWS that is there. What is wired already stays.
    ///
    /// # Errors
    /// When the options contradict each other.
    pub fn wire(aws: LocalAws, options: &LocalOptions, functions: &Functions) -> Result<Self, Problem> {
        let account = account_of(options.account_class);
        let lambda = Lambda::new(aws.clone(), account, &options.region);
        let place = Place { partition: "aws".to_owned(), account: account.to_owned(), region: options.region.clone() };
        let system = Self { aws, lambda, place };
        system.create_bus()?;
        if options.archive {
            system.create_archive()?;
        }
        for step in registry::functions() {
            system.add_step(step, options, functions)?;
        }
        system.create_queue(WATCHER, json!({}))?;
        for source in [COMMAND_SOURCE, SOURCE] {
            system.add_rule(WATCHER, &json!({ "source": [source] }))?;
        }
        Ok(system)
    }

    /// Puts an event on the bus.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub fn put_event(&self, source: &str, detail_type: &str, detail: &Value) -> Result<(), Problem> {
        let entry =
            json!({ "EventBusName": BUS, "Source": source, "DetailType": detail_type, "Detail": detail.to_string() });
        let answer = self.api("events", "PutEvents", json!({ "Entries": [entry] }))?;
        match answer["FailedEntryCount"].as_u64() {
            Some(0) => Ok(()),
            _ => Err(Problem::Failed(format!("the bus did not take the event: {answer}"))),
        }
    }

    /// Sends a message straight to a step's queue.
    ///
    /// # Errors
    /// When the queue does not take it.
    pub fn send(&self, step: &str, body: &str) -> Result<(), Problem> {
        let queue = self.queue_url(&queue_name(step));
        self.api("sqs", "SendMessage", json!({ "QueueUrl": queue, "MessageBody": body })).map(drop)
    }

    /// Invokes a step's function.
    ///
    /// # Errors
    /// What the function answers.
    pub async fn invoke(&self, step: &str, payload: Value) -> Result<Value, FunctionError> {
        self.lambda.invoke(step, payload).await
    }

    /// Lets everything run until there is nothing left to do.
    ///
    /// # Errors
    /// When that does not come to an end.
    pub async fn settle(&self) -> Result<Settled, Problem> {
        let settled = self.lambda.settle(LONGEST_RUN).await;
        if settled.settled { Ok(settled) } else { Err(Problem::Failed("the system did not come to rest".to_owned())) }
    }

    /// The events emitted since the last time, in the order emitted.
    ///
    /// # Errors
    /// When the queue that hears them does not answer.
    pub fn take_emitted(&self) -> Result<Vec<Emitted>, Problem> {
        Ok(self.take_heard()?.into_iter().filter(|event| event.source == SOURCE).collect())
    }

    /// The events on the bus since the last time, commands included, in the order put.
    ///
    /// # Errors
    /// When the queue that hears them does not answer.
    pub fn take_heard(&self) -> Result<Vec<Emitted>, Problem> {
        let bodies =
            self.take_messages(WATCHER)?.into_iter().map(|message| message["Body"].as_str().map(str::to_owned));
        let events = bodies.flatten().filter_map(|body| serde_json::from_str::<Value>(&body).ok());
        Ok(events
            .map(|event| Emitted {
                source: event["source"].as_str().unwrap_or_default().to_owned(),
                detail_type: event["detail-type"].as_str().unwrap_or_default().to_owned(),
                detail: event["detail"].clone(),
            })
            .collect())
    }

    /// Whether there are events to take.
    pub fn has_heard(&self) -> bool {
        let arn = self.queue_arn(WATCHER);
        self.aws.look(|world| {
            let region =
                world.accounts.get(&self.place.account).and_then(|account| account.regions.get(&self.place.region));
            let now = self.aws.now();
            region.and_then(|region| region.queues.by_arn(&arn)?.next_visible_at(now)).is_some_and(|at| at <= now)
        })
    }

    /// Takes the messages out of a step's dead-letter queue, as SQS describes them.
    ///
    /// # Errors
    /// When the queue does not answer.
    pub fn take_dead_letters(&self, step: &str) -> Result<Vec<Value>, Problem> {
        self.take_messages(&format!("{}-dlq", queue_name(step)))
    }

    /// An SDK configuration that reaches this AWS as `access_key_id`: twelve digits for an administrator.
    ///
    /// # Errors
    /// When the region is not one.
    pub fn sdk_config(&self, access_key_id: &str, secret_access_key: &str) -> SdkConfig {
        let settings = aws::SdkSettings {
            region: self.place.region.clone(),
            credentials: aws::Credentials {
                access_key_id: access_key_id.to_owned(),
                secret_access_key: secret_access_key.to_owned(),
                session_token: None,
            },
            endpoints: aws::Endpoints::default(),
            ca_bundle: None,
        };
        aws::with_http_client(settings, self.aws.http_client(), SharedTimeSource::new(self.aws.clock().clone()))
    }

    fn create_bus(&self) -> Result<(), Problem> {
        let created =
            self.aws.api(&self.place.account, &self.place.region, "events", "CreateEventBus", json!({ "Name": BUS }));
        match created {
            Err(failure) if failure.code != "ResourceAlreadyExistsException" => Err(failed(failure)),
            _ => Ok(()),
        }
    }

    fn create_archive(&self) -> Result<(), Problem> {
        let Place { region, account, .. } = &self.place;
        let bus = format!("arn:aws:events:{region}:{account}:event-bus/{BUS}");
        let archive = json!({ "ArchiveName": BUS, "EventSourceArn": bus });
        match self.aws.api(account, region, "events", "CreateArchive", archive) {
            Err(failure) if failure.code != "ResourceAlreadyExistsException" => Err(failed(failure)),
            _ => Ok(()),
        }
    }

    fn add_step(&self, step: Registered, options: &LocalOptions, functions: &Functions) -> Result<(), Problem> {
        let queue = queue_name(step.spec.name);
        let dead_letters = format!("{queue}-dlq");
        self.create_queue(&dead_letters, json!({}))?;
        let redrive =
            json!({ "deadLetterTargetArn": self.queue_arn(&dead_letters), "maxReceiveCount": MAX_RECEIVE_COUNT });
        let visibility = options.function_timeout * VISIBILITY_TIMEOUTS;
        let attributes =
            json!({ "RedrivePolicy": redrive.to_string(), "VisibilityTimeout": visibility.as_secs().to_string() });
        self.create_queue(&queue, attributes)?;
        for pattern in patterns(&step.spec) {
            self.add_rule(&queue, &pattern)?;
        }
        self.add_function(step, options, functions)?;
        let source = EventSource {
            function: step.spec.name.to_owned(),
            batch_size: BATCH_SIZE,
            maximum_concurrency: Some(MAXIMUM_CONCURRENCY),
        };
        self.lambda.add_event_source_mapping(&self.queue_arn(&queue), source).map_err(failed)
    }

    fn add_function(&self, step: Registered, options: &LocalOptions, functions: &Functions) -> Result<(), Problem> {
        let mut variables = options.environment.clone();
        for (name, value) in [
            ("EXPECTED_ACCOUNT_ID", self.place.account.as_str()),
            ("ACCOUNT_CLASS", options.account_class.as_str()),
            ("DEAD_LETTER_QUEUE_URL", &self.queue_url(&format!("{}-dlq", queue_name(step.spec.name)))),
            ("MAX_RECEIVE_COUNT", &MAX_RECEIVE_COUNT.to_string()),
            ("AWS_REGION", &self.place.region),
            // The function's role: the account's administrator.
            ("AWS_ACCESS_KEY_ID", &self.place.account),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ] {
            variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        let handler = functions.handler(step, &variables, &self.aws)?;
        self.lambda.add_function(step.spec.name, options.function_timeout, handler).map_err(failed)
    }

    /// A rule that sends what matches to a queue. It is named after the queue and what it matches.
    fn add_rule(&self, queue: &str, pattern: &Value) -> Result<(), Problem> {
        let source = pattern["source"][0].as_str().unwrap_or_default();
        let name = format!("{queue}-{source}");
        self.api(
            "events",
            "PutRule",
            json!({ "EventBusName": BUS, "Name": name, "EventPattern": pattern.to_string() }),
        )?;
        let target = json!({ "Id": "queue", "Arn": self.queue_arn(queue) });
        self.api("events", "PutTargets", json!({ "EventBusName": BUS, "Rule": name, "Targets": [target] })).map(drop)
    }

    /// A queue that the bus may send to.
    fn create_queue(&self, name: &str, attributes: Value) -> Result<(), Problem> {
        let Place { region, account, .. } = &self.place;
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": self.queue_arn(name),
                "Condition": { "ArnLike": { "aws:SourceArn": format!("arn:aws:events:{region}:{account}:rule/{BUS}/*") } },
            }],
        });
        let mut all = attributes;
        all["Policy"] = policy.to_string().into();
        self.api("sqs", "CreateQueue", json!({ "QueueName": name, "Attributes": all })).map(drop)
    }

    /// Receives and deletes everything that a queue has to give.
    fn take_messages(&self, queue: &str) -> Result<Vec<Value>, Problem> {
        let url = self.queue_url(queue);
        let mut taken = Vec::new();
        loop {
            let receive = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"] });
            let answer = self.api("sqs", "ReceiveMessage", receive)?;
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return Ok(taken);
            }
            for message in messages {
                self.api(
                    "sqs",
                    "DeleteMessage",
                    json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] }),
                )?;
                taken.push(message);
            }
        }
    }

    fn queue_arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.place.region, self.place.account)
    }

    fn queue_url(&self, name: &str) -> String {
        format!("https://sqs.{}.amazonaws.com/{}/{name}", self.place.region, self.place.account)
    }

    fn api(&self, service: &str, operation: &str, body: Value) -> Result<Value, Problem> {
        self.aws.api(&self.place.account, &self.place.region, service, operation, body).map_err(failed)
    }
}

/// The account of each class.
pub fn account_of(class: AccountClass) -> &'static str {
    match class {
        AccountClass::Production => "111111111111",
        AccountClass::NonProduction => "333333333333",
    }
}

fn queue_name(step: &str) -> String {
    format!("org-provisioning-{step}")
}

/// What a step's queue hears: commands from those who may give them, completions from the provisioner.
fn patterns(spec: &StepSpec) -> Vec<Value> {
    let completions = registry::completions();
    let (done, commands): (Vec<&str>, Vec<&str>) =
        spec.triggers.iter().partition(|trigger| completions.contains(**trigger));
    let sources = [(COMMAND_SOURCE, commands), (SOURCE, done)];
    let heard = sources.into_iter().filter(|(_, types)| !types.is_empty());
    heard.map(|(source, types)| json!({ "source": [source], "detail-type": types })).collect()
}

fn failed(failure: local_aws::ApiFailure) -> Problem {
    Problem::Failed(failure.to_string())
}
