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
use std::process::Stdio;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use common::{Serve, eventually, json_lines, listen, on_a_runtime, provision, receive, sign_up, stderr, stdout};
use serde_json::{Value, json};

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
    assert_eq!(json_lines(&plan)[0]["forecasts"][0]["verdict"], "repair", "{}", stdout(&plan));
    let heard = on_a_runtime(listen(&admin, "heard", "OrgProvisioned"));
    let sent = serve.orgctl(&["replay", "dead-letters", "--step", "bucket", "--error-code", "not-ours", "--yes"]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    assert_eq!(stdout(&sent), "1 of 1 messages sent back\n");
    on_a_runtime(async {
        eventually("OrgProvisioned", async || (!receive(&admin, &heard).await.is_empty()).then_some(())).await;
        assert_eq!(messages(&sqs, "org-provisioning-bucket-dlq").await, 0);
    });
    let nothing = serve.orgctl(&["replay", "dead-letters", "--step", "bucket", "--yes"]);
    assert_eq!(nothing.status.code(), Some(0));
    assert!(stderr(&nothing).contains("nothing was sent"), "{}", stderr(&nothing));
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
    assert!(stdout(&plan).contains("1 cannot be read"), "{}", stdout(&plan));
    let unknown = serve.orgctl(&["replay", "dead-letters", "--step", "bukket", "--list"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("iam-user, bucket"), "{}", stderr(&unknown));
    let sent = serve.orgctl(&["replay", "dead-letters", "--org", "alpha", "--yes", "--json"]);
    assert_eq!(json_lines(&sent)[0]["sent"], 1);
    assert_eq!(count(&[]), 3);
}

/// As many messages about one organization, each with an id of its own.
const MESSAGES: usize = 300;

#[test]
fn a_killed_replay_loses_nothing_and_repeats_at_most_what_was_under_way() {
    let serve = Serve::start(&[]);
    let (admin, sqs) = (serve.admin(), Client::new(&serve.admin()));
    let heard = on_a_runtime(async {
        provision(&serve, &["acme"]).await;
        for number in 0..MESSAGES {
            let id = format!("message-{number}");
            let body = json!({ "orgId": "acme", "environment": "production", "correlationId": id }).to_string();
            bury(&sqs, "iam-user", &body, Some("throttled")).await;
        }
        listen(&admin, "heard", "IamUserProvisioned").await
    });
    let replay = ["replay", "dead-letters", "--yes", "--rate", "100", "--hide", "5s"];
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    let mut first = serve.command(&replay).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    on_a_runtime(async {
        while arrived.len() < 50 {
            note(&mut arrived, receive(&admin, &heard).await);
        }
        first.kill().unwrap();
        first.wait().unwrap();
        let left = messages(&sqs, "org-provisioning-iam-user-dlq").await;
        assert!(left > 0, "it was stopped in the middle");
        // What the killed command had taken is shown to others again after a while; then the same command goes on.
        let visible = async || {
            let output = serve.orgctl(&["replay", "dead-letters", "--list", "--json"]);
            let shown = json_lines(&output)[0]["deadLetters"].as_array().unwrap().len();
            (shown == messages(&sqs, "org-provisioning-iam-user-dlq").await).then_some(())
        };
        eventually("what is left to be visible", visible).await;
        let second = serve.orgctl(&replay);
        assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
        let gone = async || (messages(&sqs, "org-provisioning-iam-user-dlq").await == 0).then_some(());
        eventually("an empty dead-letter queue", gone).await;
        let all = tokio::time::timeout(common::PATIENCE, async {
            while arrived.len() < MESSAGES {
                note(&mut arrived, receive(&admin, &heard).await);
            }
        });
        all.await.expect("every message arrives");
        // What comes twice is behind what came once; the queue is empty when a wait for more brings nothing.
        loop {
            let more = receive(&admin, &heard).await;
            if more.is_empty() {
                break;
            }
            note(&mut arrived, more);
        }
    });
    let repeated: usize = arrived.values().map(|times| times - 1).sum();
    assert!(repeated <= 10, "{repeated} messages came twice");
}

fn note(arrived: &mut BTreeMap<String, usize>, events: Vec<Value>) {
    for event in events {
        let id = event["detail"]["correlationId"].as_str().unwrap_or_default();
        if id.starts_with("message-") {
            *arrived.entry(id.to_owned()).or_default() += 1;
        }
    }
}
