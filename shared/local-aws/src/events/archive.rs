//! An archive: what it keeps of the events on its bus, and for how long.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Event, Pattern};
use crate::clock::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);

/// What an event counts beside its texts. AWS tells no formula; its archives show as much for events without
/// resources, which would be a time and an account.
const ENVELOPE_BYTES: usize = 26;

/// An archive of a bus's events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Archive {
    /// The name.
    pub name: String,
    /// The name of the bus whose events it keeps.
    pub bus: String,
    /// What it is for, if somebody said so.
    pub description: Option<String>,
    /// Which events it keeps, as it was given; all of them if there is none.
    pub pattern: Option<String>,
    /// For how many days it keeps an event; 0 is for ever.
    pub retention_days: u64,
    /// When it was made.
    pub created: Timestamp,
    /// In the order in which they came.
    pub(super) events: VecDeque<ArchivedEvent>,
    /// How many events it was ever given.
    pub(super) recorded: u64,
}

/// An event in an archive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ArchivedEvent {
    pub(super) event: Event,
    pub(super) place: Place,
    archived: Timestamp,
}

/// Where an event stands in the order of a replay: by the time in the event, then by when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) time: Timestamp,
    number: u64,
}

/// A part of an archive by the times in its events: from `start` on, before `end`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Range {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

impl Archive {
    /// Keeps an event if the pattern matches it.
    pub(super) fn take(&mut self, event: &Event, time: Timestamp, now: Timestamp) {
        self.expire(now);
        let matches =
            |pattern: &String| Pattern::parse(pattern).is_ok_and(|pattern| pattern.matches(&event.to_value()));
        if self.pattern.as_ref().is_none_or(matches) {
            self.recorded += 1;
            let place = Place { time, number: self.recorded };
            self.events.push_back(ArchivedEvent { event: event.clone(), place, archived: now });
        }
    }

    /// How many events there are. AWS takes up to a day to tell of new and expired ones; here they show at once.
    pub fn event_count(&self, now: Timestamp) -> usize {
        self.kept(now).count()
    }

    /// How large the events are together.
    pub fn size_bytes(&self, now: Timestamp) -> usize {
        self.kept(now).map(|archived| size(&archived.event)).sum()
    }

    /// The next events to be replayed after `last`, at most `most`, in their order: all from the same of the minutes
    /// that the range has.
    pub(super) fn next_slice(
        &self,
        range: Range,
        last: Option<Place>,
        most: usize,
        now: Timestamp,
    ) -> Vec<ArchivedEvent> {
        let is_left = |archived: &&ArchivedEvent| {
            let place = archived.place;
            (range.start..range.end).contains(&place.time) && last.is_none_or(|last| place > last)
        };
        let mut left: Vec<&ArchivedEvent> = self.kept(now).filter(is_left).collect();
        left.sort_by_key(|archived| archived.place);
        let minute = |archived: &ArchivedEvent| archived.place.time.since(range.start).as_secs() / 60;
        let first = left.first().map(|archived| minute(archived));
        left.into_iter().take_while(|archived| Some(minute(archived)) == first).take(most).cloned().collect()
    }

    fn kept(&self, now: Timestamp) -> impl Iterator<Item = &ArchivedEvent> {
        self.events.iter().filter(move |archived| !self.is_over(archived, now))
    }

    /// Forgets the oldest events whose time is over. Every event that comes does so, hence not by a look at all of them.
    fn expire(&mut self, now: Timestamp) {
        while self.events.front().is_some_and(|archived| self.is_over(archived, now)) {
            self.events.pop_front();
        }
    }

    fn is_over(&self, archived: &ArchivedEvent, now: Timestamp) -> bool {
        let days = u32::try_from(self.retention_days).unwrap_or(u32::MAX);
        days > 0 && now >= archived.archived.after(DAY.saturating_mul(days))
    }
}

fn size(event: &Event) -> usize {
    let resources: usize = event.resources.iter().map(String::len).sum();
    event.source.len() + event.detail_type.len() + event.detail.to_string().len() + resources + ENVELOPE_BYTES
}
