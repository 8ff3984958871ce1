//! `orgctl rotate`: has Secrets Manager rotate an organization's access key now. Values of secrets are not read here.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use aws::users::{self, AccessKey};
use aws::{AwsError, ServerDate};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::{DescribeSecretError, DescribeSecretOutput};
use aws_sdk_secretsmanager::operation::rotate_secret::RotateSecretError;
use aws_sdk_secretsmanager::types::RotationRulesType;
use contract::{ErrorCode, StepError};
use futures_util::future::try_join3;
use serde_json::json;

use crate::args::RotateArguments;
use crate::connection::{Connection, block_on};
use crate::exit::{DIFFERENCES, FAILED, Problem, written};
use crate::terminal::plain;

const AWSCURRENT: &str = "AWSCURRENT";
const AWSPENDING: &str = "AWSPENDING";
const AWSPREVIOUS: &str = "AWSPREVIOUS";
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs the command.
///
/// # Errors
/// When AWS cannot be asked, or does not begin the rotation.
pub fn run(arguments: &RotateArguments) -> Result<ExitCode, Problem> {
    block_on(async {
        let connection = Connection::open(&arguments.connection).await?;
        let client = Client::new(&connection.sdk);
        let described = match look(&connection, &client, arguments).await? {
            Ok(described) => described,
            Err(refused) => {
                say(arguments, "refused", None, &refused.to_string())?;
                return Ok(ExitCode::from(DIFFERENCES));
            }
        };
        let token = begin(&connection, &client, arguments, &described).await?;
        if !arguments.wait {
            say(arguments, "begun", Some(&token), "the rotation has begun")?;
            return Ok(ExitCode::SUCCESS);
        }
        if until_current(&client, &secret_name(&connection, arguments), &token, arguments.timeout).await? {
            say(arguments, "done", Some(&token), "the new access key is current")?;
            return Ok(ExitCode::SUCCESS);
        }
        say(
            arguments,
            "not-done",
            Some(&token),
            "the new access key is not current yet; see the log of the rotation function",
        )?;
        Ok(ExitCode::from(FAILED))
    })
}

fn secret_name(connection: &Connection, arguments: &RotateArguments) -> String {
    connection.settings().deployment.conventions.secret_name(&arguments.org)
}

/// The secret as it is described, or why a rotation would not come to its end: what the function would refuse is not begun,
/// for a rotation that was begun keeps the next one from beginning.
async fn look(
    connection: &Connection,
    client: &Client,
    arguments: &RotateArguments,
) -> Result<Result<DescribeSecretOutput, StepError>, Problem> {
    let conventions = &connection.settings().deployment.conventions;
    let (user_name, secret_name) = (conventions.user_name(&arguments.org), secret_name(connection, arguments));
    let iam = aws_sdk_iam::Client::new(&connection.sdk);
    let date = ServerDate::default();
    let failed = |error: StepError| Problem::Failed(plain(&error.to_string()));
    let (user, keys, described) = try_join3(
        async { users::find(&iam, &user_name).await.map_err(failed) },
        async { users::access_keys(&iam, &user_name, &date).await.map_err(failed) },
        describe(client, &secret_name),
    )
    .await?;
    let judged = users::require(user.as_ref(), &user_name, conventions, &arguments.org);
    Ok(judged.and_then(|_| {
        let current_for = described.as_ref().and_then(|described| Some(date.age_of(described.last_rotated_date()?)));
        let due = current_for.is_some_and(|age| age > 2 * connection.settings().key_overlap);
        let ours = (conventions.tag_key(), arguments.org.as_str());
        judge(described, &keys, due, &secret_name, &user_name, ours)
    }))
}

async fn describe(client: &Client, name: &str) -> Result<Option<DescribeSecretOutput>, Problem> {
    match client.describe_secret().secret_id(name).send().await {
        Ok(described) => Ok(Some(described)),
        Err(error) if error.as_service_error().is_some_and(DescribeSecretError::is_resource_not_found_exception) => {
            Ok(None)
        }
        Err(error) => Err(Problem::call("DescribeSecret", &format!("secret {name}"), error)),
    }
}

