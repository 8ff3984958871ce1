//! What an execution begins with: an account in a state that earlier runs, people or AWS left behind.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contract::ErrorCode;
use local_aws::World;
use local_aws::iam::{CredentialKind, KeyStatus, OtherCredential};
use local_aws::s3::PublicAccessBlock;
use local_system::registry;
use local_system::{LocalOptions, LocalSystem};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use crate::stage;

/// The account of the local system.
pub const ACCOUNT: &str = "111111111111";
/// Its region.
pub const REGION: &str = "us-east-1";
/// The organization.
pub const ORG: &str = "abc";
/// Its user.
pub const USER: &str = "rms_abc";
/// The bucket that it gets if the name is free.
pub const BUCKET: &str = "fusion-rms-abc";
/// Its secret.
pub const SECRET: &str = "fusion-rms/abc/aws";
/// Somebody else's account.
const STRANGER: &str = "222222222222";

/// What is there when an execution begins.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Start {
    /// Nothing.
    Nothing,
    /// The user and a bare bucket; no policy, no key, no secret.
    PartlyThere,
    /// Everything, in order.
    AllThere,
    /// A key that a run made and never stored.
    KeyWithoutSecret,
    /// A key that a run made a moment ago and may be about to store.
    YoungKeyWithoutSecret,
    /// A secret whose key was deleted.
    SecretWithoutKey,
    /// A secret that is scheduled for deletion.
    SecretScheduled,
    /// Two keys that runs made and never stored.
    TwoStrays,
    /// A stored key, and beside it one that a run made and never stored.
    StrayBesideStored,
    /// A stored key that somebody deactivated.
    StoredKeyInactive,
    /// A key that people made, on a user that the provisioner made.
    KeyOfAPerson,
    /// The user was deleted and made again, so that the policy names nobody and the stored key is gone.
    UserMadeAgain,
    /// A bucket that is ours and drifted: tags, Block Public Access, ownership, policy, marker.
    BucketDrifted,
    /// The bucket's name belongs to another account.
    NameTaken,
    /// The name belonged to another account when the bucket was made, and is free now.
    NameTakenThenFree,
    /// A user of that name that carries no tag.
    UserOfAnother,
    /// A bucket of that name in our account that carries another organization's tag.
    BucketOfAnother,
    /// A secret of that name that carries no tag.
    SecretOfAnother,
    /// The account blocks public bucket policies.
    AccountBlocked,
    /// The organization was suspended.
    Suspended,
    /// The organization was suspended, and has a key beside the stored one that a run made and never stored.
    SuspendedWithStray,
    /// The organization was offboarded: no user, a closed bucket, a secret that is scheduled for deletion.
    Offboarded,
    /// The organization was offboarded, and of its user somebody left everything there that can keep it.
    OffboardedInPart,
    /// The organization was offboarded, and had no bucket that could say so: its user does.
    UserSaysOffboarded,
    /// What the vendor's older process made: the tag `OrgID`, other tags, no settings; and a secret with the key in it that
    /// somebody made by hand.
    MadeByOthers,
}

/// How an execution has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The organization has everything.
    Provisioned,
    /// A person has to decide or to mend something: failure events with this code, and nothing that concerns it
    /// changed.
    Refused(ErrorCode),
}

/// A starting state, made once and begun from often.
#[derive(Clone)]
pub struct Prepared {
    /// Which.
    pub start: Start,
    /// The account.
    pub world: World,
    /// What the clock shows.
    pub at: SystemTime,
    /// The keys that may be deleted.
    pub lost_keys: Vec<String>,
    /// The steps that, run by themselves and in calm weather, complete from here.
    pub completes: BTreeSet<&'static str>,
}

