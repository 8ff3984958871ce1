//! `orgctl submit` against `orgctl local serve`, over HTTP, and what then is on the bus.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use common::{
    NON_PRODUCTION, Serve, eventually, interrupt, json_lines, listen, on_a_runtime, receive, stderr, stdout, stored_key,
};
use serde_json::{Value, json};

/// A server, a queue that hears every `OrgCreated` on its bus, and a folder for files.
struct Site {
    serve: Serve,
    heard: String,
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let serve = Serve::start(&[]);
        let heard = on_a_runtime(listen(&serve.admin(), "heard", "OrgCreated"));
        Self { serve, heard, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn submit(&self, arguments: &[&str]) -> Output {
        self.serve.orgctl(&[&["submit", "--rate", "1000"], arguments].concat())
    }

    /// The events that were put since the last time. They are in the queue before PutEvents answers.
    fn put(&self) -> Vec<Value> {
        on_a_runtime(async {
            let (admin, mut all) = (self.serve.admin(), Vec::new());
            loop {
                let some = receive(&admin, &self.heard).await;
                if some.is_empty() {
                    return all;
                }
                all.extend(some);
            }
        })
    }

    /// The organizations of the events that were put since the last time, and how often each.
    fn orgs_put(&self) -> BTreeMap<String, usize> {
        let mut orgs = BTreeMap::new();
        for event in self.put() {
            let org = event.pointer("/detail/orgId").and_then(Value::as_str).unwrap();
            *orgs.entry(org.to_owned()).or_default() += 1;
        }
        orgs
    }

    /// What is refused as usage, says this, and sends nothing.
    fn refuses(&self, arguments: &[&str], said: &[&str]) {
        let output = self.submit(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        for part in said {
            assert!(stderr(&output).contains(part), "{arguments:?} does not say {part:?}: {}", stderr(&output));
        }
        assert_eq!(stdout(&output), "");
        assert_eq!(self.put(), Vec::<Value>::new(), "{arguments:?}");
    }
}

fn once(orgs: &[&str]) -> BTreeMap<String, usize> {
    orgs.iter().map(|org| ((*org).to_owned(), 1)).collect()
}

fn done(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(output), stderr(output));
}

#[test]
fn one_organization_is_signed_up_planned_and_never_its_secret_printed() {
    let site = Site::new();
    let acme = ["--org", "acme", "--environment", "production"];
    let planned = site.serve.orgctl(&[&["submit", "--plan"], &acme[..]].concat());
    assert_eq!(planned.status.code(), Some(3), "{}", stderr(&planned));
    assert!(stdout(&planned).starts_with("acme: would be created\n"), "{}", stdout(&planned));
    assert_eq!(site.put(), Vec::<Value>::new(), "a plan sends nothing");

    let sent = site.submit(&[&acme[..], &["--correlation-id", "c-17"]].concat());
    done(&sent);
    assert!(stdout(&sent).contains("acme") && stdout(&sent).contains("request c-17"), "{}", stdout(&sent));
    let [event] = &site.put()[..] else { panic!("one event") };
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("org-signup"), &json!("OrgCreated")));
    assert_eq!(event["detail"], json!({ "orgId": "acme", "environment": "production", "correlationId": "c-17" }));
    assert!(stdout(&sent).contains(event["id"].as_str().unwrap()), "{}", stdout(&sent));

    let admin = site.serve.admin();
    let key = on_a_runtime(eventually("the key", async || stored_key(&admin, "acme").await));
    let in_order = || Some(site.serve.orgctl(&[&["submit", "--plan"], &acme[..]].concat()));
    let settled = async || in_order().filter(|output| output.status.code() == Some(0));
    let planned_again = on_a_runtime(eventually("a plan without differences", settled));
    let named = ["--bucket-name", "fusion-rms-acme", "--json"];
    let again = site.submit(&[&acme[..], &named].concat());
    done(&again);
    let [document] = &json_lines(&again)[..] else { panic!("one document: {}", stdout(&again)) };
    assert_eq!(document["organization"], "acme");
    assert_eq!(document["bus"], "arn:aws:events:us-east-1:111111111111:event-bus/org-provisioning");
    assert!(document["requestId"].is_string() && document["eventId"].is_string());

    let secret = key["secretAccessKey"].as_str().unwrap();
    for output in [planned, sent, planned_again, again] {
        assert!(!(stdout(&output).to_owned() + stderr(&output)).contains(&secret[..12]));
    }
}

