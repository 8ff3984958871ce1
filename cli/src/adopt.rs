//! `orgctl adopt`: finds what was made for an organization by somebody else, shows what would be changed, and has it
//! adopted. Values of secrets are read by the preview only, and not shown.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use aws::buckets::{self, Seeker};
use aws::users;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretError;
use contract::{Adoptees, Command, OrgAdoptionRequested, OrgCreated, StepError};
use futures_util::future::try_join3;
use org::{BucketName, Environment, OrgId};
use serde_json::{Value, json};

use crate::args::AdoptArguments;
use crate::confirm::{can_confirm, confirmed};
use crate::connection::{Connection, block_on};
use crate::exit::{DIFFERENCES, Problem, written};
use crate::forecast::{self, Previews, Verdict};
use crate::plan::exit_code;
use crate::replay::rules;
use crate::submit::check::{Order, order};
use crate::submit::{planned, send_again};
use crate::terminal::{plain, quoted};

/// Between two looks at whether it is adopted.
const PAUSE: Duration = Duration::from_secs(2);
/// Events in a second: there are two at most.
const RATE: u32 = 10;

/// Runs the command.
///
/// # Errors
/// When AWS cannot be asked, or an event was not sent.
pub fn run(arguments: &AdoptArguments) -> Result<ExitCode, Problem> {
    block_on(async {
        if !arguments.plan {
            can_confirm(arguments.yes)?;
        }
        let connection = Connection::open(&arguments.connection).await?;
        let (org, environment) = (&arguments.org, Some(arguments.environment));
        let Some(detail) = detail(&connection, org, environment, arguments.bucket.as_deref()).await? else {
            return nothing_there(org, arguments.json);
        };
        let adoption = [ordered(&connection, detail, OrgAdoptionRequested::DETAIL_TYPE)?];
        let verdict = planned::show(&connection, &adoption, arguments.json, true).await?;
        if arguments.plan || !matches!(verdict, Verdict::Nothing | Verdict::Repair) {
            return Ok(exit_code(verdict));
        }
        if verdict == Verdict::Repair {
            let sent = send(arguments, &connection, &adoption, &format!("Adopt what organization {org} has?")).await?;
            if !arguments.then_provision || sent != ExitCode::SUCCESS {
                return Ok(sent);
            }
        }
        if arguments.then_provision {
            return provision(arguments, &connection, &adoption).await;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The command's detail, which names what there is; none if there is nothing.
///
/// # Errors
/// When AWS cannot be asked, or no bucket of the organization has this name.
pub(crate) async fn detail(
    connection: &Connection,
    org: &OrgId,
    environment: Option<Environment>,
    bucket: Option<&str>,
) -> Result<Option<Value>, Problem> {
    let conventions = &connection.settings().deployment.conventions;
    let bucket = bucket.map(|name| {
        let wrong = |why| Problem::Usage(format!("bucket {} cannot be {org}'s: {why}", quoted(name)));
        conventions.existing_bucket_name(org, name).map_err(wrong)
    });
    let found = look(connection, org, bucket.transpose()?).await?;
    if found == Adoptees::default() {
        return Ok(None);
    }
    let mut detail = forecast::detail(org, connection.account_class(), environment, None);
    if let Some(fields) = detail.as_object_mut() {
        fields.insert("adopt".to_owned(), json!(found));
    }
    Ok(Some(detail))
}

/// Says that there is nothing to adopt.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn nothing_there(org: &OrgId, json: bool) -> Result<ExitCode, Problem> {
    let said = "there is no user, no bucket and no secret with its names; orgctl submit signs it up";
    let mut out = anstream::stdout();
    if json {
        written(writeln!(out, "{}", json!({ "organization": org, "error": { "message": said } })))?;
    } else {
        written(writeln!(out, "{org}: {said}"))?;
    }
    Ok(ExitCode::from(DIFFERENCES))
}

/// What has the organization's names, whosever it is: the preview judges.
async fn look(connection: &Connection, org: &OrgId, bucket: Option<BucketName>) -> Result<Adoptees, Problem> {
    let conventions = &connection.settings().deployment.conventions;
    let failed = |error: StepError| Problem::Failed(plain(&error.to_string()));
    let (iam, s3) = (aws_sdk_iam::Client::new(&connection.sdk), aws::s3(&connection.sdk));
    let secrets = aws_sdk_secretsmanager::Client::new(&connection.sdk);
    let (user_name, secret_name) = (conventions.user_name(org), conventions.secret_name(org));
    let seeker = Seeker::of_org(&s3, conventions, &connection.place, org);
    let (user, secret, search) = try_join3(
        async { users::find(&iam, &user_name).await.map_err(failed) },
        async {
            match secrets.describe_secret().secret_id(&secret_name).send().await {
                Ok(described) => Ok(described.arn),
                Err(error)
                    if error.as_service_error().is_some_and(DescribeSecretError::is_resource_not_found_exception) =>
                {
                    Ok(None)
                }
                Err(error) => Err(Problem::call("DescribeSecret", &format!("secret {secret_name}"), error)),
            }
        },
        async { buckets::search(seeker, async |_| Ok(())).await.map_err(failed) },
    )
    .await?;
    let ours = search.here().first().map(|bucket| &bucket.name);
    let standard = ours.or(search.not_ours().map(|(name, _)| name));
    let bucket = bucket.or_else(|| standard.cloned()).map(|name| name.to_string());
    Ok(Adoptees { user_arn: user.map(|user| user.arn), bucket, secret_arn: secret })
}

fn ordered(connection: &Connection, detail: Value, command: &'static str) -> Result<Order, Problem> {
    let source = connection.settings().allowed_sources.first().cloned().unwrap_or_default();
    order(detail, None, 0, &rules(connection, &source, command)).map_err(Problem::Usage)
}

async fn send(
    arguments: &AdoptArguments,
    connection: &Connection,
    orders: &[Order],
    question: &str,
) -> Result<ExitCode, Problem> {
    if !confirmed(question, arguments.yes)? {
        return Err(Problem::Failed("not confirmed; nothing was sent".to_owned()));
    }
    send_again(connection, orders, RATE, 0, arguments.json).await
}

/// Once there is nothing left to adopt, since a sign-up that meets something without the tag refuses for good.
async fn provision(
    arguments: &AdoptArguments,
    connection: &Connection,
    adoption: &[Order],
) -> Result<ExitCode, Problem> {
    let org = &arguments.org;
    let previews = Previews::new(connection);
    let adopted = async {
        let [adoption] = adoption else { return };
        let detail: Value = serde_json::from_str(&adoption.entry.detail).unwrap_or_default();
        // Until the timeout around it.
        while previews.of_command(org, OrgAdoptionRequested::DETAIL_TYPE, &detail).await.verdict != Verdict::Nothing {
            tokio::time::sleep(PAUSE).await;
        }
    };
    if tokio::time::timeout(arguments.timeout, adopted).await.is_err() {
        let waited = humantime::format_duration(arguments.timeout);
        return Err(Problem::Failed(format!(
            "organization {org} is not adopted after {waited}; orgctl status --org {org} shows what it is stuck at"
        )));
    }
    let detail = forecast::detail(org, connection.account_class(), Some(arguments.environment), None);
    let orders = [ordered(connection, detail, OrgCreated::DETAIL_TYPE)?];
    match planned::show(connection, &orders, arguments.json, true).await? {
        verdict @ (Verdict::Conflict | Verdict::Unknown) => Ok(exit_code(verdict)),
        Verdict::Nothing => Ok(ExitCode::SUCCESS),
        Verdict::Wait | Verdict::Repair | Verdict::Create => {
            send(arguments, connection, &orders, &format!("Provision organization {org}?")).await
        }
    }
}
