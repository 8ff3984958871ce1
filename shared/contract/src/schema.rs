//! JSON Schemas of everything on the wire, generated from the types so that they cannot drift.

use org::{Environment, OrgId};
use schemars::{Schema, schema_for};
use serde_json::{Value, json};

use crate::account_sweep::SweepSubject;
use crate::event::{Completed, Failed};
use crate::org_adoption_requested::Adoptees;
use crate::org_created::OrgSubject;
use crate::org_deleted::OrgDeleted;

/// Every schema with the name of its file in `events/schemas`.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("org-created.json", org_created()),
        ("org-suspended.json", of_org("OrgSuspended", json!({}))),
        ("org-resumed.json", of_org("OrgResumed", json!({}))),
        ("org-deleted.json", org_deleted()),
        ("org-adoption-requested.json", org_adoption_requested()),
        ("org-reconciliation-requested.json", of_org("OrgReconciliationRequested", json!({}))),
        ("step-completed.json", schema_for!(Completed<OrgSubject>)),
        ("account-swept.json", schema_for!(Completed<SweepSubject>)),
        ("org-provisioning-failed.json", schema_for!(Failed<OrgSubject>)),
    ]
}

/// Commands are read by hand, for the sake of their messages; their schemas are built from the same constants.
fn org_created() -> Schema {
    let more = json!({
        "bucketName": {
            "description": "A bucket name instead of fusion-rms-<orgId>: it must be that or start with it and a hyphen.",
            "type": ["string", "null"],
            "maxLength": 63,
        },
        "reonboard": {
            "description": "Whether an organization that was offboarded is to come back; without it, it does not.",
            "type": ["boolean", "null"],
        },
    });
    of_org("OrgCreated", more)
}

fn org_deleted() -> Schema {
    let days = OrgDeleted::RECOVERY_WINDOW_DAYS;
    let more = json!({
        "confirmOrgId": {
            "description": "The orgId once more. Needed for production and staging, which belong in a production account.",
            "type": ["string", "null"],
        },
        "emptyBucket": {
            "description": "Whether every object in the bucket is deleted, with all its versions. That cannot be taken back.",
            "type": ["boolean", "null"],
        },
        "recoveryWindowDays": {
            "description": "How many days the secret can be restored; without it, what the deployment says.",
            "type": ["integer", "null"],
            "minimum": days.start(),
            "maximum": days.end(),
        },
    });
    let mut schema = of_org("OrgDeleted", more);
    schema.insert("if".to_owned(), json!({ "properties": { "environment": { "enum": ["production", "staging"] } } }));
    schema.insert(
        "then".to_owned(),
        json!({ "required": ["confirmOrgId"], "properties": { "confirmOrgId": { "type": "string" } } }),
    );
    schema
}

fn org_adoption_requested() -> Schema {
    let descriptions = [
        "The ARN of the user, which must have the organization's name.",
        "The name of the bucket, which must be one that the organization's bucket can have.",
        "The ARN of the secret, which must have the organization's name.",
    ];
    let field = |(field, description): (&str, &str)| {
        let most = Adoptees::MOST_CHARACTERS;
        let schema =
            json!({ "description": description, "type": ["string", "null"], "minLength": 1, "maxLength": most });
        (field.to_owned(), schema)
    };
    let fields: Value = Value::Object(Adoptees::FIELDS.into_iter().zip(descriptions).map(field).collect());
    let named =
        Adoptees::FIELDS.map(|field| json!({ "required": [field], "properties": { field: { "type": "string" } } }));
    let more = json!({
        "adopt": {
            "description": "What is to be adopted, one at least. What is not named is not tagged.",
            "type": "object",
            "properties": fields,
            "additionalProperties": false,
            "anyOf": named,
        },
    });
    let mut schema = of_org("OrgAdoptionRequested", more);
    schema.insert("required".to_owned(), json!(["orgId", "environment", "adopt"]));
    schema
}

/// The schema of a command about an organization: what all of them have, and `more`.
fn of_org(detail_type: &str, more: Value) -> Schema {
    let mut properties = json!({
        "orgId": {
            "description": "The organization's id, from which every name is derived.",
            "type": "string",
            "pattern": "^[a-z][a-z0-9]*$",
            "maxLength": OrgId::MAX_LENGTH,
        },
        "environment": {
            "description": "production and staging belong in a production account, the others do not.",
            "enum": json!(Environment::ALL.map(Environment::as_str)),
        },
        "correlationId": {
            "description": "The caller's id for this request; without one, an id is derived from the request.",
            "type": ["string", "null"],
            "pattern": "^[!-~]{1,128}$",
        },
    });
    if let (Some(properties), Value::Object(more)) = (properties.as_object_mut(), more) {
        properties.extend(more);
    }
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": detail_type,
        "description": format!("The detail of an {detail_type} event. Fields beside these are tolerated and carried along."),
        "type": "object",
        "required": ["orgId", "environment"],
        "properties": properties,
    })
}
