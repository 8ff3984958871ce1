//! What there is: DescribeSecret, ListSecrets and ListSecretVersionIds.

mod filter;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::input::Input;
use super::rotation::Rotation;
use super::secret::{Secret, Version};
use super::{errors, named, short, tags};
use crate::clock::Timestamp;
use crate::reply::ApiError;
use crate::world::Call;
use filter::Filter;

const MOST_RESULTS: usize = 100;

/// Works for a secret that is scheduled for deletion, too, and tells the date.
pub(super) fn describe(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    Ok(details(named(call, input)?, "VersionIdsToStages"))
}

/// Secrets by the time they were made.
pub(super) fn list(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let filters = input.list("Filters")?.unwrap_or_default().iter().map(Filter::read).collect::<Result<Vec<_>, _>>()?;
    let with_deleted = input.flag("IncludePlannedDeletion")?;
    let newest_first = match input.text("SortOrder")? {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => return Err(errors::validation(format!("SortOrder must be asc or desc, not {other}"))),
    };
    if input.text("SortBy")?.is_some_and(|by| by != "created-date") {
        return Err(ApiError::not_implemented("secretsmanager", "ListSecrets with that SortBy"));
    }
    let shown = |secret: &&Secret| {
        (secret.deletion.is_none() || with_deleted && !secret.is_being_forced_out())
            && filters.iter().all(|filter| filter.matches(secret))
    };
    let mut secrets: Vec<&Secret> = call.in_region().secrets.by_name.values().filter(shown).collect();
    secrets.sort_by_key(|secret| secret.created);
    if newest_first {
        secrets.reverse();
    }
    let (page, next) = page(input, &secrets, |secret| &secret.name)?;
    let page: Vec<Value> = page.iter().map(|secret| details(secret, "SecretVersionsToStages")).collect();
    Ok(paged(json!({ "SecretList": page }), next))
}

/// Versions in the order made; deprecated ones only on demand.
pub(super) fn list_versions(call: &mut Call<'_>, input: &Input<'_>) -> Result<Value, ApiError> {
    let with_deprecated = input.flag("IncludeDeprecated")?;
    let secret = named(call, input)?;
    let shown: Vec<&Version> =
        secret.versions.iter().filter(|version| with_deprecated || !version.labels.is_empty()).collect();
    let (page, next) = page(input, &shown, |version| &version.id)?;
    let key = secret.kms_key_id.as_deref().unwrap_or("DefaultEncryptionKey");
    let mut body = short(secret);
    body["Versions"] = page.iter().map(|version| version_entry(version, key)).collect();
    Ok(paged(body, next))
}

fn details(secret: &Secret, labels_field: &str) -> Value {
    let date = |time: Timestamp| json!(time.epoch_seconds());
    // A version without labels is deprecated, and not shown.
    let labels: Map<String, Value> = secret
        .versions
        .iter()
        .filter(|version| !version.labels.is_empty())
        .map(|version| (version.id.clone(), json!(version.labels)))
        .collect();
    let rotation = secret.rotation.as_ref();
    let fields = [
        ("ARN", Some(json!(secret.arn))),
        ("Name", Some(json!(secret.name))),
        ("Description", secret.description.as_ref().map(|text| json!(text))),
        ("KmsKeyId", secret.kms_key_id.as_ref().map(|key| json!(key))),
        ("Tags", secret.tags.as_deref().map(tags::written)),
        ("CreatedDate", Some(date(secret.created))),
        ("RotationEnabled", rotation.map(|rotation| json!(rotation.enabled))),
        ("RotationLambdaARN", rotation.map(|rotation| json!(rotation.function_arn))),
        ("RotationRules", rotation.filter(|rotation| rotation.enabled).map(|rotation| rotation.rules.clone())),
        ("LastRotatedDate", rotation.and_then(Rotation::last_shown).map(date)),
        ("NextRotationDate", rotation.and_then(Rotation::next_shown).map(date)),
        ("LastChangedDate", Some(date(secret.changed))),
        ("LastAccessedDate", secret.accessed.map(date)),
        ("DeletedDate", secret.deletion.map(|deletion| date(deletion.at))),
        (labels_field, (!labels.is_empty()).then_some(Value::Object(labels))),
    ];
    present(fields)
}

fn version_entry(version: &Version, key: &str) -> Value {
    present([
        ("VersionId", Some(json!(version.id))),
        ("VersionStages", (!version.labels.is_empty()).then(|| json!(version.labels))),
        ("CreatedDate", Some(json!(version.created.epoch_seconds()))),
        ("LastAccessedDate", version.accessed.map(|day| json!(day.epoch_seconds()))),
        ("KmsKeyIds", Some(json!([key]))),
    ])
}

/// The fields that have a value: AWS leaves the others out.
fn present<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect())
}

/// The next page of `all`, and the token for the one after it: the last id that was shown.
fn page<'l, T>(
    input: &Input<'_>,
    all: &'l [T],
    id: impl Fn(&T) -> &str,
) -> Result<(&'l [T], Option<String>), ApiError> {
    let most = match input.number("MaxResults")?.map(usize::try_from) {
        None => MOST_RESULTS,
        Some(Ok(most @ 1..=MOST_RESULTS)) => most,
        Some(_) => return Err(errors::validation("MaxResults must be between 1 and 100")),
    };
    let rest = match input.sized("NextToken", 1, 4096)? {
        None => all,
        Some(token) => {
            let invalid = || errors::error("InvalidNextTokenException", "The NextToken value is invalid.");
            let last = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
            let position = all.iter().position(|item| id(item).as_bytes() == last).ok_or_else(invalid)?;
            all.get(position + 1..).unwrap_or_default()
        }
    };
    match rest.split_at_checked(most) {
        Some((page, more)) if !more.is_empty() => Ok((page, page.last().map(|last| URL_SAFE_NO_PAD.encode(id(last))))),
        _ => Ok((rest, None)),
    }
}

fn paged(mut body: Value, next: Option<String>) -> Value {
    if let Some(token) = next {
        body["NextToken"] = json!(token);
    }
    body
}