/// `due` is whether the old key of the last rotation, if it is still there, is to be deleted by now: the next rotation does
/// that before it makes its own.
fn judge(
    described: Option<DescribeSecretOutput>,
    keys: &[AccessKey],
    due: bool,
    name: &str,
    user: &str,
    (tag_key, org): (&str, &str),
) -> Result<DescribeSecretOutput, StepError> {
    let resource = format!("secret {name}");
    let refuse = |code, message: &str| Err(StepError::new(code, resource.clone(), message));
    let Some(described) = described else {
        return refuse(ErrorCode::Waiting, "is not there; send OrgCreated for the organization");
    };
    let ours = described.tags().iter().any(|tag| tag.key() == Some(tag_key) && tag.value() == Some(org));
    if !ours {
        return refuse(ErrorCode::NotOurs, &format!("has no tag {tag_key}={org}"));
    }
    if described.deleted_date().is_some() {
        return refuse(ErrorCode::SecretScheduledForDeletion, "is scheduled for deletion");
    }
    if under_way(&described) {
        // RotateSecret would answer with an error, and have it tried again: that is what is wanted.
        return Ok(described);
    }
    if keys.len() > 1 && !(due && labelled(&described, AWSPREVIOUS)) {
        let message = "has two access keys: the old one of a rotation is not deleted yet, or one is not ours; see docs/rotation.md";
        return Err(StepError::new(ErrorCode::InProgress, users::resource(user), message));
    }
    Ok(described)
}

/// Whether a version carries this label.
fn labelled(described: &DescribeSecretOutput, label: &str) -> bool {
    described.version_ids_to_stages().into_iter().flatten().any(|(_, stages)| has(stages, label))
}

/// Whether a version is AWSPENDING and not current.
fn under_way(described: &DescribeSecretOutput) -> bool {
    let stages = described.version_ids_to_stages().into_iter().flatten();
    stages.map(|(_, stages)| stages).any(|stages| has(stages, AWSPENDING) && !has(stages, AWSCURRENT))
}

fn has(stages: &[String], label: &str) -> bool {
    stages.iter().any(|stage| stage == label)
}

/// Begins a rotation, or has the one that is under way tried again; answers its token.
async fn begin(
    connection: &Connection,
    client: &Client,
    arguments: &RotateArguments,
    described: &DescribeSecretOutput,
) -> Result<String, Problem> {
    let name = secret_name(connection, arguments);
    let mut request = client.rotate_secret().secret_id(&name);
    if described.rotation_enabled() != Some(true) || described.rotation_lambda_arn().is_none() {
        let place = &connection.place;
        let rules = RotationRulesType::builder().automatically_after_days(arguments.days.into()).build();
        let function = format!(
            "arn:{}:lambda:{}:{}:function:{}",
            place.partition, place.region, place.account, arguments.function
        );
        request = request.rotation_lambda_arn(function).rotation_rules(rules);
    }
    match request.send().await {
        Ok(answer) => Ok(answer.version_id.unwrap_or_default()),
        Err(error) => {
            let pending = described.version_ids_to_stages().into_iter().flatten();
            let pending = pending.filter(|(_, stages)| has(stages, AWSPENDING)).map(|(id, _)| id.clone()).next();
            match pending.filter(|_| under_way(described)) {
                Some(token)
                    if error.as_service_error().is_some_and(RotateSecretError::is_invalid_request_exception) =>
                {
                    Ok(token)
                }
                _ => {
                    let said = AwsError::of("RotateSecret", error).reason();
                    Err(Problem::Failed(format!("secret {name}: RotateSecret failed: {}", plain(&said))))
                }
            }
        }
    }
}

/// Whether the rotation's version has become current within this time.
async fn until_current(client: &Client, name: &str, token: &str, timeout: Duration) -> Result<bool, Problem> {
    let watch = async {
        loop {
            let described = describe(client, name).await?;
            let stages = described.as_ref().and_then(|described| described.version_ids_to_stages()?.get(token));
            if stages.is_some_and(|stages| has(stages, AWSCURRENT)) {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(timeout, watch).await.unwrap_or(Ok(false))
}

fn say(arguments: &RotateArguments, state: &str, token: Option<&str>, message: &str) -> Result<(), Problem> {
    let org = arguments.org.as_str();
    let mut out = anstream::stdout();
    if arguments.json {
        return written(writeln!(
            out,
            "{}",
            json!({ "organization": org, "state": state, "token": token, "message": message })
        ));
    }
    written(writeln!(out, "{org}: {}", plain(message)))
}