impl Start {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// The name in paths and tables.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// How the flow has to end from here.
    pub fn end(self) -> End {
        match self {
            Self::Nothing
            | Self::PartlyThere
            | Self::AllThere
            | Self::KeyWithoutSecret
            | Self::YoungKeyWithoutSecret
            | Self::SecretWithoutKey
            | Self::TwoStrays
            | Self::StrayBesideStored
            | Self::UserMadeAgain
            | Self::BucketDrifted
            | Self::NameTaken
            | Self::NameTakenThenFree => End::Provisioned,
            Self::SecretScheduled => End::Refused(ErrorCode::SecretScheduledForDeletion),
            Self::StoredKeyInactive => End::Refused(ErrorCode::StoredKeyInactive),
            Self::KeyOfAPerson => End::Refused(ErrorCode::UnmanagedKey),
            Self::AccountBlocked => End::Refused(ErrorCode::AccountBlocksPublicAccess),
            Self::UserOfAnother | Self::BucketOfAnother | Self::SecretOfAnother | Self::MadeByOthers => {
                End::Refused(ErrorCode::NotOurs)
            }
            Self::Suspended
            | Self::SuspendedWithStray
            | Self::Offboarded
            | Self::OffboardedInPart
            | Self::UserSaysOffboarded => End::Refused(ErrorCode::OrgNotActive),
        }
    }

    /// Makes it: with the functions themselves and with what people do in a console.
    pub fn prepare(self) -> Prepared {
        let mut prepared = self.build();
        let completes = |step: &&str| stage::completes(&prepared, step);
        let completing: BTreeSet<&'static str> = registry::all().map(|step| step.spec.name).filter(completes).collect();
        prepared.completes = completing;
        prepared
    }

    fn build(self) -> Prepared {
        let runtime = paused_runtime();
        let options = LocalOptions::default();
        runtime.block_on(async {
            let system = LocalSystem::start(&options).expect("the usual options are consistent");
            let lost_keys = self.make(&system).await;
            let age = if self == Self::YoungKeyWithoutSecret { Duration::from_secs(1) } else { HOUR };
            tokio::time::sleep(age).await;
            system.take_heard().expect("the watcher's queue is there");
            for step in registry::all() {
                system.take_dead_letters(step.spec.name).expect("the dead-letter queue is there");
            }
            let at = UNIX_EPOCH + Duration::from_millis(system.aws.now().0);
            Prepared { start: self, world: system.aws.snapshot(), at, lost_keys, completes: BTreeSet::new() }
        })
    }

