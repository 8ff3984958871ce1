//! The SQS client, made when it is first needed: most runs send no message, and every client costs init time.

use std::sync::{Arc, OnceLock};

use aws::Clients;
use aws_sdk_sqs::Client;
use aws_types::SdkConfig;

/// A client that may not be there yet. Its clones are the same client.
#[derive(Clone)]
pub(crate) struct Sqs {
    sdk: SdkConfig,
    client: Arc<OnceLock<Client>>,
}

impl Sqs {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self { sdk: sdk.clone(), client: Arc::default() }
    }

    /// The client.
    pub(crate) fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.sdk))
    }

    /// Makes the client now, and notes that it sends one message at a time.
    pub(crate) fn prepare(&self, clients: &Clients) {
        aws::note_destination!(clients, aws_sdk_sqs, "SQS", 1);
        self.client();
    }
}
