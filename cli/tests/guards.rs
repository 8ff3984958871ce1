//! What every command that speaks to AWS does before anything else: ask whose credentials it has, on the way that the
//! environment names, and refuse the root user.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::thread::JoinHandle;

use common::{command_at, stderr, stdout};

const ROOT: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:root</Arn><UserId>111111111111</UserId>\
    <Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

/// A server that answers whatever it is asked as STS answers a root user.
struct Stub {
    address: SocketAddr,
    thread: JoinHandle<Vec<String>>,
}

impl Stub {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            // A connection that asks nothing ends it.
            let asked = listener.incoming().map_while(|connection| answer(connection.unwrap()));
            asked.collect()
        });
        Self { address, thread }
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request's first line and body. Connections are accepted in the order in which they were made, so what was
    /// asked before this is in it.
    fn asked(self) -> Vec<String> {
        drop(TcpStream::connect(self.address).unwrap());
        self.thread.join().unwrap()
    }
}

fn answer(connection: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(&connection);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let first = line();
    if first.is_empty() {
        return None;
    }
    let head: Vec<String> = std::iter::from_fn(|| Some(line()).filter(|line| !line.is_empty())).collect();
    let length = head.iter().find_map(|header| {
        let (name, value) = header.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\nconnection: close\r\ncontent-length: {}", ROOT.len());
    write!(&connection, "{head}\r\n\r\n{ROOT}").unwrap();
    Some(format!("{first} {}", String::from_utf8(body).unwrap()))
}

/// The command is refused for the root user, after the one question who that is.
fn refused(stub: Stub, mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{command:?}: {}", stderr(&output));
    assert!(stderr(&output).contains("root user"), "{command:?}: {}", stderr(&output));
    assert_eq!(stdout(&output), "", "{command:?}");
    let mut asked = stub.asked();
    assert_eq!(asked.len(), 1, "{command:?}: {asked:?}");
    let question = asked.pop().unwrap();
    assert!(question.contains("Action=GetCallerIdentity"), "{command:?}: {question}");
    question
}

#[test]
fn no_command_does_anything_for_the_root_user() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    std::fs::write(&file, r#"{"orgId":"acme","environment":"production"}"#).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["plan", "--org", "acme"][..],
        &["plan", "--all"],
        &["status", "--org", "acme"],
        &["status", "--org", "acme", "--watch"],
        &["submit", "--org", "acme", "--environment", "production"],
        &["submit", file],
        &["submit", file, "--plan"],
        &["checklist", "--org", "acme"],
        &["checklist", "--all"],
        &["replay", "dead-letters", "--yes"],
        &["replay", "dead-letters", "--list"],
        &["replay", "file", file, "--yes"],
        &["replay", "archive", "--since", "2h", "--yes"],
    ] {
        let stub = Stub::start();
        let command = command_at(&stub.endpoint(), arguments);
        refused(stub, command);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no journal was begun");
}

#[test]
fn the_way_goes_through_the_proxy_that_the_environment_names() {
    let stub = Stub::start();
    let mut command = command_at("http://aws.invalid", &["plan", "--org", "acme"]);
    command.env("HTTP_PROXY", stub.endpoint());
    let question = refused(stub, command);
    assert!(question.starts_with("POST http://aws.invalid/"), "{question}");

    let (stub, proxy) = (Stub::start(), Stub::start());
    let mut command = command_at(&stub.endpoint(), &["plan", "--org", "acme"]);
    command.env("HTTP_PROXY", proxy.endpoint()).env("NO_PROXY", "127.0.0.1");
    refused(stub, command);
    assert_eq!(proxy.asked(), Vec::<String>::new());
}

#[test]
fn certificates_that_cannot_be_read_are_told_before_anything_is_asked() {
    let stub = Stub::start();
    let mut command = command_at(&stub.endpoint(), &["plan", "--org", "acme"]);
    let output = command.env("AWS_CA_BUNDLE", "/no/such/file").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("AWS_CA_BUNDLE names \"/no/such/file\", which cannot be read"),
        "{}",
        stderr(&output)
    );
    assert_eq!(stub.asked(), Vec::<String>::new());
}

#[test]
fn a_variable_that_is_no_text_is_nothing_to_us() {
    let stub = Stub::start();
    let mut command = command_at(&stub.endpoint(), &["plan", "--org", "acme"]);
    command.env("SOMEBODY_ELSES", OsStr::from_bytes(b"\xff"));
    refused(stub, command);
}
