//! What can be done to an active organization by hand, and what is found then.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use aws_sdk_iam::types::{StatusType, Tag};
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use local_aws::iam::{CredentialKind, OtherCredential};
use tests::Bench;
use tests::lifecycle::{ACCOUNT, BUCKET, SECRET, USER};

const HOUR: Duration = Duration::from_secs(3600);

/// Does something to the organization `abc`.
pub(crate) type Drift = for<'b> fn(&'b Bench) -> Pin<Box<dyn Future<Output = ()> + 'b>>;

/// Each with the codes of what is found.
pub(crate) const DRIFTS: [(&[&str], Drift); 26] = [
    (&["console-password"], |bench| {
        Box::pin(async move {
            bench.iam().create_login_profile().user_name(USER).password("Correct-Horse-1").send().await.unwrap();
        })
    }),
    (&["extra-policy"], |bench| {
        Box::pin(async move {
            let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
            let request = bench.iam().put_user_policy().user_name(USER).policy_name("own").policy_document(policy);
            request.send().await.unwrap();
        })
    }),
    (&["extra-policy"], |bench| {
        Box::pin(async move {
            let managed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
            bench.iam().attach_user_policy().user_name(USER).policy_arn(managed).send().await.unwrap();
        })
    }),
    (&["group-membership"], |bench| {
        Box::pin(async move {
            bench.iam().create_group().group_name("readers").send().await.unwrap();
            bench.iam().add_user_to_group().group_name("readers").user_name(USER).send().await.unwrap();
        })
    }),
    (&["other-credential"], |bench| {
        Box::pin(async move {
            bench.system.aws.with_world(|world| {
                let device = OtherCredential { kind: CredentialKind::MfaDevice, id: "arn:aws:iam::1:mfa/x".into() };
                world.account(ACCOUNT).iam.user(USER).unwrap().credentials.push(device);
            });
        })
    }),
    (&["unmanaged-key"], |bench| {
        Box::pin(async move {
            bench.iam().untag_user().user_name(USER).tag_keys("CreatedBy").send().await.unwrap();
            bench.iam().create_access_key().user_name(USER).send().await.unwrap();
            tokio::time::sleep(HOUR).await;
        })
    }),
    (&["lost-key"], |bench| {
        Box::pin(async move {
            bench.iam().create_access_key().user_name(USER).send().await.unwrap();
            tokio::time::sleep(HOUR).await;
        })
    }),
    // The `secret` step deletes no key that somebody switched off, so no sign-up mends it.
    (&["unmanaged-key"], |bench| {
        Box::pin(async move {
            let key = bench.iam().create_access_key().user_name(USER).send().await.unwrap().access_key.unwrap();
            let off = bench.iam().update_access_key().user_name(USER).access_key_id(key.access_key_id);
            off.status(StatusType::Inactive).send().await.unwrap();
            tokio::time::sleep(HOUR).await;
        })
    }),
    (&["public-grant"], |bench| {
        Box::pin(async move {
            put_policy(bench, &bench.golden("abc", BUCKET).replacen("/pub/*", "/*", 1)).await;
        })
    }),
    (&["foreign-statement"], |bench| {
        Box::pin(async move {
            let golden = bench.golden("abc", BUCKET);
            let root = golden.replacen(
                &format!("arn:aws:iam::{ACCOUNT}:user/{USER}"),
                &format!("arn:aws:iam::{ACCOUNT}:root"),
                1,
            );
            put_policy(bench, &root).await;
        })
    }),
    (&["policy-missing"], |bench| {
        Box::pin(async move {
            bench.s3(ACCOUNT, "local").delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
        })
    }),
    (&["policy-differs"], |bench| {
        Box::pin(async move {
            put_policy(bench, &bench.golden("abc", BUCKET).replacen("s3:ListBucket", "s3:GetBucketLocation", 1)).await;
        })
    }),
    (&["public-access-blocked"], |bench| {
        Box::pin(async move {
            let block = PublicAccessBlockConfiguration::builder().restrict_public_buckets(true).build();
            let request = bench.s3(ACCOUNT, "local").put_public_access_block().bucket(BUCKET);
            request.public_access_block_configuration(block).send().await.unwrap();
        })
    }),
    (&["acls-enabled"], |bench| {
        Box::pin(async move {
            bench.s3(ACCOUNT, "local").delete_bucket_ownership_controls().bucket(BUCKET).send().await.unwrap();
        })
    }),
    (&["marker-missing"], |bench| {
        Box::pin(async move {
            bench.s3(ACCOUNT, "local").delete_object().bucket(BUCKET).key("pub/").send().await.unwrap();
        })
    }),
    (&["user-missing", "stale-principal"], |bench| Box::pin(delete_user(bench))),
    (&["stale-principal", "stored-key-gone"], |bench| {
        Box::pin(async move {
            delete_user(bench).await;
            let tag = Tag::builder().key("OrgId").value("abc").build().unwrap();
            bench.iam().create_user().user_name(USER).tags(tag).send().await.unwrap();
            tokio::time::sleep(HOUR).await;
        })
    }),
    (&["stored-key-gone"], |bench| {
        Box::pin(async move {
            bench.iam().delete_access_key().user_name(USER).access_key_id(key_id(bench)).send().await.unwrap();
        })
    }),
    (&["stored-key-inactive"], |bench| {
        Box::pin(async move {
            let request = bench.iam().update_access_key().user_name(USER).access_key_id(key_id(bench));
            request.status(StatusType::Inactive).send().await.unwrap();
        })
    }),
    (&["secret-unreadable"], |bench| {
        Box::pin(async move {
            bench.secrets().put_secret_value().secret_id(SECRET).secret_string("by hand").send().await.unwrap();
        })
    }),
    (&["secret-scheduled-for-deletion"], |bench| {
        Box::pin(async move {
            bench.secrets().delete_secret().secret_id(SECRET).send().await.unwrap();
        })
    }),
    (&["unknown-state"], |bench| Box::pin(tag_user(bench, "OrgState", "frozen"))),
    (&["state-differs"], |bench| Box::pin(tag_user(bench, "OrgState", "suspended"))),
    (&["not-ours"], |bench| Box::pin(tag_user(bench, "OrgId", "xyz"))),
    (&["bucket-ambiguous"], |bench| {
        Box::pin(async move {
            bench.system.aws.with_world(|world| {
                let copy = world.buckets[BUCKET].clone();
                world.buckets.insert("fusion-rms-abc-copy".to_owned(), copy);
            });
        })
    }),
    (&["bucket-missing"], |bench| {
        Box::pin(async move {
            bench.system.aws.with_world(|world| drop(world.buckets.remove(BUCKET)));
        })
    }),
];

pub(crate) async fn put_policy(bench: &Bench, policy: &str) {
    bench.s3(ACCOUNT, "local").put_bucket_policy().bucket(BUCKET).policy(policy).send().await.unwrap();
}

pub(crate) async fn tag_user(bench: &Bench, key: &str, value: &str) {
    let tag = Tag::builder().key(key).value(value).build().unwrap();
    bench.iam().tag_user().user_name(USER).tags(tag).send().await.unwrap();
}

pub(crate) fn key_id(bench: &Bench) -> String {
    tests::lifecycle::keys(bench).into_iter().map(|(id, _)| id).next().unwrap()
}

async fn delete_user(bench: &Bench) {
    bench.iam().delete_access_key().user_name(USER).access_key_id(key_id(bench)).send().await.unwrap();
    bench.iam().delete_user().user_name(USER).send().await.unwrap();
}
