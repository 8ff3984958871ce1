//! `orgctl reconcile`: what is not as it should be, of one organization or of all, by the same look and the same judgement
//! as the function's. It reads AWS and writes nothing: what sign-up can mend, `orgctl submit` has it mend.

use std::io::Write;
use std::process::ExitCode;

use ::reconcile::{Inspector, Judged};
use aws::Clients;
use comfy_table::Table;
use contract::StepError;
use org::OrgId;
use serde_json::{Value, json};

use crate::args::ReconcileArguments;
use crate::connection::{Connection, block_on};
use crate::exit::{DIFFERENCES, FAILED, Problem, written};
use crate::sweep::sweep;
use crate::terminal::{plain, table};

/// How many organizations ended in which way.
#[derive(Clone, Copy, Default)]
struct Counts {
    in_order: usize,
    drifted: usize,
    unknown: usize,
}

/// Runs the command.
///
/// # Errors
/// When AWS cannot be asked.
pub fn run(arguments: &ReconcileArguments) -> Result<ExitCode, Problem> {
    block_on(async {
        let connection = Connection::open(&arguments.connection).await?;
        let inspector = Inspector::new(&Clients::new(connection.sdk.clone()), connection.settings());
        let look = async |org: OrgId| look(&inspector, &connection, &org).await;
        let (mut counts, mut out) = (Counts::default(), anstream::stdout());
        if let Some(org) = &arguments.selection.org {
            let looked = look(org.clone()).await;
            counts.add(&looked);
            show(&mut out, arguments.json, org, &looked, true)?;
            return Ok(counts.exit_code());
        }
        let swept = sweep(&connection, &arguments.selection, look, |org, looked| {
            counts.add(&looked);
            show(&mut out, arguments.json, org, &looked, false)
        })
        .await?;
        summarize(&mut out, arguments.json, swept.done, counts)?;
        swept.require_whole("reconcile")?;
        Ok(counts.exit_code())
    })
}

async fn look(inspector: &Inspector, connection: &Connection, org: &OrgId) -> Result<Judged, StepError> {
    let seen = inspector.look(&connection.place, org).await?;
    inspector.findings(&connection.place, org, &seen)
}

impl Counts {
    fn add(&mut self, looked: &Result<Judged, StepError>) {
        match looked {
            Ok(judged) if judged.findings.is_empty() => self.in_order += 1,
            Ok(_) => self.drifted += 1,
            Err(_) => self.unknown += 1,
        }
    }

    /// What could not be looked at weighs more than what is known to be wrong.
    fn exit_code(self) -> ExitCode {
        match self {
            Self { unknown: 1.., .. } => ExitCode::from(FAILED),
            Self { drifted: 1.., .. } => ExitCode::from(DIFFERENCES),
            Self { .. } => ExitCode::SUCCESS,
        }
    }
}

/// One organization; `always` is whether one in order is shown too.
fn show(
    out: &mut impl Write,
    as_json: bool,
    org: &OrgId,
    looked: &Result<Judged, StepError>,
    always: bool,
) -> Result<(), Problem> {
    if as_json {
        return written(writeln!(out, "{}", document(org, looked)));
    }
    let shown = match looked {
        Ok(judged) if judged.findings.is_empty() && !always => return Ok(()),
        Ok(judged) if judged.findings.is_empty() => writeln!(out, "{org}: {}, in order", judged.state.as_str()),
        Ok(judged) => writeln!(out, "{org}: {}, {}\n{}", judged.state.as_str(), number(judged), rows(judged)),
        Err(error) => writeln!(out, "{org}: could not be looked at: {}: {}", error.code(), plain(&error.to_string())),
    };
    written(shown)
}

fn number(judged: &Judged) -> String {
    match judged.findings.len() {
        1 => "1 finding".to_owned(),
        more => format!("{more} findings"),
    }
}

fn rows(judged: &Judged) -> Table {
    let mut table = table(["finding", "resource", "what", "repair"]);
    for finding in &judged.findings {
        let (resource, message) = (plain(&finding.resource), plain(&finding.message));
        table.add_row([finding.code.as_str(), resource.as_str(), message.as_str(), finding.repair.as_str()]);
    }
    table
}

fn document(org: &OrgId, looked: &Result<Judged, StepError>) -> Value {
    match looked {
        Ok(Judged { state, findings }) => {
            json!({ "organization": org, "state": state.as_str(), "findings": findings })
        }
        Err(error) => json!({ "organization": org, "error": contract::FailureDetail::from(error) }),
    }
}

fn summarize(out: &mut impl Write, as_json: bool, organizations: usize, counts: Counts) -> Result<(), Problem> {
    let Counts { in_order, drifted, unknown } = counts;
    written(if as_json {
        let counts = json!({ "inOrder": in_order, "drifted": drifted, "unknown": unknown });
        writeln!(out, "{}", json!({ "summary": { "organizations": organizations, "counts": counts } }))
    } else {
        writeln!(out, "{organizations} organizations: {in_order} in order, {drifted} drifted, {unknown} not looked at")
    })
}
