//! The supervisor and the exec shim as a program of its own, for tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("__supervise") => mops_local::supervise_main(),
        Some("__daemon") => mops_node::daemon_main(),
        _ => ExitCode::from(2),
    }
}
