//! What the tests of the lifecycle share: an organization to begin with, a command, and what is there then.

use local_aws::iam::KeyStatus;
use local_aws::s3::PublicAccessBlock;
use local_system::Emitted;

use crate::{Bench, failure_codes, of_type};

/// The user of `abc`.
pub const USER: &str = "rms_abc";
/// Its bucket.
pub const BUCKET: &str = "fusion-rms-abc";
/// Its secret.
pub const SECRET: &str = "fusion-rms/abc/aws";
/// The account.
pub const ACCOUNT: &str = "111111111111";

/// An organization that has everything.
pub async fn provisioned() -> Bench {
    let bench = Bench::new();
    bench.sign_up("abc");
    bench.settle().await;
    bench.provisioned("abc").await;
    bench
}

/// Sends a command and answers the events that came of it.
pub async fn run(bench: &Bench, detail_type: &str) -> Vec<Emitted> {
    bench.writes();
    bench.command(detail_type, "abc");
    bench.settle().await
}

/// The completion event of a command that succeeded.
pub fn outcome(events: &[Emitted], completion: &str) -> String {
    assert_eq!(failure_codes(events), Vec::<String>::new());
    let [done] = of_type(events, completion)[..] else { panic!("no {completion}: {events:?}") };
    done["outcome"].as_str().unwrap().to_owned()
}

/// The tag on the bucket, and the one on the user if there is one.
pub fn states(bench: &Bench) -> (String, Option<String>) {
    bench.system.aws.with_world(|world| {
        let bucket = world.buckets[BUCKET].tags["OrgState"].clone();
        let user = world.account(ACCOUNT).iam.users.get(USER);
        let tag = user.and_then(|user| user.tags.iter().find(|(key, _)| key == "OrgState"));
        (bucket, tag.map(|(_, state)| state.clone()))
    })
}

/// The user's access keys and their status; none if there is no user.
pub fn keys(bench: &Bench) -> Vec<(String, KeyStatus)> {
    bench.system.aws.with_world(|world| {
        let user = world.account(ACCOUNT).iam.users.get(USER);
        user.into_iter().flat_map(|user| &user.access_keys).map(|key| (key.id.clone(), key.status)).collect()
    })
}

/// Whether everything of Block Public Access is on.
pub fn is_closed(bench: &Bench) -> bool {
    bench.system.aws.look(|world| world.buckets[BUCKET].public_access_block == Some(PublicAccessBlock::ALL))
}

/// Whether the secret is scheduled for deletion; `None` if there is none.
pub fn scheduled(bench: &Bench) -> Option<bool> {
    bench.system.aws.with_world(|world| {
        world.region(ACCOUNT, "us-east-1").secrets.by_name.get(SECRET).map(|secret| secret.deletion.is_some())
    })
}
