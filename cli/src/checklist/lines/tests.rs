//! Each line's decision, from what was looked at and nothing else.

use std::time::Duration;

use aws::secrets::{StoredSecret, StoredVersion};
use aws::users::{AccessKey, User};
use aws::{Credential, SecretText};
use aws_smithy_types::DateTime;
use contract::ErrorCode;
use org::{AccountClass, Conventions, Environment, OrgId, Place, bucket_policy};

use super::lines;
use crate::checklist::line::{Line, Status};
use crate::checklist::observed::{
    Anonymously, Asked, Attempt, BucketSetup, Buckets, DENIED_HEAD, KeyHistory, NotOurs, Observed, Unseen, UserExtras,
    WithKey,
};
use crate::checklist::report::Report;

const ARN: &str = "arn:aws:iam::123456789012:user/rms_acme";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn asked() -> Asked {
    Asked {
        org: OrgId::parse("acme").unwrap(),
        place: Place { partition: "aws".into(), account: "123456789012".into(), region: "us-east-1".into() },
        caller: "arn:aws:iam::123456789012:user/me".into(),
        conventions: Conventions::default(),
        account_class: AccountClass::Production,
        account_was_expected: true,
        environment: Some(Environment::Staging),
        kms_key_id: None,
    }
}

fn tags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// An organization that has everything, as it should be.
fn everything() -> Observed {
    let asked = asked();
    let bucket = asked.conventions.bucket_name(&asked.org);
    let credential = Credential {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: SecretText::new(SECRET),
        user_name: "rms_acme".into(),
    };
    Observed {
        user: Ok(Some(User {
            name: "rms_acme".into(),
            arn: ARN.into(),
            age: Duration::from_secs(86_400),
            tags: tags(&[("OrgId", "acme"), ("OrgState", "active"), ("CreatedBy", "org-provisioner/us-east-1")]),
            age_of_state: None,
        })),
        user_extras: UserExtras {
            console: Ok(false),
            inline_policies: Ok(Vec::new()),
            attached_policies: Ok(Vec::new()),
            groups: Ok(Vec::new()),
            other_credentials: Ok(Vec::new()),
        },
        keys: Ok(vec![AccessKey {
            id: credential.access_key_id.clone(),
            active: true,
            created: DateTime::from_secs(0),
        }]),
        rotating: Ok(Vec::new()),
        key_history: Some(Ok(KeyHistory { age: Duration::from_secs(3 * 86_400), last_used: None })),
        secret: Ok(Some(StoredSecret {
            arn: "arn:aws:secretsmanager:us-east-1:123456789012:secret:fusion-rms/acme/aws-AbCdEf".into(),
            scheduled_for_deletion: false,
            current: Some(StoredVersion { id: "v".into(), created: DateTime::from_secs(0), value: Ok(credential) }),
            previous_id: None,
            others: Vec::new(),
            last_changed: None,
            last_rotated: None,
            rotation: None,
            name: "fusion-rms/acme/aws".into(),
            tags: tags(&[("OrgId", "acme")]),
            labels: vec!["AWSCURRENT".into()],
            kms_key_id: None,
        })),
        buckets: Ok(Buckets {
            here: vec![bucket.clone()],
            elsewhere: Vec::new(),
            not_ours: None,
            tags: tags(&[("OrgId", "acme"), ("OrgState", "active")]),
        }),
        setup: Some(BucketSetup {
            blocks: Ok(Vec::new()),
            enforces_owner: Ok(true),
            has_marker: Ok(true),
            policy: Ok(Some(bucket_policy(&asked.place, &bucket, ARN))),
            is_public: Ok(Some(true)),
        }),
        account_blocks: Ok(Vec::new()),
        with_key: Some(WithKey {
            identity: Ok(Ok(ARN.into())),
            own_bucket: Some(Ok(Attempt::Done)),
            all_buckets: Ok(Attempt::Refused("AccessDenied".into())),
            other_bucket: Some(("fusion-rms-globex".into(), Ok(Attempt::Refused("AccessDenied".into())))),
        }),
        anonymously: Some(Anonymously {
            public_read: Ok(Attempt::Done),
            private_read: Ok(None),
            list: Ok(Attempt::Refused("AccessDenied".into())),
        }),
    }
}

fn with(status: Status, lines: &[Line]) -> Vec<&'static str> {
    lines.iter().filter(|line| line.status == status).map(|line| line.id).collect()
}

