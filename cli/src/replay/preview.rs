//! What a replay would do, organization by organization, before anything is sent.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use contract::{OrgCreated, Request};
use futures_util::StreamExt;
use serde_json::json;

use crate::connection::Connection;
use crate::exit::{DIFFERENCES, FAILED, Problem, written};
use crate::forecast::{Previews, Verdict};
use crate::plan;

/// Organizations that are looked at at the same time.
const CONCURRENCY: usize = 8;

/// Shows for each request what provisioning would do now; the same request is looked at once.
///
/// # Errors
/// When the output cannot be written.
pub(super) async fn show(
    connection: &Connection,
    requests: Vec<Request<OrgCreated>>,
    unreadable: usize,
    json: bool,
) -> Result<ExitCode, Problem> {
    let requests: BTreeMap<String, Request<OrgCreated>> =
        requests.into_iter().map(|request| (request.request_id.clone(), request)).collect();
    let previews = Previews::new(connection);
    let looks = futures_util::stream::iter(requests.into_values())
        .map(async |request| previews.of(&request.command.org_id, &request.detail).await);
    let mut looks = std::pin::pin!(looks.buffered(CONCURRENCY));
    let (mut out, mut forecasts, mut worst) = (anstream::stdout(), Vec::new(), Verdict::Nothing);
    while let Some(forecast) = looks.next().await {
        worst = worst.max(forecast.verdict);
        if json {
            forecasts.push(forecast);
        } else {
            written(plan::print(&mut out, &forecast))?;
        }
    }
    if json {
        written(writeln!(out, "{}", json!({ "forecasts": forecasts, "unreadable": unreadable })))?;
    } else if unreadable > 0 {
        written(writeln!(out, "{unreadable} cannot be read, and would be refused again"))?;
    }
    Ok(match worst {
        Verdict::Unknown => ExitCode::from(FAILED),
        Verdict::Nothing if unreadable == 0 => ExitCode::SUCCESS,
        _ => ExitCode::from(DIFFERENCES),
    })
}
