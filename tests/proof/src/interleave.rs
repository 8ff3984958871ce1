//! Every interleaving of deliveries to the `secret` function, and of one to a function of the lifecycle beside it, at
//! every AWS call.
//!
//! Here is one execution: what may come next, and how it is carried out. [`paths`](crate::paths) goes through all.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use local_aws::{Clock, LocalAws};
use local_system::{Functions, LocalOptions, LocalSystem};
use serde_json::json;

use crate::canary;
use crate::delivery::{Delivery, Phase, sleep_until_one_wakes};
use crate::gate::{CallId, Gate, Waiting};
use crate::judge;
use crate::rotation;
use crate::stage::{Aftermath, Trigger, broken, detail_for};
use crate::start::{ACCOUNT, Prepared, REGION, nothing_follows};
use crate::state;
use crate::violation::{Promise, Violation};
use crate::wire::{reply, reset};

/// What is explored.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// What is delivered, in this order of beginning; which begins when is explored.
    pub messages: Vec<Message>,
    /// How many deliveries may be stopped, or calls lose their reply, in one execution.
    pub faults: u8,
    /// How often time may pass in one execution.
    pub ticks: u8,
}

/// A message in a step's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The sign-up, to `secret`.
    SignUp,
    /// A delayed check, of `secret`.
    Check,
    /// No message: `createSecret`, as Secrets Manager asks `rotate` for it.
    Create,
    /// `OrgSuspended`, to `suspend`.
    Suspend,
    /// `OrgDeleted`, to `offboard`.
    Offboard,
}

/// Time that passes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tick {
    /// A third of the function's time, while it runs.
    Short,
    /// So much that together with a short one it is more than the grace period; nothing runs meanwhile.
    Long,
}

impl Tick {
    pub(crate) fn duration(self) -> Duration {
        match self {
            Self::Short => Duration::from_secs(10),
            Self::Long => Duration::from_secs(112),
        }
    }
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The next delivery begins.
    Begin(usize),
    /// A call is applied and answered.
    Answer(CallId),
    /// A call is applied, and its reply lost.
    LoseReply(CallId),
    /// A delivery's process is stopped. What it had sent may still be applied.
    Stop(usize),
    /// A call of a stopped process is applied after all.
    ApplyLate(CallId),
    /// The clock runs until a delivery that sleeps goes on.
    Sleep,
    /// Time passes.
    Pass(Tick),
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call =
            |id: &CallId| format!("{} {}:{} #{}", letter(id.delivery), id.asked.service, id.asked.operation, id.nth);
        match self {
            Self::Begin(delivery) => write!(f, "{} begins", letter(*delivery)),
            Self::Answer(id) => f.write_str(&call(id)),
            Self::LoseReply(id) => write!(f, "{}, reply lost", call(id)),
            Self::Stop(delivery) => write!(f, "{} is stopped", letter(*delivery)),
            Self::ApplyLate(id) => write!(f, "{}, applied after all", call(id)),
            Self::Sleep => f.write_str("(until one wakes)"),
            Self::Pass(tick) => write!(f, "({} s pass)", tick.duration().as_secs()),
        }
    }
}

fn letter(delivery: usize) -> char {
    char::from(b'A' + u8::try_from(delivery).unwrap_or(25))
}

/// An execution while it is explored.
pub(crate) struct Scene {
    pub(crate) system: LocalSystem,
    pub(crate) gate: Gate,
    pub(crate) deliveries: Vec<Delivery>,
    /// What each of them delivers.
    pub(crate) messages: Vec<Message>,
    pub(crate) limbo: Vec<Waiting>,
    pub(crate) ticks: Vec<Tick>,
    /// When time passed: epochs lie between these.
    pub(crate) ticked_at: Vec<local_aws::Timestamp>,
    pub(crate) faults: u8,
    /// The rotation that is under way.
    token: Option<String>,
    /// The process asks once whether there is a bus: who comes later does not.
    pub(crate) bus_was_seen: bool,
}