fn user(observed: &mut Observed) -> &mut User {
    observed.user.as_mut().unwrap().as_mut().unwrap()
}

fn secret(observed: &mut Observed) -> &mut StoredSecret {
    observed.secret.as_mut().unwrap().as_mut().unwrap()
}

/// A change to what was looked at, and the lines that must fail for it.
type Drift = (fn(&mut Observed), &'static [&'static str]);

const DRIFTS: [Drift; 21] = [
    (
        |seen| user(seen).arn = "arn:aws:iam::123456789012:user/pos/rms_acme".into(),
        &["user-arn", "key-works", "policy-principal"],
    ),
    (|seen| user(seen).tags[0].0 = "OrgID".into(), &["user-tag"]),
    (|seen| user(seen).tags[0].1 = "globex".into(), &["user-tag"]),
    (|seen| user(seen).tags[1].1 = "suspended".into(), &["user-state"]),
    (|seen| seen.user_extras.console = Ok(true), &["user-console"]),
    (|seen| seen.user_extras.groups = Ok(vec!["admins".into()]), &["user-groups"]),
    (|seen| seen.user_extras.other_credentials = Ok(vec!["MFA device x".into()]), &["user-other-credentials"]),
    (|seen| seen.keys.as_mut().unwrap()[0].active = false, &["key-active"]),
    (|seen| seen.keys.as_mut().unwrap()[0].id = "AKIAOTHER".into(), &["key-stored"]),
    (|seen| seen.with_key.as_mut().unwrap().identity = Ok(Err("InvalidClientTokenId".into())), &["key-works"]),
    (|seen| user(seen).tags.push(("note".into(), SECRET.into())), &["key-hidden"]),
    (|seen| secret(seen).tags.clear(), &["secret-tag"]),
    (|seen| secret(seen).labels.push("AWSPENDING".into()), &["secret-labels"]),
    (|seen| seen.buckets.as_mut().unwrap().tags[1].1 = "offboarded".into(), &["bucket-state"]),
    (|seen| seen.setup.as_mut().unwrap().blocks = Ok(vec!["BlockPublicAcls"]), &["bucket-public-access"]),
    (|seen| seen.setup.as_mut().unwrap().enforces_owner = Ok(false), &["bucket-ownership"]),
    (|seen| seen.setup.as_mut().unwrap().has_marker = Ok(false), &["bucket-marker"]),
    (|seen| seen.account_blocks = Ok(vec!["RestrictPublicBuckets"]), &["account-public-access"]),
    (
        |seen| seen.anonymously.as_mut().unwrap().private_read = Ok(Some(("sync/a".into(), Attempt::Done))),
        &["private-read"],
    ),
    (|seen| seen.anonymously.as_mut().unwrap().list = Ok(Attempt::Done), &["private-list"]),
    (|seen| seen.with_key.as_mut().unwrap().all_buckets = Ok(Attempt::Done), &["key-all-buckets"]),
];

#[test]
fn what_is_in_order_passes() {
    let lines = lines(&asked(), &everything());
    assert_eq!(with(Status::Fail, &lines), Vec::<&str>::new());
    assert_eq!(with(Status::Unknown, &lines), Vec::<&str>::new());
    let by_hand = ["database", "message-broker", "tenant", "dns", "log-key", "auth-server"];
    assert_eq!(with(Status::NotApplicable, &lines), by_hand);
    let mut ids: Vec<_> = lines.iter().map(|line| line.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), lines.len(), "two lines with the same id");
}

#[test]
fn each_drift_fails_its_lines_and_no_others() {
    for (index, (drift, expected)) in DRIFTS.into_iter().enumerate() {
        let mut observed = everything();
        drift(&mut observed);
        let lines = lines(&asked(), &observed);
        assert_eq!(with(Status::Fail, &lines), expected, "drift {index}");
        assert_eq!(with(Status::Unknown, &lines), Vec::<&str>::new(), "drift {index}");
        assert!(lines.iter().filter(|line| line.status == Status::Fail).all(|line| line.remedy.is_some()));
    }
}

#[test]
fn a_second_key_is_in_order_if_it_is_a_rotations() {
    let second = || AccessKey { id: "AKIAOLDKEY".into(), active: true, created: DateTime::from_secs(0) };
    let mut observed = everything();
    observed.keys.as_mut().unwrap().push(second());
    assert_eq!(with(Status::Fail, &lines(&asked(), &observed)), ["key-one"]);
    observed.rotating = Ok(vec![second().id]);
    assert_eq!(with(Status::Fail, &lines(&asked(), &observed)), Vec::<&str>::new());
}

