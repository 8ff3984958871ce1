//! `orgctl reconcile` against `orgctl local serve`.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed assumption is a failed test, in helpers too"
)]

mod common;

use common::{Serve, json_lines, on_a_runtime, provision, stderr, stdout};
use serde_json::json;

#[test]
fn drift_is_shown_as_a_table_and_as_json_and_the_exit_code_tells() {
    let serve = Serve::start(&[]);
    on_a_runtime(provision(&serve, &["acme", "beta"]));
    let calm = serve.orgctl(&["reconcile", "--org", "acme"]);
    assert_eq!((stdout(&calm), calm.status.code()), ("acme: active, in order\n", Some(0)), "{}", stderr(&calm));

    let secret = on_a_runtime(async {
        let iam = aws_sdk_iam::Client::new(&serve.admin());
        iam.create_login_profile().user_name("rms_acme").password("Correct-Horse-1").send().await.unwrap();
        let secrets = aws_sdk_secretsmanager::Client::new(&serve.admin());
        let value = secrets.get_secret_value().secret_id("fusion-rms/acme/aws").send().await.unwrap();
        let value: serde_json::Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
        value["secretAccessKey"].as_str().unwrap().to_owned()
    });
    let found = serve.orgctl(&["reconcile", "--org", "acme"]);
    assert_eq!(found.status.code(), Some(3));
    for said in ["acme: active, 1 finding", "console-password", "user rms_acme", "person"] {
        assert!(stdout(&found).contains(said), "{said}: {}", stdout(&found));
    }
    let all = serve.orgctl(&["reconcile", "--all", "--json"]);
    assert_eq!(all.status.code(), Some(3), "{}", stderr(&all));
    let lines = json_lines(&all);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["findings"][0]["code"], "console-password");
    assert_eq!(lines[1], json!({ "organization": "beta", "state": "active", "findings": [] }));
    let counts = json!({ "inOrder": 1, "drifted": 1, "unknown": 0 });
    assert_eq!(lines[2]["summary"], json!({ "organizations": 2, "counts": counts }));
    for output in [&found, &all] {
        assert!(!stdout(output).contains(&secret) && !stderr(output).contains(&secret), "no secret is shown");
    }
    let nobody = serve.orgctl(&["reconcile", "--org", "nobody"]);
    assert_eq!(nobody.status.code(), Some(3));
    assert!(stdout(&nobody).contains("nothing-there"), "{}", stdout(&nobody));
}