    /// Answers the ids of the keys that count as lost.
    async fn make(self, system: &LocalSystem) -> Vec<String> {
        match self {
            Self::Nothing => {}
            Self::PartlyThere => {
                provision(system).await;
                edit(system, |world| {
                    forget_secret_and_keys(world);
                    bare(world);
                });
            }
            Self::AllThere => provision(system).await,
            Self::KeyWithoutSecret | Self::YoungKeyWithoutSecret => {
                run(system, "iam-user").await;
                return vec![create_key(system).await];
            }
            Self::TwoStrays => {
                run(system, "iam-user").await;
                return vec![create_key(system).await, create_key(system).await];
            }
            Self::StrayBesideStored => {
                provision(system).await;
                return vec![create_key(system).await];
            }
            Self::SecretWithoutKey => {
                provision(system).await;
                edit(system, |world| user(world).access_keys.clear());
            }
            Self::SecretScheduled => {
                provision(system).await;
                let request = json!({ "SecretId": SECRET, "RecoveryWindowInDays": 7 });
                system
                    .aws
                    .api(ACCOUNT, REGION, "secretsmanager", "DeleteSecret", request)
                    .expect("the secret is there");
            }
            Self::StoredKeyInactive => {
                provision(system).await;
                edit(system, |world| {
                    user(world).access_keys.iter_mut().for_each(|key| key.status = KeyStatus::Inactive)
                });
            }
            Self::KeyOfAPerson => {
                run(system, "iam-user").await;
                create_key(system).await;
                edit(system, |world| {
                    let key = &mut user(world).access_keys[0];
                    key.last_used = Some(local_aws::iam::KeyUse {
                        at: key.created,
                        service: "s3".to_owned(),
                        region: REGION.to_owned(),
                    });
                });
            }
            Self::UserMadeAgain => {
                provision(system).await;
                edit(system, |world| world.account(ACCOUNT).iam.users.clear());
                run(system, "iam-user").await;
            }
            Self::BucketDrifted => {
                provision(system).await;
                edit(system, |world| {
                    bare(world);
                    let bucket = world.buckets.get_mut(BUCKET).expect("it was provisioned");
                    bucket.policy = Some(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned());
                    bucket.tags.remove("OrgState");
                    bucket.tags.insert("team".to_owned(), "pos".to_owned());
                });
            }
            Self::NameTaken => stranger_takes_the_name(system).await,
            Self::NameTakenThenFree => {
                stranger_takes_the_name(system).await;
                provision(system).await;
                edit(system, |world| drop(world.buckets.remove(BUCKET)));
            }
            Self::UserOfAnother => {
                let iam = aws_sdk_iam::Client::new(&system.sdk_config(ACCOUNT, "local"));
                iam.create_user().user_name(USER).send().await.expect("nobody has the name");
            }
            Self::BucketOfAnother => {
                run(system, "bucket").await;
                edit(system, |world| {
                    let bucket = world.buckets.get_mut(BUCKET).expect("the step made it");
                    bucket.tags.insert("OrgId".to_owned(), "other".to_owned());
                });
            }
            Self::AccountBlocked => {
                provision(system).await;
                edit(system, |world| {
                    world.buckets.get_mut(BUCKET).expect("it was provisioned").policy = None;
                    world.account(ACCOUNT).public_access_block = Some(EVERYTHING_BLOCKED);
                });
            }
            Self::Suspended => {
                provision(system).await;
                give(system, "suspend", "OrgSuspended").await;
            }
            Self::SuspendedWithStray => {
                provision(system).await;
                give(system, "suspend", "OrgSuspended").await;
                return vec![create_key(system).await];
            }
            Self::Offboarded => {
                provision(system).await;
                give(system, "offboard", "OrgDeleted").await;
            }
            Self::UserSaysOffboarded => {
                run(system, "iam-user").await;
                give(system, "offboard", "OrgDeleted").await;
            }
            Self::OffboardedInPart => {
                provision(system).await;
                edit(system, |world| {
                    burden(world);
                    say_offboarded(world);
                });
            }
            Self::MadeByOthers => {
                provision(system).await;
                edit(system, made_by_others);
            }
            Self::SecretOfAnother => {
                let request = json!({ "Name": SECRET, "SecretString": "theirs", "ClientRequestToken": "0".repeat(36) });
                system
                    .aws
                    .api(ACCOUNT, REGION, "secretsmanager", "CreateSecret", request)
                    .expect("nobody has the name");
            }
        }
        Vec::new()
    }
}

const EVERYTHING_BLOCKED: PublicAccessBlock = PublicAccessBlock {
    block_public_acls: true,
    ignore_public_acls: true,
    block_public_policy: true,
    restrict_public_buckets: true,
};
const HOUR: Duration = Duration::from_secs(3600);

/// A runtime whose time jumps ahead when everybody waits.
pub(crate) fn paused_runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without IO has nothing to fail on")
}

/// The detail of the sign-up.
pub fn command() -> Value {
    json!({ "orgId": ORG, "environment": "production" })
}

async fn provision(system: &LocalSystem) {
    system.put_event("org-signup", "OrgCreated", &command()).expect("the bus is there");
    system.settle().await.expect("nothing goes wrong here");
}

/// Has a command of the lifecycle carried out.
async fn give(system: &LocalSystem, step: &str, detail_type: &str) {
    let mut detail = command();
    detail["confirmOrgId"] = detail["orgId"].clone();
    system.put_event("org-signup", detail_type, &detail).unwrap_or_else(|problem| panic!("{step}: {problem}"));
    system.settle().await.expect("nothing goes wrong here");
}

