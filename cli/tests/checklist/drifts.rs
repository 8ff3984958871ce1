//! What can go wrong with an organization, made by its administrator, and the lines that must tell.

use aws_sdk_s3::types::{
    CreateBucketConfiguration, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, Tag as BucketTag, Tagging,
};
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use crate::served::{Clients, secret_of};

/// A drift.
pub(crate) struct Drift {
    pub(crate) name: &'static str,
    pub(crate) make: fn(Clients, String) -> LocalBoxFuture<'static, ()>,
    /// In the order of the checklist.
    pub(crate) fails: &'static [&'static str],
}

macro_rules! drift {
    ($name:literal, $fails:expr, $make:path) => {
        Drift { name: $name, make: |clients, org| $make(clients, org).boxed_local(), fails: &$fails }
    };
}

pub(crate) const DRIFTS: [Drift; 27] = [
    drift!("the user's tag spelled otherwise", ["user-tag"], misspell_user_tag),
    drift!("the user's tag gone", ["user-tag"], untag_user),
    drift!("the user suspended", ["user-state"], suspend_user),
    drift!("a password for the console", ["user-console"], give_password),
    drift!("an inline policy", ["user-inline-policies", "key-all-buckets"], put_inline_policy),
    drift!("an attached policy", ["user-attached-policies", "key-all-buckets", "key-other-bucket"], attach_policy),
    drift!("a group", ["user-groups"], add_to_group),
    drift!("a second key", ["key-one"], add_key),
    drift!("the key switched off", ["key-active", "key-works", "key-own-bucket"], deactivate_key),
    drift!("the key deleted", ["key-one", "key-stored", "key-works", "key-own-bucket"], delete_key),
    drift!(
        "the user deleted and made again",
        ["key-stored", "key-works", "policy-principal", "key-own-bucket"],
        remake_user
    ),
    drift!("the secret's tag gone", ["secret-tag"], untag_secret),
    drift!("the secret scheduled for deletion", ["secret-kept"], delete_secret),
    drift!("another value in the secret", ["secret-value"], overwrite_secret),
    drift!("a label that nobody uses", ["secret-labels"], label_secret),
    drift!("the bucket's tag gone", ["bucket-tag"], untag_bucket),
    drift!("the bucket's tag gone, and the key in another", ["key-hidden", "bucket-tag"], show_key_in_untagged_bucket),
    drift!("the bucket in another region, without its tag", ["bucket-region"], move_untagged_bucket),
    drift!("the bucket offboarded", ["bucket-state"], offboard_bucket),
    drift!("a second bucket", ["bucket-one"], make_second_bucket),
    drift!("the bucket blocks public access", ["bucket-public-access", "public-read"], block_bucket),
    drift!("access control lists on", ["bucket-ownership"], allow_lists),
    drift!("no marker", ["bucket-marker"], delete_marker),
    drift!(
        "no policy",
        ["public-read", "policy-public", "policy-objects", "policy-list", "key-own-bucket"],
        delete_policy
    ),
    drift!("everything public", ["private-read", "policy-public", "policy-nothing-else"], publish_everything),
    drift!("a service beside the user", ["policy-list", "policy-nothing-else"], let_a_service_list),
    drift!("everybody may list", ["private-read", "private-list", "policy-nothing-else"], let_everybody_list),
];

fn user(org: &str) -> String {
    format!("rms_{org}")
}

fn bucket(org: &str) -> String {
    format!("fusion-rms-{org}")
}

fn secret(org: &str) -> String {
    format!("fusion-rms/{org}/aws")
}

async fn tag_user(Clients { iam, .. }: &Clients, org: &str, key: &str, value: &str) {
    let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value).build().unwrap();
    iam.tag_user().user_name(user(org)).tags(tag).send().await.unwrap();
}

async fn misspell_user_tag(clients: Clients, org: String) {
    untag_user(clients.clone(), org.clone()).await;
    tag_user(&clients, &org, "OrgID", &org).await;
}

async fn untag_user(Clients { iam, .. }: Clients, org: String) {
    iam.untag_user().user_name(user(&org)).tag_keys("OrgId").send().await.unwrap();
}

async fn suspend_user(clients: Clients, org: String) {
    tag_user(&clients, &org, "OrgState", "suspended").await;
}

