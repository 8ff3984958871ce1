//! Real processes: each is this test executable again, see [`bootstrap`].

mod bootstrap;

use std::cell::RefCell;
use std::future::Future;
use std::time::UNIX_EPOCH;

use futures_util::future::join;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use super::*;
use crate::lambda::Lambda;
use crate::{Clock, LocalAws};

/// Longer than anything here takes, even on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(50);

async fn locally(test: impl Future<Output = ()>) {
    tokio::time::timeout(PATIENCE, LocalSet::new().run_until(test)).await.expect("the test takes too long");
}

type Lines = Rc<RefCell<Vec<String>>>;

struct Fixture {
    lambda: Lambda,
    function: ProcessFunction,
    lines: Lines,
}

impl Fixture {
    /// A function `work` that does in its initialization what `mode` says.
    fn new(mode: &str, change: impl FnOnce(&mut ProcessOptions)) -> Self {
        let lines = Lines::default();
        let heard = Rc::clone(&lines);
        let mut options = ProcessOptions::new("work", &std::env::current_exe().unwrap());
        options.environment = BTreeMap::from([(bootstrap::MODE.to_owned(), mode.to_owned())]);
        options.arguments = bootstrap::ARGUMENTS.map(str::to_owned).to_vec();
        options.lines = Rc::new(move |function, line| {
            assert_eq!(function, "work");
            heard.borrow_mut().push(line.to_owned());
        });
        change(&mut options);
        let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_000_000)));
        let lambda = Lambda::new(aws, "111111111111", "eu-west-1");
        let function = ProcessFunction::new(options);
        lambda.add_function("work", TIMEOUT, function.handler()).unwrap();
        Self { lambda, function, lines }
    }

    async fn invoke(&self, payload: Value) -> Result<Value, FunctionError> {
        self.lambda.invoke("work", payload).await
    }

    async fn pid(&self) -> Pid {
        pid(&self.invoke(json!({ "do": "answer" })).await.unwrap())
    }

    fn heard(&self, line: &str) -> bool {
        self.lines.borrow().iter().any(|heard| heard == line)
    }
}

fn serving() -> Fixture {
    Fixture::new("serve", |_| ())
}

fn pid(answer: &Value) -> Pid {
    Pid::from_raw(i32::try_from(answer["pid"].as_u64().unwrap()).unwrap()).unwrap()
}

