//! The queues of the steps, by their names.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use contract::StepSpec;
use futures_util::future::join_all;
use serde::Serialize;

use crate::connection::{Connection, dead_letter_queue_name};
use crate::exit::Problem;
use local_system::registry;

/// How many messages lie in a step's dead-letter queue, about: SQS counts approximately.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// The step.
    pub step: &'static str,
    /// Messages, those that somebody has just received included; `None` if the queue did not tell.
    pub messages: Option<u64>,
    /// Why it did not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The messages in every step's dead-letter queue. One that cannot be read says why, and does not hide the others.
pub async fn dead_letters(connection: &Connection) -> Vec<Waiting> {
    let sqs = Client::new(&connection.sdk);
    let waiting = async |step: StepSpec| match messages(&sqs, step).await {
        Ok(messages) => Waiting { step: step.name, messages: Some(messages), error: None },
        Err(problem) => Waiting { step: step.name, messages: None, error: Some(problem.to_string()) },
    };
    join_all(registry::functions().map(|step| waiting(step.spec))).await
}

async fn messages(sqs: &Client, step: StepSpec) -> Result<u64, Problem> {
    let name = dead_letter_queue_name(&step);
    let url = url(sqs, &name).await?;
    let visible = QueueAttributeName::ApproximateNumberOfMessages;
    let received = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
    let request = sqs.get_queue_attributes().queue_url(url).attribute_names(visible.clone());
    let answer = request.attribute_names(received.clone()).send().await;
    let answer = answer.map_err(|error| Problem::call("GetQueueAttributes", &format!("queue {name}"), error))?;
    let number = |attribute: &QueueAttributeName| {
        answer.attributes().and_then(|all| all.get(attribute)?.parse::<u64>().ok()).unwrap_or_default()
    };
    Ok(number(&visible) + number(&received))
}

/// The URL of a queue.
///
/// # Errors
/// When SQS does not answer, or the queue is not there.
pub async fn url(sqs: &Client, name: &str) -> Result<String, Problem> {
    let about = format!("queue {name}");
    let answer = sqs.get_queue_url().queue_name(name).send().await;
    let answer = answer.map_err(|error| Problem::call("GetQueueUrl", &about, error))?;
    answer.queue_url.ok_or_else(|| Problem::Failed(format!("{about}: GetQueueUrl answered without a URL")))
}
