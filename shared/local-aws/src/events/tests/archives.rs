//! Archives as callers see them, and the rules that EventBridge makes for them.

use super::*;

pub(super) const BUS: &str = "arn:aws:events:eu-west-1:222222222222:event-bus/orders";
pub(super) const ARCHIVE: &str = "arn:aws:events:eu-west-1:222222222222:archive/kept";

/// The bus of [`aws`], whose queue may receive, with the archive `kept`.
pub(super) fn archived(settings: Value) -> LocalAws {
    let aws = aws(json!({ "Id": "1", "Arn": QUEUE }));
    allow(&aws, QUEUE, RULE);
    create(&aws, "kept", settings).unwrap();
    aws
}

fn create(aws: &LocalAws, name: &str, mut settings: Value) -> Result<Value, ApiFailure> {
    settings["ArchiveName"] = json!(name);
    settings["EventSourceArn"] = json!(BUS);
    events(aws, "CreateArchive", settings)
}

fn describe(aws: &LocalAws, name: &str) -> Result<Value, ApiFailure> {
    events(aws, "DescribeArchive", json!({ "ArchiveName": name }))
}

#[tokio::test(start_paused = true)]
async fn an_archive_keeps_what_its_pattern_matches_on_its_bus() {
    let aws = archived(json!({ "EventPattern": r#"{"detail":{"n":[1]}}"#, "Description": "ones", "RetentionDays": 3 }));
    let mut elsewhere = entry(r#"{"n":1}"#);
    elsewhere["EventBusName"] = json!("default");
    put(&aws, json!([entry(r#"{"n":1}"#), entry(r#"{"n":2}"#), elsewhere])).unwrap();
    assert_eq!(
        describe(&aws, "kept").unwrap(),
        json!({
            "ArchiveName": "kept", "ArchiveArn": ARCHIVE, "EventSourceArn": BUS, "State": "ENABLED",
            "Description": "ones", "EventPattern": r#"{"detail":{"n":[1]}}"#, "RetentionDays": 3,
            // shop, Ordered, {"n":1}, and 26 bytes for the rest.
            "EventCount": 1, "SizeBytes": 4 + 7 + 7 + 26, "CreationTime": 1_795_341_600.0,
        })
    );
}

#[tokio::test(start_paused = true)]
async fn events_are_kept_for_as_many_days_as_the_archive_says() {
    let aws = archived(json!({ "RetentionDays": 1 }));
    create(&aws, "for-ever", json!({})).unwrap();
    put(&aws, json!([entry("{}")])).unwrap();
    let counts = || ["kept", "for-ever"].map(|name| describe(&aws, name).unwrap()["EventCount"].clone());
    aws.clock().advance(Duration::from_secs(86_399));
    assert_eq!(counts(), [json!(1), json!(1)]);
    aws.clock().advance(Duration::from_secs(1));
    assert_eq!(counts(), [json!(0), json!(1)]);
    events(&aws, "UpdateArchive", json!({ "ArchiveName": "for-ever", "RetentionDays": 1 })).unwrap();
    assert_eq!(counts(), [json!(0), json!(0)]);
    // Once another event has come, what is over does not return with a longer retention.
    put(&aws, json!([entry("{}")])).unwrap();
    events(&aws, "UpdateArchive", json!({ "ArchiveName": "for-ever", "RetentionDays": 0 })).unwrap();
    assert_eq!(counts(), [json!(1), json!(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_update_changes_what_it_names() {
    let aws = archived(json!({ "Description": "all", "RetentionDays": 3 }));
    put(&aws, json!([entry("{}")])).unwrap();
    let update = json!({ "ArchiveName": "kept", "EventPattern": r#"{"source":["none"]}"# });
    let told = events(&aws, "UpdateArchive", update).unwrap();
    assert_eq!(told, json!({ "ArchiveArn": ARCHIVE, "State": "ENABLED", "CreationTime": 1_795_341_600.0 }));
    put(&aws, json!([entry("{}")])).unwrap();
    let archive = describe(&aws, "kept").unwrap();
    assert_eq!(
        (&archive["EventCount"], &archive["Description"], &archive["RetentionDays"]),
        (&json!(1), &json!("all"), &json!(3))
    );
}

#[tokio::test(start_paused = true)]
async fn refuses_wrong_archives() {
    let aws = archived(json!({}));
    for (name, settings, expected) in [
        ("a b", json!({}), "ValidationException"),
        (&"x".repeat(49), json!({}), "ValidationException"),
        ("kept", json!({}), "ResourceAlreadyExistsException"),
        ("new", json!({ "RetentionDays": -1 }), "ValidationException"),
        ("new", json!({ "EventPattern": "{" }), "InvalidEventPatternException"),
        ("new", json!({ "EventPattern": r#"{"source":"shop"}"# }), "InvalidEventPatternException"),
        ("new", json!({ "Description": "x".repeat(513) }), "ValidationException"),
        ("new", json!({ "KmsKeyIdentifier": "alias/mine" }), "NotImplemented"),
    ] {
        assert_eq!(code(create(&aws, name, settings.clone())), expected, "{name} {settings}");
    }
    let elsewhere = |arn: &str| events(&aws, "CreateArchive", json!({ "ArchiveName": "new", "EventSourceArn": arn }));
    assert_eq!(code(elsewhere("arn:aws:events:eu-west-1:222222222222:event-bus/none")), "ResourceNotFoundException");
    assert_eq!(code(elsewhere("arn:aws:events:us-east-1:222222222222:event-bus/orders")), "ResourceNotFoundException");
    assert_eq!(code(elsewhere("arn:aws:events:eu-west-1:333333333333:event-bus/orders")), "AccessDeniedException");
    for operation in ["DescribeArchive", "UpdateArchive", "DeleteArchive"] {
        let none = events(&aws, operation, json!({ "ArchiveName": "none" }));
        assert_eq!(code(none), "ResourceNotFoundException", "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn archives_are_listed_by_one_filter_and_in_pages() {
    let aws = archived(json!({}));
    for name in ["kept-2", "other"] {
        create(&aws, name, json!({})).unwrap();
    }
    let names = |asked: Value| -> Vec<String> {
        let listed = events(&aws, "ListArchives", asked).unwrap();
        let archives = listed["Archives"].as_array().unwrap().iter();
        archives.map(|archive| archive["ArchiveName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(json!({ "NamePrefix": "kept" })), ["kept", "kept-2"]);
    assert_eq!(names(json!({ "EventSourceArn": BUS })).len(), 3);
    assert_eq!(names(json!({ "State": "ENABLED" })).len(), 3);
    assert!(names(json!({ "State": "DISABLED" })).is_empty());
    let first = events(&aws, "ListArchives", json!({ "Limit": 2 })).unwrap();
    assert_eq!(first["Archives"].as_array().unwrap().len(), 2);
    assert_eq!(names(json!({ "Limit": 2, "NextToken": first["NextToken"] })), ["other"]);
    for asked in [json!({ "NamePrefix": "kept", "State": "ENABLED" }), json!({ "State": "enabled" })] {
        assert_eq!(code(events(&aws, "ListArchives", asked)), "ValidationException");
    }
    let none = json!({ "EventSourceArn": BUS.replace("orders", "none") });
    assert_eq!(code(events(&aws, "ListArchives", none)), "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn an_archives_rule_is_eventbridges_own() {
    let aws = archived(json!({ "EventPattern": r#"{"source":["shop"]}"# }));
    let rule = json!({ "Name": "Events-Archive-kept", "EventBusName": "orders" });
    let told = events(&aws, "DescribeRule", rule.clone()).unwrap();
    assert_eq!(told["ManagedBy"], "prod.vhs.events.aws.internal");
    let pattern: Value = serde_json::from_str(told["EventPattern"].as_str().unwrap()).unwrap();
    assert_eq!(pattern, json!({ "source": ["shop"], "replay-name": [{ "exists": false }] }));
    let mut again = rule.clone();
    again["EventPattern"] = json!(r#"{"source":["x"]}"#);
    for (operation, body) in
        [("PutRule", again), ("DisableRule", rule.clone()), ("EnableRule", rule.clone()), ("DeleteRule", rule.clone())]
    {
        assert_eq!(code(events(&aws, operation, body)), "ManagedRuleException", "{operation}");
    }
    let target = json!({ "Rule": "Events-Archive-kept", "EventBusName": "orders",
        "Targets": [{ "Id": "1", "Arn": QUEUE }] });
    assert_eq!(code(events(&aws, "PutTargets", target)), "ManagedRuleException");
    events(&aws, "RemoveTargets", json!({ "Rule": "all", "EventBusName": "orders", "Ids": ["1"] })).unwrap();
    events(&aws, "DeleteRule", json!({ "Name": "all", "EventBusName": "orders" })).unwrap();
    assert_eq!(code(events(&aws, "DeleteEventBus", json!({ "Name": "orders" }))), "ValidationException");
    events(&aws, "DeleteArchive", json!({ "ArchiveName": "kept" })).unwrap();
    events(&aws, "DeleteEventBus", json!({ "Name": "orders" })).unwrap();
}
