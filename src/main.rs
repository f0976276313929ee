//! The binary: parse the command line, run it, exit code. All else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A child that opens documents: before anything else is opened, parsed or started.
    if std::env::args().nth(1).as_deref() == Some(navette::sandbox::SUBCOMMAND) {
        return navette::sandbox::child_main();
    }
    navette::cli::main()
}
