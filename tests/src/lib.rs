//! What the end-to-end tests share: a running local system, and judging what it left behind.
//!
//! State is read with the AWS SDK, over the same wire as any client, or straight from the local AWS where
//! the API does not tell.

pub mod adoption;
pub mod bootstrap;
pub mod guards;
pub mod lifecycle;

use aws_sdk_s3::types::CreateBucketConfiguration;
use local_aws::Recorded;
use local_system::{Emitted, LocalOptions, LocalSystem};
use serde_json::{Value, json};

/// The vendor's policy, for account 123456789012 and organization xmsqa1.
pub const GOLDEN_POLICY: &str = include_str!("../golden/bucket-policy.json");

/// A local system with what tests ask of it.
pub struct Bench {
    /// The system.
    pub system: LocalSystem,
}

/// What a `provisioned` check found, for tests that compare.
#[derive(Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// The bucket's name.
    pub bucket: String,
    /// The id of the only access key.
    pub access_key_id: String,
}

impl Bench {
    /// A system with the usual options. Call inside a runtime whose time is paused.
    pub fn new() -> Self {
        Self::with(&LocalOptions::default())
    }

    /// A system with other options.
    pub fn with(options: &LocalOptions) -> Self {
        Self { system: LocalSystem::start(options).unwrap() }
    }

    /// Puts `OrgCreated` for a production organization on the bus.
    pub fn sign_up(&self, org: &str) {
        self.put(&command(org));
    }

    /// Puts `OrgCreated` with this detail on the bus.
    pub fn put(&self, detail: &Value) {
        self.system.put_event("org-signup", "OrgCreated", detail).unwrap();
    }

    /// Puts a command of the lifecycle for a production organization on the bus: `OrgSuspended`, ...
    pub fn command(&self, detail_type: &str, org: &str) {
        self.system.put_event("org-signup", detail_type, &lifecycle_command(org)).unwrap();
    }

    /// Puts `OrgCreated` for an organization that was offboarded, and is to come back, on the bus.
    pub fn reonboard(&self, org: &str) {
        let mut detail = command(org);
        detail["reonboard"] = json!(true);
        self.put(&detail);
    }

    /// Lets everything come to rest and answers the events emitted meanwhile.
    pub async fn settle(&self) -> Vec<Emitted> {
        self.system.settle().await.unwrap();
        self.system.take_emitted().unwrap()
    }