#[test]
fn files_of_every_form_are_sent_whole() {
    let site = Site::new();
    let detail = |org: &str| json!({ "orgId": org, "environment": "production", "plan": "gold" });
    let event = json!({ "version": "0", "source": "org-signup", "detail-type": "OrgCreated", "detail": detail("b") });
    let files = [
        ("one.json", format!("{:#}", detail("a")), once(&["a"])),
        ("event.json", event.to_string(), once(&["b"])),
        ("array.json", json!([detail("c"), event, detail("d")]).to_string(), once(&["b", "c", "d"])),
        ("lines.jsonl", format!("{}\n\n{}\n{}\n", detail("e"), detail("f"), detail("e")), once(&["e", "f"])),
        (
            "table.csv",
            "\u{feff}environment,orgId,bucketName,correlationId\r\nproduction,g,,\r\nstaging,h,fusion-rms-h-2,c-1\r\n"
                .into(),
            once(&["g", "h"]),
        ),
    ];
    for (name, text, orgs) in files {
        let output = site.submit(&[&site.file(name, &text)]);
        done(&output);
        let events = site.put();
        let of = |org: &str| events.iter().find(|event| event["detail"]["orgId"] == org);
        assert_eq!(events.len(), orgs.len(), "{name}");
        assert!(orgs.keys().all(|org| of(org).is_some()), "{name}");
        if name != "table.csv" {
            assert!(events.iter().all(|event| event["detail"]["plan"] == "gold"), "the original detail");
        }
        if let Some(h) = of("h") {
            let expected = json!({ "orgId": "h", "environment": "staging", "bucketName": "fusion-rms-h-2", "correlationId": "c-1" });
            assert_eq!(h["detail"], expected);
        }
        assert!(stdout(&output).contains(&format!("{0} of {0} sent", orgs.len())), "{}", stdout(&output));
        assert_eq!(stdout(&output).contains("1 repeated in the file"), name == "lines.jsonl");
    }
    let from_stdin = {
        use std::io::Write;
        let mut command = site.serve.command(&["submit", "--json", "-"]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        process.stdin.take().unwrap().write_all(detail("i").to_string().as_bytes()).unwrap();
        process.wait_with_output().unwrap()
    };
    done(&from_stdin);
    let [line, summary] = &json_lines(&from_stdin)[..] else { panic!("a line and a summary") };
    assert_eq!((&line["organization"], &summary["summary"]["sent"]), (&json!("i"), &json!(1)));
    assert_eq!(site.orgs_put(), once(&["i"]));
}

#[test]
fn nothing_is_sent_unless_everything_is_in_order() {
    let site = Site::new();
    let lines = [
        r#"{"orgId": "good", "environment": "production"}"#,
        r#"{"orgId": "Bad", "environment": "production"}"#,
        r#"{"orgId": "cut", "environ"#,
        r#"{"orgId": "wrong", "environment": "qa"}"#,
        r#"{"source": "stranger", "detail-type": "OrgCreated", "detail": {"orgId": "far", "environment": "production"}}"#,
        r#"{"orgId": "good", "environment": "staging"}"#,
    ];
    let bad_lines = site.file("bad.jsonl", &lines.join("\n"));
    let said = ["5 problems", "line 2: ", "line 3: not JSON", "line 4: ", "non-production account"];
    site.refuses(&[&bad_lines], &said);
    site.refuses(
        &[&bad_lines],
        &["line 5: source \"stranger\" may not send", "line 6: organization good is also on line 1"],
    );
    site.refuses(&["--plan", &bad_lines], &["5 problems"]);
    let table = site.file("bad.csv", "orgId,environment\ngood,production\ngood2\nBad,production\n");
    site.refuses(&[&table], &["2 problems", "line 3: has 1 columns", "line 4: "]);
    site.refuses(&[&site.file("columns.csv", "orgId,environment,tier\na,production,1\n")], &["\"tier\" is not known"]);
    site.refuses(&[&site.file("empty.json", "\n")], &["holds nothing"]);
    site.refuses(&[&site.file("no", "")[..1]], &["/"]);
    let ids = "orgId,environment,correlationId\na,production,c\nb,production,c\n";
    site.refuses(&[&site.file("ids.csv", ids)], &["line 3: correlationId \"c\" is also on line 2, for organization a"]);
    site.refuses(&["--org", "a", "--environment", "qa"], &["a qa organization belongs in a non-production account"]);
    site.refuses(&["--org", "a", "--environment", "production", "--bucket-name", "b"], &["bucketName"]);
    site.refuses(&["--org", "a", "--environment", "production", "--source", "me"], &["\"me\"", "ALLOWED_SOURCES"]);
    site.refuses(&["--org", "a"], &["--environment"]);
    site.refuses(&[], &["--org"]);
    assert!(!Path::new(&format!("{bad_lines}.orgctl-journal")).exists(), "there is nothing to go on with");

    // A bus that is not there would take everything and drop it.
    let one = ["submit", "--org", "a", "--environment", "production"];
    let output = site.serve.command(&one).env("EVENT_BUS_NAME", "elsewhere").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("event bus elsewhere does not exist in account 111111111111"),
        "{}",
        stderr(&output)
    );
    // What the deployment allows is what counts.
    let output = site.serve.command(&one).env("ALLOWED_SOURCES", "sales,org-signup").output().unwrap();
    done(&output);
    assert!(site.put().iter().all(|event| event["source"] == "sales"));
    // Another account than the expected one is not sent to at all.
    let mut command = site.serve.command(&one);
    command.env("AWS_ACCESS_KEY_ID", NON_PRODUCTION).env("EXPECTED_ACCOUNT_ID", "111111111111");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("not the expected account"), "{}", stderr(&output));
}