async fn give_password(Clients { iam, .. }: Clients, org: String) {
    iam.create_login_profile().user_name(user(&org)).password("Correct-horse-7").send().await.unwrap();
}

async fn put_inline_policy(Clients { iam, .. }: Clients, org: String) {
    let policy = json!({ "Version": "2012-10-17", "Statement":
        { "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" } });
    let put = iam.put_user_policy().user_name(user(&org)).policy_name("extra").policy_document(policy.to_string());
    put.send().await.unwrap();
}

async fn attach_policy(Clients { iam, .. }: Clients, org: String) {
    let arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    iam.attach_user_policy().user_name(user(&org)).policy_arn(arn).send().await.unwrap();
}

async fn add_to_group(Clients { iam, .. }: Clients, org: String) {
    iam.create_group().group_name("clerks").send().await.unwrap();
    iam.add_user_to_group().group_name("clerks").user_name(user(&org)).send().await.unwrap();
}

async fn add_key(Clients { iam, .. }: Clients, org: String) {
    iam.create_access_key().user_name(user(&org)).send().await.unwrap();
}

async fn only_key(Clients { iam, .. }: &Clients, org: &str) -> String {
    let keys = iam.list_access_keys().user_name(user(org)).send().await.unwrap().access_key_metadata;
    keys[0].access_key_id().unwrap().to_owned()
}

async fn deactivate_key(clients: Clients, org: String) {
    let key = only_key(&clients, &org).await;
    let update = clients.iam.update_access_key().user_name(user(&org)).access_key_id(key);
    update.status(aws_sdk_iam::types::StatusType::Inactive).send().await.unwrap();
}

async fn delete_key(clients: Clients, org: String) {
    let key = only_key(&clients, &org).await;
    clients.iam.delete_access_key().user_name(user(&org)).access_key_id(key).send().await.unwrap();
}

/// With another key, which nobody stored.
async fn remake_user(clients: Clients, org: String) {
    delete_key(clients.clone(), org.clone()).await;
    let Clients { iam, .. } = &clients;
    iam.delete_user().user_name(user(&org)).send().await.unwrap();
    let tag = aws_sdk_iam::types::Tag::builder().key("OrgId").value(&org).build().unwrap();
    iam.create_user().user_name(user(&org)).tags(tag).send().await.unwrap();
    iam.create_access_key().user_name(user(&org)).send().await.unwrap();
}

async fn untag_secret(Clients { secrets, .. }: Clients, org: String) {
    secrets.untag_resource().secret_id(secret(&org)).tag_keys("OrgId").send().await.unwrap();
}

async fn delete_secret(Clients { secrets, .. }: Clients, org: String) {
    secrets.delete_secret().secret_id(secret(&org)).send().await.unwrap();
}

async fn overwrite_secret(Clients { secrets, .. }: Clients, org: String) {
    secrets.put_secret_value().secret_id(secret(&org)).secret_string("correct horse").send().await.unwrap();
}

async fn label_secret(Clients { secrets, .. }: Clients, org: String) {
    let found = secrets.describe_secret().secret_id(secret(&org)).send().await.unwrap().version_ids_to_stages.unwrap();
    let version = found.keys().next().unwrap();
    let update = secrets.update_secret_version_stage().secret_id(secret(&org)).version_stage("MINE");
    update.move_to_version_id(version).send().await.unwrap();
}

async fn tag_bucket(Clients { s3, .. }: &Clients, name: &str, tags: &[(&str, &str)]) {
    let tags = tags.iter().map(|(key, value)| BucketTag::builder().key(*key).value(*value).build().unwrap());
    let tagging = Tagging::builder().set_tag_set(Some(tags.collect())).build().unwrap();
    s3.put_bucket_tagging().bucket(name).tagging(tagging).send().await.unwrap();
}

pub(crate) async fn untag_bucket(clients: Clients, org: String) {
    tag_bucket(&clients, &bucket(&org), &[("OrgState", "active")]).await;
}

async fn show_key_in_untagged_bucket(clients: Clients, org: String) {
    let secret = secret_of(&clients.sdk, &org).await;
    tag_bucket(&clients, &bucket(&org), &[("note", &secret)]).await;
}

