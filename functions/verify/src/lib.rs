//! The last step: looks at everything that an organization should have, tries the stored key, and says that
//! the organization is provisioned. It writes nothing.

mod inventory;
mod probes;

use std::convert::Infallible;
use std::fmt;

use aws::ServerDate;
use aws::buckets::{self, SEARCH_CALLS, SETUP_CALLS, Search, Seeker, Setup};
use aws::keys::{self, LabelledVersion};
use aws::secrets::{self, StoredSecret};
use aws::users::{self, AccessKey, User};
use aws_sdk_s3::config::IdentityCache;
use aws_types::SdkConfig;
use contract::{Change, Effect, Evidence, OrgCreated, Report, Resource, Run, Step, StepError, StepSpec};
use futures_util::future::join4;
use handler::{StepContext, StepFunction};
use org::Conventions;

use inventory::Inventory;

/// The step.
pub struct Verify {
    iam: aws_sdk_iam::Client,
    s3: aws_sdk_s3::Client,
    anonymous_s3: aws_sdk_s3::Client,
    secrets: aws_sdk_secretsmanager::Client,
    sdk: SdkConfig,
    conventions: Conventions,
}

/// Everything that an organization has.
pub struct Observed {
    user: Option<User>,
    keys: Vec<AccessKey>,
    /// Read only if there is a key beside the stored one: a rotation's may be.
    versions: Vec<LabelledVersion>,
    secret: Option<StoredSecret>,
    search: Search<Setup>,
}

/// There is none: this step changes nothing.
pub struct NoChange(Infallible);

impl StepFunction for Verify {
    fn new(context: &StepContext<'_>) -> Self {
        let mut without_credentials = context.clients.sdk().to_builder();
        without_credentials.set_credentials_provider(None);
        // There is nothing to keep; a cache that others share would make room for it all the same.
        without_credentials.set_identity_cache(Some(IdentityCache::no_cache()));
        let anonymous = aws::s3_config(&without_credentials.build()).allow_no_auth().build();
        Self {
            iam: context.clients.iam(2),
            s3: context.clients.s3(SEARCH_CALLS + SETUP_CALLS),
            anonymous_s3: aws_sdk_s3::Client::from_conf(anonymous),
            secrets: context.clients.secrets_manager(1),
            sdk: context.clients.sdk().clone(),
            conventions: context.settings.deployment.conventions.clone(),
        }
    }
}

impl Step for Verify {
    const SPEC: StepSpec = StepSpec {
        name: "verify",
        triggers: &["BucketPolicyProvisioned", "SecretProvisioned"],
        completion: "OrgProvisioned",
    };
    type Command = OrgCreated;
    type Observed = Observed;
    type Change = NoChange;

    async fn observe(&self, run: &Run<'_, OrgCreated>) -> Result<Observed, StepError> {
        let (user_name, secret_name) = self.names(run.command);
        let seeker = Seeker::new(&self.s3, &self.conventions, run);
        let date = ServerDate::default();
        let (user, keys, secret, search) = join4(
            users::find(&self.iam, &user_name),
            users::access_keys(&self.iam, &user_name, &date),
            secrets::find(&self.secrets, &secret_name, &date),
            buckets::search(seeker, async |name| buckets::setup(&self.s3, run.place, name).await),
        )
        .await;
        let (keys, secret) = (keys?, secret?);
        let beside = |secret: &&StoredSecret| {
            !secret.scheduled_for_deletion && keys.len() > 1 && keys.iter().any(|key| secret.holds(&key.id))
        };
        let versions = match secret.as_ref().filter(beside) {
            Some(secret) => keys::labelled_versions(&self.secrets, secret).await?,
            None => Vec::new(),
        };
        let observed = Observed { user: user?, keys, versions, secret, search: search? };
        // What is missing is the plan's to say; only what is complete can be tried.
        if let Ok(inventory) = self.inventory(run, &observed) {
            self.probe(run.place, &inventory).await?;
        }
        Ok(observed)
    }

    fn plan(&self, run: &Run<'_, OrgCreated>, observed: &Observed) -> Result<Vec<NoChange>, StepError> {
        self.inventory(run, observed).map(|_| Vec::new())
    }

    async fn apply(
        &self,
        run: &Run<'_, OrgCreated>,
        observed: Observed,
        _: Vec<NoChange>,
    ) -> Result<Report, StepError> {
        let inventory = self.inventory(run, &observed)?;
        let bucket_arn = run.place.bucket_arn(inventory.bucket.as_str());
        Ok(Report {
            resources: vec![
                Resource::new("AWS::IAM::User", &inventory.user.arn),
                Resource::new("AWS::S3::Bucket", &bucket_arn),
                Resource::new("AWS::S3::BucketPolicy", &bucket_arn),
                Resource::new("AWS::SecretsManager::Secret", &inventory.secret.arn),
            ],
            evidence: evidence(&inventory),
            ..Report::default()
        })
    }
}

fn evidence(inventory: &Inventory<'_>) -> Vec<Evidence> {
    let id = &inventory.credential.access_key_id;
    let key = id.get(id.len().saturating_sub(4)..).unwrap_or(id);
    vec![
        Evidence::new("user", format!("{} is there and tagged", inventory.user.name)),
        Evidence::new(
            "bucket",
            format!("{} is there, tagged, open to policies, closed to access control lists", inventory.bucket),
        ),
        Evidence::new("marker", format!("{} is readable without credentials", buckets::MARKER_KEY)),
        Evidence::new("policy", "equals the convention's"),
        Evidence::new(
            "access key",
            format!("the key ending in {key} is {}, active, and stored", inventory.place_of_key()),
        ),
        Evidence::new("permissions", "the stored key lists the bucket and may not list buckets"),
    ]
}

impl Verify {
    fn names(&self, command: &OrgCreated) -> (String, String) {
        (self.conventions.user_name(&command.org_id), self.conventions.secret_name(&command.org_id))
    }
}

impl Change for NoChange {
    fn effect(&self) -> Effect {
        match self.0 {}
    }
}

impl fmt::Display for NoChange {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}