#[test]
fn no_more_than_the_rate_is_sent_in_a_second() {
    let site = Site::new();
    let file = table(&site, "orgs.csv", 50);
    let begun = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    done(&site.serve.orgctl(&["submit", "--rate", "20", &file]));
    let took = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - begun;
    assert!(took.as_secs_f64() >= 2.0, "the last ten of 50 begin after 40 / 20 s, not after {took:?}");
    assert_eq!(site.orgs_put().len(), 50);
}

/// A CSV file of `count` organizations.
fn table(site: &Site, name: &str, count: usize) -> String {
    let rows: Vec<String> = (0..count).map(|n| format!("org{n},production")).collect();
    site.file(name, &format!("orgId,environment\n{}\n", rows.join("\n")))
}

fn journal_of(file: &str) -> PathBuf {
    PathBuf::from(format!("{file}.orgctl-journal"))
}

/// Starts sending a file, and comes back when the journal says that some of it is acknowledged.
fn begin(site: &Site, file: &str) -> Child {
    let mut command = site.serve.command(&["submit", "--rate", "40", file]);
    let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let some = async || {
        let text = std::fs::read_to_string(journal_of(file)).unwrap_or_default();
        (text.matches("acknowledged").count() >= 4).then_some(())
    };
    on_a_runtime(eventually("the fourth batch", some));
    process
}

#[test]
fn a_killed_submit_goes_on_and_sends_at_most_one_batch_twice() {
    let site = Site::new();
    let file = table(&site, "orgs.csv", 200);
    let mut process = begin(&site, &file);
    process.kill().unwrap();
    assert!(!process.wait().unwrap().success(), "it was still at work");
    let before = site.orgs_put();
    assert!((40..200).contains(&before.len()), "killed in the middle: {}", before.len());

    let output = site.submit(&[&file]);
    done(&output);
    let mut all = site.orgs_put();
    let resent = all.len();
    assert!(resent < 200, "what was acknowledged is not sent again");
    for (org, count) in before {
        *all.entry(org).or_default() += count;
    }
    assert_eq!(all.len(), 200, "every organization");
    let twice = all.values().filter(|count| **count > 1).count();
    assert!(twice <= 10 && all.values().all(|count| *count <= 2), "{twice} sent twice");
    assert!(stdout(&output).contains("of 200 sent"), "{}", stdout(&output));

    let finished = site.submit(&[&file]);
    done(&finished);
    assert!(stdout(&finished).starts_with("all 200 were sent on 20"), "{}", stdout(&finished));
    assert!(stdout(&finished).contains("--again"), "{}", stdout(&finished));
    let finished = site.submit(&["--json", &file]);
    assert_eq!(json_lines(&finished)[0]["summary"]["sentBefore"], 200);
    assert_eq!(site.put(), Vec::<Value>::new());
}

