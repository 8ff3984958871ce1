//! `orgctl replay dead-letters` against a served AWS, interruptions included.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use std::collections::BTreeMap;
use std::process::{Child, Stdio};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use common::{Serve, eventually, json_lines, listen, on_a_runtime, provision, receive, sign_up, stderr, stdout};
use serde_json::json;

async fn queue_url(sqs: &Client, name: &str) -> String {
    sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap()
}

/// Messages in a queue, those that somebody has received included.
async fn messages(sqs: &Client, name: &str) -> usize {
    let url = queue_url(sqs, name).await;
    let names =
        [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible];
    let answer = sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec())).send().await;
    let attributes = answer.unwrap().attributes.unwrap();
    names.iter().map(|name| attributes[name].parse::<usize>().unwrap()).sum()
}

async fn bury(sqs: &Client, step: &str, body: &str, code: Option<&str>) {
    let url = queue_url(sqs, &format!("org-provisioning-{step}-dlq")).await;
    let mut request = sqs.send_message().queue_url(url).message_body(body);
    if let Some(code) = code {
        let value = MessageAttributeValue::builder().data_type("String").string_value(code).build().unwrap();
        request = request.message_attributes("ErrorCode", value);
    }
    request.send().await.unwrap();
}

#[test]
fn what_was_mended_is_sent_back_and_then_provisioned() {
    let serve = Serve::start(&[]);
    let (admin, sqs) = (serve.admin(), Client::new(&serve.admin()));
    let s3 = aws_sdk_s3::Client::new(&admin);
    let tag = |owner: &str| {
        let tag = aws_sdk_s3::types::Tag::builder().key("OrgId").value(owner).build().unwrap();
        aws_sdk_s3::types::Tagging::builder().tag_set(tag).build().unwrap()
    };
    on_a_runtime(async {
        s3.create_bucket().bucket("fusion-rms-acme").send().await.unwrap();
        s3.put_bucket_tagging().bucket("fusion-rms-acme").tagging(tag("somebodyelse")).send().await.unwrap();
        sign_up(&admin, &["acme".to_owned()]).await;
        let kept = async || (messages(&sqs, "org-provisioning-bucket-dlq").await == 1).then_some(());
        eventually("a dead letter", kept).await;
    });
    let list = serve.orgctl(&["replay", "dead-letters", "--list"]);
    assert_eq!(list.status.code(), Some(0), "{}", stderr(&list));
    assert!(stdout(&list).contains("acme") && stdout(&list).contains("not-ours"), "{}", stdout(&list));
    let document = json_lines(&serve.orgctl(&["replay", "dead-letters", "--list", "--json"])).pop().unwrap();
    assert_eq!(document["deadLetters"][0]["errorCode"], "not-ours");
    assert_eq!(document["deadLetters"][0]["errorClass"], "conflict");

    let plan = serve.orgctl(&["replay", "dead-letters", "--plan"]);
    assert_eq!(plan.status.code(), Some(3), "{}", stderr(&plan));
    assert!(stdout(&plan).contains("acme: would be refused"), "{}", stdout(&plan));
    let nobody = serve.orgctl(&["replay", "dead-letters"]);
    assert_eq!(nobody.status.code(), Some(2), "there is no terminal to ask on");
    on_a_runtime(async {
        assert_eq!(messages(&sqs, "org-provisioning-bucket-dlq").await, 1, "so far it was only looked at");
        s3.put_bucket_tagging().bucket("fusion-rms-acme").tagging(tag("acme")).send().await.unwrap();
    });
    let plan = serve.orgctl(&["replay", "dead-letters", "--plan", "--json"]);
    assert_eq!(json_lines(&plan)[0]["verdict"], "repair", "{}", stdout(&plan));
    let heard = on_a_runtime(listen(&admin, "heard", "OrgProvisioned"));
    let sent = serve.orgctl(&["replay", "dead-letters", "--step", "bucket", "--error-code", "not-ours", "--yes"]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    assert_eq!(stdout(&sent), "1 messages sent back\n");
    on_a_runtime(async {
        eventually("OrgProvisioned", async || (!receive(&admin, &heard).await.is_empty()).then_some(())).await;
        assert_eq!(messages(&sqs, "org-provisioning-bucket-dlq").await, 0);
    });
    let nothing = serve.orgctl(&["replay", "dead-letters", "--step", "bucket", "--yes"]);
    assert_eq!(nothing.status.code(), Some(0));
    assert_eq!(stdout(&nothing), "0 messages sent back\n");
}

#[test]
fn only_what_is_picked_is_sent_and_the_rest_stays_visible() {
    let serve = Serve::start(&[]);
    let sqs = Client::new(&serve.admin());
    on_a_runtime(async {
        let body = |org: &str| json!({ "orgId": org, "environment": "production" }).to_string();
        bury(&sqs, "iam-user", &body("alpha"), Some("throttled")).await;
        bury(&sqs, "iam-user", &body("bravo"), Some("access-denied")).await;
        bury(&sqs, "iam-user", &body("bravo"), None).await;
        bury(&sqs, "iam-user", "{\u{9b}31m", Some("malformed-event")).await;
    });
    let count = |arguments: &[&str]| {
        let output = serve.orgctl(&[&["replay", "dead-letters", "--list", "--json"], arguments].concat());
        json_lines(&output)[0]["deadLetters"].as_array().unwrap().len()
    };
    assert_eq!(count(&[]), 4);
    assert_eq!(count(&[]), 4, "what was only looked at is visible again at once");
    assert_eq!(count(&["--org", "bravo"]), 2);
    assert_eq!(count(&["--error-code", "none"]), 1);
    assert_eq!(count(&["--org", "bravo", "--error-code", "access-denied"]), 1);
    assert_eq!(count(&["--since", "1h"]), 4);
    assert_eq!(count(&["--since", "2100-01-01T00:00:00Z"]), 0);
    assert_eq!(count(&["--step", "secret"]), 0);
    let plan = serve.orgctl(&["replay", "dead-letters", "--error-code", "malformed-event", "--plan"]);
    assert_eq!(plan.status.code(), Some(3));
    assert!(stderr(&plan).contains("iam-user would be refused again"), "{}", stderr(&plan));
    assert!(!stdout(&plan).contains('\u{9b}') && !stderr(&plan).contains('\u{9b}'), "no terminal escape gets through");
    let unknown = serve.orgctl(&["replay", "dead-letters", "--step", "bukket", "--list"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("iam-user, bucket"), "{}", stderr(&unknown));
    let typo = serve.orgctl(&["replay", "dead-letters", "--error-code", "acces-denied", "--list"]);
    assert_eq!(typo.status.code(), Some(2), "{}", stdout(&typo));
    assert_eq!(count(&["--limit", "1"]), 1);
    let sent = serve.orgctl(&["replay", "dead-letters", "--org", "alpha", "--yes", "--json"]);
    assert_eq!(json_lines(&sent)[0]["sent"], 1);
    assert_eq!(count(&[]), 3);
    let one = serve.orgctl(&["replay", "dead-letters", "--org", "bravo", "--limit", "1", "--yes", "--json"]);
    assert_eq!(json_lines(&one)[0]["sent"], 1, "{}", stderr(&one));
    assert_eq!(count(&[]), 2, "and what was passed over is visible again at once");
}

/// As many messages about one organization, each with an id of its own.
const MESSAGES: usize = 120;

/// A provisioned organization and `MESSAGES` dead letters about it, and the queue that hears the step they are for.
fn with_many_letters(serve: &Serve) -> String {
    let (admin, sqs) = (serve.admin(), Client::new(&serve.admin()));
    on_a_runtime(async {
        provision(serve, &["acme"]).await;
        for number in 0..MESSAGES {
            let id = format!("message-{number}");
            let body = json!({ "orgId": "acme", "environment": "production", "correlationId": id }).to_string();
            bury(&sqs, "iam-user", &body, Some("throttled")).await;
        }
        listen(&admin, "heard", "IamUserProvisioned").await
    })
}

/// Starts a replay and waits until some of the letters are gone from the dead-letter queue.
async fn in_the_middle(serve: &Serve, arguments: &[&str]) -> Child {
    let sqs = Client::new(&serve.admin());
    let replay = serve.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = async || (messages(&sqs, "org-provisioning-iam-user-dlq").await <= MESSAGES - 20).then_some(());
    eventually("some messages to be sent", begun).await;
    replay
}

/// How often each message arrives at its step, once all have.
async fn arrivals(serve: &Serve, heard: &str) -> BTreeMap<String, usize> {
    let (admin, mut arrived) = (serve.admin(), BTreeMap::new());
    let all = async {
        // What comes twice is behind what came once; the queue is empty when a wait for more brings nothing.
        loop {
            let events = receive(&admin, heard).await;
            if events.is_empty() && arrived.len() >= MESSAGES {
                break;
            }
            for event in events {
                let id = event["detail"]["correlationId"].as_str().unwrap_or_default();
                if id.starts_with("message-") {
                    *arrived.entry(id.to_owned()).or_default() += 1;
                }
            }
        }
    };
    tokio::time::timeout(common::PATIENCE, all).await.expect("every message arrives");
    arrived
}

#[test]
fn a_killed_replay_loses_nothing_and_repeats_at_most_what_was_under_way() {
    let serve = Serve::start(&[]);
    let heard = with_many_letters(&serve);
    let sqs = Client::new(&serve.admin());
    let replay = ["replay", "dead-letters", "--yes", "--step", "iam-user", "--rate", "20", "--hide", "5s"];
    on_a_runtime(async {
        let mut first = in_the_middle(&serve, &replay).await;
        first.kill().unwrap();
        first.wait().unwrap();
        assert!(messages(&sqs, "org-provisioning-iam-user-dlq").await > 0, "it was stopped in the middle");
        // What the killed command had taken is shown to others again after a while; the same command goes on with it.
        let rest = async || {
            let next = serve.orgctl(&["replay", "dead-letters", "--yes", "--step", "iam-user", "--rate", "1000"]);
            assert_eq!(next.status.code(), Some(0), "{}", stderr(&next));
            (messages(&sqs, "org-provisioning-iam-user-dlq").await == 0).then_some(())
        };
        eventually("an empty dead-letter queue", rest).await;
        let repeated: usize = arrivals(&serve, &heard).await.values().map(|times| times - 1).sum();
        assert!(repeated <= 1, "{repeated} messages came twice");
    });
}

#[test]
fn ctrl_c_stops_between_two_messages_and_leaves_the_rest_visible() {
    let serve = Serve::start(&[]);
    let heard = with_many_letters(&serve);
    let sqs = Client::new(&serve.admin());
    on_a_runtime(async {
        let replay = ["replay", "dead-letters", "--yes", "--step", "iam-user", "--rate", "20", "--hide", "1h"];
        let first = in_the_middle(&serve, &replay).await;
        common::interrupt(&first);
        let output = first.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("stopped by Ctrl-C"), "{}", stderr(&output));
        let left = messages(&sqs, "org-provisioning-iam-user-dlq").await;
        assert!(left > 0, "it was stopped in the middle");
        let list = serve.orgctl(&["replay", "dead-letters", "--step", "iam-user", "--list", "--json"]);
        let shown = json_lines(&list)[0]["deadLetters"].as_array().unwrap().len();
        assert_eq!(shown, left, "nothing stays hidden for the hour that was asked for");
        let rest = serve.orgctl(&["replay", "dead-letters", "--yes", "--step", "iam-user", "--rate", "1000", "--json"]);
        assert_eq!(json_lines(&rest)[0]["sent"], left, "{}", stderr(&rest));
        let arrived = arrivals(&serve, &heard).await;
        assert!(arrived.values().all(|times| *times == 1), "{arrived:?}");
    });
}