/// Waits until a process is gone and its end was collected; the test's time is the bound.
async fn gone(pid: Pid) {
    while test_kill_process(pid).is_ok() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Reads the line that says who connected, and leaves the connection open.
async fn name_of(stream: &TcpStream) -> String {
    let mut name = Vec::new();
    while !name.ends_with(b"\n") {
        stream.readable().await.unwrap();
        let mut bytes = [0; 16];
        if let Ok(count) = stream.try_read(&mut bytes) {
            name.extend(&bytes[..count]);
        }
    }
    String::from_utf8(name).unwrap().trim().to_owned()
}

#[tokio::test]
async fn answers_with_lambdas_environment_and_headers() {
    locally(async {
        let fixture = Fixture::new("serve", |options| {
            options.environment.insert("BUCKET_PREFIX".to_owned(), "acme-".to_owned());
        });
        let answer = fixture.invoke(json!({ "do": "answer" })).await.unwrap();
        let environment = &answer["environment"];
        assert_eq!(environment["AWS_LAMBDA_FUNCTION_NAME"], "work");
        assert_eq!(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "128");
        assert_eq!(environment["AWS_LAMBDA_FUNCTION_VERSION"], "$LATEST");
        assert_eq!(environment["AWS_REGION"], "eu-west-1");
        assert_eq!(environment["_HANDLER"], "bootstrap");
        assert_eq!(environment["BUCKET_PREFIX"], "acme-");
        // Cargo sets it for tests; it must not get through.
        assert_eq!(environment["CARGO_MANIFEST_DIR"], Value::Null);
        let headers = &answer["headers"];
        assert_eq!(
            headers["lambda-runtime-invoked-function-arn"],
            "arn:aws:lambda:eu-west-1:111111111111:function:work"
        );
        let deadline: u64 = headers["lambda-runtime-deadline-ms"].as_str().unwrap().parse().unwrap();
        assert!((1_795_000_050_000..=1_795_000_110_000).contains(&deadline), "{deadline}");
        assert!(headers["lambda-runtime-trace-id"].as_str().unwrap().starts_with("Root=1-6afd8"), "{headers}");
        assert_eq!(fixture.invoke(json!({ "do": "nothing" })).await, Ok(Value::Null));
        assert_eq!(fixture.invoke(json!({ "do": "no json" })).await, Ok(json!("{")));
        assert!(fixture.heard("initialized"));
    })
    .await;
}

#[tokio::test]
async fn a_posted_error_is_the_functions_and_the_process_goes_on() {
    locally(async {
        let fixture = serving();
        let before = fixture.pid().await;
        let error = fixture.invoke(json!({ "do": "error" })).await.unwrap_err();
        assert_eq!((error.error_type.as_str(), error.error_message.as_str()), ("Too.Bad", "on purpose"));
        assert_eq!(fixture.pid().await, before);
    })
    .await;
}

#[tokio::test]
async fn a_process_that_ends_fails_its_invocation_and_no_other() {
    locally(async {
        let fixture = serving();
        let mut before = fixture.pid().await;
        // A panic in a test ends the test executable with 101.
        for (what, status) in [("exit", 3), ("panic", 101)] {
            let error = fixture.invoke(json!({ "do": what })).await.unwrap_err();
            assert_eq!(error.error_type, "Runtime.ExitError");
            let problem = format!(" Error: Runtime exited with error: exit status: {status}");
            assert!(error.error_message.starts_with("RequestId: "), "{}", error.error_message);
            assert!(error.error_message.ends_with(&problem), "{}", error.error_message);
            let after = fixture.pid().await;
            assert_ne!(after, before);
            before = after;
        }
        // What it printed last was told before.
        assert!(fixture.heard("on purpose"), "{:?}", fixture.lines);
        assert!(fixture.invoke(json!({ "do": "answer and exit" })).await.is_ok());
        assert_ne!(fixture.pid().await, before);
    })
    .await;
}

#[tokio::test]
async fn an_idle_process_that_dies_harms_nobody() {
    locally(async {
        let fixture = serving();
        let first = fixture.pid().await;
        kill_process(first, Signal::KILL).unwrap();
        gone(first).await;
        assert_ne!(fixture.pid().await, first);
    })
    .await;
}

#[tokio::test]
async fn a_time_out_kills_the_process_and_the_next_has_a_new_one() {
    locally(async {
        let fixture = serving();
        let pid = fixture.pid().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        fixture.lambda.add_function("work", Duration::from_secs(1), fixture.function.handler()).unwrap();
        let (result, held) =
            join(fixture.invoke(json!({ "do": "wait", "port": port, "name": "slow" })), listener.accept()).await;
        let error = result.unwrap_err();
        assert_eq!(error.error_type, "Sandbox.Timedout");
        assert!(error.error_message.ends_with("Task timed out after 1.00 seconds"), "{}", error.error_message);
        gone(pid).await;
        drop(held);
        fixture.lambda.add_function("work", TIMEOUT, fixture.function.handler()).unwrap();
        assert_ne!(fixture.pid().await, pid);
    })
    .await;
}

#[tokio::test]
async fn a_warm_process_is_used_again() {
    locally(async {
        let fixture = serving();
        let first = fixture.pid().await;
        for _ in 0..20 {
            assert_eq!(fixture.pid().await, first);
        }
    })
    .await;
}

#[tokio::test]
async fn no_more_processes_than_allowed_and_the_others_wait_in_order() {
    locally(async {
        let fixture = Fixture::new("serve", |options| options.most_processes = 2);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let names = ["1", "2", "3", "4", "5"];
        let invocations = names.map(|name| fixture.invoke(json!({ "do": "wait", "port": port, "name": name })));
        let mut running: FuturesUnordered<_> = invocations.into_iter().collect();
        let (mut at_work, mut pids, mut came) = (Vec::new(), Vec::new(), Vec::new());
        while pids.len() < names.len() {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => {
                    came.push(name_of(&stream).await);
                    at_work.push(stream);
                    assert!(at_work.len() <= 2);
                    // All that may be at work are: one of them may go on.
                    if at_work.len() == 2 || came.len() == names.len() {
                        at_work.remove(0);
                    }
                }
                Some(answer) = running.next() => {
                    pids.push(pid(&answer.unwrap()).as_raw_nonzero());
                    if came.len() == names.len() {
                        at_work.clear();
                    }
                }
            }
        }
        pids.sort();
        pids.dedup();
        assert_eq!(pids.len(), 2);
        // The first two start side by side.
        assert_eq!(came[2..], names[2..]);
    })
    .await;
}

