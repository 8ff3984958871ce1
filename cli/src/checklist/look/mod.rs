//! Looking at everything that an organization has. Reads only, side by side.

mod account;
mod bucket;
mod probes;
mod user;

use aws::buckets::{self, Bucket, Seeker};
use aws::secrets::StoredSecret;
use aws::users::AccessKey;
use aws::{ServerDate, keys, secrets, users};
use futures_util::future::{OptionFuture, join3, join4};
use org::{Environment, OrgId};
use tokio::sync::OnceCell;

use super::observed::{Asked, Buckets, NotOurs, Observed, Seen};
use crate::connection::Connection;

/// Looks at organizations, any number of them, with the same clients.
pub struct Looker {
    connection: Connection,
    environment: Option<Environment>,
    iam: aws_sdk_iam::Client,
    s3: aws_sdk_s3::Client,
    anonymous_s3: aws_sdk_s3::Client,
    secrets: aws_sdk_secretsmanager::Client,
    /// What is the same for every organization is asked once.
    account_blocks: OnceCell<Seen<Vec<&'static str>>>,
    some_buckets: OnceCell<Seen<Vec<String>>>,
}

impl Looker {
    /// Clients for everything.
    pub fn new(connection: &Connection, environment: Option<Environment>) -> Self {
        let sdk = &connection.sdk;
        let mut without_credentials = sdk.to_builder();
        without_credentials.set_credentials_provider(None);
        let anonymous = aws::s3_config(&without_credentials.build()).allow_no_auth().build();
        Self {
            connection: connection.clone(),
            environment,
            iam: aws_sdk_iam::Client::new(sdk),
            s3: aws::s3(sdk),
            anonymous_s3: aws_sdk_s3::Client::from_conf(anonymous),
            secrets: aws_sdk_secretsmanager::Client::new(sdk),
            account_blocks: OnceCell::new(),
            some_buckets: OnceCell::new(),
        }
    }

    /// What is known of an organization without looking.
    pub fn asked(&self, org: &OrgId) -> Asked {
        let settings = self.connection.settings();
        Asked {
            org: org.clone(),
            place: self.connection.place.clone(),
            caller: self.connection.caller.clone(),
            conventions: settings.deployment.conventions.clone(),
            account_class: self.connection.account_class(),
            account_was_expected: self.connection.account_was_expected,
            environment: self.environment,
            kms_key_id: settings.kms_key_id.clone(),
        }
    }

    /// Everything that the organization has. What cannot be seen is told in its place.
    pub async fn look(&self, asked: &Asked) -> Observed {
        let (user_name, secret_name) =
            (asked.conventions.user_name(&asked.org), asked.conventions.secret_name(&asked.org));
        let date = ServerDate::default();
        let ((user, keys, secret, buckets), user_extras, account_blocks) = join3(
            join4(
                users::find(&self.iam, &user_name),
                users::access_keys(&self.iam, &user_name, &date),
                secrets::find(&self.secrets, &secret_name, &date),
                self.buckets(asked),
            ),
            self.user_extras(&user_name),
            self.account_blocks(),
        )
        .await;
        let (user, keys, secret) = (user.map_err(Into::into), keys.map_err(Into::into), secret.map_err(Into::into));
        let rotating = match (&keys, &secret) {
            (Ok(keys), Ok(Some(secret))) => self.rotating(keys, secret).await,
            _ => Ok(Vec::new()),
        };
        let mut observed = Observed {
            user,
            user_extras,
            keys,
            rotating,
            key_history: None,
            secret,
            buckets,
            setup: None,
            account_blocks,
            with_key: None,
            anonymously: None,
        };
        let bucket = observed.buckets.as_ref().ok().and_then(Buckets::chosen).cloned();
        let bucket = bucket.as_ref();
        let history = OptionFuture::from(observed.key().map(|key| self.key_history(key, &date)));
        let setup = OptionFuture::from(bucket.map(|name| self.bucket_setup(name)));
        let with_key =
            OptionFuture::from(observed.credential().map(|credential| self.try_with_key(asked, credential, bucket)));
        let anonymously = OptionFuture::from(bucket.map(|name| self.try_anonymously(name)));
        let (history, setup, with_key, anonymously) = join4(history, setup, with_key, anonymously).await;
        observed.key_history = history;
        observed.setup = setup;
        observed.with_key = with_key;
        observed.anonymously = anonymously;
        observed
    }

    /// The keys that a rotation holds. The versions are read only if there is a key beside the stored one.
    async fn rotating(&self, listed: &[AccessKey], secret: &StoredSecret) -> Seen<Vec<String>> {
        if secret.scheduled_for_deletion || listed.iter().all(|key| secret.holds(&key.id)) {
            return Ok(Vec::new());
        }
        let versions = keys::labelled_versions(&self.secrets, secret).await?;
        let rotates = |key: &&AccessKey| keys::holder(Some(secret), &versions, &key.id).is_a_rotation();
        Ok(listed.iter().filter(rotates).map(|key| key.id.clone()).collect())
    }

    /// The buckets that carry the organization's tag, or could.
    async fn buckets(&self, asked: &Asked) -> Seen<Buckets> {
        let seeker = Seeker::of_org(&self.s3, &asked.conventions, &asked.place, &asked.org);
        let found = buckets::search(seeker, async |_| Ok(())).await?;
        let not_ours = found.not_ours();
        let own_tags = found.here().first().map(Bucket::tags);
        let tags = own_tags.or(not_ours.map(|(_, bucket)| &bucket.tags[..])).unwrap_or_default().to_vec();
        Ok(Buckets {
            here: found.here().iter().map(|bucket| bucket.name.clone()).collect(),
            elsewhere: found.elsewhere().to_vec(),
            not_ours: not_ours.map(|(name, bucket)| NotOurs {
                name: name.clone(),
                owner: bucket.owner.clone(),
                elsewhere: Some(bucket.region.clone()).filter(|region| *region != asked.place.region),
            }),
            tags,
        })
    }
}
