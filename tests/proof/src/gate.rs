//! Holds every call of a delivery until the explorer decides what becomes of it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use futures_util::FutureExt;
use local_aws::lambda::Handler;
use local_aws::{Asked, LocalAws};
use local_system::Between;
use tokio::sync::oneshot;

use crate::canary;
use crate::ledger::Ledger;
use crate::wire::{read_request, reply, reset};

tokio::task_local! {
    /// Which delivery's code is running.
    pub(crate) static DELIVERY: usize;
}

/// The n-th call of an operation by one delivery.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId {
    /// Which delivery.
    pub delivery: usize,
    /// What it asks.
    pub asked: Asked,
    /// How often it has asked that, this time included.
    pub nth: u32,
}

/// What the client is told.
pub(crate) type Answer = Result<HttpResponse, ConnectorError>;

/// A call that waits at the gate.
pub(crate) struct Waiting {
    pub(crate) id: CallId,
    pub(crate) request: http::Request<Bytes>,
    pub(crate) client: oneshot::Sender<Answer>,
}

/// The gate. Clones share it.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Shared>);

struct Shared {
    aws: LocalAws,
    state: Mutex<State>,
}

struct State {
    waiting: Vec<Waiting>,
    asked: BTreeMap<(usize, Asked), u32>,
    ledger: Ledger,
}

impl Gate {
    pub(crate) fn new(aws: LocalAws, lost_keys: &[String]) -> Self {
        let ledger = aws.look(|world| Ledger::begin(world, lost_keys));
        let state = State { waiting: Vec::new(), asked: BTreeMap::new(), ledger };
        Self(Arc::new(Shared { aws, state: Mutex::new(state) }))
    }

    /// The calls that wait, in the order of their ids: which of two came first is nothing that counts.
    pub(crate) fn waiting(&self) -> Vec<CallId> {
        let mut ids: Vec<CallId> = self.state().waiting.iter().map(|waiting| waiting.id.clone()).collect();
        ids.sort();
        ids
    }

    /// Takes a call from the gate.
    pub(crate) fn take(&self, id: &CallId) -> Option<Waiting> {
        let waiting = &mut self.state().waiting;
        let index = waiting.iter().position(|waiting| waiting.id == *id)?;
        Some(waiting.remove(index))
    }

    /// Takes all calls of a delivery from the gate.
    pub(crate) fn take_all(&self, delivery: usize) -> Vec<Waiting> {
        let waiting = &mut self.state().waiting;
        waiting.extract_if(.., |waiting| waiting.id.delivery == delivery).collect()
    }

    /// Has AWS answer a call.
    pub(crate) fn perform(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ConnectorError> {
        let answer = self.0.aws.answer_at_once(request, None);
        let mut state = self.state();
        self.0.aws.look(|world| state.ledger.look(world));
        answer.map_err(|_| reset())
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.state().ledger.clone()
    }

    async fn pass(self, request: HttpRequest) -> Answer {
        let request = read_request(request).await?;
        let asked = Asked::of(&request).ok_or_else(|| ConnectorError::user("a service that is not here".into()))?;
        let Ok(delivery) = DELIVERY.try_with(|delivery| *delivery) else {
            // Nobody explores any more: everything settles.
            tokio::task::yield_now().await;
            return self.perform(request).and_then(reply);
        };
        let (client, answer) = oneshot::channel();
        {
            let mut state = self.state();
            state.ledger.sent(&request, &asked);
            let nth = state.asked.entry((delivery, asked.clone())).or_default();
            *nth += 1;
            let id = CallId { delivery, asked, nth: *nth };
            state.waiting.push(Waiting { id, request, client });
        }
        answer.await.unwrap_or_else(|_| Err(reset()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl HttpClient for Gate {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().pass(request))
    }
}

impl Between for Gate {
    fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    fn handler(&self, function: Handler) -> Handler {
        Rc::new(move |invocation| {
            let running = function(invocation);
            async move {
                let answer = running.await;
                canary::note(&format!("{answer:?}"));
                answer
            }
            .boxed_local()
        })
    }
}
