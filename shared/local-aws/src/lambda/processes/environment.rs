//! The variables of a function's process (Lambda guide, "Defined runtime environment variables").

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use super::ProcessOptions;

/// The whole environment of a process. Those that the options give win over Lambda's, but for the address of the
/// Runtime API.
pub(super) fn variables(
    options: &ProcessOptions,
    task_root: &Path,
    function_arn: &str,
    runtime_api: SocketAddr,
) -> BTreeMap<String, OsString> {
    let region = function_arn.split(':').nth(3).unwrap_or_default();
    let log_group = format!("/aws/lambda/{}", options.name);
    let fixed: [(&str, OsString); 15] = [
        ("AWS_DEFAULT_REGION", region.into()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".into()),
        ("AWS_LAMBDA_FUNCTION_NAME", options.name.as_str().into()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
        ("AWS_LAMBDA_LOG_FORMAT", "Text".into()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", log_group.into()),
        // The port makes it another stream for each process, as it is on AWS.
        ("AWS_LAMBDA_LOG_STREAM_NAME", format!("[$LATEST]{:032x}", runtime_api.port()).into()),
        ("AWS_REGION", region.into()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".into()),
        ("LAMBDA_TASK_ROOT", task_root.into()),
        ("LANG", "en_US.UTF-8".into()),
        ("PATH", std::env::var_os("PATH").unwrap_or_default()),
        ("TZ", ":UTC".into()),
        ("_HANDLER", "bootstrap".into()),
    ];
    let mut variables: BTreeMap<String, OsString> =
        fixed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    variables.extend(options.environment.iter().map(|(name, value)| (name.clone(), value.into())));
    variables.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), runtime_api.to_string().into());
    variables
}
