//! What calls meet between the functions and AWS: mishaps at planned calls, latency, reads that lag behind.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use futures_util::FutureExt;
use local_aws::lambda::Handler;
use local_aws::{Asked, Fault, LocalAws, Timestamp, World};
use local_system::{Between, MAX_RECEIVE_COUNT};
use serde_json::Value;

use crate::canary;
use crate::ledger::Ledger;
use crate::process::{self, stop, stoppable};
use crate::showers::{Showers, subject_of};
use crate::start::ACCOUNT;
use crate::wire::{read_request, reply, reset};

/// How much later a request is applied whose client has given it up: after the client's time-out of an attempt.
const LATE: Duration = Duration::from_secs(10);
/// How far a read may lag behind: the most that the key protocol assumes.
const LONGEST_LAG: Duration = Duration::from_secs(15);

/// What can happen to one call.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Mishap {
    /// The process is stopped before the call is applied.
    StopBefore,
    /// The call is applied, and the process is stopped before it hears of it.
    StopAfter,
    /// The process is stopped, and its call is applied a while later.
    StopLate,
    /// The call is applied, and the connection breaks before the reply has arrived.
    LostReply,
    /// The service asks for patience.
    Throttle,
    /// The service fails with a status of 5xx; nothing is applied.
    ServerError,
    /// The connection breaks before the call is applied.
    Reset,
    /// Nothing comes back until the client gives up; nothing is applied.
    TimeOut,
    /// Nothing comes back until the client gives up, and then the call is applied after all.
    TimeOutLate,
}

impl Mishap {
    /// Whether the process does not survive it.
    pub fn stops(self) -> bool {
        matches!(self, Self::StopBefore | Self::StopAfter | Self::StopLate)
    }
}

/// What is to come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// What happens to the n-th call, from 1.
    pub mishaps: BTreeMap<u64, Mishap>,
    /// Latency and lagging reads follow from this; without it calls take no time and reads see everything.
    pub unsteady: Option<Unsteady>,
    /// What happens to calls by whom they are about; a call that meets something by its number does not meet this too.
    pub showers: Option<Showers>,
}

/// Weather that changes from call to call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unsteady {
    /// What it follows from.
    pub seed: u64,
    /// The longest that a call takes.
    pub latency: Duration,
    /// How many reads of a hundred lag behind, by up to 15 s.
    pub lagging_percent: u8,
}

/// Stands between functions and AWS. Clones share it.
#[derive(Clone)]
pub struct Weather(Arc<Shared>);

struct Shared {
    aws: LocalAws,
    forecast: Forecast,
    state: Mutex<State>,
}

struct State {
    calls: Vec<Asked>,
    /// How many calls there were about each organization, and how many of all met something.
    about: BTreeMap<String, u64>,
    met: usize,
    /// What each function asked for in its own name, by service and operation.
    asked_by: BTreeMap<String, BTreeSet<Asked>>,
    ledger: Ledger,
    /// The functions that could not tell of a message's last receive.
    could_not_tell: BTreeSet<String>,
    /// What the world was before each change of the last seconds.
    past: VecDeque<(Timestamp, World)>,
    calm: bool,
}

impl Weather {
    /// This weather, from now on.
    pub fn new(aws: LocalAws, forecast: Forecast, lost_keys: &[String]) -> Self {
        let ledger = aws.look(|world| Ledger::begin(world, lost_keys));
        let state = State {
            calls: Vec::new(),
            about: BTreeMap::new(),
            met: 0,
            asked_by: BTreeMap::new(),
            ledger,
            could_not_tell: BTreeSet::new(),
            past: VecDeque::new(),
            calm: false,
        };
        let state = Mutex::new(state);
        Self(Arc::new(Shared { aws, forecast, state }))
    }

    /// The calls so far, in the order made.
    pub fn calls(&self) -> Vec<Asked> {
        self.state().calls.clone()
    }

    /// What each function asked for in its own name so far: what its role has to allow.
    pub fn asked_by(&self) -> BTreeMap<String, BTreeSet<Asked>> {
        self.state().asked_by.clone()
    }

    /// Nothing happens to any call from now on.
    pub fn clear_up(&self) {
        self.state().calm = true;
    }

    /// What became of the keys.
    pub fn ledger(&self) -> Ledger {
        self.state().ledger.clone()
    }

    /// The steps that could not tell of a message's last receive, because the process died or the bus took nothing:
    /// of these the dead-letter queue alone tells.
    pub fn could_not_tell(&self) -> BTreeSet<String> {
        self.state().could_not_tell.clone()
    }

    /// How many calls met something so far.
    pub fn met(&self) -> usize {
        self.state().met
    }

    /// What the next call, which is about this organization, meets.
    fn mishap(&self, number: u64, subject: String) -> Option<Mishap> {
        let mut state = self.state();
        let nth = state.about.entry(subject.clone()).and_modify(|nth| *nth += 1).or_insert(1);
        let by_subject = self.0.forecast.showers.and_then(|showers| showers.at(&subject, *nth));
        let mishap = self.0.forecast.mishaps.get(&number).copied().or(by_subject).filter(|_| !state.calm);
        state.met += usize::from(mishap.is_some());
        mishap
    }

