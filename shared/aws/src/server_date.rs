//! The services' own clock, read from the `Date` header of their answers. Ages are taken from it, so that a
//! function or a laptop with a wrong clock never takes a young key for an old one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

/// Remembers the earliest `Date` of the answers that it saw: looks taken at the same time are all at least
/// as young as that.
#[derive(Clone, Debug, Default)]
pub struct ServerDate(Arc<Mutex<Option<i64>>>);

impl ServerDate {
    /// How old something made at `created` is, by the services' clock. Nothing is old while no answer has
    /// told the time: young is the safe side.
    pub fn age_of(&self, created: &DateTime) -> Duration {
        let seconds = self.earliest().map_or(0, |now| now.saturating_sub(created.secs()));
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }

    /// The earliest moment that an answer told, to the second.
    pub fn now(&self) -> Option<DateTime> {
        self.earliest().map(DateTime::from_secs)
    }

    fn earliest(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date =
            context.response().headers().get("date").and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let Some(date) = date {
            let mut earliest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *earliest = Some(earliest.map_or(date.secs(), |seen| seen.min(date.secs())));
        }
        Ok(())
    }
}