impl Scene {
    pub(crate) fn open(prepared: &Prepared, exploration: &Exploration) -> Result<Self, Violation> {
        let options = LocalOptions { start: prepared.at, ..LocalOptions::default() };
        fastrand::seed(options.seed);
        let aws = LocalAws::new(options.seed, Clock::starting_at(options.start));
        aws.restore(prepared.world.clone());
        let gate = Gate::new(aws.clone(), &prepared.lost_keys);
        let system = LocalSystem::wire(aws, &options, &Functions::Between(Rc::new(gate.clone()))).map_err(broken)?;
        system.aws.with_world(nothing_follows);
        let rotates = exploration.messages.contains(&Message::Create);
        let token = if rotates { Some(rotation::begin(&system)?) } else { None };
        rotation::by_hand(&system);
        for message in exploration.messages.iter().filter(|message| **message != Message::Create) {
            let (queue, detail) = (queue_url(message.step()), detail_for(message.step(), &system));
            let mut send = json!({ "QueueUrl": queue, "MessageBody": detail.to_string() });
            if *message == Message::Check {
                send["MessageAttributes"] = json!({ "DelayedCheck": { "DataType": "String", "StringValue": "true" } });
            }
            system.aws.api(ACCOUNT, REGION, "sqs", "SendMessage", send).map_err(broken)?;
        }
        let deliveries = (0..exploration.messages.len()).map(Delivery::new).collect();
        let (limbo, ticks, ticked_at) = (Vec::new(), Vec::new(), Vec::new());
        let messages = exploration.messages.clone();
        Ok(Self { system, gate, deliveries, limbo, ticks, ticked_at, faults: 0, messages, token, bus_was_seen: false })
    }

    /// What may come next; nothing when every delivery has ended.
    pub(crate) fn decisions(&self, exploration: &Exploration) -> Vec<Decision> {
        let waiting = self.gate.waiting();
        let fault_left = self.faults < exploration.faults;
        let with_lifecycle = self.messages.iter().any(|message| message.is_of_lifecycle());
        if let Some(id) = waiting.iter().find(|id| commutes_with_all(id, with_lifecycle)) {
            let mut decisions = vec![Decision::Answer(id.clone())];
            if fault_left {
                decisions.extend([Decision::LoseReply(id.clone()), Decision::Stop(id.delivery)]);
            }
            return decisions;
        }
        let mut decisions: Vec<Decision> = waiting.iter().cloned().map(Decision::Answer).collect();
        let running = || self.deliveries.iter().enumerate().filter(|(_, delivery)| delivery.is_running());
        let asleep = |number: usize| waiting.iter().all(|id| id.delivery != number);
        if running().any(|(number, _)| asleep(number)) {
            decisions.push(Decision::Sleep);
        }
        decisions.extend(self.limbo.iter().map(|call| Decision::ApplyLate(call.id.clone())));
        let next = self.deliveries.iter().position(|delivery| matches!(delivery.phase, Phase::Waiting));
        decisions.extend(next.map(Decision::Begin));
        if fault_left {
            decisions.extend(waiting.iter().cloned().map(Decision::LoseReply));
            decisions.extend(running().map(|(number, _)| Decision::Stop(number)));
        }
        if self.ticks.len() < usize::from(exploration.ticks) {
            decisions.extend(self.tick(next.is_some()).map(Decision::Pass));
        }
        let over = next.is_none() && running().next().is_none();
        if over {
            // What is in limbo may never be applied, so this is an end as well as a state with decisions.
            decisions.retain(|decision| matches!(decision, Decision::ApplyLate(_)));
        }
        decisions
    }

    /// How time may pass here so that somebody can tell: between two deliveries, and, once that has happened, in
    /// the middle of one, which is when a key can come of age.
    fn tick(&self, more_to_begin: bool) -> Option<Tick> {
        let mut running = self.deliveries.iter().filter(|delivery| delivery.is_running()).peekable();
        if running.peek().is_none() {
            return Some(Tick::Long).filter(|_| more_to_begin && self.something_is_young());
        }
        let possible = self.ticks.contains(&Tick::Long) && running.all(|delivery| !delivery.aged);
        Some(Tick::Short).filter(|_| possible)
    }

    /// Whether anything was made so recently that its age can make a difference.
    fn something_is_young(&self) -> bool {
        let now = self.system.aws.now();
        let young = |at: local_aws::Timestamp| now.since(at) < Tick::Long.duration();
        self.system.aws.look(|world| {
            let account = &world.accounts[ACCOUNT];
            let keys = account.iam.users.values().flat_map(|user| &user.access_keys).map(|key| key.created);
            let versions = account.regions[REGION].secrets.by_name.values().flat_map(|secret| &secret.versions);
            let changes = account.regions[REGION].secrets.by_name.values().map(|secret| secret.changed);
            keys.chain(versions.map(|version| version.created)).chain(changes).any(young)
        })
    }

