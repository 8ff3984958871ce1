//! A replay on its way through an archive.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::archive::{Place, Range};
use super::deliver::deliver;
use super::{Buses, Event};
use crate::clock::Timestamp;
use crate::world::Call;

/// How far steps are apart, and the first one from the start. AWS takes longer and does not say how long.
const STEP: Duration = Duration::from_secs(1);

/// As many events are replayed in one step: all of the same minute, for a replay goes through its range minute by
/// minute (API reference, StartReplay).
const MOST_EVENTS_A_STEP: usize = 100;

/// The state of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are EventBridge's")]
pub enum ReplayState {
    Starting,
    Running,
    Cancelling,
    Completed,
    Cancelled,
    Failed,
}

/// A replay of events from an archive to the archive's bus.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replay {
    /// The name: replayed events have it as `replay-name`.
    pub name: String,
    /// What it is for, if somebody said so.
    pub description: Option<String>,
    /// The name of the archive.
    pub archive: String,
    /// The name of the bus.
    pub bus: String,
    /// The rules that see the events, by ARN; all of the bus if there are none.
    pub filter_arns: Vec<String>,
    pub(super) range: Range,
    /// How far it is.
    pub state: ReplayState,
    /// Why it failed.
    pub state_reason: Option<String>,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The last event that was replayed.
    last: Option<Place>,
    /// When it goes on, while it does.
    next_step: Option<Timestamp>,
}

impl ReplayState {
    /// Every state by its name.
    pub(super) const NAMES: [&str; 6] = ["STARTING", "RUNNING", "CANCELLING", "COMPLETED", "CANCELLED", "FAILED"];

    /// The name that the API gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }
}

impl Replay {
    /// A replay that starts now.
    pub(super) fn new(name: &str, archive: &str, bus: &str, range: Range, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            description: None,
            archive: archive.to_owned(),
            bus: bus.to_owned(),
            filter_arns: Vec::new(),
            range,
            state: ReplayState::Starting,
            state_reason: None,
            started: now,
            ended: None,
            last: None,
            next_step: Some(now.after(STEP)),
        }
    }

    /// Whether it has not ended.
    pub fn is_active(&self) -> bool {
        self.next_step.is_some()
    }

    /// The time in the last event that was replayed.
    pub fn last_replayed(&self) -> Option<Timestamp> {
        self.last.map(|place| place.time)
    }

    fn end(&mut self, state: ReplayState, reason: Option<String>, now: Timestamp) {
        self.state = state;
        self.state_reason = reason;
        self.ended = Some(now);
        self.next_step = None;
    }
}

impl Buses {
    /// When a replay goes on next.
    pub fn next_replay_step(&self) -> Option<Timestamp> {
        self.replays.values().filter_map(|replay| replay.next_step).min()
    }

    /// Takes a step of a replay; answers the events to be delivered.
    fn step_replay(&mut self, name: &str, now: Timestamp) -> Vec<Event> {
        let Some(replay) = self.replays.get_mut(name) else { return Vec::new() };
        if replay.state == ReplayState::Cancelling {
            replay.end(ReplayState::Cancelled, None, now);
            return Vec::new();
        }
        let Some(archive) = self.archives.get(&replay.archive) else {
            let reason = format!("Archive {} does not exist.", replay.archive);
            replay.end(ReplayState::Failed, Some(reason), now);
            return Vec::new();
        };
        let slice = archive.next_slice(replay.range, replay.last, MOST_EVENTS_A_STEP, now);
        match slice.last() {
            Some(last) => {
                replay.state = ReplayState::Running;
                replay.last = Some(last.place);
                replay.next_step = Some(now.after(STEP));
            }
            None => replay.end(ReplayState::Completed, None, now),
        }
        let replay_name = Some(replay.name.clone());
        slice.into_iter().map(|archived| Event { replay_name: replay_name.clone(), ..archived.event }).collect()
    }
}

/// Takes the steps that are due in the region of the call. Replayed events keep their id and their time.
pub(crate) fn step(call: &mut Call<'_>) {
    let now = call.now;
    let due = |replay: &Replay| replay.next_step.is_some_and(|at| at <= now);
    let replays = call.in_region().buses.replays.values().filter(|replay| due(replay));
    for Replay { name, bus, filter_arns, .. } in replays.cloned().collect::<Vec<_>>() {
        for event in call.in_region().buses.step_replay(&name, now) {
            deliver(call, &event, &bus, &filter_arns);
        }
    }
}
