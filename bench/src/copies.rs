//! A world with thousands of provisioned organizations: one that the functions made, copied under other names.

use std::time::Duration;

use local_aws::World;
use local_system::{LocalOptions, LocalSystem};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stage::command;

/// The organization that is copied. Its id is in no other word of a world.
const ORIGINAL: &str = "originalofallcopies";
const ACCOUNT: &str = "111111111111";
const REGION: &str = "us-east-1";
/// The lengths of what is unique in the ids of a user and of an access key.
const LAST_OF_ID: usize = 8;

/// A world in which `count` organizations are provisioned: each has a user, a key, a bucket and a secret of its own.
///
/// # Errors
/// When the first one cannot be provisioned or copied.
pub fn world_with(count: usize) -> Result<World, String> {
    let mut world = original()?;
    let user = format!("rms_{ORIGINAL}");
    let user = taken(world.account(ACCOUNT).iam.users.remove(&user))?;
    let bucket = taken(world.buckets.remove(&format!("fusion-rms-{ORIGINAL}")))?;
    let secret = format!("fusion-rms/{ORIGINAL}/aws");
    let secret = taken(world.region(ACCOUNT, REGION).secrets.by_name.remove(&secret))?;
    let key = taken(user.access_keys.first())?.id.clone();
    let ids = [user.id.clone(), key];
    let (user, bucket, secret) = (text(&user)?, text(&bucket)?, text(&secret)?);
    for number in 0..count {
        let org = format!("org{number}");
        let copied: local_aws::iam::User = copy(&user, &org, number, &ids)?;
        world.account(ACCOUNT).iam.users.insert(copied.name.clone(), copied);
        world.buckets.insert(format!("fusion-rms-{org}"), copy(&bucket, &org, number, &ids)?);
        let secrets = &mut world.region(ACCOUNT, REGION).secrets;
        secrets.by_name.insert(format!("fusion-rms/{org}/aws"), copy(&secret, &org, number, &ids)?);
    }
    Ok(world)
}

/// A world with one organization, which the functions made in simulated time.
fn original() -> Result<World, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let system = LocalSystem::start(&LocalOptions::default()).map_err(|problem| problem.to_string())?;
        system.aws.set_latency(Duration::from_millis(20));
        let put = system.put_event("org-signup", "OrgCreated", &command(ORIGINAL));
        put.map_err(|problem| problem.to_string())?;
        system.settle().await.map_err(|problem| problem.to_string())?;
        Ok(system.aws.snapshot())
    })
}

fn taken<T>(found: Option<T>) -> Result<T, String> {
    found.ok_or_else(|| "the organization to be copied is not whole".to_owned())
}

fn text(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// The same under another organization's name, with ids that nobody else has.
fn copy<T: DeserializeOwned>(text: &str, org: &str, number: usize, ids: &[String]) -> Result<T, String> {
    let renamed = ids.iter().fold(text.replace(ORIGINAL, org), |text, id| text.replace(id, &numbered(id, number)));
    serde_json::from_str(&renamed).map_err(|error| error.to_string())
}

/// The id with another end, which only this number has: digits as the letters A to J, since ids have letters.
fn numbered(id: &str, number: usize) -> String {
    let kept = id.len().saturating_sub(LAST_OF_ID);
    let digits = format!("{number:0LAST_OF_ID$}");
    let letters = digits.bytes().map(|digit| char::from(digit - b'0' + b'A'));
    id.chars().take(kept).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_copy_is_whole_and_shares_no_id() {
        let world = world_with(12).unwrap();
        let users = &world.accounts[ACCOUNT].iam.users;
        let keys: BTreeSet<&str> = users.values().map(|user| user.access_keys[0].id.as_str()).collect();
        let ids: BTreeSet<&str> = users.values().map(|user| user.id.as_str()).collect();
        assert_eq!((users.len(), keys.len(), ids.len(), world.buckets.len()), (12, 12, 12, 12));
        let user = &users["rms_org7"];
        let secret = text(&world.accounts[ACCOUNT].regions[REGION].secrets.by_name["fusion-rms/org7/aws"]).unwrap();
        assert!(secret.contains(&user.access_keys[0].id), "the secret holds the copy's own key");
        assert!(
            world.buckets["fusion-rms-org7"].policy.as_ref().unwrap().contains(&user.id),
            "and its policy names its user"
        );
        assert!(!text(&world.buckets).unwrap().contains(ORIGINAL));
    }
}
