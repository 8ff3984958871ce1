//! What goes on by itself as time passes: replays, and tasks that move messages between queues.
//!
//! Nothing runs for it. Each has a moment at which its next step is due, and whoever looks at the state carries
//! out first what was due until then, each step as of its own moment and in the order of those. What comes of it
//! depends on the clock alone.

use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::events;
use crate::world::{Call, Region, World};

impl Region {
    /// The next moment at which something goes on by itself; `None` if nothing does.
    pub fn next_background_step(&self) -> Option<Timestamp> {
        [self.buses.next_replay_step(), self.queues.next_move_step()].into_iter().flatten().min()
    }
}

impl World {
    /// The next moment at which something goes on by itself, in any account and region.
    pub fn next_background_step(&self) -> Option<Timestamp> {
        self.next_place().map(|(at, ..)| at)
    }

    /// Carries out every step that is due at `now`. Each step sets a later moment for the next one or ends what it
    /// is a step of, and nothing goes on for ever, so that there is an end.
    pub(crate) fn proceed(&mut self, now: Timestamp) {
        while let Some((at, account, region)) = self.next_place().filter(|(at, ..)| *at <= now) {
            let (account, region) = (account.to_owned(), region.to_owned());
            self.step(&account, &region, at);
        }
    }

    fn step(&mut self, account: &str, region: &str, at: Timestamp) {
        let caller = Caller::Administrator { account: account.to_owned() };
        let mut call = Call { world: self, caller: &caller, region, now: at, resource: String::new() };
        events::step_replays(&mut call);
        let Self { accounts, ids, .. } = self;
        if let Some(region) = accounts.get_mut(account).and_then(|account| account.regions.get_mut(region)) {
            region.queues.step_moves(ids, at);
        }
    }

    /// Where something goes on next, and when.
    fn next_place(&self) -> Option<(Timestamp, &str, &str)> {
        let places = self.accounts.iter().flat_map(|(account, state)| {
            state.regions.iter().map(move |(name, region)| (account.as_str(), name.as_str(), region))
        });
        places.filter_map(|(account, name, region)| Some((region.next_background_step()?, account, name))).min()
    }
}
