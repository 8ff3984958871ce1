//! Bad input: no panic, nothing made, the message kept byte for byte, the failure told where an id can be read, and
//! the good neighbours done.

use contract::{ErrorCode, MOST_DETAIL_BYTES};
use local_system::Emitted;
use local_system::registry::STEPS;
use serde_json::{Value, json};
use tests::bootstrap::{batch, envelope};
use tests::{Bench, command, failure_codes, of_type};

/// The steps that a command starts.
const FIRST_STEPS: [&str; 2] = ["iam-user", "bucket"];

/// A body that must be refused.
#[derive(Clone, Debug)]
struct Bad {
    body: String,
    code: ErrorCode,
    /// Whom the failure event names; none where no id can be read.
    told: Option<String>,
}

fn bad(body: impl ToString, code: ErrorCode, told: Option<&str>) -> Bad {
    Bad { body: body.to_string(), code, told: told.map(str::to_owned) }
}

/// A production command for organization `bad` with one field changed.
fn with(field: &str, value: Value) -> Value {
    let mut detail = command("bad");
    detail[field] = value;
    detail
}

fn not_a_command() -> Vec<Bad> {
    let malformed = |body: &str| bad(body, ErrorCode::MalformedEvent, None);
    vec![
        malformed("not json"),
        malformed(" "),
        malformed("[]"),
        malformed("null"),
        malformed("\"abc\""),
        malformed("17"),
        malformed(r#"[{"orgId":"bad","environment":"production"}]"#),
        malformed(r#"{"orgId":"bad","environment":"production"}{}"#),
        malformed("\u{feff}{\"orgId\":\"bad\",\"environment\":\"production\"}"),
        malformed(r#"{"orgId":"bad","environment":"production","n":1e400}"#),
        malformed(r#"{"orgId":"bad","environment":"production","n":"\ud800"}"#),
        bad("{}", ErrorCode::InvalidField, None),
        bad(envelope(&json!(null)), ErrorCode::MalformedEvent, None),
        bad(envelope(&json!([command("bad")])), ErrorCode::MalformedEvent, None),
        bad(envelope(&json!(command("bad").to_string())), ErrorCode::MalformedEvent, None),
        bad(envelope(&json!({})), ErrorCode::InvalidField, None),
    ]
}

/// Each field with each type of JSON value that it must not have.
fn wrong_types() -> Vec<Bad> {
    let not_text = [json!(7), json!(1.5), json!(true), json!(["bad"]), json!({ "bad": "bad" })];
    let mut all = Vec::new();
    for value in &not_text {
        all.push(bad(with("orgId", value.clone()), ErrorCode::InvalidField, None));
        for field in ["environment", "bucketName", "correlationId"] {
            all.push(bad(with(field, value.clone()), ErrorCode::InvalidField, Some("bad")));
        }
    }
    all.push(bad(with("orgId", json!(null)), ErrorCode::InvalidField, None));
    all.push(bad(with("environment", json!(null)), ErrorCode::InvalidField, Some("bad")));
    all.push(bad(json!({ "environment": "production" }), ErrorCode::InvalidField, None));
    all.push(bad(json!({ "orgId": "bad" }), ErrorCode::InvalidField, Some("bad")));
    for value in not_text.into_iter().chain([json!(null)]) {
        let mut event = envelope(&command("bad"));
        event["source"] = value.clone();
        all.push(bad(&event, ErrorCode::SourceNotAllowed, Some("bad")));
        let mut event = envelope(&command("bad"));
        event["detail-type"] = value;
        all.push(bad(&event, ErrorCode::MalformedEvent, Some("bad")));
    }
    all
}

fn broken_rules() -> Vec<Bad> {
    let foreign = envelope(&command("bad")).to_string().replace("org-signup", "somebody");
    let forged = json!({ "source": "org-signup", "detail-type": "IamUserProvisioned", "detail": {
        "schemaVersion": 1, "eventId": "e", "step": "s", "request": command("bad") } });
    let mut all = vec![
        bad(with("environment", json!("prod")), ErrorCode::InvalidField, Some("bad")),
        bad(with("environment", json!("Production")), ErrorCode::InvalidField, Some("bad")),
        bad(with("environment", json!("ｐroduction")), ErrorCode::InvalidField, Some("bad")),
        bad(with("environment", json!("qa")), ErrorCode::WrongAccount, Some("bad")),
        bad(with("correlationId", json!("")), ErrorCode::InvalidField, Some("bad")),
        bad(with("correlationId", json!("x".repeat(129))), ErrorCode::InvalidField, Some("bad")),
        bad(with("correlationId", json!("a b")), ErrorCode::InvalidField, Some("bad")),
        bad(foreign, ErrorCode::SourceNotAllowed, Some("bad")),
        bad(forged, ErrorCode::SourceNotAllowed, Some("bad")),
    ];
    for name in ["other", "fusion-rms-abc", "fusion-rms-bad2", "fusion-rms-bad-", "fusion-rms-bad-an", "fusion-rms-BAD"]
    {
        all.push(bad(with("bucketName", json!(name)), ErrorCode::InvalidField, Some("bad")));
    }
    all
}

/// Ids that somebody could take for `abc`, or that break the rule otherwise.
fn look_alikes() -> Vec<String> {
    let long = "b".repeat(53);
    [
        "Abc",
        "ABC",
        "аbc",
        "abс",
        "ａbc",
        "ab\u{301}c",
        "abc\u{200b}",
        "\u{200b}abc",
        "\u{feff}abc",
        "abc\u{ad}",
        "\u{202e}cba",
        "ab\u{2063}c",
        "abc ",
        " abc",
        "abc\n",
        "\tabc",
        "abc\0",
        "a\u{0}bc",
        "abc\u{fe0f}",
        "ⓐbc",
        "𝐚bc",
        "ªbc",
        "abc١",
        "abc２",
        "ab©",
        "abç",
        "1abc",
        "a-bc",
        "a_bc",
        "a.bc",
        "a/bc",
        "../abc",
        "*",
        "abc*",
        "",
        "ﬁn",
        "ınt",
        "\u{212a}ey",
        "ſale",
        &long,
    ]
    .map(str::to_owned)
    .into()
}

fn bad_ids() -> Vec<Bad> {
    let of = |id: String| {
        let told: String = id.chars().take(64).collect();
        bad(json!({ "orgId": id, "environment": "production" }), ErrorCode::InvalidField, Some(&told))
    };
    look_alikes().into_iter().map(of).collect()
}

/// A key that comes twice counts as its last, in every step alike.
fn duplicate_keys() -> Vec<Bad> {
    let twice = |fields: &str, told| bad(format!("{{{fields}}}"), ErrorCode::InvalidField, told);
    vec![
        twice(r#""orgId":"abc","environment":"production","orgId":"BAD""#, Some("BAD")),
        twice(r#""orgId":"abc","environment":"production","orgId":7"#, None),
        twice(r#""orgId":"abc","environment":"production","orgId":null"#, None),
        twice(r#""orgId":"bad","environment":"production","environment":"prod""#, Some("bad")),
    ]
}

fn all_kinds() -> Vec<Bad> {
    [not_a_command(), wrong_types(), broken_rules(), bad_ids(), duplicate_keys()].concat()
}

/// An account in which these organizations have everything.
async fn with_organizations(orgs: &[&str]) -> Bench {
    let bench = Bench::new();
    orgs.iter().for_each(|org| bench.sign_up(org));
    bench.settle().await;
    bench.writes();
    bench
}

/// What became of one bad message: its one dead letter, and the failures that `step` told.
fn check_bad(bench: &Bench, step: &str, bad: &Bad, events: &[Emitted]) {
    let Bad { body, code, told } = bad;
    let letters = bench.system.take_dead_letters(step).unwrap();
    assert_eq!(letters.len(), 1, "{step} {body}");
    assert_eq!(letters[0]["Body"].as_str(), Some(body.as_str()), "the body is kept as it came");
    assert_eq!(letters[0]["MessageAttributes"]["ErrorCode"]["StringValue"], code.as_str(), "{body}");
    let failures = of_type(events, "OrgProvisioningFailed").into_iter().filter(|event| event["step"] == step);
    let failures: Vec<(Option<&str>, Option<&str>)> =
        failures.map(|event| (event["orgId"].as_str(), event["error"]["code"].as_str())).collect();
    let expected: Vec<_> = told.iter().map(|org| (Some(org.as_str()), Some(code.as_str()))).collect();
    assert_eq!(failures, expected, "{step} {body}");
}

/// Every kind of bad input, at every step, in a batch between good neighbours and beside an organization that some
/// of it could be taken for.
#[tokio::test(start_paused = true)]
async fn bad_messages_are_kept_whole_and_their_neighbours_are_done() {
    let kinds = all_kinds();
    let bench = with_organizations(&["gooda", "goodb", "abc"]).await;
    let start = bench.system.aws.snapshot();
    for step in STEPS {
        for kind in &kinds {
            bench.system.aws.restore(start.clone());
            bench.system.take_emitted().unwrap();
            let name = step.spec.name;
            let bodies = [command("gooda").to_string(), kind.body.clone(), command("goodb").to_string()];
            let answer = bench.system.invoke(name, batch(name, &bodies)).await.unwrap();
            assert_eq!(answer, json!({ "batchItemFailures": [] }), "{name} {}", kind.body);
            assert_eq!(bench.writes(), [], "{name} {}", kind.body);
            let events = bench.system.take_emitted().unwrap();
            check_bad(&bench, name, kind, &events);
            let done = of_type(&events, step.spec.completion);
            let mut done: Vec<_> = done.into_iter().map(|event| (&event["orgId"], &event["outcome"])).collect();
            // They go side by side: which of the two is done first is open.
            done.sort_by_key(|(org, _)| org.as_str());
            let unchanged = json!("unchanged");
            assert_eq!(done, [(&json!("gooda"), &unchanged), (&json!("goodb"), &unchanged)], "{name} {}", kind.body);
        }
    }
}

/// The same through the queues, where a bad message is received, kept and never seen again.
#[tokio::test(start_paused = true)]
async fn bad_messages_from_a_queue_leave_it_at_once() {
    for step in FIRST_STEPS {
        for kind in all_kinds().iter().step_by(7) {
            let bench = Bench::new();
            for message in [&command("gooda").to_string(), &kind.body, &command("goodb").to_string()] {
                bench.system.send(step, message).unwrap();
            }
            let events = bench.settle().await;
            check_bad(&bench, step, kind, &events);
            let completion = STEPS.iter().find(|registered| registered.spec.name == step).unwrap().spec.completion;
            assert_eq!(of_type(&events, completion).len(), 2, "{step} {}: the neighbours", kind.body);
            let others = bench.writes().into_iter().filter(|call| !call.resource.contains("good")).count();
            assert_eq!(others, 0, "{step} {}", kind.body);
        }
    }
}

/// Ten messages, each good or of its own bad kind: all 2^10 mixtures.
#[tokio::test(start_paused = true)]
async fn every_mixture_of_good_and_bad_ends_each_as_alone() {
    let kinds = [
        bad("not json", ErrorCode::MalformedEvent, None),
        bad("[]", ErrorCode::MalformedEvent, None),
        bad("{}", ErrorCode::InvalidField, None),
        bad(with("orgId", json!("BAD")), ErrorCode::InvalidField, Some("BAD")),
        bad(with("environment", json!(7)), ErrorCode::InvalidField, Some("bad")),
        bad(with("environment", json!("qa")), ErrorCode::WrongAccount, Some("bad")),
        bad(with("bucketName", json!("other")), ErrorCode::InvalidField, Some("bad")),
        bad(envelope(&command("bad")).to_string().replace("org-signup", "x"), ErrorCode::SourceNotAllowed, Some("bad")),
        bad("[".repeat(200), ErrorCode::MalformedEvent, None),
        bad(with("notes", json!("x".repeat(MOST_DETAIL_BYTES))), ErrorCode::MalformedEvent, Some("bad")),
    ];
    let bench = Bench::new();
    let start = bench.system.aws.snapshot();
    for mask in 0_u32..1 << kinds.len() {
        bench.system.aws.restore(start.clone());
        let is_bad = |n: usize| mask >> n & 1 == 1;
        let body = |(n, kind): (usize, &Bad)| {
            if is_bad(n) { kind.body.clone() } else { command(&format!("good{n}")).to_string() }
        };
        let bodies: Vec<String> = kinds.iter().enumerate().map(body).collect();
        let answer = bench.system.invoke("iam-user", batch("iam-user", &bodies)).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{mask:b}");
        let mut kept: Vec<String> = bench
            .system
            .take_dead_letters("iam-user")
            .unwrap()
            .iter()
            .map(|letter| letter["Body"].as_str().unwrap().to_owned())
            .collect();
        kept.sort();
        let expected = kinds.iter().enumerate().filter(|(n, _)| is_bad(*n));
        let mut bodies: Vec<String> = expected.clone().map(|(_, kind)| kind.body.clone()).collect();
        bodies.sort();
        assert!(kept == bodies, "{mask:b}: the dead letters");
        let events = bench.system.take_emitted().unwrap();
        let told = expected.filter(|(_, kind)| kind.told.is_some()).count();
        assert_eq!(of_type(&events, "OrgProvisioningFailed").len(), told, "{mask:b}");
        let users: Vec<String> =
            bench.system.aws.look(|world| world.accounts["111111111111"].iam.users.keys().cloned().collect());
        let good: Vec<String> = (0..kinds.len()).filter(|n| !is_bad(*n)).map(|n| format!("rms_good{n}")).collect();
        assert_eq!(users, good, "{mask:b}");
        assert_eq!(of_type(&events, "IamUserProvisioned").len(), good.len(), "{mask:b}");
    }
}

/// Done, to be tried again, and bad, in random order: only those to be tried again are reported.
#[tokio::test(start_paused = true)]
async fn only_what_may_succeed_later_is_reported() {
    let bench = Bench::new();
    bench.system.invoke("iam-user", command("here")).await.unwrap();
    bench.system.invoke("secret", command("here")).await.unwrap();
    bench.settle().await;
    let start = bench.system.aws.snapshot();
    let mut chance = fastrand::Rng::with_seed(4);
    for round in 0..100 {
        bench.system.aws.restore(start.clone());
        let (mut bodies, mut waiting, mut buried) = (Vec::new(), Vec::new(), 0);
        for n in 0..chance.usize(0..=10) {
            match chance.u8(0..3) {
                0 => bodies.push(command("here").to_string()),
                1 => {
                    waiting.push(format!("m{n}"));
                    bodies.push(command(&format!("nobody{n}")).to_string());
                }
                _ => {
                    buried += 1;
                    bodies.push(with("environment", json!(n)).to_string());
                }
            }
        }
        let answer = bench.system.invoke("secret", batch("secret", &bodies)).await.unwrap();
        let reported = answer["batchItemFailures"].as_array().unwrap().iter();
        let mut reported: Vec<&str> = reported.map(|item| item["itemIdentifier"].as_str().unwrap()).collect();
        reported.sort_unstable();
        assert_eq!(reported, waiting, "round {round}: {bodies:?}");
        assert_eq!(bench.system.take_dead_letters("secret").unwrap().len(), buried, "round {round}: {bodies:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_batch_is_done() {
    let bench = Bench::new();
    for step in STEPS {
        bench.system.aws.take_trace();
        let answer = bench.system.invoke(step.spec.name, json!({ "Records": [] })).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{}", step.spec.name);
        assert_eq!(bench.system.aws.take_trace(), []);
    }
}

/// A record that lacks what SQS always gives: reported or buried, never taken for done.
#[tokio::test(start_paused = true)]
async fn a_record_without_its_fields_is_not_taken_for_done() {
    let bench = Bench::new();
    let whole = batch("secret", &[command("abc").to_string()]);
    for (field, reported) in [("messageId", ""), ("body", "m0"), ("receiptHandle", "m0"), ("attributes", "m0")] {
        for absent in [true, false] {
            let mut lacking = whole.clone();
            let record = lacking["Records"][0].as_object_mut().unwrap();
            if absent {
                drop(record.remove(field))
            } else {
                drop(record.insert(field.to_owned(), Value::Null))
            }
            let answer = bench.system.invoke("secret", lacking).await.unwrap();
            assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": reported }] }), "{field}");
        }
    }
    for record in [json!(1), json!(null), json!("x"), json!([]), json!({ "body": 7 }), json!({ "attributes": [] })] {
        let answer = bench.system.invoke("secret", json!({ "Records": [record] })).await;
        assert!(answer.is_err() || answer.as_ref().unwrap()["batchItemFailures"] != json!([]), "{record}: {answer:?}");
    }
    assert_eq!(bench.writes(), []);
}

/// An optional field that is null is absent, fields that nobody knows are passed over, and of a key that comes twice
/// the last counts: every step takes the same meaning from the same bytes.
#[tokio::test(start_paused = true)]
async fn what_looks_odd_and_is_right_is_done() {
    for body in [
        r#"{"orgId":"abc","environment":"production","bucketName":null,"correlationId":null,"plan":null}"#,
        r#"{"orgId":"xyz","environment":"qa","orgId":"abc","environment":"production"}"#,
        r#"{"orgId":7,"environment":null,"orgId":"abc","environment":"production"}"#,
        r#"{"\u006frgId":"\u0061bc","environment":"production"}"#,
        "\r\n\t {\"orgId\":\"abc\",\"environment\":\"production\"} \n",
        r#"{"orgId":"abc","environment":"production","request":{"orgId":"xyz"},"Records":{},"source":7}"#,
        r#"{"orgId":"abc","environment":"production","n":123456789012345678901234567890,"e":1e-400}"#,
    ] {
        let bench = Bench::new();
        for step in FIRST_STEPS {
            bench.system.send(step, body).unwrap();
        }
        let events = bench.settle().await;
        bench.provisioned("abc").await;
        assert_eq!(failure_codes(&events), [""; 0], "{body}");
        assert!(bench.writes().iter().all(|call| !call.resource.contains("xyz")), "{body}");
    }
}
