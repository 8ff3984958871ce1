//! What a receiver does with a message: deleting it, or changing how long it stays hidden.

use serde::Deserialize;
use serde_json::Value;

use super::access::grant;
use super::messages::visibility_timeout;
use super::queue::Queue;
use super::{nothing, parameters, required};
use crate::clock::Timestamp;
use crate::reply::{ApiError, Reply};
use crate::world::Call;

/// A received message as an operation or a batch entry names it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receipt {
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

impl Receipt {
    pub(super) fn delete(self, queue: &mut Queue) -> Result<(), ApiError> {
        queue.delete(&required(self.receipt_handle, "ReceiptHandle")?)
    }

    pub(super) fn change_visibility(self, queue: &mut Queue, now: Timestamp) -> Result<(), ApiError> {
        let timeout = visibility_timeout(required(self.visibility_timeout, "VisibilityTimeout")?)?;
        queue.change_visibility(&required(self.receipt_handle, "ReceiptHandle")?, timeout, now)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneMessage {
    queue_url: Option<String>,
    #[serde(flatten)]
    receipt: Receipt,
}

pub(super) fn delete(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneMessage { queue_url, receipt } = parameters(body)?;
    receipt.delete(grant(call, queue_url.as_deref(), "DeleteMessage")?.queue()?)?;
    Ok(nothing())
}

pub(super) fn change_visibility(call: &mut Call<'_>, body: &Value) -> Result<Reply, ApiError> {
    let OneMessage { queue_url, receipt } = parameters(body)?;
    let now = call.now;
    receipt.change_visibility(grant(call, queue_url.as_deref(), "ChangeMessageVisibility")?.queue()?, now)?;
    Ok(nothing())
}
