//! The built function as a process behind a Lambda Runtime API.

use contract::Step;

#[test]
fn the_built_function_does_its_work_as_a_process() {
    let detail = serde_json::json!({ "sweep": "2026-11-30T06:00:00Z", "capacity": { "secrets": 1 } });
    tests::bootstrap::check_looking(sweep::Sweep::SPEC, env!("CARGO_BIN_EXE_sweep"), &detail);
}
