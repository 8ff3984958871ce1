//! What people and the vendor's older process make for an organization, and the command that adopts it.

use aws_sdk_iam::types::Tag as IamTag;
use aws_sdk_s3::types::{Tag as S3Tag, Tagging};
use aws_sdk_secretsmanager::types::Tag as SecretTag;
use local_system::LocalSystem;
use serde_json::{Map, Value, json};

/// Tags, key and value.
pub type Tags<'t> = &'t [(&'t str, &'t str)];

/// Makes an organization's user as the console does, and answers its ARN.
pub async fn user(system: &LocalSystem, org: &str, tags: Tags<'_>) -> String {
    let iam = aws_sdk_iam::Client::new(&system.sdk_config(&system.place.account, "local"));
    let tags = tags.iter().map(|(key, value)| IamTag::builder().key(*key).value(*value).build().unwrap());
    let tags: Vec<IamTag> = tags.collect();
    let request = iam.create_user().user_name(format!("rms_{org}")).set_tags((!tags.is_empty()).then_some(tags));
    request.send().await.unwrap().user.unwrap().arn
}

/// Makes a bucket of that name as the console does, with an object in it.
pub async fn bucket(system: &LocalSystem, name: &str, tags: Tags<'_>) {
    let s3 = aws_sdk_s3::Client::new(&system.sdk_config(&system.place.account, "local"));
    s3.create_bucket().bucket(name).send().await.unwrap();
    s3.put_object().bucket(name).key("pub/logo.png").send().await.unwrap();
    if !tags.is_empty() {
        let tags = tags.iter().map(|(key, value)| S3Tag::builder().key(*key).value(*value).build().unwrap());
        let tagging = Tagging::builder().set_tag_set(Some(tags.collect())).build().unwrap();
        s3.put_bucket_tagging().bucket(name).tagging(tagging).send().await.unwrap();
    }
}

/// Makes an organization's secret with this value, and answers its ARN.
pub async fn secret(system: &LocalSystem, org: &str, value: &str, tags: Tags<'_>) -> String {
    let secrets = aws_sdk_secretsmanager::Client::new(&system.sdk_config(&system.place.account, "local"));
    let tags = tags.iter().map(|(key, value)| SecretTag::builder().key(*key).value(*value).build());
    let tags: Vec<SecretTag> = tags.collect();
    let request = secrets.create_secret().name(format!("fusion-rms/{org}/aws")).secret_string(value);
    request.set_tags((!tags.is_empty()).then_some(tags)).send().await.unwrap().arn.unwrap()
}

/// Makes an access key on an organization's user, and answers the value that a secret holds of it.
pub async fn key(system: &LocalSystem, org: &str) -> String {
    let iam = aws_sdk_iam::Client::new(&system.sdk_config(&system.place.account, "local"));
    let user = format!("rms_{org}");
    let key = iam.create_access_key().user_name(&user).send().await.unwrap().access_key.unwrap();
    value(&user, &key.access_key_id, &key.secret_access_key)
}

/// The value of a secret that holds this key.
pub fn value(user: &str, id: &str, secret: &str) -> String {
    json!({ "accessKeyId": id, "secretAccessKey": secret, "userName": user }).to_string()
}

/// All that the older process makes, and a key in a secret: `OrgID` in place of `OrgId`, other tags, no settings.
pub async fn everything(system: &LocalSystem, org: &str) {
    user(system, org, &[("OrgID", org), ("team", "pos")]).await;
    bucket(system, &format!("fusion-rms-{org}"), &[("OrgID", org), ("team", "pos")]).await;
    let value = key(system, org).await;
    secret(system, org, &value, &[("team", "pos")]).await;
}

/// The detail of the command for a production organization that names what there is under its standard names.
pub fn detail(system: &LocalSystem, org: &str) -> Value {
    let (account, region) = (system.place.account.clone(), system.place.region.clone());
    let (user, bucket, secret) = (format!("rms_{org}"), format!("fusion-rms-{org}"), format!("fusion-rms/{org}/aws"));
    let mut adopt = Map::new();
    system.aws.with_world(|world| {
        if world.account(&account).iam.users.contains_key(&user) {
            adopt.insert("userArn".to_owned(), json!(system.place.user_arn(&user)));
        }
        if world.buckets.get(&bucket).is_some_and(|bucket| bucket.owner == account) {
            adopt.insert("bucket".to_owned(), json!(bucket));
        }
        if let Some(secret) = world.region(&account, &region).secrets.by_name.get(&secret) {
            adopt.insert("secretArn".to_owned(), json!(secret.arn));
        }
    });
    json!({ "orgId": org, "environment": "production", "adopt": adopt })
}
