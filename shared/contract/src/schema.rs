//! JSON Schemas of everything on the wire, generated from the types so that they cannot drift.

use org::{Environment, OrgId};
use schemars::{Schema, schema_for};
use serde_json::json;

use crate::event::{Completed, Failed};
use crate::org_created::OrgSubject;

/// Every schema with the name of its file in `events/schemas`.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("org-created.json", org_created()),
        ("step-completed.json", schema_for!(Completed<OrgSubject>)),
        ("org-provisioning-failed.json", schema_for!(Failed<OrgSubject>)),
    ]
}

/// `OrgCreated` is read by hand, for the sake of its messages; its schema is built from the same constants.
fn org_created() -> Schema {
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "OrgCreated",
        "description": "The detail of an OrgCreated event. Fields beside these are tolerated and carried along.",
        "type": "object",
        "required": ["orgId", "environment"],
        "properties": {
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
            "bucketName": {
                "description": "A bucket name instead of fusion-rms-<orgId>: it must be that or start with it and a hyphen.",
                "type": ["string", "null"],
                "maxLength": 63,
            },
            "correlationId": {
                "description": "The caller's id for this request; without one, an id is derived from the request.",
                "type": ["string", "null"],
                "pattern": "^[!-~]{1,128}$",
            },
        },
    })
}
