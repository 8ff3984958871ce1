//! What identity policies let a user do in the other services.

use serde_json::{Value, json};

use super::*;
use crate::reply::Reply;
use crate::{events, s3, secretsmanager, sqs, sts};

type Handler = fn(&mut Call<'_>, &Value, &str) -> Result<Reply, ApiError>;

impl Bench {
    fn json(&mut self, caller: &Caller, handler: Handler, operation: &str, body: Value) -> Result<Value, ApiError> {
        let reply = self.call(caller, |call| handler(call, &body, operation))?;
        Ok(serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    fn s3(&mut self, caller: &Caller, method: &str, path: &str) -> Result<Reply, ApiError> {
        self.s3_with(caller, method, path, "")
    }

    fn s3_with(&mut self, caller: &Caller, method: &str, path: &str, body: &str) -> Result<Reply, ApiError> {
        let request = http::Request::builder().method(method).uri(format!("http://127.0.0.1:4566{path}"));
        let request = Request::from_http(request.body(Bytes::from(body.to_owned())).unwrap());
        let operation = s3::operation(&request);
        self.call(caller, |call| s3::handle(call, &request, &operation))
    }

    /// A bucket `b` of an account, with the object `k`.
    fn bucket(&mut self, account: &str) {
        let admin = administrator(account);
        let place =
            "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
        self.s3_with(&admin, "PUT", "/bkt", place).unwrap();
        self.s3(&admin, "PUT", "/bkt/k").unwrap();
    }
}

fn code<T>(answer: Result<T, ApiError>) -> Option<(u16, &'static str)> {
    answer.err().map(|error| (error.status, error.code))
}

fn named(who: &str, effect: &str, action: &str, resource: &str) -> String {
    policy(&format!(
        r#"{{"Effect":"{effect}","Principal":{{"AWS":"{who}"}},"Action":"{action}","Resource":"{resource}"}}"#
    ))
}

#[test]
fn s3_asks_identity_policies_for_buckets_objects_and_accounts() {
    let mut bench = Bench::new();
    bench.bucket(MINE);
    let caller = bench.caller_with(MINE, "a", &allow("s3:GetObject", "arn:aws:s3:::bkt/*"));
    bench.s3(&caller, "GET", "/bkt/k").unwrap();
    // Without the permission to list, a key that is missing looks like one that is forbidden.
    assert_eq!(code(bench.s3(&caller, "GET", "/bkt/none")), Some((403, "AccessDenied")));
    assert_eq!(code(bench.s3(&caller, "GET", "/")), Some((403, "AccessDenied")));
    let error = bench.s3(&caller, "PUT", "/new-bucket").unwrap_err();
    assert!(error.message.ends_with("because no identity-based policy allows the s3:CreateBucket action"));
    let all = format!("{},{}", allow("s3:*", "*"), statement("Deny", "s3:*", "arn:aws:s3:::bkt/k"));
    let caller = bench.caller_with(MINE, "a", &all);
    assert_eq!(code(bench.s3(&caller, "GET", "/bkt/none")), Some((404, "NoSuchKey")));
    bench.s3(&caller, "GET", "/").unwrap();
    let error = bench.s3(&caller, "GET", "/bkt/k").unwrap_err();
    assert!(error.message.ends_with("with an explicit deny in an identity-based policy"), "{}", error.message);
}

#[test]
fn making_a_bucket_takes_a_permission_for_what_is_set_with_it() {
    let mut bench = Bench::new();
    let caller = bench.caller_with(MINE, "a", &allow("s3:CreateBucket", "arn:aws:s3:::new-*"));
    let body = |tags: &str| {
        format!(
            "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>{tags}</CreateBucketConfiguration>"
        )
    };
    let tagged = body("<Tags><Tag><Key>k</Key><Value>v</Value></Tag></Tags>");
    assert_eq!(code(bench.s3_with(&caller, "PUT", "/new-1", &tagged)), Some((403, "AccessDenied")));
    assert_eq!(code(bench.s3_with(&caller, "PUT", "/other", &body(""))), Some((403, "AccessDenied")));
    bench.s3_with(&caller, "PUT", "/new-1", &body("")).unwrap();
    let caller = bench.caller_with(MINE, "a", &allow("s3:*", "arn:aws:s3:::new-*"));
    bench.s3_with(&caller, "PUT", "/new-2", &tagged).unwrap();
}

#[test]
fn s3_across_accounts_takes_both_policies() {
    let mut bench = Bench::new();
    bench.bucket(YOURS);
    let get = |bench: &mut Bench, caller: &Caller| code(bench.s3(caller, "GET", "/bkt/k"));
    let caller = bench.caller_with(MINE, "a", &allow("s3:*", "*"));
    assert_eq!(get(&mut bench, &caller), Some((403, "AccessDenied")));
    for (principal, own, expected) in [
        ("arn:aws:iam::222222222222:user/a", allow("sqs:*", "*"), Some((403, "AccessDenied"))),
        ("arn:aws:iam::222222222222:user/a", allow("s3:*", "*"), None),
        (MINE, allow("s3:*", "*"), None),
        (MINE, allow("sqs:*", "*"), Some((403, "AccessDenied"))),
        ("444444444444", allow("s3:*", "*"), Some((403, "AccessDenied"))),
    ] {
        let caller = bench.caller_with(MINE, "a", &own);
        let document = named(principal, "Allow", "s3:GetObject", "arn:aws:s3:::bkt/*");
        bench.s3_with(&administrator(YOURS), "PUT", "/bkt?policy", &document).unwrap();
        assert_eq!(get(&mut bench, &caller), expected, "{principal} {own}");
    }
}

#[test]
fn sqs_takes_either_policy_in_an_account_and_both_across() {
    let mut bench = Bench::new();
    bench.json(&administrator(MINE), sqs::handle, "CreateQueue", json!({ "QueueName": "jobs" })).unwrap();
    let (url, arn) =
        ("https://sqs.eu-west-1.amazonaws.com/222222222222/jobs", "arn:aws:sqs:eu-west-1:222222222222:jobs");
    let send = |bench: &mut Bench, caller: &Caller| {
        let answer = bench.json(caller, sqs::handle, "SendMessage", json!({ "QueueUrl": url, "MessageBody": "m" }));
        answer.err().map(|error| error.message)
    };
    let set_policy = |bench: &mut Bench, document: String| {
        let body = json!({ "QueueUrl": url, "Attributes": { "Policy": document } });
        bench.json(&administrator(MINE), sqs::handle, "SetQueueAttributes", body).unwrap();
    };
    let nothing = bench.caller(MINE, "nothing");
    assert_eq!(
        send(&mut bench, &nothing).unwrap(),
        "User: arn:aws:iam::222222222222:user/nothing is not authorized to perform: sqs:sendmessage on resource: \
         arn:aws:sqs:eu-west-1:222222222222:jobs because no identity-based policy allows the sqs:sendmessage action"
    );
    let own = bench.caller_with(MINE, "own", &allow("sqs:SendMessage", arn));
    assert_eq!(send(&mut bench, &own), None);
    let theirs = bench.caller_with(YOURS, "a", &allow("sqs:*", "*"));
    assert!(send(&mut bench, &theirs).unwrap().contains("no resource-based policy"));

    set_policy(&mut bench, named("*", "Allow", "sqs:*", arn));
    assert_eq!((send(&mut bench, &nothing), send(&mut bench, &theirs)), (None, None));
    let without = bench.caller(YOURS, "without");
    assert!(send(&mut bench, &without).unwrap().contains("no identity-based policy"));
    let deletion = bench.json(&theirs, sqs::handle, "DeleteQueue", json!({ "QueueUrl": url }));
    assert_eq!(code(deletion), Some((403, "AccessDenied")));

    let who = "arn:aws:iam::222222222222:user/own";
    set_policy(&mut bench, named(who, "Deny", "sqs:SendMessage", arn));
    assert!(send(&mut bench, &own).unwrap().ends_with("with an explicit deny in a resource-based policy"));
}

#[test]
fn sqs_lists_and_makes_queues_by_identity_policy() {
    let mut bench = Bench::new();
    let create = |bench: &mut Bench, caller: &Caller, name: &str| {
        code(bench.json(caller, sqs::handle, "CreateQueue", json!({ "QueueName": name })))
    };
    let list = |bench: &mut Bench, caller: &Caller| bench.json(caller, sqs::handle, "ListQueues", json!({})).map(drop);
    let caller = bench.caller_with(MINE, "a", &allow("sqs:*", "arn:aws:sqs:*:222222222222:jobs-*"));
    assert_eq!(create(&mut bench, &caller, "jobs-1"), None);
    assert_eq!(create(&mut bench, &caller, "other"), Some((403, "AccessDenied")));
    assert!(list(&mut bench, &caller).unwrap_err().message.contains("perform: sqs:listqueues because"));
    let caller = bench.caller_with(MINE, "a", &allow("sqs:ListQueues", "*"));
    list(&mut bench, &caller).unwrap();
}

#[test]
fn secrets_are_known_by_arn_whether_they_are_there_or_not() {
    let mut bench = Bench::new();
    let pattern = "arn:aws:secretsmanager:eu-west-1:222222222222:secret:team/s-??????";
    let caller = bench.caller_with(MINE, "a", &allow("secretsmanager:*", pattern));
    let token = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
    let secret = |name: &str| json!({ "Name": name, "ClientRequestToken": token, "SecretString": "v" });
    let manager = secretsmanager::handle;
    assert_eq!(code(bench.json(&caller, manager, "CreateSecret", secret("s"))), Some((400, "AccessDeniedException")));
    let made = bench.json(&caller, manager, "CreateSecret", secret("team/s")).unwrap();
    let arn = made["ARN"].as_str().unwrap();
    for id in ["team/s", arn, &arn[..arn.len() - 7]] {
        bench.json(&caller, manager, "GetSecretValue", json!({ "SecretId": id })).unwrap();
    }
    let absent = bench.json(&caller, manager, "GetSecretValue", json!({ "SecretId": "team/t" }));
    assert_eq!(code(absent), Some((400, "AccessDeniedException")));
    let error = bench.json(&caller, manager, "ListSecrets", json!({})).unwrap_err();
    assert!(error.message.ends_with("secretsmanager:ListSecrets action"), "{}", error.message);
    let theirs = bench.caller_with(YOURS, "a", &allow("*", "*"));
    let error = bench.json(&theirs, manager, "GetSecretValue", json!({ "SecretId": arn })).unwrap_err();
    assert!(error.message.contains("no resource-based policy"), "{}", error.message);
}

#[test]
fn secrets_conditions_see_tags_and_parameters() {
    let mut bench = Bench::new();
    let statement = r#"{"Effect":"Allow","Action":["secretsmanager:CreateSecret","secretsmanager:TagResource"],
        "Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"x"}}}"#;
    let delete = r#"{"Effect":"Allow","Action":"secretsmanager:DeleteSecret","Resource":"*",
        "Condition":{"StringEquals":{"secretsmanager:ResourceTag/team":"x"},
        "NumericGreaterThanEquals":{"secretsmanager:RecoveryWindowInDays":"30"}}}"#;
    let caller = bench.caller_with(MINE, "a", &format!("{statement},{delete}"));
    let secret = |team: &str| json!({ "Name": "s", "Tags": [{ "Key": "team", "Value": team }] });
    let manager = secretsmanager::handle;
    let denied = Some((400, "AccessDeniedException"));
    assert_eq!(code(bench.json(&caller, manager, "CreateSecret", secret("y"))), denied);
    bench.json(&caller, manager, "CreateSecret", secret("x")).unwrap();
    let window = |days: u32| json!({ "SecretId": "s", "RecoveryWindowInDays": days });
    assert_eq!(code(bench.json(&caller, manager, "DeleteSecret", window(7))), denied);
    bench.json(&caller, manager, "DeleteSecret", window(30)).unwrap();
}

#[test]
fn a_secret_with_tags_takes_the_permission_to_tag() {
    let mut bench = Bench::new();
    let caller = bench.caller_with(MINE, "a", &allow("secretsmanager:CreateSecret", "*"));
    let tagged = json!({ "Name": "s", "Tags": [{ "Key": "k", "Value": "" }] });
    let error = bench.json(&caller, secretsmanager::handle, "CreateSecret", tagged).unwrap_err();
    assert!(error.message.contains("secretsmanager:TagResource"), "{}", error.message);
    bench.json(&caller, secretsmanager::handle, "CreateSecret", json!({ "Name": "s" })).unwrap();
}

#[test]
fn events_are_put_by_bus_and_source_and_rules_made_by_name() {
    let mut bench = Bench::new();
    let admin = administrator(MINE);
    for bus in ["orders", "other"] {
        bench.json(&admin, events::handle, "CreateEventBus", json!({ "Name": bus })).unwrap();
    }
    let put = r#"{"Effect":"Allow","Action":"events:PutEvents",
        "Resource":"arn:aws:events:eu-west-1:222222222222:event-bus/orders",
        "Condition":{"StringEquals":{"events:source":"shop"}}}"#;
    let rules = allow("events:*Rule", "arn:aws:events:eu-west-1:222222222222:rule/orders/mine-*");
    let caller = bench.caller_with(MINE, "a", &format!("{put},{rules}"));
    let denied = Some((400, "AccessDeniedException"));
    let events = events::handle;
    let entry =
        |bus: &str, source: &str| json!({ "EventBusName": bus, "Source": source, "DetailType": "t", "Detail": "{}" });
    for (entries, expected) in [
        (vec![entry("orders", "shop")], None),
        (vec![entry("arn:aws:events:eu-west-1:222222222222:event-bus/orders", "shop")], None),
        (vec![entry("orders", "bank")], denied),
        (vec![entry("orders", "shop"), entry("other", "shop")], denied),
        (vec![entry("arn:aws:events:eu-west-1:333333333333:event-bus/orders", "shop")], denied),
    ] {
        let answer = bench.json(&caller, events, "PutEvents", json!({ "Entries": entries }));
        assert_eq!(code(answer), expected, "{entries:?}");
    }
    let rule =
        |name: &str, bus: &str| json!({ "Name": name, "EventBusName": bus, "EventPattern": r#"{"source":["shop"]}"# });
    bench.json(&caller, events, "PutRule", rule("mine-1", "orders")).unwrap();
    bench.json(&caller, events, "DescribeRule", json!({ "Name": "mine-1", "EventBusName": "orders" })).unwrap();
    assert_eq!(code(bench.json(&caller, events, "PutRule", rule("theirs", "orders"))), denied);
    let error = bench.json(&caller, events, "PutRule", rule("mine-1", "default")).unwrap_err();
    assert!(error.message.contains("on resource: arn:aws:events:eu-west-1:222222222222:rule/mine-1 "));
    for operation in ["ListEventBuses", "ListRules", "DescribeEventBus"] {
        assert_eq!(code(bench.json(&caller, events, operation, json!({}))), denied, "{operation}");
    }
}

#[test]
fn who_am_i_needs_no_permission_even_against_a_deny() {
    let mut bench = Bench::new();
    let caller = bench.caller_with(MINE, "a", &statement("Deny", "*", "*"));
    let reply = bench.call(&caller, |call| sts::handle(call, "GetCallerIdentity")).unwrap();
    let told = String::from_utf8(reply.body.to_vec()).unwrap();
    assert_eq!((text(&told, "Arn"), text(&told, "Account")), ("arn:aws:iam::222222222222:user/a", MINE));
    assert!(text(&told, "UserId").starts_with("AIDA"));
}

#[test]
fn replays_take_permissions_on_archive_bus_and_replay() {
    let mut bench = Bench::new();
    let arn = |path: &str| format!("arn:aws:events:eu-west-1:222222222222:{path}");
    let (bus, archive) = (arn("event-bus/default"), arn("archive/kept"));
    let denied = Some((400, "AccessDeniedException"));
    let create = json!({ "ArchiveName": "kept", "EventSourceArn": bus });
    let on_archive = allow("events:*Archive", &archive);
    let caller = bench.caller_with(MINE, "a", &on_archive);
    assert_eq!(code(bench.json(&caller, events::handle, "CreateArchive", create.clone())), denied);
    let on_bus = allow("events:*", &bus);
    let caller = bench.caller_with(MINE, "b", &format!("{on_archive},{on_bus}"));
    bench.json(&caller, events::handle, "CreateArchive", create).unwrap();
    bench.json(&caller, events::handle, "DescribeArchive", json!({ "ArchiveName": "kept" })).unwrap();
    assert_eq!(code(bench.json(&caller, events::handle, "ListArchives", json!({}))), denied);
    let start = json!({ "ReplayName": "again", "EventSourceArn": archive, "EventStartTime": 1, "EventEndTime": 2,
        "Destination": { "Arn": bus } });
    assert_eq!(code(bench.json(&caller, events::handle, "StartReplay", start.clone())), denied);
    let on_all = [allow("events:StartReplay", &archive), allow("events:*", &arn("replay/again")), on_bus].join(",");
    let caller = bench.caller_with(MINE, "c", &on_all);
    bench.json(&caller, events::handle, "StartReplay", start).unwrap();
    bench.json(&caller, events::handle, "CancelReplay", json!({ "ReplayName": "again" })).unwrap();
    let other = bench.json(&caller, events::handle, "DescribeReplay", json!({ "ReplayName": "other" }));
    assert_eq!(code(other), denied);
}

#[test]
fn moving_messages_takes_permissions_on_both_queues() {
    let mut bench = Bench::new();
    let admin = administrator(MINE);
    let arn = |name: &str| format!("arn:aws:sqs:eu-west-1:222222222222:{name}");
    bench.json(&admin, sqs::handle, "CreateQueue", json!({ "QueueName": "dead" })).unwrap();
    let redrive = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1 }).to_string();
    let jobs = json!({ "QueueName": "jobs", "Attributes": { "RedrivePolicy": redrive } });
    bench.json(&admin, sqs::handle, "CreateQueue", jobs).unwrap();
    let start = |bench: &mut Bench, caller: &Caller, to: Option<String>| {
        let asked = json!({ "SourceArn": arn("dead"), "DestinationArn": to });
        code(bench.json(caller, sqs::handle, "StartMessageMoveTask", asked))
    };
    let denied = Some((403, "AccessDenied"));
    let on_dead = allow("sqs:*", &arn("dead"));
    let caller = bench.caller_with(MINE, "a", &on_dead);
    assert_eq!(start(&mut bench, &caller, None), denied);
    assert_eq!(start(&mut bench, &caller, Some(arn("jobs"))), denied);
    let caller = bench.caller_with(MINE, "b", &format!("{on_dead},{}", allow("sqs:SendMessage", &arn("jobs"))));
    assert_eq!(start(&mut bench, &caller, None), None);
    let caller = bench.caller_with(MINE, "c", &allow("sqs:*MessageMoveTask", &arn("*")));
    assert_eq!(start(&mut bench, &caller, None), denied);
    let theirs = bench.caller_with(YOURS, "d", &allow("*", "*"));
    assert_eq!(start(&mut bench, &theirs, None), denied);
}
