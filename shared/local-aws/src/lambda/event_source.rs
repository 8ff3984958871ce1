//! Event source mappings from queues to functions.

use super::{Lambda, failure};
use crate::api::ApiFailure;

/// As many invocations run at once in an account, unless it asked for more.
pub(super) const MOST_CONCURRENT: usize = 1000;

/// Larger batches need a batching window, which is not here.
const LARGEST_BATCH: usize = 10;

/// How a queue feeds a function. Partial batch answers (`ReportBatchItemFailures`) are always on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSource {
    /// The function's name.
    pub function: String,
    /// The most messages in one batch, 1 to 10.
    pub batch_size: usize,
    /// The most batches at once, 2 to 1000; the account's limit if not given.
    pub maximum_concurrency: Option<usize>,
}

impl EventSource {
    pub(super) fn concurrency(&self) -> usize {
        self.maximum_concurrency.unwrap_or(MOST_CONCURRENT)
    }
}

impl Lambda {
    /// Lets the queue with this ARN feed a function.
    ///
    /// # Errors
    /// As CreateEventSourceMapping refuses: `ResourceNotFoundException` without the function,
    /// `ResourceConflictException` if the queue feeds one already, `InvalidParameterValueException` without the
    /// queue, for numbers out of range, and for a queue whose visibility timeout is shorter than the function's
    /// time-out.
    pub fn add_event_source_mapping(&self, queue_arn: &str, source: EventSource) -> Result<(), ApiFailure> {
        let invalid = |message: String| Err(failure("InvalidParameterValueException", message));
        let Some(function) = self.function(&source.function) else {
            let message = format!("Function not found: {}", self.function_arn(&source.function));
            return Err(failure("ResourceNotFoundException", message));
        };
        if !(1..=LARGEST_BATCH).contains(&source.batch_size) {
            return invalid(format!("Batch size must be 1 to {LARGEST_BATCH} without a batching window."));
        }
        if source.maximum_concurrency.is_some_and(|most| !(2..=MOST_CONCURRENT).contains(&most)) {
            return invalid(format!("MaximumConcurrency must be 2 to {MOST_CONCURRENT}."));
        }
        let visibility = self.aws.look(|world| {
            let region = world.accounts.get(&self.account)?.regions.get(&self.region)?;
            Some(region.queues.by_arn(queue_arn)?.settings.visibility_timeout)
        });
        match visibility {
            None => return invalid("Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.".to_owned()),
            Some(visibility) if visibility < function.timeout => {
                return invalid(format!(
                    "Queue visibility timeout: {} seconds is less than Function timeout: {} seconds",
                    visibility.as_secs(),
                    function.timeout.as_secs()
                ));
            }
            Some(_) => {}
        }
        let sources = &mut self.state.borrow_mut().sources;
        if sources.contains_key(queue_arn) {
            return Err(failure("ResourceConflictException", format!("The queue {queue_arn} has a mapping already.")));
        }
        sources.insert(queue_arn.to_owned(), source);
        Ok(())
    }
}
