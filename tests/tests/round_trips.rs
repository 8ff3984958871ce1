//! How often a run waits for AWS: calls that go out at the same moment are one round trip. Every call of every step is
//! written down here, so that one too many, and one that waits for another without need, fails by name.

use std::time::Duration;

use local_aws::Recorded;
use local_aws::s3::PublicAccessBlock;
use local_system::LocalOptions;
use tests::{Bench, command};

/// What every call takes. Time is simulated and nothing else takes any, so what ends together was sent together.
const LATENCY: Duration = Duration::from_millis(50);

/// The region that answers a repeated CreateBucket with 200, and one that does not.
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// What of a bucket the steps `bucket` and `verify` look at.
const BUCKET: [&str; 6] = [
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketTagging",
    "GetPublicAccessBlock",
    "HeadObject",
    "ListBuckets",
];
const BUCKET_SETTINGS: [&str; 2] = ["PutObject", "PutPublicAccessBlock"];
const EVENT: [&str; 1] = ["PutEvents"];

/// A system in which these steps were done for `abc`, and in which calls take their time from now on.
async fn after(steps: &[&str], region: &str) -> Bench {
    let bench = Bench::with(&LocalOptions { region: region.to_owned(), ..LocalOptions::default() });
    bench.system.aws.set_latency(LATENCY);
    for step in steps {
        bench.system.invoke(step, command("abc")).await.unwrap();
    }
    bench
}

/// The first look of a function's life, which asks for the bus too.
fn first<'c>(look: &[&'c str]) -> Vec<&'c str> {
    [&["DescribeEventBus"], look].concat()
}

/// Runs a step alone and compares its rounds with `expected`: in each the operations in alphabetical order, with
/// who calls where that is not the function.
async fn expect(bench: &Bench, step: &str, expected: &[&[&str]]) {
    bench.system.aws.take_trace();
    bench.system.invoke(step, command("abc")).await.unwrap();
    let seen = rounds(&bench.system.aws.take_trace());
    let expected: Vec<Vec<String>> =
        expected.iter().map(|round| round.iter().map(|&call| call.to_owned()).collect()).collect();
    assert!(seen == expected, "{step} in {}:\n{}", bench.system.place.region, difference(&expected, &seen));
}

fn rounds(trace: &[Recorded]) -> Vec<Vec<String>> {
    let rounds = trace.chunk_by(|one, next| one.at == next.at);
    let sorted = rounds.map(|round| {
        let mut calls: Vec<String> = round.iter().map(call).collect();
        calls.sort();
        calls
    });
    sorted.collect()
}

fn call(recorded: &Recorded) -> String {
    let Recorded { operation, caller, .. } = recorded;
    let who = caller.rsplit('/').next().unwrap_or_default();
    if who == "administrator" { operation.clone() } else { format!("{operation} by {who}") }
}

/// Both, round by round, with what differs marked: `-` is missing, `+` is new.
fn difference(expected: &[Vec<String>], seen: &[Vec<String>]) -> String {
    let line = |mark: char, number: usize, round: &[String]| format!("{mark} {}. {}\n", number + 1, round.join(", "));
    let lines = (0..expected.len().max(seen.len())).map(|number| match (expected.get(number), seen.get(number)) {
        (Some(expected), Some(seen)) if expected == seen => line(' ', number, seen),
        (expected, seen) => {
            let missing = expected.map(|round| line('-', number, round)).unwrap_or_default();
            missing + &seen.map(|round| line('+', number, round)).unwrap_or_default()
        }
    });
    lines.collect()
}

#[test]
fn a_difference_names_the_round_and_its_calls() {
    let rounds = |rounds: &[&[&str]]| -> Vec<Vec<String>> {
        rounds.iter().map(|round| round.iter().map(|&call| call.to_owned()).collect()).collect()
    };
    let expected = rounds(&[&["GetUser"], &["PutObject", "PutPublicAccessBlock"]]);
    let seen = rounds(&[&["GetUser"], &["PutObject"], &["PutPublicAccessBlock"]]);
    assert_eq!(
        difference(&expected, &seen),
        "  1. GetUser\n- 2. PutObject, PutPublicAccessBlock\n+ 2. PutObject\n+ 3. PutPublicAccessBlock\n"
    );
}

#[tokio::test(start_paused = true)]
async fn iam_user_waits_three_times_and_twice_when_there_is_nothing_to_do() {
    let bench = after(&[], "us-east-1").await;
    let look = ["GetBucketTagging", "GetUser", "ListBuckets"];
    expect(&bench, "iam-user", &[&first(&look), &["CreateUser"], &EVENT]).await;
    expect(&bench, "iam-user", &[&look, &EVENT]).await;
}

/// In us-east-1 the answer to CreateBucket does not say whether the bucket was there already, and nothing may be
/// written to it before its tags say whose it is.
#[tokio::test(start_paused = true)]
async fn bucket_waits_four_times_and_in_us_east_1_once_more_for_the_tags() {
    let bench = after(&[], "eu-west-1").await;
    expect(&bench, "bucket", &[&first(&BUCKET), &["CreateBucket"], &BUCKET_SETTINGS, &EVENT]).await;
    let bench = after(&[], "us-east-1").await;
    let rounds: [&[&str]; 5] = [&first(&BUCKET), &["CreateBucket"], &["GetBucketTagging"], &BUCKET_SETTINGS, &EVENT];
    expect(&bench, "bucket", &rounds).await;
}

