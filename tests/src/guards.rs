//! What the guard matrices share: the cells, an account in the state that a cell says, and how a delivery ended.

use local_aws::{Recorded, World};
use local_system::LocalOptions;
use org::AccountClass;
use serde_json::{Value, json};

use crate::Bench;
use crate::lifecycle::{BUCKET, USER};

/// How an organization's resource can be found, from what is open to what is closed.
pub const STATES: [Option<&str>; 4] = [None, Some("active"), Some("suspended"), Some("offboarded")];
/// The environments.
pub const ENVIRONMENTS: [&str; 5] = ["production", "staging", "qa", "development", "demo"];

/// What a delivery meets.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The account's class.
    pub class: AccountClass,
    /// The command's environment.
    pub environment: &'static str,
    /// What the user says; none if there is no user.
    pub user: Option<&'static str>,
    /// What the bucket says; none if there is no bucket.
    pub bucket: Option<&'static str>,
}

impl Cell {
    /// Production and staging belong in production accounts, all others in the others.
    pub fn belongs(&self) -> bool {
        matches!((self.environment, self.class), ("production" | "staging", AccountClass::Production))
            || matches!((self.environment, self.class), ("qa" | "development" | "demo", AccountClass::NonProduction))
    }

    /// Every pair of states in this account.
    pub fn all(class: AccountClass, environment: &'static str) -> impl Iterator<Item = Self> {
        let pairs = STATES.iter().flat_map(|user| STATES.iter().map(|bucket| (*user, *bucket)));
        pairs.map(move |(user, bucket)| Self { class, environment, user, bucket })
    }
}

/// An account in which `abc` has everything.
pub async fn provisioned(class: AccountClass) -> Bench {
    let bench = Bench::with(&LocalOptions { account_class: class, ..LocalOptions::default() });
    let environment = if class == AccountClass::Production { "production" } else { "qa" };
    bench.put(&json!({ "orgId": "abc", "environment": environment }));
    bench.settle().await;
    bench.provisioned("abc").await;
    bench
}

/// The same account with the organization's user and bucket in the cell's states.
pub fn put_in_state(bench: &Bench, start: &World, cell: &Cell) {
    let account = bench.system.place.account.clone();
    bench.system.aws.restore(start.clone());
    bench.system.aws.with_world(|world| {
        let users = &mut world.account(&account).iam.users;
        match (cell.user, users.get_mut(USER)) {
            (Some(state), Some(user)) => {
                user.tags.retain(|(key, _)| key != "OrgState");
                user.tags.push(("OrgState".to_owned(), state.to_owned()));
            }
            _ => drop(users.remove(USER)),
        }
        match (cell.bucket, world.buckets.get_mut(BUCKET)) {
            (Some(state), Some(bucket)) => drop(bucket.tags.insert("OrgState".to_owned(), state.to_owned())),
            _ => drop(world.buckets.remove(BUCKET)),
        }
    });
    bench.system.aws.take_trace();
}

/// The writes of a delivery to anything but events and queues, and how many calls to other services it made.
pub fn calls(bench: &Bench) -> (Vec<Recorded>, usize) {
    let trace = bench.system.aws.take_trace();
    let own: Vec<Recorded> = trace.into_iter().filter(|call| !["events", "sqs"].contains(&call.service)).collect();
    let all = own.len();
    (own.into_iter().filter(|call| call.mutating).collect(), all)
}

/// How the delivery of one event to the function ended: its outcome, or the code of the refusal.
pub async fn as_one_event(bench: &Bench, step: &str, event: &Value) -> Result<Value, String> {
    let answer = bench.system.invoke(step, event.clone()).await.map_err(|error| error.error_type)?;
    match answer["error"]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(answer["outcome"].clone()),
    }
}

/// It was refused with this code before the first write, and if it is about sender or account before the first look.
pub fn refused(what: &str, code: &str, ended: &Result<Value, String>, (writes, calls): &(Vec<Recorded>, usize)) {
    assert_eq!(ended, &Err(code.to_owned()), "{what}");
    assert_eq!(writes, &[], "{what}: refused before the first write");
    if ["source-not-allowed", "wrong-account"].contains(&code) {
        assert_eq!(*calls, 0, "{what}: refused before the first look");
    }
}