/// Everything that keeps IAM from deleting a user.
fn burden(world: &mut World) {
    let group = local_aws::iam::Group { name: "readers".to_owned(), path: "/".to_owned(), ..Default::default() };
    world.account(ACCOUNT).iam.groups.insert("readers".to_owned(), group);
    let user = user(world);
    user.groups.insert("readers".to_owned());
    let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    user.policies.inline.insert("own".to_owned(), everything.to_owned());
    user.policies.attached.insert("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess".to_owned());
    user.login_profile = Some(local_aws::iam::LoginProfile { created: user.created, reset_required: false });
    let kinds = [
        CredentialKind::MfaDevice,
        CredentialKind::SigningCertificate,
        CredentialKind::SshPublicKey,
        CredentialKind::ServiceSpecificCredential,
    ];
    user.credentials.extend(kinds.map(|kind| OtherCredential { kind, id: "ID012345678901234567890123".to_owned() }));
}

/// What the first two calls of an offboarding leave behind.
fn say_offboarded(world: &mut World) {
    let since = ("OrgStateSince".to_owned(), "offboarded 2025-12-31T00:00:00Z".to_owned());
    let user = user(world);
    user.tags.retain(|(key, _)| key != "OrgState");
    user.tags.extend([("OrgState".to_owned(), "offboarded".to_owned()), since.clone()]);
    let bucket = world.buckets.get_mut(BUCKET).expect("it was provisioned");
    bucket.tags.insert("OrgState".to_owned(), "offboarded".to_owned());
    bucket.tags.extend([since]);
}

/// Runs one step, and no other after it.
async fn run(system: &LocalSystem, step: &str) {
    let rules = system.aws.with_world(take_rules);
    system.invoke(step, command()).await.expect("nothing goes wrong here");
    system.aws.with_world(|world| put_rules(world, rules));
}

type Rules = std::collections::BTreeMap<String, local_aws::events::Rule>;

fn rules(world: &mut World) -> &mut Rules {
    &mut world.region(ACCOUNT, REGION).buses.by_name.get_mut("org-provisioning").expect("the bus is there").rules
}

fn take_rules(world: &mut World) -> Rules {
    std::mem::take(rules(world))
}

fn put_rules(world: &mut World, taken: Rules) {
    *rules(world) = taken;
}

/// Leaves only the rules by which the watcher hears events: a step runs alone.
pub(crate) fn nothing_follows(world: &mut World) {
    rules(world).retain(|name, _| name.starts_with("org-provisioning-watcher"));
}

async fn create_key(system: &LocalSystem) -> String {
    let iam = aws_sdk_iam::Client::new(&system.sdk_config(ACCOUNT, "local"));
    let answer = iam.create_access_key().user_name(USER).send().await.expect("there is room for a key");
    answer.access_key.expect("the answer has the key").access_key_id
}

async fn stranger_takes_the_name(system: &LocalSystem) {
    let s3 = aws_sdk_s3::Client::new(&system.sdk_config(STRANGER, "local"));
    s3.create_bucket().bucket(BUCKET).send().await.expect("nobody has the name");
}

fn edit(system: &LocalSystem, change: impl FnOnce(&mut World)) {
    system.aws.with_world(change);
}

fn user(world: &mut World) -> &mut local_aws::iam::User {
    world.account(ACCOUNT).iam.users.get_mut(USER).expect("the user was provisioned")
}

fn forget_secret_and_keys(world: &mut World) {
    user(world).access_keys.clear();
    world.region(ACCOUNT, REGION).secrets.by_name.clear();
}

/// What was provisioned, as the vendor's older process and people leave it.
fn made_by_others(world: &mut World) {
    let tags = [("OrgID", ORG), ("team", "pos")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    user(world).tags = tags.to_vec();
    bare(world);
    world.buckets.get_mut(BUCKET).expect("it was provisioned").tags = tags.clone().into();
    let secrets = &mut world.region(ACCOUNT, REGION).secrets;
    secrets.by_name.get_mut(SECRET).expect("it was provisioned").tags = Some(tags[1..].to_vec());
}

/// The organization's bucket as CreateBucket without any setting leaves it, but for its tags.
fn bare(world: &mut World) {
    let bucket = world.buckets.get_mut(BUCKET).expect("the bucket was provisioned");
    bucket.policy = None;
    bucket.objects.clear();
    bucket.object_ownership = None;
    bucket.public_access_block = Some(EVERYTHING_BLOCKED);
}
