//! `orgctl local serve` as its clients see it: another process, over HTTP, with the AWS SDK.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use common::{Serve, eventually, listen, on_a_runtime, receive, sign_up, stored_key};
use serde_json::{Value, json};

#[test]
fn an_event_put_by_any_client_provisions_the_organization() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        let admin = serve.admin();
        let mine = listen(&admin, "mine", "OrgProvisioned").await;
        sign_up(&admin, &["acme".to_owned()]).await;
        let key = eventually("the key", async || stored_key(&admin, "acme").await).await;
        let event = eventually("OrgProvisioned", async || receive(&admin, &mine).await.pop()).await;
        assert_eq!(event["detail"]["orgId"], "acme");

        let text = |field: &str| key[field].as_str().unwrap().to_owned();
        let theirs = serve.config(&text("accessKeyId"), &text("secretAccessKey"), "us-east-1");
        let theirs = aws_sdk_s3::Client::new(&theirs);
        theirs.put_object().bucket("fusion-rms-acme").key("pub/a").body(b"hello".to_vec().into()).send().await.unwrap();
        assert!(theirs.list_buckets().send().await.is_err());
        let anonymous = tokio::task::spawn_blocking({
            let url = serve.endpoint.clone();
            move || (http_get(&url, "/fusion-rms-acme/pub/a"), http_get(&url, "/fusion-rms-acme/sync"))
        });
        let (public, private) = anonymous.await.unwrap();
        assert!(public.starts_with("HTTP/1.1 200") && public.ends_with("hello"), "{public}");
        assert!(private.starts_with("HTTP/1.1 403"), "{private}");

        let stranger = aws_sdk_s3::Client::new(&serve.config("222222222222", "x", "us-east-1"));
        let taken = stranger.create_bucket().bucket("fusion-rms-acme").send().await.unwrap_err();
        assert!(taken.as_service_error().unwrap().is_bucket_already_exists());

        // Another region has a bus of its own.
        let elsewhere = serve.config("111111111111", "x", "eu-central-1");
        sign_up(&elsewhere, &["globex".to_owned()]).await;
        eventually("the other region", async || stored_key(&elsewhere, "globex").await).await;
    });
    assert!(serve.interrupt().success());
}

fn http_get(endpoint: &str, path: &str) -> String {
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_bad_message_ends_in_the_dead_letter_queue_and_its_neighbours_are_done() {
    let serve = Serve::start(&[]);
    on_a_runtime(async {
        let admin = serve.admin();
        let sqs = aws_sdk_sqs::Client::new(&admin);
        let url = async |name: &str| sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap();
        let queue = url("org-provisioning-iam-user").await;
        for body in [
            json!({ "orgId": "good1", "environment": "production" }).to_string(),
            "broken".to_owned(),
            json!({ "orgId": "good2", "environment": "production" }).to_string(),
        ] {
            sqs.send_message().queue_url(&queue).message_body(body).send().await.unwrap();
        }
        let dead_letters = url("org-provisioning-iam-user-dlq").await;
        let kept = tokio::time::timeout(Duration::from_secs(10), async {
            eventually("the dead letter", async || receive(&admin, &dead_letters).await.pop()).await
        });
        assert_eq!(kept.await.expect("within 10 s"), Value::Null, "the body is not JSON, as it was sent");
        let iam = aws_sdk_iam::Client::new(&admin);
        for org in ["good1", "good2"] {
            let user = format!("rms_{org}");
            eventually(&user, async || iam.get_user().user_name(&user).send().await.ok()).await;
        }
    });
}

#[test]
fn a_snapshot_keeps_the_state_from_one_start_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let file = file.to_str().unwrap();
    let serve = Serve::start(&["--snapshot", file]);
    let before = on_a_runtime(async {
        sign_up(&serve.admin(), &["acme".to_owned()]).await;
        eventually("the key", async || stored_key(&serve.admin(), "acme").await).await
    });
    assert!(serve.interrupt().success());
    let serve = Serve::start(&["--snapshot", file]);
    let after = on_a_runtime(async { stored_key(&serve.admin(), "acme").await });
    assert_eq!(after, Some(before));
}

#[test]
fn a_busy_port_is_a_clear_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_orgctl")).args(["local", "serve", "--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")) && said.contains("--port"), "{said}");
}

#[test]
fn functions_that_are_not_built_are_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let functions = folder.path().to_str().unwrap();
    let arguments = ["local", "serve", "--port", "0", "--functions", functions];
    let output = Command::new(env!("CARGO_BIN_EXE_orgctl")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cargo build"));
}

/// All of a crowd that signs up at once is provisioned, with one key each. Time and memory are printed, not judged.
#[test]
fn a_burst_of_five_hundred_organizations_is_held() {
    let serve = Serve::start(&[]);
    let begun = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    on_a_runtime(async {
        let admin = serve.admin();
        let mine = listen(&admin, "mine", "OrgProvisioned").await;
        let orgs: Vec<String> = (0..500).map(|n| format!("org{n}")).collect();
        sign_up(&admin, &orgs).await;
        let provisioned = std::cell::RefCell::new(std::collections::BTreeSet::new());
        eventually("500 times OrgProvisioned", async || {
            let events = receive(&admin, &mine).await;
            let ids = events.iter().map(|event| event["detail"]["orgId"].as_str().unwrap_or_default().to_owned());
            provisioned.borrow_mut().extend(ids);
            (provisioned.borrow().len() == orgs.len()).then_some(())
        })
        .await;
        let iam = aws_sdk_iam::Client::new(&admin);
        for org in &orgs {
            let keys = iam.list_access_keys().user_name(format!("rms_{org}")).send().await.unwrap().access_key_metadata;
            assert_eq!(keys.len(), 1, "{org}");
        }
    });
    let took = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - begun;
    let status = std::fs::read_to_string(format!("/proc/{}/status", serve.pid())).unwrap_or_default();
    let memory = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("memory not known here").to_owned();
    // Past the test runner's capture, which would keep it from the reader.
    writeln!(std::io::stderr(), "500 organizations in {:.1} s; {memory}", took.as_secs_f64()).unwrap();
}
