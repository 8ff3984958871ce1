//! A few of the policies that AWS manages, `arn:aws:iam::aws:policy/...`. The documents are what the names
//! promise for the services that are here, not AWS's to the letter.

use super::ManagedPolicy;
use crate::clock::Timestamp;
use crate::world::PARTITION;

/// 6 February 2015, when AWS brought managed policies.
const CREATED: Timestamp = Timestamp(1_423_245_600_000);

/// Name, unique id, actions that are allowed on everything.
const POLICIES: [(&str, &str, &[&str]); 4] = [
    ("AdministratorAccess", "ANPAIWMBCKSKIEE64ZLYK", &["*"]),
    ("AmazonS3ReadOnlyAccess", "ANPAIZTJ4DXE7G6AGAE6M", &["s3:Get*", "s3:List*", "s3:Describe*"]),
    ("IAMReadOnlyAccess", "ANPAJKSO7NDY4T57MWDSQ", &["iam:Get*", "iam:List*"]),
    (
        "ReadOnlyAccess",
        "ANPAILL3HVNFSB6DCOWYQ",
        // Reading a secret's value is not among them at AWS either.
        &[
            "events:Describe*",
            "events:List*",
            "events:TestEventPattern",
            "iam:Get*",
            "iam:List*",
            "s3:Describe*",
            "s3:Get*",
            "s3:List*",
            "secretsmanager:Describe*",
            "secretsmanager:List*",
            "sqs:Get*",
            "sqs:List*",
        ],
    ),
];

/// What all their ARNs begin with.
pub(super) fn prefix() -> String {
    format!("arn:{PARTITION}:iam::aws:policy/")
}

/// All of them, by name.
pub(super) fn all() -> impl Iterator<Item = ManagedPolicy> {
    POLICIES.into_iter().map(|(name, id, actions)| ManagedPolicy {
        name: name.to_owned(),
        id: id.to_owned(),
        path: "/".to_owned(),
        arn: format!("{}{name}", prefix()),
        created: CREATED,
        document: document(actions),
        ..ManagedPolicy::default()
    })
}

/// The one with this ARN.
pub(super) fn by_arn(arn: &str) -> Option<ManagedPolicy> {
    all().find(|policy| policy.arn == arn)
}

fn document(actions: &[&str]) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    })
    .to_string()
}