    /// Whether every delivery has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.deliveries.iter().all(|delivery| matches!(delivery.phase, Phase::Ended { .. } | Phase::Stopped))
    }

    pub(crate) async fn carry_out(&mut self, decision: &Decision) -> Result<(), Violation> {
        match decision {
            Decision::Begin(number) => self.begin(*number)?,
            Decision::Answer(id) => {
                if let Some(call) = self.gate.take(id) {
                    self.bus_was_seen |= id.asked.operation == "DescribeEventBus";
                    let answer = self.apply(id.delivery, call.request);
                    let hash = state::of_reply(self, &answer);
                    self.deliveries[id.delivery].replies.insert(id.clone(), hash);
                    let _gone = call.client.send(answer.and_then(reply));
                    self.deliveries[id.delivery].stir();
                }
            }
            Decision::LoseReply(id) => {
                self.faults += 1;
                if let Some(call) = self.gate.take(id) {
                    let _lost = self.apply(id.delivery, call.request);
                    self.deliveries[id.delivery].replies.insert(id.clone(), state::LOST);
                    let _gone = call.client.send(Err(reset()));
                    self.deliveries[id.delivery].stir();
                }
            }
            Decision::Stop(number) => {
                self.faults += 1;
                self.deliveries[*number].stop();
                let sent = self.gate.take_all(*number);
                self.limbo.extend(sent.into_iter().filter(|call| call.id.asked.is_mutating()));
                self.limbo.sort_by(|one, other| one.id.cmp(&other.id));
            }
            Decision::ApplyLate(id) => {
                if let Some(index) = self.limbo.iter().position(|call| call.id == *id) {
                    let call = self.limbo.remove(index);
                    let _unheard = self.apply(id.delivery, call.request);
                }
            }
            Decision::Sleep => sleep_until_one_wakes(&self.deliveries).await,
            Decision::Pass(tick) => {
                // A request is not under way for so long.
                if *tick == Tick::Long {
                    self.limbo.clear();
                }
                self.system.aws.clock().advance(tick.duration());
                self.ticks.push(*tick);
                self.ticked_at.push(self.system.aws.now());
                for delivery in &mut self.deliveries {
                    delivery.aged |= delivery.is_running();
                }
            }
        }
        for (delivery, message) in self.deliveries.iter_mut().zip(&self.messages) {
            if let Some(handle) = delivery.proceed() {
                let delete = json!({ "QueueUrl": queue_url(message.step()), "ReceiptHandle": handle });
                self.system.aws.api(ACCOUNT, REGION, "sqs", "DeleteMessage", delete).map_err(broken)?;
            }
        }
        Ok(())
    }

    /// Has AWS carry out a call, with ids from the delivery's own source.
    fn apply(
        &mut self,
        number: usize,
        request: http::Request<bytes::Bytes>,
    ) -> Result<http::Response<bytes::Bytes>, aws_smithy_runtime_api::client::result::ConnectorError> {
        let ids = &mut self.deliveries[number].ids.ids;
        self.system.aws.with_world(|world| std::mem::swap(&mut world.ids, ids));
        let answer = self.gate.perform(request);
        self.system.aws.with_world(|world| std::mem::swap(&mut world.ids, ids));
        answer
    }

    /// Takes the next message from the queue and starts the function with it.
    fn begin(&mut self, number: usize) -> Result<(), Violation> {
        if let (Some(Message::Create), Some(token)) = (self.messages.get(number), &self.token) {
            let asked = rotation::asked(&self.system, "createSecret", token);
            let lambda = self.system.lambda.clone();
            let running = async move { lambda.invoke("rotate", asked).await };
            self.deliveries[number].begin(number, String::new(), Box::pin(running));
            return Ok(());
        }
        let step = self.messages[number].step();
        let receive = json!({
            "QueueUrl": queue_url(step), "MaxNumberOfMessages": 1,
            "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"],
        });
        let received = self.system.aws.api(ACCOUNT, REGION, "sqs", "ReceiveMessage", receive).map_err(broken)?;
        let message = &received["Messages"][0];
        let attributes = message["MessageAttributes"].as_object().into_iter().flatten();
        let attributes: serde_json::Map<_, _> = attributes
            .map(|(name, value)| {
                (name.clone(), json!({ "stringValue": value["StringValue"], "dataType": value["DataType"] }))
            })
            .collect();
        let record = json!({
            "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
            "attributes": message["Attributes"], "messageAttributes": attributes, "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:org-provisioning-{step}"), "awsRegion": REGION,
        });
        let lambda = self.system.lambda.clone();
        let running = async move { lambda.invoke(step, json!({ "Records": [record] })).await };
        let handle = message["ReceiptHandle"].as_str().unwrap_or_default().to_owned();
        self.deliveries[number].begin(number, handle, Box::pin(running));
        Ok(())
    }

    /// Lets everything settle and judges what is there then.
    pub(crate) async fn settle(&mut self, prepared: &Prepared) -> Result<Vec<Violation>, Violation> {
        self.system.settle().await.map_err(broken)?;
        if let Some(token) = self.token.clone() {
            return self.settle_rotation(prepared, &token).await;
        }
        let trigger = self.trigger();
        let mut aftermath = Aftermath::of(&self.system, trigger, &prepared.world, Vec::new()).await?;
        aftermath.ledger = self.gate.ledger();
        let mut violations = judge::judge(prepared, trigger, false, &aftermath);
        violations.extend(canary::violations(&aftermath));
        Ok(violations)
    }
}