#[tokio::test]
async fn a_process_that_does_not_start_says_why() {
    locally(async {
        let cases = [
            ("init-error", "Config.Missing", "no such table"),
            ("init-exit", "Runtime.ExitError", "Error: Runtime exited with error: exit status: 7"),
            ("init-hang", "Sandbox.Timedout", "Error: Initialization timed out after 0.50 seconds"),
        ];
        for (mode, error_type, message) in cases {
            let fixture = Fixture::new(mode, |options| {
                if mode == "init-hang" {
                    options.init_limit = Duration::from_millis(500);
                }
            });
            for _ in 0..2 {
                let error = fixture.invoke(json!({ "do": "answer" })).await.unwrap_err();
                assert_eq!(error.error_type, error_type);
                assert!(error.error_message.ends_with(message), "{}", error.error_message);
            }
            fixture.function.shut_down().await;
        }
        let fixture = Fixture::new("serve", |options| options.executable = PathBuf::from("/nowhere/bootstrap"));
        let error = fixture.invoke(json!({})).await.unwrap_err();
        assert_eq!(error.error_type, "Runtime.InvalidEntrypoint");
        assert!(error.error_message.contains("/nowhere/bootstrap"), "{}", error.error_message);
    })
    .await;
}

#[tokio::test]
async fn the_runtime_api_refuses_misuse() {
    locally(async {
        let fixture = serving();
        let error = fixture.invoke(json!({ "do": "misuse" })).await.unwrap_err();
        assert_eq!(error.error_type, "Function.ResponseSizeTooLarge");
        assert!(fixture.heard("refused [400, 403, 403, 404, 413]"), "{:?}", fixture.lines);
    })
    .await;
}

#[tokio::test]
async fn shutting_down_ends_idle_processes_by_sigterm() {
    locally(async {
        let fixture = serving();
        let pid = fixture.pid().await;
        let Fixture { lambda, function, lines } = fixture;
        function.shut_down().await;
        assert!(test_kill_process(pid).is_err());
        assert!(lines.borrow().iter().any(|line| line == "SIGTERM"), "{lines:?}");
        let late = lambda.invoke("work", json!({ "do": "answer" })).await.unwrap_err();
        assert_eq!(late.error_type, "Sandbox.ShuttingDown");
    })
    .await;
}

#[tokio::test]
async fn shutting_down_kills_what_does_not_end() {
    locally(async {
        let fixture = Fixture::new("stubborn", |_| ());
        let pid = fixture.pid().await;
        let Fixture { function, lines, .. } = fixture;
        function.shut_down().await;
        assert!(test_kill_process(pid).is_err());
        assert!(lines.borrow().iter().any(|line| line == "SIGTERM"), "{lines:?}");
    })
    .await;
}

#[tokio::test]
async fn shutting_down_lets_what_is_at_work_answer() {
    locally(async {
        let fixture = serving();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let Fixture { lambda, function, .. } = fixture;
        let payload = json!({ "do": "wait", "port": port, "name": "last" });
        let working = tokio::task::spawn_local(async move { lambda.invoke("work", payload).await });
        let (held, _) = listener.accept().await.unwrap();
        assert_eq!(name_of(&held).await, "last");
        let ((), answer) = join(function.shut_down(), async {
            drop(held);
            working.await.unwrap()
        })
        .await;
        assert!(test_kill_process(pid(&answer.unwrap())).is_err());
    })
    .await;
}
