//! What the SDK adds to a call: one that was made before, over a connection that stands, against one bare HTTP call of
//! the same size to the same stub.
//!
//! The stub answers at once, in a thread of its own. Calls of both kinds take turns in short blocks, so that what else
//! the machine does meets both alike; the times compared are medians of single calls.

use std::fmt::Debug;
use std::time::Duration;

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_types::SdkConfig;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::median::Samples;
use crate::proc::thread_cpu;
use crate::report::{Row, Value};

const GOAL: f64 = 3.5;
/// S3's requests are hashed, checked and addressed with more effort.
const S3_GOAL: f64 = 5.0;
/// Calls of one kind before the other kind has its turn.
const BLOCK: usize = 20;
/// Blocks of each kind, after one that does not count.
const BLOCKS: usize = 150;

/// What is called: how its request goes out bare, and what the stub answers.
#[derive(Clone, Copy)]
struct Operation {
    name: &'static str,
    goal: f64,
    method: &'static str,
    path: &'static str,
    body: &'static str,
    answer: &'static str,
}

const GET_USER: Operation = Operation {
    name: "IAM GetUser",
    goal: GOAL,
    method: "POST",
    path: "/",
    body: "Action=GetUser&Version=2010-05-08&UserName=rms_acme",
    answer: r#"<GetUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetUserResult><User><Path>/</Path><UserName>rms_acme</UserName><UserId>AIDAQQQQQQQQQQQQQQQQQ</UserId><Arn>arn:aws:iam::111111111111:user/rms_acme</Arn><CreateDate>2026-11-22T10:00:00Z</CreateDate><Tags><member><Key>OrgId</Key><Value>acme</Value></member></Tags></User></GetUserResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetUserResponse>"#,
};
const HEAD_BUCKET: Operation =
    Operation { name: "S3 HeadBucket", goal: S3_GOAL, method: "HEAD", path: "/fusion-rms-acme", body: "", answer: "" };
const PUT_OBJECT: Operation = Operation {
    name: "S3 PutObject",
    goal: S3_GOAL,
    method: "PUT",
    path: "/fusion-rms-acme/pub/?x-id=PutObject",
    body: "",
    answer: "",
};
const GET_SECRET_VALUE: Operation = Operation {
    name: "Secrets Manager GetSecretValue",
    goal: GOAL,
    method: "POST",
    path: "/",
    body: r#"{"SecretId":"fusion-rms/acme/aws"}"#,
    answer: r#"{"ARN":"arn:aws:secretsmanager:us-east-1:111111111111:secret:fusion-rms/acme/aws-abcdef","CreatedDate":1795341600.25,"Name":"fusion-rms/acme/aws","SecretString":"{}","VersionId":"a","VersionStages":["AWSCURRENT"]}"#,
};
const PUT_EVENTS: Operation = Operation {
    name: "EventBridge PutEvents",
    goal: GOAL,
    method: "POST",
    path: "/",
    body: r#"{"Entries":[{"Source":"org-provisioner","DetailType":"OrgProvisioned","Detail":"{}","EventBusName":"org-provisioning"}]}"#,
    answer: r#"{"Entries":[{"EventId":"1"}],"FailedEntryCount":0}"#,
};

/// Wall and CPU time of calls of one kind.
#[derive(Default)]
struct Spent {
    each: Samples,
    cpu: Option<Duration>,
}

/// A warm call of each protocol that the functions speak.
///
/// # Errors
/// When a call fails.
pub fn measure() -> Result<Vec<Row>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let mut rows = Vec::new();
        for operation in [GET_USER, GET_SECRET_VALUE, PUT_EVENTS, HEAD_BUCKET, PUT_OBJECT] {
            rows.extend(compare(operation).await?);
        }
        Ok(rows)
    })
}

