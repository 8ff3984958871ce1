//! The built function as a process behind a Lambda Runtime API.

use contract::Step;

#[test]
fn the_built_function_does_its_work_as_a_process() {
    let detail = tests::command("abc");
    tests::bootstrap::check_looking(reconcile::Reconcile::SPEC, env!("CARGO_BIN_EXE_reconcile"), &detail);
}