#[test]
fn ctrl_c_stops_between_calls_and_tells_how_to_go_on() {
    let site = Site::new();
    let file = table(&site, "orgs.csv", 200);
    let process = begin(&site, &file);
    interrupt(&process);
    let stopped = process.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(1), "{}", stderr(&stopped));
    assert!(stderr(&stopped).contains("stopped by Ctrl-C"), "{}", stderr(&stopped));
    assert!(stderr(&stopped).contains("orgs.csv.orgctl-journal"), "{}", stderr(&stopped));
    let first = site.orgs_put();
    done(&site.submit(&[&file]));
    let second = site.orgs_put();
    assert!(first.keys().all(|org| !second.contains_key(org)), "nothing twice after Ctrl-C");
    assert_eq!(first.len() + second.len(), 200);
}

#[test]
fn a_journal_belongs_to_one_content_and_one_bus() {
    let site = Site::new();
    let file = table(&site, "orgs.csv", 3);
    done(&site.submit(&[&file]));
    assert_eq!(site.orgs_put().len(), 3);
    table(&site, "orgs.csv", 4);
    site.refuses(&[&file], &["another content", "--again"]);
    table(&site, "orgs.csv", 3);
    let elsewhere = site.serve.command(&["submit", &file]).env("AWS_REGION", "eu-central-1").output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(2));
    let said = stderr(&elsewhere);
    assert!(said.contains("us-east-1") && said.contains("eu-central-1") && said.contains("not about"), "{said}");
    let again = site.submit(&["--again", &file]);
    done(&again);
    assert_eq!(site.orgs_put(), once(&["org0", "org1", "org2"]));
    let foreign = site.file("other.csv.orgctl-journal", "notes\n");
    let other = table(&site, "other.csv", 1);
    site.refuses(&["--again", &other], &["is not a journal"]);
    assert_eq!(std::fs::read_to_string(foreign).unwrap(), "notes\n");
}

#[test]
fn a_plan_of_a_file_shows_what_is_not_in_order() {
    let site = Site::new();
    let file = table(&site, "orgs.csv", 12);
    let planned = site.serve.orgctl(&["submit", "--plan", "--json", &file]);
    assert_eq!(planned.status.code(), Some(3), "{}", stderr(&planned));
    let lines = json_lines(&planned);
    assert_eq!(lines.len(), 13);
    assert_eq!(lines[12], json!({ "summary": { "organizations": 12, "verdicts": { "create": 12 } } }));
    assert_eq!(site.put(), Vec::<Value>::new());
    assert!(!journal_of(&file).exists());
}

#[test]
fn a_call_that_fails_ends_the_run_and_loses_nothing() {
    let site = Site::new();
    let file = table(&site, "orgs.csv", 30);
    // A user who may see the bus and not speak on it.
    let admin = site.serve.admin();
    let (id, secret) = on_a_runtime(async {
        let iam = aws_sdk_iam::Client::new(&admin);
        iam.create_user().user_name("reader").send().await.unwrap();
        let allow = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": ["events:DescribeEventBus"], "Resource": "*" }] });
        let policy = iam.put_user_policy().user_name("reader").policy_name("p").policy_document(allow.to_string());
        policy.send().await.unwrap();
        let key = iam.create_access_key().user_name("reader").send().await.unwrap().access_key.unwrap();
        (key.access_key_id, key.secret_access_key)
    });
    let mut command = site.serve.command(&["submit", &file]);
    let output = command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", &secret).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("PutEvents failed: AccessDenied"), "{}", stderr(&output));
    assert!(stderr(&output).contains("30 of 30 are left"), "{}", stderr(&output));
    assert!(!(stdout(&output).to_owned() + stderr(&output)).contains(&secret[..12]));
    assert_eq!(site.put(), Vec::<Value>::new());
    done(&site.submit(&[&file]));
    assert_eq!(site.orgs_put().len(), 30);
}
