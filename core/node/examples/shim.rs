//! The exec shim as a program of its own, for tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    mops_node::daemon_main()
}