#[tokio::test(start_paused = true)]
async fn bucket_waits_twice_when_there_is_nothing_to_do() {
    for region in REGIONS {
        let bench = after(&["bucket"], region).await;
        expect(&bench, "bucket", &[&BUCKET, &EVENT]).await;
    }
}

/// A refusal to switch the lists off is how a public one is found, so that comes before anything is opened.
#[tokio::test(start_paused = true)]
async fn a_bucket_that_drifted_is_opened_after_its_access_control_lists_are_off() {
    let bench = after(&["bucket"], "us-east-1").await;
    bench.system.aws.with_world(|world| {
        let bucket = world.buckets.get_mut("fusion-rms-abc").unwrap();
        bucket.object_ownership = None;
        bucket.objects.clear();
        bucket.public_access_block = Some(PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        });
    });
    expect(&bench, "bucket", &[&BUCKET, &["PutBucketOwnershipControls"], &BUCKET_SETTINGS, &EVENT]).await;
}

/// The alternative name is looked at only once the standard one is known to be somebody else's. It is in the
/// account's own namespace, where no region answers 200 for a bucket that was there.
#[tokio::test(start_paused = true)]
async fn an_alternative_bucket_costs_one_round_trip_more_in_every_region() {
    for region in REGIONS {
        let bench = after(&[], region).await;
        bench.bucket_of_a_stranger("fusion-rms-abc").await;
        let rounds: [&[&str]; 5] =
            [&first(&BUCKET), &["GetBucketTagging"], &["CreateBucket"], &BUCKET_SETTINGS, &EVENT];
        expect(&bench, "bucket", &rounds).await;
        let [without_list @ .., _] = &BUCKET;
        expect(&bench, "bucket", &[&BUCKET, without_list, &EVENT]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn bucket_policy_waits_three_times_and_twice_when_there_is_nothing_to_do() {
    for region in REGIONS {
        let bench = after(&["iam-user", "bucket"], region).await;
        let look = ["GetBucketPolicy", "GetBucketTagging", "GetPublicAccessBlock", "GetUser", "ListBuckets"];
        expect(&bench, "bucket-policy", &[&first(&look), &["PutBucketPolicy"], &EVENT]).await;
        expect(&bench, "bucket-policy", &[&look, &EVENT]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn secret_waits_four_times_and_twice_when_there_is_nothing_to_do() {
    let bench = after(&["iam-user"], "us-east-1").await;
    let look = ["DescribeSecret", "GetSecretValue", "GetUser", "ListAccessKeys"];
    let rounds: [&[&str]; 4] = [&first(&look), &["CreateAccessKey", "SendMessage"], &["CreateSecret"], &EVENT];
    expect(&bench, "secret", &rounds).await;
    expect(&bench, "secret", &[&look, &EVENT]).await;
}

/// Beside the stored key there is a lost one, and the secret has two earlier versions with labels.
#[tokio::test(start_paused = true)]
async fn a_lost_key_is_judged_in_one_round_trip() {
    let bench = after(&["iam-user", "secret"], "us-east-1").await;
    let (client, secret) = (bench.secrets(), "fusion-rms/abc/aws");
    let first = client.describe_secret().secret_id(secret).send().await.unwrap().version_ids_to_stages.unwrap();
    let stored = bench.stored_key("abc").await.to_string();
    for _ in 0..2 {
        client.put_secret_value().secret_id(secret).secret_string(&stored).send().await.unwrap();
    }
    let label = client.update_secret_version_stage().secret_id(secret).version_stage("KEPT");
    label.move_to_version_id(first.keys().next().unwrap()).send().await.unwrap();
    bench.iam().create_access_key().user_name("rms_abc").send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let look = ["DescribeSecret", "GetSecretValue", "GetUser", "ListAccessKeys"];
    let judge = ["GetAccessKeyLastUsed", "GetSecretValue", "GetSecretValue"];
    expect(&bench, "secret", &[&look, &judge, &["DeleteAccessKey"], &EVENT]).await;
}

/// The stored key has to be read before it can be tried, so there is one round trip more than in a step that only
/// looks.
#[tokio::test(start_paused = true)]
async fn verify_waits_three_times() {
    for region in REGIONS {
        let bench = after(&["iam-user", "bucket", "bucket-policy", "secret"], region).await;
        let mut look = [&BUCKET[..], &["DescribeSecret", "GetSecretValue", "GetUser", "ListAccessKeys"]].concat();
        look.sort_unstable();
        let tries = ["GetObject by anonymous", "ListBuckets by rms_abc", "ListObjectsV2 by rms_abc"];
        expect(&bench, "verify", &[&first(&look), &tries, &EVENT]).await;
        expect(&bench, "verify", &[&look, &tries, &EVENT]).await;
    }
}
