//! Rotations of secrets: Secrets Manager calls a function here for each of their steps.

use super::Lambda;
use crate::clock::Timestamp;
use crate::secretsmanager::Run;
use crate::world::Region;

/// A rotation, and the secret that it is about.
pub(super) struct Turn {
    secret: String,
    run: Run,
}

impl Region {
    /// When the next step of a rotation is due.
    pub(super) fn rotations_due(&self) -> impl Iterator<Item = Timestamp> {
        self.secrets.by_name.values().filter_map(|secret| Some(secret.run()?.invocation.not_before))
    }
}

impl Lambda {
    /// Takes one step that is due.
    pub(super) fn take_rotation(&self) -> Option<Turn> {
        let now = self.aws.now();
        let due = self.aws.look(|world| {
            let region = world.accounts.get(&self.account)?.regions.get(&self.region)?;
            region.secrets.by_name.values().find_map(|secret| {
                let run = secret.run().filter(|run| run.invocation.not_before <= now)?;
                Some(Turn { secret: secret.name.clone(), run: run.clone() })
            })
        })?;
        let lease = self.lease_of(due.run.invocation.function_name());
        self.in_region(|region| {
            let run = region.secrets.by_name.get_mut(&due.secret)?.run_mut()?;
            run.invocation.attempts += 1;
            run.invocation.not_before = now.after(lease);
            Some(())
        })?;
        Some(due)
    }

    /// Runs it. A function that is not there fails as one that cannot be invoked.
    pub(super) async fn run_rotation(&self, turn: Turn) {
        let Turn { secret, run } = turn;
        let (name, id) = (run.invocation.function_name(), run.invocation.request_id.clone());
        let result = self.run_function(name, id, run.invocation.payload.clone()).await;
        let now = self.aws.now();
        let next_id = self.aws.with_world(|world| world.ids.uuid());
        self.in_region(|region| {
            if let Some(secret) = region.secrets.by_name.get_mut(&secret) {
                secret.step_ended(&run, result.is_ok(), next_id, now);
            }
        });
    }
}

#[cfg(test)]
mod tests;
