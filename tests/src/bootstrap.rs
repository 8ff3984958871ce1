//! Starting a built function as Lambda starts it, and judging its answers: what each function's own test does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use contract::StepSpec;
use local_aws::lambda::processes::{ProcessFunction, ProcessOptions};
use local_aws::lambda::{FunctionError, Lambda};
use local_aws::{Clock, Fault, FaultPlan, LocalAws, Server};
use local_system::{Functions, LocalOptions, LocalSystem};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::{adoption, command, lifecycle_command};

/// The functions' timeout in production.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A timeout that is worth waiting for, since time is real here. A run is begun with 5 s left, and stopped 2 s
/// before the end.
const SHORT_TIMEOUT: Duration = Duration::from_secs(8);
/// The steps in the order in which an organization meets them.
const ORDER: [&str; 5] = ["iam-user", "bucket", "bucket-policy", "secret", "verify"];

/// Everything that a built function has to do as a process: its resource, each trigger shape, a bad message among
/// good ones, a named error, a time-out, SIGTERM, an environment that is not complete.
pub fn check(spec: StepSpec, executable: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        answers(spec, executable).await;
        refuses_an_incomplete_environment(spec, executable).await;
    });
}

/// What a built `rotate` has to do as a process: the four steps of a rotation as Secrets Manager asks for them, a named
/// error, an environment that is not complete.
pub fn check_rotation(executable: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let spec = rotate_spec();
    LocalSet::new().block_on(&runtime, async {
        let (bench, lines) = Process::start(spec, executable, &[]).await;
        for before in ORDER {
            bench.system.invoke(before, command("abc")).await.unwrap();
        }
        let (secret, token) = crate::begin_rotation(&bench.system, "abc");
        for step in ["createSecret", "setSecret", "testSecret", "finishSecret", "finish_secret"] {
            let asked = json!({ "Step": step, "SecretId": secret, "ClientRequestToken": token });
            let answer = bench.invoke(asked).await.unwrap();
            assert_eq!(answer["step"], "rotate", "{answer}");
        }
        let early = json!({ "orgId": "abc", "action": "retireKey", "token": token });
        assert_eq!(bench.invoke(early).await.unwrap_err().error_type, "in-progress");
        assert_eq!(bench.invoke(command("abc")).await.unwrap_err().error_type, "invalid-field");
        assert!(lines.borrow().iter().any(|line| line.contains("\"event\":\"completed\"")), "JSON logs: {lines:?}");
        let secrets = bench.system.aws.look(|world| {
            let users = world.accounts.values().flat_map(|account| account.iam.users.values());
            users.flat_map(|user| user.access_keys.iter().map(|key| key.secret.clone())).collect::<Vec<_>>()
        });
        assert_eq!(secrets.len(), 2);
        let seen = secrets.iter().any(|secret| lines.borrow().iter().any(|line| line.contains(&secret[..12])));
        assert!(!seen, "a secret is in a log line");
        bench.function.shut_down().await;
        assert!(!running(executable), "SIGTERM ended it");
        refuses_an_incomplete_environment(spec, executable).await;
    });
}

/// The same for a step of the lifecycle: its work, each trigger shape, a bad message among good ones, a named error,
/// SIGTERM, an environment that is not complete.
pub fn check_lifecycle(spec: StepSpec, executable: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        ends_what_was_begun(spec, executable).await;
        refuses_an_incomplete_environment(spec, executable).await;
    });
}

/// The same for what only looks: its work on an organization that is there, a batch with a bad message, a named error, no
/// secret in the logs, SIGTERM, an environment that is not complete.
pub fn check_looking(spec: StepSpec, executable: &str, detail: &Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let (bench, lines) = Process::start(spec, executable, &[]).await;
        for before in ORDER {
            bench.system.invoke(before, command("abc")).await.unwrap();
        }
        let answer = bench.invoke(detail.clone()).await.unwrap();
        assert_eq!((&answer["step"], &answer["outcome"]), (&json!(spec.name), &json!("unchanged")), "{answer}");
        let kept = bench.invoke(batch(spec.name, &[detail.to_string(), "not json".to_owned()])).await.unwrap();
        assert_eq!(kept, json!({ "batchItemFailures": [] }), "the bad one is in the dead-letter queue");
        assert_eq!(bench.system.take_dead_letters(spec.name).unwrap()[0]["Body"], "not json");
        assert_eq!(bench.invoke(json!({})).await.unwrap_err().error_type, "invalid-field");
        assert!(lines.borrow().iter().any(|line| line.contains("\"event\":\"completed\"")), "JSON logs: {lines:?}");
        let secret = bench.stored_secret();
        assert!(!lines.borrow().iter().any(|line| line.contains(&secret[..12])), "the secret is in a log line");
        bench.function.shut_down().await;
        assert!(!running(executable), "SIGTERM ended it");
        refuses_an_incomplete_environment(spec, executable).await;
    });
}