    async fn pass(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = read_request(request).await?;
        let asked = Asked::of(&request).ok_or_else(|| ConnectorError::user("a service that is not here".into()))?;
        let (number, calm) = {
            let mut state = self.state();
            state.calls.push(asked.clone());
            state.ledger.sent(&request, &asked);
            if is_by_the_role(&request) {
                state.asked_by.entry(process::function()).or_default().insert(asked.clone());
            }
            (state.calls.len() as u64, state.calm)
        };
        let conditions = self.0.forecast.unsteady.filter(|_| !calm).map(|unsteady| unsteady.at(number, &asked));
        match &conditions {
            Some(conditions) => tokio::time::sleep(conditions.latency).await,
            // A call is a point at which others may run, as it is on a network.
            None => tokio::task::yield_now().await,
        }
        let lag = conditions.map_or(Duration::ZERO, |conditions| conditions.lag);
        let mishap = self.mishap(number, subject_of(&request));
        if mishap.is_some() && asked.operation == "PutEvents" {
            process::bus_took_nothing();
        }
        match mishap {
            None => self.perform(request, &asked, None, lag),
            Some(Mishap::LostReply) => self.perform(request, &asked, Some(&Fault::LostReply), lag),
            Some(Mishap::Throttle) => self.perform(request, &asked, Some(&Fault::Throttle), lag),
            Some(Mishap::ServerError) => self.perform(request, &asked, Some(&Fault::ServerError), lag),
            Some(Mishap::Reset) => self.perform(request, &asked, Some(&Fault::ConnectionReset), lag),
            Some(Mishap::StopBefore) => stop().await,
            Some(Mishap::StopAfter) => {
                let _unheard = self.perform(request, &asked, None, lag);
                stop().await
            }
            Some(Mishap::StopLate) => {
                self.perform_late(request, asked);
                stop().await
            }
            Some(Mishap::TimeOut) => std::future::pending().await,
            Some(Mishap::TimeOutLate) => {
                self.perform_late(request, asked);
                std::future::pending().await
            }
        }
    }

    fn perform_late(&self, request: http::Request<Bytes>, asked: Asked) {
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LATE).await;
            let _unheard = this.perform(request, &asked, None, Duration::ZERO);
        });
    }

    /// Has AWS answer, on the world as it was `lag` ago for a read that lags.
    fn perform(
        &self,
        request: http::Request<Bytes>,
        asked: &Asked,
        fault: Option<&Fault>,
        lag: Duration,
    ) -> Result<HttpResponse, ConnectorError> {
        let aws = &self.0.aws;
        if asked.is_mutating() && self.0.forecast.unsteady.is_some() {
            self.remember();
        }
        let present = self.past(lag).map(|past| {
            let present = aws.snapshot();
            aws.restore(past);
            present
        });
        let answer = aws.answer_at_once(request, fault);
        if let Some(present) = present {
            aws.restore(present);
        }
        let mut state = self.state();
        aws.look(|world| state.ledger.look(world));
        answer.map_or_else(|_| Err(reset()), reply)
    }

    fn remember(&self) {
        let now = self.0.aws.now();
        let mut state = self.state();
        while state.past.front().is_some_and(|(at, _)| now.since(*at) > LONGEST_LAG) {
            state.past.pop_front();
        }
        state.past.push_back((now, self.0.aws.snapshot()));
    }

    /// The world of `lag` ago, if it differs from today's.
    fn past(&self, lag: Duration) -> Option<World> {
        let now = self.0.aws.now();
        let state = self.state();
        let changed_since = state.past.iter().find(|(at, _)| !lag.is_zero() && now.since(*at) < lag);
        changed_since.map(|(_, before)| before.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one call meets.
struct Conditions {
    latency: Duration,
    lag: Duration,
}

impl Unsteady {
    fn at(self, number: u64, asked: &Asked) -> Conditions {
        let mut random = fastrand::Rng::with_seed(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let latency = self.latency.mul_f64(random.f64());
        // Objects and queues are read as they are; what configures buckets, IAM and secrets may lag behind.
        let may_lag = !asked.is_mutating()
            && (["iam", "secretsmanager", "s3control"].contains(&asked.service)
                || (asked.service == "s3" && !asked.operation.contains("Object")));
        let lags = may_lag && random.u8(0..100) < self.lagging_percent;
        Conditions { latency, lag: if lags { LONGEST_LAG.mul_f64(random.f64()) } else { Duration::ZERO } }
    }
}

impl std::fmt::Debug for Weather {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Weather")
    }
}

impl HttpClient for Weather {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Weather {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().pass(request))
    }
}

impl Between for Weather {
    fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    fn handler(&self, function: Handler) -> Handler {
        let weather = self.clone();
        Rc::new(move |invocation| {
            canary::note(&invocation.payload.to_string());
            let (weather, payload) = (weather.clone(), invocation.payload.clone());
            let name = invocation.function_arn.rsplit(':').next().unwrap_or_default().to_owned();
            let heard_nothing = Arc::new(AtomicBool::new(false));
            let running = stoppable(name.clone(), Arc::clone(&heard_nothing), function(invocation));
            async move {
                let answer = running.await;
                canary::note(&format!("{answer:?}"));
                if (answer.is_err() || heard_nothing.load(Ordering::Relaxed)) && is_last_receive(&payload) {
                    weather.state().could_not_tell.insert(name);
                }
                answer
            }
            .boxed_local()
        })
    }
}

/// Whether a batch has a message that its queue gives out for the last time.
fn is_last_receive(payload: &Value) -> bool {
    let counts = payload["Records"].as_array().into_iter().flatten().map(|record| {
        record["attributes"]["ApproximateReceiveCount"].as_str().and_then(|count| count.parse::<u32>().ok())
    });
    counts.flatten().any(|count| count >= MAX_RECEIVE_COUNT)
}

/// Whether a request is signed as the function, and not with an organization's key or not at all.
fn is_by_the_role(request: &http::Request<Bytes>) -> bool {
    let authorization = request.headers().get("authorization").and_then(|authorization| authorization.to_str().ok());
    authorization.is_some_and(|authorization| authorization.contains(&format!("Credential={ACCOUNT}/")))
}