    /// An IAM client of the account's administrator.
    pub fn iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.system.sdk_config(&self.system.place.account, "local"))
    }

    /// An S3 client of an account's administrator, or of an access key.
    pub fn s3(&self, access_key_id: &str, secret: &str) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.system.sdk_config(access_key_id, secret))
    }

    /// A Secrets Manager client of the account's administrator.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.system.sdk_config(&self.system.place.account, "local"))
    }

    /// The secret of an organization, as the consumer reads it.
    pub async fn stored_key(&self, org: &str) -> Value {
        let secret = self.secrets().get_secret_value().secret_id(format!("fusion-rms/{org}/aws")).send().await.unwrap();
        serde_json::from_str(secret.secret_string().unwrap()).unwrap()
    }

    /// Checks everything that an organization should have, without asking the verify step.
    pub async fn provisioned(&self, org: &str) -> Provisioned {
        let account = self.system.place.account.clone();
        let user_name = format!("rms_{org}");
        let user = self.iam().get_user().user_name(&user_name).send().await.unwrap().user.unwrap();
        assert!(user.tags().iter().any(|tag| tag.key() == "OrgId" && tag.value() == org), "{org}: user tags");

        let keys = self.iam().list_access_keys().user_name(&user_name).send().await.unwrap().access_key_metadata;
        assert_eq!(keys.len(), 1, "{org}: keys");
        assert_eq!(keys[0].status().unwrap().as_str(), "Active");
        let stored = self.stored_key(org).await;
        assert_eq!(stored["accessKeyId"], keys[0].access_key_id().unwrap(), "{org}: the stored key");
        assert_eq!(stored["userName"], user_name);
        let secret = self.secrets().describe_secret().secret_id(format!("fusion-rms/{org}/aws")).send().await.unwrap();
        assert!(secret.tags().iter().any(|tag| tag.key() == Some("OrgId") && tag.value() == Some(org)));

        let bucket = self.only_bucket(org);
        let s3 = self.s3(&account, "local");
        let block = s3.get_public_access_block().bucket(&bucket).send().await.unwrap();
        let block = block.public_access_block_configuration.unwrap();
        let flags = [
            block.block_public_acls,
            block.ignore_public_acls,
            block.block_public_policy,
            block.restrict_public_buckets,
        ];
        assert_eq!(flags, [Some(false); 4], "{org}: block public access");
        let ownership = s3.get_bucket_ownership_controls().bucket(&bucket).send().await.unwrap();
        let rules = ownership.ownership_controls.unwrap().rules;
        assert_eq!(rules[0].object_ownership.as_str(), "BucketOwnerEnforced");
        assert!(s3.head_object().bucket(&bucket).key("pub/").send().await.is_ok(), "{org}: marker");
        let policy = s3.get_bucket_policy().bucket(&bucket).send().await.unwrap().policy.unwrap();
        assert!(org::same_policy(&policy, &self.golden(org, &bucket)), "{org}: policy {policy}");

        let (id, key) = (stored["accessKeyId"].as_str().unwrap(), stored["secretAccessKey"].as_str().unwrap());
        let theirs = self.s3(id, key);
        assert!(theirs.list_objects_v2().bucket(&bucket).send().await.is_ok(), "{org}: the key opens its bucket");
        assert!(theirs.list_buckets().send().await.is_err(), "{org}: and nothing else");
        Provisioned { bucket, access_key_id: id.to_owned() }
    }

    /// The golden policy with an organization's names.
    pub fn golden(&self, org: &str, bucket: &str) -> String {
        GOLDEN_POLICY
            .replace("fusion-rms-xmsqa1", bucket)
            .replace("rms_xmsqa1", &format!("rms_{org}"))
            .replace("123456789012", &self.system.place.account)
    }

    /// The one bucket of our account that carries the organization's tag.
    pub fn only_bucket(&self, org: &str) -> String {
        let account = self.system.place.account.clone();
        let found: Vec<String> = self.system.aws.look(|world| {
            let ours = world.buckets.iter().filter(|(_, bucket)| bucket.owner == account);
            ours.filter(|(_, bucket)| bucket.tags.get("OrgId").is_some_and(|tag| tag == org))
                .map(|(name, _)| name.clone())
                .collect()
        });
        match &found[..] {
            [one] => one.clone(),
            other => panic!("{org}: buckets {other:?}"),
        }
    }

    /// Makes a bucket in another account, as a stranger would.
    pub async fn bucket_of_a_stranger(&self, name: &str) {
        let mut configuration = CreateBucketConfiguration::builder();
        if self.system.place.region != "us-east-1" {
            configuration = configuration.location_constraint(self.system.place.region.as_str().into());
        }
        let request = self.s3("222222222222", "local").create_bucket().bucket(name);
        request.create_bucket_configuration(configuration.build()).send().await.unwrap();
    }

    /// The writes recorded since the last look, events and queues apart.
    pub fn writes(&self) -> Vec<Recorded> {
        let trace = self.system.aws.take_trace();
        let resources = |call: &Recorded| !["events", "sqs"].contains(&call.service);
        trace.into_iter().filter(|call| call.mutating && resources(call)).collect()
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

/// The detail of an `OrgCreated` for a production organization.
pub fn command(org: &str) -> Value {
    json!({ "orgId": org, "environment": "production" })
}

/// Begins a rotation as RotateSecret does, and leaves its steps to the caller: the secret's ARN, and the token.
pub fn begin_rotation(system: &LocalSystem, org: &str) -> (String, String) {
    let secret = format!("fusion-rms/{org}/aws");
    let api = |operation: &str, body: Value| {
        system.aws.api(&system.place.account, &system.place.region, "secretsmanager", operation, body).unwrap()
    };
    let token = system.aws.with_world(|world| world.ids.uuid());
    let body = json!({ "SecretId": secret, "ClientRequestToken": token,
        "RotationLambdaARN": system.lambda.function_arn("nobody"), "RotationRules": { "AutomaticallyAfterDays": 90 } });
    let arn = api("RotateSecret", body)["ARN"].as_str().unwrap().to_owned();
    system.aws.with_world(|world| {
        let region = world.region(&system.place.account, &system.place.region);
        let rotation = region.secrets.by_name.get_mut(&secret).unwrap().rotation.as_mut().unwrap();
        rotation.run = None;
    });
    (arn, token)
}

/// The detail of a command that suspends, resumes or offboards a production organization.
pub fn lifecycle_command(org: &str) -> Value {
    json!({ "orgId": org, "environment": "production", "confirmOrgId": org })
}

/// The emitted events of one detail type.
pub fn of_type<'e>(events: &'e [Emitted], detail_type: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event.detail_type == detail_type).map(|event| &event.detail).collect()
}

/// The codes of the emitted failures.
pub fn failure_codes(events: &[Emitted]) -> Vec<String> {
    let failures = of_type(events, "OrgProvisioningFailed");
    failures.iter().map(|detail| detail["error"]["code"].as_str().unwrap().to_owned()).collect()
}