fn rotate_spec() -> StepSpec {
    let spec = local_system::registry::functions().map(|step| step.spec).find(|spec| spec.name == "rotate");
    spec.unwrap()
}

async fn ends_what_was_begun(spec: StepSpec, executable: &str) {
    let (bench, lines) = Process::start(spec, executable, &[]).await;
    let step = spec.name;
    let detail = if step == "adopt" {
        adoption::everything(&bench.system, "abc").await;
        adoption::detail(&bench.system, "abc")
    } else {
        for before in ORDER {
            bench.system.invoke(before, command("abc")).await.unwrap();
        }
        lifecycle_command("abc")
    };
    if step == "resume" {
        bench.system.invoke("suspend", detail.clone()).await.unwrap();
    }
    let mut event = envelope(&detail);
    event["detail-type"] = json!(spec.triggers[0]);
    for (payload, outcome) in [(&detail, "updated"), (&detail, "unchanged"), (&event, "unchanged")] {
        let answer = bench.invoke(payload.clone()).await.unwrap();
        assert_eq!((&answer["step"], &answer["outcome"]), (&json!(step), &json!(outcome)), "{payload}");
    }
    let bodies = [detail.to_string(), "not json".to_owned(), event.to_string()];
    let kept = bench.invoke(batch(step, &bodies)).await.unwrap();
    assert_eq!(kept, json!({ "batchItemFailures": [] }), "the bad one is in the dead-letter queue");
    assert_eq!(bench.system.take_dead_letters(step).unwrap()[0]["Body"], "not json");
    let named = bench.invoke(json!({ "orgId": "Abc", "environment": "production" })).await.unwrap_err();
    assert_eq!(named.error_type, "invalid-field");
    let other = bench.invoke(envelope(&detail)).await.unwrap();
    assert_eq!(other["error"]["code"], "malformed-event", "a sign-up is no command of this step's: {other}");
    assert!(lines.borrow().iter().any(|line| line.contains("\"event\":\"completed\"")), "JSON logs: {lines:?}");
    assert!(running(executable), "a process is kept warm");
    bench.function.shut_down().await;
    assert!(!running(executable), "SIGTERM ended it");
}

async fn answers(spec: StepSpec, executable: &str) {
    let (bench, lines) = Process::start(spec, executable, &[]).await;
    let step = spec.name;
    for before in ORDER.into_iter().take_while(|other| *other != step) {
        bench.system.invoke(before, command("abc")).await.unwrap();
    }
    let first = bench.invoke(command("abc")).await.unwrap();
    assert_eq!(first["outcome"], if step == "verify" { "unchanged" } else { "created" }, "{first}");
    for after in ORDER.into_iter().skip_while(|other| *other != step).skip(1) {
        bench.system.invoke(after, command("abc")).await.unwrap();
    }
    for payload in [command("abc"), envelope(&command("abc")), completion("abc")] {
        let answer = bench.invoke(payload.clone()).await.unwrap();
        assert_eq!((&answer["step"], &answer["outcome"]), (&json!(step), &json!("unchanged")), "{payload}");
    }
    let bodies = [command("abc").to_string(), "not json".to_owned(), envelope(&command("abc")).to_string()];
    let kept = bench.invoke(batch(step, &bodies)).await.unwrap();
    assert_eq!(kept, json!({ "batchItemFailures": [] }), "the bad one is in the dead-letter queue");
    assert_eq!(bench.system.take_dead_letters(step).unwrap()[0]["Body"], "not json");

    let named = bench.invoke(json!({ "orgId": "Abc", "environment": "production" })).await.unwrap_err();
    assert_eq!(named.error_type, "invalid-field");

    assert!(lines.borrow().iter().any(|line| line.contains("\"event\":\"completed\"")), "JSON logs: {lines:?}");
    let secret = bench.system.aws.look(|world| {
        let users = world.accounts.values().flat_map(|account| account.iam.users.values());
        users.flat_map(|user| user.access_keys.iter().map(|key| key.secret.clone())).next().unwrap()
    });
    assert!(!lines.borrow().iter().any(|line| line.contains(&secret[..12])), "the secret is in a log line");

    // Every call of the step hangs for longer than the function may run; the process is killed for it.
    bench.limit(SHORT_TIMEOUT);
    let hanging = ["GetUser", "ListBuckets", "GetBucketTagging"];
    let plan = hanging.iter().fold(FaultPlan::default(), |plan, operation| {
        (1..=3).fold(plan, |plan, nth| plan.on(operation, nth, Fault::Delay(SHORT_TIMEOUT * 2)))
    });
    bench.system.aws.plan_faults(plan);
    let stopped = bench.invoke(command("abc")).await.unwrap_err();
    assert!(
        ["out-of-time", "service-unavailable", "Sandbox.Timedout"].contains(&stopped.error_type.as_str()),
        "{stopped:?}"
    );
    bench.system.aws.plan_faults(FaultPlan::default());
    assert!(bench.invoke(command("abc")).await.is_ok(), "the next invocation has a process");

    assert!(running(executable), "a process is kept warm");
    bench.function.shut_down().await;
    assert!(!running(executable), "SIGTERM ended it");
}