async fn compare(operation: Operation) -> Result<Vec<Row>, String> {
    let endpoint = stub(operation.answer)?;
    let sdk = sdk_config(&endpoint)?;
    let bare = bare_client();
    let url = format!("{endpoint}{}", operation.path);
    let call_bare = async || {
        let request = Request::builder().method(operation.method).uri(&url).body(Full::new(operation.body.into()));
        let answer = bare.request(request.map_err(told)?).await.map_err(told)?;
        answer.into_body().collect().await.map(drop).map_err(told)
    };
    let (with_sdk, without) = match operation.name {
        "IAM GetUser" => {
            let iam = aws_sdk_iam::Client::new(&sdk);
            alternate(async || iam.get_user().user_name("rms_acme").send().await.map(drop).map_err(told), call_bare)
                .await
        }
        "Secrets Manager GetSecretValue" => {
            let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
            let call = async || {
                let request = secrets.get_secret_value().secret_id("fusion-rms/acme/aws");
                request.send().await.map(drop).map_err(told)
            };
            alternate(call, call_bare).await
        }
        "EventBridge PutEvents" => {
            let events = aws_sdk_eventbridge::Client::new(&sdk);
            let entry = PutEventsRequestEntry::builder().source("org-provisioner").detail_type("OrgProvisioned");
            let entry = entry.detail("{}").event_bus_name("org-provisioning").build();
            let call = async || events.put_events().entries(entry.clone()).send().await.map(drop).map_err(told);
            alternate(call, call_bare).await
        }
        "S3 HeadBucket" => {
            let s3 = aws_sdk_s3::Client::new(&sdk);
            let call = async || s3.head_bucket().bucket("fusion-rms-acme").send().await.map(drop).map_err(told);
            alternate(call, call_bare).await
        }
        _ => {
            let s3 = aws_sdk_s3::Client::new(&sdk);
            let call = async || {
                let request = s3.put_object().bucket("fusion-rms-acme").key("pub/").body(Vec::new().into());
                request.send().await.map(drop).map_err(told)
            };
            alternate(call, call_bare).await
        }
    }?;
    let wall = Row::new(
        "warm call, wall / bare HTTP",
        operation.name,
        operation.goal,
        with_sdk.each.median() / without.each.median(),
    );
    let cpu = match (with_sdk.cpu, without.cpu) {
        (Some(with), Some(without)) => Value::Measured(with.as_secs_f64() / without.as_secs_f64()),
        _ => Value::NotMeasured("the CPU time of a thread is told by Linux only".to_owned()),
    };
    let cpu =
        Row { what: "warm call, CPU / bare HTTP".to_owned(), of: operation.name.to_owned(), goal: None, value: cpu };
    Ok(vec![wall, cpu])
}

/// Calls in turns, one block after the other.
async fn alternate(
    with_sdk: impl AsyncFn() -> Result<(), String>,
    bare: impl AsyncFn() -> Result<(), String>,
) -> Result<(Spent, Spent), String> {
    // The first calls connect, and fill caches.
    block(&with_sdk, &mut Spent::default()).await?;
    block(&bare, &mut Spent::default()).await?;
    let (mut first, mut second) = (Spent::default(), Spent::default());
    for _ in 0..BLOCKS {
        block(&with_sdk, &mut first).await?;
        block(&bare, &mut second).await?;
    }
    Ok((first, second))
}

async fn block(call: &impl AsyncFn() -> Result<(), String>, spent: &mut Spent) -> Result<(), String> {
    let cpu = thread_cpu();
    for _ in 0..BLOCK {
        let begun = Instant::now();
        call().await?;
        spent.each.add_time(begun.elapsed());
    }
    if let (Some(before), Some(after)) = (cpu, thread_cpu()) {
        spent.cpu = Some(spent.cpu.unwrap_or_default() + after.saturating_sub(before));
    }
    Ok(())
}

/// The configuration that functions have.
fn sdk_config(endpoint: &str) -> Result<SdkConfig, String> {
    let settings = aws::SdkSettings {
        region: "us-east-1".to_owned(),
        credentials: aws::Credentials {
            access_key_id: "AKIAQQQQQQQQQQQQQQQQ".to_owned(),
            secret_access_key: "local".to_owned(),
            session_token: None,
        },
        endpoints: aws::Endpoints { every: Some(endpoint.to_owned()), by_service: [].into() },
        ca_bundle: None,
    };
    Ok(aws::sdk_config(settings, &aws::Connector::new(None)?))
}

/// The HTTP client that the SDK's connector is built on, with the same socket option, and nothing else around it.
fn bare_client() -> Client<HttpConnector, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// A server that answers everything with the same, in a thread that ends with this process.
fn stub(answer: &'static str) -> Result<String, String> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(told)?;
    listener.set_nonblocking(true).map_err(told)?;
    let address = listener.local_addr().map_err(told)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(told)?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let service = service_fn(move |request| reply(request, answer));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    Ok(format!("http://{address}"))
}

async fn reply(request: Request<Incoming>, answer: &'static str) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let head = request.method() == Method::HEAD;
    request.into_body().collect().await?;
    let body = if head { Bytes::new() } else { Bytes::from_static(answer.as_bytes()) };
    Ok(Response::new(Full::new(body)))
}

fn told(error: impl Debug) -> String {
    format!("{error:?}")
}