#[test]
fn what_nobody_said_is_not_applicable_and_a_wrong_environment_fails() {
    let asked_with = |environment, account_was_expected| Asked { environment, account_was_expected, ..asked() };
    let told = lines(&asked_with(None, false), &everything());
    let not_applicable = with(Status::NotApplicable, &told);
    assert!(not_applicable.contains(&"account-environment") && not_applicable.contains(&"account-expected"));
    let wrong = lines(&asked_with(Some(Environment::Demo), true), &everything());
    assert_eq!(with(Status::Fail, &wrong), ["account-environment"]);
}

#[test]
fn what_could_not_be_seen_is_unknown() {
    let mut observed = everything();
    observed.user_extras.groups = Err(Unseen { code: ErrorCode::AccessDenied, message: "denied".into() });
    let report = Report::of(&asked(), &observed, String::new());
    assert_eq!((report.status, report.counts.unknown), (Status::Unknown, 1));
    let mut observed = everything();
    observed.buckets = Err(Unseen { code: ErrorCode::AccessDenied, message: "denied".into() });
    let lines = lines(&asked(), &observed);
    assert_eq!(with(Status::Fail, &lines), Vec::<&str>::new());
    assert_eq!(with(Status::Unknown, &lines).len(), 17);
}

#[test]
fn nothing_at_all_fails_where_it_begins() {
    let mut observed = everything();
    observed.user = Ok(None);
    observed.keys = Ok(Vec::new());
    observed.key_history = None;
    observed.secret = Ok(None);
    observed.buckets = Ok(Buckets::default());
    (observed.setup, observed.with_key, observed.anonymously) = (None, None, None);
    let lines = lines(&asked(), &observed);
    assert_eq!(with(Status::Fail, &lines), ["user-exists", "secret-exists", "bucket-exists"]);
    assert_eq!(with(Status::Unknown, &lines), Vec::<&str>::new());
}

#[test]
fn a_bucket_in_another_region_and_one_without_the_tag_are_told_apart() {
    let asked = asked();
    let name = asked.conventions.bucket_name(&asked.org);
    let mut elsewhere = everything();
    elsewhere.buckets = Ok(Buckets { elsewhere: vec![(name.clone(), "eu-central-1".into())], ..Buckets::default() });
    (elsewhere.setup, elsewhere.anonymously) = (None, None);
    elsewhere.with_key.as_mut().unwrap().own_bucket = None;
    assert_eq!(with(Status::Fail, &lines(&asked, &elsewhere)), ["bucket-region"]);
    let mut two = everything();
    two.buckets.as_mut().unwrap().elsewhere = vec![(name.clone(), "eu-central-1".into())];
    assert_eq!(with(Status::Fail, &lines(&asked, &two)), ["bucket-one"]);
    let mut untagged = everything();
    let not_ours = NotOurs { name, owner: Some("globex".into()), elsewhere: None };
    untagged.buckets = Ok(Buckets { not_ours: Some(not_ours.clone()), ..Buckets::default() });
    assert_eq!(with(Status::Fail, &lines(&asked, &untagged)), ["bucket-tag"]);
    let both = NotOurs { elsewhere: Some("eu-central-1".into()), ..not_ours };
    elsewhere.buckets = Ok(Buckets { not_ours: Some(both), ..Buckets::default() });
    let told = lines(&asked, &elsewhere);
    assert_eq!(with(Status::Fail, &told), ["bucket-region"]);
    assert!(with(Status::NotApplicable, &told).contains(&"policy-public"), "it is not looked into");
    let region = told.iter().find(|line| line.id == "bucket-region").unwrap();
    assert!(region.evidence.contains("eu-central-1"), "{}", region.evidence);
    assert_eq!(region.remedy.as_ref().unwrap().code, Some(ErrorCode::BucketElsewhere));
}

