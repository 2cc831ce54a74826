#[lifecycle::main]
fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