async fn move_untagged_bucket(clients: Clients, org: String) {
    let name = bucket(&org);
    clients.s3.delete_object().bucket(&name).key("pub/").send().await.unwrap();
    clients.s3.delete_bucket().bucket(&name).send().await.unwrap();
    let there = aws_sdk_s3::config::Builder::from(&clients.sdk).region(aws_sdk_s3::config::Region::new("eu-central-1"));
    let location = CreateBucketConfiguration::builder().location_constraint("eu-central-1".into()).build();
    let create = aws_sdk_s3::Client::from_conf(there.build()).create_bucket().bucket(&name);
    create.create_bucket_configuration(location).send().await.unwrap();
}

async fn offboard_bucket(clients: Clients, org: String) {
    tag_bucket(&clients, &bucket(&org), &[("OrgId", &org), ("OrgState", "offboarded")]).await;
}

async fn make_second_bucket(clients: Clients, org: String) {
    let name = format!("{}-media", bucket(&org));
    clients.s3.create_bucket().bucket(&name).send().await.unwrap();
    tag_bucket(&clients, &name, &[("OrgId", &org)]).await;
}

async fn block_bucket(Clients { s3, .. }: Clients, org: String) {
    let block = PublicAccessBlockConfiguration::builder().restrict_public_buckets(true).build();
    let put = s3.put_public_access_block().bucket(bucket(&org)).public_access_block_configuration(block);
    put.send().await.unwrap();
}

async fn allow_lists(Clients { s3, .. }: Clients, org: String) {
    let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::ObjectWriter).build().unwrap();
    let controls = OwnershipControls::builder().rules(rule).build().unwrap();
    s3.put_bucket_ownership_controls().bucket(bucket(&org)).ownership_controls(controls).send().await.unwrap();
}

async fn delete_marker(Clients { s3, .. }: Clients, org: String) {
    s3.delete_object().bucket(bucket(&org)).key("pub/").send().await.unwrap();
}

async fn delete_policy(Clients { s3, .. }: Clients, org: String) {
    s3.delete_bucket_policy().bucket(bucket(&org)).send().await.unwrap();
}

async fn change_policy(Clients { s3, .. }: &Clients, org: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let policy = s3.get_bucket_policy().bucket(bucket(org)).send().await.unwrap().policy.unwrap();
    let mut policy: Value = serde_json::from_str(&policy).unwrap();
    change(policy["Statement"].as_array_mut().unwrap());
    s3.put_bucket_policy().bucket(bucket(org)).policy(policy.to_string()).send().await.unwrap();
}

async fn publish_everything(clients: Clients, org: String) {
    let put = clients.s3.put_object().bucket(bucket(&org)).key("sync/orders").body(b"x".to_vec().into());
    put.send().await.unwrap();
    let everything = format!("arn:aws:s3:::{}/*", bucket(&org));
    change_policy(&clients, &org, |statements| statements[0]["Resource"] = everything.into()).await;
}

async fn let_a_service_list(clients: Clients, org: String) {
    let service = "logging.s3.amazonaws.com";
    change_policy(&clients, &org, |statements| statements[2]["Principal"]["Service"] = service.into()).await;
}

async fn let_everybody_list(clients: Clients, org: String) {
    let resource = format!("arn:aws:s3:::{}", bucket(&org));
    let grant = json!({ "Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": resource });
    change_policy(&clients, &org, |statements| statements.push(grant)).await;
}

/// The account's own Block Public Access.
pub(crate) async fn block_public_policies(Clients { sdk, .. }: Clients, on: bool) {
    let url = sdk.endpoint_url().unwrap().to_owned();
    let config = aws_sdk_s3control::config::Builder::from(&sdk).endpoint_resolver(OneHost(url)).build();
    let block = aws_sdk_s3control::types::PublicAccessBlockConfiguration::builder();
    let block = block.block_public_policy(on).restrict_public_buckets(on).build();
    let put = aws_sdk_s3control::Client::from_conf(config).put_public_access_block().account_id("111111111111");
    put.public_access_block_configuration(block).send().await.unwrap();
}

/// The SDK would put the account's number in front of the host.
#[derive(Debug)]
struct OneHost(String);

impl ResolveEndpoint for OneHost {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        let scheme = [("name", "sigv4"), ("signingName", "s3"), ("signingRegion", "us-east-1")];
        let scheme = scheme.map(|(key, value)| (key.to_owned(), aws_smithy_types::Document::from(value.to_owned())));
        let schemes = vec![aws_smithy_types::Document::Object(scheme.into())];
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).property("authSchemes", schemes).build()))
    }
}