impl Scene {
    /// What was broken so far, whatever comes after.
    pub(crate) fn broken_on_the_way(&self) -> Vec<Violation> {
        let ledger = self.gate.ledger();
        judge::of_ledger(self.trigger(), &ledger).into_iter().chain(canary::seen(&ledger)).collect()
    }

    fn trigger(&self) -> Trigger {
        let of_lifecycle = self.messages.iter().find(|message| message.is_of_lifecycle());
        of_lifecycle.map_or(Trigger::Step("secret"), |message| Trigger::With(message.step()))
    }

    /// Has Secrets Manager try again until the rotation is done, and judges what is there then.
    async fn settle_rotation(&mut self, prepared: &Prepared, token: &str) -> Result<Vec<Violation>, Violation> {
        rotation::finish(&self.system, token).await?;
        let mut aftermath = Aftermath::of(&self.system, Trigger::Step("secret"), &prepared.world, Vec::new()).await?;
        aftermath.ledger = self.gate.ledger();
        let mut violations: Vec<Violation> = aftermath.ledger.violations().cloned().collect();
        violations
            .extend(rotation::states(false, token, rotation::current_key(&prepared.world), &aftermath.after).err());
        violations.extend(canary::violations(&aftermath));
        if let Some(write) = aftermath.writes_when_run_again.first() {
            violations.push(Violation::of(Promise::NothingToDo, write.to_string()));
        }
        Ok(violations)
    }
}

/// Calls that nobody else's calls can tell from later ones: what they read never changes here, and what they write
/// nobody reads before everything settles. In which order they come makes no difference, only what happens to them.
///
/// Beside a command of the lifecycle the user changes. The bucket is that command's alone, and so is what else the user has.
fn commutes_with_all(id: &CallId, with_lifecycle: bool) -> bool {
    match (id.asked.service, id.asked.operation.as_str()) {
        ("iam", "GetUser") => !with_lifecycle,
        ("events", "PutEvents" | "DescribeEventBus") | ("sqs", "SendMessage" | "ChangeMessageVisibility") => true,
        ("s3", _) => with_lifecycle,
        ("iam", other) => {
            with_lifecycle
                && [
                    "GetLoginProfile",
                    "ListUserPolicies",
                    "ListAttachedUserPolicies",
                    "ListGroupsForUser",
                    "ListMFADevices",
                    "ListSigningCertificates",
                    "ListSSHPublicKeys",
                    "ListServiceSpecificCredentials",
                ]
                .contains(&other)
        }
        _ => false,
    }
}

fn queue_url(step: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/org-provisioning-{step}")
}

impl Message {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Check => "check",
            Self::Create => "create",
            Self::Suspend => "suspend",
            Self::Offboard => "offboard",
        }
    }

    /// The step that it is for.
    pub(crate) fn step(self) -> &'static str {
        match self {
            Self::SignUp | Self::Check => "secret",
            Self::Create => "rotate",
            Self::Suspend => "suspend",
            Self::Offboard => "offboard",
        }
    }

    /// Whether it is a command of the lifecycle.
    fn is_of_lifecycle(self) -> bool {
        matches!(self, Self::Suspend | Self::Offboard)
    }

    pub(crate) fn letter(self) -> char {
        match self {
            Self::SignUp => 'S',
            Self::Check => 'C',
            Self::Create => 'R',
            Self::Suspend => 'P',
            Self::Offboard => 'O',
        }
    }

    pub(crate) fn of_letter(letter: char) -> Option<Self> {
        [Self::SignUp, Self::Check, Self::Create, Self::Suspend, Self::Offboard]
            .into_iter()
            .find(|message| message.letter() == letter)
    }
}