#[test]
fn a_secret_that_somebody_put_elsewhere_is_not_shown() {
    let mut observed = everything();
    user(&mut observed).tags.push((SECRET.into(), SECRET.into()));
    let policy = observed.setup.as_mut().unwrap().policy.as_mut().unwrap().as_mut().unwrap();
    *policy = policy.replacen("\"Effect\"", &format!("\"Sid\": \"{SECRET}\", \"Effect\""), 1);
    let report = Report::of(&asked(), &observed, String::new());
    assert_eq!(report.status, Status::Fail);
    let shown = serde_json::to_string(&report).unwrap();
    assert!(!shown.contains(SECRET) && shown.contains("not shown"), "{shown}");
    assert!(!shown.contains("AKIAIOSFODNN7EXAMPLE") && shown.contains("MPLE"), "only the key's end");
}

#[test]
fn a_configured_key_for_secrets_is_the_same_by_arn_or_id() {
    let told = |configured: Option<&str>, found: Option<&str>| {
        let asked = Asked { kms_key_id: configured.map(str::to_owned), ..asked() };
        let mut observed = everything();
        secret(&mut observed).kms_key_id = found.map(str::to_owned);
        lines(&asked, &observed).into_iter().find(|line| line.id == "secret-encryption").unwrap()
    };
    let encryption = |configured: Option<&str>, found: Option<&str>| told(configured, found).status;
    let arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd";
    assert_eq!(encryption(None, Some("alias/aws/secretsmanager")), Status::Pass);
    assert_eq!(encryption(Some("1234abcd"), Some(arn)), Status::Pass);
    assert_eq!(encryption(Some(arn), Some("1234abcd")), Status::Pass);
    assert_eq!(encryption(Some("abcd"), Some(arn)), Status::Fail);
    assert_eq!(encryption(Some(arn), None), Status::Fail);
    assert_eq!(encryption(Some("alias/pos"), Some(arn)), Status::NotApplicable);
    // The account's own key, by whichever name, is no key of a customer's.
    for own in ["alias/aws/secretsmanager", "arn:aws:kms:us-east-1:123456789012:alias/aws/secretsmanager"] {
        assert_eq!(encryption(Some(own), None), Status::Pass, "{own}");
        assert_eq!(encryption(Some(own), Some("alias/aws/secretsmanager")), Status::Pass, "{own}");
        assert_eq!(encryption(Some(own), Some("alias/pos")), Status::Fail, "{own}");
        assert_eq!(encryption(Some("alias/pos"), Some(own)), Status::Fail, "{own}");
        assert_eq!(encryption(None, Some(own)), Status::Pass, "{own}");
    }
    // A secret is not to be taken off its key because orgctl was started without the deployment's settings.
    let unset = told(None, Some(arn));
    assert_eq!((unset.status, unset.remedy.is_none()), (Status::NotApplicable, true));
    assert!(
        unset.evidence.contains(arn) && unset.evidence.contains("KMS_KEY_ID is not set here"),
        "{}",
        unset.evidence
    );
}

#[test]
fn only_a_denial_shows_that_something_is_not_permitted() {
    let statuses = |identity: Result<Result<String, String>, Unseen>, code: &str| {
        let refused = || Attempt::Refused(code.to_owned());
        let mut observed = everything();
        observed.with_key = Some(WithKey {
            identity,
            own_bucket: Some(Ok(Attempt::Done)),
            all_buckets: Ok(refused()),
            other_bucket: Some(("fusion-rms-globex".into(), Ok(refused()))),
        });
        let private_read = Ok(Some(("sync/a".into(), refused())));
        observed.anonymously = Some(Anonymously { public_read: Ok(Attempt::Done), private_read, list: Ok(refused()) });
        let lines = lines(&asked(), &observed);
        let status = |id: &str| lines.iter().find(|line| line.id == id).unwrap().status;
        ["private-read", "private-list", "key-all-buckets", "key-other-bucket"].map(status)
    };
    let works = || Ok(Ok(ARN.to_owned()));
    for denied in ["AccessDenied", DENIED_HEAD] {
        assert_eq!(statuses(works(), denied), [Status::Pass; 4], "{denied}");
    }
    for other in ["NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled"] {
        assert_eq!(statuses(works(), other), [Status::NotApplicable; 4], "{other}");
    }
    let broken = statuses(Ok(Err("InvalidClientTokenId".into())), "AccessDenied");
    assert_eq!(broken, [Status::Pass, Status::Pass, Status::NotApplicable, Status::NotApplicable]);
    let silent =
        statuses(Err(Unseen { code: ErrorCode::ServiceUnavailable, message: "no answer".into() }), "AccessDenied");
    assert_eq!(silent, [Status::Pass, Status::Pass, Status::Unknown, Status::Unknown]);
}
