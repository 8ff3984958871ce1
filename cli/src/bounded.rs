//! A client that makes so many calls at one time and no more.

use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::Semaphore;

/// A client whose calls wait for their turn, from when they are sent until the head of the answer is there. What comes
/// after that waits for nobody, so a call that has had its turn cannot hold up the others.
#[derive(Debug)]
pub struct BoundedClient {
    calls: SharedHttpClient,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct BoundedConnector {
    calls: SharedHttpConnector,
    turns: Arc<Semaphore>,
}

impl BoundedClient {
    /// `calls`, but with at most `most` of them under way.
    pub fn new(calls: SharedHttpClient, most: usize) -> Self {
        Self { calls, turns: Arc::new(Semaphore::new(most)) }
    }
}

impl HttpClient for BoundedClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let calls = self.calls.http_connector(settings, components);
        SharedHttpConnector::new(BoundedConnector { calls, turns: Arc::clone(&self.turns) })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.calls.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.calls.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.calls.connector_metadata()
    }
}

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (calls, turns) = (self.calls.clone(), Arc::clone(&self.turns));
        HttpConnectorFuture::new(async move {
            let _turn = turns.acquire().await.map_err(|closed| ConnectorError::other(closed.into(), None))?;
            calls.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use futures_util::StreamExt;
    use futures_util::future::join_all;
    use futures_util::stream::FuturesUnordered;

    use super::*;

    /// Answers each call once it is let go, and counts those that came.
    #[derive(Clone, Debug)]
    struct Held {
        came: Arc<AtomicUsize>,
        let_go: Arc<Semaphore>,
    }

    impl HttpConnector for Held {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            self.came.fetch_add(1, SeqCst);
            let let_go = Arc::clone(&self.let_go);
            HttpConnectorFuture::new(async move {
                let_go.acquire().await.unwrap().forget();
                Ok(HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from("some content")))
            })
        }
    }

    fn bounded(most: usize) -> (Held, BoundedConnector) {
        let held = Held { came: Arc::default(), let_go: Arc::new(Semaphore::new(0)) };
        let calls = SharedHttpConnector::new(held.clone());
        (held, BoundedConnector { calls, turns: Arc::new(Semaphore::new(most)) })
    }

    #[tokio::test]
    async fn no_more_calls_are_under_way_and_each_gets_its_turn() {
        let (held, connector) = bounded(3);
        let mut calls: FuturesUnordered<_> = (0..8).map(|_| connector.call(HttpRequest::empty())).collect();
        assert!(futures_util::poll!(calls.next()).is_pending());
        assert_eq!(held.came.load(SeqCst), 3);
        // An answer gives its turn to the next, although nobody reads its content.
        held.let_go.add_permits(1);
        let answer = calls.next().await.unwrap().unwrap();
        assert!(futures_util::poll!(calls.next()).is_pending());
        assert_eq!(held.came.load(SeqCst), 4);
        held.let_go.add_permits(7);
        assert!(calls.all(async |answer| answer.is_ok()).await);
        assert_eq!(held.came.load(SeqCst), 8);
        drop(answer);
    }

    #[tokio::test]
    async fn who_gives_up_gives_its_turn_back() {
        let (held, connector) = bounded(2);
        let mut given_up = Box::pin(join_all((0..3).map(|_| connector.call(HttpRequest::empty()))));
        assert!(futures_util::poll!(&mut given_up).is_pending());
        drop(given_up);
        held.let_go.add_permits(2);
        let answers = join_all((0..2).map(|_| connector.call(HttpRequest::empty()))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(held.came.load(SeqCst), 4, "one of the first never had its turn");
    }
}
