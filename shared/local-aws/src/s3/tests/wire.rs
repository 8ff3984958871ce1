use std::time::UNIX_EPOCH;

use super::*;
use crate::{Clock, LocalAws};

const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=222222222222/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

async fn send(aws: &LocalAws, method: &str, url: &str, signed: bool) -> http::Response<Bytes> {
    let mut request = http::Request::builder().method(method).uri(url);
    if signed {
        request = request.header("authorization", SIGNED).header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    }
    aws.request(request.body(Bytes::new()).expect("a request")).await.expect("an answer")
}

#[tokio::test(start_paused = true)]
async fn answers_to_head_have_no_body_and_other_errors_are_bare_xml() {
    let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_341_600)));
    let head = send(&aws, "HEAD", "https://mine.s3.us-east-1.amazonaws.com/", true).await;
    assert_eq!((head.status().as_u16(), head.body().len()), (404, 0));
    let get = send(&aws, "GET", "https://mine.s3.us-east-1.amazonaws.com/?tagging", true).await;
    assert!(String::from_utf8_lossy(get.body()).contains("<Error><Code>NoSuchBucket</Code>"));
    let trace: Vec<String> = aws.take_trace().iter().map(ToString::to_string).collect();
    assert_eq!(trace, ["s3:HeadBucket mine -> NoSuchBucket", "s3:GetBucketTagging mine -> NoSuchBucket"]);
}

#[tokio::test(start_paused = true)]
async fn both_styles_reach_the_same_bucket_and_strangers_no_private_one() {
    let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_341_600)));
    let made = send(&aws, "PUT", "http://127.0.0.1:4566/mine", true).await;
    assert_eq!(made.status(), 200);
    for url in ["https://mine.s3.us-east-1.amazonaws.com/", "http://mine.localhost:4566/", "http://localhost/mine/"] {
        assert_eq!(send(&aws, "HEAD", url, true).await.status(), 200, "{url}");
        assert_eq!(send(&aws, "HEAD", url, false).await.status(), 403, "{url}");
    }
    let elsewhere = send(&aws, "HEAD", "https://mine.s3.eu-west-1.amazonaws.com/", false).await;
    assert_eq!(
        (elsewhere.status().as_u16(), &elsewhere.headers()["x-amz-bucket-region"]),
        (301, &"us-east-1".parse().expect("text"))
    );
}

#[tokio::test(start_paused = true)]
async fn every_call_takes_its_time_but_what_asks_for_nothing_does_not() {
    let aws = LocalAws::new(1, Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_795_341_600)));
    aws.set_latency(Duration::from_millis(50));
    let took = async |url: &str, signed: bool| {
        let begun = aws.now();
        send(&aws, "GET", url, signed).await;
        aws.now().since(begun)
    };
    assert_eq!(took("https://iam.amazonaws.com/", false).await, Duration::ZERO);
    assert_eq!(took("https://s3.us-east-1.amazonaws.com/", false).await, Duration::ZERO);
    assert_eq!(took("https://s3.us-east-1.amazonaws.com/", true).await, Duration::from_millis(50));
    assert_eq!(took("https://mine.s3.us-east-1.amazonaws.com/", false).await, Duration::from_millis(50));
}
