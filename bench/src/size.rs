//! How large the functions' deployment packages are.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::builds;
use crate::report::Row;

/// The bytes of a megabyte, as Lambda counts them for its quotas.
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// The largest package, in megabytes: two are held to less than the others, most of which have a large client for S3.
fn goal(function: &str) -> f64 {
    if ["iam-user", "secret"].contains(&function) { 2.5 } else { 3.5 }
}

/// The package of every function.
///
/// # Errors
/// When one cannot be built or compressed.
pub fn measure() -> Result<Vec<Row>, String> {
    let row = |name: &str| {
        let megabytes =
            deflated(&builds::bootstrap(name)?).map_err(|error| format!("the package of {name}: {error}"))?;
        Ok(Row::new("zip, MB", name, goal(name), megabytes))
    };
    builds::all_names().map(row).collect()
}

/// The megabytes of a package with nothing but the bootstrap. The package's own head is a few hundred bytes.
#[expect(clippy::cast_precision_loss, reason = "bytes of a file, far below 2^52")]
fn deflated(bootstrap: &Path) -> io::Result<f64> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(&std::fs::read(bootstrap)?)?;
    Ok(deflate.finish()?.len() as f64 / MEGABYTE)
}
