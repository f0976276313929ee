use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(navette::sandbox::SUBCOMMAND) {
        return navette::sandbox::child_main();
    }
    ExitCode::SUCCESS
}
