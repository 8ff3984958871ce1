//! The built function as a process behind a Lambda Runtime API.

#[test]
fn the_built_function_does_its_work_as_a_process() {
    tests::bootstrap::check_rotation(env!("CARGO_BIN_EXE_rotate"));
}