/// Whether any process of this binary is there. Each function's test has a binary of its own.
fn running(executable: &str) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let binaries = processes.filter_map(|entry| std::fs::read_link(entry.ok()?.path().join("exe")).ok());
    binaries.into_iter().any(|binary| binary == Path::new(executable))
}

async fn refuses_an_incomplete_environment(spec: StepSpec, executable: &str) {
    let (bench, lines) = Process::start(spec, executable, &["ACCOUNT_CLASS"]).await;
    let refused = bench.invoke(command("abc")).await.unwrap_err();
    assert_eq!(refused.error_type, "Runtime.ExitError", "{refused:?}");
    assert!(lines.borrow().iter().any(|line| line.contains("ACCOUNT_CLASS")), "{lines:?}");
    bench.function.shut_down().await;
}

/// A local AWS over HTTP, with one function as a process.
struct Process {
    system: LocalSystem,
    lambda: Lambda,
    function: ProcessFunction,
    step: &'static str,
}

impl Process {
    async fn start(spec: StepSpec, executable: &str, without: &[&str]) -> (Self, Rc<RefCell<Vec<String>>>) {
        #[expect(clippy::disallowed_methods, reason = "here time is real")]
        let aws = LocalAws::new(7, Clock::starting_at(SystemTime::now()));
        let server = Server::bind(aws.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
        let endpoint = format!("http://{}", server.address().unwrap());
        tokio::task::spawn_local(server.run());
        let system = LocalSystem::wire(aws.clone(), &LocalOptions::default(), &Functions::InProcess).unwrap();

        let lines: Rc<RefCell<Vec<String>>> = Rc::default();
        let heard = Rc::clone(&lines);
        let mut options = ProcessOptions::new(spec.name, Path::new(executable));
        options.environment = environment(spec.name, &endpoint);
        for name in without {
            options.environment.remove(*name);
        }
        options.lines = Rc::new(move |_, line| heard.borrow_mut().push(line.to_owned()));
        let function = ProcessFunction::new(options);
        let lambda = Lambda::new(aws, "111111111111", "us-east-1");
        lambda.add_function(spec.name, TIMEOUT, function.handler()).unwrap();
        (Self { system, lambda, function, step: spec.name }, lines)
    }

    /// The secret access key of the only user.
    fn stored_secret(&self) -> String {
        self.system.aws.look(|world| {
            let users = world.accounts.values().flat_map(|account| account.iam.users.values());
            users.flat_map(|user| user.access_keys.iter().map(|key| key.secret.clone())).next().unwrap()
        })
    }

    /// Gives the function another timeout from now on.
    fn limit(&self, timeout: Duration) {
        self.lambda.add_function(self.step, timeout, self.function.handler()).unwrap();
    }

    async fn invoke(&self, payload: Value) -> Result<Value, FunctionError> {
        self.lambda.invoke(self.step, payload).await
    }
}

fn environment(step: &str, endpoint: &str) -> BTreeMap<String, String> {
    let dead_letters = format!("{endpoint}/111111111111/org-provisioning-{step}-dlq");
    [
        ("EXPECTED_ACCOUNT_ID", "111111111111"),
        ("ACCOUNT_CLASS", "production"),
        ("DEAD_LETTER_QUEUE_URL", &dead_letters),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "111111111111"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL", endpoint),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// An `OrgCreated` event as EventBridge delivers it.
pub fn envelope(detail: &Value) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "OrgCreated", "source": "org-signup", "account": "111111111111",
        "time": "2026-11-22T10:00:00Z", "region": "us-east-1", "resources": [], "detail": detail,
    })
}

/// A completion event that carries the command along.
fn completion(org: &str) -> Value {
    let mut event = envelope(&json!({ "schemaVersion": 1, "eventId": "e", "step": "s", "request": command(org) }));
    event["source"] = json!("org-provisioner");
    event["detail-type"] = json!("IamUserProvisioned");
    event
}

/// A batch as Lambda makes it of these bodies; message ids are `m0`, `m1`, ...
pub fn batch(step: &str, bodies: &[String]) -> Value {
    let record = |(n, body): (usize, &String)| {
        json!({
            "messageId": format!("m{n}"), "receiptHandle": format!("handle-{n}"), "body": body,
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {}, "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:111111111111:org-provisioning-{step}"),
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}
