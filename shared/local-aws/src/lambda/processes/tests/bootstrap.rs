//! The functions' process in these tests: this test executable once more, with an environment variable that
//! makes the one test in here act as a bootstrap.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use serde_json::{Value, json};

/// Says what to do before the first invocation; without it this is no bootstrap.
pub(super) const MODE: &str = "TEST_BOOTSTRAP";
/// Runs nothing but the bootstrap below.
pub(super) const ARGUMENTS: [&str; 3] =
    ["lambda::processes::tests::bootstrap::bootstrap_main", "--exact", "--nocapture"];

#[test]
fn bootstrap_main() {
    match variable(MODE).as_str() {
        "" => return,
        "init-error" => {
            let error = json!({ "errorType": "Config.Missing", "errorMessage": "no such table" });
            assert_eq!(call("POST", "init/error", &error.to_string()).status, 202);
            std::process::exit(1);
        }
        "init-exit" => std::process::exit(7),
        "init-hang" => hang(),
        mode => hear_sigterm(mode == "stubborn"),
    }
    writeln!(io::stdout(), "initialized").unwrap();
    loop {
        let invocation = call("GET", "invocation/next", "");
        assert_eq!(invocation.status, 200);
        let id = invocation.header("lambda-runtime-aws-request-id");
        let payload: Value = serde_json::from_str(&invocation.body).unwrap();
        let (outcome, answer) = perform(&payload, &invocation);
        assert_eq!(call("POST", &format!("invocation/{id}/{outcome}"), &answer).status, 202);
        if payload["do"] == "answer and exit" {
            std::process::exit(1);
        }
    }
}

fn perform(payload: &Value, invocation: &Reply) -> (&'static str, String) {
    match payload["do"].as_str().unwrap() {
        "error" => {
            return (
                "error",
                json!({ "errorType": "Too.Bad", "errorMessage": "on purpose", "stackTrace": [] }).to_string(),
            );
        }
        "no json" => return ("response", "{".to_owned()),
        "nothing" => return ("response", String::new()),
        "panic" => panic!("on purpose"),
        "exit" => std::process::exit(3),
        "wait" => {
            let port = u16::try_from(payload["port"].as_u64().unwrap()).unwrap();
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            writeln!(stream, "{}", payload["name"].as_str().unwrap()).unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        }
        "misuse" => {
            let id = invocation.header("lambda-runtime-aws-request-id");
            let calls = [
                call("POST", "invocation/none/response", "{}"),
                call("GET", "invocation/next", ""),
                call("POST", "init/error", "{}"),
                call("GET", "invocation", ""),
                call("POST", &format!("invocation/{id}/response"), &"x".repeat(7_000_000)),
            ];
            // The invocation has its answer by now, so this process may as well end.
            writeln!(io::stderr(), "refused {:?}", calls.map(|reply| reply.status)).unwrap();
            std::process::exit(0);
        }
        _ => {}
    }
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let environment: serde_json::Map<String, Value> =
        environment.into_iter().map(|(name, value)| (name, value.into())).collect();
    let headers: serde_json::Map<String, Value> =
        invocation.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let answer = json!({ "pid": std::process::id(), "environment": environment, "headers": headers });
    ("response", answer.to_string())
}

/// Prints a line when SIGTERM comes, and ends unless `stubborn`.
fn hear_sigterm(stubborn: bool) {
    let (ready, listens) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kind = tokio::signal::unix::SignalKind::terminate();
            let mut signals = tokio::signal::unix::signal(kind).unwrap();
            ready.send(()).unwrap();
            while signals.recv().await.is_some() {
                writeln!(io::stdout(), "SIGTERM").unwrap();
                if !stubborn {
                    std::process::exit(0);
                }
            }
        });
    });
    listens.recv().unwrap();
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn variable(name: &str) -> String {
    std::env::var_os(name).unwrap_or_default().into_string().unwrap()
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str()).unwrap()
    }
}

fn call(method: &str, path: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(variable("AWS_LAMBDA_RUNTIME_API")).unwrap();
    let length = body.len();
    let head = format!("{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: runtime\r\nConnection: close\r\n");
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Reply { status, headers: headers.collect(), body: body.to_owned() }
}
