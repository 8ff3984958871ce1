//! `--plan` of `orgctl submit` and `orgctl replay`: what provisioning would do for each organization, with nothing sent.

use std::collections::BTreeMap;
use std::io::Write;

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::check::Order;
use crate::connection::Connection;
use crate::exit::{Problem, written};
use crate::forecast::{Previews, Verdict};
use crate::plan::{print, summarize};
use crate::sweep::progress_bar;

/// Organizations that are looked at at the same time.
const CONCURRENCY: usize = 8;

/// Shows every order's forecast, in order; of a file's only those that are not in order already, and a summary. Gives
/// the worst of them.
///
/// # Errors
/// When the output cannot be written.
pub(crate) async fn show(
    connection: &Connection,
    orders: &[Order],
    json: bool,
    single: bool,
) -> Result<Verdict, Problem> {
    let previews = Previews::new(connection);
    let bar = progress_bar(if single { 0 } else { orders.len() }, "organizations");
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut out = anstream::stdout();
    let looks = futures_util::stream::iter(orders).map(async |order: &Order| {
        // It was checked to be JSON.
        let detail: Value = serde_json::from_str(&order.entry.detail).unwrap_or_default();
        previews.of_command(&order.org, &order.entry.detail_type, &detail).await
    });
    let mut forecasts = std::pin::pin!(looks.buffered(CONCURRENCY));
    while let Some(forecast) = forecasts.next().await {
        *counts.entry(forecast.verdict).or_default() += 1;
        let shown = bar.suspend(|| {
            if json {
                writeln!(out, "{}", json!(forecast))
            } else if forecast.verdict == Verdict::Nothing && !single {
                Ok(())
            } else {
                print(&mut out, &forecast)
            }
        });
        written(shown)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    if !single {
        written(summarize(&mut out, json, orders.len(), &counts))?;
    }
    Ok(counts.into_keys().max().unwrap_or(Verdict::Nothing))
}
